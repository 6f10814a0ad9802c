"""What an engagement has earned, and how that stands to what the client was asked to pay."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field, model_validator

from fairlead.domain.values import Currency, Exact, Money, Name, Ratio, Value


class RevenueMethod(StrEnum):
    """How revenue is measured, as policy `revenue-method` sets it at launch (F015)."""

    AS_INVOICED = "as_invoiced"  #: IFRS 15.B16, ASC 606-10-55-18: the right to invoice
    OVER_TIME_BY_COST = "over_time_by_cost"  #: IFRS 15.B18-B19, ASC 606-10-55-20, -21
    OVER_TIME_BY_EFFORT = "over_time_by_effort"  #: the same, by labour hours
    STRAIGHT_LINE = "straight_line"  #: IFRS 15.B18 and 22(b), ASC 606-10-25-14(b)
    POINT_IN_TIME = "point_in_time"  #: IFRS 15.38, ASC 606-10-25-30


class Treatment(StrEnum):
    """How a change of the contract is accounted for (IFRS 15.20-21, ASC 606-10-25-12, -13).

    A change that is a contract of its own (IFRS 15.20) is an engagement of its own.
    """

    PROSPECTIVE = "prospective"  #: 21(a): what was earned stands; the rest follows the new terms
    CATCH_UP = "catch_up"  #: 21(b): as if the new terms had held from the start


class Stage(Value):
    """A contract's terms from one change to the next, and how far the work had come by then.

    `done` and `total` are cost in the contract's currency, minutes or days, as the method counts.
    """

    since: date
    price: Money  #: of the contract in this stage, without expenses that the client repays
    treatment: Treatment = Treatment.CATCH_UP  #: of the change that began it; the first has none
    done: Exact  #: by the last day of the stage, or the day that is asked for
    total: Exact  #: expected at completion, as estimated at that day


class PricedWork(Value):
    """Approved billable time that is in no invoice: entries of one length and rate."""

    minutes: int  #: of each
    entries: int = 1
    per_hour: Money | None  #: null: no rate was agreed for it
    role: Name


class EarnedMilestone(Value):
    amount: Money
    accepted: bool  #: by the day that is asked for


class EarnedCharge(Value):
    """A fee that is due by date."""

    amount: Money
    due_on: date
    starts_on: date | None = None  #: of the service that it pays for
    ends_on: date | None = None
    on_top: bool  #: agreed besides the contract's price


class RevenueFacts(Value):
    """All that one engagement's revenue on one day follows from. It is kept with the figure."""

    method: RevenueMethod
    currency: Currency
    on: date
    cap: Money | None = None  #: the most that may be billed
    stages: tuple[Stage, ...] = Field(min_length=1)  #: in order; the last is in force
    priced: tuple[PricedWork, ...] = ()
    invoiced_work: Money  #: approved time at what it is in invoices for
    invoiced_minutes: int = 0  #: of that time
    expenses: Money  #: approved, for the client to repay: as invoiced, else as claimed
    milestones: tuple[EarnedMilestone, ...] = ()
    charges: tuple[EarnedCharge, ...] = ()
    concessions: Money  #: discounts and roundings that were invoiced, and prices credited; negative
    billed: Money  #: posted invoices less credits
    due: Money  #: may be invoiced and is not: only a bill is missing
    complete: bool = False  #: the engagement is closed; nothing is left to do
    unmeasured: tuple[str, ...] = ()  #: why progress cannot be measured, in words

    @model_validator(mode="after")
    def _in_one_currency(self) -> RevenueFacts:
        amounts = (
            *(stage.price for stage in self.stages),
            *(work.per_hour for work in self.priced if work.per_hour),
            *(milestone.amount for milestone in self.milestones),
            *(charge.amount for charge in self.charges),
            *((self.cap,) if self.cap else ()),
            *(self.invoiced_work, self.expenses, self.concessions, self.billed, self.due),
        )
        for amount in amounts:
            if amount.currency != self.currency:
                raise ValueError(f"{amount} is not in {self.currency}")
        return self


class Position(Value):
    """Cumulative figures at the end of a day. `earned` - `billed` = `wip` - `deferred`, always."""

    on: date
    earned: Money
    billed: Money
    wip: Money
    """Earned and not billed: the contract asset (IFRS 15.107) and what is accrued."""
    accrued: Money  #: of `wip`: what may be invoiced already (IFRS 15.108)
    deferred: Money  #: billed and not earned: the contract liability (IFRS 15.106)

    @model_validator(mode="after")
    def _balanced(self) -> Position:
        if self.earned - self.billed != self.wip - self.deferred:
            raise ValueError("what is earned and not billed is not work in progress less deferred")
        return self


class Recognised(Value):
    """The answer for one engagement and day, with what it is made of."""

    position: Position
    fee: Money  #: of `earned`: from the contract's price or the work
    expenses: Money  #: of `earned`: repaid by the client
    other: Money  #: of `earned`: charges, concessions
    over_cap: Money  #: what the cap keeps from being earned
    progress: Ratio | None  #: 0.35 means 35 %; null where the method measures none
    warnings: tuple[str, ...] = ()
