"""When a deal becomes work for delivery, and when delivery only looks at it beforehand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from office import CRM, Office

from deals import a_contract, a_deal, money
from fairlead.capabilities.handoff.events import SOW_APPROVED
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.model.role_demand import RoleDemand

LATER = "2026-11-02T12:00:01.000Z"
LATER_STILL = "2026-11-02T12:00:02.000Z"
TOLD = {"system": CRM, "opportunity": "O1"}


def open_deal(status: ContractStatus = ContractStatus.DRAFT, **changes: Any) -> Opportunity:
    given = {"stage": OpportunityStage.OPEN, "contract": a_contract(status=status)}
    return a_deal(**(given | changes))


def likely(**changes: Any) -> Opportunity:
    roles = (RoleDemand(role="Consultant", hours=Decimal(100), rate=money("140")),)
    given: dict[str, Any] = {"probability": Decimal("0.7"), "roles": roles}
    return open_deal(**(given | changes))


def test_a_won_deal_is_handed_off_and_the_decision_is_kept_with_its_row(office: Office) -> None:
    won = office.win()

    assert won.state is EngagementState.RECEIVED
    assert office.decided("handoff-trigger", won) == ["won"]
    (decision,) = office.rows("decisions", policy="handoff-trigger")
    assert decision["facts"]["stage"] == "won"
    assert decision["run_id"] is None


def test_an_open_deal_whose_statement_of_work_is_approved_in_the_crm_is_handed_off(
    office: Office,
) -> None:
    office.change(open_deal(ContractStatus.APPROVED))
    office.settle()

    known = office.engagement()
    assert known.state is EngagementState.RECEIVED
    assert office.decided("handoff-trigger", known) == ["sow-agreed"]
    assert office.step("commercial_data") == "done"
    assert office.step("contract_signed") == "blocked"  # agreed, but not signed yet
    assert not office.rows("effects")


def test_an_event_that_says_the_statement_of_work_is_approved_opens_the_handoff(
    office: Office,
) -> None:
    office.crm.deals["O1"] = open_deal()

    assert office.tell(SOW_APPROVED, TOLD).endswith("opened")

    known = office.engagement()
    assert known.deal.contract
    assert known.deal.contract.status is ContractStatus.APPROVED
    assert office.decided("handoff-trigger", known) == ["sow-agreed"]


def test_the_deal_goes_on_once_its_contract_is_signed_although_it_is_not_won(
    office: Office,
) -> None:
    office.crm.deals["O1"] = open_deal()
    office.tell(SOW_APPROVED, TOLD)
    office.settle()

    office.change(open_deal(ContractStatus.SIGNED, revision=LATER))
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP
    assert not office.open_exceptions()


@pytest.mark.parametrize(
    ("type", "status"),
    [(SOW_APPROVED, ContractStatus.CANCELLED), ("opportunity.closed_won", ContractStatus.DRAFT)],
)
def test_who_says_so_of_a_deal_that_is_not_so_opens_nothing(
    office: Office, type: str, status: ContractStatus
) -> None:
    office.crm.deals["O1"] = open_deal(status)

    assert "nothing to hand off" in office.tell(type, TOLD)
    assert not office.rows("engagements")


def test_a_likely_deal_opens_a_review_of_its_weighted_demand(office: Office) -> None:
    assert office.change(likely()).endswith("opened for review")
    office.settle()

    known = office.engagement()
    assert known.state is EngagementState.IN_REVIEW
    assert office.decided("handoff-trigger", known) == ["likely"]
    assert [run["playbook"] for run in office.rows("runs")] == ["delivery-review"]
    assert office.result("weigh_demand") == {
        "probability": "0.7",
        "roles": [{"role": "Consultant", "hours": "70.00"}],
        "hours": "70.00",
    }
    (notice,) = office.rows("notifications", about="demand_weighed")
    assert "70.00 hours" in notice["text"]
    task = office.task("delivery_review")
    assert (task["role"], task["kind"]) == ("pmo_lead", "approval")
    assert not office.rows("effects")


def test_where_the_deal_names_no_roles_the_review_weighs_those_of_its_template(
    office: Office,
) -> None:
    office.change(likely(roles=()))
    office.settle()

    weighed = office.result("weigh_demand")
    assert [role["role"] for role in weighed["roles"]] == [
        "Engagement Lead",
        "Solution Architect",
        "Consultant",
    ]
    assert Decimal(weighed["hours"]) == Decimal(90000) / 150 * Decimal("0.7")


def test_a_review_that_is_answered_is_told_to_sales_and_sets_nothing_up(office: Office) -> None:
    office.change(likely())
    office.settle()
    office.answer("ines.moreau")

    (notice,) = office.rows("notifications", about="review_done")
    assert notice["role"] == "sales_operations"
    assert office.engagement().state is EngagementState.IN_REVIEW
    assert office.rows("runs")[0]["state"] == "completed"


@pytest.mark.parametrize("probability", [None, Decimal("0.69")])
def test_a_deal_that_is_not_likely_enough_opens_nothing(
    office: Office, probability: Decimal | None
) -> None:
    assert "too early" in office.change(open_deal(probability=probability))
    assert not office.rows("engagements")


def test_a_reviewed_deal_that_is_won_goes_on_as_the_same_engagement(office: Office) -> None:
    office.change(likely())
    office.settle()
    before = office.engagement()

    office.change(likely(revision=LATER, stage=OpportunityStage.WON, contract=a_contract()))
    office.settle()

    now = office.engagement()
    assert (now.id, now.number, now.opened_at) == (before.id, before.number, before.opened_at)
    assert now.state is EngagementState.IN_SETUP
    assert office.decided("handoff-trigger", now) == ["likely", "won"]
    assert [run["state"] for run in office.runs("delivery-review")] == ["cancelled"]
    assert len(office.runs("deal-to-delivery")) == 1
    assert {task["step"] for task in office.rows("tasks", state="open")} == {"hand_over_packet"}


def test_a_review_goes_on_when_an_event_approves_the_statement_of_work(office: Office) -> None:
    """The CRM still says the same of the deal, at the same revision."""
    office.change(likely())
    office.settle()

    office.tell(SOW_APPROVED, TOLD)
    office.settle()

    known = office.engagement()
    assert known.state is EngagementState.RECEIVED
    assert office.step("commercial_data") == "done"
    assert office.gaps() == {"contract.status"}


def test_a_reviewed_deal_that_is_lost_ends_cancelled(office: Office) -> None:
    office.change(likely())
    office.settle()

    office.change(likely(revision=LATER, stage=OpportunityStage.LOST))
    office.settle()

    assert office.engagement().state is EngagementState.CANCELLED
    assert [run["state"] for run in office.rows("runs")] == ["cancelled"]
    assert not office.rows("tasks", state="open")

    office.change(likely(revision=LATER_STILL, stage=OpportunityStage.LOST, name="Renamed"))
    assert not office.open_exceptions()


def test_a_deal_that_was_lost_in_review_and_is_won_after_all_is_handed_off(office: Office) -> None:
    office.change(likely())
    office.change(likely(revision=LATER, stage=OpportunityStage.LOST))
    office.settle()

    office.change(likely(revision=LATER_STILL, stage=OpportunityStage.WON, contract=a_contract()))
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP
    assert len(office.rows("engagements")) == 1


def test_word_of_a_review_that_comes_late_changes_nothing(office: Office) -> None:
    office.change(likely(revision=LATER, name="As it is"))

    office.change(likely(name="As it was", stage=OpportunityStage.WON))

    known = office.engagement()
    assert (known.state, known.deal.name) == (EngagementState.IN_REVIEW, "As it is")


def test_a_change_of_a_likely_deal_is_taken_in_while_it_is_reviewed(office: Office) -> None:
    office.change(likely())
    office.settle()

    office.change(likely(revision=LATER, value=money("99000")))

    assert office.engagement().deal.value == money("99000")
    assert len(office.rows("runs")) == 1
