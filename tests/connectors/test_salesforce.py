"""Salesforce as a CRM, against its dialect over real HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import simplejson
from contract_crm import LONG_AGO, MANIFOLD, CrmContract, Deal, a_key, eur
from hypothesis import given
from hypothesis import strategies as st

from fairlead.connectors.kit.http import Http, Reply, trusted
from fairlead.connectors.kit.keys import signing_key
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.salesforce import adapter
from fairlead.connectors.salesforce.adapter import SalesforceCrm
from fairlead.connectors.salesforce.declaration import CONNECTOR
from fairlead.connectors.salesforce.dialect import classify
from fairlead.connectors.salesforce.settings import Settings
from fairlead.connectors.salesforce.sign_in import sign_in
from fairlead.connectors.salesforce.webhook import reads_webhook
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    InvalidDefinition,
    InvalidInput,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.crm import ChangePage, Crm
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.salesforce import Salesforce
from fairlead.sandbox.salesforce_schema import with_check
from fairlead.sandbox.salesforce_soql import Malformed, parse
from fairlead.sandbox.world import SystemSpec, World
from fairlead.trace import correlation

SF = "salesforce"
FIXTURES = Path(adapter.__file__).with_name("fixtures")
DEAL = "006FL0000000017YAA"
V = "/services/data/v62.0"
ALL_NAMES = "SELECT Name FROM Opportunity WHERE"


def connected(
    settings: dict[str, Any], changes: dict[str, Any] | None = None, **more: Any
) -> SalesforceCrm:
    """An adapter as the product wires it. `changes` is a firm's own field map."""
    chosen = Settings.model_validate({"total_timeout_s": 5, **settings, **more})
    plain = Http(SF, str(chosen.base_url), total_timeout_s=chosen.total_timeout_s)
    http = plain.with_sign_in(sign_in(SF, chosen, plain))
    return SalesforceCrm(SF, chosen, http, FieldMap.load(CONNECTOR.mapping, changes=changes))


class OverHttp:
    @pytest.fixture(autouse=True)
    def _over_http(self, sandbox: SandboxProcess) -> None:
        sandbox.clear()
        self.sandbox = sandbox
        self.settings = sandbox.client_settings(SF)
        self.client = connected(self.settings)

    def crm(self) -> Crm:
        return self.client

    def plant(self, kind: str, **body: Any) -> str:
        return str(self.sandbox.plant(SF, kind, body)["id"])

    def body_of(self, kind: str, id: str) -> dict[str, Any]:
        return next(r["body"] for r in self.sandbox.records(SF, kind) if r["id"] == id)

    def enter(self, deal: Deal) -> str:
        stage = "Closed Won" if deal.won else "Prospecting"
        if deal.bare:
            return self.plant("Opportunity", Name=deal.name, StageName=stage)
        account = self.plant(
            "Account", Name="Acme SE", Website="https://www.acme.example/de", BillingCity="Köln",
            BillingCountryCode="DE", Tax_Id__c="DE811907980", Client_Tier__c="strategic",
            ParentId=self.group(deal.group),
        )  # fmt: skip
        own: dict[str, Any] = {"AccountId": account, "Contract_Type__c": "Fixed Fee"}
        contract = None
        if deal.signed is not None:
            status = "SOW Approved" if deal.approved else "Activated" if deal.signed else "Draft"
            contract = own["ContractId"] = self.plant(
                "Contract", AccountId=account, StartDate="2027-01-04", ContractTerm=6,
                Status=status, CustomerSignedDate="2026-11-02", Payment_Days__c=Decimal("30.0"),
                Contract_Value__c=Decimal("120000.50"), Agreement_Id__c=deal.agreement,
                Billing_Cap__c=None if deal.cap is None else Decimal(deal.cap),
            )  # fmt: skip
            self.terms(contract, deal.terms)
            for code, title, text, standard in deal.clauses:
                self.plant(
                    "Contract_Clause__c", Contract__c=contract, Code__c=code, Name=title,
                    Clause_Text__c=text, Standard__c=standard,
                )  # fmt: skip
        if deal.amount is not None:
            own["Amount"] = Decimal(deal.amount)
        id = self.plant(
            "Opportunity", Name=deal.name, StageName=stage, Delivery_Country__c="DE",
            Owner={"Email": "ines@tarn-holloway.example"}, **own,
        )  # fmt: skip
        self.lines(id, deal.roles)
        for phase in deal.phases:
            phase_id = self.plant(
                "Engagement_Phase__c", Opportunity__c=id, Name=phase.name, Region__c="EMEA",
                Delivery_Country__c=phase.country, Value__c=Decimal(phase.value),
            )  # fmt: skip
            self.lines(id, phase.roles, Phase__c=phase_id)
            if contract is not None:
                self.terms(contract, phase.terms, Phase__c=phase_id)
        for role, hours, cost, vendor in deal.subcontracting:
            self.plant(
                "Subcontract_Need__c", Opportunity__c=id, Role__c=role, Hours__c=Decimal(hours),
                Cost__c=Decimal(cost), Vendor__c=vendor,
            )  # fmt: skip
        if deal.quote:
            self.quote(id, deal)
        return id

    def group(self, names: Sequence[str]) -> str | None:
        above = None
        for name in reversed(names):
            above = self.plant("Account", Name=name, ParentId=above)
        return above

    def lines(self, deal: str, roles: Sequence[tuple[str, str, str]], **more: str) -> None:
        for role, hours, rate in roles:
            self.plant(
                "OpportunityLineItem", OpportunityId=deal, Product2={"Name": role},
                Quantity=Decimal(hours), UnitPrice=Decimal(rate), **more,
            )  # fmt: skip

    def terms(self, contract: str, terms: Sequence[tuple[str, str]], **more: str) -> None:
        for name, share in terms:
            self.plant(
                "Billing_Term__c", Contract__c=contract, Name=name, Share_Percent__c=Decimal(share),
                **more,
            )  # fmt: skip

    def quote(self, id: str, deal: Deal) -> None:
        """The quote, and an older one that is not synced to the deal."""
        self.plant("Quote", OpportunityId=id, Name="First", TotalPrice=1)
        status = "Accepted" if deal.quote_accepted else "Presented"
        quote = self.plant("Quote", OpportunityId=id, Name="Second", Status=status)
        for product, quantity, price, discount in deal.quote:
            self.plant(
                "QuoteLineItem", QuoteId=quote, Product2={"Name": product},
                Quantity=Decimal(quantity), UnitPrice=Decimal(price), Discount=Decimal(discount),
            )  # fmt: skip
        self.sandbox.amend(SF, "Opportunity", id, {"SyncedQuoteId": quote})

    def touch(self, id: str, part: str) -> None:
        deal = self.body_of("Opportunity", id)
        kind, via, of, change = {
            "line": ("OpportunityLineItem", "OpportunityId", id, {"Description": "new"}),
            "phase": ("Engagement_Phase__c", "Opportunity__c", id, {"Region__c": "AMER"}),
            "subcontracting": ("Subcontract_Need__c", "Opportunity__c", id, {"Vendor__c": "X"}),
            "contract": ("Contract", "Id", deal["ContractId"], {"Payment_Days__c": 14}),
            "term": ("Billing_Term__c", "Contract__c", deal["ContractId"], {"Name": "new"}),
            "clause": ("Contract_Clause__c", "Contract__c", deal["ContractId"], {"Name": "new"}),
            "quote": ("Quote", "Id", deal["SyncedQuoteId"], {"Name": "Third"}),
            "quote line": ("QuoteLineItem", "QuoteId", deal["SyncedQuoteId"], {"Description": "x"}),
        }[part]
        records = self.sandbox.records(SF, kind)
        record = next(r for r in records if {**r["body"], "Id": r["id"]}[via] == of)
        self.sandbox.amend(SF, kind, record["id"], change)

    def reviewing(self, by: str) -> Crm:
        chosen: dict[str, Any] = {
            "probability": {"review_probability": 60},
            "stage": {"review_stages": ["Proposal", "O'Hara's \\ own"]},
            "contract": {"review_contract_statuses": ["SOW Approved", "Activated"]},
        }[by]
        return connected(self.settings, **chosen)

    def enter_open(self, probability: int, stage: str, contract: ContractStatus) -> str:
        theirs = {
            ContractStatus.DRAFT: "Draft",
            ContractStatus.IN_APPROVAL: "In Approval Process",
            ContractStatus.APPROVED: "SOW Approved",
            ContractStatus.SIGNED: "Activated",
        }
        account = self.plant("Account", Name="Acme SE")
        held = self.plant("Contract", AccountId=account, Status=theirs[contract])
        return self.plant(
            "Opportunity", Name="Open", StageName=stage, Probability=probability, ContractId=held
        )

    def rename(self, id: str, name: str) -> None:
        self.sandbox.amend(SF, "Opportunity", id, {"Name": name})

    def sign(self, id: str) -> None:
        contract = self.body_of("Opportunity", id)["ContractId"]
        self.sandbox.amend(SF, "Contract", contract, {"Status": "Activated"})

    def unknown_id(self) -> str:
        return with_check("006FL9999999999")


