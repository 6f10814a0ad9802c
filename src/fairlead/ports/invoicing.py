"""What we need from an ERP to invoice: it numbers, taxes and posts; we read back what it says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.invoice import Invoice, LedgerInvoice
from fairlead.domain.values import ExternalRef, Value


class InvoicePage(Value):
    invoices: tuple[LedgerInvoice, ...]
    next_cursor: str | None  #: null: this was the last page of a complete pass
    watermark: datetime  #: UTC; once the pass is complete, the next one starts here


class Invoicing(Protocol):
    """See `fairlead.ports` for what every port promises; amounts of credits are negative here."""

    def ping(self) -> None: ...

    def create_invoice(
        self,
        invoice: Invoice,
        *,
        client: ExternalRef,
        project: ExternalRef,
        credited: ExternalRef | None,
        key: EffectKey,
    ) -> ExternalRef:
        """An invoice, or for a credit a credit note that is applied to `credited`, as a draft.

        Lines, dates, purchase order and our reference travel as they are; the ERP works out tax by
        each line's code. What it then holds is compared with what was asked for, line by line:
        raises `EffectConflict` where they differ.
        """
        ...

    def find_invoice(self, key: EffectKey) -> ExternalRef | None: ...

    def post_invoice(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Have it numbered and posted. Posting a posted one is no error."""
        ...

    def find_posted(self, invoice: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        """The invoice, if it is posted."""
        ...

    def invoice(self, ref: ExternalRef) -> LedgerInvoice | None:
        """As it is now, with its payments. None: there is no such invoice."""
        ...

    def changed_since(self, since: datetime, cursor: str | None = None) -> InvoicePage:
        """Invoices and credits that changed, or were paid, at or after `since`; told again, never
        missed."""
        ...

    def of_project(self, project: ExternalRef) -> Sequence[LedgerInvoice]:
        """Every invoice and credit note of a project; all pages."""
        ...
