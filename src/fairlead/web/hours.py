"""Hours as people write them, in minutes. Pure."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fairlead.errors import InvalidInput, Problem
from fairlead.web.formats import MINUS

_DECIMAL = re.compile(r"^(\d{1,2})?(?:[.,](\d{1,4}))?$")
_RULE = "is hours as 7:30, 7.5 or 7,5, of at most 24"
_DAY = timedelta(days=1)


def shown(minutes: int) -> str:
    """450 → `7:30`; 75,000 → `1,250:00`."""
    sign = MINUS if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60:,}:{abs(minutes) % 60:02}"


def minutes_of(text: str) -> int | None:
    """`7:30`, `7.5`, `7,5`, `7` → 450, 450, 450, 420. Nothing, and nought, are null.

    `7.30` is seven hours and three tenths: who means minutes writes a colon. Raises `InvalidInput`.
    """
    plain = text.strip().replace(" ", "")
    if not plain:
        return None
    found = _read(plain)
    if found is None or found > 1440:
        raise InvalidInput("These are no hours of a day.", [Problem("/hours", _RULE)])
    return found or None


def clock_of(text: str, field: str) -> int | None:
    """A time of the day, in minutes from midnight: `22:30` → 1350. Raises `InvalidInput`."""
    plain = text.strip()
    if not plain:
        return None
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", plain)
    if match is None or int(match[1]) > 24 or int(match[2]) > 59:
        rule = "is a time such as 9:00"
        raise InvalidInput("This is no time of a day.", [Problem(f"/{field}", rule)])
    return int(match[1]) * 60 + int(match[2])


def monday_of(text: str, today: date) -> date:
    """Of the week of a day; what cannot be read is today's."""
    try:
        day = date.fromisoformat(text) if text else today
    except ValueError:
        day = today
    if not 2000 <= day.year <= 2098:
        day = today
    return day - day.weekday() * _DAY


def _read(plain: str) -> int | None:
    if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", plain):
        return int(clock[1]) * 60 + int(clock[2]) if int(clock[2]) < 60 else None
    if not any(letter.isdigit() for letter in plain) or _DECIMAL.fullmatch(plain) is None:
        return None
    hours = Decimal("0" + plain.replace(",", "."))
    return int((hours * 60).quantize(Decimal(1), ROUND_HALF_UP))
