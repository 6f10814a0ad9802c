"""Hours and money in the units that Kantata takes, exactly or not at all. Pure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Decimal

from fairlead.domain.values import Money, minor_units

#: Kantata documents minutes and prices as `int32`.
_LARGEST = 2**31 - 1

_CURRENCY_VALUE = re.compile(r"\[([0-9]{1,18}), ?'?([A-Z]{3})'?\]")  # as text, or as a list


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
    return _whole(
        rounded(budget) if exact_elsewhere else budget.amount,
        f"a project's price is a whole number of {budget.currency}, and {budget} is not;"
        " name a currency custom field in `budget_field_id` to keep the exact budget",
    )


def rounded(budget: Money) -> Decimal:
    return budget.amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)


def subunits(budget: Money) -> int:
    """The amount in the currency's smallest unit: pence, yen, fils."""
    shifted = budget.amount.scaleb(minor_units(budget.currency))
    words = f"{budget.amount:f} has more decimals than {budget.currency}"
    return _whole(shifted, words, largest=None)


def written(amount: Money) -> str:
    """The value of a currency custom field: smallest units and currency, `[18425037, GBP]`.

    Raises `DoesNotFit`.
    """
    return f"[{subunits(amount)}, {amount.currency}]"


def read(value: object) -> Money | None:
    """What a currency custom field holds; None for what is no such value."""
    found = _CURRENCY_VALUE.fullmatch(str(value))
    if found is None:
        return None
    amount = Decimal(found[1]).scaleb(-minor_units(found[2]))
    return Money(amount=amount, currency=found[2])


def _whole(number: Decimal, otherwise: str, *, largest: int | None = _LARGEST) -> int:
    if number != number.to_integral_value():
        raise DoesNotFit(otherwise)
    if largest is not None and number > largest:
        raise DoesNotFit(f"{number:f} is more than Kantata's largest whole number, {largest}")
    return int(number)
