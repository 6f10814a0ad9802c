"""Invoices in words: their states, what they bill, and what each check of readiness asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.domain.rules.billing_blockers import BlockerCode
from fairlead.web.formats import MONTHS, Tone

KINDS: Mapping[str, str] = {
    InvoiceKind.INVOICE: "Invoice",
    InvoiceKind.CREDIT: "Credit",
    InvoiceKind.WRITE_OFF: "Write-off",
}
STATES: Mapping[str, tuple[str, Tone]] = {
    InvoiceState.PROPOSED: ("Drafted", "warn"),
    InvoiceState.REVIEWED: ("Reviewed", "warn"),
    InvoiceState.RELEASED: ("Released", "run"),
    InvoiceState.POSTED: ("Posted", "ok"),
    InvoiceState.PAID: ("Paid", "ok"),
    InvoiceState.DISCARDED: ("Discarded", "idle"),
}
#: What each check asks, as it reads where it is passed.
CHECKS: Mapping[BlockerCode, str] = {
    BlockerCode.HOLD: "Nobody holds it",
    BlockerCode.CONTRACT_CHANGE: "No change of the contract is open",
    BlockerCode.CLIENT_CONFLICT: "Systems agree on the client",
    BlockerCode.NO_LEDGER_RECORD: "The ledger knows client and project",
    BlockerCode.ORDER_MISSING: "A purchase order is known where the client wants one",
    BlockerCode.PERIOD_CLOSED: "The month is open",
    BlockerCode.ORDER_EXHAUSTED: "The purchase order covers the amount",
    BlockerCode.TIME_IN_DRAFT: "Time is submitted",
    BlockerCode.TIME_UNAPPROVED: "Time is approved",
    BlockerCode.EXPENSE_IN_DRAFT: "Expenses are submitted",
    BlockerCode.EXPENSE_UNAPPROVED: "Expenses are approved",
    BlockerCode.FINDINGS: "No finding on time is open",
    BlockerCode.NO_RATE: "Every entry has a rate",
    BlockerCode.NO_RECEIPT: "Receipts are there where the client wants them",
    BlockerCode.BEYOND_CAP: "It is within the cap",
    BlockerCode.ITEM_HOLD: "No item is held by itself",
    BlockerCode.CORRECTION_OPEN: "No correction is open",
    BlockerCode.MILESTONE_NOT_ACCEPTED: "Milestones that are due are accepted",
    BlockerCode.OTHER_CURRENCY: "All fees are in its currency",
    BlockerCode.LESS_THAN_NOTHING: "It comes to more than nothing",
}
#: Where each is settled: the tab of the engagement, or another page.
_SETTLED: Mapping[BlockerCode, str] = {
    BlockerCode.CLIENT_CONFLICT: "/exceptions?q={number}",
    BlockerCode.NO_LEDGER_RECORD: "/engagements/{number}/systems",
    BlockerCode.ORDER_MISSING: "/engagements/{number}/packet",
    BlockerCode.ORDER_EXHAUSTED: "/engagements/{number}/packet",
    BlockerCode.BEYOND_CAP: "/engagements/{number}/packet",
    BlockerCode.NO_RATE: "/engagements/{number}/packet",
    BlockerCode.MILESTONE_NOT_ACCEPTED: "/engagements/{number}/milestones",
    BlockerCode.HOLD: "#holds",
    BlockerCode.ITEM_HOLD: "#holds",
}
_WHAT = {
    "time": "Time", "expense": "Expenses", "milestone": "Milestone", "fee": "Fees",
    "retainer": "Retainer", "rounding": "Rounding",
}  # fmt: skip


def settled_at(code: BlockerCode, number: str) -> str:
    return _SETTLED.get(code, "/engagements/{number}").format(number=number)


def what_of(row: Mapping[str, Any]) -> str:
    """`Time and expenses Nov`, `Wave 1 cutover`, of a card's lines."""
    kinds: Sequence[str] = row["kinds"] or ()
    if row["kind"] != InvoiceKind.INVOICE:
        return KINDS[row["kind"]]
    if row["lines"] == 1 and kinds and kinds[0] not in ("time", "expense"):
        return str(row["first"])
    named = [words for kind, words in _WHAT.items() if kind in kinds]
    return " ".join(filter(None, [", ".join(named[:2]) or "Invoice", month_of(row["ends_on"])]))


def month_of(day: date | None) -> str:
    return "" if day is None else MONTHS[day.month - 1]
