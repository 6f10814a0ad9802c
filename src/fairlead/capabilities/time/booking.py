"""Approved time and expenses go to the ledger, each entry once (F071, F072).

A run carries what was approved of one engagement and week. Which entries those are is read when
the message is taken in: all that is approved and not confirmed in the ledger. An entry in two runs
is still booked once, because its effect is named after it, not after the run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.time.events import WORK_APPROVED
from fairlead.capabilities.time.kinds import Kinds
from fairlead.domain.ids import EffectKey, EngagementId
from fairlead.domain.model.posting import ExpensePosting, TimePosting
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import NotFound
from fairlead.flow.calls import Done, OutwardCall
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.store import blobs, bookings, engagements
from fairlead.store.database import Tx
from fairlead.store.inbox import Message

_MOST = 200  #: entries that one step carries; more are more runs
_PLACES = Decimal(1).scaleb(-8)  # of hours: a minute is told from its neighbours


class BooksWork:
    """Takes in that work was approved: starts the runs that carry it to the ledger."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id, week = EngagementId(data["engagement"]), date.fromisoformat(data["week"])
        engagement = engagements.load(tx, [id], lock=False).get(id)
        if engagement is None:
            raise NotFound(f"There is no engagement {id}.")
        postings = [
            *(_time(row).model_dump(mode="json") for row in bookings.time(tx, id, week)),
            *(_expense(row).model_dump(mode="json") for row in bookings.expenses(tx, id, week)),
        ]
        for number in range(0, len(postings), _MOST):
            part = postings[number : number + _MOST]
            content = json.dumps(part, sort_keys=True, ensure_ascii=False).encode()
            start_for(
                tx,
                self._library,
                WORK_APPROVED,
                engagement,
                correlation=message.correlation,
                input={
                    "week": str(week),
                    "entries": len(part),
                    "batch": blobs.keep(tx, content, "application/json"),
                },
                occurrence=f"{message.message}/{number // _MOST}",
            )
        return f"{engagement.number}: {len(postings)} entries of {week} go to the ledger"


def register(registry: Registry, kinds: Kinds) -> None:
    @registry.action(
        "book_work",
        on="bookkeeping",
        safe="Each entry is an effect of its own, named after the entry.",
    )
    def book_work(call: OutwardCall) -> Done:
        """Book each entry of the batch on the project; one that takes another back with a minus."""
        project: ExternalRef | None = call.subject.refs.get("ledger_project")
        if project is None:
            raise NotFound(f"{call.subject.number} has no project in the ledger to book on.")
        batch: Sequence[dict[str, Any]] = json.loads(call.kept(call.run.input["batch"]))
        hours = [TimePosting.model_validate(one) for one in batch if "hours" in one]
        spent = [ExpensePosting.model_validate(one) for one in batch if "hours" not in one]
        for posting in hours:
            kind = kinds.get(posting.category)
            called = kind.systems.get(call.system, kind.code) if kind else posting.category
            told = posting.model_copy(update={"category": called})
            call.once(
                "bookkeeping.book_time",
                key=EffectKey(f"time/{posting.id}"),
                request={**told.model_dump(mode="json"), "project": str(project)},
                call=lambda key, told=told: call.port.book_time(told, project=project, key=key),
                find=call.port.find_time,
            )
        for posting in spent:
            call.once(
                "bookkeeping.book_expense",
                key=EffectKey(f"expense/{posting.id}"),
                request={**posting.model_dump(mode="json"), "project": str(project)},
                call=lambda key, posting=posting: call.port.book_expense(
                    posting, project=project, key=key
                ),
                find=call.port.find_expense,
            )
        call.tell("work.booked", week=call.run.input["week"], time=len(hours), expenses=len(spent))
        return Done({"time": len(hours), "expenses": len(spent)})


def _time(row: Mapping[str, Any]) -> TimePosting:
    left = {name: value for name, value in row.items() if name != "minutes"}
    hours = (Decimal(row["minutes"]) / 60).quantize(_PLACES)
    return TimePosting.model_validate({**left, "hours": hours})


def _expense(row: Mapping[str, Any]) -> ExpensePosting:
    left = {name: value for name, value in row.items() if name not in ("claimed", "currency")}
    amount = Money(amount=row["claimed"], currency=row["currency"])
    return ExpensePosting.model_validate({**left, "amount": amount})
