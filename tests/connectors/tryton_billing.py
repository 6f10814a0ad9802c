"""Clients, projects, invoices and payments in a real Tryton."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from contract_invoicing import Billed, Held
from contract_ledger import HOME, a_client, a_key, money
from tryton_office import GMBH, Desk
from tryton_over_http import AtTryton, parts

from fairlead.connectors.tryton.invoices import TrytonInvoicing
from fairlead.domain.values import ExternalRef
from fairlead.sandbox.tryton.office import register_payment


class Billing(AtTryton):
    """What Tryton holds, behind the adapter's back."""

    subsidiary = GMBH
    taxes = (
        ("DE-STANDARD", Decimal("0.19")),
        ("DE-REDUCED", Decimal("0.07")),
        ("DE-REVERSE-CHARGE", Decimal(0)),
    )

    @pytest.fixture(autouse=True)
    def _periods_open(self, tryton: Desk) -> Iterator[None]:
        yield
        for period in tryton.person.find("account.period", ["state", "!=", "open"]):
            tryton.person.do("account.period", "reopen", [period["id"]])

    def invoicing(self, **changes: Any) -> TrytonInvoicing:
        known: dict[str, Any] = {"page_size": self.rows_in_a_page, **changes}
        return TrytonInvoicing(*parts(self.desk, **known))

    def given_project(self, currency: str = "EUR") -> Billed:
        ledger = self.ledger()
        client = ledger.create_client(
            a_client(address=HOME), subsidiary=self.subsidiary, key=a_key()
        )
        project = self.a_project(budget=money("1000", currency))
        return Billed(client, ledger.create_project(project, client=client, key=a_key()))

    def issued(self) -> int:
        return self.desk.count("account_invoice")

    def lines_of(self, invoice: ExternalRef) -> list[Held]:
        wanted = ("description", "quantity", "unit_price", "amount", "taxes.name", "sequence")
        told = self.desk.record(
            "account.invoice", invoice.id, "total_amount", *(f"lines.{one}" for one in wanted)
        )
        sign = -1 if told["total_amount"] < 0 else 1
        return [
            Held(
                line["description"],
                sign * Decimal(str(line["quantity"])),
                line["unit_price"],
                sign * line["amount"],
                next((tax["name"] for tax in line["taxes."]), None),
            )
            for line in sorted(told["lines."], key=lambda line: line["sequence"])
        ]

    def left_of(self, invoice: ExternalRef) -> Decimal:
        told = self.desk.record("account.invoice", invoice.id, "amount_to_pay")
        return Decimal(told["amount_to_pay"])

    def pay(self, invoice: ExternalRef, amount: Decimal, on: date) -> str:
        before = self._moves()
        register_payment(self.desk.person, int(invoice.id), amount, on)
        (made,) = self._moves() - before
        return str(made)

    def take_back(self, payment: str) -> None:
        person, move = self.desk.person, int(payment)
        settled = person.find(
            "account.move.line", ["move", "=", move], ["reconciliation", "!=", None],
            fields=["reconciliation"],
        )  # fmt: skip
        if settled:
            person.do(
                "account.move.reconciliation", "delete", [one["reconciliation"] for one in settled]
            )
        person.guided(
            "account.move.cancel", ("default", {}), ("cancel", {}),
            active_model="account.move", active_id=move, active_ids=[move],
        )  # fmt: skip

    def void(self, invoice: ExternalRef) -> None:
        person = self.desk.person
        person.write("company.company", int(self.subsidiary), cancel_invoice_out=True)
        person.do("account.invoice", "cancel", [int(invoice.id)])

    def close_period_of(self, day: date) -> None:
        period = self.desk.person.one(
            "account.period", ["company", "=", int(self.subsidiary)],
            ["start_date", "<=", day], ["end_date", ">=", day],
        )  # fmt: skip
        self.desk.person.do("account.period", "close", [period])

    def _moves(self) -> set[int]:
        return {one["id"] for one in self.desk.person.find("account.move")}
