"""Phone approval: one decision on a page of its own."""

from __future__ import annotations

import re

import pytest
from psycopg.types.json import Jsonb

from fairlead.store import tasks

from .conftest import Desk

XSS = "<img src=x onerror=alert(1)>"


def task_of(number: int, n: int) -> str:
    return tasks.task_id(f"r-{number}", f"approve-{n}", 1)


def test_a_link_from_chat_asks_to_sign_in_and_comes_back(shared_desk: Desk) -> None:
    path = f"/approve/{task_of(2001, 0)}"

    said = shared_desk.visitor().get(path)

    assert said.status_code == 303
    assert said.headers["location"] == "/sign-in?next=" + path.replace("/", "%2F")


def test_it_shows_facts_why_packet_and_the_decision(desk: Desk) -> None:
    digest = "ab" * 32
    change = {"value": {"ours": {"amount": "864000", "currency": "EUR"},
                        "theirs": {"amount": "976000", "currency": "EUR"}}}  # fmt: skip
    with desk.db.transaction() as tx:
        shown = {"name": "Wave 2", "packet": digest, "difference": change, "ends_on": None}
        tx.execute("UPDATE tasks SET shown = %s", [Jsonb(shown)])
    page = desk.signed_in("pmo-lead").get(f"/approve/{task_of(2001, 0)}").text

    assert "Wave 2" in page
    assert digest[:16] in page
    assert 'href="/engagements/ENG-2001/packet"' in page
    assert "<del>EUR\xa0864,000.00</del>" in page
    assert "<ins>EUR\xa0976,000.00</ins>" in page
    assert "none yet" in page
    assert "Policy “Launch approval” v1, row “routine”" in page
    assert "Approvals and tasks of this run" in page
    assert 'name="decision" value="approve"' in page
    assert 'name="decision" value="refuse"' in page
    assert re.search(r">\d of 8<", page)


def test_approving_shows_the_record_and_leads_to_the_next(desk: Desk) -> None:
    browser, id = desk.signed_in("pmo-lead"), task_of(2001, 0)
    fields = {"decision": "approve", "reason": "dates agreed", "version": "1"}

    said = browser.post(f"/approve/{id}/answer", fields, part="approve")

    assert said.status_code == 200
    assert said.text.lstrip().startswith("<div class=")
    assert "Approved" in said.text
    assert "dates agreed" in said.text
    assert "Next: Launch?" in said.text
    assert 'name="decision"' not in said.text
    assert desk.count("tasks", "state = 'approved'") == 1


def test_a_decided_one_says_who_when_and_why(desk: Desk) -> None:
    id = task_of(2001, 0)
    fields = {"decision": "refuse", "reason": "too thin", "version": "1"}
    said = desk.signed_in("pmo-lead.gmbh").post(f"/approve/{id}/answer", fields)
    assert said.headers["location"] == f"/approve/{id}"

    page = desk.signed_in("pmo-lead").get(f"/approve/{id}").text

    assert "Refused" in page
    assert "By PMO of the GmbH" in page
    assert "too thin" in page
    assert 'name="decision"' not in page


def test_a_second_answer_is_a_conflict_and_keeps_the_words(desk: Desk) -> None:
    browser, id = desk.signed_in("pmo-lead"), task_of(2001, 0)
    fields = {"decision": "approve", "reason": "mine", "version": "1"}
    browser.post(f"/approve/{id}/answer", fields, part="approve")

    again = browser.post(f"/approve/{id}/answer", {**fields, "reason": "again"}, part="approve")

    assert again.status_code == 409
    assert "Decided or changed by another" in again.text
    assert "again" in again.text
    assert desk.count("tasks", "state = 'approved' AND reason = 'mine'") == 1


def test_an_old_version_changes_nothing_and_keeps_the_words(desk: Desk) -> None:
    browser, id = desk.signed_in("pmo-lead"), task_of(2001, 0)
    with desk.db.transaction() as tx:
        tasks.let_answer_too(tx, id, "controller")

    said = browser.post(
        f"/approve/{id}/answer", {"decision": "approve", "reason": "kept", "version": "1"}
    )

    assert said.status_code == 409
    assert ">kept</textarea>" in said.text
    assert desk.count("tasks", "state = 'open'") == 8


def test_a_refusal_without_a_reason_is_told_at_the_field(desk: Desk) -> None:
    browser, id = desk.signed_in("pmo-lead"), task_of(2001, 0)

    said = browser.post(
        f"/approve/{id}/answer", {"decision": "refuse", "version": "1"}, part="approve"
    )

    assert said.status_code == 422
    assert "A refusal needs a reason." in said.text
    assert desk.count("tasks", "state = 'open'") == 8


def test_the_seller_is_told_whom_to_ask_and_is_refused(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("UPDATE tasks SET excluded = '[\"PMO-lead\"]'")
    browser, id = desk.signed_in("pmo-lead"), task_of(2001, 0)

    page = browser.get(f"/approve/{id}").text
    said = browser.post(
        f"/approve/{id}/answer", {"decision": "approve", "version": "1"}, part="approve"
    )

    assert "so another approves it. Ask" in page
    assert 'name="decision"' not in page
    assert said.status_code == 403
    assert "Not yours to decide" in said.text
    assert desk.count("tasks", "state = 'open'") == 8


@pytest.mark.parametrize("person", ["legal", "auditor", "consultant"])
def test_who_lacks_the_role_sees_whom_to_ask(shared_desk: Desk, person: str) -> None:
    page = shared_desk.signed_in(person).get(f"/approve/{task_of(2001, 0)}").text

    assert "Ask pmo_lead" in page
    assert 'name="decision"' not in page


def test_what_is_foreign_or_unknown_is_not_found(shared_desk: Desk) -> None:
    browser, id = shared_desk.signed_in("pmo-lead.amer"), task_of(2001, 0)

    assert browser.get(f"/approve/{id}").status_code == 404
    assert browser.get("/approve/nobody").status_code == 404
    assert browser.post(
        f"/approve/{id}/answer", {"decision": "approve", "version": "1"}
    ).status_code == 404  # fmt: skip
    assert shared_desk.signed_in("administrator").get(f"/approve/{id}").status_code == 403


def test_what_came_from_outside_is_printed_as_text(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute(
            "UPDATE tasks SET title = %s, because = %s, shown = %s",
            [XSS, XSS, Jsonb({"name": XSS, "packet": XSS, XSS: [XSS]})],
        )

    page = desk.signed_in("pmo-lead").get(f"/approve/{task_of(2001, 0)}").text

    assert "&lt;img" in page
    assert "<img" not in page


def test_costs_are_left_out_for_who_is_not_asked(desk: Desk) -> None:
    with desk.db.transaction() as tx:
        tx.execute("UPDATE tasks SET shown = %s", [Jsonb({"margin": "0.123", "name": "N"})])
    path = f"/approve/{task_of(2001, 0)}"

    assert "0.123" in desk.signed_in("pmo-lead").get(path).text
    assert "0.123" not in desk.signed_in("legal").get(path).text


def test_words_and_decision_are_kept_where_they_cannot_be_sent(shared_desk: Desk) -> None:
    page = shared_desk.signed_in("pmo-lead").get(f"/approve/{task_of(2001, 0)}").text

    assert "data-kept hidden" in page
    assert "data-take-back" in page
    assert 'data-version="1"' in page
    assert 'data-who="pmo-lead"' in page
    assert "approve.js" in page
