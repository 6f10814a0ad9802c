"""What the Salesforce org works out by itself, and what its query language allows."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from fairlead.sandbox.books import Books
from fairlead.sandbox.dialect import Call, Deny
from fairlead.sandbox.salesforce import Salesforce

V = "v62.0"


class Org:
    def __init__(self, **settings: Any) -> None:
        self.books = Books("org")
        example = Salesforce.example_settings()
        pushed: list[dict[str, Any]] = []
        self.dialect = Salesforce("org", self.books, {**example, **settings}, pushed.append)

    def plant(self, kind: str, **body: Any) -> str:
        return self.dialect.plant(kind, body).id

    def body(self, kind: str, id: str) -> Mapping[str, Any]:
        found = self.books.read(kind, id)
        assert found is not None
        return found.body

    def query(self, soql: str) -> dict[str, Any]:
        route = next(route for route in self.dialect.routes() if route.operation == "query")
        call = Call("GET", "", {"version": V}, {"q": soql}, {}, b"")
        return route.handler(call).body

    def refusal(self, soql: str) -> str:
        with pytest.raises(Deny) as caught:
            self.query(soql)
        return (
            f"{caught.value.answer.body[0]['errorCode']}: {caught.value.answer.body[0]['message']}"
        )


@pytest.fixture
def org() -> Org:
    return Org()


@pytest.fixture
def quote(org: Org) -> str:
    return org.plant("Quote", Name="Q", OpportunityId=org.plant("Opportunity", Name="Deal"))


def line(org: Org, quote: str, quantity: int, price: str, discount: str | None = None) -> str:
    return org.plant(
        "QuoteLineItem", QuoteId=quote, Quantity=quantity, UnitPrice=Decimal(price),
        Discount=None if discount is None else Decimal(discount),
    )  # fmt: skip


def test_a_quote_is_the_sum_of_its_lines_with_tax_and_shipping_on_top(org: Org, quote: str) -> None:
    org.dialect.amend("Quote", quote, {"Tax": Decimal("19.5"), "ShippingHandling": 1})
    first = line(org, quote, 10, "100", "12.5")
    line(org, quote, 1, "0.5")
    body = org.body("Quote", quote)
    assert (Decimal("875.5"), Decimal("896")) == (body["TotalPrice"], body["GrandTotal"])

    org.dialect.amend("QuoteLineItem", first, {"Quantity": 1})
    assert org.body("Quote", quote)["TotalPrice"] == 88

    org.dialect.discard("QuoteLineItem", first)
    assert org.body("Quote", quote)["TotalPrice"] == Decimal("0.5")


def test_only_the_quote_that_the_deal_names_is_synced(org: Org, quote: str) -> None:
    deal = org.body("Quote", quote)["OpportunityId"]
    other = org.plant("Quote", Name="Other", OpportunityId=deal)
    assert not org.body("Quote", quote)["IsSyncing"]

    org.dialect.amend("Opportunity", deal, {"SyncedQuoteId": quote})
    assert tuple(org.body("Quote", id)["IsSyncing"] for id in (quote, other)) == (True, False)

    org.dialect.amend("Opportunity", deal, {"SyncedQuoteId": other})
    assert tuple(org.body("Quote", id)["IsSyncing"] for id in (quote, other)) == (False, True)


def test_a_box_that_nobody_ticked_is_false_and_never_null(org: Org) -> None:
    contract = org.plant("Contract", Account={"Name": "Acme"})

    clause = org.plant("Contract_Clause__c", Contract__c=contract, Name="Cap", Code__c="cap")

    assert org.body("Contract_Clause__c", clause)["Standard__c"] is False


@pytest.mark.parametrize(
    ("kind", "lacks"),
    [
        pytest.param("Engagement_Phase__c", "Opportunity__c", id="phase"),
        pytest.param("Subcontract_Need__c", "Opportunity__c", id="subcontracting"),
        pytest.param("Contract_Clause__c", "Contract__c", id="clause"),
        pytest.param("QuoteLineItem", "QuoteId, Quantity, UnitPrice", id="quote-line"),
    ],
)
def test_what_belongs_to_something_must_name_it(org: Org, kind: str, lacks: str) -> None:
    with pytest.raises(Deny) as caught:
        org.plant(kind)

    assert f"[{lacks}]" in caught.value.answer.body[0]["message"]


def test_an_org_without_an_object_has_nothing_that_leads_to_it() -> None:
    org = Org(absent=["Engagement_Phase__c"])

    assert org.refusal("SELECT Id FROM Engagement_Phase__c").startswith("INVALID_TYPE")
    assert org.refusal("SELECT Phase__c FROM OpportunityLineItem").startswith("INVALID_FIELD")
    lists = "SELECT Id, (SELECT Id FROM Engagement_Phases__r) FROM Opportunity"
    org.plant("Opportunity", Name="Deal")
    assert org.refusal(lists).startswith("INVALID_TYPE")


def test_a_path_climbs_five_relationships_and_no_more(org: Org) -> None:
    top = None
    for name in ("Top", "Third", "Second", "First", "Client"):
        top = org.plant("Account", Name=name, ParentId=top)
    org.plant("Opportunity", Name="Deal", AccountId=top)
    highest = "Account.Parent.Parent.Parent.Parent.Name"

    among = f"WHERE {highest} IN ('x', 'top')"
    (row,) = org.query(" ".join(["SELECT", highest, "FROM Opportunity", among]))["records"]

    found = row["Account"]
    for _ in range(4):
        found = found["Parent"]
    assert found["Name"] == "Top"
    too_far = highest.replace(".Name", ".Parent.Name")
    assert "MALFORMED_QUERY" in org.refusal(" ".join(["SELECT", too_far, "FROM Opportunity"]))


ACCOUNTS = "AccountId IN (SELECT Id FROM Account)"


def deals(where: str) -> str:
    return " ".join(["SELECT Id FROM Opportunity WHERE", where])


@pytest.mark.parametrize(
    ("where", "said"),
    [
        pytest.param(f"IsWon = true OR {ACCOUNTS}", "top level", id="or"),
        pytest.param(f"IsWon = true AND (Name = 'x' OR {ACCOUNTS})", "top level", id="or-inside"),
        pytest.param(f"NOT {ACCOUNTS}", "top level", id="not"),
        pytest.param(" AND ".join([ACCOUNTS] * 3), "Maximum 2", id="three"),
        pytest.param("Id IN (SELECT Id FROM opportunity)", "same object", id="on-itself"),
        pytest.param(
            "AccountId IN (SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contract))",
            "Nested",
            id="nested",
        ),
        pytest.param("AccountId IN (SELECT Account.Id FROM Contract)", "one field", id="by-a-path"),
        pytest.param("AccountId IN (SELECT Id FROM Account LIMIT 1)", "LIMIT", id="limited"),
    ],
)
def test_semi_joins_are_held_to_salesforces_rules(org: Org, where: str, said: str) -> None:
    refused = org.refusal(deals(where))

    assert refused.startswith("MALFORMED_QUERY")
    assert said in refused


def test_two_semi_joins_beside_an_or_are_allowed(org: Org) -> None:
    account = org.plant("Account", Name="Acme")
    org.plant("Contract", AccountId=account)
    deal = org.plant("Opportunity", Name="x", AccountId=account)
    contracts = "AccountId IN (SELECT AccountId FROM Contract)"

    found = org.query(deals(f"(Name = 'x' OR Name = 'y') AND {ACCOUNTS} AND {contracts}"))

    assert [deal] == [row["Id"] for row in found["records"]]


def test_a_list_inside_a_record_comes_in_batches_too() -> None:
    org = Org(batch_size=2)
    deal = org.plant("Opportunity", Name="Deal")
    for n in range(3):
        org.plant("Engagement_Phase__c", Opportunity__c=deal, Name=f"Phase {n}")

    (row,) = org.query("SELECT Id, (SELECT Id FROM Engagement_Phases__r) FROM Opportunity")[
        "records"
    ]

    phases = row["Engagement_Phases__r"]
    assert (phases["totalSize"], phases["done"], len(phases["records"])) == (3, False, 2)
    assert phases["nextRecordsUrl"].startswith(f"/services/data/{V}/query/01g")


def test_a_list_holds_no_list(org: Org) -> None:
    org.plant("Opportunity", Name="Deal", Account={"Name": "Acme"})
    soql = "SELECT Id, (SELECT Id, (SELECT Id FROM Quotes) FROM Opportunities) FROM Account"

    assert "one level" in org.refusal(soql)
