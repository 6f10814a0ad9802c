"""A book: records of one kind that a system keeps as well as we, and how both sides are read.

Each book is asked by an action of its own (`asking.py`) and compared by the same rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.discrepancy import Kept, Record
from fairlead.domain.model.posting import BookedRevenue
from fairlead.store import reconciliations
from fairlead.store.database import Tx


@dataclass(frozen=True)
class Told:
    """What a system said that it keeps of an engagement."""

    delivery: Delivery
    system: str
    said: Sequence[Any]  #: as the action that asked has kept it
    asked_at: datetime  #: UTC, before it was asked
    data: Mapping[str, Any]  #: of the message; whatever else the action told


@dataclass(frozen=True)
class Sides:
    """What is held against each other. What may be on its way from one to the other, as of the
    time of asking, is pending among ours or left out of both."""

    ours: Sequence[Record]
    theirs: Sequence[Record]


@dataclass(frozen=True)
class Book:
    kept: Kept
    sides: Callable[[Tx, Told], Sides]


def _ledger_time(tx: Tx, told: Told) -> Sides:
    start, end = (date.fromisoformat(told.data[day]) for day in ("start", "end"))
    id = told.delivery.engagement
    return Sides(reconciliations.our_time(tx, id, start, end, told.asked_at), _records(told))


def _ledger_invoices(tx: Tx, told: Told) -> Sides:
    id = told.delivery.engagement
    return Sides(reconciliations.our_invoices(tx, id, told.asked_at), _records(told))


def _ledger_revenue(tx: Tx, told: Told) -> Sides:
    """Of the journals that were asked for: what was booked meanwhile says nothing."""
    asked = set(json.loads(told.data["asked"]))
    since = date.fromisoformat(told.data["since"])
    booked = reconciliations.our_journals(tx, told.delivery.engagement, since)
    ours = [record for ref, record in booked.items() if str(ref) in asked]
    keys = {str(ref): record.key for ref, record in booked.items()}
    theirs = [BookedRevenue.model_validate(one) for one in told.said]
    return Sides(
        ours,
        [
            Record(
                key=keys[str(one.ref)],
                ref=one.ref.id,
                amount=one.revenue.amount,
                unit=one.revenue.currency,
                on=one.on,
                state="posted" if one.posted else "not posted",
                dated=True,
            )
            for one in theirs
            if str(one.ref) in keys
        ],
    )


def _records(told: Told) -> tuple[Record, ...]:
    return tuple(Record.model_validate(one) for one in told.said)


LEDGER_TIME, LEDGER_INVOICES, LEDGER_REVENUE = "ledger-time", "ledger-invoices", "ledger-revenue"
#: Name, as a message says it → the book.
LEDGER: Mapping[str, Book] = {
    LEDGER_TIME: Book(Kept.TIME, _ledger_time),
    LEDGER_INVOICES: Book(Kept.INVOICE, _ledger_invoices),
    LEDGER_REVENUE: Book(Kept.REVENUE, _ledger_revenue),
}