class TestSalesforceCrm(OverHttp, CrmContract):
    pass


class TestReading(OverHttp):
    def test_every_field_of_the_deal_arrives_in_the_firms_words(self) -> None:
        found = self.client.opportunity(self.enter(Deal()))

        assert found is not None
        assert found.client is not None
        assert found.contract is not None
        client, contract = found.client, found.contract
        assert (
            client.domain, client.address.country, found.client_tier,
        ) == ("acme.example", "DE", "strategic")  # fmt: skip
        assert ("ines@tarn-holloway.example", Decimal(1)) == (found.owner, found.probability)
        assert (
            found.contract_type, contract.number, contract.payment_days,
        ) == ("fixed_fee", "00000001", 30)  # fmt: skip
        assert contract.period is not None
        assert str(contract.period.end) == "2027-07-03"

    def test_a_deal_is_one_call(self) -> None:
        id = self.enter(MANIFOLD)
        self.client.ping()
        before = len(self.sandbox.calls(SF)["last"])

        self.client.opportunity(id)

        assert before + 1 == len(self.sandbox.calls(SF)["last"])

    def test_fifteen_characters_name_the_same_deal_as_eighteen(self) -> None:
        id = self.enter(Deal())

        assert self.client.opportunity(id[:15]) == self.client.opportunity(id)

    def test_a_lost_deal_is_not_open(self) -> None:
        found = self.client.opportunity(
            self.plant("Opportunity", Name="x", StageName="Closed Lost")
        )

        assert found is not None
        assert found.stage == "lost"

    def test_a_firm_renames_and_drops_fields_without_code(self) -> None:
        id = self.enter(Deal())
        self.sandbox.amend(SF, "Opportunity", id, {"Description": "EMEA"})
        crm = connected(self.settings, {"opportunity": {"region": "Description", "owner": None}})

        found = crm.opportunity(id)

        assert found is not None
        assert (found.region, found.owner) == ("EMEA", None)

    @pytest.mark.parametrize(
        ("changes", "word"),
        [
            pytest.param({"opportunity": {"won": None}}, "cannot be dropped", id="needed"),
            pytest.param({"account": {"name": "Name FROM User"}}, "no field name", id="injection"),
        ],
    )
    def test_a_map_that_cannot_work_is_refused_at_once(
        self, changes: dict[str, Any], word: str
    ) -> None:
        with pytest.raises(InvalidDefinition, match=word):
            connected(self.settings, changes)

    @pytest.mark.parametrize(
        ("kind", "changes", "path"),
        [
            pytest.param(
                "Opportunity", {"Contract_Type__c": "Barter"}, "Contract_Type__c", id="word"
            ),
            pytest.param("Opportunity", {"Amount": -1}, "opportunity.value", id="negative"),
            pytest.param(
                "Opportunity", {"Amount": 10**12 + 1}, "is more than 1,000,000,000,000", id="absurd"
            ),
            pytest.param(
                "Opportunity", {"Delivery_Country__c": "D"}, "opportunity.country", id="country"
            ),
            pytest.param("Contract", {"EndDate": "2020-01-01"}, "contract.period", id="period"),
            pytest.param(
                "Contract", {"Payment_Days__c": Decimal("30.5")}, "Payment_Days__c", id="half-day"
            ),
        ],
    )
    def test_what_cannot_be_read_names_its_path(
        self, kind: str, changes: dict[str, Any], path: str
    ) -> None:
        deal = self.enter(Deal())
        id = deal if kind == "Opportunity" else self.body_of("Opportunity", deal)["ContractId"]
        self.sandbox.amend(SF, kind, id, changes)

        with pytest.raises(SystemRefused, match=path.replace(".", r"\.")):
            self.client.opportunity(deal)

    def test_a_changed_account_is_a_change_of_its_deals(self) -> None:
        deal = self.enter(Deal())
        at = self.client.changed_since(LONG_AGO).changes[0].at
        account = self.body_of("Opportunity", deal)["AccountId"]

        self.sandbox.amend(SF, "Account", account, {"Tax_Id__c": "DE1"})

        (change,) = self.client.changed_since(LONG_AGO).changes
        found = self.client.opportunity(deal)
        assert found is not None
        assert change.at > at
        assert found.revision >= change.revision

    def test_terms_of_another_deals_phases_are_not_this_deals(self) -> None:
        id = self.enter(MANIFOLD)
        contract = self.body_of("Opportunity", id)["ContractId"]
        other = self.plant("Opportunity", Name="Second of the contract", ContractId=contract)

        found = self.client.opportunity(other)

        assert found is not None
        assert found.contract is not None
        assert found.phases == ()
        assert [term.name for term in found.contract.billing_terms] == ["On start", "On acceptance"]

    def test_a_line_in_a_phase_of_another_deal_is_refused(self) -> None:
        self.enter(MANIFOLD)
        phase = self.sandbox.records(SF, "Engagement_Phase__c")[0]["id"]
        id = self.enter(Deal(roles=()))
        self.lines(id, [("Architect", "1", "1")], Phase__c=phase)

        with pytest.raises(SystemRefused, match=r"line_item\.phase"):
            self.client.opportunity(id)

    @pytest.mark.parametrize(
        ("kind", "field", "path"),
        [
            pytest.param("Engagement_Phase__c", "Value__c", r"phase\.value", id="phase"),
            pytest.param("Subcontract_Need__c", "Cost__c", r"subcontract\.cost", id="subcontract"),
            pytest.param("Contract_Clause__c", "Code__c", r"clause\.code", id="clause"),
        ],
    )
    def test_a_part_that_lacks_what_it_is_about_names_it(
        self, kind: str, field: str, path: str
    ) -> None:
        id = self.enter(MANIFOLD)
        part = self.sandbox.records(SF, kind)[0]["id"]
        self.sandbox.amend(SF, kind, part, {field: None})

        with pytest.raises(SystemRefused, match=path):
            self.client.opportunity(id)

    def test_a_firm_may_count_a_quote_with_its_tax(self) -> None:
        id = self.enter(MANIFOLD)
        quote = self.body_of("Opportunity", id)["SyncedQuoteId"]
        self.sandbox.amend(SF, "Quote", quote, {"Tax": Decimal("17670.48")})
        total = {"quote": {"total.amount": {"path": "GrandTotal", "as": "decimal"}}}

        plain = self.client.opportunity(id)
        taxed = connected(self.settings, total).opportunity(id)

        assert plain is not None
        assert plain.quote is not None
        assert taxed is not None
        assert taxed.quote is not None
        assert eur("17670.48") == taxed.quote.total - plain.quote.total

    def test_a_list_that_the_org_calls_otherwise_is_refused_by_its_name(self) -> None:
        id = self.enter(Deal())
        crm = connected(self.settings, phase_relationship="Phasen__r")

        with pytest.raises(SystemRefused, match="Phasen__r"):
            crm.opportunity(id)

    def test_a_field_that_a_setting_goes_by_cannot_be_dropped(self) -> None:
        changes = {"opportunity": {"stage_name": None}}
        connected(self.settings, changes)

        with pytest.raises(InvalidDefinition, match="stage_name"):
            connected(self.settings, changes, review_stages=["Proposal"])


