"""Fees that are agreed after the launch: once on a day, a retainer, or for each month of a service.

Whoever adds a fee does not bill it: they are among the hands that may neither propose nor release
what it is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from fairlead.capabilities.billing.reviewing import must_say_why, must_see
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.rules.billing_amounts import HIGHEST_FEE, by_month, of_minor, to_minor
from fairlead.domain.values import Money, Period
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.store import charges, deliveries
from fairlead.store import journal as log
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting

_MOST_MONTHS = 120


def add_charge(
    tx: Tx,
    engagement: str,
    acting: Acting,
    *,
    kind: ChargeKind,
    name: str,
    amount: Money,
    source: str,
    due_on: date | None = None,
    period: Period | None = None,
    clause: str | None = None,
) -> list[str]:
    """The ids of the charges that it makes.

    A `recurring` fee has the amount of a whole month and the `period` of the service: it makes a
    charge for each calendar month, due on the first day that it pays for, and part months are
    prorated by days. Any other is due once, on `due_on`. Raises `NotFound`, `InvalidInput`.
    """
    must_say_why(source)
    must_see(tx, engagement, acting)
    delivery = deliveries.load(tx, [engagement])[engagement]
    _check(delivery.currency, kind, amount, due_on, period)
    now = database_time(tx)
    row: dict[str, Any] = {
        "engagement_id": engagement,
        "kind": kind,
        "currency": amount.currency,
        "clause": clause,
        "source": source,
        "region": delivery.region or None,
        "made_by": acting.id,
        "made_at": now,
    }
    if period is not None and kind is ChargeKind.RECURRING:
        rows = [
            {
                **row,
                "id": str(uuid4()),
                "name": f"{name} {one.period.start:%Y-%m}" + (" (part)" if one.prorated else ""),
                "due_on": one.period.start,
                "starts_on": one.period.start,
                "ends_on": one.period.end,
                "amount": one.amount.amount,
            }
            for one in by_month(amount, period)
        ]
    else:
        spans = {"starts_on": period and period.start, "ends_on": period and period.end}
        once = {"name": name, "due_on": due_on, **spans, "amount": amount.amount}
        rows = [{**row, "id": str(uuid4()), **once}]
    charges.add(tx, rows)
    ids = [str(one["id"]) for one in rows]
    _tell(tx, engagement, delivery.region, "charge.added", acting, ids, name, str(amount), source)
    return ids


def cancel_charge(tx: Tx, id: str, acting: Acting, *, reason: str) -> str:
    """Take a fee back that is not billed; its engagement. Raises `NotFound`, `IllegalMove`."""
    must_say_why(reason)
    engagement = charges.engagement_of(tx, id)
    if engagement is None:
        raise NotFound("There is no such charge.")
    must_see(tx, engagement, acting, "charge")
    if not charges.cancel(tx, id, database_time(tx)):
        raise IllegalMove("The charge", "billed or cancelled", "cancelled")
    region = deliveries.load(tx, [engagement])[engagement].region
    _tell(tx, engagement, region, "charge.cancelled", acting, [id], reason=reason)
    return engagement


def _check(
    currency: str, kind: ChargeKind, amount: Money, due_on: date | None, period: Period | None
) -> None:
    problems: list[Problem] = []
    if amount.currency != currency:
        problems.append(Problem("/amount/currency", f"must be {currency}"))
    if abs(amount.amount) > HIGHEST_FEE:
        problems.append(Problem("/amount/amount", f"must be at most {HIGHEST_FEE}"))
    elif amount.amount == 0 or _exact(amount) != amount.amount:
        problems.append(Problem("/amount/amount", "must be whole minor units, and not zero"))
    if amount.amount < 0 and kind is not ChargeKind.ADJUSTMENT:
        problems.append(Problem("/amount/amount", "is negative for an adjustment only"))
    if kind is ChargeKind.RECURRING:
        if period is None or period.end is None:
            problems.append(Problem("/ends_on", "is needed, with starts_on, for a recurring fee"))
        elif (period.end - period.start).days > _MOST_MONTHS * 31:
            problems.append(Problem("/ends_on", f"must be within {_MOST_MONTHS} months"))
    elif due_on is None:
        problems.append(Problem("/due_on", "is needed where the fee is due once"))
    if problems:
        raise InvalidInput("The fee cannot be taken.", problems)


def _exact(amount: Money) -> Decimal:
    """In whole minor units."""
    return of_minor(to_minor(amount.amount, amount.currency), amount.currency).amount


def _tell(
    tx: Tx,
    engagement: str,
    region: str,
    type: str,
    acting: Acting,
    ids: Sequence[str],
    name: str = "",
    amount: str = "",
    source: str = "",
    reason: str = "",
) -> None:
    said = {"name": name, "amount": amount, "source": source, "reason": reason}
    log.append(
        tx,
        [
            Event(
                chain=engagement,
                type=type,
                at=database_time(tx),
                actor=f"person:{acting.id}",
                attributes={key: value for key, value in said.items() if value},
                objects=[
                    (engagement, "engagement", "engagement"),
                    *((id, "charge", type.partition(".")[2]) for id in ids),
                ],
                region=region or None,
            )
        ],
    )
