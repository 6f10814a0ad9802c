"""What both sides accept, and the digest that tells whether it is still that."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import a_client, a_contract, a_deal, money
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.model.engagement import Acceptance, Engagement, EngagementState, Side
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.domain.rules.handover import (
    NOT_TERMS,
    accepted_by,
    agreed,
    difference,
    digest,
    is_accepted,
    told,
)
from fairlead.domain.values import ExternalRef

AT = datetime(2026, 11, 20, tzinfo=UTC)

MOVES_BY_ITSELF: tuple[dict[str, Any], ...] = (
    {"revision": "2027"},
    {"modified_at": AT},
    {"probability": Decimal("0.9")},
    {"stage": OpportunityStage.LOST},
    {"stage_name": "Closed"},
    {"owner": "somebody.else@example.com"},
)
AGREED: tuple[dict[str, Any], ...] = (
    {"value": money("90000.01")},
    {"value": money("90000", "USD")},
    {"ends_on": date(2027, 9, 1)},
    {"ends_on": None},
    {"client": a_client("Falke AG")},
    {"client": None},
    {"contract": a_contract(payment_days=60)},
    {"contract": None},
    {"country": "AT"},
    {"legal_entity": "TH-LTD"},
)


def an_engagement(**changes: Any) -> Engagement:
    given: dict[str, Any] = {
        "id": EngagementId("e1"),
        "number": "ENG-1",
        "state": EngagementState.IN_SETUP,
        "deal": a_deal(**changes.pop("deal", {})),
        "opened_at": AT,
    }
    return Engagement.model_validate(given | changes)


def by(side: Side, of: Engagement) -> Acceptance:
    return Acceptance(side=side, by="somebody", at=AT, digest=digest(of))


@pytest.mark.parametrize("changes", MOVES_BY_ITSELF)
def test_what_moves_by_itself_is_no_part_of_what_was_agreed(changes: dict[str, Any]) -> None:
    assert difference(a_deal(), a_deal(**changes)) == {}
    assert digest(an_engagement(deal=changes)) == digest(an_engagement())


def test_every_field_that_moves_by_itself_is_tried_here() -> None:
    assert {name for changes in MOVES_BY_ITSELF for name in changes} == NOT_TERMS


@pytest.mark.parametrize("changes", AGREED)
def test_a_change_of_what_was_agreed_changes_the_digest(changes: dict[str, Any]) -> None:
    assert difference(a_deal(), a_deal(**changes))
    assert digest(an_engagement(deal=changes)) != digest(an_engagement())


@given(st.permutations(AGREED[2:8]))
def test_a_difference_names_each_field_once_with_both_values(order: list[dict[str, Any]]) -> None:
    theirs = a_deal(**order[0])
    found = difference(a_deal(), theirs)

    for name, both in found.items():
        assert both["ours"] == told(a_deal()).get(name)
        assert both["theirs"] == told(theirs).get(name)
        assert both["ours"] != both["theirs"]
    swapped = difference(theirs, a_deal())
    assert swapped.keys() == found.keys()


def test_client_and_contract_are_compared_field_by_field() -> None:
    found = difference(a_deal(), a_deal(contract=a_contract(payment_days=60)))

    assert found == {"contract.payment_days": {"ours": 30, "theirs": 60}}


@pytest.mark.parametrize(
    "changes",
    [
        {"state": EngagementState.LAUNCHED},
        {"version": 9},
        {"refs": {"client": ExternalRef(system="netsuite-emea", kind="customer", id="1")}},
        {"launched_at": AT},
    ],
)
def test_what_the_set_up_adds_does_not_reopen_the_packet(changes: dict[str, Any]) -> None:
    assert digest(an_engagement(**changes)) == digest(an_engagement())


def test_the_project_code_and_the_signature_are_part_of_it() -> None:
    agreement = Agreement(
        ref=ExternalRef(system="docusign", kind="envelope", id="E1"),
        title="SOW",
        status=AgreementStatus.SIGNED,
        revision="1",
    )
    signed = an_engagement(agreement=agreement)
    voided = an_engagement(
        agreement=agreement.model_copy(update={"status": AgreementStatus.VOIDED})
    )
    read_again = an_engagement(agreement=agreement.model_copy(update={"revision": "2"}))

    assert digest(an_engagement(project_code="TH-1")) != digest(an_engagement())
    assert len({digest(one) for one in (an_engagement(), signed, voided)}) == 3
    assert digest(read_again) == digest(signed)


def test_a_value_that_a_person_supplied_is_accepted_as_if_the_crm_said_it() -> None:
    supplied = an_engagement(deal={"starts_on": None}, supplied={"starts_on": "2026-12-01"})

    assert agreed(supplied)["starts_on"] == "2026-12-01"
    assert digest(supplied) == digest(an_engagement())


def test_a_digest_is_the_same_in_every_process() -> None:
    """SHA-256 of canonical JSON; a change of it would reopen every packet of a running firm."""
    stored = Engagement.model_validate_json(an_engagement().model_dump_json())

    assert digest(stored) == digest(an_engagement())
    assert len(digest(stored)) == 64


# who has accepted


def test_a_packet_is_accepted_once_both_sides_hold_what_it_now_says() -> None:
    now = an_engagement()
    sales, delivery = by(Side.SALES, now), by(Side.DELIVERY, now)

    assert not is_accepted(now)
    assert not is_accepted(an_engagement(acceptances=(sales,)))
    assert not is_accepted(an_engagement(acceptances=(delivery,)))
    assert is_accepted(an_engagement(acceptances=(sales, delivery)))
    assert is_accepted(an_engagement(acceptances=(delivery, sales)))


def test_an_acceptance_of_what_it_said_before_does_not_hold() -> None:
    before, now = an_engagement(), an_engagement(deal={"value": money("95000")})
    old = (by(Side.SALES, before), by(Side.DELIVERY, before))
    changed = {"deal": {"value": money("95000")}}

    assert not is_accepted(an_engagement(**changed, acceptances=old))
    assert not is_accepted(an_engagement(**changed, acceptances=(*old, by(Side.SALES, now))))
    both = (*old, by(Side.SALES, now), by(Side.DELIVERY, now))
    assert is_accepted(an_engagement(**changed, acceptances=both))


def test_the_last_acceptance_of_each_side_counts() -> None:
    before, now = an_engagement(deal={"value": money("1")}), an_engagement()
    given = (by(Side.SALES, now), by(Side.DELIVERY, now), by(Side.SALES, before))
    known = an_engagement(acceptances=given)

    assert accepted_by(known)[Side.SALES] == given[2]
    assert not is_accepted(known)
