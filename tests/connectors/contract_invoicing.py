"""What `Invoicing` promises. Every adapter subclasses this; none overrides a test."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import uuid4

import pytest

from fairlead.domain.ids import EffectKey, EngagementId
from fairlead.domain.model.invoice import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    LedgerInvoice,
    LedgerInvoiceState,
    LineKind,
    Payment,
)
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import EffectConflict, InvalidInput, SystemRefused
from fairlead.ports.invoicing import Invoicing

DATED = date(2026, 3, 31)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DRAFT, POSTED, PAID, VOID = LedgerInvoiceState


def a_key(longest: bool = False) -> EffectKey:
    """As the engine builds them, of up to 200 characters."""
    key = f"th/invoice:{uuid4()}/~post.1/create"
    return EffectKey(key.ljust(200, "x") if longest else key)


def money(amount: str | Decimal, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def a_line(amount: str = "1200.00", currency: str = "EUR", **changes: object) -> InvoiceLine:
    values: dict[str, object] = {
        "number": 1, "kind": LineKind.FEE, "description": "Discovery", "quantity": Decimal(1),
        "unit": "piece", "unit_price": money(amount, currency), "amount": money(amount, currency),
        **changes,
    }  # fmt: skip
    return InvoiceLine.model_validate(values)


class Held(NamedTuple):
    """A line as the ERP holds it; of a credit note without the sign."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal
    tax_code: str | None


class Billed(NamedTuple):
    """Whom and for what an invoice is made."""

    client: ExternalRef
    project: ExternalRef


class InvoicingExamples(ABC):
    """Things to write, with ids that the ERP knows."""

    subsidiary: str
    #: Codes that the ERP knows, and their rates; 0.19 means 19 %.
    taxes: tuple[tuple[str, Decimal], tuple[str, Decimal], tuple[str, Decimal]]

    def an_invoice(self, *lines: InvoiceLine, **changes: object) -> Invoice:
        given = lines or (a_line(tax_code=self.taxes[0][0]),)
        numbered = tuple(
            line.model_copy(update={"number": nr}) for nr, line in enumerate(given, start=1)
        )
        id = str(uuid4())
        values: dict[str, object] = {
            "id": id, "reference": f"BIL-{id[:8]}", "engagement": EngagementId("E-1"),
            "kind": InvoiceKind.INVOICE, "legal_entity": "TH-GMBH", "subsidiary": self.subsidiary,
            "currency": given[0].amount.currency, "purchase_order": "PO 4711/ä",
            "payment_days": 30, "dated_on": DATED, "starts_on": date(2026, 3, 1),
            "ends_on": DATED, "lines": numbered, **changes,
        }  # fmt: skip
        return Invoice.model_validate(values)

    def a_credit(self, invoice: Invoice, *lines: InvoiceLine) -> Invoice:
        """Of the whole invoice, or of these lines; amounts are negative."""
        taken = lines or tuple(
            line.model_copy(
                update={
                    "quantity": -line.quantity,
                    "amount": money(-line.amount.amount, line.amount.currency),
                }
            )
            for line in invoice.lines
        )
        return self.an_invoice(
            *taken, kind=InvoiceKind.CREDIT, credits=invoice.id, currency=invoice.currency
        )


