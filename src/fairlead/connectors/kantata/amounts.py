"""Hours and money in the units that Kantata takes, exactly or not at all. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from fairlead.domain.values import Money, minor_units

#: Kantata documents minutes and prices as `int32`.
_LARGEST = 2**31 - 1


class DoesNotFit(ValueError):
    """An amount that Kantata cannot hold as it is. The words are for the person who looks."""


def minutes(hours: Decimal) -> int:
    """Whole minutes. Raises `DoesNotFit` where a part of a minute would be lost."""
    return _whole(hours * 60, f"{hours:f} hours are not a whole number of minutes")


def price(budget: Money, *, exact_elsewhere: bool) -> int:
    """A project's `price`, which is a whole number of base units (pounds, not pence).

    https://developer.kantata.com/kantata/specification/workspaces/update-workspace

    `exact_elsewhere`: the exact amount also goes to a custom field, so this one may be rounded,
    half to even. Without that a fraction raises `DoesNotFit`.
    """
    amount = budget.amount
    if exact_elsewhere:
        amount = amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return _whole(
        amount,
        f"a project's price is a whole number of {budget.currency}, and {budget} is not;"
        " name a currency custom field in `budget_field_id` to keep the exact budget",
    )


def subunits(budget: Money) -> int:
    """The amount in the currency's smallest unit: pence, yen, fils."""
    shifted = budget.amount.scaleb(minor_units(budget.currency))
    words = f"{budget.amount:f} has more decimals than {budget.currency}"
    return _whole(shifted, words, largest=None)


def _whole(number: Decimal, otherwise: str, *, largest: int | None = _LARGEST) -> int:
    if number != number.to_integral_value():
        raise DoesNotFit(otherwise)
    if largest is not None and number > largest:
        raise DoesNotFit(f"{number:f} is more than Kantata's largest whole number, {largest}")
    return int(number)
