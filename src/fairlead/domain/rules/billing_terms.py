"""By which rules one client is invoiced: how lines are grouped, split, marked up and reduced.

They are the answer of the policy `invoicing-terms`; an invoice keeps those that it was made by, so
that what it came from can be told after the policy has changed (F090).
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from fairlead.domain.values import Exact, Ratio, Value


class GroupBy(StrEnum):
    """What makes one line of time; each rate has a line of its own."""

    TASK = "task"
    PERSON = "person"
    ROLE = "role"
    ENTRY = "entry"  #: one line for each entry, with its narrative


class Split(StrEnum):
    NONE = "none"  #: one invoice for all that is ready
    MONTH = "month"  #: one for each calendar month of work


class Demand(StrEnum):
    REQUIRED = "required"
    OPTIONAL = "optional"


class InvoicingTerms(Value):
    group_by: GroupBy
    split: Split
    purchase_order: Demand
    receipts: Demand  #: whether an expense is invoiced only with its receipt
    expense_mark_up: Ratio  #: on expenses; 0.05 is 5 %, 0 is at cost
    discount: Ratio  #: on time and expenses, 0.02 is 2 %
    discount_from: Exact = Field(ge=0)
    """From how much time and expenses on one invoice, in its currency, the discount is given."""
    decided_by: str  #: policy, version and row
