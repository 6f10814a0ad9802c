"""Invoices worked out over tables are those that one works out by hand, item after item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.domain.rules import billing_proposal as rules
from fairlead.domain.rules.billing_amounts import (
    HIGHEST_RATE,
    RATE_SCALE,
    by_month,
    half_up,
    of_minor,
    time_amount,
    to_minor,
)
from fairlead.domain.values import Money, Period

_DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 31))
_HIGHEST = int(HIGHEST_RATE.scaleb(RATE_SCALE))
# hundred-millionths: up to 1,000 an hour, and in currencies of small units up to the highest
_RATES = st.integers(0, 10**11) | st.integers(_HIGHEST - 9, _HIGHEST)


@dataclass(frozen=True)
class Terms:
    """Of one engagement."""

    minor_units: int
    split: bool
    mark_up: int
    discount: int
    discount_from: int
    room: int | None
    retainer: int


@dataclass(frozen=True)
class Item:
    kind: str
    item: str
    day: date
    minutes: int
    role: str
    resource: str
    cost: int


_TERMS = st.builds(
    Terms,
    minor_units=st.sampled_from([0, 2, 3]),
    split=st.booleans(),
    mark_up=st.sampled_from([0, 5_000_000, 7_333_333]),
    discount=st.sampled_from([0, 2_000_000, 3_333_333]),
    discount_from=st.sampled_from([0, 50_000]),
    room=st.none() | st.integers(-1000, 200_000),
    retainer=st.integers(0, 100_000),
)
_ITEMS = st.lists(
    st.builds(
        Item,
        kind=st.sampled_from(["time", "time", "expense", "charge"]),
        item=st.uuids().map(str),
        day=_DAYS,
        minutes=st.integers(1, 1440),
        role=st.sampled_from(["a", "b"]),
        resource=st.sampled_from(["x", "y"]),
        cost=st.integers(-5000, 50_000) | st.integers(10**12, 10**14),
    ),
    max_size=8,
    unique_by=lambda one: one.item,
)
_PRICES = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["", "x"]), _DAYS), _RATES, max_size=5
)


def _round(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def by_hand(terms: Terms, items: list[Item], prices: Mapping[Any, int]) -> dict[str, Any]:
    """Item → (amount, discount, capped, drawn) of what is invoiced."""
    priced: dict[str, int] = {}
    for one in items:
        if one.kind == "time":
            rate = _rate(one, prices)
            if rate is None:
                continue
            minor = Decimal(rate).scaleb(terms.minor_units - 8)
            priced[one.item] = _round(one.minutes * minor / 60)
        elif one.kind == "expense":
            priced[one.item] = _round(one.cost * (1 + Decimal(terms.mark_up).scaleb(-8)))
        else:
            priced[one.item] = one.cost
    order = sorted(items, key=lambda one: (one.day, one.kind, one.item))
    kept = [one for one in order if one.item in priced]
    discount = {one.item: 0 for one in kept}
    for period in {_period(terms, one) for one in kept}:
        mine = [o for o in kept if _period(terms, o) == period and o.kind != "charge"]
        if terms.discount and sum(priced[o.item] for o in mine) >= terms.discount_from:
            share = Decimal(terms.discount).scaleb(-8)
            discount |= {o.item: -_round(priced[o.item] * share) for o in mine}
    capped: dict[str, int] = {}
    if terms.room is not None:
        work = {o.item: priced[o.item] + discount[o.item] for o in kept if o.kind != "charge"}
        room = terms.room - sum(net for net in work.values() if net < 0)
        for one in [o for o in kept if o.item in work and work[o.item] > 0]:
            if room <= 0:
                kept.remove(one)
                continue
            capped[one.item] = -max(0, work[one.item] - room)
            room -= work[one.item]
    left, drawn = terms.retainer, dict[str, int]()
    for one in kept:
        net = priced[one.item] + discount[one.item] + capped.get(one.item, 0)
        if one.kind != "charge" and net > 0:
            drawn[one.item] = -min(left, net)
            left += drawn[one.item]
    found = {
        o.item: (priced[o.item], discount[o.item], capped.get(o.item, 0), drawn.get(o.item, 0))
        for o in kept
    }
    for period in {_period(terms, one) for one in kept}:
        mine = [o.item for o in kept if _period(terms, o) == period]
        if sum(sum(found[item]) for item in mine) < 0:
            found = {item: parts for item, parts in found.items() if item not in mine}
    return found


def _rate(one: Item, prices: Mapping[Any, int]) -> int | None:
    for resource in (one.resource, ""):
        known = [
            (since, rate)
            for (role, who, since), rate in prices.items()
            if role == one.role and who == resource and since <= one.day
        ]
        if known:
            return max(known)[1]
    return None


def _period(terms: Terms, one: Item) -> date | None:
    return one.day.replace(day=1) if terms.split else None


def over_tables(
    engagements: list[tuple[Terms, list[Item], Mapping[Any, int]]], group_by: str
) -> rules.Proposal:
    of = [{**vars(terms), "group_by": group_by} for terms, _, _ in engagements]
    every = [(e, one) for e, (_, items, _) in enumerate(engagements) for one in items]
    time = [
        (e, one.item, one.day, one.minutes, one.role, one.resource, "10")
        for e, one in every
        if one.kind == "time"
    ]
    fees = [
        (e, one.kind, one.item, one.day, one.cost, one.kind, None)
        for e, one in every
        if one.kind != "time"
    ]
    rates = [
        (e, role, who, since, rate, "contract")
        for e, (_, _, prices) in enumerate(engagements)
        for (role, who, since), rate in prices.items()
    ]
    return rules.propose(
        rules.Work(
            engagements=pl.DataFrame(of, schema=rules.ENGAGEMENTS),
            time=pl.DataFrame(time, schema=rules.TIME, orient="row"),
            rates=pl.DataFrame(rates, schema=rules.RATES, orient="row"),
            fees=pl.DataFrame(fees, schema=rules.FEES, orient="row"),
            taken_back=pl.DataFrame(schema=rules.TAKEN_BACK),
            labels=pl.DataFrame(schema=rules.LABELS),
        )
    )


@settings(deadline=None, max_examples=150)
@given(
    engagements=st.lists(st.tuples(_TERMS, _ITEMS, _PRICES), min_size=1, max_size=3),
    group_by=st.sampled_from(["task", "person", "role", "entry"]),
)
def test_tables_and_hand_agree_on_every_item_and_every_sum(
    engagements: list[tuple[Terms, list[Item], Mapping[Any, int]]], group_by: str
) -> None:
    made = over_tables(engagements, group_by)

    for number, (terms, items, prices) in enumerate(engagements):
        mine = made.items.filter(pl.col("e") == number)
        parts = mine.select("item", "amount", "discount", "capped", "drawn").fill_null(0)
        found = {item: tuple(rest) for item, *rest in parts.iter_rows()}
        assert found == by_hand(terms, items, prices)
        held = set(made.held.filter(pl.col("e") == number)["item"])
        assert held | set(mine["item"]) == {one.item for one in items}
        assert not held & set(mine["item"])
    keys = ["e", "period"]
    lines = made.lines.group_by(keys).agg(pl.col("amount").sum())
    both = made.invoices.join(lines, on=keys, nulls_equal=True)
    assert both.height == made.invoices.height == lines.height
    assert (both["net"] == both["amount"]).all()


@settings(deadline=None, max_examples=100)
@given(terms=_TERMS, items=_ITEMS, prices=_PRICES)
def test_quantity_times_price_is_the_amount_of_each_line(
    terms: Terms, items: list[Item], prices: Mapping[Any, int]
) -> None:
    made = over_tables([(terms, items, prices)], "task")

    for line in made.lines.iter_rows(named=True):
        exact = line["hundredths"] * line["price"]
        assert half_up(exact, 10 ** (10 - terms.minor_units)) == line["amount"]


@given(
    minutes=st.integers(-1440, 1440),
    rate=st.decimals(0, 5000, places=4),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_what_takes_time_back_takes_back_exactly_what_it_came_to(
    minutes: int, rate: Decimal, currency: str
) -> None:
    there = time_amount(minutes, Money(amount=rate, currency=currency))
    back = time_amount(-minutes, Money(amount=rate, currency=currency))

    assert there.amount == -back.amount


@pytest.mark.parametrize(
    ("minutes", "per_hour", "currency", "amount"),
    [
        pytest.param(90, "150", "EUR", "225", id="plain"),
        pytest.param(3, "100.10", "EUR", "5.01", id="half-a-cent-goes-up"),
        pytest.param(-3, "100.10", "EUR", "-5.01", id="and-down-below-zero"),
        pytest.param(50, "9999", "JPY", "8333", id="no-decimals"),
        pytest.param(7, "31.417", "KWD", "3.665", id="three-decimals"),
    ],
)
def test_time_is_minutes_times_the_rate_by_sixty(
    minutes: int, per_hour: str, currency: str, amount: str
) -> None:
    found = time_amount(minutes, Money(amount=Decimal(per_hour), currency=currency))

    assert found.amount == Decimal(amount)


@given(
    monthly=st.decimals("0.01", 100_000, places=2),
    start=_DAYS,
    length=st.integers(0, 400),
)
def test_monthly_fees_cover_each_day_of_the_service_once(
    monthly: Decimal, start: date, length: int
) -> None:
    whole = Period(start=start, end=start + timedelta(days=length))
    parts = list(by_month(Money(amount=monthly, currency="EUR"), whole))

    assert parts[0].period.start == whole.start
    assert parts[-1].period.end == whole.end
    for one, following in pairwise(parts):
        assert one.period.end is not None
        assert following.period.start == one.period.end + timedelta(days=1)
    every = [start + timedelta(days=n) for n in range(length + 1)]
    for part in parts:
        first = part.period.start.replace(day=1)
        of_month = ((first + timedelta(days=31)).replace(day=1) - first).days
        served = sum(day.replace(day=1) == first for day in every)
        assert part.amount.amount == Decimal(_round(monthly * 100 * served / of_month)).scaleb(-2)
        assert part.prorated == (served < of_month)


@given(minor=st.integers(-(10**12), 10**12), currency=st.sampled_from(["EUR", "JPY", "KWD"]))
def test_minor_units_and_money_are_the_same(minor: int, currency: str) -> None:
    assert to_minor(of_minor(minor, currency).amount, currency) == minor
