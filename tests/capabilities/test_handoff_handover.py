"""The packet changes hands: each side accepts it as it stands, and again when it was reopened."""

from __future__ import annotations

from typing import Any

import pytest
from office import Office

from deals import a_client, a_deal, money
from fairlead.domain.model.engagement import EngagementState, Side
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.domain.rules.handover import digest, is_accepted
from fairlead.errors import InvalidInput, NotAllowed

APPROVER = "ines.moreau"
LATER = "2026-11-02T12:00:01.000Z"
LATER_STILL = "2026-11-02T12:00:02.000Z"


def set_up(office: Office) -> None:
    office.win()
    office.settle()


def launched(office: Office) -> None:
    set_up(office)
    office.hand_over()
    office.answer(APPROVER)


def raised(office: Office, revision: str = LATER, **changes: Any) -> None:
    """The client now pays more."""
    office.change(a_deal(revision=revision, **({"value": money("95000")} | changes)))
    office.settle()


def test_sales_hands_over_before_the_launch_is_asked_for(office: Office) -> None:
    set_up(office)
    assert office.task()["role"] == "sales_operations"
    assert office.engagement().state is EngagementState.IN_SETUP

    office.hand_over()

    assert office.task()["step"] == "launch_approval"
    (accepted,) = office.engagement().acceptances
    assert (accepted.side, accepted.by) == (Side.SALES, "pia.novak")
    assert not is_accepted(office.engagement())


def test_only_sales_may_hand_over_and_it_cannot_be_refused(office: Office) -> None:
    set_up(office)

    with pytest.raises(NotAllowed):
        office.hand_over(APPROVER)
    with pytest.raises(InvalidInput):
        office.answer("pia.novak", approved=False, reason="Not yet.")


def test_both_sides_accept_one_digest_and_the_log_says_so(office: Office) -> None:
    launched(office)

    known = office.engagement()
    assert {one.side: (one.by, one.digest) for one in known.acceptances} == {
        Side.SALES: ("pia.novak", digest(known)),
        Side.DELIVERY: (APPROVER, digest(known)),
    }
    assert is_accepted(known)
    (told,) = office.rows("events", type="packet.accepted")
    assert told["attributes"] == {"side": "sales", "digest": digest(known)}


def test_the_approver_sees_the_digest_that_is_accepted(office: Office) -> None:
    set_up(office)
    office.hand_over()

    assert office.task("launch_approval")["shown"]["packet"] == digest(office.engagement())


# a change of what was accepted


def test_a_change_after_launch_asks_with_the_difference_before_anything_moves(
    office: Office,
) -> None:
    launched(office)
    before = office.engagement()

    raised(office)

    task = office.task("accept_change")
    assert (task["kind"], task["role"]) == ("approval", "pmo_lead")
    assert task["shown"]["difference"] == {
        "value": {
            "ours": {"amount": "90000", "currency": "EUR"},
            "theirs": {"amount": "95000", "currency": "EUR"},
        }
    }
    assert office.engagement() == before


def test_an_accepted_change_reopens_the_packet_and_both_accept_it_again(office: Office) -> None:
    launched(office)
    first = digest(office.engagement())
    raised(office)

    office.answer(APPROVER, step="accept_change")
    reopened = office.engagement()
    assert reopened.deal.value == money("95000")
    assert digest(reopened) != first
    assert not is_accepted(reopened)
    (told,) = office.rows("events", type="packet.reopened")
    assert told["attributes"] == {"fields": ["value"]}

    office.hand_over()
    assert not is_accepted(office.engagement())
    office.answer(APPROVER, step="accept_packet")

    known = office.engagement()
    assert is_accepted(known)
    assert {one.digest for one in known.acceptances} == {digest(known)}
    assert len(office.rows("events", type="packet.accepted")) == 3
    assert [run["state"] for run in office.runs("contract-change")] == ["completed"]
    assert known.state is EngagementState.LAUNCHED


