"""From one currency into another, by the rates that were published. Pure and exact.

A rate holds on its day and until the next one is published: a weekend has Friday's. The longest
stretch without one is that of holidays, so a rate older than `OLDEST` is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from fairlead.domain.model.exchange_rate import ExchangeRate
from fairlead.domain.values import Money, minor_units

OLDEST = timedelta(days=7)
_MOST = 10**7  #: of one currency for another; what comes to more follows from a mistaken rate
_DIGITS = Decimal(1).scaleb(-8)  #: as many decimals as a rate is kept with


@dataclass(frozen=True)
class Conversion:
    """How one currency becomes another. `rate` is the exact one, before any rounding."""

    to_currency: str
    rate: Fraction
    day: date | None  #: on which the rates were published; null: it is the same currency
    source: str

    @property
    def shown(self) -> Decimal:
        """The rate with eight decimals, to be kept and read. Amounts are not computed from it."""
        return _decimal(self.rate, _DIGITS)

    def of(self, amount: Decimal) -> Money:
        """What this amount is worth, rounded half up to the currency's minor unit: the one place
        where a converted amount is rounded. A negative amount is rounded as its opposite is."""
        unit = Decimal(1).scaleb(-minor_units(self.to_currency))
        worth = _decimal(Fraction(amount) * self.rate, unit)
        return Money(amount=worth, currency=self.to_currency)


def conversion(
    rates: Iterable[ExchangeRate], source: str, target: str, day: date
) -> Conversion | None:
    """The newest way from one currency to the other on a day; null where there is none.

    A rate in the direction asked for goes before its inverse, and that before two rates of one day
    with a currency in common.
    """
    if source == target:
        return Conversion(target, Fraction(1), None, "same currency")
    ways = _ways([one for one in rates if day - OLDEST < one.day <= day])
    found = [(one.day, -steps, one) for steps, one in _candidates(ways, source, target) if one.day]
    return max(found, key=lambda way: way[:2])[2] if found else None


_Ways = Mapping[tuple[str, str, date], tuple[int, Fraction, str]]


def _ways(rates: Iterable[ExchangeRate]) -> _Ways:
    """(from, to, day) → how far fetched it is, the rate, its source."""
    found: dict[tuple[str, str, date], tuple[int, Fraction, str]] = {}
    for one in rates:
        rate = Fraction(one.rate)
        found[one.from_currency, one.to_currency, one.day] = (0, rate, one.source)
        found.setdefault((one.to_currency, one.from_currency, one.day), (1, 1 / rate, one.source))
    return found


def _candidates(ways: _Ways, source: str, target: str) -> Iterable[tuple[int, Conversion]]:
    for (start, middle, day), (steps, rate, by) in ways.items():
        if start != source:
            continue
        if middle == target:
            yield steps, Conversion(target, rate, day, by)
        elif onward := ways.get((middle, target, day)):
            yield 2 + steps + onward[0], Conversion(target, rate * onward[1], day, by)


def _decimal(value: Fraction, unit: Decimal) -> Decimal:
    """Rounded half away from zero to a multiple of `unit`, in whole numbers throughout."""
    places = -int(unit.as_tuple().exponent)
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)
