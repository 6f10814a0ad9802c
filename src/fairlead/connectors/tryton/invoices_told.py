"""What Tryton tells of invoices and credits: state, number, tax, payments, changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.books import Books
from fairlead.connectors.tryton.projects import WORK
from fairlead.connectors.tryton.records import Record, number
from fairlead.domain.model.invoice import LedgerInvoice, LedgerInvoiceState
from fairlead.domain.values import ExternalRef
from fairlead.errors import InvalidInput, Problem
from fairlead.ports.invoicing import InvoicePage

INVOICE = "account.invoice"
_LINE = "account.move.line"
_OURS = ["type", "=", "out"]
_PAYING = (
    "move",
    "date",
    "debit",
    "credit",
    "second_currency",
    "amount_second_currency",
    "reconciliation",
)
_FIELDS = (
    *("state", "number", "reference", "description", "currency", "invoice_date"),
    *("untaxed_amount", "tax_amount", "total_amount", "amount_to_pay"),
    *("lines_to_pay.maturity_date", "lines_to_pay.reconciliation"),
    "lines_to_pay.invoice_payments",
    *(
        f"{lines}.{field}"
        for lines in ("payment_lines", "reconciliation_lines")
        for field in _PAYING
    ),
)
#: A record is stamped with the time at which its transaction began, and seen once it has ended.
_OVERLAP = timedelta(minutes=3)
_CURSOR = re.compile(r"(invoices|lines) (\S{19,32}) ([0-9]{1,10})")
_IDS_IN_ONE_SEARCH = 500


@dataclass(frozen=True)
class _Place:
    """Where a pass goes on: invoices by id, then lines of accounts receivable by id."""

    of: str
    watermark: datetime  #: of the whole pass, as it was at its beginning
    after: int

    def __str__(self) -> str:
        return f"{self.of} {self.watermark.isoformat()} {self.after}"


class InvoicesTold(Books):
    def invoice(self, ref: ExternalRef) -> LedgerInvoice | None:
        id = number(ref.id)
        told = self._told([id]) if id is not None else []
        return next(iter(told), None)

    def changed_since(self, since: datetime, cursor: str | None = None) -> InvoicePage:
        """Every invoice that was changed, then every one with a changed line of its receivable:
        a payment, a reconciliation, or one that was taken back.

        The pass goes by ids, so that none is left out whatever changes meanwhile; what does is of
        a later time than the watermark, which is read first.
        """
        place = _place(cursor) if cursor else _Place("invoices", self._watermark(since), 0)
        model = INVOICE if place.of == "invoices" else _LINE
        which = _OURS if model == INVOICE else ["account.type.receivable", "=", True]
        fields = ["id"] if model == INVOICE else ["move"]
        domain = [["id", ">", place.after], which, _changed(since)]
        rows = self._records.first(model, domain, fields)
        more = len(rows) == self._settings.page_size
        if model == INVOICE:
            ids = [int(row["id"]) for row in rows]
            after = _Place(place.of, place.watermark, ids[-1]) if more else None
            following = after or _Place("lines", place.watermark, 0)
        else:
            ids = self._touched(rows)
            following = _Place(place.of, place.watermark, rows[-1]["id"]) if more else None
        return InvoicePage(
            invoices=tuple(self._told(ids)),
            next_cursor=str(following) if following else None,
            watermark=place.watermark,
        )

    def of_project(self, project: ExternalRef) -> Sequence[LedgerInvoice]:
        """All whose lines are booked on the project's analytic account."""
        work = self._there(WORK, project, ["comment"], what="project")
        account = number(sheet.read(work["comment"]).get("analytic", ""))
        if account is None:
            return []
        wanted = [_OURS, ["lines.analytic_accounts.account", "=", account]]
        return self._told([one["id"] for one in self._records.all(INVOICE, wanted, ["id"])])

    def _watermark(self, since: datetime) -> datetime:
        """Where the next pass starts: a little before the newest change that there is."""
        newest = since
        for model, which in ((INVOICE, _OURS), (_LINE, ["account.type.receivable", "=", True])):
            for stamp in ("write_date", "create_date"):
                last = self._records.first(
                    model, [which, [stamp, "!=", None]], [stamp], order=(stamp, "DESC"), limit=1
                )
                stamps = [datetime.fromisoformat(row[stamp]) - _OVERLAP for row in last]
                newest = max([newest, *stamps])
        return newest

    def _touched(self, lines: Sequence[Record]) -> list[int]:
        """The invoices that these lines are of, or that they pay."""
        if not lines:
            return []
        moves = sorted({line["move"] for line in lines})
        domain = [
            _OURS,
            ["OR", ["move", "in", moves], ["payment_lines", "in", [one["id"] for one in lines]]],
        ]
        return [one["id"] for one in self._records.all(INVOICE, domain, ["id"])]

    def _told(self, ids: Iterable[int]) -> list[LedgerInvoice]:
        every = sorted(set(ids))
        rows: list[Record] = []
        for start in range(0, len(every), _IDS_IN_ONE_SEARCH):
            some = every[start : start + _IDS_IN_ONE_SEARCH]
            rows += self._records.all(INVOICE, [_OURS, ["id", "in", some]], _FIELDS)
        credits = self._credits(rows)
        return [self._invoice(row, credits) for row in rows]

    def _credits(self, rows: Sequence[Record]) -> frozenset[int]:
        """The moves among what pays these that are invoices or credits themselves."""
        moves = sorted({line["move"] for row in rows for line in _paying(row)})
        found: set[int] = set()
        for start in range(0, len(moves), _IDS_IN_ONE_SEARCH):
            some = moves[start : start + _IDS_IN_ONE_SEARCH]
            found |= {
                one["move"] for one in self._records.all(INVOICE, [["move", "in", some]], ["move"])
            }
        return frozenset(found)

    def _invoice(self, row: Record, credits: frozenset[int]) -> LedgerInvoice:
        currency = self._iso(row["currency"])

        def money(amount: Decimal) -> dict[str, Any]:
            return {"amount": amount, "currency": currency}

        paid: dict[int, tuple[str, Decimal]] = {}
        for line in _paying(row):
            if line["move"] not in credits:
                _, so_far = paid.get(line["move"], ("", Decimal(0)))
                paid[line["move"]] = (line["date"], so_far + _amount(line, row["currency"]))
        due = [one["maturity_date"] for one in row["lines_to_pay"] if one["maturity_date"]]
        values = {
            "ref": self._ref(INVOICE, row["id"]),
            "reference": row["reference"],
            "purchase_order": row["description"],
            "state": _state(row),
            "number": row["number"],
            "net": money(row["untaxed_amount"]),
            "tax": money(row["tax_amount"]),
            "total": money(row["total_amount"]),
            "dated_on": row["invoice_date"],
            "due_on": max(due, default=None),
            "payments": [
                {"ref": str(move), "paid_on": day, "amount": money(amount)}
                for move, (day, amount) in sorted(paid.items())
            ],
        }
        return self._valid(LedgerInvoice, values)