def test_a_refused_change_leaves_ours_as_it_is(office: Office) -> None:
    launched(office)
    before = office.engagement()
    raised(office)

    office.answer(APPROVER, step="accept_change", approved=False, reason="Not agreed with us.")

    assert office.engagement() == before
    assert is_accepted(office.engagement())
    assert [run["state"] for run in office.runs("contract-change")] == ["declined"]
    assert [run["state"] for run in office.runs("deal-to-delivery")] == ["completed"]


def test_what_was_refused_is_asked_again_when_the_crm_says_more(office: Office) -> None:
    launched(office)
    raised(office)
    office.answer(APPROVER, step="accept_change", approved=False, reason="Not agreed with us.")

    raised(office, LATER_STILL, value=money("96000"))

    assert office.task("accept_change")


def test_a_change_during_the_set_up_waits_for_its_end(office: Office) -> None:
    office.win()
    office.advance()
    assert office.engagement().state is EngagementState.IN_SETUP
    office.change(a_deal(revision=LATER, value=money("95000")))
    office.advance()
    assert office.step("for_set_up") == "waiting"
    assert not office.rows("tasks")

    office.settle()
    assert office.step("for_set_up") == "waiting"
    ((project, _),) = office.ledgers["netsuite-emea"].of("job")
    assert project.budget == money("90000")

    office.hand_over()
    assert office.step("for_set_up") == "done"
    assert office.task("accept_change")
    assert office.task("launch_approval")


def test_a_change_that_waits_ends_with_a_set_up_that_is_cancelled(office: Office) -> None:
    won = office.win()
    office.advance()
    office.change(a_deal(revision=LATER, value=money("95000")))
    office.settle()

    office.cancel(won)

    assert {run["state"] for run in office.rows("runs")} == {"cancelled"}
    assert not office.rows("tasks", state="open")


def test_a_change_before_the_launch_is_decided_does_not_wait(office: Office) -> None:
    set_up(office)
    office.hand_over()

    raised(office)

    assert office.task("accept_change")


def test_what_the_crm_goes_on_owning_is_taken_in_without_asking(office: Office) -> None:
    launched(office)

    raised(office, value=money("90000"), client_tier="strategic")

    assert office.engagement().deal.client_tier == "strategic"
    assert not office.runs("contract-change")


def test_a_seller_who_changes_reopens_nothing(office: Office) -> None:
    launched(office)

    raised(office, value=money("90000"), owner="somebody.else@example.com")

    assert is_accepted(office.engagement())
    assert not office.runs("contract-change")


def test_a_deal_that_is_lost_after_launch_is_a_question_for_delivery(office: Office) -> None:
    launched(office)

    raised(office, value=money("90000"), stage=OpportunityStage.LOST)

    (found,) = office.open_exceptions()
    assert (found["team"], found["class"]) == ("delivery-operations", "conflict")
    assert office.engagement().state is EngagementState.LAUNCHED


def test_a_change_of_several_fields_names_them_all(office: Office) -> None:
    launched(office)

    raised(office, ends_on=None, client=a_client("Falke AG"))

    (run,) = office.runs("contract-change")
    assert run["input"]["fields"] == ["client.name", "ends_on", "value"]
    office.answer(APPROVER, step="accept_change")
    client = office.engagement().deal.client
    assert client
    assert client.name == "Falke AG"


def test_an_accepted_change_has_an_open_launch_approval_asked_anew(office: Office) -> None:
    set_up(office)
    office.hand_over()
    raised(office, value=money("2500000"))

    office.answer("hanna.lindqvist", step="accept_change")

    old, new = office.rows("tasks", step="launch_approval")
    assert (old["state"], new["state"]) == ("cancelled", "open")
    assert new["role"] == "controller"  # by the policy, for the sum that it now is
    assert new["shown"]["packet"] == digest(office.engagement())
    office.answer("pia.novak", step="hand_over_packet")
    office.answer(APPROVER, step="accept_packet")
    office.answer("hanna.lindqvist", step="launch_approval")
    assert office.engagement().state is EngagementState.LAUNCHED
    assert is_accepted(office.engagement())


def test_a_change_beyond_the_limit_is_accepted_by_nobody_below_it(office: Office) -> None:
    launched(office)
    raised(office, value=money("2500000"))

    with pytest.raises(NotAllowed, match="controller"):
        office.answer(APPROVER, step="accept_change")
