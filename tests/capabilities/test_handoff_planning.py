"""How an engagement is set up follows from policies: methods, tax, rules of time, and the cap."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from office import Office

from deals import a_client, a_contract, a_deal, a_term, money
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.model.role_demand import RoleDemand

ROLES = (RoleDemand(role="Consultant", hours=Decimal(80)),)


def set_up(office: Office, ledger: str = "netsuite-emea", **deal: Any) -> Any:
    """The project, as the ledger and the project system were told it."""
    office.win(a_deal(**deal))
    office.settle()
    ((booked, _),) = office.ledgers[ledger].of("job")
    ((shell, _),) = office.projects.of("workspace")
    assert booked == shell
    return booked


@pytest.mark.parametrize(
    ("deal", "methods"),
    [
        ({}, ("milestone", "over_time_by_cost")),
        (
            {
                "contract_type": ContractType.MILESTONE,
                "contract": a_contract(billing_terms=(a_term(share="1"),)),
            },
            ("milestone", "point_in_time"),
        ),
        (
            {"contract_type": ContractType.TIME_AND_MATERIALS, "roles": ROLES},
            ("as_worked", "as_invoiced"),
        ),
        (
            {
                "contract_type": ContractType.MANAGED_SERVICE,
                "contract": a_contract(billing_terms=(a_term(every_months=1),)),
            },
            ("recurring", "straight_line"),
        ),
    ],
)
def test_billing_and_revenue_follow_from_the_contract_type(
    office: Office, deal: dict[str, Any], methods: tuple[str, str]
) -> None:
    project = set_up(office, **deal)

    assert (project.billing_method, project.revenue_method) == methods


@pytest.mark.parametrize(
    ("deal", "code", "tax_id"),
    [
        pytest.param({}, "DE-STANDARD", "DE811234565", id="at-home"),
        pytest.param(
            {"client": a_client(country="FR", tax_id="FR40303265045"), "country": "FR"},
            "DE-REVERSE-CHARGE",
            "FR40303265045",
            id="in-the-union",
        ),
    ],
)
def test_the_tax_treatment_stands_on_the_project(
    office: Office, deal: dict[str, Any], code: str, tax_id: str
) -> None:
    tax = set_up(office, **deal).tax

    assert tax.code == code
    assert (tax.country, tax.client_tax_id) == ("DE", tax_id)
    assert tax.basis
    assert tax.rate == (Decimal("0.19") if code == "DE-STANDARD" else 0)


def test_a_client_elsewhere_is_an_export_of_the_entity_that_invoices(office: Office) -> None:
    tax = set_up(
        office,
        legal_entity="TH-LTD",
        client=a_client(country="US", tax_id="12-3456789"),
        country="US",
    ).tax

    assert (tax.country, tax.kind) == ("GB", "export")


@pytest.mark.parametrize(
    ("deal", "policies"),
    [
        ({}, ("DE-DAILY", "DE-PER-DIEM")),
        (
            {"contract_type": ContractType.TIME_AND_MATERIALS, "roles": ROLES},
            ("DE-DAILY-DETAILED", "DE-PER-DIEM"),
        ),
        ({"country": "GB"}, ("EMEA-WEEKLY", "EMEA-ACTUALS")),
        ({"region": "APAC", "country": "SG"}, ("APAC-WEEKLY", "APAC-ACTUALS")),
    ],
)
def test_rules_of_time_and_expense_follow_from_the_place(
    office: Office, deal: dict[str, Any], policies: tuple[str, str]
) -> None:
    project = set_up(office, **deal)

    assert (project.time_policy, project.expense_policy) == policies


def test_the_cap_of_the_contract_stands_on_the_project(office: Office) -> None:
    project = set_up(
        office,
        contract_type=ContractType.TIME_AND_MATERIALS,
        roles=ROLES,
        contract=a_contract(cap=money("100000")),
    )

    assert project.cap == money("100000")


def test_where_there_is_no_cap_none_stands_on_the_project(office: Office) -> None:
    assert set_up(office).cap is None


def test_each_decision_of_the_plan_is_kept_with_its_row(office: Office) -> None:
    project = set_up(office)

    known = office.engagement()
    assert {
        policy: office.decided(policy, known)
        for policy in (
            "project-template",
            "practice-dimensions",
            "region-dimensions",
            "revenue-method",
            "time-expense",
        )
    } == {
        "project-template": ["cloud-engineering"],
        "practice-dimensions": ["cloud-engineering"],
        "region-dimensions": ["emea"],
        "revenue-method": ["fixed-fee"],
        "time-expense": ["germany"],
    }
    (decision,) = office.rows("decisions", policy="revenue-method")
    assert decision["step"] == "plan_setup"
    assert decision["facts"] == {"contract_type": "fixed_fee", "legal_entity": "TH-GMBH"}
    assert (project.code, project.parent_code) == (known.project_code, None)


# tax that cannot be told


@pytest.mark.parametrize(
    ("client", "field", "says"),
    [
        pytest.param(
            a_client(tax_id="DE811234567"), "client.tax_id", "a digit is wrong", id="wrong-digit"
        ),
        pytest.param(
            a_client(tax_id="FR40303265045"), "client.tax_id", "tax id of FR", id="of-another"
        ),
    ],
)
def test_a_tax_id_that_is_none_stops_the_deal_and_says_why(
    office: Office, client: Any, field: str, says: str
) -> None:
    office.win(a_deal(client=client))
    office.settle()

    (found,) = office.open_exceptions()
    assert (found["step"], found["team"]) == ("tax_determined", "finance-operations")
    assert says in found["detail"]
    assert office.gaps() == {field}
    assert office.engagement().state is EngagementState.RECEIVED
    assert not office.rows("effects")


def test_a_blank_that_the_tax_follows_from_is_asked_for_once(office: Office) -> None:
    """The tax gate waits for what the gate of mandatory data asks for already."""
    office.win(a_deal(client=a_client(country=None)))
    office.settle()

    (found,) = office.open_exceptions()
    assert found["step"] == "commercial_data"


def test_a_tax_id_that_only_the_tax_needs_is_asked_for_by_the_tax_gate(office: Office) -> None:
    client = a_client(country="FR", tax_id=None)
    office.win(a_deal(region="AMER", client=client, country="FR"))
    office.settle()

    (found,) = office.open_exceptions()
    assert found["step"] == "tax_determined"
    assert office.gaps() == {"client.tax_id"}
