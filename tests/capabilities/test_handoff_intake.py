"""Each deal is one engagement and one run, whoever tells, how often and in which order."""

from __future__ import annotations

import json
import threading
from datetime import date
from typing import Any

import pytest
from office import CRM, Office

from deals import a_client, a_contract, a_deal, money
from fairlead.capabilities.handoff.deals import engagement_id
from fairlead.capabilities.handoff.events import CLOSED_WON
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.errors import SystemUnavailable
from fairlead.work.words import ExceptionAction

LATER = "2026-11-02T12:00:01.000Z"
LATER_STILL = "2026-11-02T12:00:02.000Z"


def test_a_won_deal_opens_one_engagement_and_one_run(office: Office) -> None:
    won = office.win()

    assert won.state is EngagementState.RECEIVED
    assert won.provenance["value"].source == CRM
    assert "roles" not in won.provenance
    assert len(office.rows("runs", subject_id=won.id)) == 1
    assert [row["type"] for row in office.rows("events", chain=won.id)][:1] == [CLOSED_WON]


def test_told_again_and_by_poll_it_stays_one(office: Office) -> None:
    office.win()

    office.hear({"ids": ["O1", "O1"]}, id="again")
    office.hear({"ids": ["O1"]}, id="again")
    office.hear({"opportunity": "O1"}, kind="change")
    outcomes = office.read()

    assert len(outcomes) == 3
    assert all("knows this already" in outcome for outcome in outcomes[1:])
    assert (len(office.rows("engagements")), len(office.rows("runs"))) == (1, 1)


@pytest.mark.parametrize("stage", [OpportunityStage.OPEN, OpportunityStage.LOST])
def test_a_deal_that_is_not_won_opens_nothing(office: Office, stage: OpportunityStage) -> None:
    draft = a_contract(status=ContractStatus.DRAFT)
    assert "nothing to hand off" in office.change(a_deal(stage=stage, contract=draft))
    assert not office.rows("engagements")


def test_a_deal_that_is_gone_is_nothing_of_ours(office: Office) -> None:
    office.hear({"ids": ["O404"]})

    assert office.read() == ["done: nothing of ours"]


def test_an_older_word_that_comes_late_changes_nothing(office: Office) -> None:
    office.win(a_deal(revision=LATER, name="As it is"))

    office.change(a_deal(name="As it was", stage=OpportunityStage.OPEN))

    assert office.engagement().deal.name == "As it is"
    assert not office.open_exceptions()


def test_a_change_before_the_set_up_is_taken_in_and_opens_the_gate(office: Office) -> None:
    office.win(a_deal(starts_on=None))
    office.advance()
    assert (office.step("commercial_data"), office.gaps()) == ("blocked", {"starts_on"})

    office.change(a_deal(revision=LATER))
    office.advance()

    assert office.step("commercial_data") == "done"
    assert not office.open_exceptions()
    assert office.engagement().state is EngagementState.IN_SETUP


def test_a_gate_that_was_open_is_judged_anew_when_the_deal_changes(office: Office) -> None:
    """Else a contract that is taken back while something else is missing would be set up."""
    office.win(a_deal(starts_on=None))
    office.advance()
    assert office.step("contract_signed") == "done"

    taken_back = a_contract(status=ContractStatus.CANCELLED)
    office.change(a_deal(revision=LATER, contract=taken_back))
    office.advance()

    assert (office.step("commercial_data"), office.step("contract_signed")) == ("done", "blocked")
    assert office.gaps() == {"contract.status"}
    assert office.engagement().state is EngagementState.RECEIVED


def test_a_gate_that_was_overridden_stays_so_when_the_deal_changes(office: Office) -> None:
    draft = a_contract(status=ContractStatus.DRAFT)
    office.win(a_deal(starts_on=None, contract=draft))
    office.advance()
    office.resolve(
        "ines.moreau", ExceptionAction.OVERRIDE, reason="Signed on paper.",
        cause=f"gate:{office.rows('runs')[0]['id']}:contract_signed",
    )  # fmt: skip

    office.change(a_deal(revision=LATER, contract=draft))
    office.advance()

    assert office.engagement().state is EngagementState.IN_SETUP


def test_a_deal_that_is_lost_before_its_set_up_waits_and_goes_on_when_won_again(
    office: Office,
) -> None:
    office.win(a_deal(starts_on=None))
    office.advance()

    office.change(a_deal(revision=LATER, stage=OpportunityStage.LOST))
    office.advance()
    assert office.gaps() == {"stage"}
    assert office.engagement().state is EngagementState.RECEIVED

    office.change(a_deal(revision=LATER_STILL))
    office.advance()
    assert office.engagement().state is EngagementState.IN_SETUP
    assert not office.open_exceptions()
    assert len(office.rows("runs")) == 1


