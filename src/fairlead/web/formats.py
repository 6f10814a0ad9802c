"""How figures, times and names are written. Pure: what is shown depends on the arguments only.

Real minus signs, no-break spaces before units, the currency's code first, never a bare date in
figures. A missing value is words ("none yet"), which the templates choose; nothing here makes a
dash.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from fairlead.domain.model.calendar import WEEKDAYS, BusinessCalendar
from fairlead.domain.rules.calendar import business_time_between
from fairlead.domain.values import Money, minor_units
from fairlead.errors import InvalidDefinition

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

#: Within codes of ours, what people write in capitals.
_SHORT = re.compile(r"\b(crm|erp|pmo|psa)\b")

#: Of an SLA's time; from here on it is a warning.
WARN_FROM = 70

Tone = Literal["", "ok", "run", "warn", "bad", "idle", "hint"]


def amount(value: Decimal, places: int = 0, *, sign: bool = False) -> str:
    """`864,000`, `−1,200.50`; with `sign` also `+112,000` and `±0`."""
    unit = Decimal(1).scaleb(-places)
    rounded = value.quantize(unit, rounding=ROUND_HALF_EVEN)
    figures = f"{abs(rounded):,f}"
    if rounded < 0:
        return f"{MINUS}{figures}"
    if not sign:
        return figures
    return f"+{figures}" if rounded > 0 else f"±{figures}"


def money(value: Money, *, cents: bool = False, sign: bool = False) -> tuple[str, str]:
    """Code and figure: (`EUR`, `864,000`). `cents`: as many places as the currency has."""
    places = minor_units(value.currency) if cents else 0
    return value.currency, amount(value.amount, places, sign=sign)


def money_text(value: Money, *, cents: bool = False, sign: bool = False) -> str:
    return NBSP.join(money(value, cents=cents, sign=sign))


def price(value: Money) -> str:
    """Of one unit, its currency in the head of the column: with the places that it needs."""
    exponent = -int(value.amount.normalize().as_tuple().exponent)
    return amount(value.amount, max(minor_units(value.currency), min(exponent, 8)))


def headline(value: Money) -> tuple[str, str]:
    """For headlines, at most four figures: (`GBP`, `1.63m`), `418k`, `950`."""
    size = abs(value.amount)
    for unit, letter in ((Decimal(10**9), "bn"), (Decimal(10**6), "m"), (Decimal(10**3), "k")):
        places = 0 if letter == "k" else 2
        least = Decimal(1) if letter == "k" else Decimal("0.9995")  # 999,999 is 1.00m, not 1,000k
        if size / unit >= least:
            return value.currency, f"{amount(value.amount / unit, places)}{letter}"
    return value.currency, amount(value.amount)


def percent(ratio: Decimal, places: int = 1) -> str:
    """0.292 → `29.2 %`."""
    return f"{amount(ratio * 100, places)}{NBSP}%"


def points(change: Decimal) -> str:
    """A change of a ratio, in points: −0.008 → `−0.8 pt`."""
    return f"{amount(change * 100, 1, sign=True)}{NBSP}pt"


def hours(value: Decimal) -> str:
    return f"{amount(value, 1)}{NBSP}h"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 item`, `12 items`."""
    return f"{number:,}{NBSP}{one if number == 1 else many or one + 's'}"


