"""NetSuite for procurement, against its dialect over real HTTP."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract_procurement import ProcurementContract, a_key, a_requisition
from netsuite_over_http import GMBH, NETSUITE, OverHttp, a_setting, connected, parts

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.netsuite import procurement as adapter
from fairlead.connectors.netsuite.declaration import CONNECTOR
from fairlead.connectors.netsuite.procurement import NetSuiteProcurement
from fairlead.connectors.netsuite.records import external_id
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.procurement import Procurement

FIXTURES = Path(adapter.__file__).with_name("fixtures")
REQUISITION = "purchaseRequisition"
OF_AN_ITEM = {"purchase_account": None, "purchase_item": "1"}
UPSERT = {"operation": "record.upsert"}


class Buying(OverHttp):
    """What the sandbox holds, behind the adapter's back."""

    def buyer(self, **changes: Any) -> NetSuiteProcurement:
        return NetSuiteProcurement(*parts(self.settings, page_size=self.rows_in_a_page, **changes))

    def given_vendor(
        self,
        name: str,
        *,
        approved: bool = True,
        inactive: bool = False,
        tax_id: str | None = None,
        country: str | None = None,
    ) -> ExternalRef:
        line = {"defaultBilling": True, "addressBookAddress": {"country": {"id": country}}}
        body: dict[str, Any] = {
            "companyName": name, "subsidiary": {"id": GMBH}, "vatRegNumber": tax_id,
            "isInactive": inactive, "custentity_fairlead_vendor_approved": approved,
            "addressBook": {"items": [line]} if country else None,
        }  # fmt: skip
        made = self.sandbox.plant(NETSUITE, "vendor", body)
        return ExternalRef(system=NETSUITE, kind="vendor", id=made["id"])

    def given_project(self, subsidiary: str = GMBH) -> ExternalRef:
        ledger = connected(self.settings)
        known = self.a_project()
        dimensions = known.dimensions.model_copy(update={"subsidiary": subsidiary})
        project = known.model_copy(update={"dimensions": dimensions})
        return ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())

    def requisitions(self) -> int:
        return len(self.sandbox.records(NETSUITE, REQUISITION))

    def lines(self, requisition: ExternalRef) -> list[dict[str, Any]]:
        body = self.body(requisition)
        found: list[dict[str, Any]] = []
        for name in ("expense", "item"):
            found += body.get(name, {}).get("items", [])
        return found

    def asked_for(self, requisition: ExternalRef) -> list[tuple[str, str | None, Money]]:
        known = {one["id"]: one["body"] for one in self.sandbox.records(NETSUITE, "currency")}
        currency = known[self.body(requisition)["currency"]["id"]]["symbol"]
        return [
            (
                line["customer"]["id"],
                line["poVendor"]["id"] if "poVendor" in line else None,
                Money(amount=Decimal(line["estimatedAmount"]), currency=currency),
            )
            for line in self.lines(requisition)
        ]


class TestNetSuiteProcurement(Buying, ProcurementContract):
    """The contract, all of it, with requisitions on an account."""

    def procurement(self) -> Procurement:
        return self.buyer()


class TestNetSuiteProcurementOfAnItem(Buying, ProcurementContract):
    """The contract, all of it, with requisitions of a service item."""

    def procurement(self) -> Procurement:
        return self.buyer(**OF_AN_ITEM)


