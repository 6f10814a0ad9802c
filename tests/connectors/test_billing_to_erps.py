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
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.values import ExternalRef
from fairlead.ports.invoicing import Invoicing
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

    def test_an_invoice_and_its_credit_are_carried_paid_and_read_back(self, db: Database) -> None:
        erp: Invoicing = self.invoicing()
        there = self.given_project()
        billing = Billing(
            db,
            refs={"client": there.client, "ledger_project": there.project},
            subsidiary=self.subsidiary,
            tax=GERMAN,
        )
        billing.office.put_invoicing(LEDGER, erp)

        id = billing.propose(minutes=50)
        billing.release(id)
        billing.office.settle()
        row = billing.row(id)
        assert row["state"] == "posted", billing.office.open_exceptions()
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
    pass