CUSTOM = (
    "Billing_Term__c", "Contract_Clause__c", "Engagement_Phase__c", "Subcontract_Need__c",
)  # fmt: skip


class TestLessOfAnOrg:
    def test_an_org_without_quotes_and_custom_objects_is_read_and_polled(self) -> None:
        absent = [*CUSTOM, "Quote", "QuoteLineItem"]
        settings = {**Salesforce.example_settings(), "absent": absent}
        world = World(systems=(SystemSpec(id=SF, dialect=SF, settings=settings),))
        with SandboxProcess(world) as org:
            deal = {"Name": "x", "StageName": "Closed Won", "Contract": {"Account": {"Name": "A"}}}
            id = org.plant(SF, "Opportunity", deal)["id"]
            org.plant(
                SF, "OpportunityLineItem", {"OpportunityId": id, "Quantity": 1,
                "Product2": {"Name": "Architect"}},
            )  # fmt: skip
            none = {f"{name}_object": None for name in ("billing_term", "clause", "phase")}
            crm = connected(org.client_settings(SF), subcontract_object=None, quotes=False, **none)

            found = crm.opportunity(id)

            assert found is not None
            assert found.contract is not None
            assert [role.role for role in found.roles] == ["Architect"]
            assert (found.quote, found.phases, found.contract.billing_terms) == (None, (), ())
            assert [id] == [change.opportunity for change in crm.changed_since(LONG_AGO).changes]


class TestOneCurrency:
    def test_an_org_without_currencies_is_not_asked_for_them(self) -> None:
        settings = {**Salesforce.example_settings(), "multi_currency": False}
        world = World(systems=(SystemSpec(id=SF, dialect=SF, settings=settings),))
        with SandboxProcess(world) as org:
            id = org.plant(SF, "Opportunity", {"Name": "x", "Amount": Decimal("10.5")})["id"]

            found = connected(org.client_settings(SF), default_currency="EUR").opportunity(id)

            assert found is not None
            assert eur("10.5") == found.value
            with pytest.raises(SystemRefused, match="CurrencyIsoCode"):
                connected(org.client_settings(SF)).opportunity(id)


