"""Sold prices are held against the approved ones, and every deviation is told."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import money
from fairlead.domain.model.rate_card import Rate, RateCard
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.rates import RatesAnswer, deviations
from fairlead.domain.values import ExternalRef, Period

DAY = date(2027, 1, 11)


def a_card(
    *prices: tuple[str, str | None, str],
    name: str = "EMEA 2027",
    start: date = date(2027, 1, 1),
    end: date | None = None,
    currency: str = "EUR",
) -> RateCard:
    return RateCard(
        ref=ExternalRef(system="kantata", kind="rate_card", id=name),
        name=name,
        currency=currency,
        valid=Period(start=start, end=end),
        rates=tuple(
            Rate(role=role, region=region, per_hour=money(price, currency))
            for role, region, price in prices
        ),
    )


def sold(role: str, rate: str | None, hours: str = "100", currency: str = "EUR") -> RoleDemand:
    price = None if rate is None else money(rate, currency)
    return RoleDemand(role=role, hours=Decimal(hours), rate=price)


def asked(roles: list[RoleDemand], *cards: RateCard, region: str | None = "EMEA") -> RatesAnswer:
    return deviations(roles, cards, region, "EUR", DAY)


CARD = a_card(("Consultant", None, "150"), ("Consultant", "APAC", "120"))


def test_a_discount_is_told_as_a_share_and_as_an_amount() -> None:
    answer = asked([sold("Consultant", "135")], CARD)

    (role,) = answer.roles
    assert role.deviation == Decimal("-0.1")
    assert role.difference == money("-1500")
    assert answer.deepest_discount == Decimal("0.1")
    assert answer.words == (
        "Consultant is sold at EUR 135.00 an hour, 10 % below the EUR 150.00 of EMEA 2027",
    )


def test_a_premium_is_no_discount() -> None:
    answer = asked([sold("Consultant", "165")], CARD)

    assert answer.deepest_discount == 0
    assert "10 % above" in answer.words[0]


def test_what_is_sold_as_approved_needs_no_words() -> None:
    answer = asked([sold("consultant ", "150.00")], CARD)

    assert answer.words == ()


@pytest.mark.parametrize(("region", "approved"), [("APAC", "120"), ("EMEA", "150"), (None, "150")])
def test_the_price_of_the_region_goes_before_that_of_all(region: str | None, approved: str) -> None:
    (role,) = asked([sold("Consultant", "130")], CARD, region=region).roles

    assert role.approved == money(approved)


def test_of_two_cards_in_force_the_newest_counts() -> None:
    older = a_card(("Consultant", None, "100"), name="Older", start=date(2026, 1, 1))
    newer = a_card(("Consultant", None, "160"), name="Newer", start=date(2027, 1, 11))

    for cards in ((older, newer), (newer, older)):
        assert asked([sold("Consultant", "160")], *cards).roles[0].card == "Newer"


def test_a_role_that_only_the_older_card_has_is_still_approved() -> None:
    older = a_card(("Test Lead", None, "100"), name="Older", start=date(2026, 1, 1))

    assert asked([sold("Test Lead", "100")], CARD, older).roles[0].card == "Older"


def test_a_role_without_an_approved_price_is_named() -> None:
    answer = asked([sold("Astrologer", "500"), sold("Consultant", "150")], CARD)

    assert answer.unapproved == ("Astrologer",)
    assert answer.words == ("no approved price for Astrologer",)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        pytest.param(
            a_card(("Consultant", None, "1"), end=date(2027, 1, 10)),
            "ended on 2027-01-10",
            id="old",
        ),
        pytest.param(
            a_card(("Consultant", None, "1"), start=date(2027, 1, 12)),
            "from 2027-01-12",
            id="later",
        ),
        pytest.param(
            a_card(("Consultant", None, "1"), currency="USD"), "no rate card is in EUR", id="other"
        ),
    ],
)
def test_a_card_that_is_not_in_force_approves_nothing(card: RateCard, words: str) -> None:
    answer = asked([sold("Consultant", "150"), sold("Test Lead", "150")], card)

    assert answer.roles == ()
    assert words in answer.because


def test_the_last_day_of_a_card_counts() -> None:
    assert asked([sold("Consultant", "150")], a_card(("Consultant", None, "150"), end=DAY)).roles


def test_a_price_in_another_currency_is_not_compared() -> None:
    answer = asked([sold("Consultant", "150", currency="USD")], CARD)

    assert (answer.roles, answer.other_currency) == ((), ("Consultant",))


def test_a_role_without_a_sold_price_is_billed_at_the_card() -> None:
    answer = asked([sold("Consultant", None)], CARD)

    assert answer.unpriced == ("Consultant",)


@given(
    st.decimals("0.01", "9999", places=2),
    st.decimals("0.01", "9999", places=2),
    st.decimals("0", "99999", places=2),
)
def test_a_deviation_has_the_sign_of_its_amount(
    price: Decimal, approved: Decimal, hours: Decimal
) -> None:
    card = a_card(("Consultant", None, str(approved)))

    (role,) = asked([sold("Consultant", str(price), str(hours))], card).roles

    assert role.deviation * role.difference.amount >= 0
    assert (price < approved) >= (role.deviation < 0)
