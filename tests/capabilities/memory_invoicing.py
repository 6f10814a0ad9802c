"""A ledger that invoices and lives in memory: it keeps what it is told, by the port's promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from memory_systems import Troubled

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.invoice import Invoice, LedgerInvoice, LedgerInvoiceState, Payment
from fairlead.domain.values import ExternalRef, Money
from fairlead.ports.invoicing import InvoicePage


class MemoryInvoicing(Troubled):
    """Taxes at 19 %. `lost`: the answers to so many next calls get lost after they took effect."""

    def __init__(self, system: str) -> None:
        super().__init__()
        self.system = system
        self.made: dict[str, tuple[Invoice, ExternalRef | None]] = {}  #: by key
        self.held: dict[str, LedgerInvoice] = {}  #: by id
        self.calls: list[str] = []
        self._number = 100

    def create_invoice(
        self,
        invoice: Invoice,
        *,
        client: ExternalRef,
        project: ExternalRef,
        credited: ExternalRef | None,
        key: EffectKey,
    ) -> ExternalRef:
        self.calls.append("create")
        self.fail()
        assert key not in self.made
        id = f"INV-{len(self.made) + 1}"
        self.made[key] = (invoice, credited)
        self.held[id] = LedgerInvoice(
            ref=ExternalRef(system=self.system, kind="invoice", id=id),
            reference=invoice.reference,
            state=LedgerInvoiceState.DRAFT,
            net=invoice.net,
            tax=Money(amount=Decimal(0), currency=invoice.currency),
            total=invoice.net,
        )
        return self.held[id].ref

    def find_invoice(self, key: EffectKey) -> ExternalRef | None:
        for number, known in enumerate(self.made, 1):
            if known == key:
                return self.held[f"INV-{number}"].ref
        return None

    def post_invoice(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef:
        self.calls.append("post")
        self.fail()
        found = self.held[invoice.id]
        self._number += 1
        tax = Money(
            amount=(found.net.amount * Decimal("0.19")).quantize(Decimal("0.01")),
            currency=found.net.currency,
        )
        self._change(
            invoice.id,
            state=LedgerInvoiceState.POSTED,
            number=f"R{self._number}",
            tax=tax,
            total=found.net + tax,
            due_on=datetime(2026, 12, 28, tzinfo=UTC).date(),
        )
        return invoice

    def find_posted(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        posted = self.held[invoice.id].state is not LedgerInvoiceState.DRAFT
        return invoice if posted else None

    def invoice(self, ref: ExternalRef) -> LedgerInvoice | None:
        return self.held.get(ref.id)

    def changed_since(self, since: datetime, cursor: str | None = None) -> InvoicePage:
        return InvoicePage(
            invoices=tuple(self.held.values()),
            next_cursor=None,
            watermark=since + timedelta(minutes=1),
        )

    def of_project(self, project: ExternalRef) -> Sequence[LedgerInvoice]:
        return list(self.held.values())

    def pay(self, id: str, *amounts: str) -> LedgerInvoice:
        """The payments that it has from now on."""
        found = self.held[id]
        payments = tuple(
            Payment(
                ref=f"P{number}",
                paid_on=datetime(2026, 12, 20, tzinfo=UTC).date(),
                amount=Money(amount=Decimal(amount), currency=found.net.currency),
            )
            for number, amount in enumerate(amounts, 1)
        )
        paid = sum((p.amount.amount for p in payments), Decimal(0)) >= found.total.amount
        state = LedgerInvoiceState.PAID if paid else LedgerInvoiceState.POSTED
        return self._change(id, payments=payments, state=state)

    def void(self, id: str) -> LedgerInvoice:
        return self._change(id, state=LedgerInvoiceState.VOID)

    def _change(self, id: str, **fields: object) -> LedgerInvoice:
        self.held[id] = self.held[id].model_copy(update=fields)
        return self.held[id]
