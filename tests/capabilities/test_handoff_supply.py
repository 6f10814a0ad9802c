"""A person fills a blank once, in one place; the CRM keeps the last word."""

from __future__ import annotations

from typing import Any

import pytest
from office import Office

from deals import a_client, a_contract, a_deal
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.rules.deal_terms import terms
from fairlead.errors import InvalidInput
from fairlead.work.words import ExceptionAction

SUPPLY = ExceptionAction.SUPPLY
TERMS = [{"name": "Design", "share": "0.4"}, {"name": "Go live", "share": "0.6"}]


def blocked(office: Office, **blank: Any) -> None:
    office.win(a_deal(**blank))
    office.advance()


def supply(office: Office, who: str, values: dict[str, Any]) -> None:
    office.resolve(who, SUPPLY, values)
    office.advance()


def test_a_supplied_value_opens_the_gate_and_is_kept_with_who_gave_it(office: Office) -> None:
    blocked(office, starts_on=None)

    supply(office, "pia.novak", {"starts_on": "2026-12-01"})

    known = office.engagement()
    assert known.state is EngagementState.IN_SETUP
    assert known.deal.starts_on is None  # what the CRM says is not overwritten
    assert str(terms(known).starts_on) == "2026-12-01"
    assert known.provenance["starts_on"].source == "person:pia.novak"
    assert not office.open_exceptions()


@pytest.mark.parametrize(
    ("blank", "values"),
    [
        ({"contract": a_contract(payment_days=None)}, {"contract.payment_days": 45}),
        ({"client": a_client(tax_id=None)}, {"client.tax_id": "DE129876540"}),
        ({"client": a_client(country=None)}, {"client.address.country": "DE"}),
        ({"contract_type": ContractType.MILESTONE}, {"contract.billing_terms": TERMS}),
        ({"region": None}, {"region": "APAC"}),
        (
            {"contract_type": ContractType.TIME_AND_MATERIALS},
            {"roles": [{"role": "Consultant", "hours": "80.5"}]},
        ),
    ],
)
def test_whatever_a_gap_says_can_be_supplied_can_be(
    office: Office, blank: dict[str, Any], values: dict[str, Any]
) -> None:
    blocked(office, **blank)

    supply(office, "tomasz.wojcik", values)

    assert office.engagement().state is EngagementState.IN_SETUP


def test_a_supplied_region_decides_who_may_see_and_which_ledger_serves(office: Office) -> None:
    blocked(office, region=None, client=a_client(tax_id=None))

    supply(office, "pia.novak", {"region": "AMER"})
    office.settle()
    office.hand_over()

    (row,) = office.rows("engagements")
    task = office.task()
    assert (row["region"], task["region"]) == ("AMER", "AMER")
    assert office.ledgers["netsuite-amer"].of("job")
    office.answer("dwayne.carter")
    assert office.engagement().state is EngagementState.LAUNCHED


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"starts_on": "soon"}, "/values/starts_on"),
        ({"starts_on": 86400}, "/values/starts_on"),
        ({"starts_on": ""}, "/values/starts_on"),
        ({"contract.billing_terms": [TERMS[0], {"name": "x", "share": "7"}]},
         "/values/contract.billing_terms/1/share"),
        ({"contract.billing_terms": [{"share": "1"}]}, "/values/contract.billing_terms/0"),
        ({"contract.billing_terms": [{"name": "x", "share": "1", "a/b~c": 1}]},
         "/values/contract.billing_terms/0/a~1b~0c"),
        ({"contract.billing_terms": "in two parts"}, "/values/contract.billing_terms"),
        ({"value": {"amount": "12"}}, "/values/value"),
        ({"value": {"amount": 1.5, "currency": "EUR"}}, "/values/value/amount"),
        ({"starts_on": "2026-12-01", "contract.payment_days": True},
         "/values/contract.payment_days"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_refused_where_it_lies_and_nothing_is_kept(
    office: Office, values: dict[str, Any], pointer: str
) -> None:
    blocked(
        office,
        starts_on=None,
        value=None,
        contract_type=ContractType.MILESTONE,
        contract=a_contract(payment_days=None),
    )
    before = office.engagement()

    with pytest.raises(InvalidInput) as refused:
        office.resolve("pia.novak", SUPPLY, values)

    pointers = [problem.pointer for problem in refused.value.problems]
    assert pointers == [pointer]
    assert _resolves(pointer, {"values": values})
    assert office.engagement() == before
    assert office.open_exceptions()


def _resolves(pointer: str, sent: Any) -> bool:
    """RFC 6901, said again."""
    document: Any = sent
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            document = document[int(name) if isinstance(document, list) else name]
        except (KeyError, IndexError, TypeError, ValueError):
            return False
    return True


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"name": "Another deal"}, id="a-field-that-is-not-missing"),
        pytest.param({"contract": {"number": "1"}}, id="a-record-of-another-system"),
        pytest.param({"value": {"amount": "1", "currency": "EUR"}}, id="what-the-crm-says"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_was_not_asked_for_is_refused(office: Office, values: dict[str, Any]) -> None:
    blocked(office, starts_on=None, contract=None)
    cause = f"gate:{office.rows('runs')[0]['id']}:commercial_data"

    with pytest.raises(InvalidInput, match="not asked for"):
        office.resolve("pia.novak", SUPPLY, values, cause=cause)

    assert not office.engagement().supplied


def test_what_was_supplied_wrong_can_be_supplied_again(office: Office) -> None:
    """Nobody else could mend it: it stands in no other system."""
    blocked(office, contract_type=ContractType.MILESTONE)
    supply(office, "tomasz.wojcik", {"contract.billing_terms": TERMS[:1]})
    assert office.gaps() == {"contract.billing_terms"}

    supply(office, "tomasz.wojcik", {"contract.billing_terms": TERMS})

    assert office.engagement().state is EngagementState.IN_SETUP
    assert not office.open_exceptions()


def test_a_legal_entity_that_is_not_ours_is_asked_for_again_with_those_that_are(
    office: Office,
) -> None:
    blocked(office, legal_entity=None)
    supply(office, "tomasz.wojcik", {"legal_entity": "TH"})

    (found,) = office.open_exceptions()
    (gap,) = found["gaps"]
    assert gap["choices"] == ["TH-LTD", "TH-GMBH", "TH-INC", "TH-PTE"]
    supply(office, "tomasz.wojcik", {"legal_entity": "TH-LTD"})

    assert office.engagement().state is EngagementState.IN_SETUP


def test_whoever_supplied_a_value_may_not_approve_the_launch(office: Office) -> None:
    blocked(office, starts_on=None)
    supply(office, "ines.moreau", {"starts_on": "2026-12-01"})
    office.settle()
    office.hand_over()

    task = office.task()
    assert "ines.moreau" in task["excluded"]
