"""A milestone from its evidence to its acceptance, by the client or by a role of ours."""

from __future__ import annotations

import hashlib
import threading

import pytest
from milestones_at_work import PDF, UWE, MilestonesAtWork

from fairlead.capabilities.handoff.ourselves import compare_now
from fairlead.capabilities.milestones import evidence, links
from fairlead.capabilities.milestones.submitting import Recipient
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.milestone import Accepts, MilestoneState
from fairlead.domain.model.project import Progress
from fairlead.domain.rules.milestones import LinkEnd, digest
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, StaleVersion
from fairlead.store.database import Database
from fairlead.work.answers import answer_task
from fairlead.work.words import ExceptionAction

S = MilestoneState
WORKED = ContractType.TIME_AND_MATERIALS


@pytest.fixture
def work(db: Database) -> MilestonesAtWork:
    return MilestonesAtWork(db)


@pytest.fixture
def ours(db: Database) -> MilestonesAtWork:
    """Of a contract by which a role of ours accepts."""
    return MilestonesAtWork(db, contract_type=WORKED)


# evidence


def test_an_upload_is_kept_under_its_digest_and_told(work: MilestonesAtWork) -> None:
    (given,) = work.upload(name="C:\\scans\\Handover").evidence
    assert given.digest == hashlib.sha256(PDF).hexdigest()
    assert (given.name, given.media_type, given.size) == (
        "Handover.pdf",
        "application/pdf",
        len(PDF),
    )
    (told,) = work.events("evidence.added")
    assert told["actor"] == "person:lea.fontaine"
    assert told["attributes"]["digest"] == given.digest


def test_the_same_file_twice_is_one_piece_of_evidence(work: MilestonesAtWork) -> None:
    assert work.upload() == work.upload(name="Again.pdf")
    assert len(work.events("evidence.added")) == 1


def test_a_link_is_kept_as_it_is(work: MilestonesAtWork) -> None:
    url = "https://tests.kestrel.example/runs/77"
    saved = work.do(
        lambda tx: evidence.add_link(tx, work.who("lea.fontaine"), work.first, name="", url=url)
    )
    assert [one.url for one in saved.evidence] == [url]


def test_withdrawn_evidence_is_gone_until_it_is_given_again(work: MilestonesAtWork) -> None:
    (given,) = work.upload().evidence
    left = work.do(lambda tx: evidence.withdraw(tx, work.who("lea.fontaine"), work.first, given.id))
    assert left.evidence == ()
    assert [one.id for one in work.upload().evidence] == [given.id]


def test_evidence_stays_as_it_is_while_somebody_is_asked(work: MilestonesAtWork) -> None:
    (given,) = work.upload().evidence
    work.submit()
    with pytest.raises(IllegalMove):
        work.upload(content=b"%PDF-1.7 another")
    with pytest.raises(IllegalMove):
        work.do(lambda tx: evidence.withdraw(tx, work.who("lea.fontaine"), work.first, given.id))


def test_a_milestone_of_another_region_is_not_there(work: MilestonesAtWork) -> None:
    with pytest.raises(NotFound):
        work.upload(who="dwayne.carter")


# submission


def test_without_evidence_nothing_is_submitted(work: MilestonesAtWork) -> None:
    with pytest.raises(InvalidInput, match="no evidence"):
        work.submit()
    assert work.now().state is S.PLANNED


def test_the_policy_has_the_client_accept_and_says_why(work: MilestonesAtWork) -> None:
    work.upload()
    saved = work.submit()
    assert (saved.state, saved.accepts, saved.submitted_by) == (
        S.SUBMITTED,
        Accepts.CLIENT,
        "lea.fontaine",
    )
    assert work.office.decided("milestone-acceptance") == ["client"]
    (told,) = work.events("milestone.submitted")
    assert told["attributes"]["asked"] == "Uwe Kestrel <uwe@kestrel.example>"
    assert told["attributes"]["digest"] == digest(saved)