def test_a_change_after_the_set_up_began_asks_a_person_and_changes_nothing(office: Office) -> None:
    office.win()
    office.advance()
    before = office.engagement()

    later = a_deal(revision=LATER, value=money("95000"), ends_on=None, client=a_client("Falke AG"))
    outcome = office.change(later)

    office.advance()
    assert "a person must look" in outcome
    assert not office.open_exceptions()
    (run,) = office.runs("contract-change")
    assert office.step("for_set_up", run["id"]) == "waiting"
    assert run["input"]["shown"]["difference"] == {
        "client.name": {"ours": "Kestrel Logistik GmbH", "theirs": "Falke AG"},
        "value": {
            "ours": {"amount": "90000", "currency": "EUR"},
            "theirs": {"amount": "95000", "currency": "EUR"},
        },
        "ends_on": {"ours": "2027-08-31", "theirs": None},
    }
    assert office.engagement() == before


def test_the_same_change_told_again_is_the_same_question(office: Office) -> None:
    office.win()
    office.advance()

    for revision in (LATER, LATER_STILL):
        office.change(a_deal(revision=revision, value=money("95000")))

    assert len(office.runs("contract-change")) == 1


def test_a_change_of_the_change_is_asked_about_in_its_place(office: Office) -> None:
    office.win()
    office.settle()
    office.hand_over()
    office.change(a_deal(revision=LATER, value=money("95000")))
    office.settle()

    office.change(a_deal(revision=LATER_STILL, value=money("97000")))
    office.settle()

    shown = office.task("accept_change")["shown"]["difference"]["value"]["theirs"]
    assert shown["amount"] == "97000"
    assert [run["state"] for run in office.runs("contract-change")] == ["cancelled", "active"]


def test_a_change_that_the_crm_takes_back_is_asked_about_no_more(office: Office) -> None:
    """Else an approval would take in what no system says."""
    office.win()
    office.settle()
    office.hand_over()
    office.change(a_deal(revision=LATER, value=money("95000")))
    office.settle()

    office.change(a_deal(revision=LATER_STILL))
    office.settle()

    assert {task["step"] for task in office.rows("tasks", state="open")} == {"launch_approval"}
    assert office.engagement().deal.value == money("90000")


def test_a_deal_that_is_lost_after_its_set_up_began_is_asked_about(office: Office) -> None:
    office.win()
    office.advance()

    office.change(a_deal(revision=LATER, stage=OpportunityStage.LOST))

    (asked,) = office.open_exceptions()
    assert "no longer won" in asked["title"]


@pytest.mark.parametrize(
    "said",
    [
        pytest.param({}, id="our-own-report"),
        pytest.param({"owner": "somebody.else@tarn-holloway.example"}, id="another-seller"),
    ],
)
def test_what_was_not_agreed_is_no_change(office: Office, said: dict[str, Any]) -> None:
    office.win()
    office.advance()

    outcome = office.change(a_deal(revision=LATER, **said))

    assert "nothing that was agreed" in outcome
    assert not office.open_exceptions()


def test_a_value_that_a_person_supplied_is_no_change_of_the_crms(office: Office) -> None:
    """The CRM still says nothing there when our own report gives the deal a new revision."""
    blank = {"starts_on": None, "contract": a_contract(payment_days=None)}
    office.win(a_deal(**blank))
    office.advance()
    values = {"starts_on": "2026-12-01", "contract.payment_days": 30}
    office.resolve("pia.novak", ExceptionAction.SUPPLY, values)
    office.advance()
    assert office.engagement().state is EngagementState.IN_SETUP

    office.change(a_deal(revision=LATER, **blank))

    assert not office.open_exceptions()


def test_what_the_crm_says_at_last_is_the_crms_again(office: Office) -> None:
    office.win(a_deal(starts_on=None, region=None))
    office.advance()
    office.resolve("pia.novak", ExceptionAction.SUPPLY, {"starts_on": "2027-01-01"})

    office.change(a_deal(revision=LATER, starts_on=date(2027, 2, 1), region=None))

    assert office.engagement().provenance["starts_on"].source == CRM


def test_two_threads_that_take_in_one_deal_at_once_open_it_once(office: Office) -> None:
    """And the newer word holds, whoever comes first."""
    for round in range(12):
        id = f"O{round}"
        both = threading.Barrier(2)
        deals = [a_deal(id=id, name="older"), a_deal(id=id, name="newer", revision=LATER)]
        failed: list[Exception] = []

        def take_in(deal: Any, both: Any = both, failed: Any = failed) -> None:
            try:
                both.wait()
                with office.db.transaction() as tx:
                    office.deals.take_in(tx, deal, "c")
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=take_in, args=[deal]) for deal in deals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        won = office.engagement(id)
        assert not failed
        assert won.deal.name == "newer"
        assert len(office.rows("runs", subject_id=won.id)) == 1


