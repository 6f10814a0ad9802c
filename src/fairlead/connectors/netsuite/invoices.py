"""NetSuite for invoicing: invoices and credit memos, and what was paid on them.

An invoice waits as `Pending Approval`, which posts nothing, until `post_invoice` approves it; a
credit memo has no approval and is posted once it is saved. NetSuite works out tax and due date,
and numbers both. `!transform/creditMemo` would copy the invoice's lines and is no upsert, so a
credit is made of its own lines and then applied:
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157901123882.html
Invoice: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_161488248489.html
Credit memo: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/article_164460021767.html
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fairlead.connectors.netsuite.invoices_told import InvoicesTold
from fairlead.connectors.netsuite.once import WrittenOnce
from fairlead.connectors.netsuite.projects import JOB
from fairlead.connectors.netsuite.records import cut, external_id
from fairlead.connectors.netsuite.suiteql import among, select
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.invoice import Invoice, InvoiceKind, InvoiceLine
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

INVOICE, CREDIT = "invoice", "creditMemo"
_LINES, _APPLICATIONS = "item", "apply"
_LONGEST_ORDER = 45  # characters of a purchase order's number
_LONGEST_DESCRIPTION = 4000
_MOST_PARTS = 10  # a project in a project in a project…


class _Making(WrittenOnce):
    """Writing them."""

    def create_invoice(
        self,
        invoice: Invoice,
        *,
        client: ExternalRef,
        project: ExternalRef,
        credited: ExternalRef | None,
        key: EffectKey,
    ) -> ExternalRef:
        """Written once: one that is there already under this key is compared, and never written
        again, because a person may have approved it since.

        A credit is applied to what is still open of `credited` by a second write, which marks it
        complete; only then is it found. The rest of it stays open for the client's next invoice.
        """
        kind = CREDIT if invoice.kind is InvoiceKind.CREDIT else INVOICE
        self._ours(client, project, credited)
        if kind == CREDIT:
            self._may_be_credited(credited)
        body = self._body(invoice, kind, client, project)
        id, record = self._once(kind, key, body, of="invoice", lines=(_LINES, "invoice_line"))
        if kind == CREDIT:
            assert credited is not None
            self._apply(id, record, credited)
        return self._ref(kind, id)

    def find_invoice(self, key: EffectKey) -> ExternalRef | None:
        """None also for a credit that is there, but not applied yet."""
        external = external_id(key)
        if (found := self._records.find(INVOICE, external)) is not None:
            return self._ref(INVOICE, found[0])
        found = self._records.find(CREDIT, external)
        if found is None or not self._read("invoice_state", found[1]).get("complete"):
            return None
        return self._ref(CREDIT, found[0])

    def post_invoice(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Approved; NetSuite refuses it where the accounting period of its day is closed."""
        state = self._state(invoice)
        match state.get("approval", "approved"):
            case "approved":
                return invoice
            case "rejected":
                raise SystemRefused(self._system, f"Somebody rejected {invoice.kind} {invoice.id}.")
            case _:
                approved = self._fields.write("invoice_state", {"approval": "approved"})
                self._records.change(invoice.kind, invoice.id, approved)
                return invoice

    def find_posted(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        record = self._records.read(invoice.kind, invoice.id)
        if record is None:
            return None
        posted = self._read("invoice_state", record).get("approval", "approved") == "approved"
        return invoice if posted else None

    # What is written

    def _body(
        self, invoice: Invoice, kind: str, client: ExternalRef, project: ExternalRef
    ) -> dict[str, Any]:
        order = invoice.purchase_order
        if order is not None and len(order) > _LONGEST_ORDER:
            why = f"It keeps {_LONGEST_ORDER} characters of a purchase order's number: {order}."
            raise SystemRefused(self._system, why)
        job = self._project_of(client, project)
        booking = self._read("project_booking", job)
        if booking.get("subsidiary") != invoice.subsidiary:
            why = f"Project {project.id} is not of its subsidiary {invoice.subsidiary}."
            raise SystemRefused(self._system, why)
        dimensions = booking.get("dimensions")
        values = {
            "entity": project.id,
            "subsidiary": invoice.subsidiary,
            "currency": self._currency_id(invoice.currency),
            "dated_on": invoice.dated_on,
            "terms": self._terms_id(invoice.payment_days) if kind == INVOICE else None,
            "purchase_order": order,
            "reference": invoice.reference,
            "memo": invoice.reference,
            "starts_on": invoice.starts_on,
            "ends_on": invoice.ends_on,
            "dimensions": dimensions,
        }
        body = self._fields.write("invoice", values)
        codes = self._tax_codes(invoice)
        body[_LINES] = {
            "items": [self._line(line, kind, codes, dimensions) for line in invoice.lines]
        }
        return body

    def _line(
        self, line: InvoiceLine, kind: str, codes: Mapping[str, str], dimensions: Any
    ) -> dict[str, Any]:
        """A credit memo says amounts without their sign: a quantity or a price loses it, too."""
        quantity, price, amount = line.quantity, line.unit_price.amount, line.amount.amount
        if kind == CREDIT:
            amount = -amount
            if quantity < 0:
                quantity = -quantity
            else:
                price = -price
        item = self._settings.items.get(line.kind.value)
        if item is None:
            raise SystemRefused(self._system, f"No item is set for its lines of {line.kind}.")
        values = {
            "item": item,
            "quantity": quantity,
            "unit": line.unit,
            "unit_price": price + 0,  # no -0
            "amount": amount + 0,
            "description": cut(line.description, _LONGEST_DESCRIPTION),
            "tax_code": codes.get(line.tax_code or ""),
            "dimensions": dimensions,
        }
        # A price that is not of the item's own price levels is of the level Custom.
        price_level = {"price": {"id": self._settings.price_level}}
        return {**self._fields.write("invoice_line", values), **price_level}

    def _tax_codes(self, invoice: Invoice) -> Mapping[str, str]:
        """Code → internal id, of all codes of its lines."""
        if not self._fields.has("invoice_line", "tax_code"):
            return {}
        wanted = {line.tax_code for line in invoice.lines if line.tax_code is not None}
        found = {code: id for code, id in self._settings.tax_codes.items() if code in wanted}
        name = self._fields.their_path("tax_code_row", "name")
        for some in among(name, wanted - found.keys()):
            where = f"{some} AND isinactive = 'F'"
            for row in self._records.query(
                select(self._wanted("tax_code_row"), "salestaxitem", where)
            ):
                code = self._read("tax_code_row", row)
                found[code["name"]] = code["id"]
        if unknown := sorted(wanted - found.keys()):
            raise SystemRefused(self._system, f"It has no tax code {', '.join(unknown)}.")
        return found

    def _project_of(self, client: ExternalRef, project: ExternalRef) -> dict[str, Any]:
        """The project's record. Raises `SystemRefused` where it is not one of this client's."""
        job = self._records.read(JOB, project.id)
        if job is None:
            raise SystemRefused(self._system, f"There is no project {project.id}.")
        above: dict[str, Any] | None = job
        for _ in range(_MOST_PARTS):
            parent = self._read("project", above).get("parent")
            if parent == client.id:
                return job
            above = self._records.read(JOB, parent) if parent else None
            if above is None:
                break
        raise SystemRefused(self._system, f"Project {project.id} is not of client {client.id}.")

    # Applying it

    def _apply(self, id: str, record: Mapping[str, Any], credited: ExternalRef) -> None:
        credit = self._read("invoice_state", record)
        if credit.get("complete"):
            return
        invoice = self._state(credited)
        amount = min(credit.get("total", Decimal(0)), invoice.get("open", Decimal(0)))
        mark = self._fields.write("invoice_state", {"complete": True})
        if amount > 0:
            values = {"invoice": credited.id, "chosen": True, "amount": amount}
            mark[_APPLICATIONS] = {"items": [self._fields.write("application", values)]}
        self._records.change(CREDIT, id, mark)

    def _may_be_credited(self, credited: ExternalRef | None) -> None:
        """Raises `SystemRefused`, before anything is written."""
        if credited is None:
            raise SystemRefused(self._system, "A credit names the invoice that it takes back.")
        if self._state(credited).get("approval", "approved") != "approved":
            why = f"{credited.kind} {credited.id} is not posted, so it cannot be credited."
            raise SystemRefused(self._system, why)

    def _state(self, ref: ExternalRef) -> dict[str, Any]:
        record = self._records.read(ref.kind, ref.id)
        if record is None:
            raise SystemRefused(self._system, f"There is no {ref.kind} {ref.id}.")
        return self._read("invoice_state", record)


class NetSuiteInvoicing(_Making, InvoicesTold):
    """The port `invoicing`. Threads may share it."""