def composite(*parts: tuple[str, list[dict[str, Any]]]) -> httpx.Response:
    rows = [
        {
            "referenceId": name,
            "httpStatusCode": 200,
            "body": {"totalSize": len(records), "done": True, "records": records},
        }
        for name, records in parts
    ]
    return httpx.Response(200, json={"compositeResponse": rows})


LISTS = ("OpportunityLineItems", "Engagement_Phases__r", "Subcontract_Needs__r")


def a_reading(name: str, second: int, lines: Sequence[int]) -> httpx.Response:
    """A deal of this name, of which the time stamps were asked for again a moment later: `second`
    is that of the deal by then, `lines` those of its lines."""

    def at(second: int) -> str:
        return f"2026-11-02T09:00:{second:02d}.000+0000"

    def deal(second: int, lines: Sequence[int]) -> dict[str, Any]:
        ids = [f"00kFL000000000{n}AAA" for n in range(len(lines))]
        rows = [
            {"Id": id, "SystemModstamp": at(n), "OpportunityId": DEAL, "Quantity": 1,
             "Product2": {"Name": "Architect"}}
            for id, n in zip(ids, lines, strict=True)
        ]  # fmt: skip
        held = {"totalSize": len(rows), "done": True, "records": rows} if rows else None
        own = {"Id": DEAL, "SystemModstamp": at(second), "Account": None}
        return {**own, **dict.fromkeys(LISTS), "OpportunityLineItems": held}

    told = {**deal(1, [1, 1]), "Name": name, "IsWon": True, "IsClosed": True}
    again = deal(second, lines)
    return composite(
        ("opportunity", [told]), ("contract", []), ("quote", []), ("contract_again", []),
        ("opportunity_again", [again]),
    )  # fmt: skip