# messages that cannot be taken in


def an_event(type: str, data: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "e1", "source": "relay", "type": type, "data": data}


def test_an_event_may_bring_the_deal_itself(office: Office) -> None:
    deal = a_deal().model_dump(mode="json")
    office.hear(an_event(CLOSED_WON, {"deal": deal}), kind="event", source="event-relay")

    assert office.read("event-relay") == [f"done: {office.engagement().number} opened"]


def test_a_status_is_told_once_and_starts_what_it_starts_once(office: Office) -> None:
    won = office.win()
    event = an_event("milestone.accepted", {"engagement": won.number, "reference": "M1"})

    for id in ("e1", "e1", "e2"):
        office.hear(event, kind="event", source="event-relay", id=id)
    office.read("event-relay")
    office.settle()

    assert len(office.rows("runs", playbook="milestone-accepted")) == 2
    texts = [row["text"] for row in office.rows("notifications", about="milestone_accepted")]
    assert len(texts) == 2
    assert all(won.number in text and "(M1)" in text for text in texts)


def test_an_event_for_an_engagement_that_is_not_there_yet_waits(office: Office) -> None:
    event = an_event("project.approved", {"engagement": office_id("O1")})
    office.hear(event, kind="event", source="event-relay")
    (early,) = office.read("event-relay")
    assert early.startswith("ready: There is no engagement")

    office.win()
    make_ready(office)
    office.read("event-relay")

    assert len(office.rows("runs", playbook="project-approved")) == 1


def test_an_event_for_an_engagement_that_never_comes_is_parked(office: Office) -> None:
    event = an_event("project.approved", {"engagement": "ENG-0"})
    office.hear(event, kind="event", source="event-relay")
    outcomes: list[str] = []
    for _ in range(12):
        make_ready(office)
        outcomes += office.read("event-relay")

    assert outcomes[-1].startswith("parked: There is no engagement ENG-0")
    (parked,) = office.open_exceptions()
    assert (parked["class"], parked["system"]) == ("unreadable", "event-relay")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param("webhook", b"<html>", id="no-json"),
        pytest.param("webhook", b"\xff\xfe", id="no-text"),
        pytest.param("webhook", b"{}", id="a-field-is-missing"),
        pytest.param("event", b'{"type": "weather.changed"}', id="unknown-type"),
        pytest.param("event", b'{"type": "opportunity.closed_won", "data": {}}', id="no-data"),
        pytest.param(
            "event",
            json.dumps(an_event(CLOSED_WON, {"system": CRM, "opportunity": "O1", "x": 1})).encode(),
            id="unknown-field",
        ),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(
    office: Office, kind: str, body: bytes
) -> None:
    office.hear(body, kind=kind)
    office.win(a_deal(id="O2"))  # nobody behind it waits

    assert office.read()[0].startswith("parked: ")
    (parked,) = office.open_exceptions()
    assert set(parked["actions"]) == {"retry", "dismiss", "assign"}
    assert bytes(office.rows("inbox")[0]["body"]) == body
    assert office.engagement("O2")


def test_a_dead_letter_read_again_has_its_effect_once(office: Office) -> None:
    event = an_event(CLOSED_WON, {"system": CRM, "opportunity": "O1"})
    office.crm.trouble = [KeyError("a defect that is mended later")]
    office.crm.deals["O1"] = a_deal()
    office.hear(event, kind="event", source="event-relay")
    assert office.read("event-relay")[0].startswith("parked: KeyError")

    office.resolve("omar.haddad", ExceptionAction.RETRY)
    office.read("event-relay")
    office.hear(event, kind="event", source="event-relay")
    outcomes = office.read("event-relay")

    assert outcomes[0] == f"done: {office.engagement().number} opened"
    assert "knows this already" in outcomes[1]
    assert not office.open_exceptions()
    assert len(office.rows("runs")) == 1


def test_a_crm_that_is_away_is_asked_again(office: Office) -> None:
    office.crm.trouble = [SystemUnavailable(CRM, "connection refused")]
    office.crm.deals["O1"] = a_deal()
    office.hear({"ids": ["O1"]})
    assert office.read()[0].startswith("ready: ")

    make_ready(office)
    assert office.read()[0].startswith("done: ")


def office_id(opportunity: str) -> str:
    return engagement_id(CRM, opportunity)


def make_ready(office: Office) -> None:
    """The pause before the next attempt is over."""
    with office.db.transaction() as tx:
        tx.execute("UPDATE inbox SET ready_at = clock_timestamp() WHERE state = 'ready'")
