"""Money is exact: nothing is lost, made, mixed or rounded behind anybody's back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deals import money
from fairlead.domain.values import Money, Period, minor_units, total

CURRENCIES = {"JPY": 0, "EUR": 2, "KWD": 3, "CLF": 4}

weights = st.lists(
    st.decimals(min_value=0, max_value=1000, places=4), min_size=1, max_size=40
).filter(any)


@st.composite
def amounts(draw: st.DrawFn) -> Money:
    """Whole minor units of either sign, and zero."""
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    units = draw(st.integers(-(10**15), 10**15))
    return Money(amount=Decimal(units).scaleb(-CURRENCIES[currency]), currency=currency)


@pytest.mark.parametrize(("currency", "units"), CURRENCIES.items())
def test_each_currency_has_its_own_minor_unit(currency: str, units: int) -> None:
    assert minor_units(currency) == units


@given(amounts(), weights)
def test_parts_add_up_in_whole_minor_units_and_none_has_the_other_sign(
    amount: Money, weights: list[Decimal]
) -> None:
    parts = amount.split(weights)

    assert total(parts, amount.currency) == amount
    assert all(part == part.rounded() for part in parts)
    assert all(part.amount * amount.amount >= 0 for part in parts)
    assert not any("-0" in str(part.amount) and not part.amount for part in parts)


@given(amounts(), weights)
def test_each_part_is_less_than_a_minor_unit_off(amount: Money, weights: list[Decimal]) -> None:
    unit = Decimal(1).scaleb(-CURRENCIES[amount.currency])

    for part, weight in zip(amount.split(weights), weights, strict=True):
        fair = amount.amount * weight / sum(weights, Decimal(0))
        assert abs(part.amount - fair) <= unit
        assert weight or not part.amount


@given(
    st.decimals(min_value=-(10**12), max_value=10**12, places=8).map(money),
    st.lists(st.integers(1, 9).map(Decimal), min_size=1, max_size=9),
)
def test_digits_beyond_the_minor_unit_are_kept(amount: Money, weights: list[Decimal]) -> None:
    assert total(amount.split(weights), "EUR") == amount


def test_the_cent_that_is_left_goes_to_the_first_of_equals() -> None:
    parts = money("100").split([Decimal(1)] * 3)

    assert [str(part.amount) for part in parts] == ["33.34", "33.33", "33.33"]


@pytest.mark.parametrize("weights", [[], [0, 0], [1, -1], [2, -1]])
def test_weights_that_mean_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        money("1").split([Decimal(weight) for weight in weights])


def test_currencies_do_not_mix() -> None:
    with pytest.raises(ValueError, match="USD"):
        _ = money("1", "EUR") + money("1", "USD")
    with pytest.raises(ValueError, match="USD"):
        total([money("1", "USD")], "EUR")


@pytest.mark.parametrize("raw", [1.1, True, "NaN", "Infinity", "1e30", "0.000000001"])
def test_what_is_not_an_exact_amount_is_refused(raw: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": raw, "currency": "EUR"})


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [("1234.5", "EUR", "EUR 1,234.50"), ("1234", "JPY", "JPY 1,234"), ("1.5", "KWD", "KWD 1.500")],
)
def test_an_amount_is_shown_with_its_currencys_decimals(
    amount: str, currency: str, shown: str
) -> None:
    assert str(money(amount, currency)) == shown


@given(amounts())
def test_an_amount_reads_back_as_it_was_written(amount: Money) -> None:
    assert Money.model_validate_json(amount.model_dump_json()) == amount


def test_both_days_of_a_period_are_in_it_and_an_open_end_never_comes() -> None:
    period = Period(start=date(2026, 1, 1), end=date(2026, 1, 31))

    assert date(2026, 1, 1) in period
    assert date(2026, 1, 31) in period
    assert date(2026, 2, 1) not in period
    assert date(2999, 1, 1) in Period(start=date(2026, 1, 1))


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValidationError, match="ends before"):
        Period(start=date(2026, 2, 1), end=date(2026, 1, 31))
