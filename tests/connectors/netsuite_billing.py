"""What the NetSuite sandbox holds of invoices and bookings, behind the adapters' backs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from contract_invoicing import Billed, Held
from netsuite_over_http import GMBH, NETSUITE, OverHttp, connected, parts

from fairlead.connectors.netsuite.adapter import NetSuiteLedger
from fairlead.connectors.netsuite.invoices import NetSuiteInvoicing
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef, Money

SALES = ("invoice", "creditMemo")


class Billing(OverHttp):
    subsidiary = GMBH
    taxes = (
        ("DE-STANDARD", Decimal("0.19")),
        ("DE-REDUCED", Decimal("0.07")),
        ("DE-REVERSE-CHARGE", Decimal(0)),
    )

    def invoices(self, **changes: Any) -> NetSuiteInvoicing:
        return NetSuiteInvoicing(*parts(self.settings, page_size=self.rows_in_a_page, **changes))

    @cached_property
    def billing(self) -> NetSuiteInvoicing:
        """One for a whole test, so that it signs in once."""
        return self.invoices()

    @cached_property
    def projects(self) -> NetSuiteLedger:
        return connected(self.settings)

    def given_project(self, currency: str = "EUR") -> Billed:
        ledger = self.projects
        client = self.a_client_there(ledger)
        project = ledger.create_project(
            self.a_project(budget=Money(amount=Decimal(1000), currency=currency)),
            client=client,
            key=EffectKey(f"project of {client.id}"),
        )
        return Billed(client, project)

    def held_of(self, *kinds: str) -> int:
        return sum(len(self.sandbox.records(NETSUITE, kind)) for kind in kinds)

    def lines_of(self, invoice: ExternalRef) -> list[Held]:
        codes = {
            one["id"]: one["body"]["itemId"]
            for one in self.sandbox.records(NETSUITE, "salesTaxItem")
        }
        return [
            Held(
                line["description"],
                Decimal(line["quantity"]),
                Decimal(line["rate"]),
                Decimal(line["amount"]),
                codes[line["taxCode"]["id"]] if "taxCode" in line else None,
            )
            for line in self.body(invoice)["item"]["items"]
        ]

    def left_of(self, invoice: ExternalRef) -> Decimal:
        return Decimal(self.body(invoice)["amountRemaining"])

    def pay(self, invoice: ExternalRef, amount: Decimal, on: date) -> str:
        line = {"doc": {"id": invoice.id}, "amount": amount}
        body = {"tranDate": on.isoformat(), "apply": {"items": [line]}}
        return str(self.sandbox.plant(NETSUITE, "customerPayment", body)["id"])

    def take_back(self, payment: str) -> None:
        self.sandbox.discard(NETSUITE, "customerPayment", payment)

    def void(self, invoice: ExternalRef) -> None:
        self.sandbox.amend(NETSUITE, invoice.kind, invoice.id, {"voided": True})

    def close_period_of(self, day: date) -> None:
        first = day.replace(day=1).isoformat()
        body = {"periodName": day.isoformat(), "startDate": first, "endDate": day.isoformat()}
        self.sandbox.plant(NETSUITE, "accountingPeriod", {**body, "closed": True})
