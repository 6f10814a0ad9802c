"""The preview of an invoice in print; the ledger makes the document that the client is sent."""

from __future__ import annotations

from fairlead.api.guard import Caller, Parts
from fairlead.api.packet import Pdf
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import Id, found
from fairlead.capabilities.billing.changing import sees
from fairlead.capabilities.billing.invoice_pdf import file_name, pdf_of


def add(router: Router) -> None:
    router.get("/invoices/{id}.pdf", get_invoice_pdf, None, tag="invoices", response_class=Pdf)


def get_invoice_pdf(parts: Parts, caller: Caller, id: Id) -> Pdf:
    """An invoice, credit or write-off in print: A4 in PDF. Not a tax document until posted."""
    with reading_tx(parts) as tx:
        paper = found(parts.billing.paper(tx, sees(caller), id), "invoice")
    disposition = f'attachment; filename="{file_name(paper)}"'
    return Pdf(pdf_of(paper), headers={"Content-Disposition": disposition})
