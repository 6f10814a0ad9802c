"""What an engagement costs, beside what it earns (F092). All of it is for those with costs.read."""

from __future__ import annotations

from pydantic import Field

from fairlead.domain.values import Currency, Exact, Money, Value


class CostedWork(Value):
    """Approved time, summed over the people whose hour costs the same."""

    minutes: int
    per_hour: Money | None  #: in their employer's currency; null: they have no cost rate that day
    exchange: Exact | None  #: engagement's currency per unit of the rate's; null: not known
    resource: str | None = None  #: whose time it is, where something is missing


class MarginFacts(Value):
    """What margin follows from. Amounts are in the engagement's currency."""

    currency: Currency
    earned: Money
    at_completion: Money  #: revenue that is expected in all
    work: tuple[CostedWork, ...] = ()
    own_expenses: Money  #: approved, and not repaid by the client
    repaid_expenses: Money  #: approved, for the client to repay, as claimed
    commitments: Money  #: work of others that was asked for and is not spent yet
    minutes: int  #: worked and approved, billable or not
    remaining_minutes: int = Field(ge=0)
    budget_minutes: int = Field(ge=0)
    planned_per_hour: Money | None = None
    """What an hour of those assigned costs on average; counts until somebody has worked."""
    lacking: tuple[str, ...] = ()  #: what else keeps cost from being known


class Margin(Value):
    """Null where a cost rate or an exchange rate is missing; `missing` says which."""

    labour: Money | None
    expenses: Money
    commitments: Money
    cost: Money | None  #: so far: labour and expenses
    margin: Money | None  #: so far: earned less cost
    ratio: Exact | None  #: of what is earned; 0.35 means 35 %
    cost_at_completion: Money | None  #: so far, what is left to do, and commitments
    margin_at_completion: Money | None
    ratio_at_completion: Exact | None
    expected_loss: Money | None
    """Zero unless costs will exceed revenue: the contract is onerous (IAS 37.66, 68A)."""
    burn: Exact | None  #: of budgeted minutes; 1.2 means 20 % over; null: no budget
    missing: tuple[str, ...] = ()

    @property
    def onerous(self) -> bool:
        return self.expected_loss is not None and self.expected_loss.amount > 0


class CostProgress(Value):
    """Cost so far and at completion, for cost to cost; without what the client repays."""

    done: Exact
    total: Exact
    missing: tuple[str, ...] = ()
