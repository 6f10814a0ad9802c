"""What payroll holds and has paid is held against the sheets that were sent (F076, F277).

Time that was approved after a month was given to payroll is on no sheet of it, and so no
difference. A sheet that is not there and approved yet says nothing, and what is not paid yet
neither. Of people whom we do not know payroll may hold what it likes.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.capabilities.payroll.events import COMPARE, TOLD
from fairlead.capabilities.payroll.months import start
from fairlead.capabilities.time.events import say
from fairlead.domain.model.discrepancy import Discrepancy, Kept, Record
from fairlead.domain.model.pay_sheet import HeldHours, PayLine
from fairlead.domain.model.payroll_month import PayrollMonth, payroll_month_id
from fairlead.domain.rules.reconciliation import compare
from fairlead.errors import NotFound
from fairlead.flow.calls import Done, OutwardCall
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.store import blobs, exceptions, journal, payroll, reconciliations
from fairlead.store.database import Tx
from fairlead.store.inbox import Message
from fairlead.trust.principals import Principal
from fairlead.work.words import CauseClass, ExceptionAction, NewException

_EVERY = timedelta(days=1)
_UNTIL = timedelta(days=100)  #: since the month was given to payroll
_AT_A_TIME = 5
_SLA = timedelta(days=3)  #: clock time
_TEAM = "finance-operations"
_NOUNS: Mapping[Kept, str] = {Kept.PAYROLL: "hours held", Kept.PAID: "hours paid"}


def register(registry: Registry) -> None:
    @registry.action("ask_payroll", on="payroll", safe="It only reads.")
    def ask_payroll(call: OutwardCall) -> Done:
        """All hours that payroll holds and has paid of the month."""
        of: PayrollMonth = call.subject
        held: Sequence[HeldHours] = call.port.held(of.month, of.end)
        text = json.dumps([one.model_dump(mode="json") for one in held])
        call.send(
            TOLD,
            payroll_month=of.id,
            system=call.system,
            records=call.keep(text.encode(), "application/json"),
            asked_at=call.now.isoformat(),
        )
        return Done({"records": len(held)})


def ask_due(tx: Tx) -> int:
    """Have the months compared whose turn it is; how many."""
    due = payroll.take_due(tx, _EVERY, _UNTIL, _AT_A_TIME)
    for id in due:
        compare_now(tx, id)
    return len(due)


def compare_as_asked(tx: Tx, who: Principal, legal_entity: str, month: date) -> str:
    """As a person or a program asks for it; the id of the month.

    Raises `NotFound` where it was not given to payroll, or is not theirs to see.
    """
    id = payroll_month_id(legal_entity, month)
    sees = who.sees(region=None, legal_entity=legal_entity)
    if not sees or not payroll.months(tx, [id]):
        raise NotFound(f"{month:%Y-%m} of {legal_entity} was not given to payroll.")
    compare_now(tx, id)
    return id


def compare_now(tx: Tx, id: str) -> None:
    """Have one month compared, once for each time that this is said."""
    say(tx, COMPARE, f"{id}/{uuid.uuid4()}", {"payroll_month": id})


class AsksPayroll:
    """Takes in that a month is to be compared."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        of = _month(tx, data)
        started = start(tx, self._library, COMPARE, of, message, {})
        return f"{of.id}: {started} comparisons of hours started"


class TakesHours:
    """Takes in what payroll holds and has paid."""

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        of, system = _month(tx, data), str(data["system"])
        asked_at = datetime.fromisoformat(data["asked_at"])
        told: list[Any] = json.loads(blobs.kept(tx, data["records"]))
        people = payroll.people(tx, of.legal_entity)
        held = [
            (people[one.whose], one)
            for one in (HeldHours.model_validate(row) for row in told)
            if one.whose in people
        ]
        sheets = payroll.sheets(tx, of.id, asked_at)
        waiting = {row["resource"] for row in sheets if not row["settled"]}
        ours = [record for row in sheets if row["settled"] for record in _sheet(of, row)]
        theirs = [(who, one) for who, one in held if who not in waiting]
        said = [
            _note(tx, of, system, Kept.PAYROLL, ours, _held(theirs), asked_at),
            _note(tx, of, system, Kept.PAID, *_paid(of, ours, theirs), asked_at),
        ]
        journal.tell(tx, [of.id])  # no event says when it was compared
        return "; ".join(said)


