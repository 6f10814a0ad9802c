"""NetSuite for invoicing, against its dialect over real HTTP."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest
import simplejson
from contract_invoicing import (
    LONG_AGO,
    Billed,
    InvoicingContract,
    InvoicingExamples,
    a_key,
    a_line,
    money,
)
from netsuite_billing import SALES, Billing
from netsuite_over_http import GMBH, NETSUITE, a_setting

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.netsuite import invoices as adapter_of
from fairlead.connectors.netsuite.declaration import CONNECTOR
from fairlead.connectors.netsuite.invoices import NetSuiteInvoicing
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.invoice import Invoice, LedgerInvoiceState, LineKind
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.invoicing import Invoicing

FIXTURES = Path(adapter_of.__file__).with_name("fixtures")


class TestNetSuiteInvoicing(Billing, InvoicingContract):
    """The contract, all of it."""

    def invoicing(self) -> Invoicing:
        return self.billing

    def issued(self) -> int:
        return self.held_of(*SALES)


UPSERT, UPDATE = {"operation": "record.upsert"}, {"operation": "record.update"}


class Invoices(Billing, InvoicingExamples):
    """Invoices to write, and where they go."""

    def create(self, invoice: Invoice, key: EffectKey, **changes: Any) -> ExternalRef:
        adapter = self.invoices(**changes) if changes else self.billing
        client, project = self.billed
        return adapter.create_invoice(
            invoice, client=client, project=project, credited=None, key=key
        )

    @cached_property
    def billed(self) -> Billed:
        return self.given_project()


class TestWhatNetSuiteHolds(Invoices):
    """How an invoice and a credit look there."""

    def test_an_invoice_is_booked_where_its_project_is(self) -> None:
        invoice = self.an_invoice(a_line(kind=LineKind.TIME, unit="hour"))

        body = self.body(self.create(invoice, a_key()))

        line = body["item"]["items"][0]
        for holder in (body, line):
            booked = [holder[segment]["id"] for segment in ("class", "location", "department")]
            assert [self.practice, self.region, self.cost_centre] == booked
        assert ({"id": self.billed.project.id}, {"id": GMBH}) == (
            body["entity"],
            body["subsidiary"],
        )
        assert (line["item"], line["custcol_fairlead_unit"]) == ({"id": "2"}, "hour")
        days = [body[f"custbody_fairlead_service_{end}"] for end in ("start", "end")]
        assert (days, line["price"]) == (["2026-03-01", "2026-03-31"], {"id": "-1"})

    def test_each_subsidiary_numbers_its_own(self) -> None:
        first, second = (self.body(self.create(self.an_invoice(), a_key())) for _ in "12")

        assert [first["tranId"], second["tranId"]] == ["INV2-00001", "INV2-00002"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"items": {}}, "No item is set", id="no-item"),
            pytest.param({"items": {"fee": "77"}}, "Invalid Field Value", id="unknown-item"),
            pytest.param({"tax_codes": {"DE-STANDARD": "77"}}, "Invalid", id="unknown-tax-code"),
        ],
    )
    def test_what_is_not_set_up_is_refused(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(SystemRefused, match=said):
            self.create(self.an_invoice(), a_key(), **changes)

        assert self.held_of(*SALES) == 0

    def test_a_tax_code_may_be_called_otherwise_there(self) -> None:
        code = self.sandbox.plant(NETSUITE, "salesTaxItem", {"itemId": "S-DE", "rate": 19})

        made = self.create(self.an_invoice(), a_key(), tax_codes={"DE-STANDARD": code["id"]})

        assert [line.tax_code for line in self.lines_of(made)] == ["S-DE"]

    def test_where_suitetax_decides_no_code_is_told(self) -> None:
        mapping = {"invoice_line": {"tax_code": None}}

        made = self.create(self.an_invoice(a_line(tax_code="?")), a_key(), mapping=mapping)

        assert [line.tax_code for line in self.lines_of(made)] == [None]

    def test_a_purchase_order_that_it_would_cut_is_refused(self) -> None:
        with pytest.raises(SystemRefused, match="45 characters"):
            self.create(self.an_invoice(purchase_order="P" * 46), a_key())

    def test_days_that_it_has_no_terms_for_are_refused(self) -> None:
        with pytest.raises(SystemRefused, match="41 days"):
            self.create(self.an_invoice(payment_days=41), a_key())

    def test_a_rejected_invoice_is_not_posted(self) -> None:
        made = self.create(self.an_invoice(), a_key())
        self.sandbox.amend(NETSUITE, "invoice", made.id, {"approvalStatus": {"id": "3"}})

        with pytest.raises(SystemRefused, match="rejected"):
            self.billing.post_invoice(made, key=a_key())

        told = self.billing.invoice(made)
        assert told is not None
        assert told.state is LedgerInvoiceState.DRAFT

    @pytest.mark.parametrize("change", [{"otherRefNum": "PO 2"}, {"item": None}])
    def test_a_person_who_changed_a_draft_is_heard(self, change: dict[str, Any]) -> None:
        key, invoice = a_key(), self.an_invoice(a_line("1.00"), a_line("2.00"))
        made = self.create(invoice, key)
        first = self.body(made)["item"]["items"][0]
        kept = {"item": first["item"], "amount": Decimal("1.00"), "description": "Other"}
        changes = change if "item" not in change else {"item": {"items": [kept]}}
        self.sandbox.amend(NETSUITE, "invoice", made.id, changes)

        with pytest.raises(EffectConflict, match=f"{made.id} is not as we asked for"):
            self.create(invoice, key)

    def test_the_ledger_shows_each_change_once(self) -> None:
        """For proofs: what was made, approved and paid, in order."""
        made = self.create(self.an_invoice(), a_key())
        for _ in "12":
            self.billing.post_invoice(made, key=a_key())
        self.pay(made, self.left_of(made), date(2026, 4, 1))

        rows = [
            (row["operation"], row["object"], row["body"]["status"]["id"])
            for row in self.sandbox.ledger(NETSUITE)
            if row["object"] in ("invoice", "customerPayment")
        ]
        assert rows == [
            ("create", "invoice", "pendingApproval"),
            ("update", "invoice", "open"),
            ("create", "customerPayment", "deposited"),
            ("update", "invoice", "paidInFull"),
        ]


class TestTheSandboxIsAsStrict(Invoices):
    """What NetSuite would refuse, its dialect refuses."""

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param({"otherRefNum": "PO 2"}, id="a-field"),
            pytest.param({"approvalStatus": {"id": "1"}}, id="back-to-pending"),
            pytest.param({"total": 5}, id="what-it-works-out"),
        ],
    )
    def test_an_approved_invoice_is_locked(self, change: dict[str, Any]) -> None:
        made = self.create(self.an_invoice(), a_key())
        self.billing.post_invoice(made, key=a_key())
        before = self.body(made)

        with pytest.raises(RuntimeError, match="400"):
            self.sandbox.amend(NETSUITE, "invoice", made.id, change)

        assert before == self.body(made)

    @pytest.mark.parametrize("amount", ["0", "1428.01", "-1.00"])
    def test_no_more_is_paid_than_is_open(self, amount: str) -> None:
        made = self.create(self.an_invoice(), a_key())
        with pytest.raises(RuntimeError, match="not open"):
            self.pay(made, Decimal("1.00"), date(2026, 4, 1))
        self.billing.post_invoice(made, key=a_key())

        with pytest.raises(RuntimeError, match="not open"):
            self.pay(made, Decimal(amount), date(2026, 4, 1))

    def test_a_number_is_not_lost_with_what_was_refused(self) -> None:
        taken = self.create(self.an_invoice(), a_key())
        body = {"entity": {"id": self.billed.project.id}, "item": {"items": [{"item": "5"}]}}
        key = self.body(taken)["externalId"]

        with pytest.raises(RuntimeError, match="already exists"):
            self.sandbox.plant(NETSUITE, "invoice", {**body, "externalId": key})

        assert self.sandbox.plant(NETSUITE, "invoice", body)["body"]["tranId"] == "INV2-00002"


class TestTrouble(Invoices):
    """What goes wrong outside becomes the right error, and is done once in the end."""

    @pytest.mark.parametrize(
        ("fault", "expected", "done"),
        [
            pytest.param({"kind": "rate_limit", "retry_after": 7}, Throttled, 0, id="429-seconds"),
            pytest.param(
                {"kind": "rate_limit", "retry_after": "date"}, Throttled, 0, id="429-date"
            ),
            pytest.param(
                {"kind": "rate_limit", "retry_after": "none"}, Throttled, 0, id="429-bare"
            ),
            pytest.param({"kind": "status", "status": 500}, AnswerLost, 0, id="500"),
            pytest.param({"kind": "status", "status": 503}, AnswerLost, 0, id="503"),
            pytest.param({"kind": "status", "status": 400}, SystemRefused, 0, id="400"),
            pytest.param({"kind": "status_after", "status": 502}, AnswerLost, 1, id="502-after"),
            pytest.param({"kind": "lose_answer"}, AnswerLost, 1, id="answer-lost-after-commit"),
            pytest.param({"kind": "lose_request"}, AnswerLost, 0, id="request-lost"),
            pytest.param({"kind": "html"}, AnswerLost, None, id="html-in-a-200"),
            pytest.param({"kind": "wrong_success"}, AnswerLost, None, id="another-200"),
        ],
    )
    def test_creating(
        self, fault: dict[str, Any], expected: type[SystemTrouble], done: int | None
    ) -> None:
        invoice, key = self.an_invoice(), a_key()
        assert self.billed
        self.sandbox.faults(NETSUITE, {"times": 1, "match": UPSERT, **fault})

        with pytest.raises(expected) as caught:
            self.create(invoice, key)

        assert expected is type(caught.value)
        assert self.sandbox.fired(NETSUITE) == [1]
        assert done in (None, self.held_of(*SALES))
        found = self.billing.find_invoice(key)
        assert (found is not None) == bool(self.held_of(*SALES))
        again = found or self.create(invoice, key)
        assert (again, 1) == (self.billing.find_invoice(key), self.held_of(*SALES))
        assert len(self.lines_of(again)) == 1

    def test_a_late_commit_is_found_by_its_key(self) -> None:
        invoice, key = self.an_invoice(), a_key()
        assert self.billed
        late = {"kind": "late_commit", "delay_s": 1.2, "times": 1, "match": UPSERT}
        self.sandbox.faults(NETSUITE, late)

        with pytest.raises(AnswerLost):
            self.create(invoice, key, total_timeout_s=0.6)
        made = self.create(invoice, key)  # a second writer, before the first one's work lands

        self._until_all_is_done()
        assert (made, 1) == (self.billing.find_invoice(key), self.held_of(*SALES))
        assert len(self.lines_of(made)) == 1

    def _until_all_is_done(self) -> None:
        while sum(one["count"] for one in self._upserts()) < 2:
            pass

    def _upserts(self) -> list[dict[str, Any]]:
        counts = self.sandbox.calls(NETSUITE)["counts"]
        return [one for one in counts if one["operation"] == "record.upsert"]

    @pytest.mark.parametrize(
        ("fault", "expected", "done"),
        [
            pytest.param({"kind": "rate_limit"}, Throttled, False, id="429"),
            pytest.param({"kind": "status", "status": 503}, AnswerLost, False, id="503"),
            pytest.param({"kind": "status_after", "status": 502}, AnswerLost, True, id="502-after"),
            pytest.param({"kind": "lose_answer"}, AnswerLost, True, id="answer-lost"),
            pytest.param({"kind": "html"}, AnswerLost, None, id="html-in-a-200"),
            pytest.param({"kind": "wrong_success"}, AnswerLost, None, id="another-200"),
        ],
    )
    def test_posting(
        self, fault: dict[str, Any], expected: type[SystemTrouble], done: bool | None
    ) -> None:
        made = self.create(self.an_invoice(), a_key())
        self.sandbox.faults(NETSUITE, {"times": 1, "match": UPDATE, **fault})

        with pytest.raises(expected):
            self.billing.post_invoice(made, key=a_key())

        found = self.billing.find_posted(made, key=a_key())
        assert done in (None, found is not None)
        assert made == (found or self.billing.post_invoice(made, key=a_key()))
        assert made == self.billing.find_posted(made, key=a_key())

    @pytest.mark.parametrize("kind", ["rate_limit", "lose_answer", "html", "half_answer"])
    def test_what_is_written_but_not_read_back_is_perhaps_done(self, kind: str) -> None:
        invoice, key = self.an_invoice(), a_key()
        assert self.billed
        # The project is read, then the key is looked for, and what was written is read back.
        fault = {"kind": kind, "skip": 2, "times": 1, "match": {"operation": "record.read"}}
        self.sandbox.faults(NETSUITE, fault)

        with pytest.raises(AnswerLost):
            self.create(invoice, key)

        assert self.billing.find_invoice(key) is not None
        assert self.held_of(*SALES) == 1

    def test_a_credit_that_is_not_applied_yet_is_not_found_and_is_carried_on(self) -> None:
        invoice, key = self.an_invoice(), a_key()
        posted = self.billing.post_invoice(self.create(invoice, a_key()), key=a_key())
        credit = self.a_credit(invoice)
        client, project = self.billed
        self.sandbox.faults(
            NETSUITE, {"kind": "status", "status": 503, "times": 1, "match": UPDATE}
        )

        with pytest.raises(AnswerLost):
            self.billing.create_invoice(
                credit, client=client, project=project, credited=posted, key=key
            )
        assert self.billing.find_invoice(key) is None
        made = self.billing.create_invoice(
            credit, client=client, project=project, credited=posted, key=key
        )

        assert (made, Decimal(0)) == (self.billing.find_invoice(key), self.left_of(posted))
        assert self.held_of(*SALES) == 2

    @pytest.mark.parametrize("kind", ["rate_limit", "html", "lose_answer", "half_answer"])
    def test_a_question_without_answer_did_nothing(self, kind: str) -> None:
        self.sandbox.faults(NETSUITE, {"kind": kind, "match": {"operation": "suiteql"}})

        for ask in (
            lambda: self.billing.changed_since(LONG_AGO),
            lambda: self.billing.of_project(self.billed.project),
        ):
            with pytest.raises(SystemUnavailable):
                ask()

    def test_a_partial_page_is_not_taken_for_the_whole(self) -> None:
        for _ in range(2):
            self.create(self.an_invoice(), a_key())
        match = {"operation": "suiteql"}
        self.sandbox.faults(
            NETSUITE, {"kind": "partial_page", "at": "items", "keep": 1, "match": match}
        )

        with pytest.raises(SystemRefused, match="not what it says"):
            self.billing.changed_since(LONG_AGO)


class TestFixtures:
    """Answers as the vendor's documentation has them, read by the adapter."""

    def invoices(self, *answers: str) -> tuple[NetSuiteInvoicing, list[str]]:
        """What answers in turn, and where the statements that it is asked are noted."""
        waiting, asked = list(answers), list[str]()

        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/suiteql"):
                asked.append(simplejson.loads(request.read())["q"])
            text = (FIXTURES / waiting.pop(0)).read_text("utf-8")
            kind = {"content-type": "application/vnd.oracle.resource+json; type=singular"}
            return httpx.Response(200, text=text, headers=kind)

        settings = a_setting()
        http = Http(NETSUITE, str(settings.base_url), transport=httpx.MockTransport(answer))
        fields = FieldMap.load(CONNECTOR.mapping)
        return NetSuiteInvoicing(NETSUITE, settings, http, fields), asked

    def test_a_payment_tells_its_invoice_though_that_did_not_change(self) -> None:
        adapter, asked = self.invoices(
            "suiteql-changed-payment.json", "suiteql-links-of-payment.json",
            "suiteql-invoices.json", "suiteql-links-of-payment.json", "suiteql-payments.json",
            "suiteql-currencies.json",
        )  # fmt: skip

        page = adapter.changed_since(datetime(2026, 4, 20, 8, 0, 0, 999, tzinfo=UTC))

        told = page.invoices[0]
        paid = (told.payments[0].ref, told.payments[0].paid_on, told.payments[0].amount)
        assert (paid, told.number) == (("5120", date(2026, 4, 20), money("1190.00")), "INV2-00017")
        assert (LedgerInvoiceState.PAID, money("190.00")) == (told.state, told.tax)
        assert page.watermark == datetime(2026, 4, 20, 8, 26, 3, tzinfo=UTC)
        assert "TO_TIMESTAMP('2026-04-20 08:00:00', 'YYYY-MM-DD HH24:MI:SS')" in asked[0]

    def test_an_invoice_of_another_account_setup_is_still_read(self) -> None:
        """Without approval routing there is no status of it, and what is saved is posted."""
        record = "invoice.json"
        adapter, _ = self.invoices(record, record)
        ref = ExternalRef(system=NETSUITE, kind="invoice", id="5017")

        assert ref == adapter.find_posted(ref, key=a_key())
        assert ref == adapter.post_invoice(ref, key=a_key())
