"""The firm's decision tables say what they must, for every case that can come."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from office import firm

from fairlead.capabilities.handoff.gates import ChangeFacts, HandoffFacts, LaunchFacts
from fairlead.capabilities.handoff.planning import (
    PracticeFacts,
    RegionFacts,
    RevenueFacts,
    TemplateFacts,
    TimeFacts,
)
from fairlead.capabilities.handoff.review import (
    ClauseReviewFacts,
    CountryFacts,
    RateFacts,
    ReviewFacts,
)
from fairlead.capabilities.handoff.triggers import TriggerFacts
from fairlead.capabilities.handoff.workspace import RetentionFacts
from fairlead.config import SAMPLE
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.capacity import CapacityFacts
from fairlead.domain.rules.deal_terms import value_at
from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition
from fairlead.policy.tables import decide, decide_all
from fairlead.trust.roles import Role

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ALWAYS = {
    "client", "client.address.country", "value", "starts_on", "ends_on", "region", "service_line",
    "contract_type", "legal_entity", "contract", "contract.payment_days",
}  # fmt: skip


def asked(**facts: str) -> list[dict[str, Any]]:
    named = {"contract_type": "fixed_fee", "region": "AMER", "country": "US",
             "service_line": "Cloud engineering", "client_tier": "standard"}  # fmt: skip
    policy = firm().policies.as_of("mandatory-data", NOW)
    return [d.answer for d in decide_all(policy, HandoffFacts(**(named | facts)), NOW)]


@pytest.mark.parametrize(
    ("facts", "also"),
    [
        pytest.param({}, frozenset[str](), id="fixed-fee"),
        pytest.param({"contract_type": ""}, frozenset[str](), id="nothing-said"),
        pytest.param({"contract_type": "milestone"}, {"contract.billing_terms"}, id="milestone"),
        pytest.param({"contract_type": "phased"}, {"contract.billing_terms"}, id="phased"),
        pytest.param({"contract_type": "managed_service"}, {"contract.billing_terms"}, id="run"),
        pytest.param({"contract_type": "time_and_materials"}, {"roles"}, id="t-and-m"),
        pytest.param({"region": "EMEA"}, {"client.tax_id"}, id="emea"),
        pytest.param({"client_tier": "strategic"}, {"contract.purchase_order"}, id="strategic"),
        pytest.param(
            {"contract_type": "phased", "region": "EMEA", "client_tier": "strategic"},
            {"contract.billing_terms", "client.tax_id", "contract.purchase_order"},
            id="all-together",
        ),
    ],
)
def test_what_is_mandatory(facts: dict[str, str], also: set[str] | frozenset[str]) -> None:
    assert {answer["field"] for answer in asked(**facts)} == ALWAYS | also


@pytest.mark.parametrize("region", ["EMEA", "AMER", "APAC"])
@pytest.mark.parametrize("contract_type", list(ContractType))
def test_every_mandatory_field_has_a_place_in_the_deal_and_an_owner_who_is_a_team(
    contract_type: ContractType, region: str
) -> None:
    fields = Opportunity.model_json_schema()
    for answer in asked(contract_type=contract_type, region=region, client_tier="strategic"):
        assert answer["label"]
        assert answer["remedy"]
        assert answer["owner"] in firm().firm.teams
        assert _is_a_path(str(answer["field"]), fields), answer["field"]


def _is_a_path(path: str, schema: dict[str, Any]) -> bool:
    at: Any = schema
    for part in path.split("."):
        options = [at, *at.get("anyOf", [])]
        refs = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
        at = schema["$defs"][refs[0]] if refs else at
        at = value_at(at, f"properties.{part}")
        if at is None:
            return False
    return True


def launch(value: str, currency: str) -> tuple[str, str]:
    policy = firm().policies.as_of("launch-approval", NOW)
    facts = LaunchFacts(
        value=Decimal(value), currency=currency, region="EMEA", contract_type="fixed_fee"
    )
    decision = decide(policy, facts, NOW)
    assert decision.answer["because"]
    return str(decision.answer["role"]), decision.row


@pytest.mark.parametrize(
    ("value", "currency", "role"),
    [
        ("999999.99", "EUR", "pmo_lead"),
        ("1000000", "EUR", "controller"),
        ("1000000.00", "USD", "controller"),
        ("149999999", "JPY", "pmo_lead"),
        ("150000000", "JPY", "controller"),
        ("0.01", "GBP", "pmo_lead"),
    ],
)
def test_who_may_launch_goes_by_the_value(value: str, currency: str, role: str) -> None:
    assert launch(value, currency)[0] == role


def every_approver(name: str, facts: list[Value]) -> set[str]:
    policy = firm().policies.as_of(name, NOW)
    return {str(decide(policy, each, NOW).answer["role"]) for each in facts}


def test_whoever_a_review_policy_names_is_a_role_that_somebody_holds() -> None:
    rates = [
        RateFacts(discount=Decimal(d), unpriced=n, amount=Decimal(0), currency="EUR", region="EMEA")
        for d in ("0", "0.1", "0.15", "0.16", "1")
        for n in (0, 1)
    ]
    clauses = [
        ClauseReviewFacts(departing=n, codes="", country="DE", contract_type="") for n in (0, 1, 9)
    ]
    countries = [
        CountryFacts(country=c, client_country=o, service_line=line, legal_entity="TH-LTD")
        for c in ("DE", "AE", "RU", "")
        for o in ("DE", "KP", "")
        for line in ("Cloud engineering", "Something new", "")
    ]
    people = [
        CapacityFacts(
            shortfall=Decimal(s), short_hours=Decimal(1), short_roles=1, weeks_until_short=0
        )
        for s in ("0", "0.2", "0.21", "0.6", "0.61", "1")
    ]
    named = (
        every_approver("rate-approval", [*rates])
        | every_approver("clause-review", [*clauses])
        | every_approver("country-compliance", [*countries])
        | every_approver("capacity-warning", [*people])
    )

    assert named == {"none", "pmo_lead", "controller", "legal", "compliance", "resource_manager"}
    for role in named - {"none"}:
        for region in firm().firm.regions:
            assert firm().people.holding(Role(role), region=region), (role, region)


def test_every_template_that_the_policy_names_is_there() -> None:
    policy = firm().policies.as_of("project-template", NOW)
    for line in ("Cloud engineering", "Data and analytics", "Finance transformation",
                 "Risk and compliance", "Managed services", "Something new", ""):  # fmt: skip
        for contract_type in ContractType:
            facts = TemplateFacts(service_line=line, contract_type=contract_type)
            assert firm().firm.template(str(decide(policy, facts, NOW).answer["template"]))


@pytest.mark.parametrize(
    ("line", "contract_type", "template"),
    [
        ("Cloud engineering", "fixed_fee", "cloud-engineering"),
        ("Finance transformation", "phased", "erp-implementation"),
        ("Cloud engineering", "managed_service", "managed-service"),
        ("Something new", "fixed_fee", "standard-delivery"),
    ],
)
def test_the_template_follows_from_service_line_and_contract(
    line: str, contract_type: str, template: str
) -> None:
    policy = firm().policies.as_of("project-template", NOW)
    facts = TemplateFacts(service_line=line, contract_type=contract_type)

    assert decide(policy, facts, NOW).answer["template"] == template


def test_every_region_that_delivers_has_its_dimension_and_no_other_has() -> None:
    policy = firm().policies.as_of("region-dimensions", NOW)
    ids = [
        decide(policy, RegionFacts(region=region), NOW).answer["region_id"]
        for region in firm().firm.regions
    ]

    assert len(set(ids)) == len(ids) == 3
    with pytest.raises(InvalidDefinition):
        decide(policy, RegionFacts(region="ATLANTIS"), NOW)


def test_practice_and_cost_centre_follow_from_the_service_line() -> None:
    policy = firm().policies.as_of("practice-dimensions", NOW)

    def answer(line: str) -> Any:
        return decide(policy, PracticeFacts(service_line=line, region="EMEA"), NOW).answer

    assert answer("Cloud engineering") == {"practice": "1", "cost_centre": "11"}
    assert answer("Something new") == {"practice": "9", "cost_centre": "19"}


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("mandatory-data", HandoffFacts),
        ("launch-approval", LaunchFacts),
        ("project-template", TemplateFacts),
        ("practice-dimensions", PracticeFacts),
        ("region-dimensions", RegionFacts),
        ("revenue-method", RevenueFacts),
        ("time-expense", TimeFacts),
        ("document-retention", RetentionFacts),
        ("handoff-trigger", TriggerFacts),
        ("rate-approval", RateFacts),
        ("clause-review", ClauseReviewFacts),
        ("country-compliance", CountryFacts),
        ("capacity-warning", CapacityFacts),
        ("delivery-review", ReviewFacts),
        ("contract-change", ChangeFacts),
    ],
)
def test_a_policy_asks_for_facts_that_there_are(name: str, facts: type[Value]) -> None:
    assert set(firm().policies.as_of(name, NOW).inputs) <= set(facts.model_fields)


def test_the_definitions_of_the_sample_firm_have_no_fault() -> None:
    assert firm().settings.config == SAMPLE
    assert firm().lint() == []
