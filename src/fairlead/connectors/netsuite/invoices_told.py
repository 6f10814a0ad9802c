"""What NetSuite tells of invoices and credit memos: state, number, tax, payments, changes.

Asked in SuiteQL, some queries for a whole page. Payments are found by the links between
transactions, as people who work with SuiteQL describe them:
https://timdietrich.me/blog/netsuite-suiteql-related-transactions
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.connectors.netsuite.account import Account
from fairlead.connectors.netsuite.suiteql import among, moment, quoted, select
from fairlead.domain.model.invoice import LedgerInvoice, LedgerInvoiceState
from fairlead.domain.values import ExternalRef
from fairlead.errors import InvalidInput, Problem, SystemRefused
from fairlead.ports.invoicing import InvoicePage

_KINDS = {"CustInvc": "invoice", "CustCred": "creditMemo"}
_PAYMENT = "CustPymt"
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z ([0-9]{1,18})")
#: A transaction may be stamped when a request begins, and seen when it ends, at the latest after
#: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/subsect_1559222360.html
_OVERLAP = timedelta(minutes=15)


class InvoicesTold(Account):
    def invoice(self, ref: ExternalRef) -> LedgerInvoice | None:
        told = self._told([ref.id])
        return next((one for one in told if one.ref == ref), None)

    def changed_since(self, since: datetime, cursor: str | None = None) -> InvoicePage:
        """Invoices and credits in the order in which they, or what pays them, changed.

        A page goes on behind the last row of the one before, so that rows which change meanwhile
        are told again and none is left out. Whether a payment changes the time stamp of its
        invoice is not documented, so changed payments are asked for as well.
        """
        at, last = _place(cursor) if cursor else (since, None)
        types = ", ".join(quoted(one) for one in (*_KINDS, _PAYMENT))
        stamp = self._fields.their_path("changed_row", "changed_at")
        after = f"{stamp} >= {moment(at)}"
        if last is not None:
            after = f"({stamp} > {moment(at)} OR ({stamp} = {moment(at)} AND id > {last}))"
        rows, more = self._records.first(
            select(
                self._wanted("changed_row"),
                "transaction",
                f"type IN ({types}) AND {after}",
                order=f"{stamp}, id",
            )
        )
        changes = [self._read("changed_row", row) for row in rows]
        ids = [change["id"] for change in changes if change["type"] in _KINDS]
        paying = [change["id"] for change in changes if change["type"] != "CustInvc"]
        ids += [link["invoice"] for link in self._links("payment", paying)]
        newest = max((change["changed_at"] for change in changes), default=since)
        return InvoicePage(
            invoices=tuple(self._told(ids)),
            next_cursor=_cursor(changes[-1]) if more else None,
            watermark=max(since, newest - _OVERLAP),
        )

    def of_project(self, project: ExternalRef) -> Sequence[LedgerInvoice]:
        types = ", ".join(quoted(one) for one in _KINDS)
        where = f"entity = {quoted(project.id)} AND type IN ({types})"
        rows = self._records.query(select("id", "transaction", where))
        return self._told([str(row["id"]) for row in rows])

    def _told(self, ids: Iterable[str]) -> list[LedgerInvoice]:
        rows = self._by_ids("invoice_row", "transaction", ids)
        ours = [row for row in rows.values() if row["type"] in _KINDS]
        payments = self._payments([row["id"] for row in ours])
        return [self._invoice(row, payments.get(row["id"], {})) for row in ours]

    def _payments(self, invoices: Sequence[str]) -> dict[str, dict[str, dict[str, Any]]]:
        """Invoice → payment → when and how much. An application of a credit is no payment."""
        links = self._links("invoice", invoices, of=_PAYMENT)
        paid = self._by_ids("payment_row", "transaction", (link["payment"] for link in links))
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for link in links:
            payment = paid.get(link["payment"])
            if payment is None:
                raise SystemRefused(self._system, f"It does not tell payment {link['payment']}.")
            if payment.get("voided") == "T":
                continue
            known = found.setdefault(link["invoice"], {})
            so_far = known.get(payment["id"], {}).get("amount", Decimal(0))
            amount = so_far + abs(link["amount"])
            known[payment["id"]] = {"paid_on": payment.get("paid_on"), "amount": amount}
        return found

    def _links(self, end: str, ids: Iterable[str], *, of: str = "") -> list[dict[str, Any]]:
        """What pays what, where one end (`invoice` or `payment`) is one of these."""
        paths = [self._fields.their_path("payment_link", one) for one in ("invoice", "payment")]
        found: list[dict[str, Any]] = []
        for some in among(self._fields.their_path("payment_link", end), ids):
            where = f"{some} AND linktype = 'Payment' AND previoustype = 'CustInvc'"
            where += f" AND nexttype = {quoted(of)}" if of else ""
            statement = select(
                self._wanted("payment_link"),
                "nexttransactionlinelink",
                where,
                order=", ".join(paths),
            )
            found += [self._read("payment_link", row) for row in self._records.query(statement)]
        return found

    def _invoice(
        self, row: Mapping[str, Any], payments: Mapping[str, Mapping[str, Any]]
    ) -> LedgerInvoice:
        kind = _KINDS[row["type"]]
        credit = kind == "creditMemo"
        currency = self._iso(str(row.get("currency")))
        tax, total = row.get("tax", Decimal(0)), row.get("total", Decimal(0))
        if credit:  # the signs of its amounts in SuiteQL are not documented
            tax, total = -abs(tax) + 0, -abs(total) + 0

        def money(amount: Decimal) -> dict[str, Any]:
            return {"amount": amount, "currency": currency}

        values = {
            "ref": self._ref(kind, row["id"]),
            "reference": row.get("reference"),
            "purchase_order": row.get("purchase_order"),
            "state": _state(row, row.get("unapplied" if credit else "unpaid", Decimal(0))),
            "number": row.get("number"),
            "net": money(total - tax),
            "tax": money(tax),
            "total": money(total),
            "dated_on": row.get("dated_on"),
            "due_on": row.get("due_on"),
            "payments": [
                {"ref": id, "paid_on": one["paid_on"], "amount": money(one["amount"])}
                for id, one in sorted(payments.items(), key=lambda item: int(item[0]))
            ],
        }
        return self._valid(LedgerInvoice, values)


def _state(row: Mapping[str, Any], left: Decimal) -> LedgerInvoiceState:
    if row.get("voided") == "T":
        return LedgerInvoiceState.VOID
    if row.get("approval", "approved") != "approved":
        return LedgerInvoiceState.DRAFT
    return LedgerInvoiceState.POSTED if left else LedgerInvoiceState.PAID


def _cursor(change: Mapping[str, Any]) -> str:
    at: datetime = change["changed_at"]
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z {change['id']}"


def _place(cursor: str) -> tuple[datetime, str]:
    """When the last row of the page before changed, and its id."""
    fits = _CURSOR.fullmatch(cursor)
    if fits is None:
        rule = "a cursor that a page before answered"
        raise InvalidInput(f"cursor: {rule}", [Problem("/cursor", rule)])
    return datetime.fromisoformat(fits[1]).replace(tzinfo=UTC), fits[2]
