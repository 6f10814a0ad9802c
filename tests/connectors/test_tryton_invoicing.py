"""Tryton for invoicing: the contract, and what is Tryton's own, against a real Tryton 8.2."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from contract_invoicing import (
    DATED,
    DRAFT,
    POSTED,
    Billed,
    InvoicingContract,
    InvoicingExamples,
    a_key,
    a_line,
    money,
)
from tryton_billing import Billing

from fairlead.connectors.tryton.invoices import TrytonInvoicing
from fairlead.domain.model.invoice import Invoice, LedgerInvoice, LineKind
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, SystemRefused, SystemUnavailable

pytestmark = [pytest.mark.slow, pytest.mark.takes(3)]


class TestTrytonInvoicing(Billing, InvoicingContract):
    """The contract, all of it."""


class Examples(Billing, InvoicingExamples):
    """The steps of the contract, without its tests."""

    def create(
        self,
        invoice: Invoice,
        billed: Billed,
        *,
        credited: ExternalRef | None = None,
        of: TrytonInvoicing | None = None,
    ) -> ExternalRef:
        return (of or self.invoicing()).create_invoice(
            invoice, client=billed.client, project=billed.project, credited=credited, key=a_key()
        )

    def post(
        self, invoice: Invoice, billed: Billed, *, credited: ExternalRef | None = None
    ) -> ExternalRef:
        made = self.create(invoice, billed, credited=credited)
        return self.invoicing().post_invoice(made, key=a_key())

    def told(self, ref: ExternalRef) -> LedgerInvoice:
        found = self.invoicing().invoice(ref)
        assert found is not None
        return found


class TestWhatTrytonHolds(Examples):
    """How our things look there."""

    def test_an_invoice_has_their_order_its_period_and_the_projects_account(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()

        made = self.create(invoice, billed)

        told = self.desk.record(
            "account.invoice", made.id, "reference", "description", "comment",
            "lines.unit.symbol", "lines.analytic_accounts.account.code", "lines.account.code",
        )  # fmt: skip
        assert (told["reference"], told["description"], told["comment"]) == (
            invoice.reference,
            invoice.purchase_order,
            "2026-03-01 – 2026-03-31",
        )
        (line,) = told["lines."]
        code = self.desk.record("project.work", billed.project.id, "name")["name"].split(" ")[0]
        assert (line["unit."]["symbol"], line["account."]["code"]) == ("u", "4.2.2")
        assert [one["account."]["code"] for one in line["analytic_accounts."]] == [code]

    def test_a_kind_of_line_may_have_an_account_of_its_own(self) -> None:
        billed = self.given_project()

        made = self.create(
            self.an_invoice(a_line(kind=LineKind.DISCOUNT)), billed,
            of=self.invoicing(revenue_accounts={"discount": "4.3.3"}),
        )  # fmt: skip

        told = self.desk.record("account.invoice", made.id, "lines.account.code")
        assert [line["account."]["code"] for line in told["lines."]] == ["4.3.3"]

    @pytest.mark.parametrize(
        ("quantity", "price", "amount"),
        [
            pytest.param("3", "33.33333", "100.00", id="more-decimals-than-tryton-keeps"),
            pytest.param("1.5", "100", "149.99", id="another-amount-than-they-make"),
        ],
    )
    def test_what_quantity_and_price_do_not_make_is_one_piece(
        self, quantity: str, price: str, amount: str
    ) -> None:
        line = a_line(amount, quantity=Decimal(quantity), unit="hour", unit_price=money(price))

        made = self.create(self.an_invoice(line), self.given_project())

        held = self.lines_of(made)[0]
        assert (Decimal(1), Decimal(amount), Decimal(amount)) == held[1:4]

    def test_a_credit_names_what_it_takes_back(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)

        credit = self.create(self.a_credit(invoice), billed, credited=posted)

        told = self.desk.record("account.invoice", credit.id, "origin_invoices", "type")
        assert (told["origin_invoices"], told["type"]) == ([int(posted.id)], "out")

    def test_a_credit_that_was_posted_and_not_applied_is_not_found_and_is_carried_on(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        credit = self.create(self.a_credit(invoice), billed, credited=posted)
        self.desk.person.do("account.invoice", "post", [int(credit.id)])

        assert self.invoicing().find_posted(credit, key=a_key()) is None
        assert self.left_of(posted) == Decimal("1428.00")
        assert credit == self.invoicing().post_invoice(credit, key=a_key())
        assert credit == self.invoicing().find_posted(credit, key=a_key())
        assert self.left_of(posted) == 0

    def test_a_credit_of_more_than_is_open_stays_open(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        self.pay(posted, Decimal("1000.00"), DATED)

        credit = self.post(self.a_credit(invoice), billed, credited=posted)

        assert (self.left_of(posted), self.told(credit).state) == (Decimal("428.00"), POSTED)
        assert credit == self.invoicing().find_posted(credit, key=a_key())

    def test_an_invoice_before_the_last_one_is_refused(self) -> None:
        billed = self.given_project()
        self.post(self.an_invoice(), billed)

        with pytest.raises(SystemRefused, match="2026"):
            self.post(self.an_invoice(dated_on=date(2026, 3, 30)), billed)

    def test_a_project_of_another_client_is_not_billed_to_this_one(self) -> None:
        billed, other = self.given_project(), self.given_project()

        with pytest.raises(SystemRefused, match="is not of client"):
            self.create(self.an_invoice(), billed._replace(client=other.client))

    def test_a_client_without_an_address_is_not_billed(self) -> None:
        billed = self.given_project()
        party = self.desk.record("party.party", billed.client.id, "addresses")
        self.desk.person.write("party.address", party["addresses"][0], active=False)

        with pytest.raises(SystemRefused, match="has no address"):
            self.create(self.an_invoice(), billed)


class TestTrouble(Examples):
    def test_a_number_that_somebody_else_holds_is_asked_for_later(self) -> None:
        """The conflict that Tryton answers with a 503: nothing was done."""
        made = self.create(self.an_invoice(), self.given_project())

        with (
            self.desk.holding("ir_sequence_strict"),
            pytest.raises(SystemUnavailable, match="lock"),
        ):
            self.invoicing().post_invoice(made, key=a_key())

        assert self.told(made).state is DRAFT
        assert made == self.invoicing().post_invoice(made, key=a_key())

    def test_a_caller_that_does_not_wait_finds_later_that_it_was_posted(self) -> None:
        made = self.create(self.an_invoice(), self.given_project())

        with self.desk.blocking("account_move"), pytest.raises(AnswerLost):
            self.invoicing(total_timeout_s=1).post_invoice(made, key=a_key())
        found = self.desk.until(lambda: self.invoicing().find_posted(made, key=a_key()))

        assert (found, self.invoicing().post_invoice(made, key=a_key())) == (made, made)
        assert self.told(made).number is not None