class TestOneMoment:
    """What the two halves of a reading say must fit together."""

    @pytest.mark.parametrize(
        ("second", "lines"),
        [
            pytest.param(2, [1, 1], id="the-deal-was-changed"),
            pytest.param(1, [1, 3], id="a-line-was-changed"),
            pytest.param(1, [1], id="a-line-was-deleted"),
            pytest.param(1, [1, 1, 1], id="a-line-was-added"),
        ],
    )
    def test_a_deal_that_changed_meanwhile_is_read_again(
        self, second: int, lines: Sequence[int]
    ) -> None:
        replies = iter([a_reading("torn", second, lines), a_reading("whole", 1, [1, 1])])

        found = answering(lambda _: next(replies)).opportunity(DEAL)

        assert found is not None
        assert (found.name, len(found.roles)) == ("whole", 2)

    def test_a_deal_that_never_stands_still_is_for_later(self) -> None:
        asked: list[httpx.Request] = []

        def reply(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return a_reading("torn", 2, [1, 1])

        with pytest.raises(SystemUnavailable, match="kept changing"):
            answering(reply).opportunity(DEAL)

        assert len(asked) == 3

    def test_the_parts_are_done_in_their_order(self) -> None:
        asked: list[dict[str, Any]] = []

        def reply(request: httpx.Request) -> httpx.Response:
            asked.append(simplejson.loads(request.content))
            return a_reading("whole", 1, [1, 1])

        answering(reply).opportunity(DEAL)

        (sent,) = asked
        assert sent["collateSubrequests"] is False
        assert [part["referenceId"] for part in sent["compositeRequest"]] == [
            "opportunity", "contract", "quote", "contract_again", "opportunity_again",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def org() -> Iterator[SandboxProcess]:
    """Seven won deals in an org that answers a query two records at a time."""
    settings = {**Salesforce.example_settings(), "batch_size": 2}
    world = World(systems=(SystemSpec(id=SF, dialect=SF, settings=settings),))
    with SandboxProcess(world) as running:
        for n in range(7):
            deal = {"Name": f"Deal {n}", "StageName": "Closed Won", "Amount": n}
            running.plant(SF, "Opportunity", deal)
        yield running


def whole_pass(crm: Crm) -> list[ChangePage]:
    pages = [crm.changed_since(LONG_AGO)]
    while pages[-1].next_cursor:
        pages.append(crm.changed_since(LONG_AGO, pages[-1].next_cursor))
    return pages


class TestPages:
    def test_seven_deals_in_batches_of_two_are_four_pages(self, org: SandboxProcess) -> None:
        pages = whole_pass(connected(org.client_settings(SF)))

        told = [change for page in pages for change in page.changes]
        assert [len(page.changes) for page in pages] == [2, 2, 2, 1]
        assert len({change.opportunity for change in told}) == 7
        assert sorted(told, key=lambda change: change.at) == told
        assert pages[-1].watermark == max(page.watermark for page in pages)

    def test_an_expired_cursor_begins_the_pass_again(self, org: SandboxProcess) -> None:
        crm = connected(org.client_settings(SF))
        first = crm.changed_since(LONG_AGO)
        assert first.next_cursor is not None
        *front, path = first.next_cursor.split("|")
        gone = "|".join([*front, path.replace("01g", "01gX")])

        assert first.changes == crm.changed_since(LONG_AGO, gone).changes

    @pytest.mark.parametrize(
        "cursor",
        [
            "2|x|https://evil.example/",
            "2026-11-02T09:00:00.000Z",
            "2026-11-02T09:00:00.000Z|change:2:https://evil.example/",
            "2026-99-02T09:00:00.000Z|change:2:/services/data/v62.0/query/01gA-2",
        ],
    )
    def test_a_cursor_of_somebody_else_is_refused(self, org: SandboxProcess, cursor: str) -> None:
        with pytest.raises(InvalidInput):
            connected(org.client_settings(SF)).changed_since(LONG_AGO, cursor)

    def test_a_quiet_poll_is_two_calls(self, org: SandboxProcess) -> None:
        crm = connected(org.client_settings(SF))
        crm.ping()
        before = len(org.calls(SF)["last"])

        crm.changed_since(datetime.now(UTC))

        assert before + 2 == len(org.calls(SF)["last"])

    def test_lines_beyond_one_batch_are_all_read(self, org: SandboxProcess) -> None:
        id = org.plant(SF, "Opportunity", {"Name": "many lines"})["id"]
        for n in range(5):
            line = {"OpportunityId": id, "Product2": {"Name": f"Role {n}"}, "Quantity": n}
            org.plant(SF, "OpportunityLineItem", line)

        found = connected(org.client_settings(SF)).opportunity(id)

        assert found is not None
        assert [f"Role {n}" for n in range(5)] == [role.role for role in found.roles]

    def test_a_page_with_deals_cut_out_is_no_complete_pass(self, org: SandboxProcess) -> None:
        crm = connected(org.client_settings(SF))
        cut = {"operation": "query*"}
        org.faults(SF, {"kind": "partial_page", "match": cut, "at": "records", "keep": 1})
        try:
            with pytest.raises(AnswerLost):
                whole_pass(crm)
        finally:
            org.faults(SF)


class TestQuotes(OverHttp):
    def test_a_line_of_a_quote_that_is_not_synced_is_no_change_of_the_deal(self) -> None:
        id = self.enter(MANIFOLD)
        at = self.client.changed_since(LONG_AGO).changes[0].at
        quotes = self.sandbox.records(SF, "Quote")
        other = next(quote["id"] for quote in quotes if not quote["body"]["IsSyncing"])

        self.plant("QuoteLineItem", QuoteId=other, Quantity=1, UnitPrice=1)

        assert [(id, at)] == [
            (change.opportunity, change.at)
            for change in self.client.changed_since(LONG_AGO).changes
        ]


class TestManyChanges:
    def test_a_pass_over_every_list_in_batches_tells_every_deal_and_ends(self) -> None:
        settings = {**Salesforce.example_settings(), "batch_size": 2}
        world = World(systems=(SystemSpec(id=SF, dialect=SF, settings=settings),))
        with SandboxProcess(world) as org:
            deals: set[str] = set()
            last = ""
            for n in range(3):
                contract = org.plant(SF, "Contract", {"Account": {"Name": f"Client {n}"}})["id"]
                deal = {"Name": f"{n}", "StageName": "Closed Won", "ContractId": contract}
                deals.add(id := org.plant(SF, "Opportunity", deal)["id"])
                for _ in range(2):
                    line = {"OpportunityId": id, "Product2": {"Name": "x"}, "Quantity": 1}
                    org.plant(SF, "OpportunityLineItem", line)
                    term = org.plant(SF, "Billing_Term__c", {"Contract__c": contract})
                    last = str(term["modified_at"])
            pages = whole_pass(connected(org.client_settings(SF), poll_overlap_s=0))

        told = [change for page in pages for change in page.changes]
        assert deals == {change.opportunity for change in told}
        # deals 2 + 1, lines 2 + 2 + 2, terms 2 + 2 + 2; the first page has one batch of each
        assert len(pages) == 1 + 1 + 2 + 2
        at = datetime.fromisoformat(last)
        assert pages[-1].watermark == at.replace(microsecond=at.microsecond // 1000 * 1000)


class TestTrouble(OverHttp):
    """How trouble outside becomes our error, and that what was done is found once."""

    @pytest.mark.parametrize(
        ("fault", "expected", "done"),
        [
            pytest.param(
                {"kind": "rate_limit", "retry_after": 7}, Throttled, False, id="limit-with-seconds"
            ),
            pytest.param(
                {"kind": "rate_limit", "retry_after": "date"},
                Throttled,
                False,
                id="limit-with-date",
            ),
            pytest.param(
                {"kind": "rate_limit", "retry_after": "none"}, Throttled, False, id="limit-without"
            ),
            pytest.param({"kind": "status", "status": 503}, AnswerLost, False, id="503"),
            pytest.param(
                {"kind": "status_after", "status": 500}, AnswerLost, True, id="500-after-commit"
            ),
            pytest.param({"kind": "lose_answer"}, AnswerLost, True, id="answer-lost"),
            pytest.param({"kind": "html"}, AnswerLost, None, id="html-in-a-200"),
            pytest.param({"kind": "lose_request"}, AnswerLost, False, id="request-lost"),
        ],
    )
    def test_trouble_while_reporting(
        self, fault: dict[str, Any], expected: type[SystemTrouble], done: bool | None
    ) -> None:
        id, key = self.enter(Deal()), a_key()
        deal = ExternalRef(system=SF, kind="opportunity", id=id)
        self.client.ping()
        match = {"operation": "sobject.update"}
        self.sandbox.faults(SF, {**fault, "match": match, "times": 1})

        with pytest.raises(SystemTrouble) as caught:
            self.client.report_engagement(deal, number="ENG-1", state="launched", key=key)

        assert expected is type(caught.value)
        assert self.sandbox.fired(SF) == [1]
        found = self.client.find_reported(deal, number="ENG-1", state="launched", key=key)
        assert done is None or (deal if done else None) == found
        writes = [row for row in self.sandbox.ledger(SF) if row["method"] == "PATCH"]
        assert done is None or int(done) == len(writes)

    @pytest.mark.parametrize("how", ["cut", "chunk", "gzip"])
    def test_half_an_answer_is_never_taken_for_a_deal(self, how: str) -> None:
        id = self.enter(Deal())
        self.client.ping()
        self.sandbox.faults(
            SF, {"kind": "half_answer", "how": how, "match": {"operation": "composite"}}
        )

        with pytest.raises(AnswerLost):
            self.client.opportunity(id)

    def test_a_wait_that_was_asked_for_is_kept(self) -> None:
        self.client.ping()
        self.sandbox.faults(SF, {"kind": "rate_limit", "retry_after": 7})

        with pytest.raises(Throttled, match="REQUEST_LIMIT_EXCEEDED") as caught:
            self.client.ping()

        assert caught.value.retry_after is not None
        assert caught.value.retry_after.total_seconds() == 7

    def test_a_session_that_ended_is_renewed_once_and_nobody_notices(self) -> None:
        id = self.enter(Deal())
        self.client.ping()
        self.sandbox.faults(SF, {"kind": "expire_tokens", "times": 1})

        assert self.client.opportunity(id) is not None

        asked = [row["operation"] for row in self.sandbox.calls(SF)["last"]]
        assert asked.count("oauth.token") == 2

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            pytest.param({"username": "nobody@example.com"}, "approved", id="user"),
            pytest.param({"consumer_key": "3MVGx"}, "client identifier", id="app"),
            pytest.param({"audience": "https://test.salesforce.com"}, "audience", id="audience"),
            pytest.param({"private_key": "no key"}, "private key", id="unusable-key"),
            pytest.param(
                {"private_key": Salesforce.example_settings()["client"]["private_key"]},
                "invalid assertion",
                id="another-key",
            ),
        ],
    )
    def test_a_refused_sign_in_means_that_nothing_was_done(
        self, change: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(SystemUnavailable, match=said) as caught:
            connected({**self.settings, **change}).ping()

        assert "PRIVATE" not in f"{caught.value!r} {caught.value.__cause__!r}"

    def test_a_system_that_is_down_did_nothing(self) -> None:
        with pytest.raises(SystemUnavailable):
            connected(self.settings, base_url="http://127.0.0.1:9").ping()

    @pytest.mark.parametrize(
        ("at", "how", "to"),
        [
            pytest.param("compositeResponse.*.body.totalSize", "retype", None, id="total-as-text"),
            pytest.param("compositeResponse.*.body.records", "remove", None, id="no-records"),
            pytest.param("compositeResponse", "rename", "results", id="renamed"),
        ],
    )
    def test_a_changed_shape_is_refused_by_its_path(self, at: str, how: str, to: Any) -> None:
        id = self.enter(Deal())
        rule = {"kind": "drift", "match": {"operation": "composite"}, "at": at, "how": how}
        self.sandbox.faults(SF, rule if to is None else {**rule, "to": to})

        with pytest.raises(SystemRefused, match="shape"):
            self.client.opportunity(id)

    def test_the_correlation_of_a_report_reaches_the_ledger(self) -> None:
        deal = ExternalRef(system=SF, kind="opportunity", id=self.enter(Deal()))
        token = correlation.set("run-7")
        try:
            self.client.report_engagement(deal, number="ENG-1", state="launched", key=a_key())
        finally:
            correlation.reset(token)

        assert self.sandbox.ledger(SF)[-1]["correlation"] == "run-7"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        pytest.param(403, "REQUEST_LIMIT_EXCEEDED", Throttled, id="the-orgs-limit"),
        pytest.param(400, "UNABLE_TO_LOCK_ROW", SystemUnavailable, id="locked"),
        pytest.param(400, "QUERY_TIMEOUT", SystemUnavailable, id="slow-query"),
        pytest.param(403, "INSUFFICIENT_ACCESS", None, id="no-permission"),
        pytest.param(400, "REQUIRED_FIELD_MISSING", None, id="refused"),
        pytest.param(503, "UNABLE_TO_LOCK_ROW", None, id="a-5xx-is-always-perhaps-done"),
    ],
)
def test_what_salesforce_means_beyond_the_status(
    status: int, code: str, kind: type[SystemTrouble] | None
) -> None:
    assert kind is classify(Reply(status, {}, [{"message": "m", "errorCode": code}]))


