"""How the engine handles an engagement without knowing what one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.handover import agreed, digest
from fairlead.domain.rules.ownership import differences as find_differences
from fairlead.domain.values import Money
from fairlead.store import differences, engagements, packets
from fairlead.store.database import Tx
from fairlead.store.journal import Relation


def facts_of(engagement: Engagement) -> dict[str, str | None]:
    """By which variants, calendars and systems are chosen."""
    deal = terms(engagement)
    return {
        "region": deal.region,
        "country": deal.country,
        "contract_type": deal.contract_type,
        "service_line": deal.service_line,
        "client_tier": deal.client_tier,
        "legal_entity": deal.legal_entity,
        "source": deal.ref.system,
    }


class EngagementSubjects:
    """Fulfils `flow.calls.Subjects` for engagements."""

    def __init__(self, ownership: Ownership | None = None) -> None:
        """`ownership`: with it, what systems say differently is noted with each change."""
        self._ownership = ownership

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, Engagement]:
        return engagements.load(tx, ids, lock=lock)

    def save(self, tx: Tx, subjects: Sequence[Engagement]) -> None:
        engagements.save(tx, subjects)
        for subject in subjects:
            _keep_accepted(tx, subject)
        if self._ownership is None:
            return
        for subject in subjects:
            if subject.readings:
                found = find_differences(subject, self._ownership.fields)
                differences.note(tx, subject.id, terms(subject).region, found)

    def facts(self, subject: Engagement) -> Mapping[str, str | None]:
        return facts_of(subject)

    def title(self, subject: Engagement) -> str:
        return f"{subject.number} {subject.deal.name}"

    def at_stake(self, subject: Engagement) -> Money | None:
        return terms(subject).value

    def involved(self, subject: Engagement) -> tuple[str, ...]:
        """Who sold it, and whoever supplied a value that is now to be judged."""
        gave = {
            source.source.removeprefix("person:")
            for source in subject.provenance.values()
            if source.source.startswith("person:")
        }
        return tuple(sorted({*gave, *filter(None, [subject.deal.owner])}))

    def shown(self, subject: Engagement) -> dict[str, Any]:
        deal = terms(subject)
        return {
            "engagement": subject.number,
            "name": deal.name,
            "client": deal.client.name if deal.client else None,
            "value": deal.value.model_dump(mode="json") if deal.value else None,
            "starts_on": deal.starts_on.isoformat() if deal.starts_on else None,
            "ends_on": deal.ends_on.isoformat() if deal.ends_on else None,
            "contract": deal.contract.number if deal.contract else None,
            "project_code": subject.project_code,
            "packet": digest(subject),
            "version": subject.version,
        }

    def objects(self, subject: Engagement) -> Sequence[Relation]:
        found: list[Relation] = [(subject.id, "engagement", "engagement")]
        found.append((str(subject.deal.ref), "opportunity", "deal"))
        if subject.parent is not None:
            found.append((subject.parent, "engagement", "part of"))
        if "client" in subject.refs:
            found.append((str(subject.refs["client"]), "client", "client"))
        return found


def _keep_accepted(tx: Tx, subject: Engagement) -> None:
    """What was just accepted, so that a later change can be told from it (F017)."""
    if not subject.acceptances:
        return
    now = digest(subject)
    if any(given.digest == now for given in subject.acceptances):
        packets.put(tx, now, agreed(subject))