def _sheet(of: PayrollMonth, row: Mapping[str, Any]) -> list[Record]:
    hours: dict[str, Decimal] = defaultdict(Decimal)
    for line in map(PayLine.model_validate, row["lines"]):
        hours[line.pay] += line.hours
    return [
        Record(
            key=f"{row['resource']}/{pay}",
            ref=row["ref"],
            amount=reconciliations.hours(amount),
            unit="hour",
            on=of.month,
            whose=of.emails.get(row["resource"], ""),
            state="approved",
        )
        for pay, amount in hours.items()
    ]


def _held(theirs: Sequence[tuple[str, HeldHours]]) -> list[Record]:
    """What stands on time sheets there."""
    return [
        Record(
            key=f"{who}/{one.pay}",
            ref=one.ref,
            amount=reconciliations.hours(one.hours),
            unit="hour",
            on=one.start,
            whose=one.whose,
            state="approved" if one.approved else "draft",
        )
        for who, one in theirs
        if one.hours
    ]


def _paid(
    of: PayrollMonth, ours: Sequence[Record], theirs: Sequence[tuple[str, HeldHours]]
) -> tuple[list[Record], list[Record]]:
    """Both sides of what posted pay runs have paid, by person and kind."""
    paid: dict[str, Record] = {}
    for who, one in theirs:
        if one.paid is None:
            continue
        key = f"{who}/{one.pay}"
        before = paid[key].amount if key in paid else Decimal(0)
        paid[key] = Record(
            key=key,
            ref=paid[key].ref if key in paid else one.ref,
            amount=reconciliations.hours(before + one.paid),
            unit="hour",
            on=of.month,
            whose=one.whose,
        )
    known = {record.key for record in ours}
    return (
        [record for record in ours if record.key in paid],
        [record for record in paid.values() if record.amount or record.key in known],
    )


def _note(
    tx: Tx,
    of: PayrollMonth,
    system: str,
    kept: Kept,
    ours: Sequence[Record],
    theirs: Sequence[Record],
    at: datetime,
) -> str:
    found = compare(kept, ours, theirs)
    noted = reconciliations.note(
        tx,
        engagement=of.id,
        region=None,
        system=system,
        kept=kept,
        ours=ours,
        theirs=theirs,
        found=found,
        unit="hour",
        at=at,
    )
    if not noted:
        return f"a later comparison of {_NOUNS[kept]} is known"
    cause = reconciliations.cause_of(of.id, system, kept)
    if found:
        exceptions.open_one(tx, _asked(of, system, kept, cause, found, at))
    else:
        exceptions.settle(tx, [cause], at)
    return f"{len(found)} differences of {_NOUNS[kept]}"


def _asked(
    of: PayrollMonth,
    system: str,
    kept: Kept,
    cause: str,
    found: Sequence[Discrepancy],
    at: datetime,
) -> NewException:
    apart = sum((abs(one.difference) for one in found), Decimal(0))
    count = f"{len(found)} difference{'' if len(found) == 1 else 's'}"
    first = f"{found[0].whose or found[0].key}: {found[0].words}"
    return NewException(
        cause=cause,
        cause_class=CauseClass.NEEDS_DECISION,
        team=_TEAM,
        title=f"{of.legal_entity} {of.month:%Y-%m}: {_NOUNS[kept]} by {system} differ from ours",
        detail=f"{count}, {apart:.2f} hours apart. The first: {first}.",
        remedy=f"Look at each under Reconciliation, Payroll. {found[0].remedy}",
        opened_at=at,
        due_at=at + _SLA,
        actions=(ExceptionAction.ASSIGN, ExceptionAction.DISMISS),
        system=system,
        subject_id=of.id,
    )


def _month(tx: Tx, data: Mapping[str, Any]) -> PayrollMonth:
    id = str(data["payroll_month"])
    found = payroll.months(tx, [id]).get(id)
    if found is None:
        raise NotFound(f"There is no {id}.")
    return found
