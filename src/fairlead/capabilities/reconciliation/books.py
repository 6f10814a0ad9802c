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
from fairlead.domain.model.requisition import HeldRequisition
from fairlead.domain.values import ExternalRef
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
    since = date.fromisoformat(told.data["since"])
    theirs = [BookedRevenue.model_validate(one) for one in told.said]
    return _by_id(
        told,
        reconciliations.our_journals(tx, told.delivery.engagement, since),
        {
            one.ref: Record(
                key="",
                ref=one.ref.id,
                amount=one.revenue.amount,
                unit=one.revenue.currency,
                on=one.on,
                state="posted" if one.posted else "not posted",
                dated=True,
            )
            for one in theirs
        },
    )


def _requisitions(tx: Tx, told: Told) -> Sides:
    theirs = [HeldRequisition.model_validate(one) for one in told.said]
    return _by_id(
        told,
        reconciliations.our_requisitions(tx, told.delivery.engagement),
        {
            one.ref: Record(key="", ref=one.ref.id, amount=one.cost.amount, unit=one.cost.currency)
            for one in theirs
        },
    )


def _by_id(
    told: Told, ours: Mapping[ExternalRef, Record], theirs: Mapping[ExternalRef, Record]
) -> Sides:
    """Of records that were asked for by their ids: what was made meanwhile says nothing."""
    asked = set(json.loads(told.data["asked"]))
    return Sides(
        [record for ref, record in ours.items() if str(ref) in asked],
        [
            record.model_copy(update={"key": ours[ref].key})
            for ref, record in theirs.items()
            if ref in ours
        ],
    )


def _records(told: Told) -> tuple[Record, ...]:
    return tuple(Record.model_validate(one) for one in told.said)


LEDGER_TIME, LEDGER_INVOICES, LEDGER_REVENUE = "ledger-time", "ledger-invoices", "ledger-revenue"
REQUISITIONS = "requisitions"
#: Name, as a message says it → the book.
LEDGER: Mapping[str, Book] = {
    LEDGER_TIME: Book(Kept.TIME, _ledger_time),
    LEDGER_INVOICES: Book(Kept.INVOICE, _ledger_invoices),
    LEDGER_REVENUE: Book(Kept.REVENUE, _ledger_revenue),
    REQUISITIONS: Book(Kept.COMMITMENT, _requisitions),
}
