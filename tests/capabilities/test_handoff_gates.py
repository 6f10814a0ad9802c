"""Nothing is set up before it is ready, and what is missing is named with its owner."""

from __future__ import annotations

from typing import Any

import pytest
from office import Office

from deals import a_client, a_contract, a_deal, a_term, money
from fairlead.domain.model.contract import ContractStatus, ContractType
from fairlead.domain.model.engagement import EngagementState


@pytest.mark.parametrize(
    ("blank", "field", "owner"),
    [
        ({"client": None}, "client", "sales-operations"),
        ({"client": a_client(country=None)}, "client.address.country", "sales-operations"),
        ({"client": a_client(tax_id=None)}, "client.tax_id", "finance-operations"),
        ({"value": None}, "value", "sales-operations"),
        ({"starts_on": None}, "starts_on", "sales-operations"),
        ({"ends_on": None}, "ends_on", "sales-operations"),
        ({"region": None}, "region", "sales-operations"),
        ({"service_line": " "}, "service_line", "sales-operations"),
        ({"contract_type": None}, "contract_type", "sales-operations"),
        ({"legal_entity": None}, "legal_entity", "finance-operations"),
        ({"contract": None}, "contract", "legal"),
        (
            {"contract": a_contract(payment_days=None)},
            "contract.payment_days",
            "finance-operations",
        ),
        (
            {"contract_type": ContractType.MILESTONE},
            "contract.billing_terms",
            "finance-operations",
        ),
        ({"contract_type": ContractType.TIME_AND_MATERIALS}, "roles", "sales-operations"),
        (
            {"client_tier": "strategic", "contract": a_contract(purchase_order=None)},
            "contract.purchase_order",
            "sales-operations",
        ),
        ({"legal_entity": "TH-SARL"}, "legal_entity", "sales-operations"),
        ({"region": "Europe"}, "region", "sales-operations"),
    ],
)
def test_a_deal_that_lacks_something_is_stopped_and_says_what(
    office: Office, blank: dict[str, Any], field: str, owner: str
) -> None:
    office.win(a_deal(**blank))
    office.settle()

    gaps = [gap for found in office.open_exceptions() for gap in found["gaps"]]
    assert (field, owner) in {(gap["field"], gap["owner"]) for gap in gaps}
    assert all(gap["problem"] and gap["remedy"] for gap in gaps)
    assert office.step("commercial_data") == "blocked"
    assert office.engagement().state is EngagementState.RECEIVED
    assert not office.rows("effects")


def test_all_that_is_missing_is_one_exception_with_every_gap(office: Office) -> None:
    office.win(a_deal(starts_on=None, legal_entity=None))
    office.settle()

    (found,) = office.open_exceptions()
    assert [gap["field"] for gap in found["gaps"]] == ["starts_on", "legal_entity"]
    assert "2 gaps" in found["title"]


def test_gaps_of_one_team_are_that_teams(office: Office) -> None:
    office.win(a_deal(legal_entity=None))
    office.settle()

    (found,) = office.open_exceptions()
    assert found["team"] == "finance-operations"


@pytest.mark.parametrize(
    ("contract", "owner"),
    [
        pytest.param(a_contract(status=ContractStatus.IN_APPROVAL), "legal", id="unsigned"),
        pytest.param(a_contract(value=money("1")), "sales-operations", id="another-value"),
        pytest.param(
            a_contract(billing_terms=(a_term(share="0.5"),)), "finance-operations", id="half-billed"
        ),
    ],
)
def test_a_contract_that_does_not_hold_stops_the_deal(
    office: Office, contract: Any, owner: str
) -> None:
    office.win(a_deal(contract=contract))
    office.settle()

    (found,) = office.open_exceptions()
    assert (found["step"], found["team"]) == ("contract_signed", owner)
    assert not office.rows("effects")


def test_what_was_asked_and_answered_is_kept_with_the_rows_that_fired(office: Office) -> None:
    office.win()
    office.settle()

    rows = {row["row"] for row in office.rows("decisions", policy="mandatory-data")}
    assert {"client", "emea-tax-id"} <= rows
    assert "strategic-purchase-order" not in rows


def test_the_launch_is_asked_of_whom_the_policy_names_with_its_reason(office: Office) -> None:
    office.win(a_deal(value=money("1000000")))
    office.settle()
    office.hand_over()

    task = office.task()
    assert task["role"] == "controller"
    assert task["because"]
    assert task["shown"]["value"] == {"amount": "1000000", "currency": "EUR"}
