"""From approved time to the paid invoice, with a ledger as firms have it: each cent is the same."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from contract_invoicing import Billed
from netsuite_billing import Billing as NetSuite
from tryton_billing import Billing as Tryton

from fairlead.capabilities.billing.payments import HearsLedger
from fairlead.capabilities.reconciliation.comparing import compare_now
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.values import ExternalRef
from fairlead.ports.invoicing import Invoicing
from fairlead.store import engagements
from fairlead.store.database import Database

sys.path.append(str(Path(__file__).parents[1] / "capabilities"))

from billing_office import LEDGER, Billing  # stands beside the tests of capabilities

GERMAN = TaxTreatment(
    kind=TaxKind.STANDARD, code="DE-STANDARD", rate=Decimal("0.19"), country="DE", basis="UStG"
)


class Story(ABC):
    """One engagement, billed, credited, billed again and paid."""

    subsidiary: str

    @abstractmethod
    def invoicing(self) -> Invoicing: ...

    @abstractmethod
    def given_project(self, currency: str = "EUR") -> Billed: ...

    @abstractmethod
    def pay(self, invoice: ExternalRef, amount: Decimal, on: date) -> str: ...

    def billed(self, db: Database) -> Billing:
        """An engagement whose project and client are in the ledger."""
        there = self.given_project()
        billing = Billing(
            db,
            refs={"client": there.client, "ledger_project": there.project},
            subsidiary=self.subsidiary,
            tax=GERMAN,
        )
        billing.office.put_invoicing(LEDGER, self.invoicing())
        with db.transaction() as tx:
            (engagement,) = engagements.load(tx, [EngagementId("E1")], lock=True).values()
            known = engagement.model_copy(update={"refs": {"ledger_project": there.project}})
            engagements.save(tx, [known])
        return billing

    def posted(self, billing: Billing, minutes: int) -> tuple[str, ExternalRef]:
        id = billing.propose(minutes=minutes)
        billing.release(id)
        billing.office.settle()
        row = billing.row(id)
        assert row["state"] == "posted", billing.office.open_exceptions()
        return id, ExternalRef.model_validate(row["ref"])

    def test_an_invoice_and_its_credit_are_carried_paid_and_read_back(self, db: Database) -> None:
        erp: Invoicing = self.invoicing()
        billing = self.billed(db)
        id, _ = self.posted(billing, 50)
        row = billing.row(id)
        assert row["number"]
        assert (row["net"], row["tax"], row["total"]) == (
            Decimal(125), Decimal("23.75"), Decimal("148.75"),
        )  # fmt: skip

        back = billing.credit(id)
        billing.release(back)
        billing.office.settle()
        assert billing.row(back)["total"] == Decimal("-148.75"), billing.office.open_exceptions()

        again = billing.propose(minutes=10)
        billing.release(again)
        billing.office.settle()
        made = erp.invoice(ExternalRef.model_validate(billing.row(again)["ref"]))
        assert made is not None
        self.pay(made.ref, made.total.amount, date(2026, 12, 1))
        HearsLedger(db).poll(LEDGER, erp, datetime(2026, 1, 1, tzinfo=UTC))
        assert billing.row(again)["net"] == Decimal(150)  # 50 minutes anew, and 10
        assert billing.row(again)["state"] == "paid"


class TestNetSuite(NetSuite, Story):
    def invoicing(self) -> Invoicing:
        return self.billing


@pytest.mark.slow
class TestTryton(Tryton, Story):
    def credit_by_hand(self, invoice: ExternalRef) -> str:
        person, id = self.desk.person, int(invoice.id)
        person.guided(
            "account.invoice.credit", ("credit", {}),
            active_model="account.invoice", active_id=id, active_ids=[id],
            company=int(self.subsidiary),
        )  # fmt: skip
        made = person.one("account.invoice", ["id", ">", id], ["total_amount", "<", 0])
        return str(made)

    def reconcile(self, billing: Billing) -> set[tuple[str, str, Decimal | None, Decimal | None]]:
        """What differs: kind, id in the ledger, amount here, amount there."""
        with billing.db.transaction() as tx:
            compare_now(tx, EngagementId("E1"))
        billing.office.settle()
        found = billing.office.rows("discrepancies")
        return {(one["kind"], *one["refs"], one["ours"], one["theirs"]) for one in found}

    def test_a_payment_of_a_part_an_amount_and_a_credit_made_by_hand_are_seen(
        self, db: Database
    ) -> None:
        billing = self.billed(db)
        first, first_there = self.posted(billing, 50)
        second, second_there = self.posted(billing, 10)
        assert self.reconcile(billing) == set()

        self.pay(first_there, Decimal("40.25"), date(2026, 12, 1))
        self.desk.rewrite_invoice(int(second_there.id), Decimal("24.99"))
        HearsLedger(db).poll(LEDGER, self.invoicing(), datetime(2026, 1, 1, tzinfo=UTC))

        row = billing.row(first)
        assert (row["state"], row["paid"]) == ("posted", Decimal("40.25"))
        (asked,) = billing.office.open_exceptions(f"invoice:{second}")
        assert (asked["difference"]["ours"], asked["difference"]["theirs"]) == (
            "EUR 25.00", "EUR 24.99",
        )  # fmt: skip
        changed = ("amount", second_there.id, Decimal(25), Decimal("24.99"))
        assert self.reconcile(billing) == {changed}

        credit = self.credit_by_hand(first_there)

        whole = Decimal(-125)
        assert self.reconcile(billing) == {changed, ("unknown", credit, None, whole)}
