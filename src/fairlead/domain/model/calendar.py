"""When a firm's people work: opening hours in one time zone, and days off."""

from __future__ import annotations

from datetime import date, time
from itertools import pairwise
from typing import Annotated, Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from fairlead.domain.model import Entity
from fairlead.domain.values import Value

#: Monday first, as `date.weekday()` counts.
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Duration(Value):
    """A span of business time: first whole business days, then minutes in which we are open."""

    days: Annotated[int, Field(ge=0, le=3660)] = 0
    minutes: Annotated[int, Field(ge=0, le=5_270_400)] = 0

    @model_validator(mode="after")
    def _some_time(self) -> Duration:
        if not self.days and not self.minutes:
            raise ValueError("a duration is longer than nothing")
        return self

    def __str__(self) -> str:
        """ISO 8601, such as `P2D`, `PT8H30M` or `P1DT4H`."""
        hours, minutes = divmod(self.minutes, 60)
        clock = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
        return "P" + (f"{self.days}D" if self.days else "") + (f"T{clock}" if clock else "")


class Hours(Value):
    """One stretch of a day in which people work. Local wall-clock time, end excluded."""

    opens: time
    closes: time  #: 00:00 means midnight at the end of the day

    @model_validator(mode="before")
    @classmethod
    def _from_pair(cls, raw: Any) -> Any:
        """`["09:00", "17:30"]` will do, and `24:00` is midnight at the end."""
        if not isinstance(raw, list | tuple):
            return raw
        pair = cast("list[Any]", raw)
        if len(pair) != 2:
            raise ValueError('opening hours are two times, such as ["09:00", "17:30"]')
        return {"opens": pair[0], "closes": "00:00" if pair[1] == "24:00" else pair[1]}

    @model_validator(mode="after")
    def _forward(self) -> Hours:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("opening hours are local: give them without a zone")
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError(
                f"closes at {self.closes:%H:%M}, which is not after {self.opens:%H:%M}"
            )
        return self


class BusinessCalendar(Entity):
    """Opening hours per weekday and the days on which nobody works.

    `holidays` is built for a span of years by `domain.rules.calendar.holidays_of`, so that the
    calendar is a plain value and the same question has the same answer for ever. `known_until`
    is the last day for which it was built; to count past it is refused, never guessed.
    """

    name: str
    zone: str  #: IANA, such as `Europe/Berlin`
    weekly: dict[str, tuple[Hours, ...]]  #: weekday in English, lower case → in order of the day
    holidays: frozenset[date] = frozenset()
    known_until: date = date.max

    @field_validator("zone")
    @classmethod
    def _a_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as unknown:
            raise ValueError(f"{zone!r} is no IANA time zone, such as Europe/Berlin") from unknown
        return zone

    @field_validator("weekly")
    @classmethod
    def _opens_at_times(cls, weekly: dict[str, tuple[Hours, ...]]) -> dict[str, tuple[Hours, ...]]:
        if unknown := sorted(set(weekly) - set(WEEKDAYS)):
            raise ValueError(f"{unknown[0]!r} is no weekday; they are {', '.join(WEEKDAYS)}")
        if not any(weekly.values()):
            raise ValueError("a calendar that never opens can count no time: give opening hours")
        for day, stretches in weekly.items():
            for earlier, later in pairwise(stretches):
                if earlier.closes == time(0) or later.opens < earlier.closes:
                    raise ValueError(f"the hours of {day} overlap or are out of order")
        return weekly

    def hours_on(self, day: date) -> tuple[Hours, ...]:
        """The hours of one local day; empty on a day off."""
        return () if day in self.holidays else self.weekly.get(WEEKDAYS[day.weekday()], ())
