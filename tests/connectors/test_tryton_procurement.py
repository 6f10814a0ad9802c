"""Tryton for procurement: the contract, against a real Tryton 8.2."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from contract_ledger import a_client
from contract_procurement import ProcurementContract, a_key, a_requisition
from tryton_office import GMBH, LTD
from tryton_over_http import TRYTON, AtTryton, parts

from fairlead.connectors.tryton.procurement import TrytonProcurement
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import EffectConflict, SystemRefused

pytestmark = [pytest.mark.slow, pytest.mark.takes(1)]

_APPROVED = "Approved supplier"


class Buying(AtTryton):
    """What Tryton holds, behind the adapter's back."""

    def procurement(self, **changes: Any) -> TrytonProcurement:
        return TrytonProcurement(*parts(self.desk, page_size=self.rows_in_a_page, **changes))

    def given_vendor(
        self,
        name: str,
        *,
        approved: bool = True,
        inactive: bool = False,
        tax_id: str | None = None,
        country: str | None = None,
    ) -> ExternalRef:
        person = self.desk.person
        category = person.one("party.category", ["name", "=", _APPROVED])
        place = person.one("country.country", ["code", "=", country]) if country else None
        made = person.create(
            "party.party", name=name,
            identifiers=[["create", [{"code": tax_id}]]] if tax_id else [],
            categories=[["add", [category]]] if approved else [],
            addresses=[["create", [{"country": place}]]],
        )  # fmt: skip
        if inactive:
            person.write("party.party", made, active=False)
        return ExternalRef(system=TRYTON, kind="party.party", id=str(made))

    def given_project(self, company: str | None = None) -> ExternalRef:
        ledger, project = self.ledger(), self.a_project()
        if company:
            dimensions = project.dimensions.model_copy(update={"subsidiary": company})
            project = project.model_copy(update={"dimensions": dimensions})
        client = ledger.create_client(a_client(), subsidiary=self.subsidiary, key=a_key())
        return ledger.create_project(project, client=client, key=a_key())

    def requisitions(self) -> int:
        return self.desk.count("purchase_requisition")

    def requisition(self, ref: ExternalRef) -> dict[str, Any]:
        fields = ("state", "company", "employee", "description", "currency.code", "supply_date")
        lines = ("lines.supplier", "lines.description", "lines.amount")
        return self.desk.record("purchase.requisition", ref.id, *fields, *lines)

    def asked_for(self, requisition: ExternalRef) -> list[tuple[str, str | None, Money]]:
        told = self.requisition(requisition)
        project = told["description"].rpartition("[project.work,")[2].partition(" ")[0]
        return [
            (
                project,
                str(line["supplier"]) if line["supplier"] else None,
                Money(amount=line["amount"], currency=told["currency."]["code"]),
            )
            for line in told["lines."]
        ]


class TestTrytonProcurement(Buying, ProcurementContract):
    """The contract, all of it."""


class TestWhatTrytonHolds(Buying):
    """How a requisition looks there."""

    def test_it_waits_for_approval_in_the_name_of_its_companys_requester(self) -> None:
        asked, project = a_requisition(), self.given_project(LTD)

        made = self.procurement().create_requisition(asked, project=project, key=a_key())

        told = self.requisition(made)
        assert (told["state"], told["company"], told["employee"]) == (
            "waiting",
            int(LTD),
            self.desk.buyer(LTD),
        )
        assert told["supply_date"] == asked.needed_on
        assert told["description"].startswith(f"{asked.code} {asked.description} [")
        assert told["lines."][0]["description"] == "Security tester, 37.5 h"

    def test_one_that_nobody_was_asked_to_approve_is_not_found_and_is_carried_on(self) -> None:
        buyer, asked, key = self.procurement(), a_requisition(), a_key()
        project = self.given_project()
        made = buyer.create_requisition(asked, project=project, key=key)
        self.desk.person.do("purchase.requisition", "draft", [int(made.id)])

        assert buyer.find_requisition(key) is None
        assert made == buyer.create_requisition(asked, project=project, key=key)
        assert made == buyer.find_requisition(key)
        assert self.requisitions() == 1

    def test_another_amount_under_our_key_is_told(self) -> None:
        buyer, asked, key = self.procurement(), a_requisition(), a_key()
        project = self.given_project()
        buyer.create_requisition(asked, project=project, key=key)
        other = asked.model_copy(update={"cost": Money(amount=Decimal("4200.01"), currency="EUR")})

        with pytest.raises(EffectConflict, match=r"is not of EUR 4,200\.01"):
            buyer.create_requisition(other, project=project, key=key)

    def test_a_company_without_a_requester_is_refused(self) -> None:
        project = self.given_project()

        with pytest.raises(SystemRefused, match=f"No requester is set for its company {GMBH}"):
            self.procurement(requesters={LTD: "3"}).create_requisition(
                a_requisition(), project=project, key=a_key()
            )

        assert self.requisitions() == 0

    def test_no_vendor_is_approved_where_no_category_says_so(self) -> None:
        self.given_vendor("Redoubt AG")

        buyer = self.procurement(mapping={"vendor_categories": {"approved": None}})

        assert [one.approved for one in buyer.vendors("Redoubt")] == [False]
