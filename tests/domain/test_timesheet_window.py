"""A week is due where the person works, and on a day on which people work there."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.rules.calendar import holidays_of
from fairlead.domain.rules.timesheet_window import WindowTerms, monday_of, window

WEEK = {
    day: [["09:00", "17:00"]] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
}


def calendar(zone: str, country: str) -> BusinessCalendar:
    return BusinessCalendar.model_validate(
        {"name": zone, "zone": zone, "weekly": WEEK, "holidays": holidays_of(country, [2026])}
    )


def terms(**more: Any) -> WindowTerms:
    given: dict[str, Any] = {
        "due_days": 1,
        "due_time": time(12),
        "remind_hours": 3,
        "escalate_hours": 8,
        "least_share": Decimal("0.9"),
        "team": "delivery-operations",
        "because": "",
    }
    return WindowTerms.model_validate(given | more)


@pytest.mark.parametrize(
    ("zone", "country", "week", "due"),
    [
        pytest.param("Europe/Berlin", "DE", "2026-03-02", "2026-03-09T11:00", id="winter"),
        pytest.param("Europe/Berlin", "DE", "2026-03-23", "2026-03-30T10:00", id="clocks-changed"),
        pytest.param("America/Chicago", "US", "2026-03-02", "2026-03-09T17:00", id="chicago"),
        pytest.param("Europe/Berlin", "DE", "2026-03-30", "2026-04-07T10:00", id="easter-monday"),
    ],
)
def test_a_week_is_due_at_noon_of_the_next_working_monday(
    zone: str, country: str, week: str, due: str
) -> None:
    found = window(date.fromisoformat(week), terms(), calendar(zone, country))

    assert found.due_at == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_people_are_reminded_before_and_the_team_hears_after_working_hours() -> None:
    found = window(date(2026, 3, 2), terms(), calendar("Europe/Berlin", "DE"))

    assert found.remind_at == datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert found.escalate_at == datetime(2026, 3, 10, 11, tzinfo=UTC)


def test_a_week_with_a_holiday_has_a_day_less() -> None:
    found = window(date(2026, 3, 30), terms(), calendar("Europe/Berlin", "DE"))

    assert (len(found.days), found.usual) == (4, 5)
    assert date(2026, 4, 3) not in found.days


def test_a_week_begins_on_monday() -> None:
    assert monday_of(date(2026, 3, 8)) == monday_of(date(2026, 3, 2)) == date(2026, 3, 2)
