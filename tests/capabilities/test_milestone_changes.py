"""A milestone changes with its contract, and in no other way."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from office import Office
from test_handoff_parts import APPROVER

from deals import a_term, billed
from fairlead.capabilities.milestones import evidence, links
from fairlead.capabilities.milestones.submitting import Recipient, Submitting
from fairlead.domain.model.milestone import Milestone, MilestoneState
from fairlead.domain.rules.milestones import LinkEnd
from fairlead.store import milestones
from fairlead.store.database import Database

LATER = "2026-11-20T09:00:00.000Z"
UWE = Recipient(name="Uwe Kestrel", email="uwe@kestrel.example")


def deal(design: str = "0.3", live: str = "0.7", *more: Any, **changes: Any) -> Any:
    terms = (
        a_term("Design", share=design, due_on=date(2027, 3, 1)),
        a_term("Go live", share=live, due_on=date(2027, 8, 31)),
        *more,
    )
    return billed(*terms, **changes)


@pytest.fixture
def office(db: Database) -> Office:
    """With an engagement that is launched with two milestones."""
    at_work = Office(db, "mail")
    at_work.win(deal())
    at_work.settle()
    at_work.hand_over()
    at_work.answer(APPROVER)
    return at_work


def change(office: Office, changed: Any) -> None:
    """The CRM now says this, and delivery's lead agrees."""
    office.change(changed)
    office.settle()
    office.answer(APPROVER, step="accept_change")


def now(office: Office) -> list[Milestone]:
    with office.db.transaction() as tx:
        return milestones.of_engagement(tx, office.engagement().id)


def submitted(office: Office) -> str:
    """Milestone 1 is with the client; the token that was mailed."""
    rooms_of = office.person("lea.fontaine")
    first = str(now(office)[0].id)
    submitting = Submitting(office.library, office.policies, office.everybody)
    with office.db.transaction() as tx:
        evidence.add_upload(tx, rooms_of, first, name="a.pdf", content=b"%PDF-1.7")
        submitting.submit(tx, rooms_of, first, recipient=UWE)
    office.settle()
    mailed = [notice.link for _, notice in office.mail.of("mail")]
    return next(link for link in mailed if link and "/accept/" in link).rpartition("/")[2]


def test_a_changed_contract_changes_what_is_not_accepted(office: Office) -> None:
    assert [str(one.amount) for one in now(office)] == ["EUR 27,000.00", "EUR 63,000.00"]
    more = a_term("Hypercare", share="0.1", due_on=date(2027, 8, 31))
    change(office, deal("0.4", "0.5", more, revision=LATER))
    assert [(one.number, one.name, str(one.amount)) for one in now(office)] == [
        (1, "Design", "EUR 36,000.00"),
        (2, "Go live", "EUR 45,000.00"),
        (3, "Hypercare", "EUR 9,000.00"),
    ]
    told = office.rows("events", type="milestone.changed")
    assert told[0]["attributes"]["before"]["amount"] == "EUR 27,000.00"
    office.tell_ourselves_again()
    assert len(office.rows("events", type="milestone.changed")) == 2


def test_until_the_change_is_approved_nothing_moves(office: Office) -> None:
    before = now(office)
    office.change(deal("0.4", "0.6", revision=LATER))
    office.settle()
    assert now(office) == before


def test_the_client_is_not_asked_about_what_has_changed(office: Office) -> None:
    token = submitted(office)
    change(office, deal("0.4", "0.6", revision=LATER))
    with office.db.transaction() as tx:
        asked = links.look(tx, token)
    assert asked.end is LinkEnd.WITHDRAWN
    assert asked.milestone.state is MilestoneState.PLANNED
    assert len(asked.milestone.evidence) == 1  # it still proves the work


def test_what_is_accepted_stays_and_finance_hears_of_the_difference(office: Office) -> None:
    token = submitted(office)
    with office.db.transaction() as tx:
        seen = links.look(tx, token).link.digest
        links.answer(tx, token, accepted=True, name="Uwe", reason="", digest_seen=seen)
    office.settle()
    accepted = now(office)[0]
    change(office, deal("0.4", "0.6", revision=LATER))
    assert now(office)[0] == accepted
    (note,) = office.rows("notifications", about="milestone_differs")
    assert note["role"] == "finance"
    assert "EUR 36,000.00" in note["text"]
