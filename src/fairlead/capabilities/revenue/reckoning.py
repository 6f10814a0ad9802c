"""From rows to figures: what one engagement has earned and costs at the end of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.margin import CostedWork, CostProgress, MarginFacts
from fairlead.domain.model.revenue import (
    EarnedCharge,
    EarnedMilestone,
    PricedWork,
    RevenueFacts,
    RevenueMethod,
    Stage,
    Treatment,
)
from fairlead.domain.rules.margin import cost_progress, labour_cost, missing_costs
from fairlead.domain.rules.opening import AS_WORKED, ChargeKind
from fairlead.domain.rules.project_setup import add_months
from fairlead.domain.rules.revenue import (
    Unmeasured,
    days_done,
    earned_of,
    priced_work,
    remaining_minutes,
    to_money,
)
from fairlead.domain.values import Money, total
from fairlead.store.database import Tx
from fairlead.store.revenue_facts import Read, Rows, read

#: What one unit of a currency is in another on a day; null: nobody knows.
Exchange = Callable[[str, str, date], Decimal | None]

_METHODS = tuple(RevenueMethod)


@dataclass(frozen=True)
class Figures:
    """All that is known of one engagement's money on one day."""

    delivery: Delivery
    revenue: RevenueFacts
    remaining_minutes: int
    to_come: Money  #: fees that are agreed and not earned yet
    costs: MarginFacts  #: `earned` and `at_completion` are to be filled in
    cost_by_month: tuple[tuple[date, Money], ...]
    """First day of each month with cost → its cost; empty where something is missing."""
    milestones: Rows


def figures(
    tx: Tx, ids: Sequence[str], on: date, *, days: CompanyDays, exchange: Exchange
) -> dict[str, Figures | Unmeasured]:
    """By engagement, at the end of a day. Changes of a contract count as far as they were noted
    (`contract_terms.note`).

    One that cannot be worked out says why; it does not keep others from it.
    """
    found = read(tx, ids, on, days.zones)
    return {id: _of(rows, on, days, exchange) for id, rows in found.items()}


def _of(rows: Read, on: date, days: CompanyDays, exchange: Exchange) -> Figures | Unmeasured:
    method = rows.delivery["revenue_method"]
    if method not in _METHODS:
        return Unmeasured(f"its revenue method {method!r} is none of {', '.join(_METHODS)}")
    try:
        return _Reckoner(rows, on, days, exchange).figures()
    except ValueError as wrong:  # such as an amount in another currency than the contract's
        return Unmeasured(" ".join(str(wrong).split())[:500])