class TestWhatNetSuiteHolds(Buying):
    """How a requisition looks there."""

    def test_it_is_booked_where_its_project_is(self) -> None:
        requisition = a_requisition()

        made = self.buyer().create_requisition(
            requisition, project=self.given_project(), key=a_key()
        )

        body, line = self.body(made), self.lines(made)[0]
        booked = [line[segment]["id"] for segment in ("class", "location", "department")]
        assert [self.practice, self.region, self.cost_centre] == booked
        assert (line["account"], line["memo"]) == ({"id": "5010"}, "Security tester, 37.5 h")
        assert f"{requisition.code} {requisition.description}" == body["memo"]
        assert (date(2026, 4, 1).isoformat(), {"id": GMBH}) == (body["dueDate"], body["subsidiary"])
        assert requisition.cost.amount == Decimal(body["estimatedTotal"])

    def test_a_line_of_an_item_carries_its_hours(self) -> None:
        made = self.buyer(**OF_AN_ITEM).create_requisition(
            a_requisition(), project=self.given_project(), key=a_key()
        )

        line = self.lines(made)[0]
        assert (Decimal("37.5"), {"id": "1"}) == (Decimal(line["quantity"]), line["item"])
        assert line["expectedReceiptDate"] == "2026-04-01"

    @pytest.mark.parametrize(("subsidiary", "requester"), [("1", "9001"), ("2", "9002")])
    def test_each_subsidiary_has_its_requester(self, subsidiary: str, requester: str) -> None:
        made = self.buyer().create_requisition(
            a_requisition(), project=self.given_project(subsidiary), key=a_key()
        )

        assert {"id": requester} == self.body(made)["entity"]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"requesters": {"1": "9001"}}, "No requester is set", id="none-set"),
            pytest.param({"requesters": {"2": "9001"}}, "subsidiary 2", id="of-another-subsidiary"),
            pytest.param({"requesters": {"2": "77"}}, "Invalid Field Value", id="no-employee"),
            pytest.param({"purchase_account": None}, "purchase_account", id="nothing-to-book-on"),
            pytest.param({"purchase_account": "77"}, "Invalid Field Value", id="no-account"),
        ],
    )
    def test_what_is_not_set_up_is_refused(self, changes: dict[str, Any], said: str) -> None:
        project = self.given_project()

        with pytest.raises(SystemRefused, match=said):
            self.buyer(**changes).create_requisition(a_requisition(), project=project, key=a_key())

        assert self.requisitions() == 0

    def test_one_way_to_buy_is_set(self) -> None:
        with pytest.raises(ValueError, match="not both"):
            a_setting(purchase_account="1", purchase_item="1")

    def test_an_inactive_vendor_or_project_is_refused(self) -> None:
        project, vendor = self.given_project(), self.given_vendor("Redoubt AG")
        for kind, id in (("vendor", vendor.id), ("job", project.id)):
            self.sandbox.amend(NETSUITE, kind, id, {"isInactive": True})

            with pytest.raises(SystemRefused, match=f"reference key {id}"):
                self.buyer().create_requisition(
                    a_requisition(vendor=vendor), project=project, key=a_key()
                )

            self.sandbox.amend(NETSUITE, kind, id, {"isInactive": False})

    def test_a_category_may_say_which_vendors_are_approved(self) -> None:
        categories = [
            self.sandbox.plant(NETSUITE, "vendorCategory", {"name": name})["id"]
            for name in ("Approved", "Other")
        ]
        for name, category in zip(("Redoubt A", "Redoubt B"), categories, strict=True):
            ref = self.given_vendor(name, approved=False)
            self.sandbox.amend(NETSUITE, "vendor", ref.id, {"category": {"id": category}})
        self.given_vendor("Redoubt C", approved=True)

        buyer = self.buyer(
            vendor_categories=categories[:1], mapping={"vendor_row": {"approved": None}}
        )

        told = {one.name: one.approved for one in buyer.vendors("Redoubt")}
        assert told == {"Redoubt A": True, "Redoubt B": False, "Redoubt C": False}

    def test_no_vendor_is_approved_where_nothing_says_so(self) -> None:
        self.given_vendor("Redoubt AG", approved=True)

        buyer = self.buyer(mapping={"vendor_row": {"approved": None, "category": None}})

        assert [one.approved for one in buyer.vendors("Redoubt")] == [False]


