"""What becomes of an invoice in the ledger after it was posted: payments, and what people do there.

Found by polling. What is told again changes nothing; what differs from what was released is put
before a person and never overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from fairlead.capabilities.billing.changing import event_of
from fairlead.capabilities.billing.events import PAID, tell_engagement
from fairlead.domain.model.invoice import InvoiceState, LedgerInvoice, LedgerInvoiceState
from fairlead.domain.values import Money, total
from fairlead.flow.seams import seam
from fairlead.ports.invoicing import Invoicing
from fairlead.store import exceptions, invoices, journal
from fairlead.store.database import Database, Tx, database_time
from fairlead.work.words import CauseClass, ExceptionAction, NewException

_TEAM = "finance-operations"
_NOT_YET = "is not posted yet"


class HearsLedger:
    """Takes in how invoices and credits stand in a ledger."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def poll(self, system: str, invoicing: Invoicing, since: datetime) -> datetime:
        """One complete pass; where the next one starts. A pass that breaks off is made again, and
        so is one that told of what was paid or voided before its run had read it back."""
        cursor: str | None = None
        early = False
        while True:
            page = invoicing.changed_since(since, cursor)
            with self._db.transaction() as tx:
                for told in page.invoices:
                    early |= take_in(tx, told).endswith(_NOT_YET) and _says_more(told)
            seam("poll: invoices landed")
            cursor = page.next_cursor
            if cursor is None:
                return since if early else page.watermark


def take_in(tx: Tx, told: LedgerInvoice) -> str:
    """What the ledger now says of one. What became of it, in words."""
    id = invoices.of_ledger(tx, told.ref, told.reference)
    if id is None:
        return "none of ours"
    row = invoices.load(tx, [id], lock=True)[id]
    if row["posted_at"] is None:
        return f"{row['reference']} {_NOT_YET}"  # its own run reads it back
    now = database_time(tx)
    if told.state is LedgerInvoiceState.VOID or told.net.amount != row["net"]:
        _except(tx, row, told, now)
        return f"{row['reference']} differs from what was released"
    paid = total((payment.amount for payment in told.payments), row["currency"]).amount
    done = told.state is LedgerInvoiceState.PAID or _covers(paid, told.total.amount)
    state = InvoiceState.PAID if done else InvoiceState.POSTED
    known = {(p["ref"], p["paid_on"], p["amount"]) for p in invoices.payments(tx, id)}
    new = {(p.ref, p.paid_on, p.amount.amount) for p in told.payments}
    due_on = told.due_on or row["due_on"]
    if known == new and state == row["state"] and due_on == row["due_on"]:
        return f"{row['reference']} is as it was"
    invoices.pay(
        tx,
        id,
        [
            {
                "invoice_id": id,
                "ref": payment.ref,
                "paid_on": payment.paid_on,
                "amount": payment.amount.amount,
                "currency": payment.amount.currency,
                "read_at": now,
            }
            for payment in told.payments
        ],
    )
    changes: dict[str, Any] = {"state": state, "paid": paid, "due_on": due_on}
    if state != row["state"]:
        changes["paid_at"] = now if done else None
    invoices.change(tx, id, **changes)
    row = invoices.load(tx, [id])[id]
    _tell(tx, row, paid, now, moved="paid_at" in changes)
    return f"{row['reference']} is {state}"


def _says_more(told: LedgerInvoice) -> bool:
    """More than that it was made and posted, which its run finds by itself."""
    ends = (LedgerInvoiceState.PAID, LedgerInvoiceState.VOID)
    return bool(told.payments) or told.state in ends


def _covers(paid: Decimal, whole: Decimal) -> bool:
    """What is paid, or for a credit applied, is all of it. Credits are negative."""
    return whole != 0 and abs(paid) >= abs(whole)


def _tell(tx: Tx, row: Mapping[str, Any], paid: Decimal, now: datetime, *, moved: bool) -> None:
    word = "part_paid"
    if moved:
        word = "paid" if row["state"] == InvoiceState.PAID else "payment_taken_back"
    told = event_of(row, word, f"system:{row['ref']['system']}", now, paid=format(paid, "f"))
    journal.append(tx, [told])
    if word == "paid" and row["kind"] == "invoice":
        tell_engagement(tx, row, PAID)


def _except(tx: Tx, row: Mapping[str, Any], told: LedgerInvoice, now: datetime) -> None:
    """Somebody voided or edited it there: a person says which of the two is right."""
    ours = Money(amount=row["net"], currency=row["currency"])
    voided = told.state is LedgerInvoiceState.VOID
    what = "is void there" if voided else f"is {told.net} there and {ours} here"
    exceptions.open_one(
        tx,
        NewException(
            cause=f"invoice:{row['id']}",
            cause_class=CauseClass.CONFLICT,
            team=_TEAM,
            title=f"{row['reference']}: {told.ref.system} says something else",
            detail=f"{row['reference']} ({told.number or told.ref.id}) {what}.",
            remedy="Credit it here if it does not stand; else have it mended in the ledger.",
            opened_at=now,
            actions=(ExceptionAction.ASSIGN, ExceptionAction.DISMISS),
            difference={"ours": str(ours), "theirs": str(told.net), "state": str(told.state)},
            system=told.ref.system,
            subject_id=row["engagement_id"],
            region=row["region"],
            at_risk=Money(amount=abs(row["net"]), currency=row["currency"]),
        ),
    )
