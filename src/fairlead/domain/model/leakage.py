"""Money that was worked for and may never be asked for (F088, F234)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from fairlead.domain.values import Money, Name, Value


class LeakKind(StrEnum):
    UNBILLED_TIME = "unbilled_time"  #: approved and billable, in no invoice for too long
    MISSED_EXPENSE = "missed_expense"  #: approved, for the client to repay, likewise
    WRITE_OFF = "write_off"  #: credited and not invoiced again
    BEYOND_SCOPE = "beyond_scope"  #: no package, over its budget, or outside its days
    LATE_ENTRY = "late_entry"  #: entered after the invoice of its days


class Leak(Value):
    """One finding. Its amount is what is at stake, at the rate that it would be billed at."""

    kind: LeakKind
    item: str  #: of a time entry, an expense or a credited item; of a package for its overrun
    engagement: str
    owner: str  #: team that can do something about it
    day: date  #: when it was worked, spent or credited
    minutes: int = 0
    amount: Money | None  #: null: no rate was agreed, so nobody can say
    why: Name


class LeakRules(Value):
    """Policy `leakage`: from when what counts, and from which total somebody is told."""

    unbilled_after_days: Annotated[int, Field(ge=0, le=3650)]
    expense_after_days: Annotated[int, Field(ge=0, le=3650)]
    tell_from: Annotated[int, Field(ge=0)]  #: of one kind and engagement, in its currency


class AgeBucket(StrEnum):
    TO_30 = "0-30"
    TO_60 = "31-60"
    TO_90 = "61-90"
    OVER_90 = "over 90"


class LeakTotal(Value):
    engagement: str
    kind: LeakKind
    owner: str
    count: int
    minutes: int
    amount: Money
    unpriced: int  #: findings among them whose amount nobody can say
    oldest: date
    aged: dict[AgeBucket, Money]