@pytest.mark.parametrize(
    "recipient",
    [
        None,
        Recipient(name="Lea", email="lea.fontaine@tarn-holloway.example"),
        Recipient(name="Lea", email="private@Tarn-Holloway.EXAMPLE"),
        Recipient(name="Lea", email="lea@tarn-holloway.example."),
        Recipient(name="Lea", email="lea@mail.tarn-holloway.example"),
        Recipient(name="Uwe", email="uwe at kestrel"),
        Recipient(name="Uwe", email="a@b, c@d"),
        Recipient(name="\u202eewU", email="uwe@kestrel.example"),
    ],
    ids=[
        "nobody",
        "oneself",
        "our-domain",
        "with-a-dot",
        "below-it",
        "no-address",
        "two-addresses",
        "a-turned-name",
    ],
)
def test_only_a_person_of_the_client_is_asked(
    work: MilestonesAtWork, recipient: Recipient | None
) -> None:
    work.upload()
    with pytest.raises(InvalidInput):
        work.submit(recipient=recipient)
    assert work.office.rows("runs") == []


def test_a_second_press_does_not_submit_again(work: MilestonesAtWork) -> None:
    seen = work.upload().version
    work.submit(version=seen)
    with pytest.raises((StaleVersion, IllegalMove)):
        work.submit(version=seen)
    assert len(work.office.runs("milestone-acceptance")) == 1
    assert len(work.tokens()) == 1


