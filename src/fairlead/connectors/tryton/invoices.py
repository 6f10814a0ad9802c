"""Tryton for invoicing: it numbers, taxes and posts; we read back what it says.

An invoice and its credit note are both `account.invoice`: quantities of a credit are negative.
The first line of each carries our key in its note, which no customer sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.clients import PARTY
from fairlead.connectors.tryton.invoices_told import INVOICE, InvoicesTold, is_settled
from fairlead.connectors.tryton.projects import ANALYTIC, WORK
from fairlead.connectors.tryton.records import Record, number
from fairlead.connectors.tryton.wire import Quantity
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.invoice import Invoice, InvoiceKind, InvoiceLine
from fairlead.domain.values import ExternalRef, Money, minor_units
from fairlead.errors import EffectConflict, SystemRefused

_POSTED = frozenset({"posted", "paid"})
_PRICE_DECIMALS = 4  #: `price_decimal` of Tryton, unless a firm sets more
_HELD = (
    "state",
    "company",
    "party",
    "currency",
    "reference",
    "untaxed_amount",
    "lines.description",
    "lines.amount",
    "lines.taxes",
)


class TrytonInvoicing(InvoicesTold):
    """The port `invoicing`. Threads may share it."""

    def create_invoice(
        self,
        invoice: Invoice,
        *,
        client: ExternalRef,
        project: ExternalRef,
        credited: ExternalRef | None,
        key: EffectKey,
    ) -> ExternalRef:
        """A draft, with tax as Tryton works it out. A credit is applied when it is posted.

        Raises `SystemRefused` where anything that it names is not there, and `EffectConflict`
        where what is held under the key is not what was asked for.
        """
        work = self._there(WORK, project, ["company", "party", "comment"], what="project")
        self._of_client(work, client, invoice)
        self._may_credit(invoice, credited)
        taxes = {code: self._tax(code, work["company"]) for code in _codes(invoice)}
        with self._alone(key):
            held = self._by_key(INVOICE, "lines.note", key, _HELD)
            if held is None:
                body = self._body(invoice, work, credited, key, taxes)
                held = self._records.create(INVOICE, body, _HELD, company=work["company"])
        self._as_asked(held, invoice, client, taxes)
        return self._ref(INVOICE, held["id"])

    def find_invoice(self, key: EffectKey) -> ExternalRef | None:
        found = self._by_key(INVOICE, "lines.note", key)
        return self._ref(INVOICE, found["id"]) if found else None

    def post_invoice(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Numbered and posted; then a credit is set against the invoice that it credits.

        Tryton's warnings, such as for taxes other than a product's own, are for whoever sits
        before a screen: somebody has reviewed and released this invoice.
        """
        held = self._there(INVOICE, invoice, ["company"], what="invoice")
        self._step(INVOICE, held["id"], held["company"], "post", _POSTED, _skip_warnings=True)
        self._apply(invoice)
        return invoice

    def find_posted(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        """The invoice, if it is posted; a credit, if it has also been set against its invoice."""
        held = self._records.one(INVOICE, invoice.id, ["state"])
        if held is None or held["state"] not in _POSTED:
            return None
        return invoice if self._to_apply(invoice) is None else None

    # Making

    def _body(
        self,
        invoice: Invoice,
        work: Record,
        credited: ExternalRef | None,
        key: EffectKey,
        taxes: Mapping[str, int],
    ) -> dict[str, Any]:
        company = work["company"]
        party = self._party(work["party"], company)
        address = next((one for one in party["addresses"] if one["active"]), None)
        if address is None:
            raise SystemRefused(self._system, f"Party {party['id']} has no address.")
        lines = self._lines(invoice, work, credited, taxes)
        on_sheet = {"key": sheet.short(key), "project": work["id"], "invoice": invoice.id}
        lines[0]["note"] = sheet.written(None, on_sheet)
        return {
            "company": company,
            "type": "out",
            "party": party["id"],
            "invoice_address": address["id"],
            "account": party["account_receivable"] or self._default("account_receivable", company),
            "journal": self._journal("revenue"),
            "currency": self._currency_id(invoice.currency),
            "payment_term": self._terms(invoice.payment_days),
            "invoice_date": invoice.dated_on,
            "reference": invoice.reference,
            "description": invoice.purchase_order,
            "comment": _period(invoice),
            "lines": [["create", lines]],
        }

    def _lines(
        self,
        invoice: Invoice,
        work: Record,
        credited: ExternalRef | None,
        taxes: Mapping[str, int],
    ) -> list[dict[str, Any]]:
        company = work["company"]
        analytic = self._analytic_of(work)
        origins = self._origins(credited)
        accounts = {line.kind: self._revenue(line.kind.value, company) for line in invoice.lines}
        found: list[dict[str, Any]] = []
        for at, line in enumerate(invoice.lines):
            quantity, price = _priced(line)
            as_sold = quantity == line.quantity or quantity == -line.quantity
            found.append(
                {
                    "type": "line",
                    "sequence": line.number,
                    "company": company,
                    "currency": self._currency_id(invoice.currency),
                    "description": line.description,
                    "quantity": Quantity(float(quantity)),
                    "unit": self._unit(line, quantity) if as_sold else None,
                    "unit_price": price,
                    "account": accounts[line.kind],
                    "taxes": [["add", [taxes[line.tax_code]]]] if line.tax_code else [],
                    "analytic_accounts": [["create", [analytic]]],
                    "origin": origins[min(at, len(origins) - 1)] if origins else None,
                }
            )
        return found

    def _origins(self, credited: ExternalRef | None) -> list[str]:
        """The lines of the invoice that a credit takes back: Tryton shows them beside its own."""
        if credited is None:
            return []
        held = self._there(INVOICE, credited, ["lines"], what="invoice")
        return [f"account.invoice.line,{id}" for id in held["lines"]]

    def _unit(self, line: InvoiceLine, quantity: Decimal) -> int | None:
        """The unit of measure, where it takes so many decimals."""
        symbol = self._settings.units.get(line.unit)
        if symbol is None:
            return None
        wanted = [["symbol", "=", symbol], ["active", "=", True]]
        for unit in self._records.all("product.uom", wanted, ["digits"]):
            if quantity == round(quantity, int(unit["digits"])):
                return int(unit["id"])
        return None

    def _revenue(self, kind: str, company: int) -> int:
        """The account of a kind of line; where none is set, the company's own for revenue."""
        if code := self._settings.revenue_accounts.get(kind):
            return self._account(code, company)
        return self._default("category_account_revenue", company)

    def _default(self, what: str, company: int) -> int:
        """What a company's configuration of accounting says where nothing else does."""
        field = f"default_{what}"
        config = self._records.one("account.configuration", "1", [field], company=company)
        if config is None or config[field] is None:
            raise SystemRefused(self._system, f"Company {company} has set no {field}.")
        return int(config[field])

    def _tax(self, code: str, company: int) -> int:
        """The tax of this name in a company."""
        wanted = [["name", "=", code], ["company", "=", company], ["active", "=", True]]
        found = self._records.all("account.tax", wanted, ["id"], company=company)
        if len(found) != 1:
            why = f"Company {company} has {len(found) or 'no'} tax named {code}."
            raise SystemRefused(self._system, why)
        return int(found[0]["id"])

    def _analytic_of(self, work: Record) -> dict[str, Any]:
        account = number(sheet.read(work["comment"]).get("analytic", ""))
        if account is None:
            why = f"Project {work['id']} has no analytic account on its sheet."
            raise SystemRefused(self._system, why)
        held = self._records.one(ANALYTIC, str(account), ["root"], company=work["company"])
        if held is None:
            raise SystemRefused(self._system, f"There is no analytic account {account}.")
        return {"root": held["root"], "account": account}

    def _party(self, id: int, company: int) -> Record:
        fields = ["account_receivable", "addresses.active"]
        party = self._records.one(PARTY, str(id), fields, company=company)
        if party is None:
            raise SystemRefused(self._system, f"There is no party {id}.")
        return party

    # Asking before

    def _of_client(self, work: Record, client: ExternalRef, invoice: Invoice) -> None:
        if (client.system, client.id) != (self._system, str(work["party"])):
            raise SystemRefused(self._system, f"Project {work['id']} is not of client {client}.")
        if str(work["company"]) != invoice.subsidiary:
            why = f"Project {work['id']} is not of company {invoice.subsidiary}."
            raise SystemRefused(self._system, why)

    def _may_credit(self, invoice: Invoice, credited: ExternalRef | None) -> None:
        if invoice.kind is InvoiceKind.INVOICE:
            return
        if credited is None:
            raise SystemRefused(self._system, "A credit names the invoice that it takes back.")
        held = self._there(INVOICE, credited, ["state"], what="invoice")
        if held["state"] not in _POSTED:
            why = f"Invoice {credited.id} is {held['state']}, so it cannot be credited."
            raise SystemRefused(self._system, why)

    # Comparing after

    def _as_asked(
        self,
        held: Record,
        asked: Invoice,
        client: ExternalRef,
        taxes: Mapping[str, int],
    ) -> None:
        """Raises `EffectConflict` naming what is not as we asked for."""
        head = {
            "client": (str(held["party"]), client.id),
            "company": (str(held["company"]), asked.subsidiary),
            "currency": (self._iso(held["currency"]), asked.currency),
            "reference": (held["reference"], asked.reference),
            "sum": (held["untaxed_amount"], asked.net.amount),
        }
        faults = [name for name, (theirs, ours) in head.items() if theirs != ours]
        if len(held["lines"]) != len(asked.lines):
            faults.append(f"{len(held['lines'])} lines for {len(asked.lines)}")
        for theirs, ours in zip(held["lines"], asked.lines, strict=False):
            if theirs["amount"] != ours.amount.amount:
                faults.append(f"amount of line {ours.number}")
            if theirs["taxes"] != ([taxes[ours.tax_code]] if ours.tax_code else []):
                faults.append(f"tax of line {ours.number}")
            if theirs["description"] != ours.description.strip():
                faults.append(f"description of line {ours.number}")
        if faults:
            why = f"Invoice {held['id']} is not as we asked for: {', '.join(faults)}."
            raise EffectConflict(self._system, why)

    # Applying a credit

    def _apply(self, credit: ExternalRef) -> None:
        """Its receivable counts as paying the invoice that it credits, in whole or in part."""
        todo = self._to_apply(credit)
        if todo is not None:
            company, credited, lines = todo
            attached = {"payment_lines": [["add", lines]]}
            self._records.update(INVOICE, str(credited), attached, ["state"], company=company)

    def _to_apply(self, credit: ExternalRef) -> tuple[int, int, list[int]] | None:
        """Company, invoice, and the lines of a posted credit that do not pay it yet.

        None: there is nothing to do, or it cannot be done: Tryton splits no line, so a credit of
        more than is open stays open itself.
        """
        held = self._open(credit.id)
        if held is None or held["total_amount"] >= 0 or held["state"] != "posted":
            return None
        lines = [one["id"] for one in held["lines_to_pay"] if not is_settled(one)]
        origins: list[int] = held["origin_invoices"] if lines else []
        for id in origins:
            credited = self._open(str(id))
            if credited is None or credited["state"] != "posted":
                continue
            if 0 < -held["amount_to_pay"] <= credited["amount_to_pay"]:
                return held["company"], id, lines
        return None

    def _open(self, id: str) -> Record | None:
        fields = [
            *("company", "state", "total_amount", "amount_to_pay", "origin_invoices"),
            *("lines_to_pay.reconciliation", "lines_to_pay.invoice_payments"),
        ]
        return self._records.one(INVOICE, id, fields)


def _codes(invoice: Invoice) -> set[str]:
    return {line.tax_code for line in invoice.lines if line.tax_code}


def _priced(line: InvoiceLine) -> tuple[Decimal, Decimal]:
    """Quantity and price of which Tryton makes the amount; of a credit the quantity is negative.

    Where quantity and price as they are give another amount, or have more decimals than Tryton
    keeps, it is one piece for the amount.
    """
    quantity, price = line.quantity, line.unit_price.amount
    if price < 0 < quantity:
        quantity, price = -quantity, -price
    made = Money(amount=round(quantity * price, 8), currency=line.amount.currency).rounded()
    exact = (
        made == line.amount
        and price == round(price, _PRICE_DECIMALS)
        and quantity == Decimal(str(float(quantity)))
    )
    if exact:
        return quantity, price
    amount = line.amount.amount
    return Decimal(1).copy_sign(amount), abs(amount).quantize(
        Decimal(1).scaleb(-minor_units(line.amount.currency))
    )


def _period(invoice: Invoice) -> str | None:
    if invoice.starts_on is None or invoice.ends_on is None:
        return None
    return f"{invoice.starts_on.isoformat()} – {invoice.ends_on.isoformat()}"
