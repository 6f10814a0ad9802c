"""NetSuite as a ledger, against its dialect over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import simplejson
from contract_ledger import HOME, REVERSE_CHARGE, LedgerContract, a_client, a_key, money
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from netsuite_over_http import GMBH, NETSUITE, OverHttp, a_setting, connected

from fairlead.connectors.kit.http import Http, trusted
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.netsuite import adapter
from fairlead.connectors.netsuite.adapter import NetSuiteLedger
from fairlead.connectors.netsuite.declaration import CONNECTOR
from fairlead.connectors.netsuite.records import cut, external_id
from fairlead.connectors.netsuite.settings import NetSuiteSettings
from fairlead.connectors.netsuite.sign_in import SIGN_IN_PATH, sign_in
from fairlead.connectors.netsuite.suiteql import columns, folded, quoted, select
from fairlead.domain.company_names import fold
from fairlead.domain.model.client import Address, ClientChanges
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    InvalidDefinition,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.bookkeeping import Bookkeeping
from fairlead.ports.invoicing import Invoicing
from fairlead.ports.ledger import Ledger
from fairlead.ports.procurement import Procurement
from fairlead.sandbox.netsuite_suiteql import BadQuery, parse

FIXTURES = Path(adapter.__file__).with_name("fixtures")


class TestNetSuiteLedger(OverHttp, LedgerContract):
    """The contract, all of it."""


class TestWhatNetSuiteHolds(OverHttp):
    """How our things look there."""

    def test_dimensions_land_in_the_mapped_segments(self) -> None:
        ledger = connected(self.settings)
        project = self.a_project()

        made = ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())

        body = self.body(made)
        found = {
            field: body[f"custentity_fairlead_{field}"]["id"] for field in ("practice", "region")
        }
        assert found == {"practice": "3", "region": "4"}
        assert body["custentity_fairlead_cost_centre"] == {"id": "5"}
        assert ({"id": GMBH}, project.code) == (body["subsidiary"], body["entityId"])

    def test_a_firm_may_book_a_dimension_on_another_field(self) -> None:
        moved = {"project": {"dimensions.practice": "custentity_fairlead_region.id"}}
        ledger = connected(self.settings, mapping=moved)

        project = self.a_project(
            dimensions=self.a_project().dimensions.model_copy(update={"practice": "4"})
        )
        made = ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())

        assert "custentity_fairlead_practice" not in self.body(made)

    def test_each_work_package_is_a_task_of_the_project(self) -> None:
        ledger = connected(self.settings)

        made = ledger.create_project(
            self.a_project(), client=self.a_client_there(ledger), key=a_key()
        )

        tasks = [one["body"] for one in self.sandbox.records(NETSUITE, "projectTask")]
        told = [(task["title"], task["project"]["id"], task["nonBillableTask"]) for task in tasks]
        titles = ["10 Design", "20 Build – Köln 100%", "30 Travel"]
        assert list(zip(titles, [made.id] * 3, [False, False, True], strict=True)) == told
        assert [Decimal("80.5")] * 3 == [Decimal(task["estimatedWork"]) for task in tasks]

    def test_a_schedule_in_another_currency_than_its_project_is_refused(self) -> None:
        ledger = connected(self.settings)
        project = self.a_project_there(ledger, currency="EUR")

        with pytest.raises(SystemRefused, match="is not in GBP"):
            ledger.create_schedule(self.a_schedule(money("5", "GBP")), project=project, key=a_key())

        assert self.held("schedule") == 0

    def test_payment_days_that_the_account_has_no_terms_for_are_refused(self) -> None:
        ledger = connected(self.settings)
        project = self.a_project_there(ledger)
        schedule = self.a_schedule(money("5")).model_copy(update={"payment_days": 41})

        with pytest.raises(SystemRefused, match="41 days"):
            ledger.create_schedule(schedule, project=project, key=a_key())

    def test_a_name_changed_by_a_person_is_the_name(self) -> None:
        ledger = connected(self.settings)
        made = ledger.create_client(a_client("Halden " * 40), subsidiary=GMBH, key=a_key())
        self.sandbox.amend(NETSUITE, "customer", made.id, {"companyName": "Halden 2 GmbH"})

        assert [one.name for one in ledger.candidates(a_client("Halden"))] == ["Halden 2 GmbH"]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param({"subsidiary": "77"}, "Invalid Field Value", id="unknown-subsidiary"),
            pytest.param({"client": "77"}, "Invalid Field Value", id="unknown-client"),
            pytest.param({"inactive": True}, "is inactive", id="inactive-client"),
        ],
    )
    def test_a_refusal_carries_their_words(self, change: dict[str, Any], said: str) -> None:
        ledger = connected(self.settings)
        client = self.a_client_there(ledger)
        self.sandbox.amend(
            NETSUITE, "customer", client.id, {"isInactive": change.get("inactive", False)}
        )
        client = client.model_copy(update={"id": change.get("client", client.id)})
        known = self.a_project()
        subsidiary = change.get("subsidiary", GMBH)
        dimensions = known.dimensions.model_copy(update={"subsidiary": subsidiary})
        project = known.model_copy(update={"dimensions": dimensions})

        with pytest.raises(SystemRefused, match=said):
            ledger.create_project(project, client=client, key=a_key())

    def test_everything_that_sets_a_project_up_lands_in_its_field(self) -> None:
        ledger = connected(self.settings)
        project = self.a_project(
            billing_method="time_and_materials", revenue_method="over_time_by_cost",
            cap=money("150000.50"), tax=REVERSE_CHARGE, time_policy="weekly", expense_policy="eu",
        )  # fmt: skip

        body = self.body(
            ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())
        )

        prefix = "custentity_fairlead_"
        expected = {
            "billing_method": "time_and_materials", "revenue_method": "over_time_by_cost",
            "tax_kind": "reverse_charge", "tax_code": "RC-EU", "tax_country": "DE",
            "client_tax_id": "FR40303265045", "tax_basis": "Directive 2006/112/EC, art. 196",
            "time_policy": "weekly", "expense_policy": "eu",
        }  # fmt: skip
        assert expected == {field: body[prefix + field] for field in expected}
        numbers = [Decimal(body[f"{prefix}{field}"]) for field in ("cap", "tax_rate")]
        assert ([Decimal("150000.50"), Decimal("0.19")], {"id": "TM"}) == (
            numbers,
            body["jobBillingType"],
        )

    def test_a_firm_may_drop_fields_and_say_billing_types_in_other_ids(self) -> None:
        dropped = dict.fromkeys(("tax.kind", "tax.code", "tax.rate", "revenue_method", "cap"))
        other_ids = {"path": "jobBillingType.id", "values": {"FBM": "MILESTONES"}}
        mapping = {"project": {**dropped, "billing_type": other_ids}}
        ledger = connected(
            self.settings, mapping=mapping, billing_types={"milestone": "MILESTONES"}
        )
        project = self.a_project(billing_method="milestone", tax=REVERSE_CHARGE, cap=money("1"))

        body = self.body(
            ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())
        )

        gone = ("tax_kind", "tax_code", "tax_rate", "revenue_method", "cap")
        assert {f"custentity_fairlead_{field}" for field in gone}.isdisjoint(body)
        assert (body["jobBillingType"], body["custentity_fairlead_tax_country"]) == (
            {"id": "FBM"},
            "DE",
        )

    def test_a_project_that_gets_dated_amounts_is_billed_by_them(self) -> None:
        ledger, key = connected(self.settings), a_key()
        project = ledger.create_project(
            self.a_project(billing_method="time_and_materials"),
            client=self.a_client_there(ledger),
            key=a_key(),
        )

        made = ledger.create_schedule(self.a_schedule(money("5")), project=project, key=key)

        assert (made, {"id": "FBM"}) == (
            ledger.find_schedule(key),
            self.body(project)["jobBillingType"],
        )

    @pytest.mark.parametrize(
        ("heads", "linked"),
        [
            pytest.param([("Nordstern AG", False)], True, id="one"),
            pytest.param([], False, id="none"),
            pytest.param([("Nordstern AG", True)], False, id="an-inactive-one"),
            pytest.param([("Nordstern AG", False)] * 2, False, id="two-of-that-name"),
            pytest.param([("Nordstern Hafen AG", False)], False, id="another-of-the-group"),
        ],
    )
    def test_a_client_is_put_under_the_one_customer_that_heads_its_group(
        self, heads: list[tuple[str, bool]], linked: bool
    ) -> None:
        ledger, key = connected(self.settings), a_key()
        for name, inactive in heads:
            self.given_client(name, inactive=inactive)
        client = a_client("Nordstern Reederei GmbH", parent="Nordstern AG")

        made, again = (ledger.create_client(client, subsidiary=GMBH, key=key) for _ in "12")

        assert made == again
        body, told = self.body(made), ledger.client(made)
        assert ("parent" in body, body["custentity_fairlead_group"]) == (linked, "Nordstern AG")
        assert told is not None
        assert told.parent == "Nordstern AG"

    def test_a_firm_may_leave_hierarchies_of_customers_alone(self) -> None:
        self.given_client("Nordstern AG")
        ledger = connected(self.settings, mapping={"client": {"parent": None}})

        made = ledger.create_client(a_client(parent="Nordstern AG"), subsidiary=GMBH, key=a_key())

        assert "parent" not in self.body(made)

    def test_a_new_address_takes_the_place_of_the_old_one_and_of_no_other(self) -> None:
        ledger = connected(self.settings)
        made = ledger.create_client(a_client(address=HOME), subsidiary=GMBH, key=a_key())
        lines = self.body(made)["addressBook"]["items"]
        old = {**lines[0]["addressBookAddress"], "addr2": "3rd floor", "addr3": "Door B"}
        shipping = {
            "label": "Dock", "defaultShipping": True, "addressBookAddress": {"city": "Kiel"}
        }  # fmt: skip
        billing = {**lines[0], "label": "Head office", "addressBookAddress": old}
        self.sandbox.amend(
            NETSUITE, "customer", made.id, {"addressBook": {"items": [shipping, billing]}}
        )

        changes = ClientChanges(address=Address(street="Kai 2", city="Ulm", country="DE"))
        for _ in "12":
            ledger.update_client(made, changes, key=a_key())

        now = self.body(made)["addressBook"]["items"]
        assert [line["label"] for line in now] == ["Dock", "Head office"]
        assert [line["addressBookAddress"] for line in now] == [
            {"city": "Kiel"},
            {"addr1": "Kai 2", "city": "Ulm", "country": {"id": "DE"}},
        ]


class TestHalfMade(OverHttp):
    """An operation of several writes is there when all of them are."""

    @pytest.mark.parametrize("written", range(4), ids=lambda done: f"after-{done}-of-4-records")
    def test_a_project_half_made_is_not_found_and_is_carried_on(self, written: int) -> None:
        ledger, key = connected(self.settings), a_key()
        client, project = self.a_client_there(ledger), self.a_project()
        fault = {"kind": "status", "status": 500, "skip": written, "times": 1}
        self.sandbox.faults(NETSUITE, {**fault, "match": {"operation": "record.upsert"}})

        with pytest.raises(AnswerLost):
            ledger.create_project(project, client=client, key=key)
        assert ledger.find_project(key) is None
        made = ledger.create_project(project, client=client, key=key)

        assert made == ledger.find_project(key)
        assert (self.held("project"), self.held("work_package")) == (1, 3)

    def test_a_project_without_its_mark_is_not_found(self) -> None:
        ledger, key = connected(self.settings), a_key()
        client, project = self.a_client_there(ledger), self.a_project()
        match = {"operation": "record.update"}
        self.sandbox.faults(NETSUITE, {"kind": "status", "status": 503, "times": 1, "match": match})

        with pytest.raises(AnswerLost):
            ledger.create_project(project, client=client, key=key)

        assert ledger.find_project(key) is None

    def test_a_schedule_that_its_project_does_not_use_yet_is_not_found(self) -> None:
        ledger, key = connected(self.settings), a_key()
        project, schedule = self.a_project_there(ledger), self.a_schedule(money("7"))
        match = {"operation": "record.update"}
        self.sandbox.faults(NETSUITE, {"kind": "status", "status": 503, "times": 1, "match": match})

        with pytest.raises(AnswerLost):
            ledger.create_schedule(schedule, project=project, key=key)
        assert ledger.find_schedule(key) is None
        made = ledger.create_schedule(schedule, project=project, key=key)

        assert made == ledger.find_schedule(key)
        assert self.held("schedule") == 1


class TestUpsert(OverHttp):
    def test_workers_with_one_key_leave_one_record(self) -> None:
        """What level L2 claims, though the engine never lets two write at once."""
        ledger, key = connected(self.settings), a_key()

        def create(_: int) -> ExternalRef:
            return ledger.create_client(a_client(), subsidiary=GMBH, key=key)

        with ThreadPoolExecutor(4) as workers:
            made = set(map(str, workers.map(create, range(12))))

        assert (len(made), self.held("client")) == (1, 1)


UPSERT = {"operation": "record.upsert"}


class TestTrouble(OverHttp):
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
            pytest.param({"kind": "status", "status": 403}, SystemRefused, 0, id="403"),
            pytest.param({"kind": "status_after", "status": 502}, AnswerLost, 1, id="502-after"),
            pytest.param({"kind": "lose_answer"}, AnswerLost, 1, id="answer-lost-after-commit"),
            pytest.param({"kind": "lose_request"}, AnswerLost, 0, id="request-lost"),
            pytest.param({"kind": "html"}, AnswerLost, None, id="html-in-a-200"),
            pytest.param({"kind": "wrong_success"}, AnswerLost, None, id="another-200"),
        ],
    )
    def test_writing(
        self, fault: dict[str, Any], expected: type[SystemTrouble], done: int | None
    ) -> None:
        ledger, key = connected(self.settings), a_key()
        self.sandbox.faults(NETSUITE, {"times": 1, "match": UPSERT, **fault})

        with pytest.raises(expected) as caught:
            ledger.create_client(a_client(), subsidiary=GMBH, key=key)

        assert expected is type(caught.value)
        assert self.sandbox.fired(NETSUITE) == [1]
        assert done in (None, self.held("client"))
        found = ledger.find_client(key)
        assert (found is not None) == bool(self.held("client"))
        again = found or ledger.create_client(a_client(), subsidiary=GMBH, key=key)
        assert (again, 1) == (ledger.find_client(key), self.held("client"))

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param({"kind": "rate_limit", "retry_after": 7}, id="429"),
            pytest.param({"kind": "status", "status": 502}, id="502"),
            pytest.param({"kind": "html"}, id="html-in-a-200"),
            pytest.param({"kind": "half_answer"}, id="cut-answer"),
            pytest.param({"kind": "lose_answer"}, id="answer-lost"),
        ],
    )
    def test_a_read_without_answer_did_nothing(self, fault: dict[str, Any]) -> None:
        ledger = connected(self.settings)
        self.given_client("Halden Ltd")
        self.sandbox.faults(NETSUITE, {**fault, "match": {"operation": "suiteql"}})

        with pytest.raises(SystemUnavailable):
            ledger.candidates(a_client("Halden"))

    def test_how_long_to_stay_away_is_told(self) -> None:
        ledger = connected(self.settings)
        self.sandbox.faults(
            NETSUITE, {"kind": "rate_limit", "retry_after": 7, "match": {"operation": "record.*"}}
        )

        with pytest.raises(SystemUnavailable) as caught:
            ledger.ping()

        assert timedelta(seconds=7) == caught.value.retry_after

    def test_a_partial_page_is_not_taken_for_the_whole(self) -> None:
        ledger = connected(self.settings)
        for nr in range(4):
            self.given_client(f"Halden {nr}")
        self.sandbox.faults(
            NETSUITE,
            {"kind": "partial_page", "at": "items", "keep": 2, "match": {"operation": "suiteql"}},
        )

        with pytest.raises(SystemRefused, match="not what it says"):
            ledger.candidates(a_client("Halden"))

    @pytest.mark.parametrize("field", ["items", "hasMore", "totalResults"])
    def test_a_page_of_another_shape_names_what_is_missing(self, field: str) -> None:
        ledger = connected(self.settings)
        drift = {"kind": "drift", "how": "rename", "at": field, "to": "else"}
        self.sandbox.faults(NETSUITE, {**drift, "match": {"operation": "suiteql"}})

        with pytest.raises(SystemRefused, match=field):
            ledger.candidates(a_client("Halden"))

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [("lose_answer", AnswerLost), ("html", AnswerLost), ("rate_limit", Throttled)],
    )
    def test_changing(self, kind: str, expected: type[SystemTrouble]) -> None:
        """An update is found by what the record shows, and may be sent again."""
        ledger, key = connected(self.settings), a_key()
        client = self.a_client_there(ledger)
        changes = ClientChanges(address=HOME)
        match = {"operation": "record.update"}
        self.sandbox.faults(NETSUITE, {"kind": kind, "times": 1, "match": match})

        with pytest.raises(expected):
            ledger.update_client(client, changes, key=key)

        if not ledger.find_client_updated(client, changes, key=key):
            ledger.update_client(client, changes, key=key)
        assert client == ledger.find_client_updated(client, changes, key=key)
        assert len(self.body(client)["addressBook"]["items"]) == 1

    def test_a_token_that_ended_is_renewed_once(self) -> None:
        ledger = connected(self.settings)
        ledger.ping()
        self.sandbox.faults(NETSUITE, {"kind": "expire_tokens"})

        ledger.ping()

        counts = self.sandbox.calls(NETSUITE)["counts"]
        assert [one["count"] for one in counts if one["operation"] == "token"] == [2]

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"certificate_id": "revoked"}, id="unknown-certificate"),
            pytest.param({"client_id": "another"}, id="another-client"),
            pytest.param({"private_key": "new-rsa"}, id="another-key"),
            pytest.param({"private_key": "new-ec", "algorithm": "ES256"}, id="another-kind-of-key"),
        ],
    )
    def test_a_refused_sign_in_did_nothing(self, changes: dict[str, str]) -> None:
        ledger = connected(self.settings, **_with_key(changes))

        with pytest.raises(SystemUnavailable, match="sign-in"):
            ledger.create_client(a_client(), subsidiary=GMBH, key=a_key())

        assert self.held("client") == 0

    @pytest.mark.parametrize("kind", ["lose_answer", "html"])
    def test_a_lost_answer_to_the_sign_in_is_not_a_lost_write(self, kind: str) -> None:
        ledger = connected(self.settings)
        self.sandbox.faults(NETSUITE, {"kind": kind, "match": {"operation": "token"}})

        with pytest.raises(SystemUnavailable, match="sign-in"):
            ledger.create_client(a_client(), subsidiary=GMBH, key=a_key())


class TestTheSandboxIsAsStrict(OverHttp):
    """What NetSuite would refuse, its dialect refuses in its form."""

    def call(self, method: str, path: str, **call: Any) -> httpx.Response:
        settings = NetSuiteSettings.model_validate(self.settings)
        base = str(settings.base_url)
        token = sign_in(NETSUITE, settings, Http(NETSUITE, base)).get()
        headers = {"authorization": f"Bearer {token}", **call.pop("headers", {})}
        return httpx.request(
            method,
            f"{base}/services/rest{path}",
            headers=headers,
            trust_env=False,
            verify=trusted(),
            **call,
        )

    @pytest.mark.parametrize(
        ("body", "code", "path"),
        [
            pytest.param({"nickname": "H"}, "INVALID_CONTENT", "nickname", id="unknown-field"),
            pytest.param(
                {"subsidiary": {"id": "99"}}, "INVALID_CONTENT", "subsidiary", id="unknown-id"
            ),
            pytest.param({"isInactive": "T"}, "INVALID_CONTENT", "isInactive", id="wrong-type"),
            pytest.param({"companyName": "H" * 84}, "USER_ERROR", "companyName", id="too-long"),
            pytest.param({"subsidiary": None}, "USER_ERROR", None, id="required"),
            pytest.param({"externalId": "taken"}, "USER_ERROR", None, id="external-id-taken"),
            pytest.param(
                {"addressBook": {"items": [{"addressBookAddress": {"zipcode": "1"}}]}},
                "INVALID_CONTENT", "addressBook.items[0].addressBookAddress.zipcode",
                id="unknown-field-of-a-subrecord",
            ),
        ],
    )  # fmt: skip
    def test_a_bad_record_is_refused(
        self, body: dict[str, Any], code: str, path: str | None
    ) -> None:
        good = {"companyName": "Halden", "subsidiary": {"id": "1"}}
        taken = self.call("POST", "/record/v1/customer", json={**good, "externalId": "taken"})

        reply = self.call("POST", "/record/v1/customer", json={**good, **body})

        assert (taken.status_code, reply.status_code) == (204, 400)
        detail = reply.json()["o:errorDetails"][0]
        assert (code, path) == (detail["o:errorCode"], detail.get("o:errorPath"))

    def test_without_a_token_nothing_is_told(self) -> None:
        reply = self.call("GET", "/record/v1/customer", headers={"authorization": "Bearer no"})

        assert reply.status_code == 401
        assert reply.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"

    @pytest.mark.parametrize(
        ("q", "found"),
        [
            pytest.param('companyName IS "Halden A"', ["Halden A"], id="is"),
            pytest.param("companyName START_WITH Hal", ["Halden A", "Halden B"], id="starts"),
            pytest.param(
                '(companyName IS "Halden A" OR companyName IS "Other") AND isInactive IS F',
                ["Halden A", "Other"],
                id="and-or",
            ),
        ],
    )
    def test_a_collection_can_be_filtered(self, q: str, found: list[str]) -> None:
        for name in ("Halden A", "Halden B", "Other"):
            self.given_client(name)

        items = self.call("GET", "/record/v1/customer", params={"q": q}).json()["items"]

        records = [self.call("GET", f"/record/v1/customer/{one['id']}").json() for one in items]
        assert found == [one["companyName"] for one in records]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param({"parent": {"id": "9001"}}, "Invalid Field Value", id="an-employee"),
            pytest.param({"parent": None}, "parent of a project cannot be", id="none"),
            pytest.param({"customer": {"id": "1"}}, "Unknown property", id="customer"),
            pytest.param({"taxCode": "S"}, "Unknown property", id="a-field-of-tax"),
            pytest.param(
                {"billingSchedule": "T"}, "billingSchedule", id="schedule-of-another-type"
            ),
        ],
    )
    def test_a_bad_change_of_a_project_is_refused(self, change: dict[str, Any], said: str) -> None:
        project = self.a_project_there(connected(self.settings))
        if change == {"billingSchedule": "T"}:
            body = {"name": "T", "scheduleType": {"id": "TM"}, "initialAmount": 0}
            schedule = self.sandbox.plant(NETSUITE, "billingSchedule", body)
            change = {"billingSchedule": {"id": schedule["id"]}}

        reply = self.call("PATCH", f"/record/v1/job/{project.id}", json=change)

        assert reply.status_code == 400
        assert said in reply.json()["o:errorDetails"][0]["detail"]

    def test_internal_ids_of_entities_are_numbered_as_one(self) -> None:
        ledger = connected(self.settings)
        project = self.a_project_there(ledger)
        vendor = self.sandbox.plant(
            NETSUITE, "vendor", {"companyName": "V", "subsidiary": {"id": "1"}}
        )

        customers = [one["id"] for one in self.sandbox.records(NETSUITE, "customer")]

        assert len({*customers, project.id, vendor["id"]}) == 3

    def test_a_line_of_a_keyed_sublist_is_changed_by_its_key(self) -> None:
        address = {"addr1": "Hafenstraße 1", "city": "Köln"}
        lines = [{"label": "A", "addressBookAddress": address}, {"label": "B"}]
        body = {"companyName": "H", "subsidiary": {"id": "1"}, "addressBook": {"items": lines}}
        path, expand = "/record/v1/customer/eid:one", {"expandSubResources": "true"}
        self.call("PUT", path, json=body)
        first = self.call("GET", path, params=expand).json()["addressBook"]["items"][0]

        change = {"internalId": first["internalId"], "addressBookAddress": {"city": "Ulm"}}
        known = self.call("PATCH", path, json={"addressBook": {"items": [change]}})
        change["internalId"] = 987654321
        unknown = self.call("PATCH", path, json={"addressBook": {"items": [change]}})

        assert (known.status_code, unknown.status_code) == (204, 400)
        told = self.call("GET", path, params=expand).json()["addressBook"]["items"]
        assert [line["label"] for line in told] == ["A", "B"]
        assert told[0]["addressBookAddress"] == {"addr1": "Hafenstraße 1", "city": "Ulm"}

    def test_lines_are_added_to_a_sublist_unless_it_is_replaced(self) -> None:
        line = {"addressBookAddress": {"city": "Köln"}}
        body = {
            "companyName": "H", "subsidiary": {"id": "1"}, "addressBook": {"items": [line]}
        }  # fmt: skip
        path, expand = "/record/v1/customer/eid:one", {"expandSubResources": "true"}

        counts: list[int] = []
        for params in ({}, {}, {"replace": "addressBook"}):
            assert self.call("PUT", path, json=body, params=params).status_code == 204
            read = self.call("GET", path, params=expand).json()
            counts.append(read["addressBook"]["totalResults"])

        assert counts == [1, 2, 1]

    def test_a_query_needs_its_header_and_known_columns(self) -> None:
        good = {"q": "SELECT id FROM customer"}
        prefer = {"Prefer": "transient"}
        path = "/query/v1/suiteql"

        bare = self.call("POST", path, json=good)
        unknown = self.call("POST", path, json={"q": "SELECT shoe FROM customer"}, headers=prefer)

        assert [reply.json()["o:errorDetails"][0]["o:errorCode"] for reply in (bare, unknown)] == [
            "INVALID_HEADER",
            "INVALID_PARAMETER",
        ]
        assert self.call("POST", path, json=good, headers=prefer).status_code == 200


class TestFixtures:
    """Answers as the vendor's documentation has them, read by the adapter."""

    KEY = a_key()

    def ledger(self, *answers: tuple[int, str]) -> NetSuiteLedger:
        waiting = list(answers)

        def answer(request: httpx.Request) -> httpx.Response:
            status, name = waiting.pop(0)
            text = (FIXTURES / name).read_text("utf-8")
            text = text.replace("EXTERNAL_ID", external_id(self.KEY))
            kind = {"content-type": "application/vnd.oracle.resource+json; type=singular"}
            return httpx.Response(status, text=text, headers=kind)

        settings = a_setting()
        http = Http(NETSUITE, str(settings.base_url), transport=httpx.MockTransport(answer))
        return NetSuiteLedger(NETSUITE, settings, http, FieldMap.load(CONNECTOR.mapping))

    def test_an_inactive_customer_is_found_by_its_key(self) -> None:
        found = self.ledger((200, "customer.json")).find_client(self.KEY)

        assert ExternalRef(system=NETSUITE, kind="customer", id="647") == found

    def test_a_record_with_another_key_is_not_ours(self) -> None:
        with pytest.raises(SystemRefused, match="externalId"):
            self.ledger((200, "customer.json")).find_client(a_key())

    def test_a_project_half_made_is_not_found(self) -> None:
        assert self.ledger((200, "job-half-made.json")).find_project(self.KEY) is None

    def test_only_an_unknown_id_means_that_there_is_nothing(self) -> None:
        assert self.ledger((404, "error-nonexistent.json")).find_client(self.KEY) is None
        with pytest.raises(SystemRefused, match="does not exist"):
            self.ledger((404, "error-wrong-address.json")).find_client(self.KEY)

    def test_people_are_named_by_their_entity_id(self) -> None:
        found = self.ledger((200, "suiteql-customers.json")).candidates(a_client("Halden"))

        told = [(one.name, one.domain, one.inactive) for one in found]
        assert told == [("Halden Werke GmbH", "halden.example", False), ("Ines Halden", None, True)]

    @pytest.mark.parametrize(
        ("fixture", "expected", "said"),
        [
            ("error-invalid-content.json", SystemRefused, r"Field Value 9999 .* \(subsidiary\)"),
            ("error-period-closed.json", SystemRefused, "period of this date is closed"),
            ("error-concurrency.json", Throttled, "Request Limit Exceeded"),
        ],
    )
    def test_refusals(self, fixture: str, expected: type[SystemTrouble], said: str) -> None:
        with pytest.raises(expected, match=said):
            self.ledger((400, fixture)).create_client(a_client(), subsidiary=GMBH, key=self.KEY)

    def test_a_token_is_read(self) -> None:
        text = (FIXTURES / "token.json").read_text("utf-8")

        def answer(request: httpx.Request) -> httpx.Response:
            assert request.url.path == SIGN_IN_PATH
            return httpx.Response(200, text=text, headers={"content-type": "application/json"})

        settings = a_setting(**_with_key({"private_key": "new-ec", "algorithm": "ES256"}))
        http = Http(NETSUITE, str(settings.base_url), transport=httpx.MockTransport(answer))

        expected = simplejson.loads(text)["access_token"]
        assert expected == sign_in(NETSUITE, settings, http).get()


