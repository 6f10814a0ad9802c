"""Business time: days by the local clock, hours by time that really passes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fairlead.domain.model.calendar import WEEKDAYS, BusinessCalendar, Duration
from fairlead.domain.rules.calendar import add_business_time, business_time_between, holidays_of
from fairlead.errors import InvalidDefinition

NINE_TO_FIVE = [["09:00", "17:00"]]
WITH_LUNCH = [["08:30", "12:00"], ["13:00", "17:30"]]
AROUND_THE_CLOCK = [["00:00", "24:00"]]


def a_calendar(
    zone: str = "Europe/Berlin", hours: object = NINE_TO_FIVE, days: int = 5, **also: Any
) -> BusinessCalendar:
    weekly = dict.fromkeys(WEEKDAYS[:days], hours)
    return BusinessCalendar.model_validate({"name": "test", "zone": zone, "weekly": weekly} | also)


def local(text: str, zone: str = "Europe/Berlin") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def days(count: int) -> Duration:
    return Duration(days=count)


def hours(count: int) -> Duration:
    return Duration(minutes=count * 60)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        pytest.param("2026-03-02T10:00", days(2), "2026-03-04T10:00", id="two-days-same-clock"),
        pytest.param("2026-03-06T10:00", days(1), "2026-03-09T10:00", id="over-a-weekend"),
        pytest.param("2026-03-02T09:00", hours(8), "2026-03-02T17:00", id="exactly-a-full-day"),
        pytest.param("2026-03-02T15:00", hours(8), "2026-03-03T15:00", id="hours-run-over"),
        pytest.param("2026-03-07T12:00", hours(1), "2026-03-09T10:00", id="starts-on-a-saturday"),
        pytest.param("2026-03-02T17:00", hours(1), "2026-03-03T10:00", id="starts-at-the-close"),
        pytest.param("2026-03-07T12:00", days(1), "2026-03-10T09:00", id="day-from-a-saturday"),
        pytest.param("2026-03-27T10:00", days(1), "2026-03-30T10:00", id="clocks-go-forward"),
        pytest.param("2026-10-23T10:00", days(1), "2026-10-26T10:00", id="clocks-go-back"),
        pytest.param("2025-12-31T16:00", hours(2), "2026-01-02T10:00", id="year-end-holiday"),
        pytest.param(
            "2026-03-02T10:00",
            Duration(days=1, minutes=480),
            "2026-03-04T10:00",
            id="days-then-hours",
        ),
    ],
)
def test_a_duration_ends_in_business_time(start: str, duration: Duration, end: str) -> None:
    calendar = a_calendar(holidays=[date(2026, 1, 1)])

    assert local(end) == add_business_time(local(start), duration, calendar)


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        pytest.param("2026-03-28T20:00", "2026-03-29T05:00", id="23-hour-day"),
        pytest.param("2026-10-24T20:00", "2026-10-25T03:00", id="25-hour-day"),
    ],
)
def test_hours_are_those_that_really_pass_on_the_day_clocks_change(start: str, wanted: str) -> None:
    calendar = a_calendar(hours=AROUND_THE_CLOCK, days=7)

    assert local(wanted) == add_business_time(local(start), hours(8), calendar)


def test_a_clock_time_that_is_left_out_means_the_moment_of_the_leap() -> None:
    calendar = a_calendar(hours=AROUND_THE_CLOCK, days=7)

    end = add_business_time(local("2026-03-28T02:30"), days(1), calendar)

    assert end == local("2026-03-29T03:00")


def test_the_second_pass_of_an_hour_counts_as_its_end() -> None:
    calendar = a_calendar(hours=AROUND_THE_CLOCK, days=7)
    second_half_past_two = local("2026-10-25T02:30") + timedelta(hours=1)

    end = add_business_time(second_half_past_two, days(1), calendar)

    assert end == local("2026-10-26T03:00")


def test_a_deadline_in_a_lunch_break_moves_to_its_end() -> None:
    weekly = {"thursday": NINE_TO_FIVE, "friday": WITH_LUNCH}
    calendar = BusinessCalendar.model_validate(
        {"name": "friday-lunch", "zone": "Europe/Berlin", "weekly": weekly}
    )

    end = add_business_time(local("2026-03-05T12:30"), days(1), calendar)

    assert end == local("2026-03-06T13:00")


def test_a_day_that_ends_sooner_takes_the_deadline_with_it() -> None:
    weekly = {"thursday": NINE_TO_FIVE, "friday": [["09:00", "13:00"]]}
    calendar = BusinessCalendar.model_validate(
        {"name": "short-friday", "zone": "Europe/Berlin", "weekly": weekly}
    )

    end = add_business_time(local("2026-03-05T16:00"), days(1), calendar)

    assert local("2026-03-06T13:00") == end


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_zones_at_the_ends_of_the_world_count_their_own_days(zone: str) -> None:
    end = add_business_time(local("2026-03-06T16:30", zone), hours(1), a_calendar(zone))

    assert local("2026-03-09T09:30", zone) == end


ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Kiritimati",  # +14
    "Pacific/Pago_Pago",  # -11
    "Australia/Lord_Howe",  # clocks change by half an hour
    "America/Santiago",  # clocks change at midnight
    "Asia/Kolkata",
]
calendars = st.builds(
    a_calendar,
    zone=st.sampled_from(ZONES),
    hours=st.sampled_from(
        [NINE_TO_FIVE, WITH_LUNCH, AROUND_THE_CLOCK, [["22:00", "24:00"]], [["01:15", "03:30"]]]
    ),
    days=st.integers(1, 7),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=12),
)


def _instant(day: tuple[int, int], minutes: int) -> datetime:
    return datetime(2026, *day, tzinfo=UTC) + timedelta(minutes=minutes)


def _duration(days: int, minutes: int) -> Duration:
    return Duration(days=days, minutes=minutes or (not days))


instants = st.builds(
    _instant,
    # around changes of clocks and year ends, where it is hard
    st.sampled_from(
        [(3, 28), (10, 24), (3, 8), (11, 1), (4, 4), (10, 3), (9, 6), (1, 1), (12, 31)]
    ),
    st.integers(-1000, 3000) | st.integers(-15_000, 500_000),
)
spans = st.integers(1, 60 * 40)
durations = st.builds(_duration, st.integers(0, 6), st.integers(0, 2000))


@settings(max_examples=300, deadline=None)
@given(calendar=calendars, a=instants, b=instants, duration=durations)
def test_what_starts_later_never_ends_sooner(
    calendar: BusinessCalendar, a: datetime, b: datetime, duration: Duration
) -> None:
    a, b = sorted((a, b))

    first = add_business_time(a, duration, calendar)

    assert a < first or duration.days
    assert a <= first <= add_business_time(b, duration, calendar)


@settings(max_examples=200, deadline=None)
@given(calendar=calendars, start=instants, one=spans, two=spans)
def test_hours_add_up(calendar: BusinessCalendar, start: datetime, one: int, two: int) -> None:
    at_once = add_business_time(start, Duration(minutes=one + two), calendar)
    halfway = add_business_time(start, Duration(minutes=one), calendar)

    assert at_once == add_business_time(halfway, Duration(minutes=two), calendar)
    assert timedelta(minutes=one + two) == business_time_between(start, at_once, calendar)


@settings(max_examples=200, deadline=None)
@given(calendar=calendars, start=instants, duration=durations)
def test_it_never_ends_outside_opening_hours(
    calendar: BusinessCalendar, start: datetime, duration: Duration
) -> None:
    end = add_business_time(start, duration, calendar)
    around = business_time_between(
        end - timedelta(microseconds=1), end + timedelta(microseconds=1), calendar
    )

    assert around > timedelta(0)  # open just before it, or just after


@settings(max_examples=100, deadline=None)
@given(calendar=calendars, a=instants, b=instants, c=instants)
def test_time_between_adds_up_and_turns_round(
    calendar: BusinessCalendar, a: datetime, b: datetime, c: datetime
) -> None:
    whole = business_time_between(a, c, calendar)

    assert whole == business_time_between(a, b, calendar) + business_time_between(b, c, calendar)
    assert whole == -business_time_between(c, a, calendar)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"weekly": {}}, id="never-opens"),
        pytest.param({"weekly": {"monday": []}}, id="only-empty-days"),
        pytest.param({"weekly": {"Mo": NINE_TO_FIVE}}, id="no-weekday"),
        pytest.param({"weekly": {"monday": [["17:00", "09:00"]]}}, id="backwards"),
        pytest.param(
            {"weekly": {"monday": [["09:00", "12:00"], ["11:00", "13:00"]]}}, id="overlap"
        ),
        pytest.param({"zone": "Mars/Olympus"}, id="no-zone"),
        pytest.param({"zone": "../../etc/passwd"}, id="a-path-for-a-zone"),
    ],
)
def test_a_calendar_that_can_count_nothing_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_calendar(**change)


def test_past_its_last_known_day_a_calendar_refuses_to_guess() -> None:
    calendar = a_calendar(known_until=date(2026, 12, 31))

    with pytest.raises(InvalidDefinition, match="until 2026-12-31"):
        add_business_time(local("2026-12-30T10:00"), days(3), calendar)
    with pytest.raises(InvalidDefinition, match="until 2026-12-31"):
        business_time_between(local("2026-12-30T10:00"), local("2027-02-01T10:00"), calendar)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        add_business_time(local("2026-01-01").replace(tzinfo=None), hours(1), a_calendar())


def test_holidays_come_by_country_and_subdivision() -> None:
    epiphany = date(2026, 1, 6)  # a holiday in Bavaria, not in all of Germany

    assert epiphany in holidays_of("DE", [2026], "BY")
    assert epiphany not in holidays_of("DE", [2026])
    with pytest.raises(InvalidDefinition, match="XX"):
        holidays_of("XX", [2026])
    with pytest.raises(InvalidDefinition, match="DE-ZZ"):
        holidays_of("DE", [2026], "ZZ")
