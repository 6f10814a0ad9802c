"""The packet of one engagement, read from the store as one principal sees it (F017, F018)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from fairlead.capabilities.handoff.firm import Firm
from fairlead.capabilities.handoff.gates import handoff_facts
from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.capabilities.handoff.subject import facts_of
from fairlead.config import Systems
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules import packet_words as words
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.handover import accepted_by, digest
from fairlead.domain.rules.packet import (
    OpenGap,
    OpenItem,
    Packet,
    PersonOf,
    without_costs,
    without_exceptions,
)
from fairlead.domain.rules.packet_fields import PartOf, Sources
from fairlead.domain.rules.packet_sections import packet
from fairlead.domain.rules.readiness import Required
from fairlead.domain.values import Money
from fairlead.policy.tables import Policies, decide_all
from fairlead.store import packets
from fairlead.store.database import Tx
from fairlead.store.views import Scope, Views
from fairlead.trust.principals import People, Principal
from fairlead.trust.roles import Permission

#: Ports whose system a packet names.
_PORTS = ("ledger", "projects", "documents", "chat", "procurement", "contracts", "people")
#: Steps whose results a packet shows.
_STEPS = ("plan_setup", "check_capacity", "create_folder", "create_channel", "create_requisitions")


@dataclass(frozen=True)
class Packets:
    """What packets are made with. Six queries make one, whatever its size."""

    policies: Policies
    firm: Firm
    ownership: Ownership
    people: People
    systems: Systems

    def __call__(self, tx: Tx, reader: Principal, id: str, *, now: datetime) -> Packet | None:
        """By the engagement's id or number. None: there is none that this reader sees.

        Costs and exceptions that the reader may not see are withheld in place.
        """
        scope = Scope(regions=reader.regions, legal_entities=reader.legal_entities)
        row = Views(tx, scope).engagement(id)
        if row is None:
            return None
        made = packet(self._sources(tx, reader, Engagement.model_validate(row["body"]), now))
        if not reader.may(Permission.COSTS_READ):
            made = without_costs(made)
        if not reader.may(Permission.EXCEPTIONS_READ):
            made = without_exceptions(made)
        return made

    def _sources(self, tx: Tx, reader: Principal, engagement: Engagement, now: datetime) -> Sources:
        deal, names = terms(engagement), self._names()
        family = packets.family(tx, engagement.id, engagement.parent)
        seen = [
            row
            for row in family
            if reader.sees(region=row["region"], legal_entity=row["legal_entity"])
        ]
        numbers = {row["id"]: row["number"] for row in seen if row["id"] != engagement.parent}
        numbers[engagement.id] = engagement.number
        steps = packets.steps(tx, engagement.id, list(numbers), _STEPS)
        items = [
            *(_task(row, numbers, names, now) for row in packets.open_tasks(tx, list(numbers))),
            *(
                _exception(row, numbers, names, now)
                for row in packets.open_exceptions(tx, list(numbers))
            ),
            *(_wait(row, numbers, now) for row in steps if row["state"] != "done"),
        ]
        entities = {entity.code: entity.name for entity in self.firm.legal_entities}
        currency = deal.value.currency if deal.value else ""
        required = decide_all(
            self.policies.as_of("mandatory-data", now), handoff_facts(engagement), now
        )
        return Sources(
            engagement=engagement,
            at=now,
            rules=self.ownership.fields,
            required=[Required.model_validate(decision.answer) for decision in required],
            results={row["name"]: row["result"] or {} for row in steps if row["state"] == "done"},
            systems=self._systems(engagement),
            names=names,
            people=self._people(engagement, names),
            parts=_parts(family, {row["id"] for row in seen}, engagement.id),
            whole=next((r["number"] for r in seen if r["id"] == engagement.parent), None),
            entity=entities.get(deal.legal_entity or ""),
            rate_card=self.firm.rate_card(deal.region, currency),
            items=items,
            contents=self._accepted(tx, engagement),
        )

    @staticmethod
    def _accepted(tx: Tx, engagement: Engagement) -> dict[str, dict[str, Any]]:
        """What was accepted and is not what it says now."""
        given = {one.digest for one in accepted_by(engagement).values()} - {digest(engagement)}
        return packets.contents(tx, given) if given else {}

    def _systems(self, engagement: Engagement) -> dict[str, str]:
        facts = facts_of(engagement)
        return {
            port: self.systems.route(port, facts)
            for port in _PORTS
            if self.systems.connected(port, facts)
        }

    def _names(self) -> dict[str, str]:
        """By id and by e-mail address: the CRM tells its sellers by address."""
        found: dict[str, str] = {}
        for person in self.people.all():
            found[person.id] = person.name
            if person.email:
                found[person.email] = person.name
        return found

    def _people(self, engagement: Engagement, names: Mapping[str, str]) -> list[PersonOf]:
        """Who sold it, and who answers for its delivery in its region."""
        deal = terms(engagement)
        found: list[PersonOf] = []
        if deal.owner:
            found.append(PersonOf(part="Seller", name=names.get(deal.owner, deal.owner)))
        for role in self.firm.workspace.roles:
            found += [
                PersonOf(part=words.plain(role), name=person.name)
                for person in self.people.holding(role, region=deal.region)
            ]
        return found


def _parts(family: Iterable[Mapping[str, Any]], seen: set[str], whole: str) -> tuple[PartOf, ...]:
    """In the deal's order. Of a part that the reader may not see, only its state."""
    found = [
        PartOf(
            id=row["id"],
            position=int(row["deal"].rpartition("#")[2]),
            state=row["state"],
            number=row["number"] if row["id"] in seen else None,
            name=row["name"] if row["id"] in seen else "",
            value=_money(row["value"], row["currency"]) if row["id"] in seen else None,
        )
        for row in family
        if row["parent"] == whole
    ]
    return tuple(sorted(found, key=lambda part: part.position))


