"""Margin follows from minutes, rates, expenses and commitments, and from nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from test_revenue import a_stage
from test_revenue import facts as revenue_facts

from deals import money
from fairlead.domain.model.margin import CostedWork, MarginFacts
from fairlead.domain.model.revenue import PricedWork, RevenueMethod
from fairlead.domain.rules.margin import cost_progress, margin, revenue_at_completion
from fairlead.domain.values import Money


def work(minutes: int, per_hour: str = "60", currency: str = "EUR", **changes: Any) -> CostedWork:
    given: dict[str, Any] = {"exchange": Decimal(1), **changes}
    return CostedWork(minutes=minutes, per_hour=money(per_hour, currency), **given)


def facts(*parts: CostedWork, **changes: Any) -> MarginFacts:
    given: dict[str, Any] = {
        "currency": "EUR",
        "earned": "10000",
        "at_completion": "40000",
        "work": parts,
        "own_expenses": "0",
        "repaid_expenses": "0",
        "commitments": "0",
        "minutes": sum(part.minutes for part in parts),
        "remaining_minutes": 0,
        "budget_minutes": 0,
    }
    for name, value in changes.items():
        given[name] = value
    return MarginFacts.model_validate(
        {
            name: money(v) if isinstance(v, str) and name != "currency" else v
            for name, v in given.items()
        }
    )


def test_margin_to_date_and_at_completion() -> None:
    """100 hours at 60, 500 of expenses; as many hours to come, and 3,000 of others' work."""
    answer = margin(
        facts(
            work(6000),
            own_expenses="200",
            repaid_expenses="300",
            commitments="3000",
            remaining_minutes=6000,
            budget_minutes=12_000,
        )
    )

    assert answer.labour == money("6000.00")
    assert (answer.cost, answer.margin) == (money("6500.00"), money("3500.00"))
    assert answer.ratio == Decimal("0.35")
    assert answer.cost_at_completion == money("15500.00")
    assert answer.margin_at_completion == money("24500.00")
    assert (answer.burn, answer.onerous) == (Decimal("0.5"), False)


def test_a_contract_that_will_cost_more_than_it_brings_is_onerous() -> None:
    answer = margin(facts(work(6000, "400"), at_completion="39999.99"))

    assert answer.onerous
    assert answer.expected_loss == money("0.01")


def test_each_hour_costs_what_it_cost_on_its_day_in_its_currency() -> None:
    answer = margin(
        facts(work(60, "60"), work(90, "70"), work(60, "50", "GBP", exchange=Decimal("1.16")))
    )

    assert answer.labour == money("223.00")


def test_without_a_cost_rate_there_is_no_margin_and_it_says_whose_is_missing() -> None:
    nobody = CostedWork(minutes=60, per_hour=None, exchange=None, resource="ayo.brandt")
    answer = margin(facts(work(60), nobody))

    assert (answer.cost, answer.margin, answer.ratio, answer.expected_loss) == (None,) * 4
    assert answer.missing == ("ayo.brandt has no cost rate on a day that they worked",)


def test_an_amount_in_another_currency_is_never_added_at_par() -> None:
    answer = margin(facts(work(60, "50", "GBP", exchange=None)))

    assert answer.missing == ("no exchange rate from GBP is known",)


def test_before_anybody_worked_the_rest_costs_what_is_planned() -> None:
    planned = facts(remaining_minutes=600, planned_per_hour="75")

    assert cost_progress(planned).total == Decimal("750")
    assert cost_progress(facts(remaining_minutes=600)).missing


def test_what_the_client_repays_does_not_show_how_far_the_work_is() -> None:
    progress = cost_progress(facts(work(60), repaid_expenses="900", own_expenses="40"))

    assert (progress.done, progress.total) == (Decimal("100"), Decimal("100"))


costs = st.lists(
    st.builds(
        CostedWork,
        minutes=st.integers(0, 10_000),
        per_hour=st.integers(0, 10**6).map(lambda units: money(Decimal(units).scaleb(-2))),
        exchange=st.decimals(min_value="0.1", max_value=10, places=6),
    ),
    min_size=1,
    max_size=5,
)


@given(costs, st.integers(0, 10_000))
def test_cost_grows_with_work_and_never_passes_cost_at_completion(
    parts: list[CostedWork], left: int
) -> None:
    part_of, whole = (
        cost_progress(facts(*some, remaining_minutes=left, planned_per_hour="50"))
        for some in (parts[:-1], parts)
    )

    assert part_of.done <= whole.done <= whole.total


@given(costs, st.randoms(use_true_random=False))
def test_cost_does_not_depend_on_the_order_of_rows(parts: list[CostedWork], random: Any) -> None:
    shuffled = random.sample(parts, len(parts))

    assert margin(facts(*parts)) == margin(
        facts(*shuffled).model_copy(update={"work": tuple(shuffled)})
    )


def test_as_invoiced_the_rest_is_expected_at_the_average_rate_within_the_cap() -> None:
    given = revenue_facts(
        RevenueMethod.AS_INVOICED,
        priced=(PricedWork(minutes=600, per_hour=money("150"), role="Consultant"),),
        invoiced_work="1000",
        invoiced_minutes=600,
    )
    none = money("0")

    assert revenue_at_completion(given, money("2500"), 1200, none) == money("5000.00")
    capped = given.model_copy(update={"cap": money("4000")})
    assert revenue_at_completion(capped, money("2500"), 1200, none) == money("4000")


def test_as_invoiced_before_any_work_the_contract_says_what_is_expected() -> None:
    given = revenue_facts(RevenueMethod.AS_INVOICED, stages=(a_stage("90000"),))

    assert revenue_at_completion(given, money("0"), 1200, money("0")) == money("90000")


def test_of_a_price_the_price_is_expected_and_what_is_repaid() -> None:
    given = revenue_facts(stages=(a_stage("90000"),), expenses="500", concessions="-100")

    assert revenue_at_completion(
        given, money("7"), 9, Money(amount=Decimal(0), currency="EUR")
    ) == (money("90400"))
