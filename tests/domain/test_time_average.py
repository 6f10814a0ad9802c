"""The weekly hours on average (Directive 2003/88/EC, Articles 6 and 16), as T-08 says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from timesheets import GERMANY, MONDAY, TODAY, entry, facts, found, frame, rows, terms

from fairlead.domain.rules import time_facts as columns
from fairlead.domain.rules.time_facts import Facts
from fairlead.domain.rules.time_judge import judge
from fairlead.domain.rules.time_rules import Limits

WEEK = timedelta(7)
#: 48 hours on average over 17 weeks, and no limit of a single week.
DIRECTIVE = GERMANY | {
    "minutes_per_week": None,
    "average_minutes_per_week": 2880,
    "average_weeks": 17,
}


def before(*hours: int, who: str = "ayo") -> pl.DataFrame:
    """Weeks before the one that is judged, the last one last."""
    first = MONDAY - WEEK * len(hours)
    return rows(columns.PAST, *((who, first + WEEK * n, h * 60) for n, h in enumerate(hours)))


def held(past: pl.DataFrame, limits: Mapping[str, Any] = DIRECTIVE, **other: Any) -> Facts:
    return facts(terms=terms(limits, T_22="off"), past=past, **other)


def week(hours: int) -> Sequence[dict[str, Any]]:
    """Five days that come to so much, beginning on Monday."""
    each, rest = divmod(hours * 60, 5)
    assert not rest
    return [
        entry(f"e{n}", day=MONDAY + timedelta(n), minutes=each, task="90", billable=False)
        for n in range(5)
    ]


def said(hours: int, by: Facts) -> str | None:
    return found(*week(hours), by=by).get("T-08")


def test_one_long_week_is_lawful_while_the_average_is_not_over() -> None:
    assert said(60, held(before(*[40] * 16))) is None


def test_an_average_at_the_limit_is_not_over_it() -> None:
    assert said(40, held(before(*[48] * 8, *[49] * 8))) is None
    words = "48 h 04 m a week on average from 2026-03-16 to 2026-07-12; the limit is 48 h 00 m."
    assert said(41, held(before(*[48] * 8, *[49] * 8))) == words


def test_what_was_worked_before_the_weeks_of_the_average_does_not_count() -> None:
    past = before(*[80] * 5, *[40] * 16)
    assert said(60, held(past)) is None


@pytest.mark.parametrize("weeks", [4, 24])
def test_over_how_many_weeks_is_the_policys(weeks: int) -> None:
    limits = DIRECTIVE | {"average_weeks": weeks}
    past = before(*[40] * 21, *[52] * 2)
    assert (said(50, held(past, limits)) is not None) is (weeks == 4)


def test_leave_is_neutral_in_the_average() -> None:
    """Four weeks of leave: 49 h in each of the others are 49 on average, not 37."""
    past = before(*[49] * 8, *[0] * 4, *[49] * 4)
    away = rows(columns.LEAVE, *(("ayo", MONDAY - WEEK * n, 5) for n in range(5, 9)))
    assert said(50, held(past)) is None
    words = (
        "49 h 05 m a week on average from 2026-03-16 to 2026-07-12, 20 days of leave aside; "
        "the limit is 48 h 00 m."
    )
    assert said(50, held(past, leave=away)) == words


def test_a_single_day_of_leave_is_a_fifth_of_a_week() -> None:
    past = before(*[48] * 15, 40)
    assert said(48, held(past)) is None
    a_day = rows(columns.LEAVE, ("ayo", MONDAY - WEEK, 1))
    assert said(48, held(past, leave=a_day)) == (
        "48 h 06 m a week on average from 2026-03-16 to 2026-07-12, 1 day of leave aside; "
        "the limit is 48 h 00 m."
    )


def test_who_is_new_has_the_average_of_the_weeks_since() -> None:
    usual = facts()
    new = rows(columns.RESOURCES, ("ayo", "Munich", MONDAY - WEEK, None, 2400, TODAY, 1))
    assert said(50, held(before(47))) is None
    words = "48 h 30 m a week on average from 2026-06-29 to 2026-07-12; the limit is 48 h 00 m."
    assert said(50, held(before(47), resources=new)) == words
    assert usual.past.height == 0


def test_a_week_and_the_average_are_said_in_one_finding() -> None:
    both = held(before(*[50] * 16), DIRECTIVE | {"minutes_per_week": 2880})
    assert said(50, both) == (
        "50 h 00 m in the week of 2026-07-06; the limit is 48 h 00 m. "
        "50 h 00 m a week on average from 2026-03-16 to 2026-07-12; the limit is 48 h 00 m."
    )


def test_without_the_figure_no_average_is_asked() -> None:
    assert (
        said(50, held(before(*[80] * 16), DIRECTIVE | {"average_minutes_per_week": None})) is None
    )


def test_a_figure_without_its_weeks_is_no_policy() -> None:
    with pytest.raises(ValidationError, match="set together"):
        Limits(average_minutes_per_week=2880)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=20, max_size=20),
    st.lists(st.integers(0, 5), min_size=20, max_size=20),
    st.integers(1, 8),
)
def test_a_week_alone_has_the_average_that_it_has_among_many(
    hours: list[int], away: list[int], span: int
) -> None:
    """And it is that of the definition, week by week."""
    first = MONDAY - WEEK * 19
    mondays = [first + WEEK * n for n in range(20)]
    entries = [
        entry(f"w{n}", day=day, minutes=worked * 60, task="90", billable=False)
        for n, (day, worked) in enumerate(zip(mondays, hours, strict=True))
        if worked
    ]
    limits = DIRECTIVE | {"average_weeks": span, "average_minutes_per_week": 1800}
    leave = rows(
        columns.LEAVE, *(("ayo", day, n) for day, n in zip(mondays, away, strict=True) if n)
    )
    by = held(columns.nothing(columns.PAST), limits, leave=leave)
    together = judge(frame(entries), by).filter(pl.col("rule") == "T-08")
    over: set[str] = set()
    for n in range(20):
        some = range(max(0, n - span + 1), n + 1)
        days = 5 * span - sum(away[k] for k in some)
        if hours[n] and days and sum(hours[k] for k in some) * 60 * 5 > 1800 * days:
            over.add(f"w{n}")
    assert set(together["item"]) == over
    alone = [
        judge(frame([one]), replace(by, past=_past(hours, mondays, one["day"]))) for one in entries
    ]
    if alone:
        assert pl.concat(alone).filter(pl.col("rule") == "T-08").sort("item").equals(together)


def _past(hours: list[int], mondays: list[date], until: date) -> pl.DataFrame:
    known = zip(mondays, hours, strict=True)
    return rows(columns.PAST, *(("ayo", day, h * 60) for day, h in known if day < until and h))
