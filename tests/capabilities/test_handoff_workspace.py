"""Folder, channel, documents and messages of an engagement, where the firm has systems for them."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from office import CONTRACTS, Office
from test_handoff_agreement import an_agreement, kept_there

from deals import a_deal
from fairlead.domain.model.agreement import AgreementDocument
from fairlead.domain.model.engagement import EngagementState
from fairlead.store.database import Database

SOW, ANNEX = b"%PDF-1.7 signed by both sides", b"%PDF-1.7 rates"
DOCUMENTS = (
    AgreementDocument(id="1", name="SOW.pdf"),
    AgreementDocument(id="2", name="Annex.pdf"),
)
EVERYBODY = (
    "ines.moreau@tarn-holloway.example",
    "lea.fontaine@tarn-holloway.example",
    "pia.novak@tarn-holloway.example",
    "wei.chen@tarn-holloway.example",
)


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "contracts", "documents", "chat", "mail")


def set_up(office: Office, **deal: Any) -> None:
    office.contracts.agreements["E1"] = an_agreement(documents=DOCUMENTS)
    office.contracts.contents = {("E1", "1"): SOW, ("E1", "2"): ANNEX}
    office.win(a_deal(contract=kept_there(), **deal))
    office.read(CONTRACTS)
    office.settle()


def test_folder_and_channel_are_there_with_those_who_work_on_it(office: Office) -> None:
    """PMO lead and project manager of the region, the resource manager, and the seller."""
    set_up(office)

    known = office.engagement()
    ((code, name, members),) = office.documents.of("folder")
    assert (code, members) == (known.project_code, EVERYBODY)
    assert name == "Kestrel Logistik GmbH: Warehouse cloud migration"
    assert office.chat.of("channel") == [(code, name, members)]
    assert {"folder", "channel"} <= set(known.refs)


def test_who_works_elsewhere_is_not_let_in(office: Office) -> None:
    set_up(office, region="AMER")

    ((_, _, members),) = office.documents.of("folder")
    assert "dwayne.carter@tarn-holloway.example" in members
    assert "ines.moreau@tarn-holloway.example" not in members


@pytest.mark.parametrize(
    ("place", "row"),
    [
        ({"country": "DE"}, "german-trade-papers"),
        ({"country": "US", "region": "AMER"}, "contract"),
        ({"country": "GB"}, "contract-elsewhere"),
    ],
)
def test_what_was_signed_is_filed_byte_by_byte_under_the_class_of_its_place(
    office: Office, place: dict[str, Any], row: str
) -> None:
    set_up(office, **place)

    (decision,) = office.rows("decisions", policy="document-retention")
    assert decision["row"] == row
    known = office.engagement()
    assert [(d.name, d.sha256, d.size) for d in known.documents] == [
        ("SOW.pdf", sha256(SOW).hexdigest(), len(SOW)),
        ("Annex.pdf", sha256(ANNEX).hexdigest(), len(ANNEX)),
    ]
    assert {d.retention for d in known.documents} == {decision["answer"]["retention"]}
    assert {d.kind for d in known.documents} == {"statement_of_work"}
    filed = office.documents.of("document")
    assert [(folder, content) for folder, _, _, content, _ in filed] == [
        (known.refs["folder"], SOW),
        (known.refs["folder"], ANNEX),
    ]


def test_the_approval_is_asked_for_and_the_launch_told_once_in_chat_and_mail(
    office: Office,
) -> None:
    set_up(office)
    office.hand_over()
    known = office.engagement()

    ((channel, request),) = office.chat.of("post")
    ((approvers, mailed),) = office.mail.of("mail")
    assert channel == known.refs["channel"]
    assert request == mailed
    assert office.task("launch_approval")["id"] in request.link
    assert approvers == (
        "hanna.lindqvist@tarn-holloway.example",
        "ines.moreau@tarn-holloway.example",
    )

    office.answer("ines.moreau")
    office.tell_ourselves_again()
    office.settle()

    posts, mails = office.chat.of("post"), office.mail.of("mail")
    assert (len(posts), len(mails)) == (2, 2)
    assert posts[1][1] == mails[1][1]
    assert posts[1][1].link.endswith(f"/engagements/{known.number}/packet")
    assert mails[1][0] == EVERYBODY


def test_an_approval_needs_no_answer_of_chat_or_mail(office: Office) -> None:
    """They are only told; a chat that is slow does not hold the launch."""
    set_up(office)
    with office.db.transaction() as tx:
        tx.execute("UPDATE systems SET paused_by = 'omar.haddad' WHERE id IN ('slack', 'mail')")
    office.hand_over()
    office.answer("ines.moreau")

    assert office.engagement().state is EngagementState.LAUNCHED
    assert not office.chat.of("post")


def test_a_firm_without_these_systems_leaves_the_steps_out_with_a_reason(db: Database) -> None:
    office = Office(db)
    office.win()
    office.settle()
    office.hand_over()
    office.answer("ines.moreau")

    assert office.engagement().state is EngagementState.LAUNCHED
    left_out = {row["name"]: row["because"] for row in office.rows("steps", state="skipped")}
    for step, what in {
        "create_folder": "documents connected",
        "create_channel": "chat connected",
        "fetch_statement_of_work": "statement to file",
        "file_statement_of_work": "statement to file",
        "ask_in_chat": "chat connected",
        "mail_approvers": "mail connected",
        "announce_launch": "chat connected",
        "mail_launch": "mail connected",
        "check_capacity": "people connected",
    }.items():
        assert left_out[step] == f"not needed: {what} does not hold"


def test_without_a_repository_nothing_is_fetched(db: Database) -> None:
    office = Office(db, "contracts")
    set_up(office)

    assert office.step("fetch_statement_of_work") == "skipped"
    assert office.step("hand_over_packet") == "waiting"


def test_a_contract_that_only_the_crm_keeps_has_nothing_to_file(office: Office) -> None:
    office.win()
    office.settle()

    assert office.step("file_statement_of_work") == "skipped"
    assert office.documents.of("folder")
    assert not office.documents.of("document")
