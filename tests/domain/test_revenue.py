"""What is earned: balanced on every day, never more than the contract, and all of it at the end."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deals import money
from fairlead.domain.model.revenue import (
    EarnedCharge,
    EarnedMilestone,
    Position,
    PricedWork,
    RevenueFacts,
    RevenueMethod,
    Stage,
    Treatment,
)
from fairlead.domain.rules.billing_amounts import time_amount
from fairlead.domain.rules.revenue import (
    Unmeasured,
    days_done,
    position,
    recognise,
    remaining_minutes,
)
from fairlead.domain.values import Money, total

START, ON = date(2026, 1, 1), date(2026, 6, 30)
M = RevenueMethod


def a_stage(price: str = "120000", done: str = "0", whole: str = "100", **changes: Any) -> Stage:
    return Stage(
        since=changes.pop("since", START),
        price=money(price),
        done=Decimal(done),
        total=Decimal(whole),
        **changes,
    )


def facts(method: RevenueMethod = M.OVER_TIME_BY_COST, **changes: Any) -> RevenueFacts:
    given: dict[str, Any] = {
        "method": method,
        "currency": "EUR",
        "on": ON,
        "stages": (a_stage(),),
        **{name: money("0") for name in ("invoiced_work", "expenses", "concessions")},
        **{name: money("0") for name in ("billed", "due")},
    }
    for name, value in changes.items():
        given[name] = money(value) if isinstance(value, str) else value
    return RevenueFacts.model_validate(given)


def earned(given: RevenueFacts) -> Decimal:
    return recognise(given).position.earned.amount


cents = st.integers(0, 10**12).map(lambda units: Decimal(units).scaleb(-2))
signed = st.integers(-(10**12), 10**12).map(lambda units: Decimal(units).scaleb(-2))
measures = st.decimals(min_value=0, max_value=10**9, places=4)


@st.composite
def stages(draw: st.DrawFn) -> tuple[Stage, ...]:
    """Work only goes on; terms and estimates change in any way."""
    done = Decimal(0)
    found: list[Stage] = []
    for number in range(draw(st.integers(1, 4))):
        done += draw(measures)
        found.append(
            Stage(
                since=START + timedelta(days=30 * number),
                price=money(draw(cents)),
                treatment=draw(st.sampled_from(Treatment)),
                done=done,
                total=done + draw(measures),
            )
        )
    return tuple(found)


@st.composite
def any_facts(draw: st.DrawFn) -> RevenueFacts:
    charges = st.builds(
        EarnedCharge,
        amount=signed.map(money),
        due_on=st.dates(START, date(2027, 1, 1)),
        starts_on=st.none() | st.dates(START, date(2026, 6, 1)),
        ends_on=st.none() | st.dates(date(2026, 6, 2), date(2027, 1, 1)),
        on_top=st.booleans(),
    )
    work = st.builds(
        PricedWork,
        minutes=st.integers(-1440, 1440),
        entries=st.integers(1, 50),
        per_hour=st.none() | cents.map(money),
        role=st.just("Consultant"),
    )
    milestones = st.builds(EarnedMilestone, amount=signed.map(money), accepted=st.booleans())
    return facts(
        draw(st.sampled_from(M)),
        cap=draw(st.none() | cents.map(money)),
        stages=draw(stages()),
        priced=tuple(draw(st.lists(work, max_size=4))),
        milestones=tuple(draw(st.lists(milestones, max_size=4))),
        charges=tuple(draw(st.lists(charges, max_size=3))),
        complete=draw(st.booleans()),
        **{
            name: money(draw(signed))
            for name in ("invoiced_work", "expenses", "concessions", "billed", "due")
        },
    )


@given(any_facts())
def test_earned_less_billed_is_work_in_progress_less_deferred(given: RevenueFacts) -> None:
    at = recognise(given).position

    assert at.earned.amount - at.billed.amount == at.wip.amount - at.deferred.amount
    assert min(at.wip.amount, at.deferred.amount) == 0
    assert 0 <= at.accrued.amount <= at.wip.amount


@given(any_facts())
def test_a_figure_is_the_sum_of_its_parts_in_whole_minor_units(given: RevenueFacts) -> None:
    answer = recognise(given)
    parts = total((answer.fee, answer.expenses, answer.other), "EUR")

    assert parts == answer.position.earned + answer.over_cap
    assert answer.position.earned == answer.position.earned.rounded()


@given(any_facts())
def test_no_more_is_earned_than_may_ever_be_billed(given: RevenueFacts) -> None:
    answer = recognise(given)

    assert given.cap is None or answer.position.earned.amount <= given.cap.amount
    assert answer.over_cap.amount >= 0


@given(any_facts())
def test_facts_that_were_kept_give_the_same_figures_again(given: RevenueFacts) -> None:
    kept = RevenueFacts.model_validate_json(given.model_dump_json())

    assert recognise(kept) == recognise(given)


@given(stages())
def test_over_time_nothing_is_left_when_nothing_is_left_to_do(given: tuple[Stage, ...]) -> None:
    last = given[-1].model_copy(update={"done": given[-1].total + 1, "total": given[-1].total + 1})

    assert earned(facts(stages=(*given[:-1], last))) == last.price.amount


@given(stages(), measures, measures)
def test_over_time_more_work_within_the_estimate_never_earns_less(
    given: tuple[Stage, ...], some: Decimal, more: Decimal
) -> None:
    last = given[-1]
    whole = last.done + some + more
    before = [earned(facts(stages=given[:upto])) for upto in range(1, len(given))]
    first, second = (
        earned(facts(stages=(*given[:-1], last.model_copy(update={"done": done, "total": whole}))))
        for done in (last.done + some, whole)
    )

    # a prospective change to less than was earned gives the difference back as work goes on
    if max(before, default=Decimal(0)) <= last.price.amount:
        assert first <= second


@given(stages(), cents)
def test_a_prospective_change_leaves_what_was_earned(
    given: tuple[Stage, ...], price: Decimal
) -> None:
    before = given[-1]
    change = before.model_copy(
        update={
            "price": money(price),
            "treatment": Treatment.PROSPECTIVE,
            "total": before.total + 1,
        }
    )

    assert earned(facts(stages=(*given, change))) == earned(facts(stages=given))


@given(measures, measures, cents, cents, measures)
def test_a_catch_up_is_as_if_the_new_terms_had_held_from_the_start(
    done: Decimal, left: Decimal, old: Decimal, new: Decimal, added: Decimal
) -> None:
    before = Stage(since=START, price=money(old), done=done, total=done + left)
    after = before.model_copy(
        update={
            "price": money(new),
            "total": before.total + added,
            "treatment": Treatment.CATCH_UP,
        }
    )

    assert earned(facts(stages=(before, after))) == earned(facts(stages=(after,)))


@given(
    cents,
    st.dates(START, date(2028, 1, 1)),
    st.integers(0, 2000),
    st.lists(st.dates(date(2025, 12, 1), date(2034, 1, 1)), min_size=2, max_size=8),
)
def test_straight_line_the_months_of_a_service_add_up_to_its_price_and_only_grow(
    price: Decimal, start: date, length: int, days: list[date]
) -> None:
    end = start + timedelta(days=length)
    figures: list[Decimal] = []
    for day in (date.min, *sorted(days), date.max):
        done, whole = days_done(start, end, day)
        stage = Stage(since=start, price=money(price), done=Decimal(done), total=Decimal(whole))
        figures.append(earned(facts(M.STRAIGHT_LINE, on=day, stages=(stage,))))

    assert figures == sorted(figures)
    deltas = [later - earlier for earlier, later in pairwise(figures)]
    assert figures[0] + sum(deltas) == price


@given(st.lists(cents, min_size=1, max_size=8), cents, st.integers(0, 8))
def test_milestones_earn_the_whole_price_when_all_are_accepted_and_never_more(
    amounts: list[Decimal], price: Decimal, accepted: int
) -> None:
    of = tuple(
        EarnedMilestone(amount=money(amount), accepted=number < accepted)
        for number, amount in enumerate(amounts)
    )
    figure = earned(facts(M.POINT_IN_TIME, stages=(a_stage(str(price)),), milestones=of))

    if accepted >= len(amounts) and any(amounts):
        assert figure == price
    assert 0 <= figure <= price or not any(amounts)


@given(st.lists(st.tuples(st.integers(-1440, 1440), st.integers(1, 9), cents), max_size=5))
def test_unbilled_work_is_worth_what_each_entry_will_be_invoiced_for(
    work: list[tuple[int, int, Decimal]],
) -> None:
    each = [
        PricedWork(minutes=minutes, entries=entries, per_hour=money(rate), role="Consultant")
        for minutes, entries, rate in work
    ]
    items = [time_amount(part.minutes, part.per_hour) for part in each if part.per_hour]
    invoiced = [item for item, part in zip(items, each, strict=True) for _ in range(part.entries)]

    before = facts(M.AS_INVOICED, priced=tuple(each))
    after = facts(M.AS_INVOICED, invoiced_work=total(invoiced, "EUR"))
    assert earned(before) == earned(after)


def test_cost_to_cost_earns_the_share_of_cost_that_is_spent() -> None:
    answer = recognise(
        facts(stages=(a_stage("300000", "90000", "225000"),), billed="150000", due="0")
    )

    assert answer.position == Position(
        on=ON,
        earned=money("120000.00"),
        billed=money("150000"),
        wip=money("0"),
        accrued=money("0"),
        deferred=money("30000.00"),
    )
    assert answer.progress == Decimal("0.4")


def test_the_same_change_ends_the_same_whether_prospective_or_caught_up() -> None:
    """120,000 for 100 days of effort; after 50 of them 30,000 more for 50 days more."""
    before = a_stage("120000", "50", "100")

    def after(treatment: Treatment, done: str) -> Decimal:
        change = a_stage("150000", done, "150", since=date(2026, 4, 1), treatment=treatment)
        return earned(facts(M.OVER_TIME_BY_EFFORT, stages=(before, change)))

    assert after(Treatment.PROSPECTIVE, "50") == 60_000
    assert after(Treatment.CATCH_UP, "50") == 50_000
    assert after(Treatment.PROSPECTIVE, "100") == 105_000
    assert after(Treatment.CATCH_UP, "100") == 100_000
    assert after(Treatment.PROSPECTIVE, "150") == after(Treatment.CATCH_UP, "150") == 150_000


def test_as_invoiced_counts_unbilled_work_at_its_rate_and_billed_work_as_billed() -> None:
    answer = recognise(
        facts(
            M.AS_INVOICED,
            priced=(
                PricedWork(minutes=90, per_hour=money("150"), role="Consultant"),
                PricedWork(minutes=60, per_hour=None, role="Test Lead"),
            ),
            invoiced_work="1000",
            expenses="80.50",
            billed="1000",
            due="305.50",
        )
    )

    assert answer.position.wip == answer.position.accrued == money("305.50")
    assert answer.warnings == ("1.00 hours of Test Lead have no bill rate and are not counted",)


def test_what_is_over_the_cap_is_not_earned() -> None:
    work = (PricedWork(minutes=600, per_hour=money("150"), role="Consultant"),)
    answer = recognise(facts(M.AS_INVOICED, priced=work, cap=money("1200"), due="1500"))

    assert (answer.position.earned, answer.over_cap) == (money("1200.00"), money("300.00"))


def test_a_retainer_is_deferred_until_work_draws_on_it() -> None:
    before = recognise(facts(M.AS_INVOICED, billed="5000")).position
    after = recognise(facts(M.AS_INVOICED, billed="5000", invoiced_work="2000")).position

    assert (before.deferred, after.deferred) == (money("5000"), money("3000"))


def test_a_recurring_fee_is_earned_over_the_service_it_pays_for() -> None:
    quarter = EarnedCharge(
        amount=money("9100"),
        due_on=date(2026, 4, 1),
        starts_on=date(2026, 4, 1),
        ends_on=date(2026, 6, 30),
        on_top=False,
    )
    by_april = facts(M.AS_INVOICED, on=date(2026, 4, 30), charges=(quarter,), billed="9100")

    assert recognise(by_april).position.deferred == money("6100.00")
    assert earned(facts(M.AS_INVOICED, charges=(quarter,))) == 9100
    # of a price that is earned over time, an instalment is only its billing
    assert earned(facts(charges=(quarter,))) == 0


def test_a_discount_takes_away_from_what_is_earned() -> None:
    done = a_stage("10000", "100", "100")

    assert earned(facts(stages=(done,), concessions="-500")) == 9500


def test_milestones_that_do_not_add_up_share_the_price() -> None:
    of = (
        EarnedMilestone(amount=money("30000"), accepted=True),
        EarnedMilestone(amount=money("60000"), accepted=False),
    )

    assert earned(facts(M.POINT_IN_TIME, milestones=of)) == 40_000


@pytest.mark.parametrize(("complete", "figure"), [(False, 0), (True, 120_000)])
def test_without_milestones_a_price_at_a_point_in_time_is_earned_at_the_end(
    complete: bool, figure: int
) -> None:
    assert earned(facts(M.POINT_IN_TIME, complete=complete)) == figure


def test_progress_that_cannot_be_measured_is_not_guessed() -> None:
    with pytest.raises(Unmeasured, match="has no cost rate"):
        recognise(facts(unmeasured=("ayo.brandt has no cost rate on a day that they worked",)))


def test_currencies_are_not_mixed() -> None:
    with pytest.raises(ValidationError, match="is not in EUR"):
        facts(billed=money("1", "USD"))


@pytest.mark.parametrize(("units", "currency"), [("0.01", "EUR"), ("1", "JPY"), ("0.001", "KWD")])
def test_figures_have_the_minor_unit_of_their_currency(units: str, currency: str) -> None:
    third = Stage(since=START, price=money("100", currency), done=Decimal(1), total=Decimal(3))
    zero = money("0", currency)
    given = RevenueFacts(
        method=M.OVER_TIME_BY_EFFORT, currency=currency, on=ON, stages=(third,),
        invoiced_work=zero, expenses=zero, concessions=zero, billed=zero, due=zero,
    )  # fmt: skip

    figure = recognise(given).position.earned
    assert figure.amount == (Decimal(100) / 3).quantize(Decimal(units))


@pytest.mark.parametrize(
    ("forecast", "left"),
    [(None, 0), ((600, 1000), 400), ((100, 1000), 0)],
    ids=["over-budget", "forecast-less-work-since", "forecast-used-up"],
)
def test_what_is_left_follows_the_forecast_before_the_budget(
    forecast: tuple[int, int] | None, left: int
) -> None:
    assert remaining_minutes(900, 1200, forecast) == left


def test_a_position_that_does_not_balance_is_refused() -> None:
    good = position(ON, money("100"), money("40"), money("10"))

    with pytest.raises(ValidationError, match="not work in progress less deferred"):
        Position.model_validate(dict(good) | {"wip": Money(amount=Decimal(61), currency="EUR")})
