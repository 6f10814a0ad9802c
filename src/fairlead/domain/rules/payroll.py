"""From approved minutes to the lines of a pay sheet (F076, F127).

A line is hours of a day and kind, above zero and in whole hundredths; each kind adds up to its
minutes, to within half a hundredth. What was worked outside the pay period, and is paid in it,
stands on the nearest day of it. What takes time back lowers the same day first, then the earliest
days of its kind. A kind that does not come to more than zero has no line: it cannot be paid yet,
and waits for time of a later period.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from fairlead.domain.model.pay_sheet import PayLine
from fairlead.domain.values import Value

_HUNDREDTH = Decimal("0.01")


class Worked(Value):
    """Approved time of one person."""

    day: date
    pay: str
    minutes: int  #: negative: takes other time back


def lines(worked: Iterable[Worked], start: date, end: date) -> tuple[PayLine, ...]:
    """By kind, then day. Both days of the period are included."""
    by_kind: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for one in worked:
        by_kind[one.pay][min(max(one.day, start), end)] += one.minutes
    return tuple(
        line for pay in sorted(by_kind) for line in _of_kind(pay, _above_zero(by_kind[pay]))
    )


def _above_zero(days: dict[date, int]) -> dict[date, int]:
    """By day, in order, without a day at or below zero; empty where all do not exceed it."""
    if sum(days.values()) <= 0:
        return {}
    owed = -sum(minutes for minutes in days.values() if minutes < 0)
    left: dict[date, int] = {}
    for day in sorted(days):
        taken = min(owed, max(days[day], 0))
        owed -= taken
        if days[day] - taken > 0:
            left[day] = days[day] - taken
    return left


def _of_kind(pay: str, days: dict[date, int]) -> Iterable[PayLine]:
    """What rounding leaves of one day is made up for on the next."""
    minutes, told = 0, Decimal(0)
    for day, more in days.items():
        minutes += more
        total = (Decimal(minutes) / 60).quantize(_HUNDREDTH, rounding=ROUND_HALF_EVEN)
        yield PayLine(day=day, pay=pay, hours=total - told)
        told = total