def answering(reply: Callable[[httpx.Request], httpx.Response]) -> SalesforceCrm:
    settings = Settings.model_validate(
        {"base_url": "https://x.example", "consumer_key": "k", "username": "u", "private_key": "p"}
    )
    http = Http(SF, "https://x.example", transport=httpx.MockTransport(reply))
    return SalesforceCrm(SF, settings, http, FieldMap.load(CONNECTOR.mapping))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        pytest.param(
            httpx.Response(404, json={"title": "Not here"}), AnswerLost, id="a-404-of-a-proxy"
        ),
        pytest.param(
            httpx.Response(200, json={"Id": "006FL0000000099AAA"}), AnswerLost, id="another-record"
        ),
        pytest.param(httpx.Response(200, json=[1]), AnswerLost, id="another-shape"),
        pytest.param(httpx.Response(300, json=["/a", "/b"]), SystemRefused, id="300-ambiguous"),
    ],
)
def test_looking_up_believes_only_salesforces_own_words(
    reply: httpx.Response, expected: type[SystemTrouble]
) -> None:
    crm = answering(lambda _: reply)
    deal = ExternalRef(system=SF, kind="opportunity", id=DEAL)

    with pytest.raises(expected):
        crm.find_reported(deal, number="ENG-1", state="launched", key=a_key())


def test_a_200_to_an_update_is_not_believed() -> None:
    crm = answering(lambda _: httpx.Response(200, json={"ok": True}))

    with pytest.raises(AnswerLost):
        crm.report_engagement(
            ExternalRef(system=SF, kind="opportunity", id=DEAL), number="E", state="s", key=a_key()
        )


def test_every_operation_of_the_port_is_declared() -> None:
    methods = {f"crm.{name}" for name in vars(Crm) if not name.startswith("_")}

    assert methods == set(CONNECTOR.operations)


# -- change events ---------------------------------------------------------------------------


def told(fixture: str) -> list[tuple[str, str]]:
    changes = reads_webhook((FIXTURES / f"change_event_{fixture}.json").read_bytes())
    return [(change.opportunity, change.revision) for change in changes]


@pytest.mark.parametrize(
    ("fixture", "expected"),
    [
        pytest.param("update", [(DEAL, "2026-11-02T09:41:07.000Z/10696133215024")], id="bare"),
        pytest.param(
            "eventbridge", [(DEAL, "2026-11-02T09:41:07.000Z/10696133215024")], id="eventbridge"
        ),
        pytest.param(
            "create_merged",
            [
                ("006FL0000000018YAA", "2026-11-02T09:41:40.250Z/10696133215100"),
                ("006FL0000000019YAA", "2026-11-02T09:41:40.250Z/10696133215100"),
                (DEAL, "2026-11-02T09:41:41.000Z/10696133215111"),
            ],
            id="a-list-of-a-merged-create-and-an-undelete",
        ),
        pytest.param("gap", [(DEAL, "2026-11-02T09:43:20.000Z/10696133216000")], id="gap"),
        pytest.param("overflow", [], id="overflow-names-no-record"),
        pytest.param("wildcard", [], id="wildcard-names-no-record"),
        pytest.param("delete", [], id="delete"),
        pytest.param("own_write", [], id="our-own-write"),
        pytest.param("other_object", [], id="another-object"),
        pytest.param(
            "contract",
            [(DEAL, "2026-11-02T09:46:41.000Z/10696133218001")],
            id="contract-that-names-its-deal",
        ),
    ],
)
def test_change_events(fixture: str, expected: list[tuple[str, str]]) -> None:
    assert expected == told(fixture)