class _Reckoner:
    def __init__(self, rows: Read, on: date, days: CompanyDays, exchange: Exchange) -> None:
        self._rows, self._on, self._exchange = rows, on, exchange
        self._delivery = Delivery.model_validate(rows.delivery["body"])
        self._currency = self._delivery.currency
        self._method = RevenueMethod(self._delivery.revenue_method)
        closed = rows.delivery["closed_at"]
        company = self._delivery.legal_entity
        self._complete = closed is not None and days.on(closed, company) <= on
        self._terms_by_date = rows["terms"] or [self._implied()]

    def figures(self) -> Figures:
        stages, missing = self._stages()
        zero = self._money(Decimal(0))
        invoiced = self._rows["invoiced"]
        charges = [row for row in self._rows["charges"] if row["kind"] != ChargeKind.RETAINER]
        facts = RevenueFacts(
            method=self._method,
            currency=self._currency,
            on=self._on,
            cap=self._delivery.cap,
            stages=tuple(stages),
            priced=tuple(self._priced()),
            invoiced_work=self._money(invoiced[0]["amount"]) if invoiced else zero,
            invoiced_minutes=invoiced[0]["minutes"] if invoiced else 0,
            expenses=self._expenses(billable=True, column="amount"),
            milestones=tuple(
                EarnedMilestone(amount=self._money(row["amount"]), accepted=row["accepted"])
                for row in self._rows["milestones"]
            ),
            charges=tuple(self._charge(row) for row in charges),
            concessions=self._sum("concessions"),
            billed=self._sum("billed"),
            due=zero,
            complete=self._complete,
            unmeasured=missing,
        )
        facts = facts.model_copy(update={"due": self._due(facts)})
        costs = self._costs(self._on)
        return Figures(
            delivery=self._delivery,
            revenue=facts,
            remaining_minutes=costs.remaining_minutes,
            to_come=self._to_come(facts),
            costs=costs,
            cost_by_month=self._by_month(),
            milestones=self._rows["milestones"],
        )

    def _implied(self) -> Mapping[str, Any]:
        """What holds of a contract whose terms were not noted yet."""
        delivery = self._delivery
        return {
            "valid_from": delivery.starts_on,
            "price": delivery.value.amount,
            "minutes": delivery.budget_minutes,
            "starts_on": delivery.starts_on,
            "ends_on": delivery.ends_on,
            "treatment": Treatment.CATCH_UP,
        }

    # revenue

    def _stages(self) -> tuple[list[Stage], tuple[str, ...]]:
        """Each stage with the measure that the work had come to by its last day."""
        terms = self._terms_by_date
        ends = [later["valid_from"] - timedelta(days=1) for _, later in pairwise(terms)]
        found: list[Stage] = []
        missing: dict[str, None] = {}
        for row, end in zip(terms, [*ends, self._on], strict=True):
            done, whole, lacks = self._measure(row, min(end, self._on))
            missing |= dict.fromkeys(lacks)
            found.append(
                Stage(
                    since=row["valid_from"],
                    price=self._money(row["price"]),
                    treatment=Treatment(row["treatment"]),
                    done=done,
                    total=whole,
                )
            )
        return found, tuple(missing)

    def _measure(self, row: Mapping[str, Any], on: date) -> tuple[Decimal, Decimal, Iterable[str]]:
        match self._method:
            case RevenueMethod.STRAIGHT_LINE:
                done, whole = days_done(row["starts_on"], row["ends_on"], on)
                return Decimal(done), Decimal(whole), ()
            case RevenueMethod.OVER_TIME_BY_EFFORT:
                minutes = self._minutes(on)
                return Decimal(minutes), Decimal(minutes + self._left(on)), ()
            case RevenueMethod.OVER_TIME_BY_COST:
                progress: CostProgress = cost_progress(self._costs(on))
                return progress.done, progress.total, progress.missing
            case _:
                return Decimal(0), Decimal(0), ()

    def _priced(self) -> Iterable[PricedWork]:
        for row in self._rows["unbilled"]:
            price = row["per_hour"]
            yield PricedWork(
                minutes=row["minutes"],
                entries=row["entries"],
                per_hour=None if price is None else self._money(price),
                role=row["role"],
            )

    def _charge(self, row: Mapping[str, Any]) -> EarnedCharge:
        return EarnedCharge(
            amount=self._money(row["amount"]),
            due_on=row["due_on"],
            starts_on=row["starts_on"],
            ends_on=row["ends_on"],
            on_top=row["kind"] == ChargeKind.ADJUSTMENT,
        )

    def _due(self, facts: RevenueFacts) -> Money:
        """What may be invoiced by now, less what was: no condition but a bill is left."""
        parts = [facts.expenses, facts.concessions]
        if self._delivery.billing_method == AS_WORKED:
            priced = to_money(priced_work(facts.priced), self._currency)
            parts += [facts.invoiced_work, priced]
        parts += [milestone.amount for milestone in facts.milestones if milestone.accepted]
        parts += [
            self._money(row["amount"]) for row in self._rows["charges"] if row["due_on"] <= self._on
        ]
        left = total(parts, self._currency) - facts.billed
        return left if left.amount > 0 else self._money(Decimal(0))

    def _to_come(self, facts: RevenueFacts) -> Money:
        """Fees that count as revenue and are not earned yet, in whole."""
        every = facts.method is RevenueMethod.AS_INVOICED
        parts = [c.amount for c in facts.charges if every or c.on_top]
        earned = sum(
            (earned_of(c, self._on) for c in facts.charges if every or c.on_top), Fraction(0)
        )
        return total(parts, self._currency) - to_money(earned, self._currency)

    # costs

    def _costs(self, on: date) -> MarginFacts:
        """As of a day that a stage ends on, or the day that is asked for."""
        work = self._work(on)
        commitments, lacking = self._commitments()
        return MarginFacts(
            currency=self._currency,
            earned=self._money(Decimal(0)),
            at_completion=self._money(Decimal(0)),
            work=work,
            own_expenses=self._expenses(billable=False, column="claimed", on=on),
            repaid_expenses=self._expenses(billable=True, column="claimed", on=on),
            commitments=commitments,
            lacking=lacking,
            minutes=sum(part.minutes for part in work),
            remaining_minutes=self._left(on),
            budget_minutes=self._terms(on)["minutes"],
            planned_per_hour=self._planned(),
        )

    def _work(self, on: date) -> tuple[CostedWork, ...]:
        return tuple(
            CostedWork(
                minutes=row["minutes"],
                per_hour=None
                if row["per_hour"] is None
                else Money(amount=row["per_hour"], currency=row["currency"]),
                exchange=self._rate(row["currency"], min(_month_end(row["month"]), self._on)),
                resource=row["resource"],
            )
            for row in self._until(self._rows["work"], on)
        )

    def _by_month(self) -> tuple[tuple[date, Money], ...]:
        work, spent = self._work(self._on), self._rows["expenses"]
        if missing_costs(work):
            return ()
        months: dict[date, Fraction] = {}
        for row, part in zip(self._rows["work"], work, strict=True):
            months[row["month"]] = months.get(row["month"], Fraction(0)) + labour_cost([part])
        for row in spent:
            months[row["month"]] = months.get(row["month"], Fraction(0)) + Fraction(row["claimed"])
        return tuple((m, to_money(cost, self._currency)) for m, cost in sorted(months.items()))

    def _expenses(self, *, billable: bool, column: str, on: date | None = None) -> Money:
        rows = self._until(self._rows["expenses"], on or self._on)
        amounts = [self._money(row[column]) for row in rows if row["billable"] is billable]
        return total(amounts, self._currency)

    def _commitments(self) -> tuple[Money, tuple[str, ...]]:
        """Work of others that was asked for less what it has cost by now, and what keeps it from
        being added up."""
        parts: list[Money] = []
        lacking: list[str] = []
        for row in self._rows["commitments"]:
            rate = self._rate(row["currency"], self._on)
            if rate is None:
                lacking.append(f"no exchange rate from {row['currency']} is known")
            else:
                worth = Fraction(row["amount"]) * Fraction(rate)
                parts.append(to_money(worth, self._currency))
        spent = self._sum("spent")
        left = total(parts, self._currency) - spent
        return (left if left.amount > 0 else self._money(Decimal(0))), tuple(lacking)

    def _planned(self) -> Money | None:
        """Weighted by planned minutes; evenly where none are planned."""
        rows = self._rows["planned"]
        even = not any(row["minutes"] for row in rows)
        work = [
            CostedWork(
                minutes=60 if even else row["minutes"],
                per_hour=Money(amount=row["per_hour"], currency=row["currency"]),
                exchange=self._rate(row["currency"], self._on),
            )
            for row in rows
        ]
        minutes = sum(part.minutes for part in work)
        if not minutes or missing_costs(work):
            return None
        return to_money(labour_cost(work) * 60 / minutes, self._currency)

    def _minutes(self, on: date) -> int:
        return sum(row["minutes"] for row in self._until(self._rows["work"], on))

    def _left(self, on: date) -> int:
        if self._complete:
            return 0
        made = [row for row in self._rows["forecasts"] if row["made_on"] <= on]
        last = (made[-1]["minutes_left"], made[-1]["minutes_done"]) if made else None
        return remaining_minutes(self._terms(on)["minutes"], self._minutes(on), last)

    def _terms(self, on: date) -> Mapping[str, Any]:
        terms = self._terms_by_date
        begun = [row for row in terms if row["valid_from"] <= on]
        return begun[-1] if begun else terms[0]

    def _until(self, rows: Rows, on: date) -> Rows:
        """Of the stages that had begun on a day; work before the first belongs to it."""
        if on >= self._on:
            return rows
        first = self._terms_by_date[0]["valid_from"]
        return [row for row in rows if row["stage"] <= max(on, first)]

    def _rate(self, currency: str | None, on: date) -> Decimal | None:
        if currency is None:
            return None
        return (
            Decimal(1)
            if currency == self._currency
            else self._exchange(currency, self._currency, on)
        )

    def _sum(self, query: str) -> Money:
        rows = self._rows[query]
        return self._money(rows[0]["amount"]) if rows else self._money(Decimal(0))

    def _money(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self._currency)


def _month_end(month: date) -> date:
    return add_months(month, 1) - timedelta(days=1)
