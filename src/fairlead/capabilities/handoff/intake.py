"""From messages to engagements and runs: each deal one engagement, whoever tells and how often.

A webhook or a poll is only word that a deal may have changed; what it now says is read from the
CRM, so that late, doubled and disordered messages all lead to the same state.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import ValidationError

from fairlead.capabilities.handoff.events import CLOSED_WON, EVENTS, ClosedWon, StatusChanged
from fairlead.capabilities.handoff.subject import EngagementSubjects, facts_of
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.rules.deal_terms import complete, in_use, is_blank, terms
from fairlead.domain.values import Provenance
from fairlead.errors import InvalidInput, Problem
from fairlead.flow.intake import Unknown
from fairlead.flow.library import Library
from fairlead.flow.start import start_run
from fairlead.ports.crm import Crm, OpportunityChanged
from fairlead.ports.webhooks import ReadsWebhook
from fairlead.store import engagements, exceptions, journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import Event
from fairlead.work.words import CauseClass, ExceptionAction, NewException

TakeIn = Callable[[Tx], str]

#: Fields of the deal that do not count as a change of what was agreed.
_NOT_TERMS = frozenset({"revision", "modified_at", "probability", "stage", "owner"})


def engagement_id(system: str, opportunity: str) -> EngagementId:
    return EngagementId(derived("engagement", system, opportunity))


class Intake:
    """Handles the messages of the inbox (`flow.intake.Handler`)."""

    def __init__(
        self,
        library: Library,
        crm: Callable[[str], Crm],
        webhooks: Mapping[str, ReadsWebhook],
    ) -> None:
        """`crm`: a system's id → its adapter."""
        self._library, self._crm, self._webhooks = library, crm, webhooks

    def handle(self, message: Message) -> TakeIn:
        match message.kind:
            case "webhook":
                changes = self._webhooks[message.source](message.body)
                ids = dict.fromkeys(
                    change.opportunity
                    for change in changes
                    if isinstance(change, OpportunityChanged)
                )
                return self._read_all(message, list(ids))
            case "change":
                return self._read_all(message, [json.loads(message.body)["opportunity"]])
            case _:
                return self._event(message)

    def _read_all(self, message: Message, ids: list[str]) -> TakeIn:
        crm = self._crm(message.source)
        deals = [deal for id in ids if (deal := crm.opportunity(id)) is not None]

        def take_in(tx: Tx) -> str:
            outcomes = [self.take_in_deal(tx, deal, message.correlation) for deal in deals]
            return "; ".join(outcomes) or "nothing of ours"

        return take_in

    def _event(self, message: Message) -> TakeIn:
        event = json.loads(message.body)
        type, data = event["type"], _data(event)
        if isinstance(data, ClosedWon):
            deal = data.deal
            if deal is None:
                assert data.system is not None
                assert data.opportunity is not None
                deal = self._crm(data.system).opportunity(data.opportunity)
                if deal is None:
                    raise Unknown(f"{data.system} has no deal {data.opportunity}.")
            if not _may_speak_of(message, deal.region):
                raise InvalidInput(
                    "The sender may not open deals of this region.",
                    [Problem("/data", "is of another region")],
                )
            known: Opportunity = deal
            return lambda tx: self.take_in_deal(tx, known, message.correlation)
        assert isinstance(data, StatusChanged)
        changed: StatusChanged = data
        return lambda tx: self._status(tx, type, changed, message)

    def take_in_deal(self, tx: Tx, deal: Opportunity, correlation: str) -> str:
        """Open the engagement of a won deal and start its handoff, or take in what changed."""
        id = engagement_id(deal.ref.system, deal.ref.id)
        for run in runs.of_subject(tx, id):  # runs before their subject, as bursts lock
            runs.lock(tx, run)
        known = engagements.load(tx, [id], lock=True).get(id)
        if known is not None:
            return self._changed(tx, known, deal)
        if deal.stage is not OpportunityStage.WON:
            return f"{deal.ref} is {deal.stage}; nothing to hand off"
        return self._open(tx, id, deal, correlation)

    def _open(self, tx: Tx, id: EngagementId, deal: Opportunity, correlation: str) -> str:
        now = database_time(tx)
        engagement = Engagement(
            id=id,
            number=engagements.next_number(tx),
            state=EngagementState.RECEIVED,
            deal=deal,
            provenance=_provenance(deal),
            opened_at=now,
        )
        if not engagements.add(tx, engagement):  # by somebody else just now, who may know less
            return self.take_in_deal(tx, deal, correlation)
        journal.append(
            tx,
            [
                Event(
                    chain=id,
                    type=CLOSED_WON,
                    at=now,
                    actor=f"system:{deal.ref.system}",
                    attributes={"deal": str(deal.ref), "revision": deal.revision},
                    objects=[
                        (id, "engagement", "opened"),
                        (str(deal.ref), "opportunity", "won"),
                    ],
                    correlation=correlation,
                    region=deal.region,
                )
            ],
        )
        self._start(tx, CLOSED_WON, engagement, correlation, {}, "1")
        return f"{engagement.number} opened"

    def _start(
        self,
        tx: Tx,
        event: str,
        engagement: Engagement,
        correlation: str,
        data: dict[str, Any],
        occurrence: str,
    ) -> int:
        started = [
            start_run(
                tx,
                self._library,
                playbook,
                subject_id=engagement.id,
                facts=facts_of(engagement),
                correlation=correlation,
                input=data,
                occurrence=occurrence,
                objects=tuple(EngagementSubjects().objects(engagement)),
            )
            for playbook in self._library.started_by(event)
        ]
        return sum(run is not None for run in started)

    def _changed(self, tx: Tx, known: Engagement, deal: Opportunity) -> str:
        """The deal of an engagement says something new."""
        if deal.revision <= known.deal.revision:
            return f"{known.number} knows this already"
        # both sides completed alike: a value that a person supplied is no change of the CRM's
        difference = _difference(terms(known), complete(deal, known.supplied))
        lost = deal.stage is not OpportunityStage.WON
        if known.state is not EngagementState.RECEIVED:
            if (lost and known.state is not EngagementState.DECLINED) or (difference and not lost):
                self._ask_about(tx, known, deal, difference)
                return f"{known.number}: a person must look at the change"
            return f"{known.number}: nothing that was agreed has changed"
        now = database_time(tx)
        kept = {
            path: source
            for path, source in known.provenance.items()
            if source.source.startswith("person:")
            and path in in_use(deal, known.supplied)  # what the CRM now says is the CRM's
        }
        changed = known.model_copy(
            update={
                "deal": deal,
                "provenance": {**_provenance(deal), **kept},
                "version": known.version + 1,
            }
        )
        engagements.save(tx, [changed])
        journal.append(
            tx,
            [
                Event(
                    chain=known.id,
                    type="opportunity.changed",
                    at=now,
                    actor=f"system:{deal.ref.system}",
                    attributes={"fields": sorted(difference), "revision": deal.revision},
                    objects=list(EngagementSubjects().objects(changed)),
                    region=deal.region,
                )
            ],
        )
        open_runs = runs.of_subject(tx, known.id)
        runs.look_again(tx, open_runs)
        runs.wake(tx, open_runs)
        return f"{known.number} took in a change of {', '.join(sorted(difference)) or 'nothing'}"

    @staticmethod
    def _ask_about(
        tx: Tx, known: Engagement, deal: Opportunity, difference: dict[str, Any]
    ) -> None:
        """What was set up is not changed behind anybody's back (F115)."""
        lost = deal.stage is not OpportunityStage.WON
        exceptions.open_one(
            tx,
            NewException(
                cause=f"deal-changed:{known.id}",
                cause_class=CauseClass.CONFLICT,
                team="delivery-operations",
                title=f"The deal of {known.number} "
                + ("is no longer won" if lost else "changed after its set-up began"),
                detail=f"{deal.ref} now says: "
                + ("no longer won" if lost else ", ".join(difference)),
                remedy="Agree what holds. Cancel the run, or change the set-up by a change order; "
                "then dismiss this.",
                opened_at=database_time(tx),
                actions=(ExceptionAction.DISMISS, ExceptionAction.ASSIGN),
                difference=difference,
                system=deal.ref.system,
                subject_id=known.id,
                region=terms(known).region,
                at_risk=terms(known).value,
            ),
        )

    def _status(self, tx: Tx, type: str, data: StatusChanged, message: Message) -> str:
        """Add the event to the engagement's log, wake what waits for it, start what it starts."""
        row = tx.execute(
            "SELECT id FROM engagements WHERE id = %(e)s OR number = %(e)s", {"e": data.engagement}
        ).fetchone()
        if row is None:
            raise Unknown(f"There is no engagement {data.engagement} yet.")
        open_runs = runs.of_subject(tx, row["id"])
        for run in open_runs:
            runs.lock(tx, run)
        engagement = engagements.load(tx, [row["id"]], lock=True)[row["id"]]
        if not _may_speak_of(message, engagement.deal.region):
            raise Unknown(f"There is no engagement {data.engagement} for this sender.")
        payload = data.model_dump(mode="json")
        journal.append(
            tx,
            [
                Event(
                    chain=engagement.id,
                    type=type,
                    at=database_time(tx),
                    actor=f"system:{message.source}",
                    attributes={name: text for name, text in payload.items() if text},
                    objects=list(EngagementSubjects().objects(engagement)),
                    correlation=message.correlation,
                    region=engagement.deal.region,
                )
            ],
        )
        woken = self._end_waits(tx, open_runs, type, payload)
        occurrence = derived("message", message.source, message.message)
        started = self._start(tx, type, engagement, message.correlation, payload, occurrence)
        return f"{engagement.number}: {type}; {woken} waits ended, {started} runs started"

    def _end_waits(self, tx: Tx, open_runs: list[str], type: str, payload: dict[str, Any]) -> int:
        ended = 0
        for run_id in open_runs:
            playbook = self._library.get(tx, runs.get(tx, run_id).digest)
            for step in playbook.steps:
                if step.event == type and runs.end_step(
                    tx, run_id, step.name, 1, state="done", result=payload, because=f"{type} came"
                ):
                    ended += 1
                    runs.wake(tx, [run_id])
        return ended


