"""Leakage is added up per engagement, kind and owner, and nothing is priced by guessing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import money
from fairlead.domain.model.leakage import AgeBucket, Leak, LeakKind
from fairlead.domain.rules.leakage import bucket, totals
from fairlead.domain.values import total

ON = date(2026, 6, 30)

leaks = st.builds(
    Leak,
    kind=st.sampled_from(LeakKind),
    item=st.uuids().map(str),
    engagement=st.sampled_from(["e1", "e2"]),
    owner=st.sampled_from(["finance-operations", "delivery-operations"]),
    day=st.dates(date(2025, 1, 1), ON),
    minutes=st.integers(0, 1440),
    amount=st.none() | st.integers(0, 10**9).map(lambda u: money(Decimal(u).scaleb(-2))),
    why=st.just("in no invoice"),
)


@pytest.mark.parametrize(
    ("age", "name"),
    [(-1, "0-30"), (30, "0-30"), (31, "31-60"), (60, "31-60"), (90, "61-90"), (91, "over 90")],
)
def test_age_is_counted_in_whole_days(age: int, name: str) -> None:
    assert bucket(ON - timedelta(days=age), ON) == AgeBucket(name)


@given(st.lists(leaks, max_size=30))
def test_totals_lose_nothing_and_age_adds_up(found: list[Leak]) -> None:
    answer = totals(found, ON, "EUR")

    assert sum(part.count for part in answer) == len(found)
    assert total((part.amount for part in answer), "EUR") == total(
        (leak.amount for leak in found if leak.amount), "EUR"
    )
    assert all(total(part.aged.values(), "EUR") == part.amount for part in answer)
    assert sum(part.unpriced for part in answer) == sum(leak.amount is None for leak in found)
