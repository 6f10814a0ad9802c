"""When approved time is enough to be billed, billing begins by itself (F077)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.time.events import BILLING_DUE, say
from fairlead.domain.ids import EngagementId
from fairlead.domain.values import Exact, Value
from fairlead.errors import NotFound
from fairlead.flow.library import Library
from fairlead.policy.tables import Decision, Policies, decide
from fairlead.store import bookings, decisions, deliveries, engagements, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message

POLICY = "billing-start"

Takes = Callable[[Tx, Mapping[str, Any], Message], str]


class StartFacts(Value):
    """All that the policy `billing-start` may ask. No defaults: a missing fact skips rows."""

    billing_method: str  #: of the engagement: `as_worked`, `milestone`, `recurring`
    contract_type: str
    unbilled_hours: Exact  #: approved, billable, and in no live invoice
    unbilled_days: int  #: since the first of these was worked; 0: there are none
    waiting: int  #: billable entries that were submitted and not decided on


class WeighsBilling:
    """Takes in that work was approved: says so where it is enough."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        delivery = deliveries.load(tx, [id]).get(id)
        if delivery is None:
            return f"{id} is not launched"
        now = database_time(tx)
        found = bookings.unbilled(tx, id)
        since: date | None = found["since"]
        facts = StartFacts(
            billing_method=delivery.billing_method,
            contract_type=delivery.contract_type,
            unbilled_hours=(Decimal(found["minutes"]) / 60).quantize(Decimal("0.01")),
            unbilled_days=max((now.date() - since).days, 0) if since else 0,
            waiting=found["waiting"],
        )
        decision = decide(self._policies.as_of(POLICY, now), facts, now)
        if decision.answer["then"] != "bill":
            return f"{delivery.number} is not billed yet: {decision.answer['because']}"
        because = str(decision.answer["because"])
        decisions.add(tx, [_kept(decision, id)])
        say(tx, BILLING_DUE, f"{id}/{message.message}", {"engagement": id, "because": because})
        return f"{delivery.number} is to be billed: {because}"


class StartsBilling:
    """Takes in that billing is due: starts what begins with it, unless it is under way."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        engagement = engagements.load(tx, [id], lock=True).get(id)
        if engagement is None:
            raise NotFound(f"There is no engagement {id}.")
        begun = {playbook.playbook for playbook in self._library.started_by(BILLING_DUE)}
        if any(runs.get(tx, run).playbook in begun for run in runs.of_subject(tx, id)):
            return f"{engagement.number}: billing is under way"
        started = start_for(
            tx,
            self._library,
            BILLING_DUE,
            engagement,
            correlation=message.correlation,
            input={"because": data["because"]},
            occurrence=message.message,
        )
        return f"{engagement.number}: billing is due; {started} runs started"


def both(first: Takes, second: Takes) -> Takes:
    """Two that take in one message, in one transaction."""

    def take(tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        return f"{first(tx, data, message)}; {second(tx, data, message)}"

    return take


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