def duration(span: timedelta, day: timedelta = _DAY) -> str:
    """The two largest units: `1 d 3 h`, `6 h 12 m`, `12 m`. `day`: how long a day is; of working
    time it is shorter than of time that passes."""
    minutes = abs(span) // MINUTE
    days, rest = divmod(minutes, max(1, day // MINUTE))
    whole_hours, left = divmod(rest, 60)
    parts = [(days, "d"), (whole_hours, "h"), (left, "m")]
    while len(parts) > 1 and not parts[0][0]:
        parts = parts[1:]
    shown = [f"{figure}{NBSP}{unit}" for figure, unit in parts[:2] if figure]
    return " ".join(shown) or f"0{NBSP}m"


def meter(used: Decimal | float | int) -> int:
    """A class of a meter must be 0 to 100."""
    return max(0, min(100, round(used)))


def initials(name: str) -> str:
    """Of the first and the last word that begin with a letter; `陈伟 (Wei Chen)` gives `陈C`."""
    letters = [letter for word in name.split() if (letter := word.lstrip("(").strip()[:1])]
    chosen = letters[:1] + letters[-1:] if len(letters) > 1 else letters
    return "".join(chosen).upper() or "?"


def words(code: str) -> str:
    """A code of ours as words: `missing_data` → `Missing data`."""
    plain = code.replace("_", " ").replace("-", " ").strip()
    plain = _SHORT.sub(lambda found: found[0].upper(), plain)
    return plain[:1].upper() + plain[1:]


def without_number(title: str, number: str | None) -> str:
    """For a row that names the engagement itself: `ENG-2083 Data platform is not ready` → `Data
    platform is not ready`."""
    return title.replace(f"{number} ", "", 1) if number else title


def listed(items: Iterable[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    all_of = list(items)
    if len(all_of) < 2:
        return "".join(all_of)
    return f"{', '.join(all_of[:-1])} {last} {all_of[-1]}"


@dataclass(frozen=True)
class Sla:
    """A clock as it is shown. `used` is 0 to 100 and may be of a clock that ran out."""

    text: str
    tone: Tone
    used: int


@dataclass(frozen=True)
class Clock:
    """Times as one reader sees them, at one moment."""

    now: datetime  #: UTC
    zone: ZoneInfo

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)

    @property
    def today(self) -> date:
        return self.local(self.now).date()

    def date(self, day: date | datetime) -> str:
        """`28 Nov 2025`."""
        found = self._day(day)
        return f"{found.day} {MONTHS[found.month - 1]} {found.year}"

    def day(self, day: date | datetime) -> str:
        """For tables: `today`, `28 Nov` in this year, `28 Nov 2025` in another."""
        found = self._day(day)
        if found == self.today:
            return "today"
        short = f"{found.day} {MONTHS[found.month - 1]}"
        return short if found.year == self.today.year else f"{short} {found.year}"

    def due(self, day: date | datetime) -> str:
        """For due dates: `today`, `Tue 18 Nov`, with the year where it is another."""
        found = self._day(day)
        shown = self.day(found)
        return shown if shown == "today" else f"{DAYS[found.weekday()]} {shown}"

    def time(self, moment: datetime) -> str:
        """`15:54`."""
        return f"{self.local(moment):%H:%M}"

    def moment(self, moment: datetime) -> str:
        """`today 15:54`, `28 Nov 15:54`."""
        return f"{self.day(moment)} {self.time(moment)}"

    def week(self, day: date | datetime) -> str:
        """`week 46, Mon 10 Nov` (ISO 8601)."""
        found = self._day(day)
        monday = found - timedelta(days=found.weekday())
        return f"week {found.isocalendar().week}, {DAYS[0]} {monday.day} {MONTHS[monday.month - 1]}"

    def ago(self, moment: datetime) -> str:
        """How old: `just now`, `14 h old`."""
        age = self.now - moment
        return "just now" if age < MINUTE else f"{_coarse(age)} old"

    def iso(self, moment: datetime) -> str:
        """For the attribute `datetime` of `<time>`."""
        return moment.astimezone(UTC).isoformat(timespec="seconds")

    def sla(
        self, opened: datetime, due: datetime | None, calendar: BusinessCalendar | None = None
    ) -> Sla | None:
        """What is left of the time until `due`; null where there is no limit.

        `calendar`: the owner's, so that nights do not count; null counts time that passes. Where
        the calendar does not reach so far, time that passes is counted too.
        """
        if due is None:
            return None
        left, whole, day = _spans(opened, self.now, due, calendar)
        used = 100 if whole <= timedelta(0) else 100 - Decimal(left / whole * 100)
        if self.now >= due:
            return Sla(f"{duration(left, day)} over", "bad", 100)
        tone: Tone = "warn" if used >= WARN_FROM else ""
        return Sla(f"{duration(left, day)} left", tone, meter(used))

    def _day(self, day: date | datetime) -> date:
        return self.local(day).date() if isinstance(day, datetime) else day


def _spans(
    opened: datetime, now: datetime, due: datetime, calendar: BusinessCalendar | None
) -> tuple[timedelta, timedelta, timedelta]:
    """Time left (negative: over), the whole of it, and how long a day is."""
    if calendar is not None:
        try:
            left = business_time_between(now, due, calendar)
            whole = business_time_between(opened, due, calendar)
        except InvalidDefinition:
            pass
        else:
            if whole > timedelta(0):
                return left, whole, working_day(calendar)
    return due - now, due - opened, _DAY


def working_day(calendar: BusinessCalendar) -> timedelta:
    """How long a day is that a week has most of; the longer of equals."""
    lengths = [_open_for(calendar, day) for day in WEEKDAYS]
    open_days = [length for length in lengths if length]
    return max(open_days, key=lambda length: (open_days.count(length), length))


def _open_for(calendar: BusinessCalendar, day: str) -> timedelta:
    spans = (
        datetime.combine(
            date.min + (_DAY if hours.closes.isoformat() == "00:00:00" else 0 * _DAY), hours.closes
        )
        - datetime.combine(date.min, hours.opens)
        for hours in calendar.weekly.get(day, ())
    )
    return sum(spans, timedelta(0))


def _coarse(age: timedelta) -> str:
    """One unit: `12 min`, `14 h`, `3 d`."""
    if age < timedelta(hours=1):
        return f"{age // MINUTE}{NBSP}min"
    if age < 2 * _DAY:
        return f"{age // timedelta(hours=1)}{NBSP}h"
    return f"{age // _DAY}{NBSP}d"


def rounded_percent(part: Decimal | int, whole: Decimal | int) -> int:
    """For progress: no decimals. Of nothing it is 0."""
    if not whole:
        return 0
    return int((Decimal(part) * 100 / Decimal(whole)).quantize(Decimal(1), ROUND_HALF_UP))
