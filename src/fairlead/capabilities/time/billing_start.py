"""When enough is ready to be billed, billing begins by itself (F077, F083).

Whether it is enough says the policy `billing-start`: after each approval, and once a day for
whatever is ready, since fees fall due and work grows old while nobody does anything. Its answer is
`propose` (the invoice is drafted by Fairlead; people review and release it), `bill` (finance is
asked to propose it) or `none`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.time.events import BILLING_DUE, BILLING_WEIGH, say
from fairlead.domain.ids import EngagementId
from fairlead.domain.values import Exact, Value
from fairlead.errors import NotFound
from fairlead.flow.calls import Call
from fairlead.flow.changes import OURSELVES
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.policy.tables import Decision, Policies, decide
from fairlead.store import billing_starts, decisions, deliveries, engagements, runs
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.inbox import Message

POLICY = "billing-start"
_AT_A_TIME = 500

Takes = Callable[[Tx, Mapping[str, Any], Message], str]


class Drafts(Protocol):
    """Drafts what is ready of an engagement: references of the invoices, and in words what came of
    it and what is left."""

    def __call__(self, tx: Tx, engagement: str, /) -> tuple[Sequence[str], str]: ...


class StartFacts(Value):
    """All that the policy `billing-start` may ask. No defaults: a missing fact skips rows."""

    billing_method: str  #: of the engagement: `as_worked`, `milestone`, `recurring`
    contract_type: str
    unbilled_hours: Exact  #: approved, billable, and in no live invoice
    unbilled_days: int  #: since the first of these was worked; 0: there are none
    waiting: int  #: billable entries that were submitted and not decided on
    expense_days: int  #: since the first approved expense that is to be billed; 0: there are none
    fees: int  #: accepted milestones and fees that are due, in no live invoice
    drafts: int  #: invoices of it that are drafted and not released


class WeighsBilling:
    """Takes in that work was approved, or that something is ready: says so where it is enough."""

    def __init__(self, policies: Policies, days: CompanyDays) -> None:
        self._policies, self._days = policies, days

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        delivery = deliveries.load(tx, [id]).get(id)
        if delivery is None:
            return f"{id} is not launched"
        now = database_time(tx)
        today = self._days.on(now, delivery.legal_entity)
        found = billing_starts.stands(tx, id, today)
        facts = StartFacts(
            billing_method=delivery.billing_method,
            contract_type=delivery.contract_type,
            unbilled_hours=(Decimal(found["minutes"]) / 60).quantize(Decimal("0.01")),
            unbilled_days=_days(found["since"], today),
            waiting=found["waiting"],
            expense_days=_days(found["spent_since"], today),
            fees=found["fees"],
            drafts=found["drafts"],
        )
        decision = decide(self._policies.as_of(POLICY, now), facts, now)
        then, because = str(decision.answer["then"]), str(decision.answer["because"])
        if then == "none":
            return f"{delivery.number} is not billed yet: {because}"
        decisions.add(tx, [_kept(decision, id)])
        said = {"engagement": id, "because": because, "then": then, "seen": "seen" in data}
        say(tx, BILLING_DUE, f"{id}/{message.message}", said)
        return f"{delivery.number} is to be billed: {because}"


class StartsBilling:
    """Takes in that billing is due: drafts the invoice where the policy says so, and starts what
    begins with it, unless it is under way."""

    def __init__(self, library: Library, drafts: Drafts) -> None:
        self._library, self._drafts = library, drafts

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        engagement = engagements.load(tx, [id], lock=True).get(id)
        if engagement is None:
            raise NotFound(f"There is no engagement {id}.")
        drafted: Sequence[str] = ()
        words = ""
        if data.get("then") == "propose":
            drafted, words = self._drafts(tx, id)
            if not drafted and data.get("seen"):  # the board of billing names what keeps it
                return f"{engagement.number}: nothing is drafted: {words}"
        begun = {playbook.playbook for playbook in self._library.started_by(BILLING_DUE)}
        under_way = any(runs.get(tx, run).playbook in begun for run in runs.of_subject(tx, id))
        if under_way and not drafted:
            return f"{engagement.number}: billing is under way"
        started = start_for(
            tx,
            self._library,
            BILLING_DUE,
            engagement,
            correlation=message.correlation,
            input={"because": data["because"], "drafted": list(drafted), "words": words},
            occurrence=message.message,
        )
        told = f"drafted {words}" if drafted else "billing is due"
        return f"{engagement.number}: {told}; {started} runs started"


class LooksAtReady:
    """A worker's part: has everything weighed that is ready, each once for each day and amount."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def sweep(self) -> None:
        """Safe to end anywhere, and by several at once: a message is kept once by its name."""
        while self._part():
            pass

    def _part(self) -> bool:
        with self._db.transaction() as tx:
            rows = billing_starts.to_weigh(
                tx, database_time(tx), type=BILLING_WEIGH, ours=OURSELVES, limit=_AT_A_TIME
            )
            for row in rows:
                say(tx, BILLING_WEIGH, row["name"], {"engagement": row["id"], "seen": True})
        return len(rows) == _AT_A_TIME


def register(registry: Registry) -> None:
    """What the playbook `billing-due` may name."""

    @registry.condition("invoice_is_drafted")
    def invoice_is_drafted(call: Call) -> bool:
        """Has Fairlead drafted the invoice itself, so that nobody needs to propose it?"""
        return bool(call.input.get("drafted"))

    @registry.notice("billing_due")
    def billing_due(call: Call) -> str:
        """Whose work is billed, why now, and what there is to do."""
        told = f"{call.subject.number} {call.subject.deal.name}: {call.input['because']}."
        words = call.input.get("words")
        if call.input.get("drafted"):
            return f"{told} Drafted by Fairlead: {words}. It waits for review and release."
        return f"{told} Nothing could be drafted: {words}." if words else told


def both(first: Takes, second: Takes) -> Takes:
    """Two that take in one message, in one transaction."""

    def take(tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        return f"{first(tx, data, message)}; {second(tx, data, message)}"

    return take


def _days(since: date | None, today: date) -> int:
    return max((today - since).days, 0) if since else 0


def _kept(decision: Decision, subject: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "policy": decision.policy,
        "version": decision.version,
        "row": decision.row,
        "facts": decision.facts,
        "answer": decision.answer,
        "subject_id": subject,
        "at": decision.at,
    }
