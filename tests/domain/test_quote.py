"""Where quote, deal and contract differ, both values are named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import a_contract, a_deal, money
from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.model.quote import Quote, QuoteLine
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.quote import quote_gaps
from fairlead.domain.values import ExternalRef, Money

ROLES = (
    RoleDemand(role="Consultant", hours=Decimal(400), rate=money("150")),
    RoleDemand(role="Test Lead", hours=Decimal(200), rate=money("150")),
)


def a_line(product: str, quantity: str, price: str | Money, total: str | Money) -> QuoteLine:
    return QuoteLine(
        product=product,
        quantity=Decimal(quantity),
        unit_price=price if isinstance(price, Money) else money(price),
        total=total if isinstance(total, Money) else money(total),
    )


LINES = (a_line("Consultant", "400", "150", "60000"), a_line("test lead", "200", "150", "30000"))


def a_quote(*lines: QuoteLine, total: Money | None = None, accepted: bool = True) -> Quote:
    ref = ExternalRef(system="salesforce-emea", kind="quote", id="Q1")
    total = money("90000") if total is None else total
    return Quote(ref=ref, number="Q-7", accepted=accepted, total=total, lines=lines or LINES)


def problems(**changes: Any) -> list[str]:
    found = quote_gaps(a_deal(**({"quote": a_quote(), "roles": ROLES} | changes)))
    if isinstance(found, Clear):
        return []
    assert isinstance(found, Blocked)
    assert all(gap.owner and gap.remedy and not gap.suppliable for gap in found.gaps)
    return [gap.problem for gap in found.gaps]


def test_a_quote_that_says_what_the_deal_says_is_clear() -> None:
    assert problems() == []
    assert problems(quote=None) == []
    assert problems(contract=a_contract(value=money("90000"))) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"value": money("91000")}, "EUR 90,000.00, the deal EUR 91,000.00", id="deal"),
        pytest.param(
            {"contract": a_contract(value=money("90000.01"))},
            "says EUR 90,000.00, the contract EUR 90,000.01",
            id="contract-a-cent",
        ),
        pytest.param({"value": money("90000", "USD")}, "the deal USD 90,000.00", id="currency"),
        pytest.param({"quote": a_quote(accepted=False)}, "not accepted", id="not-accepted"),
        pytest.param(
            {"roles": (ROLES[0].model_copy(update={"hours": Decimal(380)}), ROLES[1])},
            "400 hours of Consultant, the deal 380",
            id="hours",
        ),
        pytest.param(
            {
                "roles": (
                    *ROLES,
                    RoleDemand(role="Project Manager", hours=Decimal(10)),
                )
            },
            "0 hours of Project Manager, the deal 10",
            id="role-not-quoted",
        ),
        pytest.param(
            {"roles": (ROLES[0].model_copy(update={"rate": money("140")}), ROLES[1])},
            "the deal's EUR 140.00 an hour makes EUR 56,000.00",
            id="price",
        ),
    ],
)
def test_a_mismatch_names_both_values(changes: dict[str, Any], words: str) -> None:
    told = problems(**changes)

    assert any(words in problem for problem in told), told


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param(a_line("Setup", "2", "10", "20.02"), "more than 2 × EUR 10.00", id="too-much"),
        pytest.param(a_line("Setup", "0", "10", "0"), "a quantity of 0", id="nothing"),
        pytest.param(a_line("Setup", "1", "10", "-1"), "negative", id="negative"),
        pytest.param(a_line("Setup", "1", money("10", "USD"), "10"), "is in USD", id="currency"),
    ],
)
def test_a_line_that_cannot_be_right_is_told(line: QuoteLine, words: str) -> None:
    told = problems(quote=a_quote(line, total=line.total), value=line.total, roles=())

    assert any(words in problem for problem in told), told


def test_a_discount_lowers_a_line_and_is_no_mismatch() -> None:
    line = a_line("Setup", "2", "10", "15")

    assert problems(quote=a_quote(line, total=money("15")), value=money("15"), roles=()) == []


def test_lines_add_up_to_the_total() -> None:
    told = problems(quote=a_quote(LINES[0]), roles=())

    assert told == ["the lines of quote Q-7 add up to EUR 60,000.00, its total is EUR 90,000.00"]


def test_a_quote_without_roles_in_it_is_not_compared_by_hours() -> None:
    assert problems(quote=a_quote(a_line("Migration package", "1", "90000", "90000"))) == []


@given(st.lists(st.decimals("0.01", "99999", places=2), min_size=1, max_size=6))
def test_lines_that_are_sums_are_never_a_mismatch(prices: list[Decimal]) -> None:
    lines = [a_line(f"Item {n}", "1", str(price), str(price)) for n, price in enumerate(prices)]
    value = money(sum(prices, Decimal(0)))

    assert problems(quote=a_quote(*lines, total=value), value=value, roles=()) == []