def is_settled(line: Record) -> bool:
    """Whether a line of a receivable is reconciled, or, of a credit, pays an invoice.

    The two are reconciled by Tryton's own scheduled task, or by somebody: from outside it cannot
    be done. Until then the invoice is posted there, with nothing left to pay.
    """
    return bool(line["reconciliation"] or line["invoice_payments"])


def _paying(row: Record) -> list[Record]:
    """The lines that pay an invoice now. One that was taken back is reconciled with another."""
    settled = {one["reconciliation"] for one in row["lines_to_pay"]} - {None}
    lines = {one["id"]: one for one in (*row["payment_lines"], *row["reconciliation_lines"])}
    return [
        one
        for one in lines.values()
        if one["reconciliation"] is None or one["reconciliation"] in settled
    ]


def _amount(line: Record, currency: int) -> Decimal:
    """In the invoice's currency; positive for what a client pays."""
    if line["second_currency"] == currency:
        return -line["amount_second_currency"]
    return line["credit"] - line["debit"]


def _state(row: Record) -> LedgerInvoiceState:
    match row["state"]:
        case "cancelled":
            return LedgerInvoiceState.VOID
        case "paid":
            return LedgerInvoiceState.PAID
        case "posted":
            done = not row["amount_to_pay"] or all(map(is_settled, row["lines_to_pay"]))
            return LedgerInvoiceState.PAID if done else LedgerInvoiceState.POSTED
        case _:
            return LedgerInvoiceState.DRAFT


def _changed(since: datetime) -> list[Any]:
    """Stamped at or after a time; what was never written again has only the time it was made."""
    return ["OR", ["write_date", ">=", since], ["create_date", ">=", since]]


def _place(cursor: str) -> _Place:
    fits = _CURSOR.fullmatch(cursor)
    try:
        if fits is not None:
            watermark = datetime.fromisoformat(fits[2]).astimezone(UTC)
            return _Place(fits[1], watermark, int(fits[3]))
    except ValueError:
        pass
    rule = "a cursor that a page before answered"
    raise InvalidInput(f"cursor: {rule}", [Problem("/cursor", rule)])
