"""Until when a week's time is to be handed in, and when somebody is reminded (F070). Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from fairlead.domain.model.calendar import BusinessCalendar, Duration
from fairlead.domain.rules.calendar import add_business_time
from fairlead.domain.values import Ratio, Value

_DAY = timedelta(days=1)


class WindowTerms(Value):
    """What the policy `timesheet-window` says for one place."""

    due_days: Annotated[int, Field(ge=1, le=28)]  #: after the week's Sunday; 1 is the Monday after
    due_time: time  #: where the person works
    remind_hours: Annotated[int, Field(ge=0, le=168)]  #: before it is due, by the clock
    escalate_hours: Annotated[int, Field(ge=1, le=168)]  #: after it, in opening hours
    least_share: Ratio  #: of the contracted time; less is not handed in
    team: str  #: that hears of what is late
    because: str


class Window(Value):
    week: date  #: its Monday
    due_at: datetime  #: UTC, as the two below
    remind_at: datetime
    escalate_at: datetime
    days: tuple[date, ...]  #: of the week, on which people work there
    usual: int  #: how many a week has there without holidays


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def window(week: date, terms: WindowTerms, calendar: BusinessCalendar) -> Window:
    """`week`: its Monday. Where the day on which it is due is a day off, it is due on the next day
    on which people work. Raises InvalidDefinition past what the calendar knows."""
    days = [week + n * _DAY for n in range(7)]
    due = week + timedelta(days=6 + terms.due_days)
    while not calendar.hours_on(due) and due < calendar.known_until:
        due += _DAY
    due_at = datetime.combine(due, terms.due_time, ZoneInfo(calendar.zone)).astimezone(UTC)
    return Window(
        week=week,
        due_at=due_at,
        remind_at=due_at - timedelta(hours=terms.remind_hours),
        escalate_at=add_business_time(
            due_at, Duration(minutes=60 * terms.escalate_hours), calendar
        ),
        days=tuple(day for day in days if calendar.hours_on(day)),
        usual=sum(bool(calendar.weekly.get(name)) for name in calendar.weekly),
    )
