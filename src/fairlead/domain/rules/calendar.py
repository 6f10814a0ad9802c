"""Count business time. Pure: an instant, a duration and a calendar in, an instant out.

Instants are aware and in UTC. Days are counted on the calendar's local clock, hours in time that
really passes while it is open, so that a day on which clocks change has the length that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from fairlead.domain.model.calendar import BusinessCalendar, Duration
from fairlead.errors import InvalidDefinition

_DAY = timedelta(days=1)

Stretch = tuple[datetime, datetime]  #: open from, open until; UTC


def add_business_time(start: datetime, duration: Duration, calendar: BusinessCalendar) -> datetime:
    """When a duration that begins at `start` is over (UTC).

    Outside opening hours it begins at the next opening. Business days come first: the same local
    time so many open days later, moved into that day's hours (a time between two stretches to
    the later opening, a time after the last to its close). Then hours, counted while open; one
    that ends exactly at a close ends there, not at the next opening.

    Raises InvalidDefinition where the end lies past what the calendar knows, ValueError where
    `start` has no zone.
    """
    begin = _opening(_utc(start), calendar)
    if duration.days:
        begin = _days_later(begin, duration.days, calendar)
    left = timedelta(minutes=duration.minutes)
    if not left:
        return begin
    for opens, closes in _stretches(begin, calendar):
        here = max(begin, opens)
        if here + left <= closes:
            return here + left
        left -= max(closes - here, timedelta(0))
    raise _past(calendar)


def business_time_between(a: datetime, b: datetime, calendar: BusinessCalendar) -> timedelta:
    """How long the calendar was open from `a` to `b`; negative where `b` comes first.

    Raises as `add_business_time`.
    """
    a, b = _utc(a), _utc(b)
    if b < a:
        return -business_time_between(b, a, calendar)
    open_time = timedelta(0)
    for opens, closes in _stretches(a, calendar):
        if opens >= b:
            return open_time
        open_time += max(min(b, closes) - max(a, opens), timedelta(0))
    if b.astimezone(ZoneInfo(calendar.zone)).date() > calendar.known_until:
        raise _past(calendar)
    return open_time


def holidays_of(
    country: str, years: Iterable[int], subdivision: str | None = None
) -> frozenset[date]:
    """Public holidays of a country (ISO 3166-1 alpha-2), with those of a subdivision (`BY`).

    From the library `holidays`, which reckons them; it reads no file and calls nobody. Raises
    InvalidDefinition where it knows no such country or subdivision.
    """
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=list(years))
    except NotImplementedError as unknown:
        where = f"{country}-{subdivision}" if subdivision else country
        raise InvalidDefinition(
            f"There are no public holidays known for {where}: use an ISO 3166 code, "
            "or list the days off yourself."
        ) from unknown
    return frozenset(found)


def _opening(start: datetime, calendar: BusinessCalendar) -> datetime:
    """`start` where it is within hours, else the next opening."""
    for opens, closes in _stretches(start, calendar):
        if start < closes:
            return max(start, opens)
    raise _past(calendar)


def _days_later(begin: datetime, days: int, calendar: BusinessCalendar) -> datetime:
    day, clock = _clock_of(begin, ZoneInfo(calendar.zone))
    hours: list[Stretch] = []
    while days:
        day = _next(day, calendar)
        hours = _hours(day, calendar)
        days -= bool(hours)
    wanted = _instant(datetime.combine(day, clock), ZoneInfo(calendar.zone))
    for opens, closes in hours:
        if wanted <= closes:
            return max(wanted, opens)
    return hours[-1][1]


def _stretches(start: datetime, calendar: BusinessCalendar) -> Iterator[Stretch]:
    """Opening hours that end after `start`, in order, as far as the calendar knows."""
    day = start.astimezone(ZoneInfo(calendar.zone)).date() - _DAY  # hours may run past midnight
    while day <= calendar.known_until and day < date.max - _DAY:
        for opens, closes in _hours(day, calendar):
            if closes > start:
                yield opens, closes
        day += _DAY


def _next(day: date, calendar: BusinessCalendar) -> date:
    if day >= calendar.known_until or day >= date.max - 2 * _DAY:
        raise _past(calendar)
    return day + _DAY


def _hours(day: date, calendar: BusinessCalendar) -> list[Stretch]:
    """The hours of a local day in UTC, without those that a change of clocks swallows."""
    zone = ZoneInfo(calendar.zone)
    found: list[Stretch] = []
    for hours in calendar.hours_on(day):
        until = day + _DAY if hours.closes == time(0) else day
        opens = _instant(datetime.combine(day, hours.opens), zone)
        closes = _instant(datetime.combine(until, hours.closes), zone)
        if opens < closes:
            found.append((opens, closes))
    return found


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time as an instant, so that a later local time is never an earlier instant.

    Of a time that comes twice the first is meant; one that is left out means the moment at which
    the clock leaps over it (PEP 495 has the terms).
    """
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    other = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if other < first:  # the clock leaps over it
        return _change_between(other, first, zone)
    return first


def _clock_of(instant: datetime, zone: ZoneInfo) -> tuple[date, time]:
    """The local day and time. The second pass of a repeated hour counts as the end of the first,
    so that a later instant never has an earlier time of the same day."""
    local = instant.astimezone(zone)
    if not local.fold:
        return local.date(), local.time()
    first = local.replace(fold=0)
    before = first.utcoffset() or timedelta(0)
    change = _change_between(first.astimezone(UTC), instant, zone)
    end = (change + before).replace(tzinfo=None)
    return end.date(), end.time()


def _change_between(a: datetime, b: datetime, zone: ZoneInfo) -> datetime:
    """The first instant after `a` with `b`'s offset from UTC; clocks change once between them."""
    old = a.astimezone(zone).utcoffset()
    while b - a > timedelta(microseconds=1):
        middle = a + (b - a) / 2
        if middle.astimezone(zone).utcoffset() == old:
            a = middle
        else:
            b = middle
    return b


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("business time is counted from an instant with a time zone")
    return instant.astimezone(UTC)


def _past(calendar: BusinessCalendar) -> InvalidDefinition:
    return InvalidDefinition(
        f"The calendar {calendar.name} knows its days off only until {calendar.known_until}: "
        "build it for more years, or give it opening hours before then."
    )