def test_two_tabs_submit_once(work: MilestonesAtWork) -> None:
    work.upload()
    outcomes: list[str] = []

    def press() -> None:
        try:
            work.do(
                lambda tx: work.submitting.submit(
                    tx, work.who("lea.fontaine"), work.first, recipient=UWE
                )
            )
            outcomes.append("done")
        except (IllegalMove, StaleVersion) as refused:
            outcomes.append(refused.code)

    tabs = [threading.Thread(target=press) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert outcomes.count("done") == 1
    assert work.now().submission == 1


# the client's answer


def test_the_client_accepts_and_billing_hears_of_it_once(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    asked = work.click(token, name="Uwe  Kestrel ")
    assert asked.end is None
    now = work.now()
    assert (now.state, now.accepted_by) == (S.ACCEPTED, "client:uwe@kestrel.example")
    assert now.digest == digest(now)
    (told,) = work.events("milestone.accepted")
    assert told["attributes"]["signed_as"] == "Uwe Kestrel"
    assert [about for about in told["objects"] if about[1] == "evidence"]
    (heard,) = work.office.runs("milestone-accepted", state="completed")
    assert heard["input"]["milestone"] == work.first
    (run,) = work.office.runs("milestone-acceptance")
    assert run["state"] == "completed"
    assert [note["role"] for note in work.office.rows("notifications")] == ["finance"]
    work.office.tell_ourselves_again()
    assert len(work.office.runs("milestone-accepted")) == 1


def test_the_database_has_no_token(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    assert len(token) == 43  # 256 bits in base64
    for table in ("acceptance_links", "effects", "steps", "runs", "events", "tasks", "inbox"):
        assert token not in repr(work.office.rows(table))
    (row,) = work.office.rows("acceptance_links")
    assert bytes(row["token_hash"]) == hashlib.sha256(token.encode()).digest()


def test_a_second_click_changes_nothing(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    work.click(token)
    again = work.click(token, accepted=False, reason="I take it back.")
    assert (again.end, again.milestone.state) == (LinkEnd.USED, S.ACCEPTED)
    assert len(work.events("milestone.accepted", "milestone.sent_back")) == 1


def test_of_many_clicks_at_once_one_counts(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    ends: list[LinkEnd | None] = []

    def press(accepted: bool) -> None:
        seen = digest(work.now())
        asked = work.do(
            lambda tx: links.answer(
                tx,
                token,
                accepted=accepted,
                name="Uwe Kestrel",
                reason="" if accepted else "Not yet.",
                digest_seen=seen,
            )
        )
        ends.append(asked.end)

    hands = [threading.Thread(target=press, args=(n % 2 == 0,)) for n in range(6)]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    assert ends.count(None) == 1
    assert len(work.events("milestone.accepted", "milestone.sent_back")) == 1


def test_the_client_sends_it_back_with_a_reason(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    with pytest.raises(InvalidInput, match="missing"):
        work.click(token, accepted=False)
    work.click(token, accepted=False, reason="The restore test is not in it.")
    now = work.now()
    assert (now.state, now.reason) == (S.SENT_BACK, "The restore test is not in it.")
    work.upload(content=b"%PDF-1.7 with the restore test")
    work.submit()
    assert work.look(token).end is LinkEnd.DECIDED
    work.click(work.tokens()[1])
    assert (work.now().state, work.now().submission) == (S.ACCEPTED, 2)


@pytest.mark.parametrize("name", ["", " ", "\u202eewU", "x" * 121], ids=repr)
def test_an_answer_has_a_name(work: MilestonesAtWork, name: str) -> None:
    work.upload()
    work.submit()
    with pytest.raises(InvalidInput):
        work.click(work.tokens()[0], name=name)
    assert work.now().state is S.SUBMITTED


@pytest.mark.parametrize(
    "token", ["", "x", "a" * 43, "a" * 10_000, "../../etc/passwd", "\0", "ключ"], ids=repr
)
def test_a_forged_token_is_not_known(work: MilestonesAtWork, token: str) -> None:
    work.upload()
    work.submit()
    with pytest.raises(NotFound):
        work.look(token)
    with pytest.raises(NotFound):
        work.click(token)
    assert work.now().state is S.SUBMITTED


def test_a_token_decides_its_own_milestone_only(work: MilestonesAtWork) -> None:
    for id in (work.first, work.second):
        work.upload(id=id)
        work.submit(id=id)
    first, second = work.tokens()
    assert str(work.look(second).milestone.id) == work.second
    seen = digest(work.now(work.first))
    assert work.click(second, seen=seen).end is LinkEnd.CHANGED  # not what was shown
    work.click(first)
    assert [work.now(id).state for id in (work.first, work.second)] == [S.ACCEPTED, S.SUBMITTED]
    (other,) = work.now(work.second).evidence
    with pytest.raises(NotFound):
        work.do(lambda tx: links.evidence(tx, first, other.id))


def test_an_expired_link_decides_nothing(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    with work.db.transaction() as tx:
        tx.execute("UPDATE acceptance_links SET expires_at = clock_timestamp()")
    assert work.look(token).end is LinkEnd.EXPIRED
    assert work.click(token).end is LinkEnd.EXPIRED
    assert work.now().state is S.SUBMITTED


def test_a_submission_that_is_taken_back_kills_its_link_and_its_run(
    work: MilestonesAtWork,
) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    work.take_back()
    assert work.look(token).end is LinkEnd.WITHDRAWN
    assert work.click(token).end is LinkEnd.WITHDRAWN
    (run,) = work.office.runs("milestone-acceptance")
    assert (work.now().state, run["state"]) == (S.PLANNED, "cancelled")
    work.submit()
    assert len(work.tokens()) == 2
    assert work.look(token).end is LinkEnd.WITHDRAWN  # the old one stays dead


def test_looking_changes_nothing(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    (token,) = work.tokens()
    before = work.now()
    assert [work.look(token).end for _ in range(3)] == [None, None, None]
    assert work.now() == before
    (given,) = before.evidence
    name, kind, content = work.do(lambda tx: links.evidence(tx, token, given.id))
    assert (name, kind, content) == ("Handover.pdf", "application/pdf", PDF)


def test_who_does_not_answer_is_reminded_and_then_somebody_of_ours_is_told(
    work: MilestonesAtWork,
) -> None:
    work.upload()
    work.submit()
    work.pass_time("until_reminder")
    first, second = work.tokens()
    assert work.look(first).end is None
    work.pass_time("until_overdue")
    (late,) = work.office.open_exceptions()
    assert "Uwe Kestrel has not answered" in late["detail"]
    assert str(late["amount"]) == "27000.00000000"
    work.click(second)
    assert work.office.open_exceptions() == []  # it ends by itself
    assert work.look(first).end is LinkEnd.WITHDRAWN


def test_whoever_answered_is_not_reminded(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    work.click(work.tokens()[0])
    assert work.office.step("remind_client") == "skipped"
    assert len(work.tokens()) == 1


# the answer of a role of ours


def test_a_role_of_ours_accepts_where_the_policy_says_so(ours: MilestonesAtWork) -> None:
    ours.upload()
    saved = ours.submit(recipient=None)
    assert saved.accepts is Accepts.INTERNAL
    assert ours.tokens() == []
    task = ours.office.task("accept_milestone")
    assert (task["role"], task["amount"]) == ("pmo_lead", 27000)
    assert task["shown"]["milestone"] == "1 Design agreed"
    ours.answer("ines.moreau")
    assert (ours.now().state, ours.now().accepted_by) == (S.ACCEPTED, "ines.moreau")
    (run,) = ours.office.runs("milestone-acceptance")
    assert run["state"] == "completed"
    assert len(ours.events("milestone.accepted")) == 1
    assert len(ours.office.runs("milestone-accepted", state="completed")) == 1


def test_it_may_be_answered_in_the_inbox_too(ours: MilestonesAtWork) -> None:
    ours.upload()
    ours.submit(recipient=None)
    ours.office.answer("ines.moreau", step="accept_milestone")
    assert (ours.now().state, ours.now().accepted_by) == (S.ACCEPTED, "ines.moreau")
    ours.office.tell_ourselves_again()
    assert len(ours.events("milestone.accepted")) == 1


@pytest.mark.parametrize("way", ["by its page", "in the inbox"])
def test_it_is_sent_back_with_a_reason(ours: MilestonesAtWork, way: str) -> None:
    ours.upload()
    ours.submit(recipient=None)
    if way == "by its page":
        with pytest.raises(InvalidInput):
            ours.answer("ines.moreau", accepted=False)
        ours.answer("ines.moreau", accepted=False, reason="No test report.")
    else:
        ours.office.answer("ines.moreau", approved=False, reason="No test report.")
    assert (ours.now().state, ours.now().reason) == (S.SENT_BACK, "No test report.")
    (run,) = ours.office.runs("milestone-acceptance")
    assert run["state"] == "declined"
    ours.upload(content=b"%PDF-1.7 test report")
    ours.submit(recipient=None)
    ours.answer("ines.moreau")
    assert ours.now().state is S.ACCEPTED


@pytest.mark.parametrize("part", ["submitted it", "gave evidence"])
def test_nobody_accepts_what_is_their_own(ours: MilestonesAtWork, part: str) -> None:
    ours.upload(who="ines.moreau" if part == "gave evidence" else "lea.fontaine")
    ours.submit(who="ines.moreau" if part == "submitted it" else "lea.fontaine", recipient=None)
    with pytest.raises(NotAllowed):
        ours.answer("ines.moreau")
    task = ours.office.task("accept_milestone")
    with pytest.raises(NotAllowed):
        ours.do(
            lambda tx: answer_task(
                tx, task["id"], ours.who("ines.moreau"), approved=True, reason="", version=None
            )
        )


@pytest.mark.parametrize("who", ["lea.fontaine", "tomasz.wojcik", "hanna.lindqvist"])
def test_only_the_role_that_the_policy_names_accepts(ours: MilestonesAtWork, who: str) -> None:
    ours.upload(who="lea.fontaine")
    ours.submit(recipient=None)
    with pytest.raises(NotAllowed):
        ours.answer(who)
    assert ours.now().state is S.SUBMITTED


def test_nobody_of_ours_accepts_for_the_client(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    with pytest.raises(NotAllowed, match="client"):
        work.answer("ines.moreau")


def test_an_answer_that_is_lost_on_its_way_comes_late_and_changes_nothing(
    ours: MilestonesAtWork,
) -> None:
    ours.upload()
    ours.submit(recipient=None)
    ours.answer("ines.moreau", accepted=False, reason="No test report.")
    ours.upload(content=b"%PDF-1.7 test report")
    ours.submit(recipient=None)
    ours.office.tell_ourselves_again(backwards=True)
    assert (ours.now().state, ours.now().submission) == (S.SUBMITTED, 2)


def test_what_is_overridden_goes_on_without_an_answer(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    work.pass_time("until_overdue")
    work.office.resolve("ines.moreau", ExceptionAction.OVERRIDE, reason="We asked by telephone.")
    work.office.settle()
    assert work.now().state is S.SUBMITTED  # only an answer accepts it


# what the project system shows


def test_the_project_system_shows_how_far_a_milestone_is(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    projects = work.office.projects
    assert list(projects.progress.values()) == [Progress.STARTED]
    work.click(work.tokens()[0], accepted=False, reason="Not yet.")
    work.upload(content=b"%PDF-1.7 more")
    work.submit()
    work.click(work.tokens()[1])
    assert list(projects.progress.values()) == [Progress.COMPLETED]
    assert len(projects.of("milestone")) == 1  # one record, through two submissions


def test_what_is_completed_there_is_word_and_no_acceptance(work: MilestonesAtWork) -> None:
    work.upload()
    work.submit()
    work.take_back()
    (there,) = work.office.projects.progress
    work.office.projects.progress[there] = Progress.COMPLETED
    for _ in range(2):
        with work.db.transaction() as tx:
            compare_now(tx, work.engagement.id)
        work.office.settle()
    (note,) = work.office.rows("notifications", about="milestone_told_completed")
    assert "only its acceptance counts" in note["text"]
    assert work.now().state is S.PLANNED