class TestTrouble(Buying):
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
        buyer, project, key = self.buyer(), self.given_project(), a_key()
        requisition = a_requisition()
        self.sandbox.faults(NETSUITE, {"times": 1, "match": UPSERT, **fault})

        with pytest.raises(expected) as caught:
            buyer.create_requisition(requisition, project=project, key=key)

        assert expected is type(caught.value)
        assert self.sandbox.fired(NETSUITE) == [1]
        assert done in (None, self.requisitions())
        found = buyer.find_requisition(key)
        assert (found is not None) == bool(self.requisitions())
        again = found or buyer.create_requisition(requisition, project=project, key=key)
        assert (again, 1) == (buyer.find_requisition(key), self.requisitions())
        assert [(project.id, None, requisition.cost)] == self.asked_for(again)

    @pytest.mark.parametrize("kind", ["rate_limit", "lose_answer", "html", "half_answer"])
    def test_what_is_written_but_not_read_back_is_perhaps_done(self, kind: str) -> None:
        buyer, project, key = self.buyer(), self.given_project(), a_key()
        fault = {"kind": kind, "skip": 1, "times": 1, "match": {"operation": "record.read"}}
        self.sandbox.faults(NETSUITE, fault)

        with pytest.raises(AnswerLost):
            buyer.create_requisition(a_requisition(), project=project, key=key)

        assert buyer.find_requisition(key) is not None
        assert self.requisitions() == 1

    @pytest.mark.parametrize("kind", ["rate_limit", "html", "lose_answer"])
    def test_a_search_without_answer_did_nothing(self, kind: str) -> None:
        self.sandbox.faults(NETSUITE, {"kind": kind, "match": {"operation": "suiteql"}})

        with pytest.raises(SystemUnavailable):
            self.buyer().vendors("Redoubt")


class TestFixtures:
    """Answers as the vendor's documentation has them, read by the adapter."""

    KEY = EffectKey("th/engagement:1/~requisition.1/create")
    PROJECT = ExternalRef(system=NETSUITE, kind="job", id="812")

    def buyer(self, requisition: str = "requisition.json") -> NetSuiteProcurement:
        def answer(request: httpx.Request) -> httpx.Response:
            path = request.url.path
            if request.method == "PUT":
                where = f"{a_setting().base_url}services/rest/record/v1/{REQUISITION}/4711"
                return httpx.Response(204, headers={"Location": where})
            name = "job.json" if "/job/" in path else requisition
            if path.endswith("/suiteql"):
                asked = request.read().decode()
                name = next(
                    f"suiteql-{table}.json"
                    for table in ("currencies", "addresses", "vendors")
                    if {"currencies": "currency", "addresses": "entityaddress"}.get(table, "vendor")
                    in asked
                )
            text = (FIXTURES / name).read_text("utf-8")
            text = text.replace("EXTERNAL_ID", external_id(self.KEY))
            kind = {"content-type": "application/vnd.oracle.resource+json; type=singular"}
            return httpx.Response(200, text=text, headers=kind)

        settings = a_setting(requesters={"2": "31"}, purchase_account="5010")
        http = Http(NETSUITE, str(settings.base_url), transport=httpx.MockTransport(answer))
        return NetSuiteProcurement(NETSUITE, settings, http, FieldMap.load(CONNECTOR.mapping))

    def create(self, buyer: NetSuiteProcurement, amount: str, currency: str) -> ExternalRef:
        cost = Money(amount=Decimal(amount), currency=currency)
        return buyer.create_requisition(a_requisition(cost), project=self.PROJECT, key=self.KEY)

    def test_what_was_written_is_read_back(self) -> None:
        made = self.create(self.buyer(), "4200", "EUR")

        assert ExternalRef(system=NETSUITE, kind=REQUISITION, id="4711") == made
        assert made == self.buyer().find_requisition(self.KEY)

    @pytest.mark.parametrize(("amount", "currency"), [("4200.01", "EUR"), ("4200", "GBP")])
    def test_another_amount_or_currency_than_asked_for_is_told(
        self, amount: str, currency: str
    ) -> None:
        with pytest.raises(EffectConflict, match="4711"):
            self.create(self.buyer(), amount, currency)

    def test_a_requisition_under_another_number_is_not_taken_for_ours(self) -> None:
        with pytest.raises(AnswerLost, match="4711"):
            self.create(self.buyer("requisition-another.json"), "4200", "EUR")

    def test_vendors_are_read(self) -> None:
        found = self.buyer().vendors("Redoubt")

        told = [(one.ref.id, one.name, one.country, one.approved) for one in found]
        assert told == [
            ("301", "Redoubt Security GmbH", "DE", True),
            ("302", "Ines Redoubt", None, False),
        ]
