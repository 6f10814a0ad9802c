"""Figures of billing, each with its definition (F230 to F235, F239, F240).

| figure | definition |
| --- | --- |
| release cycle (F230) | days from proposal to release; *billing cycle*: from the end of the last day of work to posting; *invoice cycle*: from proposal to payment in full. Median and ninth decile |
| billing exception rate (F231) | documents in whose way a person had to settle something, of those released |
| billing accuracy (F232) | invoices of which nothing was credited, of those released; *set-up accuracy*: engagements whose fees add up to the contract, or whose roles all have a rate |
| dispute rate (F233) | documents that were disputed, of those released; with causes |
| billing leakage (F234) | what was ready and not proposed for more than 30 days, or has no rate or is beyond the cap |
| invoice readiness (F235) | ready of ready and held, over all open engagements, with what is held by age |
| backlog, cash (F239) | value of open contracts less what was invoiced; receipts by month, and what is due |
| days of sales outstanding (F240) | what is owed, by what was posted in the period, times its days |

A rate of nothing is null. Amounts are by currency.
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fairlead.domain.rules.billing_blockers import BlockerCode
from fairlead.domain.rules.billing_readiness import Readiness
from fairlead.domain.values import Exact, Money, Ratio, Value, total
from fairlead.store import invoice_metrics as store
from fairlead.store.database import Tx

_SHARE, _TENTH = Decimal("0.0001"), Decimal("0.1")
#: Money that is lost unless somebody acts.
_LEAKS = frozenset({BlockerCode.NO_RATE, BlockerCode.BEYOND_CAP})
#: Upper ends of age classes, in days; the last is open.
_AGES = (30, 60, 90)


class Cycle(Value):
    cycle: str  #: release, billing or invoice
    region: str | None
    invoices: int
    median_days: Exact
    ninth_decile_days: Exact


class Quality(Value):
    region: str | None
    documents: int
    exception_rate: Ratio | None
    dispute_rate: Ratio | None
    accuracy: Ratio | None


class SetUp(Value):
    region: str | None
    engagements: int
    accuracy: Ratio | None


class Cause(Value):
    cause: str
    field: str | None
    disputes: int


class Aged(Value):
    """What is held by how long, in days: up to 30, 60, 90, and longer."""

    currency: str
    percent: int | None
    ready: Money
    held: Money
    held_by_age: tuple[Money, Money, Money, Money]
    leaking: Money  #: of held: without a rate, or beyond a cap


class Backlog(Value):
    contracted: Money
    backlog: Money


class Cash(Value):
    month: date
    received: Money
    expected: Money


class Outstanding(Value):
    owed: Money
    sold: Money
    days: Exact | None


class BillingFigures(Value):
    since: date
    until: date
    cycles: tuple[Cycle, ...]
    quality: tuple[Quality, ...]
    set_up: tuple[SetUp, ...]
    causes: tuple[Cause, ...]
    readiness: tuple[Aged, ...]
    backlog: tuple[Backlog, ...]
    cash: tuple[Cash, ...]
    outstanding: tuple[Outstanding, ...]


def measure(
    tx: Tx,
    ready: Iterable[Readiness],
    since: date,
    until: date,
    *,
    regions: Collection[str] | None = None,
    legal_entities: Collection[str] | None = None,
) -> BillingFigures:
    """`ready`: of the open engagements that are seen. Both days are included (UTC)."""

    def rows(query: Any) -> list[dict[str, Any]]:
        return store.rows(tx, query, since, until, regions, legal_entities)

    days = (until - since).days + 1
    return BillingFigures(
        since=since,
        until=until,
        cycles=tuple(_cycle(row) for row in rows(store.CYCLES)),
        quality=tuple(quality(row) for row in rows(store.RATES)),
        set_up=tuple(
            SetUp(
                region=row["region"],
                engagements=row["engagements"],
                accuracy=share(row["accurate"], row["engagements"]),
            )
            for row in rows(store.SET_UP)
        ),
        causes=tuple(Cause(**row) for row in rows(store.CAUSES)),
        readiness=aged(ready),
        backlog=tuple(
            Backlog(
                contracted=_money(row, "value"),
                backlog=_money(row, "backlog"),
            )
            for row in rows(store.BACKLOG)
        ),
        cash=tuple(
            Cash(
                month=row["month"],
                received=_money(row, "received"),
                expected=_money(row, "expected"),
            )
            for row in rows(store.CASH)
        ),
        outstanding=tuple(outstanding(row, days) for row in rows(store.OWED)),
    )


def share(part: int, whole: int) -> Decimal | None:
    """Rounded to four decimals, half up; null: there is nothing to share."""
    if whole == 0:
        return None
    return (Decimal(part) / whole).quantize(_SHARE, rounding=ROUND_HALF_UP)


def quality(row: Mapping[str, Any]) -> Quality:
    invoices = row["invoices"]
    return Quality(
        region=row["region"],
        documents=row["documents"],
        exception_rate=share(row["excepted"], row["documents"]),
        dispute_rate=share(row["disputed"], row["documents"]),
        accuracy=share(invoices - row["credited"], invoices),
    )


def aged(ready: Iterable[Readiness]) -> tuple[Aged, ...]:
    """By currency. What is held counts once, at the age of the oldest of its blockers."""
    by: dict[str, list[Readiness]] = {}
    for one in ready:
        by.setdefault(one.ready.currency, []).append(one)
    found: list[Aged] = []
    for currency, some in sorted(by.items()):
        held_by_age = [Money(amount=Decimal(0), currency=currency)] * (len(_AGES) + 1)
        for one in some:
            age = max((blocker.age_days or 0 for blocker in one.blockers), default=0)
            place = sum(age > limit for limit in _AGES)
            held_by_age[place] = held_by_age[place] + one.held
        money = total((one.ready for one in some), currency)
        held = total((one.held for one in some), currency)
        both = (money + held).amount
        leaks = (b.amount for one in some for b in one.blockers if b.code in _LEAKS)
        found.append(
            Aged(
                currency=currency,
                percent=int(100 * money.amount / both) if both > 0 else None,
                ready=money,
                held=held,
                held_by_age=(held_by_age[0], held_by_age[1], held_by_age[2], held_by_age[3]),
                leaking=total(leaks, currency),
            )
        )
    return tuple(found)


def outstanding(row: Mapping[str, Any], days: int) -> Outstanding:
    """Owed by sold, times the days of the period; null where nothing was sold."""
    owed, sold = _money(row, "owed"), _money(row, "sold")
    counted = None
    if sold.amount > 0:
        counted = (owed.amount / sold.amount * days).quantize(_TENTH, rounding=ROUND_HALF_UP)
    return Outstanding(owed=owed, sold=sold, days=counted)


def _cycle(row: Mapping[str, Any]) -> Cycle:
    return Cycle(
        cycle=row["cycle"],
        region=row["region"],
        invoices=row["invoices"],
        median_days=_days(row["median"]),
        ninth_decile_days=_days(row["ninth"]),
    )


def _days(value: Any) -> Decimal:
    return Decimal(str(value)).quantize(_TENTH, rounding=ROUND_HALF_UP)


def _money(row: Mapping[str, Any], name: str) -> Money:
    return Money(amount=row[name] or Decimal(0), currency=row["currency"])