def _may_speak_of(message: Message, region: str | None) -> bool:
    """A sender that is limited to regions speaks of these only (F141)."""
    regions = message.headers.get("regions")
    return regions is None or region in regions.split(",")


def _data(event: Mapping[str, Any]) -> ClosedWon | StatusChanged:
    """The event's data. The edge has checked it; a stored one of an older release may differ."""
    try:
        data = EVENTS[event["type"]].model_validate_json(json.dumps(event.get("data") or {}))
    except ValidationError as bad:
        problems = [
            Problem("/data/" + "/".join(map(str, error["loc"])), error["msg"][:200])
            for error in bad.errors()
        ]
        raise InvalidInput("The event's data is not of its type.", problems) from bad
    assert isinstance(data, ClosedWon | StatusChanged)
    return data


def _provenance(deal: Opportunity) -> dict[str, Provenance]:
    """Every field that the CRM fills, by its dotted path."""
    source = Provenance(source=deal.ref.system, at=deal.modified_at)
    return {path: source for path, value in _told(deal).items() if not is_blank(value)}


def _told(deal: Opportunity) -> dict[str, Any]:
    """Every field by its dotted path; client and contract are taken apart."""
    found: dict[str, Any] = {}
    for name, value in deal.model_dump(mode="json").items():
        if name in ("client", "contract") and value is not None:
            parts = cast("dict[str, Any]", value)
            found.update({f"{name}.{part}": inner for part, inner in parts.items()})
        else:
            found[name] = value
    return found


def _difference(ours: Opportunity, theirs: Opportunity) -> dict[str, Any]:
    """Field → what we hold and what the CRM now says, where they differ in what was agreed."""
    before, after = _told(ours), _told(theirs)
    return {
        name: {"ours": before.get(name), "theirs": after.get(name)}
        for name in dict.fromkeys([*before, *after])
        if name not in _NOT_TERMS and before.get(name) != after.get(name)
    }
