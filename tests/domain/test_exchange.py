"""Amounts of other currencies: by the rate of the day, exactly, and rounded once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.model.exchange_rate import ExchangeRate
from fairlead.domain.rules.exchange import Conversion, conversion

FRIDAY = date(2026, 3, 6)


def rate(source: str, target: str, value: str, day: date = FRIDAY) -> ExchangeRate:
    return ExchangeRate(
        day=day, from_currency=source, to_currency=target, rate=Decimal(value), source="ECB"
    )


ECB = [rate("EUR", "USD", "1.25"), rate("EUR", "GBP", "0.80"), rate("EUR", "JPY", "160")]


@pytest.mark.parametrize(
    ("source", "target", "amount", "worth"),
    [
        pytest.param("EUR", "EUR", "10.005", "10.01", id="the-same-currency"),
        pytest.param("EUR", "USD", "100", "125.00", id="as-published"),
        pytest.param("USD", "EUR", "100", "80.00", id="the-other-way-round"),
        pytest.param("USD", "GBP", "100", "64.00", id="over-a-currency-in-common"),
        pytest.param("EUR", "JPY", "1.003125", "161", id="half-a-yen-goes-up"),
        pytest.param("USD", "EUR", "-0.00625", "-0.01", id="half-a-cent-taken-back"),
    ],
)
def test_an_amount_is_worth_what_the_rates_say(
    source: str, target: str, amount: str, worth: str
) -> None:
    way = conversion(ECB, source, target, FRIDAY)

    assert way is not None
    assert str(way.of(Decimal(amount)).amount) == worth


@pytest.mark.parametrize(
    ("day", "found"),
    [
        pytest.param(date(2026, 3, 5), False, id="before-it-was-published"),
        pytest.param(date(2026, 3, 8), True, id="sunday-has-fridays"),
        pytest.param(date(2026, 3, 12), True, id="after-six-days"),
        pytest.param(date(2026, 3, 13), False, id="after-a-week-it-is-too-old"),
    ],
)
def test_a_rate_holds_until_the_next_and_not_for_ever(day: date, found: bool) -> None:
    assert (conversion(ECB, "EUR", "USD", day) is not None) == found


def test_the_newest_day_goes_before_the_shorter_way() -> None:
    newer = date(2026, 3, 9)
    rates = [*ECB, rate("USD", "CHF", "0.90"), rate("CHF", "GBP", "0.88", newer)]
    rates += [rate("USD", "CHF", "0.91", newer), rate("USD", "GBP", "0.79")]

    way = conversion(rates, "USD", "GBP", newer)

    assert way is not None
    assert (way.day, way.rate) == (newer, Fraction("0.8008"))


def test_what_was_published_for_the_pair_goes_before_what_follows_from_others() -> None:
    way = conversion([*ECB, rate("USD", "EUR", "0.81")], "USD", "EUR", FRIDAY)

    assert way is not None
    assert way.shown == Decimal("0.81000000")


def test_without_a_rate_there_is_no_conversion() -> None:
    assert conversion(ECB, "CHF", "EUR", FRIDAY) is None


@given(
    amount=st.decimals(-(10**9), 10**9, places=2, allow_nan=False),
    quoted=st.decimals("0.000001", 10**6, places=8, allow_nan=False),
)
def test_what_is_taken_back_comes_to_the_opposite_and_no_cent_is_made(
    amount: Decimal, quoted: Decimal
) -> None:
    way = Conversion("EUR", 1 / Fraction(quoted), FRIDAY, "ECB")

    assert way.of(amount).amount == -way.of(-amount).amount
    exact = Fraction(amount) / Fraction(quoted)
    assert abs(Fraction(way.of(amount).amount) - exact) <= Fraction(1, 200)
