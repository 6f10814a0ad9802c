"""Cells of files that are imported, read: days, yes and no, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class DayOrder(StrEnum):
    """How days with slashes are read, where the file itself does not show it."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True)
class Fault:
    row: int  #: of the file; the header is row 1
    column: str  #: as the file calls it
    value: str  #: as it stands there, cut
    rule: str


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


YES_NO = {
    **dict.fromkeys(("yes", "true", "1", "y", "ja", "oui", "billable"), True),
    **dict.fromkeys(("no", "false", "0", "n", "nein", "non", "non-billable"), False),
}
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


def day_order(days: Sequence[str]) -> DayOrder | None:
    """Read off the file: a number above 12 can be no month. Dots are always day first."""
    parts = [found for day in days if (found := _SLASHED.fullmatch(day))]
    first = any(int(part[1]) > 12 for part in parts)
    second = any(int(part[2]) > 12 for part in parts)
    if first == second:
        return None
    return DayOrder.DAY_FIRST if first else DayOrder.MONTH_FIRST


def day_of(text: str, order: DayOrder | None) -> date | None:
    try:
        if found := _DOTTED.fullmatch(text):
            day, month, year = map(int, found.groups())
            return _kept(date(year, month, day))
        if found := _SLASHED.fullmatch(text):
            one, other, year = map(int, found.groups())
            if order is None and one != other:
                return None
            day, month = (other, one) if order is DayOrder.MONTH_FIRST else (one, other)
            return _kept(date(year, month, day))
        return _kept(date.fromisoformat(text[:10])) if len(text) in (10, 19, 20) else None
    except ValueError:
        return None


def _kept(day: date) -> date | None:
    return day if 2000 <= day.year < 2100 else None


def day_rule(text: str, order: DayOrder | None) -> str:
    """What a day that cannot be read is to be like."""
    if order is None and _SLASHED.fullmatch(text):
        return "could be read with day or month first: say which (`dates`)"
    return "is a day such as 2026-03-02"
