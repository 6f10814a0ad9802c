"""What the ledger is told of work, money spent and revenue, besides invoices."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fairlead.domain.model import Entity
from fairlead.domain.values import Exact, ExternalRef, Money, Name, Text


class TimePosting(Entity):
    """Approved time, as the ledger books it (F071). `hours` is negative for what takes it back."""

    id: UUID  #: of the entry
    resource: str
    resource_email: str | None = None
    task: str | None = None
    day: date
    hours: Exact
    category: str
    billable: bool
    narrative: Text = ""


class ExpensePosting(Entity):
    """An approved expense (F072). Negative for one that takes another back."""

    id: UUID
    resource: str
    resource_email: str | None = None
    task: str | None = None
    day: date
    category: str
    amount: Money  #: in the engagement's currency
    billable: bool
    merchant: Text = ""
    note: Text = ""


class RevenuePosting(Entity):
    """Revenue of one engagement and month, as a journal between revenue, WIP and deferred (F087).

    Each amount is a change in that month; `revenue` = `wip` - `deferred` + what was billed.
    """

    code: str  #: ours, unique: project code, month and revision
    project_code: str
    month: date  #: its first day
    memo: Name
    revenue: Money
    billed: Money
    wip: Money  #: earned and not billed yet, more than a month ago (negative: less)
    deferred: Money  #: billed and not earned yet, likewise


class BookedRevenue(Entity):
    """What the ledger keeps of a journal of revenue."""

    ref: ExternalRef
    revenue: Money  #: that it credits, in the project's currency; negative for what takes back
    on: date
    posted: bool  #: false: it counts in no balance there (yet)


class BookedTime(Entity):
    """What the ledger, the project system or payroll holds of somebody's time (F076)."""

    ref: str  #: its id there
    item: UUID | None = None  #: our entry, where it keeps our id
    resource: str  #: e-mail address in small letters, where it keeps one; else its own name of them
    project_code: str | None = None
    day: date
    hours: Exact  #: negative for what takes time back
    category: str | None = None
