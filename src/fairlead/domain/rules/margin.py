"""Margin to date and at completion, from minutes, cost rates, expenses and commitments (F092).

Labour costs what an hour of the person costs on the day that was worked. What is left to do is
valued at the average cost of an hour so far; before anybody worked, at the planned one. Nothing is
guessed: where a rate is missing, cost and margin are null and say what is missing.

Cost to cost leaves out expenses that the client repays: they are earned as they are spent, and do
not depict how far the work is (IFRS 15.B19, ASC 606-10-55-21).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from fairlead.domain.model.margin import CostedWork, CostProgress, Margin, MarginFacts
from fairlead.domain.model.revenue import RevenueFacts, RevenueMethod
from fairlead.domain.rules.revenue import at_rates, priced_work, to_money
from fairlead.domain.values import Money

_NOBODY = ("what is left to do has no cost: nobody with a cost rate is assigned",)


def margin(facts: MarginFacts) -> Margin:
    currency = facts.currency
    expenses = facts.own_expenses + facts.repaid_expenses
    burn = _ratio(facts.minutes, facts.budget_minutes)
    missing = (*missing_costs(facts.work), *facts.lacking)
    remaining = _remaining(facts)
    if remaining is None and not missing:
        missing = _NOBODY
    if missing or remaining is None:
        return Margin(
            labour=None, expenses=expenses, commitments=facts.commitments, cost=None, margin=None,
            ratio=None, cost_at_completion=None, margin_at_completion=None,
            ratio_at_completion=None, expected_loss=None, burn=burn, missing=missing,
        )  # fmt: skip
    labour = to_money(labour_cost(facts.work), currency)
    cost = labour + expenses
    whole_cost = cost + to_money(remaining, currency) + facts.commitments
    so_far, at_end = facts.earned - cost, facts.at_completion - whole_cost
    return Margin(
        labour=labour,
        expenses=expenses,
        commitments=facts.commitments,
        cost=cost,
        margin=so_far,
        ratio=_ratio(so_far.amount, facts.earned.amount),
        cost_at_completion=whole_cost,
        margin_at_completion=at_end,
        ratio_at_completion=_ratio(at_end.amount, facts.at_completion.amount),
        expected_loss=Money(amount=max(Decimal(0), -at_end.amount), currency=currency),
        burn=burn,
    )


def cost_progress(facts: MarginFacts) -> CostProgress:
    """Cost so far and at completion, for revenue by cost to cost."""
    remaining = _remaining(facts)
    missing = (*missing_costs(facts.work), *facts.lacking)
    if remaining is None and not missing:
        missing = _NOBODY
    done = labour_cost(facts.work) + Fraction(facts.own_expenses.amount)
    left = (remaining or Fraction(0)) + Fraction(facts.commitments.amount)
    return CostProgress(done=_exact(done), total=_exact(done + left), missing=missing)


def revenue_at_completion(
    facts: RevenueFacts, earned: Money, remaining_minutes: int, unpaid_charges: Money
) -> Money:
    """What is expected to be earned in all.

    Of a price: the price, and what is repaid or was agreed besides. Of work that is billed as
    worked: what is earned, fees to come, and the remaining work at the average rate so far; before
    any, the contract's value. A cap bounds it.

    unpaid_charges: fees that are agreed and not earned yet.
    """
    currency = facts.currency
    if facts.method is not RevenueMethod.AS_INVOICED:
        whole = facts.stages[-1].price + facts.expenses + facts.concessions + unpaid_charges
    else:
        rate = _average_rate(facts)
        to_come = Fraction(remaining_minutes, 60) * rate if rate is not None else None
        whole = (
            facts.stages[-1].price
            if to_come is None
            else earned + to_money(to_come, currency) + unpaid_charges
        )
    if facts.cap is not None and whole.amount > facts.cap.amount:
        return facts.cap
    return whole


def labour_cost(work: Iterable[CostedWork]) -> Fraction:
    """In the engagement's currency, exactly. Work with something missing is left out: see
    `missing_costs`."""
    return sum(
        (
            at_rates([(part.minutes, part.per_hour.amount)]) * Fraction(part.exchange)
            for part in work
            if part.per_hour is not None and part.exchange is not None
        ),
        Fraction(0),
    )


def missing_costs(work: Iterable[CostedWork]) -> tuple[str, ...]:
    """What keeps work from having a cost, in words."""
    found: dict[str, None] = {}
    for part in work:
        if not part.minutes:
            continue
        if part.per_hour is None:
            found[f"{part.resource or 'somebody'} has no cost rate on a day that they worked"] = (
                None
            )
        elif part.exchange is None:
            found[f"no exchange rate from {part.per_hour.currency} is known"] = None
    return tuple(found)


def _remaining(facts: MarginFacts) -> Fraction | None:
    """What is left to do, at the average cost of an hour; None where there is no such cost."""
    if not facts.remaining_minutes:
        return Fraction(0)
    minutes = sum(part.minutes for part in facts.work)
    if minutes > 0:
        return labour_cost(facts.work) * facts.remaining_minutes / minutes
    if facts.planned_per_hour is None:
        return None
    return at_rates([(facts.remaining_minutes, facts.planned_per_hour.amount)])


def _average_rate(facts: RevenueFacts) -> Fraction | None:
    """Per hour, of work that has a rate."""
    priced = [part for part in facts.priced if part.per_hour and part.minutes > 0]
    minutes = sum(part.minutes * part.entries for part in priced) + facts.invoiced_minutes
    if minutes <= 0:
        return None
    return (priced_work(priced) + Fraction(facts.invoiced_work.amount)) * 60 / minutes


def _ratio(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    if whole <= 0:
        return None
    return Decimal(round(Fraction(part) / Fraction(whole) * 10_000)).scaleb(-4)


def _exact(amount: Fraction) -> Decimal:
    return Decimal(round(amount * 10**8)).scaleb(-8)
