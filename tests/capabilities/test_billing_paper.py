"""What law wants stands on an invoice, where it is known (Directive 2006/112/EC, art. 226)."""

from __future__ import annotations

import io
from decimal import Decimal

import pypdf
import pytest
from billing_office import Billing
from books import DAYS, policies
from pydantic import ValidationError

from fairlead.capabilities.billing.desk import BillingDesk
from fairlead.capabilities.billing.invoice_pdf import pdf_of
from fairlead.capabilities.billing.paper import InvoicePaper
from fairlead.domain.model.client import Address
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.store.database import Database
from fairlead.store.invoices import Sees

OURS = LegalEntity(
    code="TH-LTD",
    name="Tarn & Holloway Ltd",
    country="GB",
    currency="GBP",
    ledger_id="1",
    address=Address(street="14 Fellside Yard", city="London", postal_code="EC1A 9ZZ"),
    tax_ids={"GB": "GB943178453", "DE": "DE314159262"},
)
REVERSE = TaxTreatment(
    kind=TaxKind.REVERSE_CHARGE, code="EU-RC", rate=Decimal(0), country="DE",
    client_tax_id="DE811234566", basis="Directive 2006/112/EC, art. 196",
)  # fmt: skip
GERMAN = TaxTreatment(
    kind=TaxKind.STANDARD, code="DE-19", rate=Decimal("0.19"), country="DE", basis="UStG"
)


def paper(
    db: Database, treatment: TaxTreatment, entity: LegalEntity = OURS, ledger_tax: str | None = None
) -> InvoicePaper:
    billing = Billing(db, tax=treatment)
    id = billing.propose()
    with db.transaction() as tx:
        if ledger_tax is not None:
            tx.execute(
                "UPDATE invoices SET state = 'posted', number = 'R101', tax = %s, total = net + %s",
                [ledger_tax, ledger_tax],
            )
        desk = BillingDesk(policies(), billing.office.library, DAYS, (entity,))
        found = desk.paper(tx, Sees(), id)
    assert found is not None
    return found


def words(found: InvoicePaper) -> str:
    pages = pypdf.PdfReader(io.BytesIO(pdf_of(found))).pages
    return " ".join(" ".join(page.extract_text().split()) for page in pages)


def test_both_sides_their_tax_ids_and_the_reverse_charge_are_in_print(db: Database) -> None:
    printed = words(paper(db, REVERSE))

    for told in (
        "Tarn & Holloway Ltd", "14 Fellside Yard", "EC1A 9ZZ London, GB", "Tax id GB943178453",
        "Alder GmbH", "Tax id DE811234566", "Supplied 28 Nov 2026",
        "Reverse charge: the customer accounts for the tax (Directive 2006/112/EC, art. 196).",
    ):  # fmt: skip
        assert told in printed, (told, printed)


def test_who_charges_the_tax_of_a_country_names_their_number_there(db: Database) -> None:
    found = paper(db, GERMAN)

    assert found.sender[-1] == "Tax id DE314159262"
    assert (found.tax_words, found.tax_note) == ("Tax 19 %", None)


def test_what_the_firm_has_not_set_is_left_out(db: Database) -> None:
    bare = OURS.model_copy(update={"address": Address(), "tax_ids": {}})

    assert paper(db, GERMAN, bare).sender == ("Tarn & Holloway Ltd", "GB")


def test_where_the_ledger_taxed_otherwise_our_rate_and_reason_are_not_told(db: Database) -> None:
    found = paper(db, REVERSE, ledger_tax="28.50")

    assert (found.tax_words, found.tax_note) == ("Tax, as the ledger says", None)
    assert found.total is not None
    assert found.total.amount == Decimal("178.50")


def test_an_invoice_of_thousands_of_lines_is_printed_in_part_with_the_sum_of_the_rest(
    db: Database,
) -> None:
    found = paper(db, GERMAN)
    many = found.model_copy(update={"lines": found.lines * 5000})

    pages = pypdf.PdfReader(io.BytesIO(pdf_of(many))).pages

    last = " ".join(pages[-1].extract_text().split())
    assert "4,700 more lines" in last
    assert "705,000.00" in last


def test_a_tax_id_with_a_wrong_digit_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match="tax_ids: DE314159265 is no tax id of DE"):
        LegalEntity.model_validate({**OURS.model_dump(), "tax_ids": {"DE": "DE314159265"}})