HEADER = "/payload/ChangeEventHeader"


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        pytest.param(b"", [""], id="empty"),
        pytest.param(b"\xff\xfe", [""], id="not-utf-8"),
        pytest.param(b"[" * 100_000, [""], id="too-deep"),
        pytest.param(b"{}", [""], id="no-header"),
        pytest.param(b'{"payload": 1}', ["/payload"], id="payload-is-a-number"),
        pytest.param(b"[{}, 1]", ["/0", "/1"], id="every-event-is-named"),
        pytest.param(
            {"entityName": 1, "recordIds": [], "commitNumber": True},
            [
                f"{HEADER}/{n}"
                for n in (
                    "entityName",
                    "recordIds",
                    "changeType",
                    "commitTimestamp",
                    "commitNumber",
                )
            ],
            id="every-field-is-named",
        ),
        pytest.param({"recordIds": ["' OR 1"]}, [f"{HEADER}/recordIds"], id="no-record-id"),
        pytest.param({"commitTimestamp": 10**18}, [f"{HEADER}/commitTimestamp"], id="after-9999"),
    ],
)
def test_a_wrong_shape_names_its_places(body: bytes | dict[str, Any], pointers: list[str]) -> None:
    if isinstance(body, dict):
        event = simplejson.loads((FIXTURES / "change_event_update.json").read_bytes())
        header = event["payload"]["ChangeEventHeader"]
        if "entityName" in body:
            for name in ("changeType", "commitTimestamp"):
                del header[name]
        header.update(body)
        body = simplejson.dumps(event).encode()

    with pytest.raises(InvalidInput) as caught:
        reads_webhook(body)

    assert pointers == [problem.pointer for problem in caught.value.problems]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["payload", "detail", "data", "ChangeEventHeader", "recordIds", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_no_body_breaks_the_reader(body: Any) -> None:
    with suppress(InvalidInput):
        for change in reads_webhook(simplejson.dumps(body).encode()):
            assert change.opportunity


class TestPushed(OverHttp):
    def test_what_the_sandbox_pushes_is_read_and_names_the_deal(self) -> None:
        id = self.enter(Deal())
        deal = ExternalRef(system=SF, kind="opportunity", id=id)
        self.sandbox.control.put(
            f"/_sandbox/{SF}/webhook",
            json={"url": "http://127.0.0.1:9/", "secret": "whsec_" + "QUJD" * 10},
        )
        self.rename(id, "Renamed")
        self.client.report_engagement(deal, number="ENG-1", state="launched", key=a_key())

        pushes = self.sandbox.control.get(f"/_sandbox/{SF}/pushes").json()["pushes"]
        bodies = [push["body"] for push in pushes]
        told = [reads_webhook(simplejson.dumps(body).encode()) for body in bodies]

        assert [[id], []] == [[change.opportunity for change in one] for one in told]


# -- the sandbox's own strictness --------------------------------------------------------------


class TestDialect(OverHttp):
    @pytest.fixture(autouse=True)
    def _signed_in(self, _over_http: None) -> None:
        claims = {
            "iss": self.settings["consumer_key"],
            "sub": self.settings["username"],
            "aud": self.settings["audience"],
            "exp": int(time.time()) + 100,
        }
        key = signing_key("RS256", self.settings["private_key"])
        assertion = jwt.encode(claims, key, algorithm="RS256")
        root = self.settings["base_url"]
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        self.http = httpx.Client(base_url=root, verify=trusted())
        reply = self.http.post(
            "/services/oauth2/token", data={"grant_type": grant, "assertion": assertion}
        )
        self.http.headers["authorization"] = f"Bearer {reply.json()['access_token']}"

    def query(self, soql: str) -> httpx.Response:
        return self.http.get(f"{V}/query", params={"q": soql})

    def names(self, where: str) -> list[str]:
        reply = self.query(" ".join([ALL_NAMES, where, "ORDER BY Name DESC"]))
        assert reply.status_code == 200, reply.text
        return [row["Name"] for row in reply.json()["records"]]

    def test_conditions_find_what_they_say(self) -> None:
        acme = self.plant("Account", Name="Acme")
        self.plant("Opportunity", Name="A", Amount=10, StageName="Closed Won", AccountId=acme)
        self.plant("Opportunity", Name="B", Amount=Decimal("10.5"), CloseDate="2027-01-01")
        self.plant("Opportunity", Name="O'C", AccountId=acme)

        assert self.names("IsWon = true AND Account.Name = 'acme'") == ["A"]
        assert self.names("Amount = null AND Name = 'O\\'C'") == ["O'C"]
        assert self.names("Amount >= 10 AND Amount < 11") == ["B", "A"]
        assert self.names("NOT (Name LIKE 'a%')") == ["O'C", "B"]
        assert self.names("AccountId IN (SELECT Id FROM Account WHERE Name = 'Acme')") == [
            "O'C",
            "A",
        ]
        assert self.names("(Name = 'A' OR Name = 'B') AND CloseDate = 2027-01-01") == ["B"]
        assert self.names("SystemModstamp < 2020-01-01T00:00:00.000Z") == []
        assert self.names("Name NOT IN ('A', 'B')") == ["O'C"]

    def test_parents_children_counts_and_limits(self) -> None:
        acme = self.plant("Account", Name="Acme")
        self.plant("Account", Name="Bare")
        self.plant("Opportunity", Name="A", AccountId=acme)

        rows = self.query(
            "SELECT Name, (SELECT Name, Account.Name FROM Opportunities) FROM Account ORDER BY Name"
        ).json()["records"]

        assert rows[0]["Opportunities"]["records"][0]["Account"]["Name"] == "Acme"
        assert rows[1]["Opportunities"] is None
        assert self.query("SELECT COUNT() FROM Account").json()["totalSize"] == 2
        assert len(self.query("SELECT Id FROM Account LIMIT 1 OFFSET 1").json()["records"]) == 1

    @pytest.mark.parametrize(
        ("soql", "code"),
        [
            pytest.param("SELECT Nme FROM Account", "INVALID_FIELD", id="unknown-field"),
            pytest.param("SELECT Id FROM Acount", "INVALID_TYPE", id="unknown-object"),
            pytest.param("SELECT Id FROM Account WHERE Name = 1", "INVALID_FIELD", id="type"),
            pytest.param("SELECT Id Account", "MALFORMED_QUERY", id="no-from"),
            pytest.param("SELECT * FROM Account", "MALFORMED_QUERY", id="star"),
            pytest.param(
                "SELECT Id FROM Account WHERE Name = 'a' AND Name = 'b' OR Name = 'c'",
                "MALFORMED_QUERY",
                id="and-with-or",
            ),
        ],
    )
    def test_a_wrong_query_is_refused_in_salesforces_words(self, soql: str, code: str) -> None:
        reply = self.query(soql)

        assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            pytest.param({"Name": "A", "Nme": "x"}, "INVALID_FIELD", id="unknown-field"),
            pytest.param({}, "REQUIRED_FIELD_MISSING", id="required"),
            pytest.param({"Name": 1}, "JSON_PARSER_ERROR", id="type"),
            pytest.param({"Name": "A" * 256}, "STRING_TOO_LONG", id="too-long"),
            pytest.param({"Name": "A", "Id": DEAL}, "INVALID_FIELD_FOR_INSERT_UPDATE", id="fixed"),
            pytest.param(
                {"Name": "A", "ParentId": DEAL}, "INVALID_CROSS_REFERENCE_KEY", id="reference"
            ),
        ],
    )
    def test_a_wrong_record_is_refused(self, body: dict[str, Any], code: str) -> None:
        reply = self.http.post(f"{V}/sobjects/Account", json=body)

        assert (400, code) == (reply.status_code, reply.json()[0]["errorCode"])
        assert self.sandbox.records(SF, "Account") == []

    def test_records_are_made_read_changed_and_deleted(self) -> None:
        made = self.http.post(f"{V}/sobjects/Account", json={"Name": "Acme"})
        at = f"{V}/sobjects/Account/{made.json()['id']}"

        assert made.status_code == 201
        assert self.http.patch(at, json={"Name": "Acme SE"}).status_code == 204
        assert self.http.get(at, params={"fields": "Name"}).json()["Name"] == "Acme SE"
        assert self.http.delete(at).status_code == 204
        assert self.http.get(at).status_code == 404

    def test_an_external_id_makes_once_then_changes_then_is_ambiguous(self) -> None:
        at = f"{V}/sobjects/Product2/ProductCode/ARC"

        first = self.http.patch(at, json={"Name": "Architect"})
        second = self.http.patch(at, json={"Name": "Architekt"})
        self.plant("Product2", Name="Other", ProductCode="arc")

        assert (first.status_code, second.status_code) == (201, 200)
        assert first.json()["id"] == second.json()["id"]
        assert self.http.patch(at, json={"Name": "x"}).status_code == 300
        assert len(self.http.get(at).json()) == 2

    def composite(self, all_or_none: bool, *parts: dict[str, Any]) -> list[dict[str, Any]]:
        body = {"allOrNone": all_or_none, "compositeRequest": list(parts)}
        return self.http.post(f"{V}/composite", json=body).json()["compositeResponse"]

    def part(self, name: str, kind: str, **body: Any) -> dict[str, Any]:
        return {
            "method": "POST", "url": f"{V}/sobjects/{kind}", "referenceId": name, "body": body,
        }  # fmt: skip

    def test_a_composite_refers_to_its_earlier_parts(self) -> None:
        answers = self.composite(
            True,
            self.part("a", "Account", Name="Acme"),
            self.part("c", "Contract", AccountId="@{a.id}"),
        )

        assert [answer["httpStatusCode"] for answer in answers] == [201, 201]
        (contract,) = self.sandbox.records(SF, "Contract")
        assert answers[0]["body"]["id"] == contract["body"]["AccountId"]

    def test_all_or_none_takes_everything_back(self) -> None:
        answers = self.composite(
            True, self.part("a", "Account", Name="Acme"), self.part("b", "Account")
        )

        assert [answer["body"][0]["errorCode"] for answer in answers] == [
            "PROCESSING_HALTED",
            "REQUIRED_FIELD_MISSING",
        ]
        assert self.sandbox.records(SF, "Account") == []
        assert self.sandbox.ledger(SF) == []

    def test_without_all_or_none_the_others_stay(self) -> None:
        self.composite(False, self.part("a", "Account", Name="Acme"), self.part("b", "Account"))

        assert len(self.sandbox.records(SF, "Account")) == 1

    def test_who_is_not_signed_in_gets_nothing(self) -> None:
        reply = httpx.get(f"{self.settings['base_url']}{V}/limits", verify=trusted())

        assert (reply.status_code, reply.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")

    def test_every_answer_says_how_much_of_the_limit_is_used(self) -> None:
        assert "api-usage=" in self.http.get(f"{V}/limits").headers["sforce-limit-info"]

    def test_describe_tells_external_ids_and_references(self) -> None:
        fields = self.http.get(f"{V}/sobjects/Opportunity/describe").json()["fields"]
        named = {field["name"]: field for field in fields}

        assert named["Fairlead_Engagement__c"]["externalId"]
        assert named["AccountId"]["referenceTo"] == ["Account"]


def test_the_check_of_an_id_is_salesforces() -> None:
    assert with_check("001D000000IRFma") == "001D000000IRFmaIAH"


@given(st.text(max_size=60))
def test_no_text_breaks_the_soql_reader(text: str) -> None:
    with suppress(Malformed):
        parse(" ".join(["SELECT Id FROM Account WHERE", text]))


def test_moments_are_utc() -> None:
    (change,) = reads_webhook((FIXTURES / "change_event_update.json").read_bytes())

    assert datetime(2026, 11, 2, 9, 41, 7, tzinfo=UTC) == change.at