class TestSmallParts:
    @pytest.mark.parametrize(
        "text",
        [
            "MÜLLER",
            "Mueller",
            "Straße",
            "strasse",
            "Peña",
            "Łódź",
            "ŒUVRE",
            "Æther",
            "e\u0301t\u00e9",
            "李",
        ],
    )
    def test_python_and_suiteql_fold_alike(self, text: str) -> None:
        query = parse(select("name", "t", f"{folded('name')} = {quoted(fold(text))}", order="name"))

        assert [{"name": text}] == query.run([{"name": text}, {"name": "another"}])

    def test_external_ids_have_only_allowed_characters_and_one_length(self) -> None:
        ids = {external_id(a_key(longest)) for longest in (True, False)}
        parts = {external_id("ab", "c"), external_id("a", "bc"), external_id("abc")}

        assert {55} == {len(one) for one in ids}
        assert all(one.replace("-", "").isalnum() and one == one.lower() for one in ids)
        assert len(parts) == 3

    def test_a_field_map_cannot_smuggle_in_sql(self) -> None:
        with pytest.raises(InvalidDefinition):
            columns(["id", "id FROM customer --"])

    def test_a_cut_name_shows_that_it_was_cut(self) -> None:
        assert (cut("abc", 3), cut("abcd", 3)) == ("abc", "ab…")

    @pytest.mark.parametrize(
        "statement",
        ["", "SELECT", "DELETE FROM t", "SELECT id FROM t; SELECT id FROM t", "SELECT id FROM t --",
         "SELECT id FROM t WHERE a = 'x", "SELECT id FROM t WHERE a LIKE"],
    )  # fmt: skip
    def test_the_sandbox_refuses_what_is_no_suiteql(self, statement: str) -> None:
        with pytest.raises(BadQuery):
            parse(statement)

    def test_settings_of_another_account_are_refused(self) -> None:
        host = "https://1234567-sb1.suitetalk.api.netsuite.com"

        assert a_setting(base_url=host, account="1234567_SB1").account == "1234567_SB1"
        with pytest.raises(ValueError, match="not that of account"):
            a_setting(base_url=host, account="1234567")

    def test_every_method_of_the_port_is_declared(self) -> None:
        ports = {
            "ledger": Ledger, "procurement": Procurement, "invoicing": Invoicing,
            "bookkeeping": Bookkeeping,
        }  # fmt: skip
        methods = {
            f"{port}.{name}"
            for port, promised in ports.items()
            for name in vars(promised)
            if not name.startswith("_")
        }

        assert (methods, set(ports)) == (set(CONNECTOR.operations), set(CONNECTOR.ports))


def _with_key(changes: Mapping[str, str]) -> dict[str, str]:
    """`new-rsa` and `new-ec` stand for a key that was made just now."""
    made = dict(changes)
    kind = made.get("private_key")
    if kind is not None:
        key = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048)
            if kind == "new-rsa"
            else ec.generate_private_key(ec.SECP256R1())
        )
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        made["private_key"] = pem.decode()
    return made
