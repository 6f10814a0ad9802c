"""Judging expenses as they are now: converts them by the rates of their days, and keeps what is
found of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.time.expense_terms import ExpensePolicies
from fairlead.capabilities.time.whose import local_day
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.exchange_rate import ExchangeRate
from fairlead.domain.model.expense import Expense
from fairlead.domain.model.finding import Finding
from fairlead.domain.rules.exchange import conversion
from fairlead.domain.rules.expense_checks import ExpenseFacts, ExpenseTerms, judge
from fairlead.domain.rules.period import booked_in, month_of
from fairlead.domain.values import Money, Period
from fairlead.store import (
    deliveries,
    exchange_rates,
    expenses,
    findings,
    mileage,
    periods,
    resources,
)
from fairlead.store.database import Tx
from fairlead.store.expenses import Kept


@dataclass(frozen=True)
class Unfilled:
    """An expense as it was said. `given`: with its amount."""

    expense: Expense
    delivery: Delivery
    given: bool


class Judging:
    def __init__(self, policies: ExpensePolicies, calendars: Calendars) -> None:
        self._policies, self._calendars = policies, calendars

    def filled(self, tx: Tx, said: Sequence[Unfilled]) -> list[Expense]:
        """With what follows from the rest: the amount of a per diem or a distance where none was
        given, and what it is worth in the engagement's currency."""
        # of what is all given no policy need be asked; beside one that is computed it counts
        computed = {one.expense.category for one in said if not one.given}
        asked = [
            (
                one.expense,
                one.delivery,
                self._policies.terms(one.expense, one.delivery)
                if one.expense.category in computed
                else None,
            )
            for one in said
        ]
        before = self._before(tx, asked)
        priced = [
            (self._priced(one, terms, before), one.delivery.currency)
            for one, (_, _, terms) in zip(said, asked, strict=True)
        ]
        currencies = {name for expense, own in priced for name in (expense.amount.currency, own)}
        rates = exchange_rates.around(tx, currencies, [one.expense.day for one in said])
        return [_claimed(expense, own, rates) for expense, own in priced]

    def _before(
        self, tx: Tx, asked: Sequence[tuple[Expense, Delivery, ExpenseTerms | None]]
    ) -> Mapping[UUID, Decimal]:
        """What each one's person claimed in the year before it, where that makes a difference."""
        journeys = (
            terms and self._policies.journey(expense, delivery, terms.pays)
            for expense, delivery, terms in asked
        )
        return mileage.before(tx, [one for one in journeys if one])

    def _priced(
        self, said: Unfilled, terms: ExpenseTerms | None, before: Mapping[UUID, Decimal]
    ) -> Expense:
        expense, delivery = said.expense, said.delivery
        if said.given or terms is None:
            return expense
        fixed = self._policies.fixed(expense, delivery, terms.pays, before.get(expense.id))
        return expense.model_copy(update={"amount": fixed.amount}) if fixed else expense

    def judged(
        self, tx: Tx, kept: Sequence[Kept], now: datetime
    ) -> tuple[Sequence[Kept], Mapping[UUID, Sequence[Finding]]]:
        """Convert and judge them anew, and keep what is found. They are locked, and stored.

        As they are now, and by id what was found; those without a finding are not in it.
        """
        own = deliveries.load(tx, sorted({one.expense.engagement for one in kept}))
        ids = [one.expense.id for one in kept]
        terms = {
            one.expense.id: self._policies.terms(one.expense, own[one.expense.engagement])
            for one in kept
        }
        currencies = (
            {delivery.currency for delivery in own.values()}
            | {one.expense.amount.currency for one in kept}
            | {each.currency for each in terms.values() if each}
        )
        rates = exchange_rates.around(tx, currencies, [one.expense.day for one in kept])
        closed = periods.closed(tx, {delivery.legal_entity for delivery in own.values()})
        people = resources.load(tx, [one.expense.resource for one in kept])
        same_day, twins = expenses.same_day(tx, ids), expenses.twins(tx, ids)
        booking = expenses.booking(tx, ids)
        before = self._before(
            tx, [(one.expense, own[one.expense.engagement], terms[one.expense.id]) for one in kept]
        )
        result: list[Kept] = []
        found: dict[UUID, Sequence[Finding]] = {}
        for one in kept:
            delivery, own_terms = own[one.expense.engagement], terms[one.expense.id]
            expense = _claimed(one.expense, delivery.currency, rates)
            assigned, closed_on = booking[expense.id]
            months = {month for entity, month in closed if entity == delivery.legal_entity}
            books_in = booked_in(expense.day, months)
            facts = ExpenseFacts(
                terms=own_terms,
                fixed=own_terms
                and self._policies.fixed(expense, delivery, own_terms.pays, before.get(expense.id)),
                in_limit_currency=_worth([expense.amount], own_terms, expense, rates),
                same_day=_worth(same_day.get(expense.id, ()), own_terms, expense, rates)
                or Decimal(0),
                needs_rate=(expense.amount.currency, delivery.currency)
                if expense.claimed is None
                else None,
                engagement=Period(start=delivery.starts_on, end=delivery.ends_on),
                assigned=assigned,
                closed_on=closed_on,
                today=local_day(now, people[expense.resource], self._calendars),
                books_in=None if books_in == month_of(expense.day) else books_in,
                twins=tuple(twins.get(expense.id, ())),
            )
            result.append(replace(one, expense=expense))
            if said := judge(expense, facts):
                found[expense.id] = said
        findings.replace(tx, "expense", ids, [each for some in found.values() for each in some])
        return result, found


def _claimed(expense: Expense, currency: str, rates: Sequence[ExchangeRate]) -> Expense:
    """In the engagement's currency by the rate of its day; nothing where there is none."""
    way = conversion(rates, expense.amount.currency, currency, expense.day)
    return expense.model_copy(
        update={
            "claimed": way and way.of(expense.amount.amount),
            "rate": way and way.shown,
        }
    )


def _worth(
    amounts: Sequence[Money],
    terms: ExpenseTerms | None,
    expense: Expense,
    rates: Sequence[ExchangeRate],
) -> Decimal | None:
    """What amounts come to in the limit's currency; null where a rate is missing."""
    if terms is None:
        return None
    total = Decimal(0)
    for one in amounts:
        way = conversion(rates, one.currency, terms.currency, expense.day)
        if way is None:
            return None
        total += way.of(one.amount).amount
    return total
