"""The milestones tab: what delivery does with a milestone, and what others see of it."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import pytest
from tests.api import firm

from fairlead.domain.model.milestone import Milestone
from fairlead.store import milestones
from fairlead.web.forms import _MOST_BYTES_OF_FILES  # pyright: ignore[reportPrivateUsage]

from .conftest import Browser, Desk

TAB = "/engagements/ENG-2001/milestones"
CLIENTS, OURS = firm.milestone_id(2001, 1), firm.milestone_id(2001, 2)
PDF = b"%PDF-1.7 handover"


def now(desk: Desk, id: str = OURS) -> Milestone:
    with desk.db.transaction() as tx:
        found = milestones.get(tx, id)
    assert found is not None
    return found


def upload(
    desk: Desk, browser: Browser, *files: tuple[str, bytes], token: str | None = None, **more: str
) -> httpx.Response:
    """As the browser sends a form with files."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"origin": desk.url, "sec-fetch-site": "same-origin", "cookie": cookie} | more
    sent: Sequence[tuple[str, tuple[str, bytes]]] = [("file", file) for file in files]
    data = {"csrf": browser.token if token is None else token}
    return desk.http.post(f"{desk.url}{TAB}/{OURS}/upload", data=data, files=sent, headers=headers)


def press(browser: Browser, desk: Desk, what: str, id: str = OURS, **fields: str) -> httpx.Response:
    version = str(now(desk, id).version)
    return browser.post(f"{TAB}/{id}/{what}", {"version": version, **fields})


def test_it_shows_the_first_that_is_open_and_what_each_is_worth(shared_desk: Desk) -> None:
    text = shared_desk.signed_in("project-manager").get(TAB).text
    for shown in ("Stage 1 of 2001", "Stage 2 of 2001", "100,000.00", "Test run", "late"):
        assert shown in text
    assert "The client is asked: the client accepts what it pays for" in text
    second = shared_desk.signed_in("project-manager").get(f"{TAB}?m=2").text
    assert "A role of ours is asked: the contract leaves acceptance to us" in second


def test_who_may_not_act_sees_no_forms(shared_desk: Desk) -> None:
    text = shared_desk.signed_in("auditor").get(TAB).text
    assert "Stage 1 of 2001" in text
    assert f"{TAB}/{CLIENTS}" not in text
    assert shared_desk.signed_in("auditor").post(f"{TAB}/{OURS}/submit").status_code == 403


def test_an_engagement_without_milestones_says_why(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("DELETE FROM evidence")
        tx.execute("DELETE FROM milestones")
    assert "No milestones yet" in desk.signed_in("project-manager").get(TAB).text


def test_files_are_added_at_once_and_given_back_as_they_were(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    done = upload(desk, browser, ("Abnahme.pdf", PDF), ("<b>.txt", b"ok"))
    assert (done.status_code, done.headers["location"]) == (303, f"{TAB}?m=2")
    added = {one.name: one for one in now(desk).evidence}
    assert {"Abnahme.pdf", "<b>.txt"} <= set(added)
    assert "&lt;b&gt;.txt" in browser.get(f"{TAB}?m=2").text
    file = browser.get(f"{TAB}/{OURS}/evidence/{added['Abnahme.pdf'].id}")
    assert file.content == PDF
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["content-security-policy"] == "sandbox"


def test_one_bad_file_of_several_adds_none(desk: Desk) -> None:
    refused = upload(desk, desk.signed_in("project-manager"), ("a.pdf", PDF), ("b.exe", b"MZ\0"))
    assert refused.status_code == 422
    assert "without macros" in refused.text
    assert [one.name for one in now(desk).evidence] == ["Test run"]


def test_too_much_is_refused_before_it_is_kept(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    refused = upload(desk, browser, ("a.pdf", b"x" * (_MOST_BYTES_OF_FILES + 1)))
    assert refused.status_code == 413


@pytest.mark.parametrize(
    ("who", "change", "status"),
    [
        ("project-manager", {"token": "0" * 64}, 403),
        ("project-manager", {"sec-fetch-site": "cross-site"}, 403),
        ("auditor", {}, 403),
        ("project-manager.amer", {}, 404),
    ],
    ids=["another-session", "another-site", "no-permission", "another-region"],
)
def test_no_file_comes_from_elsewhere(
    shared_desk: Desk, who: str, change: dict[str, str], status: int
) -> None:
    refused = upload(shared_desk, shared_desk.signed_in(who), ("a.pdf", PDF), **change)
    assert refused.status_code == status
    assert len(now(shared_desk).evidence) == 1


def test_a_bad_link_is_kept_in_its_field_and_said(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    refused = press(browser, desk, "link", url="javascript:alert(1)", name="Run")
    assert refused.status_code == 422
    assert 'value="javascript:alert(1)"' in refused.text
    assert "begins with https:// or http://" in refused.text
    done = press(browser, desk, "link", url="https://tests.example/9", name="Run 9")
    assert done.status_code == 303
    assert [one.name for one in now(desk).evidence] == ["Test run", "Run 9"]


def test_from_evidence_to_the_acceptance_of_ours(desk: Desk) -> None:
    manager, lead = desk.signed_in("project-manager"), desk.signed_in("pmo-lead")
    assert press(manager, desk, "submit").status_code == 303
    firm.advance(desk.db)
    assert 'value="accept"' not in manager.get(f"{TAB}?m=2").text
    assert 'value="accept"' in lead.get(f"{TAB}?m=2").text
    refused = press(lead, desk, "answer", decision="send_back")
    assert (refused.status_code, now(desk).state) == (422, "submitted")
    assert press(lead, desk, "answer", decision="accept").status_code == 303
    assert "Accepted" in lead.get(f"{TAB}?m=2").text
    again = press(lead, desk, "answer", decision="send_back", reason="No.")
    assert (again.status_code, now(desk).state) == (409, "accepted")


def test_two_tabs_submit_once(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    version = str(now(desk).version)
    answers = [browser.post(f"{TAB}/{OURS}/submit", {"version": version}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 409]
    assert now(desk).submission == 1


def test_the_client_is_named_and_asked_and_the_question_taken_back(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    wrong = {"recipient/name": "Uwe", "recipient/email": "nobody"}
    refused = press(browser, desk, "submit", CLIENTS, **wrong)
    assert refused.status_code == 422
    assert 'value="nobody"' in refused.text
    given = {"recipient/name": "Uwe Kestrel", "recipient/email": "uwe@kestrel.example"}
    assert press(browser, desk, "submit", CLIENTS, **given).status_code == 303
    lead = desk.signed_in("pmo-lead")
    assert press(lead, desk, "answer", CLIENTS, decision="accept").status_code == 403
    assert press(browser, desk, "take-back", CLIENTS, reason="Wrong file").status_code == 303
    assert now(desk, CLIENTS).state == "planned"


def test_evidence_is_withdrawn_while_nobody_is_asked(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    (piece,) = now(desk).evidence
    assert press(browser, desk, "withdraw", evidence=piece.id).status_code == 303
    assert now(desk).evidence == ()
    assert "Add evidence first" in browser.get(f"{TAB}?m=2").text
    assert press(browser, desk, "submit").status_code == 422


def test_a_milestone_of_another_engagement_is_not_there(desk: Desk) -> None:
    browser = desk.signed_in("project-manager")
    foreign = firm.milestone_id(2002, 2)
    assert browser.post(f"{TAB}/{foreign}/submit", {"version": "1"}).status_code == 404
    assert browser.post(f"{TAB}/none/submit", {"version": "1"}).status_code == 404