def _task(
    row: Mapping[str, Any], numbers: Mapping[str, str], names: Mapping[str, str], now: datetime
) -> OpenItem:
    return _item(
        row,
        numbers,
        now,
        kind=row["kind"],
        title=row["title"],
        why=row["because"] or "",
        owner=row["role"],
        assignee=names.get(row["assignee"], row["assignee"]),
        since=row["opened_at"],
        link=f"/inbox/task-{row['id']}",
    )


def _exception(
    row: Mapping[str, Any], numbers: Mapping[str, str], names: Mapping[str, str], now: datetime
) -> OpenItem:
    gaps: Sequence[Mapping[str, Any]] = row["gaps"]
    return _item(
        row,
        numbers,
        now,
        kind="exception",
        title=row["title"],
        why=row["detail"],
        owner=row["team"],
        assignee=names.get(row["assignee"], row["assignee"]),
        since=row["opened_at"],
        gaps=tuple(
            OpenGap(
                field=gap["field"],
                problem=gap["problem"],
                owner=gap["owner"],
                remedy=gap["remedy"],
            )
            for gap in gaps
        ),
        link=f"/exceptions/{row['id']}",
    )


def _wait(row: Mapping[str, Any], numbers: Mapping[str, str], now: datetime) -> OpenItem:
    number = numbers[row["subject_id"]]
    title, why = words.plain(row["name"]), row["because"] or ""
    if row["state"] == "ready":
        paused = f"{row['system']} was paused by {row['paused_by']}"
        why = paused if row["paused_by"] else f"{row['system']} is down: {row['down']}"
    return _item(
        {**row, "id": f"{row['run_id']}:{row['name']}:{row['occurrence']}"},
        numbers,
        now,
        kind="wait",
        title=title,
        why=why,
        owner=row["owner"],
        since=row["started_at"],
        link=f"/engagements/{number}",
    )


def _item(
    row: Mapping[str, Any],
    numbers: Mapping[str, str],
    now: datetime,
    *,
    kind: Literal["approval", "task", "exception", "wait"],
    title: str,
    why: str,
    owner: str,
    since: datetime,
    link: str,
    assignee: str | None = None,
    gaps: tuple[OpenGap, ...] = (),
) -> OpenItem:
    money, due = _money(row.get("amount"), row.get("currency")), row["due_at"]
    return OpenItem(
        kind=kind,
        id=row["id"],
        engagement=numbers[row["subject_id"]],
        title=title,
        why=why,
        owner=words.plain(owner),
        assignee=assignee,
        since=since,
        age=words.age(now - since),
        due_at=due,
        late=due is not None and due < now,
        money=money,
        money_shown=str(money) if money else "no amount",
        gaps=gaps,
        link=link,
    )


def _money(amount: Any, currency: str | None) -> Money | None:
    if amount is None or currency is None:
        return None
    return Money(amount=amount, currency=currency).rounded()
