"""Reconciliation in words: what is compared, how it differs, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from fairlead.domain.model.discrepancy import DiscrepancyKind, Kept
from fairlead.domain.values import Money
from fairlead.web.formats import NBSP, Tone, amount, money_text

PATH = "/reconciliation"
KEPT: Mapping[str, str] = {
    Kept.TIME: "Time",
    Kept.EXPENSE: "Expenses",
    Kept.INVOICE: "Invoices",
    Kept.REVENUE: "Revenue",
    Kept.COMMITMENT: "Purchases",
}
ONE: Mapping[str, str] = {
    Kept.TIME: "Time entry",
    Kept.EXPENSE: "Expense",
    Kept.INVOICE: "Invoice",
    Kept.REVENUE: "Journal of revenue",
    Kept.COMMITMENT: "Purchase requisition",
}
KINDS: Mapping[str, tuple[str, Tone]] = {
    DiscrepancyKind.MISSING: ("Never got there", "bad"),
    DiscrepancyKind.DELETED: ("Deleted there", "bad"),
    DiscrepancyKind.UNKNOWN: ("None of ours", "warn"),
    DiscrepancyKind.TWICE: ("There more than once", "bad"),
    DiscrepancyKind.AMOUNT: ("Another amount", "bad"),
    DiscrepancyKind.OTHER: ("Of somebody else", "warn"),
    DiscrepancyKind.STATE: ("Another state", "warn"),
    DiscrepancyKind.DAY: ("Another day", "warn"),
    DiscrepancyKind.PLACE: ("On another project or task", "warn"),
    DiscrepancyKind.BILLABLE: ("Billable or not", "warn"),
    DiscrepancyKind.DOUBLE: ("Here more than once", "bad"),
    DiscrepancyKind.PARKED: ("Not taken in", "bad"),
}


def quantity(value: Decimal, unit: str, *, sign: bool = False) -> str:
    """`7.50 h`, `EUR 1,200.00`. `unit`: `hour`, or a currency."""
    if unit == "hour":
        return f"{amount(value, 2, sign=sign)}{NBSP}h"
    return money_text(Money(amount=value, currency=unit), cents=True, sign=sign)
