"""A client's link: what it shows, what it decides, and when it is dead."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pytest
from httpx import Response
from tests.api import firm

from fairlead.capabilities.milestones import evidence, links
from fairlead.capabilities.milestones.submitting import Recipient
from fairlead.store import milestones, runs
from fairlead.trust.acting import Acting
from fairlead.web import sessions
from fairlead.web.pages.acceptance import BURST

from .conftest import Desk

FIRST = firm.milestone_id(2001, 1)
PDF = b"%PDF-1.7 handover"
UWE = Recipient(name="Uwe <b>Kestrel</b>", email="uwe@kestrel.example")


def asked(desk: Desk, id: str = FIRST, file: str = "Übergabe 設計.pdf") -> str:
    """The path of a link that was just mailed."""
    pm = Acting.of(desk.parts.people, desk.parts.people.principal("project-manager"))
    with desk.db.transaction() as tx:
        evidence.add_upload(tx, pm, id, name=file, content=PDF)
        saved = firm.parts(desk.db).milestones.submit(tx, pm, id, recipient=UWE)
    with desk.db.transaction() as tx:
        input = runs.get(tx, saved.run or "").input
    return links.Mailing(desk.db, "").url(input)


def state(desk: Desk, id: str = FIRST) -> str:
    with desk.db.transaction() as tx:
        found = milestones.get(tx, id)
    assert found is not None
    return found.state


class Tab:
    """The page as it was loaded, and its form."""

    def __init__(self, desk: Desk, path: str) -> None:
        self.browser, self.path = desk.visitor(), path
        seal = re.search(r'name="digest" value="([0-9a-f]{64})"', self.browser.get(path).text)
        self.digest = seal[1] if seal else ""

    def answer(self, decision: str = "accept", **more: str) -> Response:
        fields = {"digest": self.digest, "decision": decision, "name": "Uwe Kestrel", **more}
        return self.browser.post(self.path, fields)


def answer(desk: Desk, path: str, decision: str = "accept", **more: str) -> Response:
    return Tab(desk, path).answer(decision, **more)


def test_it_shows_the_milestone_its_evidence_and_nothing_else(desk: Desk) -> None:
    path = asked(desk)
    page = desk.visitor().get(path)
    assert page.status_code == 200
    for shown in ("Stage 1 of 2001", "50,000.00", "Übergabe 設計.pdf", "Test run", "Tarn"):
        assert shown in page.text
    assert "Uwe &lt;b&gt;Kestrel&lt;/b&gt;" in page.text
    for hidden in ("ENG-2001", "e-2001", "Ledger migration", "Stage 2", "pmo-lead", "250,000"):
        assert hidden not in page.text
    assert "<script" not in page.text
    ways = set(re.findall(r'(?:href|action|src)="([^"#]+)"', page.text))
    assert all(way.startswith((path, "/static/", "https://tests.example/")) for way in ways)
    csp = page.headers["content-security-policy"]
    assert "default-src 'none'" in csp
    assert "script-src" not in csp
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert "set-cookie" not in page.headers


def test_looking_decides_nothing(desk: Desk) -> None:
    path = asked(desk)
    events = desk.count("events")
    for method in ("GET", "HEAD"):
        desk.visitor().send(method, path)
    assert (state(desk), desk.count("events")) == ("submitted", events)


def test_a_file_is_saved_and_not_shown(desk: Desk) -> None:
    path = asked(desk)
    (way,) = re.findall(rf'href="({path}/evidence/[^"]+)"', desk.visitor().get(path).text)
    file = desk.visitor().get(way)
    assert file.content == PDF
    assert file.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%C3%9C")
    assert file.headers["content-security-policy"].startswith("sandbox;")
    assert file.headers["x-content-type-options"] == "nosniff"


def test_the_client_accepts_and_sees_it(desk: Desk) -> None:
    path = asked(desk)
    done = answer(desk, path, name="  田中 恵子 ")
    assert (done.status_code, done.headers["location"]) == (303, path)
    assert state(desk) == "accepted"
    page = desk.visitor().get(path)
    assert "Accepted" in page.text
    assert "田中 恵子" in page.text
    assert "<form" not in page.text
    assert desk.count("events", "type = 'milestone.accepted'") == 1


def test_a_double_click_and_a_second_tab_change_nothing(desk: Desk) -> None:
    path = asked(desk)
    first, second = Tab(desk, path), Tab(desk, path)
    first.answer()
    assert first.answer().status_code == 303
    again = second.answer("send_back", reason="Changed my mind.")
    assert (again.status_code, again.headers["location"]) == (303, path)
    assert state(desk) == "accepted"
    assert desk.count("events", "type LIKE 'milestone.%%ed'") == 2  # submitted, accepted


def test_it_is_sent_back_with_a_reason_and_what_was_typed_is_kept(desk: Desk) -> None:
    path = asked(desk)
    refused = answer(desk, path, "send_back", name="Uwe “K”", reason="  ")
    assert refused.status_code == 422
    assert "Say what is missing." in refused.text
    assert 'value="Uwe “K”"' in refused.text
    assert state(desk) == "submitted"
    answer(desk, path, "send_back", reason="<img src=x onerror=alert(1)>")
    assert state(desk) == "sent_back"
    assert "&lt;img src=x" in desk.visitor().get(path).text


def test_a_link_that_sent_it_back_does_not_show_what_is_added_afterwards(desk: Desk) -> None:
    path = asked(desk)
    (known,) = re.findall(rf'href="({path}/evidence/[^"]+)"', desk.visitor().get(path).text)
    answer(desk, path, "send_back", reason="A signature is missing.")
    assert desk.visitor().get(known).status_code == 200
    pm = Acting.of(desk.parts.people, desk.parts.people.principal("project-manager"))
    with desk.db.transaction() as tx:
        more = evidence.add_upload(tx, pm, FIRST, name="internal.pdf", content=b"%PDF-1.7 ours")
    new = next(one.id for one in more.evidence if one.name == "internal.pdf")

    page = desk.visitor().get(path)
    assert page.status_code == 410
    assert "answered already" in page.text
    assert "internal.pdf" not in page.text
    for file in (known, f"{path}/evidence/{new}"):
        assert desk.visitor().get(file).status_code == 404


@pytest.mark.parametrize("name", ["", "\u202eewU", "x" * 200], ids=["none", "turned", "long"])
def test_an_answer_has_a_name(desk: Desk, name: str) -> None:
    refused = answer(desk, asked(desk), name=name)
    assert refused.status_code == 422
    assert 'aria-describedby="a-name-d"' in refused.text
    assert state(desk) == "submitted"


def test_an_answer_says_which(desk: Desk) -> None:
    assert answer(desk, asked(desk), "perhaps").status_code == 422
    assert state(desk) == "submitted"


@pytest.mark.parametrize("token", ["x", "a" * 43, "a" * 5000, "%00", "..%2f..", "%F0%9F%98%80"])
def test_a_forged_link_is_not_known(desk: Desk, token: str) -> None:
    asked(desk)
    for way in (f"/accept/{token}", f"/accept/{token}/evidence/x"):
        assert desk.visitor().get(way).status_code == 404
    made = sessions.csrf_of("x") if token == "x" else ""
    refused = desk.visitor().post(f"/accept/{token}", {"decision": "accept", "csrf": made})
    assert refused.status_code in ((404,) if made else (403, 404))
    assert state(desk) == "submitted"


def test_a_link_decides_its_own_milestone_only(desk: Desk) -> None:
    path, other = asked(desk), asked(desk, firm.milestone_id(2002, 1))
    (foreign,) = re.findall(rf'href="{other}(/evidence/[^"]+)"', desk.visitor().get(other).text)
    assert desk.visitor().get(path + foreign).status_code == 404
    answer(desk, path)
    assert state(desk, firm.milestone_id(2002, 1)) == "submitted"


def expire(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("UPDATE acceptance_links SET expires_at = clock_timestamp()")


def take_back(desk: Desk) -> None:
    pm = Acting.of(desk.parts.people, desk.parts.people.principal("project-manager"))
    with desk.db.transaction() as tx:
        firm.parts(desk.db).milestones.take_back(tx, pm, FIRST, reason="")


def change(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("UPDATE milestones SET amount = amount + 1 WHERE id = %s", [FIRST])


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (expire, "This link has expired"),
        (take_back, "taken back"),
        (change, "has changed"),
    ],
)
def test_a_dead_link_says_why(desk: Desk, end: Callable[[Desk], None], words: str) -> None:
    path = asked(desk)
    tab = Tab(desk, path)
    end(desk)
    for got in (desk.visitor().get(path), tab.answer()):
        assert got.status_code == 410
        assert words in got.text
        assert "project_manager of Tarn &amp; Holloway" in got.text  # whom to ask
        assert "Stage 1" not in got.text  # a dead link shows nothing more
    assert desk.count("events", "type = 'milestone.accepted'") == 0


def test_an_answer_to_what_was_shown_before_a_change_does_not_count(desk: Desk) -> None:
    refused = answer(desk, asked(desk), digest="0" * 64)
    assert (refused.status_code, state(desk)) == (410, "submitted")


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_no_other_site_answers(
    desk: Desk, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    path = asked(desk)
    with caplog.at_level(logging.DEBUG):
        refused = desk.visitor().send(
            "POST", path, data={"decision": "accept", "name": "Uwe"}, headers=headers
        )
    assert (refused.status_code, state(desk)) == (403, "submitted")
    ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("fairlead"))
    assert "refused POST" in ours
    assert path.rpartition("/")[2] not in ours  # who reads the log cannot use it


def test_whoever_asks_too_often_waits(desk: Desk) -> None:
    answers = (desk.visitor().get(f"/accept/{n}") for n in range(4 * BURST))
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) > 0
