"""How one amount of an invoice comes about: exact whole numbers, each rounded by one named rule.

Amounts are counted in the minor unit of their currency (ISO 4217: cents, yen, fils), rates in
hundred-millionths of the unit an hour. The rule of rounding is *half up, away from zero*: 0.005 is
0.01 and -0.005 is -0.01, so that what takes something back is exactly what it takes back. Each item
is rounded by itself; a sum is a sum of rounded amounts and is never rounded again (F083, F090).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from fairlead.domain.values import Money, Period, Value, minor_units

RATE_SCALE = 8  #: decimals of a rate, as the store keeps it
#: Beyond it, minutes of a day times the rate no longer fit 64 bits.
HIGHEST_RATE = Decimal(40_000_000)
#: Of one fee, without its sign. Beyond it, the sums of an engagement no longer fit 64 bits.
HIGHEST_FEE = Decimal(1_000_000_000_000)


def half_up(numerator: int, denominator: int) -> int:
    """The quotient as a whole number, half away from zero. `denominator` is positive."""
    whole, left = divmod(abs(numerator), denominator)
    rounded = whole + (2 * left >= denominator)
    return rounded if numerator >= 0 else -rounded


def to_minor(amount: Decimal, currency: str) -> int:
    """In whole minor units; what has more decimals is rounded half up."""
    scaled = amount.scaleb(minor_units(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def of_minor(minor: int, currency: str) -> Money:
    return Money(amount=Decimal(minor).scaleb(-minor_units(currency)), currency=currency)


def time_amount(minutes: int, per_hour: Money) -> Money:
    """Minutes times the hour's rate by sixty, half up at the currency's minor unit."""
    scaled = int(per_hour.amount.scaleb(RATE_SCALE))
    down = 60 * 10 ** (RATE_SCALE - minor_units(per_hour.currency))
    return of_minor(half_up(minutes * scaled, down), per_hour.currency)


class Instalment(Value):
    """What a recurring fee comes to for one calendar month, or for the part that is served."""

    period: Period
    amount: Money
    prorated: bool


def by_month(monthly: Money, period: Period) -> Iterator[Instalment]:
    """A monthly fee over a service's period, by calendar month.

    A month that is served in part is prorated by *actual days of that month*: days served, both
    ends included, by the days that the month has. 15 to 30 April of 900.00 is 16/30: 480.00.
    Raises ValueError for a period without an end.
    """
    if period.end is None:
        raise ValueError("a recurring fee is worked out for a period with an end")
    first, whole = period.start, to_minor(monthly.amount, monthly.currency)
    while first <= period.end:
        days = monthrange(first.year, first.month)[1]
        last = min(date(first.year, first.month, days), period.end)
        served = (last - first).days + 1
        yield Instalment(
            period=Period(start=first, end=last),
            amount=of_minor(half_up(whole * served, days), monthly.currency),
            prorated=served < days,
        )
        first = last + timedelta(days=1)
