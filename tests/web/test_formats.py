"""Figures, times and names are written alike everywhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.model.calendar import BusinessCalendar, Hours
from fairlead.domain.values import Money
from fairlead.web import formats
from fairlead.web.formats import NBSP, Clock

LONDON, CHICAGO = ZoneInfo("Europe/London"), ZoneInfo("America/Chicago")
NOW = datetime(2025, 11, 18, 9, 42, tzinfo=UTC)  # a Tuesday
CLOCK = Clock(NOW, LONDON)

WEEK = BusinessCalendar(
    name="London",
    zone="Europe/London",
    weekly={
        day: (Hours.model_validate(["09:00", "17:30"]),)
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    },
    known_until=date(2026, 12, 31),
)

amounts = st.decimals(
    min_value=Decimal(-(10**15)), max_value=Decimal(10**15), places=4, allow_nan=False
)
moments = st.integers(0, 8_000_000).map(
    lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def eur(text: str) -> Money:
    return Money(amount=Decimal(text), currency="EUR")


@pytest.mark.parametrize(
    ("value", "cents", "sign", "shown"),
    [
        ("864000", False, False, "EUR 864,000"),
        ("199184.6", True, False, "EUR 199,184.60"),
        ("112000", False, True, "EUR +112,000"),
        ("-1200.5", True, False, "EUR −1,200.50"),
        ("0", False, True, "EUR ±0"),
        ("-0.004", True, False, "EUR 0.00"),
        ("0.5", False, False, "EUR 0"),
    ],
)
def test_money(value: str, cents: bool, sign: bool, shown: str) -> None:
    written = formats.money_text(eur(value), cents=cents, sign=sign)

    assert written == shown.replace(" ", NBSP)


def test_money_has_as_many_places_as_its_currency() -> None:
    yen = Money(amount=Decimal(1500), currency="JPY")
    dinar = Money(amount=Decimal("1.5"), currency="KWD")

    assert formats.money(yen, cents=True) == ("JPY", "1,500")
    assert formats.money(dinar, cents=True) == ("KWD", "1.500")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("1630000", "1.63m"),
        ("1200000000", "1.20bn"),
        ("418400", "418k"),
        ("999999", "1.00m"),
        ("950", "950"),
        ("999400", "999k"),
        ("-1630000", "−1.63m"),
    ],
)
def test_headlines(value: str, shown: str) -> None:
    assert formats.headline(eur(value)) == ("EUR", shown)


@given(amounts)
def test_what_is_written_reads_back_within_its_last_place(value: Decimal) -> None:
    written = formats.amount(value, 2)
    read = Decimal(written.replace(",", "").replace(formats.MINUS, "-"))

    assert abs(read - value) <= Decimal("0.005")
    assert "-" not in written


@given(amounts)
def test_a_change_always_has_a_sign(value: Decimal) -> None:
    assert formats.amount(value, 0, sign=True)[0] in f"+{formats.MINUS}±"


def test_shares_hours_and_counts() -> None:
    assert formats.percent(Decimal("0.292")) == f"29.2{NBSP}%"
    assert formats.points(Decimal("-0.008")) == f"−0.8{NBSP}pt"
    assert formats.hours(Decimal("10.5")) == f"10.5{NBSP}h"
    assert formats.count(1, "item") == f"1{NBSP}item"
    assert formats.count(1200, "entry", "entries") == f"1,200{NBSP}entries"
    assert formats.rounded_percent(1, 3) == 33
    assert formats.rounded_percent(1, 0) == 0


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(hours=6, minutes=12), "6 h 12 m"),
        (timedelta(days=1, hours=3, minutes=59), "1 d 3 h"),
        (timedelta(days=3), "3 d"),
        (timedelta(minutes=12), "12 m"),
        (timedelta(0), "0 m"),
        (timedelta(seconds=59), "0 m"),
        (-timedelta(hours=3, minutes=10), "3 h 10 m"),
    ],
)
def test_durations(span: timedelta, shown: str) -> None:
    assert formats.duration(span).replace(NBSP, " ") == shown


def test_a_working_day_is_shorter_than_a_day() -> None:
    day = formats.working_day(WEEK)

    assert day == timedelta(hours=8, minutes=30)
    assert formats.duration(timedelta(hours=11, minutes=30), day).replace(NBSP, " ") == "1 d 3 h"


@given(st.timedeltas(min_value=-timedelta(days=10**5), max_value=timedelta(days=10**5)))
def test_any_duration_can_be_written(span: timedelta) -> None:
    assert formats.duration(span)[0].isdigit()


@pytest.mark.parametrize(
    ("moment", "day", "due", "full"),
    [
        (NOW, "today", "today", "18 Nov 2025"),
        (datetime(2025, 11, 28, 12, tzinfo=UTC), "28 Nov", "Fri 28 Nov", "28 Nov 2025"),
        (datetime(2026, 3, 6, 12, tzinfo=UTC), "6 Mar 2026", "Fri 6 Mar 2026", "6 Mar 2026"),
    ],
)
def test_dates(moment: datetime, day: str, due: str, full: str) -> None:
    assert (CLOCK.day(moment), CLOCK.due(moment), CLOCK.date(moment)) == (day, due, full)


def test_times_are_those_of_the_readers_zone() -> None:
    late = datetime(2025, 11, 19, 3, 30, tzinfo=UTC)

    assert CLOCK.moment(late) == "19 Nov 03:30"
    assert Clock(NOW, CHICAGO).moment(late) == "today 21:30"
    assert CLOCK.iso(late) == "2025-11-19T03:30:00+00:00"


def test_a_date_has_no_zone() -> None:
    assert Clock(NOW, CHICAGO).day(date(2025, 11, 19)) == "19 Nov"


def test_weeks_are_those_of_iso_8601_with_their_monday() -> None:
    assert CLOCK.week(date(2025, 11, 16)) == "week 46, Mon 10 Nov"
    assert CLOCK.week(date(2027, 1, 1)) == "week 53, Mon 28 Dec"


def test_age() -> None:
    assert CLOCK.ago(NOW - timedelta(seconds=3)) == "just now"
    assert CLOCK.ago(NOW - timedelta(minutes=5)) == f"5{NBSP}min old"
    assert CLOCK.ago(NOW - timedelta(hours=14)) == f"14{NBSP}h old"
    assert CLOCK.ago(NOW - timedelta(days=3)) == f"3{NBSP}d old"


@pytest.mark.parametrize(
    ("opened", "due", "text", "tone", "used"),
    [
        pytest.param(-2, 8, "8 h left", "", 20, id="plain"),
        pytest.param(-7, 3, "3 h left", "warn", 70, id="exactly-70"),
        pytest.param(-6, 3, "3 h left", "", 67, id="just-under-70"),
        pytest.param(-10, 0, "0 m over", "bad", 100, id="due-now"),
        pytest.param(-10, -3, "3 h over", "bad", 100, id="over"),
        pytest.param(0, 0, "0 m over", "bad", 100, id="no-time-at-all"),
    ],
)
def test_clocks_of_time_that_passes(opened: int, due: int, text: str, tone: str, used: int) -> None:
    found = CLOCK.sla(NOW + timedelta(hours=opened), NOW + timedelta(hours=due))

    assert found is not None
    assert (found.text.replace(NBSP, " "), found.tone, found.used) == (text, tone, used)


def test_nights_do_not_count_on_a_calendar() -> None:
    """From Tuesday 09:42 to Wednesday 12:42: 7 h 48 m today and 3 h 42 m tomorrow."""
    due = datetime(2025, 11, 19, 12, 42, tzinfo=UTC)
    found = CLOCK.sla(NOW, due, WEEK)

    assert found is not None
    assert found.text.replace(NBSP, " ") == "1 d 3 h left"


def test_no_limit_is_no_clock_and_beyond_the_calendar_time_passes() -> None:
    far = CLOCK.sla(NOW, datetime(2027, 6, 1, tzinfo=UTC), WEEK)

    assert CLOCK.sla(NOW, None) is None
    assert far is not None
    assert far.text.endswith("left")


@given(moments, moments, moments)
def test_any_clock_can_be_shown(opened: datetime, due: datetime, now: datetime) -> None:
    for calendar in (None, WEEK):
        found = Clock(now, LONDON).sla(opened, due, calendar)
        assert found is not None
        assert 0 <= found.used <= 100
        assert (found.tone == "bad") == (now >= due)


def test_names_and_lists() -> None:
    assert formats.initials("Mara Lindqvist") == "ML"
    assert formats.initials("陈伟 (Wei Chen)") == "陈C"
    assert formats.initials("Cher") == "C"
    assert formats.initials(" ") == "?"
    assert formats.words("missing_data") == "Missing data"
    assert formats.listed(["a", "b", "c"]) == "a, b and c"
    assert formats.listed(["a"], "or") == "a"
    assert formats.meter(-3) == 0
    assert formats.meter(Decimal("140.2")) == 100


@pytest.mark.parametrize(
    ("code", "shown"),
    [("pmo_lead", "PMO lead"), ("create_psa_project", "Create PSA project"), ("crm", "CRM")],
)
def test_short_names_of_systems_are_written_in_capitals(code: str, shown: str) -> None:
    assert formats.words(code) == shown


def test_a_row_does_not_say_the_number_of_its_engagement_twice() -> None:
    assert formats.without_number("ENG-7 Loom is not ready: 1 gap", "ENG-7") == (
        "Loom is not ready: 1 gap"
    )
    assert formats.without_number("Hand over packet: ENG-7 Loom", "ENG-7") == (
        "Hand over packet: Loom"
    )
    assert formats.without_number("ENG-77 Loom", "ENG-7") == "ENG-77 Loom"
