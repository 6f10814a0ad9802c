"""Documents that people put into an engagement's folder become evidence by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from milestones_at_work import MilestonesAtWork

from fairlead.capabilities.handoff.polling import PollDrain, asks_documents
from fairlead.capabilities.milestones import evidence
from fairlead.domain.model.milestone import EvidenceKind, MilestoneState
from fairlead.domain.values import ExternalRef
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.store import engagements
from fairlead.store.database import Database

HOME = ("f-kestrel", "TH-2038 Warehouse cloud migration")
ROOT = ("root", "Engagements")
SYSTEM = "sharepoint"


@pytest.fixture
def work(db: Database) -> MilestonesAtWork:
    at_work = MilestonesAtWork(db, "documents")
    folder = ExternalRef(system=SYSTEM, kind="folder", id=HOME[0])
    refs = {**at_work.engagement.refs, "folder": folder}
    with db.transaction() as tx:
        engagements.save(tx, [at_work.engagement.model_copy(update={"refs": refs})])
    return at_work


def hear(work: MilestonesAtWork, name: str, *folders: tuple[str, str], revision: str = "1") -> str:
    """A document is put there, told, and read. What became of the word of it."""
    put = work.office.documents.person_puts(name, *folders, revision=revision)
    id = f"document:{put.ref.id}@{revision}"
    work.office.hear({"document": put.ref.id}, kind="document", source=SYSTEM, id=id)
    return work.office.read(SYSTEM)[-1]


@pytest.mark.parametrize(
    ("name", "folders"),
    [
        ("M1 Handover.pdf", (HOME, ROOT)),
        ("Handover.pdf", (("x", "Milestone 1"), HOME, ROOT)),
        ("Handover.pdf", (("y", "Signed"), ("x", "MS-01 Design"), HOME, ROOT)),
    ],
    ids=["by-its-name", "by-its-folder", "by-a-folder-above"],
)
def test_a_document_is_linked_to_the_milestone_that_its_place_names(
    work: MilestonesAtWork, name: str, folders: tuple[tuple[str, str], ...]
) -> None:
    assert "is evidence of Design agreed" in hear(work, name, *folders)
    (given,) = work.now().evidence
    assert (given.kind, given.name, given.added_by) == (
        EvidenceKind.EVENT,
        name,
        "system:sharepoint",
    )
    assert given.url is not None
    (told,) = work.events("evidence.added")
    assert told["actor"] == "system:sharepoint"


@pytest.mark.parametrize(
    ("name", "folders", "words"),
    [
        ("M1.pdf", (("other", "Private"), ROOT), "no folder of an engagement"),
        ("Notes.txt", (HOME, ROOT), "names none"),
        ("M7.pdf", (HOME, ROOT), "names none"),
        ("Notes.txt", (HOME, ("x", "Milestone 1")), "names none"),  # a folder above is none of it
    ],
    ids=["elsewhere", "no-number", "no-such-milestone", "above-the-engagement"],
)
def test_what_belongs_to_no_milestone_is_left_alone(
    work: MilestonesAtWork, name: str, folders: tuple[tuple[str, str], ...], words: str
) -> None:
    assert words in hear(work, name, *folders)
    assert work.now().evidence == ()


def test_the_same_document_told_twice_is_there_once_and_a_new_state_beside_it(
    work: MilestonesAtWork,
) -> None:
    hear(work, "M1.pdf", HOME)
    work.office.hear({"document": "put-M1.pdf"}, kind="document", source=SYSTEM, id="again")
    assert "has it already" in work.office.read(SYSTEM)[-1]
    hear(work, "M1.pdf", HOME, revision="2")
    assert [one.revision for one in work.now().evidence] == ["1", "2"]


def test_a_document_that_is_gone_before_it_is_read_is_nothing(work: MilestonesAtWork) -> None:
    work.office.hear({"document": "gone"}, kind="document", source=SYSTEM, id="d")
    assert "it is gone" in work.office.read(SYSTEM)[-1]


def test_what_a_person_withdrew_does_not_come_back_by_itself(work: MilestonesAtWork) -> None:
    hear(work, "M1.pdf", HOME)
    (given,) = work.now().evidence
    who = work.who("lea.fontaine")
    work.do(lambda tx: evidence.withdraw(tx, who, work.first, given.id))
    work.office.hear({"document": "put-M1.pdf"}, kind="document", source=SYSTEM, id="again")
    work.office.read(SYSTEM)
    assert work.now().evidence == ()


def test_what_comes_after_the_submission_is_told_and_changes_nothing(
    work: MilestonesAtWork,
) -> None:
    hear(work, "M1.pdf", HOME)
    work.submit()
    before = work.now()
    assert "came too late" in hear(work, "M1 later.pdf", HOME)
    assert work.now() == before
    (note,) = work.office.rows("notifications", about="evidence_came_late")
    assert note["role"] == "project_manager"
    work.click(work.tokens()[0])
    assert work.now().state is MilestoneState.ACCEPTED


def test_polling_brings_the_word_once(work: MilestonesAtWork, db: Database) -> None:
    work.office.documents.person_puts("M2 Go live.pdf", HOME)
    with db.transaction() as tx:
        tx.execute("UPDATE systems SET poll_at = now() WHERE id = 'sharepoint'")
    drain = PollDrain(db, lambda: [asks_documents(work.office.documents)], timedelta(0))
    with LockSession(db) as session:
        for _ in range(2):
            drain.work("poll:sharepoint", Ledger(db, session))
    assert len(work.office.rows("inbox", kind="document")) == 1
    work.office.read(SYSTEM)
    assert [one.name for one in work.now(work.second).evidence] == ["M2 Go live.pdf"]
