"""Approved minutes become lines that payroll can pay: exact, above zero, in their period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.rules.payroll import Worked, lines

START, END = date(2026, 10, 1), date(2026, 10, 31)


def worked(*each: tuple[int, int], pay: str = "regular") -> list[Worked]:
    """(day of October, minutes); day 0 is the last of September."""
    return [Worked(day=START + timedelta(days=d - 1), pay=pay, minutes=m) for d, m in each]


def told(found: Sequence[Worked]) -> list[tuple[int, str, str]]:
    return [(line.day.day, line.pay, str(line.hours)) for line in lines(found, START, END)]


def test_hours_stand_by_kind_and_day() -> None:
    found = [*worked((6, 480), (5, 450), (6, 30)), *worked((6, 75), pay="overtime")]
    assert told(found) == [
        (6, "overtime", "1.25"),
        (5, "regular", "7.50"),
        (6, "regular", "8.50"),
    ]


def test_what_was_worked_before_the_period_stands_on_its_first_day() -> None:
    assert told(worked((0, 60), (1, 480))) == [(1, "regular", "9.00")]


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        pytest.param([(5, 480), (5, -480), (6, 60)], [(6, "1.00")], id="the-same-day-first"),
        pytest.param([(0, -600), (5, 480), (6, 480)], [(6, "6.00")], id="then-the-earliest-days"),
        pytest.param([(5, 480), (9, -60)], [(5, "7.00")], id="an-earlier-day-than-its-own"),
    ],
)
def test_what_takes_time_back_lowers_hours_of_its_kind(
    entries: list[tuple[int, int]], wanted: list[tuple[int, str]]
) -> None:
    assert told(worked(*entries)) == [(day, "regular", hours) for day, hours in wanted]


@pytest.mark.parametrize("entries", [[(5, -480)], [(5, 480), (6, -480)], [(5, 60), (6, -90)]])
def test_a_kind_that_comes_to_nothing_waits_and_holds_no_other_up(
    entries: list[tuple[int, int]],
) -> None:
    other = worked((7, 30), pay="standby")
    assert told([*worked(*entries), *other]) == [(7, "standby", "0.50")]


def test_what_rounding_leaves_of_a_day_is_made_up_for_on_the_next() -> None:
    assert told(worked((5, 20), (6, 20), (7, 20))) == [
        (5, "regular", "0.33"),
        (6, "regular", "0.34"),
        (7, "regular", "0.33"),
    ]


_ENTRIES = st.lists(
    st.builds(
        Worked,
        day=st.dates(START - timedelta(days=70), END),
        pay=st.sampled_from(["regular", "overtime"]),
        minutes=st.integers(-600, 900),
    ),
    max_size=40,
)


@given(_ENTRIES)
def test_each_kind_adds_up_to_its_minutes_or_has_no_line(entries: list[Worked]) -> None:
    found = lines(entries, START, END)
    assert all(line.hours > 0 and START <= line.day <= END for line in found)
    assert len({(line.day, line.pay) for line in found}) == len(found)
    for pay in ("regular", "overtime"):
        minutes = sum(one.minutes for one in entries if one.pay == pay)
        hours = sum((line.hours for line in found if line.pay == pay), Decimal(0))
        if minutes <= 0:
            assert hours == 0
        else:
            assert abs(hours - Decimal(minutes) / 60) <= Decimal("0.005")


@given(_ENTRIES)
def test_the_order_of_entries_does_not_matter(entries: list[Worked]) -> None:
    assert lines(reversed(entries), START, END) == lines(entries, START, END)