class InvoicingContract(InvoicingExamples):
    """Each test begins with an ERP in which there are no invoices yet."""

    rows_in_a_page: int  #: of what `invoicing` answers lists from

    @abstractmethod
    def invoicing(self) -> Invoicing: ...

    @abstractmethod
    def given_project(self, currency: str = "EUR") -> Billed:
        """A client and a project of it, in `subsidiary`, that are set up in the same ERP."""

    @abstractmethod
    def issued(self) -> int:
        """How many invoices and credit notes there are."""

    @abstractmethod
    def lines_of(self, invoice: ExternalRef) -> list[Held]: ...

    @abstractmethod
    def left_of(self, invoice: ExternalRef) -> Decimal:
        """What is still to be paid of an invoice."""

    @abstractmethod
    def pay(self, invoice: ExternalRef, amount: Decimal, on: date) -> str:
        """A person registers a payment of an invoice. Id of the payment."""

    @abstractmethod
    def take_back(self, payment: str) -> None:
        """A person takes a payment back."""

    @abstractmethod
    def void(self, invoice: ExternalRef) -> None:
        """A person voids a posted invoice."""

    @abstractmethod
    def close_period_of(self, day: date) -> None:
        """A person closes the accounting period of a day."""

    # Steps

    def create(
        self,
        invoice: Invoice,
        billed: Billed,
        *,
        credited: ExternalRef | None = None,
        key: EffectKey | None = None,
    ) -> ExternalRef:
        return self.invoicing().create_invoice(
            invoice, client=billed.client, project=billed.project, credited=credited,
            key=key or a_key(),
        )  # fmt: skip

    def post(
        self, invoice: Invoice, billed: Billed, *, credited: ExternalRef | None = None
    ) -> ExternalRef:
        made = self.create(invoice, billed, credited=credited)
        return self.invoicing().post_invoice(made, key=a_key())

    def told(self, ref: ExternalRef) -> LedgerInvoice:
        found = self.invoicing().invoice(ref)
        assert found is not None
        return found

    def state_of(self, ref: ExternalRef) -> LedgerInvoiceState:
        return self.told(ref).state

    def pass_since(self, since: datetime) -> tuple[list[LedgerInvoice], datetime]:
        """Everything of one whole pass, and where the next one starts."""
        found: list[LedgerInvoice] = []
        cursor: str | None = None
        while True:
            page = self.invoicing().changed_since(since, cursor)
            found += page.invoices
            cursor = page.next_cursor
            if cursor is None:
                return found, page.watermark

    # Reaching it, and finding by key

    def test_ping_answers(self) -> None:
        self.invoicing().ping()

    def test_nothing_is_found_under_an_unknown_key(self) -> None:
        assert self.invoicing().find_invoice(a_key()) is None

    @pytest.mark.parametrize("longest", [False, True], ids=["usual-key", "key-of-200-characters"])
    def test_what_was_created_is_found_by_its_key(self, longest: bool) -> None:
        billed, invoice, credited = self.given_project(), self.an_invoice(), a_key(longest)
        key = a_key(longest)

        made = self.create(invoice, billed, key=key)
        self.invoicing().post_invoice(made, key=a_key())
        credit = self.create(self.a_credit(invoice), billed, credited=made, key=credited)

        assert made == self.invoicing().find_invoice(key)
        assert credit == self.invoicing().find_invoice(credited)

    def test_keys_that_differ_at_the_end_are_told_apart(self) -> None:
        long = a_key(longest=True)[:-1]
        first, second = EffectKey(f"{long}1"), EffectKey(f"{long}2")

        made = self.create(self.an_invoice(), self.given_project(), key=first)

        assert made == self.invoicing().find_invoice(first)
        assert self.invoicing().find_invoice(second) is None

    def test_an_unknown_invoice_is_none(self) -> None:
        made = self.create(self.an_invoice(), self.given_project())
        unknown = made.model_copy(update={"id": "987654321"})

        assert self.invoicing().invoice(unknown) is None
        assert self.invoicing().find_posted(unknown, key=a_key()) is None
        with pytest.raises(SystemRefused):
            self.invoicing().post_invoice(unknown, key=a_key())

    # Repeating

    def test_creating_twice_under_one_key_leaves_one_invoice(self) -> None:
        billed, invoice, key = self.given_project(), self.an_invoice(), a_key()

        made = [self.create(invoice, billed, key=key) for _ in "12"]

        assert (made[0], 1) == (made[1], self.issued())
        assert len(self.lines_of(made[0])) == 1

    def test_two_writers_with_one_key_leave_one_invoice(self) -> None:
        billed, invoice, key = self.given_project(), self.an_invoice(), a_key()

        def create(_: int) -> str:
            return str(self.create(invoice, billed, key=key))

        with ThreadPoolExecutor(2) as writers:
            made = set(writers.map(create, range(4)))

        assert (len(made), self.issued()) == (1, 1)

    def test_crediting_twice_under_one_key_leaves_one_credit(self) -> None:
        billed, invoice, key = self.given_project(), self.an_invoice(), a_key()
        posted = self.post(invoice, billed)
        credit = self.a_credit(invoice)

        made = [self.create(credit, billed, credited=posted, key=key) for _ in "12"]

        assert (made[0], 2) == (made[1], self.issued())

    def test_creating_again_what_was_posted_changes_nothing(self) -> None:
        billed, invoice, key = self.given_project(), self.an_invoice(), a_key()
        made = self.create(invoice, billed, key=key)
        self.invoicing().post_invoice(made, key=a_key())
        before = self.told(made)

        again = self.create(invoice, billed, key=key)

        assert (again, before) == (made, self.told(made))

    @pytest.mark.parametrize("posted", [False, True], ids=["draft", "posted"])
    def test_another_invoice_under_the_same_key_is_a_conflict(self, posted: bool) -> None:
        billed, invoice, key = self.given_project(), self.an_invoice(), a_key()
        made = self.create(invoice, billed, key=key)
        if posted:
            self.invoicing().post_invoice(made, key=a_key())
        before = self.told(made)

        with pytest.raises(EffectConflict):
            self.create(self.an_invoice(a_line("1200.01")), billed, key=key)

        assert (before, 1) == (self.told(made), self.issued())

    # Posting

    def test_what_is_created_is_not_posted_yet(self) -> None:
        made = self.create(self.an_invoice(), self.given_project())

        assert self.state_of(made) is DRAFT
        assert self.invoicing().find_posted(made, key=a_key()) is None

    def test_posting_is_seen_and_may_be_repeated(self) -> None:
        made = self.create(self.an_invoice(), self.given_project())

        posted = [self.invoicing().post_invoice(made, key=a_key()) for _ in "12"]
        told = self.told(made)

        assert [made, made, made] == [*posted, self.invoicing().find_posted(made, key=a_key())]
        assert (told.state, told.number is None) == (POSTED, False)

    def test_numbers_follow_one_another_without_gaps(self) -> None:
        billed = self.given_project()
        numbers: list[str | None] = []
        for _ in range(3):
            numbers.append(self.told(self.post(self.an_invoice(), billed)).number)
            with pytest.raises(SystemRefused):
                self.post(self.an_invoice(a_line(tax_code="NO-SUCH-CODE")), billed)

        counted = [int(re.findall(r"\d+", number or "")[-1]) for number in numbers]
        assert [counted[0] + nr for nr in range(3)] == counted

    def test_a_closed_period_refuses_posting(self) -> None:
        made = self.create(self.an_invoice(), self.given_project())
        self.close_period_of(DATED)

        with pytest.raises(SystemRefused, match=r"(?i)period"):
            self.invoicing().post_invoice(made, key=a_key())

        assert self.state_of(made) is DRAFT

    # What it holds

    @pytest.mark.parametrize(
        "amounts",
        [
            pytest.param([money("33333.34"), money("33333.33"), money("0.01")], id="EUR-cents"),
            pytest.param([money("9999999999999.99")], id="EUR-more-than-a-float-holds"),
            pytest.param([money("1000001", "JPY"), money("1", "JPY")], id="JPY-no-decimals"),
            pytest.param([money("10.005", "BHD"), money("0.001", "BHD")], id="BHD-three-decimals"),
            pytest.param([money("500.00"), money("-120.50")], id="EUR-with-a-discount"),
        ],
    )
    def test_amounts_arrive_exactly(self, amounts: list[Money]) -> None:
        currency, untaxed = amounts[0].currency, self.taxes[2][0]
        lines = [a_line(str(one.amount), currency, tax_code=untaxed) for one in amounts]
        invoice = self.an_invoice(*lines)

        made = self.create(invoice, self.given_project(currency))

        assert [one.amount for one in amounts] == [line.amount for line in self.lines_of(made)]
        told = self.told(made)
        assert (invoice.net, money("0", currency)) == (told.net, told.tax)
        assert invoice.net == told.total

    def test_a_price_per_hour_keeps_its_quantity(self) -> None:
        line = a_line(
            "1843.33", kind=LineKind.TIME, quantity=Decimal("12.75"), unit="hour",
            unit_price=money("144.575"),
        )  # fmt: skip

        made = self.create(self.an_invoice(line), self.given_project())

        held = self.lines_of(made)[0]
        expected = (Decimal("12.75"), Decimal("144.575"), Decimal("1843.33"))
        assert expected == (held.quantity, held.unit_price, held.amount)

    def test_every_kind_of_line_is_taken(self) -> None:
        lines = [a_line("100.00", kind=kind) for kind in LineKind]

        made = self.create(self.an_invoice(*lines), self.given_project())

        assert len(LineKind) == len(self.lines_of(made))

    def test_tax_follows_from_the_code_of_each_line(self) -> None:
        lines = [
            a_line(amount, tax_code=code)
            for amount, (code, _) in zip(("1000.00", "200.00", "30.00"), self.taxes, strict=True)
        ]

        told = self.told(self.create(self.an_invoice(*lines), self.given_project()))

        tax = Decimal(1000) * self.taxes[0][1] + Decimal(200) * self.taxes[1][1]
        assert (money("1230.00"), money(tax)) == (told.net, told.tax)
        assert money(tax + 1230) == told.total

    def test_descriptions_of_any_length_and_script_arrive_whole(self) -> None:
        texts = [
            ("Ünïcøde 🚀 'x' 100%_ ; \\" * 60)[:1000],
            "北海道電力株式会社",
            '"x" <b> & O\'Hara',
        ]
        lines = [a_line(description=text) for text in texts]

        made = self.create(self.an_invoice(*lines), self.given_project())

        assert texts == [line.description for line in self.lines_of(made)]

    def test_what_we_call_it_and_their_order_are_read_back(self) -> None:
        invoice = self.an_invoice(purchase_order="PO-2026/0815 ü")

        told = self.told(self.create(invoice, self.given_project()))

        assert (invoice.reference, "PO-2026/0815 ü") == (told.reference, told.purchase_order)

    @pytest.mark.parametrize("days", [0, 30])
    def test_when_it_is_due_follows_from_its_day(self, days: int) -> None:
        told = self.told(self.post(self.an_invoice(payment_days=days), self.given_project()))

        assert (DATED, DATED + timedelta(days=days)) == (told.dated_on, told.due_on)

    @pytest.mark.parametrize("wrong", ["client", "project", "tax-code", "subsidiary"])
    def test_what_is_not_there_is_refused(self, wrong: str) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        unknown = {"id": "987654321"}
        match wrong:
            case "client":
                billed = billed._replace(client=billed.client.model_copy(update=unknown))
            case "project":
                billed = billed._replace(project=billed.project.model_copy(update=unknown))
            case "tax-code":
                invoice = self.an_invoice(a_line(tax_code="NO-SUCH-CODE"))
            case _:
                invoice = self.an_invoice(subsidiary="987654321")

        with pytest.raises(SystemRefused):
            self.create(invoice, billed)

        assert self.issued() == 0

    def test_what_is_of_another_system_is_refused(self) -> None:
        billed = self.given_project()
        elsewhere = billed.project.model_copy(update={"system": "other"})

        with pytest.raises(SystemRefused, match="other"):
            self.create(self.an_invoice(), billed._replace(project=elsewhere))

        assert self.issued() == 0

    # Credits

    def test_a_credit_of_the_whole_leaves_nothing_to_pay(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        before = self.told(posted)

        credit = self.told(self.post(self.a_credit(invoice), billed, credited=posted))

        amounts = (credit.net.amount, credit.tax.amount, credit.total.amount)
        assert (-before.net.amount, -before.tax.amount, -before.total.amount) == amounts
        assert (Decimal(0), PAID, PAID) == (
            self.left_of(posted),
            self.state_of(posted),
            credit.state,
        )
        assert self.told(posted).payments == ()

    @pytest.mark.parametrize("negative", ["quantity", "price"])
    def test_a_credit_of_a_part_leaves_the_rest_to_pay(self, negative: str) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        signs = (-1, 1) if negative == "quantity" else (1, -1)
        part = a_line(
            "-200.00", quantity=Decimal(2) * signs[0], unit_price=money(Decimal(100) * signs[1]),
            tax_code=self.taxes[0][0],
        )  # fmt: skip

        credit = self.post(self.a_credit(invoice, part), billed, credited=posted)

        held, taken = self.lines_of(credit)[0], Decimal(200) * (1 + self.taxes[0][1])
        assert (Decimal(2), Decimal(100), Decimal(200)) == held[1:4]
        assert money(-taken) == self.told(credit).total
        assert (self.told(posted).total.amount - taken, POSTED) == (
            self.left_of(posted),
            self.state_of(posted),
        )

    def test_credits_in_currencies_without_cents(self) -> None:
        billed = self.given_project("JPY")
        invoice = self.an_invoice(a_line("1000001", "JPY", tax_code=self.taxes[2][0]))
        posted = self.post(invoice, billed)
        part = a_line("-1", "JPY", tax_code=self.taxes[2][0])

        self.post(self.a_credit(invoice, part), billed, credited=posted)

        assert Decimal(1000000) == self.left_of(posted)

    def test_a_credit_of_a_paid_invoice_stays_open_for_the_client(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        self.pay(posted, self.told(posted).total.amount, DATED)

        credit = self.post(self.a_credit(invoice), billed, credited=posted)

        assert (self.state_of(credit), self.state_of(posted)) == (POSTED, PAID)

    @pytest.mark.parametrize("credited", ["none", "draft"])
    def test_only_what_is_posted_can_be_credited(self, credited: str) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        draft = self.create(invoice, billed)

        with pytest.raises(SystemRefused):
            self.create(
                self.a_credit(invoice), billed, credited=None if credited == "none" else draft
            )

        assert self.issued() == 1

    # Payments

    def test_payments_are_told_until_it_is_paid(self) -> None:
        posted = self.post(self.an_invoice(), self.given_project())
        total = self.told(posted).total.amount

        first = self.pay(posted, Decimal("200.01"), date(2026, 4, 20))
        part = self.told(posted)
        second = self.pay(posted, total - Decimal("200.01"), date(2026, 4, 28))
        whole = self.told(posted)

        expected = [
            Payment(ref=first, paid_on=date(2026, 4, 20), amount=money("200.01")),
            Payment(ref=second, paid_on=date(2026, 4, 28), amount=money(total - Decimal("200.01"))),
        ]
        assert (POSTED, expected[:1]) == (part.state, list(part.payments))
        assert (PAID, expected) == (whole.state, list(whole.payments))

    def test_a_payment_that_is_taken_back_is_not_told(self) -> None:
        posted = self.post(self.an_invoice(), self.given_project())
        payment = self.pay(posted, self.told(posted).total.amount, DATED)

        self.take_back(payment)

        assert (self.state_of(posted), self.told(posted).payments) == (POSTED, ())

    def test_a_voided_invoice_says_so(self) -> None:
        posted = self.post(self.an_invoice(), self.given_project())

        self.void(posted)

        assert self.state_of(posted) is VOID

    # What changed

    def test_a_change_is_told_as_it_is_now(self) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        part = a_line("-200.00", tax_code=self.taxes[0][0])
        credit = self.post(self.a_credit(invoice, part), billed, credited=posted)
        self.pay(posted, Decimal("1.00"), DATED)

        found, _ = self.pass_since(LONG_AGO)

        told = {one.ref.id: one for one in found}
        assert {posted.id: self.told(posted), credit.id: self.told(credit)} == told

    def test_nothing_is_told_of_what_changed_before(self) -> None:
        self.post(self.an_invoice(), self.given_project())

        found, watermark = self.pass_since(datetime.now(UTC) + timedelta(days=1))

        assert (found, True) == ([], watermark > datetime.now(UTC))

    @pytest.mark.parametrize("change", ["paid", "payment-taken-back", "credited"])
    def test_the_next_pass_tells_what_happened_to_an_old_invoice(self, change: str) -> None:
        billed, invoice = self.given_project(), self.an_invoice()
        posted = self.post(invoice, billed)
        payment = self.pay(posted, Decimal("1.00"), DATED)
        _, watermark = self.pass_since(LONG_AGO)

        match change:
            case "paid":
                self.pay(posted, self.left_of(posted), DATED)
            case "payment-taken-back":
                self.take_back(payment)
            case _:
                part = a_line("-200.00", tax_code=self.taxes[0][0])
                self.post(self.a_credit(invoice, part), billed, credited=posted)

        found, _ = self.pass_since(watermark)
        assert self.told(posted) in found

    def test_a_pass_over_several_pages_misses_none(self) -> None:
        billed = self.given_project()
        made = [self.create(self.an_invoice(), billed) for _ in range(2 * self.rows_in_a_page + 1)]

        found, _ = self.pass_since(LONG_AGO)

        assert {ref.id for ref in made} == {one.ref.id for one in found}

    def test_what_changes_during_a_pass_is_told_by_it_or_the_next(self) -> None:
        billed = self.given_project()
        made = [self.post(self.an_invoice(), billed) for _ in range(self.rows_in_a_page + 1)]
        page = self.invoicing().changed_since(LONG_AGO)
        early = page.invoices[0].ref

        self.pay(early, self.left_of(early), DATED)

        told: list[LedgerInvoice] = []
        while page.next_cursor is not None:
            page = self.invoicing().changed_since(LONG_AGO, page.next_cursor)
            told += page.invoices
        told += self.pass_since(page.watermark)[0]
        assert self.told(early) in told
        assert {ref.id for ref in made} <= {early.id, *(one.ref.id for one in told)}

    def test_a_cursor_that_is_none_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="cursor"):
            self.invoicing().changed_since(LONG_AGO, "x' OR 1 = 1")

    # Of a project

    def test_a_project_tells_its_own_of_every_page(self) -> None:
        mine, other = self.given_project(), self.given_project()
        invoice = self.an_invoice()
        made = [self.create(invoice, mine)]
        posted = self.invoicing().post_invoice(made[0], key=a_key())
        part = a_line("-200.00", tax_code=self.taxes[0][0])
        made.append(self.post(self.a_credit(invoice, part), mine, credited=posted))
        for _ in range(2 * self.rows_in_a_page):
            made.append(self.create(self.an_invoice(), mine))
        self.create(self.an_invoice(), other)

        found = self.invoicing().of_project(mine.project)

        assert [self.told(ref) for ref in in_order(made)] == in_told_order(found)
        assert list(self.invoicing().of_project(self.given_project().project)) == []


def in_order(refs: Sequence[ExternalRef]) -> list[ExternalRef]:
    return sorted(refs, key=lambda ref: (len(ref.id), ref.id))


def in_told_order(found: Sequence[LedgerInvoice]) -> list[LedgerInvoice]:
    return sorted(found, key=lambda one: (len(one.ref.id), one.ref.id))
