"""What the handoff makes in other systems, and what it takes back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from office import Office, firm

from deals import a_client, a_contract, a_deal, a_term, money
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.errors import InvalidInput, NotAllowed
from fairlead.flow.cancel import cancel_run
from fairlead.work.words import ExceptionAction

APPROVER = "ines.moreau"


def known(name: str, id: str, **changes: Any) -> Any:
    return a_client(name, id=id, system="netsuite-emea", **changes)


def launched(office: Office, **deal: Any) -> None:
    office.win(a_deal(**deal))
    office.settle()
    office.hand_over()
    office.answer(APPROVER)


def test_a_ready_deal_becomes_a_launched_engagement_in_every_system(office: Office) -> None:
    deal = a_deal(
        contract_type=ContractType.MILESTONE,
        contract=a_contract(billing_terms=(a_term("Design", share="0.4"), a_term(share="0.6"))),
        roles=(RoleDemand(role="Solution Architect", hours=Decimal(400), rate=money("220")),),
    )
    office.win(deal)
    office.settle()
    assert office.engagement().state is EngagementState.IN_SETUP
    office.hand_over()
    assert office.engagement().state is EngagementState.AWAITING_LAUNCH
    office.answer(APPROVER)

    now, ledger = office.engagement(), office.ledgers["netsuite-emea"]
    assert now.state is EngagementState.LAUNCHED
    assert set(now.refs) == {"client", "psa_project", "ledger_project", "billing_schedule"}
    ((booked, client),) = ledger.of("job")
    ((shell, client_name),) = office.projects.of("workspace")
    assert booked == shell
    assert (client, client_name) == (now.refs["client"], "Kestrel Logistik GmbH")
    assert (shell.code, shell.budget) == (now.project_code, money("90000"))
    assert shell.rate_card == "EMEA 2026"
    assert office.projects.of("package") == list(shell.work_packages)
    (request,) = office.projects.of("request")
    assert (request.role, request.hours) == ("Solution Architect", 400)
    (schedule,) = ledger.of("schedule")
    assert [str(line.amount.amount) for line in schedule.lines] == ["36000.00", "54000.00"]
    assert office.crm.of("reported") == [("O1", now.number, "launched")]
    assert not office.ledgers["netsuite-amer"].entries
    assert {row["about"] for row in office.rows("notifications")} == {
        "engagement_launched",
        "staffing_wanted",
    }


def test_dimensions_follow_from_region_service_line_and_legal_entity(office: Office) -> None:
    office.win(a_deal(region="APAC", service_line="Data and analytics", legal_entity="TH-PTE"))
    office.settle()

    ((project, _),) = office.ledgers["netsuite-emea"].of("job")
    assert project.dimensions.model_dump() == {
        "legal_entity": "TH-PTE",
        "subsidiary": "4",
        "practice": "2",
        "region": "3",
        "cost_centre": "12",
    }


# the client


def test_a_client_that_the_ledger_knows_under_another_spelling_is_taken(office: Office) -> None:
    ledger = office.ledgers["netsuite-emea"]
    ledger.master = [known("KESTREL LOGISTIK G.m.b.H.", "77", tax_id=None)]

    launched(office)

    assert office.engagement().refs["client"].id == "77"
    assert not ledger.of("customer")


def test_two_deals_of_one_new_client_make_it_once(office: Office) -> None:
    office.win(a_deal(id="O1"))
    office.win(a_deal(id="O2", client=a_client("Kestrel Logistik", id="A2")))
    office.settle()

    assert len(office.ledgers["netsuite-emea"].of("customer")) == 1
    assert office.engagement("O1").refs["client"] == office.engagement("O2").refs["client"]


def ask_which(office: Office) -> None:
    """Two that it may be."""
    office.ledgers["netsuite-emea"].master = [
        known("Kestrel Logistik AG", "1", tax_id=None),
        known("Kestrel Logistics GmbH", "2", tax_id=None),
    ]
    office.win()
    office.settle()


def test_a_person_says_which_client_it_is(office: Office) -> None:
    ask_which(office)
    (found,) = office.open_exceptions()
    assert found["class"] == "needs_decision"
    assert {c["id"] for c in found["difference"]["candidates"]} == {"1", "2"}

    office.resolve("tomasz.wojcik", ExceptionAction.CHOOSE, {"choice": "2"})
    office.settle()

    assert office.engagement().refs["client"].id == "2"
    assert not office.ledgers["netsuite-emea"].of("customer")


def test_a_person_says_that_it_is_none_of_them(office: Office) -> None:
    ask_which(office)

    office.resolve("tomasz.wojcik", ExceptionAction.CHOOSE, {"choice": "none"})
    office.settle()

    assert office.ledgers["netsuite-emea"].of("customer") == [("Kestrel Logistik GmbH", "2")]


def test_none_of_them_holds_also_for_a_client_that_we_made_ourselves(office: Office) -> None:
    """Two companies of one name in one country, neither with a tax id."""
    first = a_client("Cedar Hall", id="A1", tax_id=None)
    office.win(a_deal(id="O1", region="AMER", client=first))
    office.settle()
    # the ledger's copy has no country, so it is not surely the same
    master = office.ledgers["netsuite-amer"].master
    master[0] = a_client("Cedar Hall", id="customer-1", system="netsuite-amer", country=None)

    second = a_client("Cedar Hall", id="A2", tax_id=None)
    office.win(a_deal(id="O2", region="AMER", client=second))
    office.settle()
    office.resolve("tomasz.wojcik", ExceptionAction.CHOOSE, {"choice": "none"})
    office.settle()

    assert len(office.ledgers["netsuite-amer"].of("customer")) == 2
    assert office.engagement("O1").refs["client"] != office.engagement("O2").refs["client"]


def test_only_what_was_shown_can_be_chosen(office: Office) -> None:
    ask_which(office)

    with pytest.raises(InvalidInput, match="none"):
        office.resolve("tomasz.wojcik", ExceptionAction.CHOOSE, {"choice": "77"})


# taking back


def test_a_refused_launch_closes_what_was_opened_and_keeps_the_client(office: Office) -> None:
    office.win()
    office.settle()
    office.hand_over()
    refs = office.engagement().refs

    office.answer(APPROVER, approved=False, reason="The client has gone quiet.")

    assert office.engagement().state is EngagementState.DECLINED
    assert office.projects.of("closed") == [refs["psa_project"].id]
    assert office.ledgers["netsuite-emea"].of("closed") == [refs["ledger_project"].id]
    assert office.rows("runs")[0]["state"] == "declined"
    assert not office.crm.of("reported")


def test_a_lost_deal_of_a_declined_engagement_is_no_news(office: Office) -> None:
    office.win()
    office.settle()
    office.hand_over()
    office.answer(APPROVER, approved=False, reason="The client has gone quiet.")

    office.change(a_deal(revision="2026-11-03T00:00:00.000Z", stage="lost"))

    assert not office.open_exceptions()


def test_a_cancelled_run_takes_back_what_it_made(office: Office) -> None:
    office.win()
    office.settle()
    run = office.rows("runs")[0]["id"]

    with office.db.transaction() as tx:
        cancel_run(tx, run, by=APPROVER, reason="The client withdrew.")
    office.settle()

    assert office.rows("runs")[0]["state"] == "cancelled"
    assert len(office.projects.of("closed")) == len(office.ledgers["netsuite-emea"].of("closed"))
    assert len(office.projects.of("closed")) == 1
    assert not office.rows("tasks", state="open")


def test_the_seller_may_not_approve_the_launch(office: Office) -> None:
    office.win(a_deal(owner="ines.moreau@tarn-holloway.example"))
    office.settle()
    office.hand_over()

    with pytest.raises(NotAllowed, match="asked for it"):
        office.answer(APPROVER)


def test_every_outward_action_says_why_it_may_be_repeated_and_undo_is_on_the_same_port() -> None:
    registry = firm().registry
    assert registry.faults() == []
    assert {name for name, action in registry.actions.items() if action.undo} == {
        "create_psa_project",
        "create_ledger_project",
    }
