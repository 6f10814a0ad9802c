"""What a client does not accept of an invoice, and where it goes back to (F089)."""

from __future__ import annotations

from enum import StrEnum


class DisputeCause(StrEnum):
    RATE = "rate"  #: another price was agreed
    SCOPE = "scope"  #: the work was not agreed
    HOURS = "hours"  #: the effort is doubted
    MILESTONE = "milestone"  #: the result is not accepted
    EXPENSE = "expense"
    PURCHASE_ORDER = "purchase_order"  #: its number is missing or wrong
    TAX = "tax"
    TERMS = "terms"  #: cap, discount, payment days
    CLIENT_RECORD = "client_record"  #: wrong name, address or addressee
    DUPLICATE = "duplicate"  #: it is said to be billed already


class DisputeOutcome(StrEnum):
    CREDITED = "credited"
    UPHELD = "upheld"  #: the invoice stands
    WITHDRAWN = "withdrawn"
