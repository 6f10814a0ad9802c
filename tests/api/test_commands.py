"""Commands may be repeated blindly, and two people cannot both win."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from fairlead.store import idempotency

from .conftest import Office


def task_of(office: Office, who: str, n: int = 0) -> dict[str, Any]:
    return office.get(who, "/api/v1/approvals").json()["items"][n]


def exception_of(office: Office, who: str) -> dict[str, Any]:
    return office.get(who, "/api/v1/exceptions").json()["items"][0]


def test_twenty_at_once_under_one_key_answer_once_and_alike(office: Office) -> None:
    task, start = task_of(office, "pmo-lead"), Barrier(20)
    before = office.count("events")

    def approve(_: int) -> tuple[int, bytes, str | None]:
        start.wait()
        answer = office.post(
            "pmo-lead",
            f"/api/v1/tasks/{task['id']}/answer",
            json={"approved": True},
            headers={"idempotency-key": "k-1"},
        )
        return answer.status_code, answer.content, answer.headers.get("etag")

    with ThreadPoolExecutor(20) as pool:
        answers = set(pool.map(approve, range(20)))

    ((status, body, etag),) = answers
    assert status == 200
    assert b'"approved"' in body
    assert etag == '"2"'
    assert office.count("events") == before + 1


def test_twenty_at_once_without_a_key_let_one_win(office: Office) -> None:
    task, start = task_of(office, "pmo-lead"), Barrier(20)

    def answer(n: int) -> int:
        start.wait()
        return office.post(
            "pmo-lead",
            f"/api/v1/tasks/{task['id']}/answer",
            json={"approved": n % 2 == 0, "reason": "too early"},
        ).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = Counter(pool.map(answer, range(20)))

    assert statuses == {200: 1, 409: 19}
    assert office.count("events", "type IN ('approval.approved', 'approval.refused')") == 1


def test_a_key_that_comes_back_with_another_request_is_refused(office: Office) -> None:
    task, other = task_of(office, "pmo-lead"), task_of(office, "pmo-lead", 1)
    key = {"idempotency-key": "k-1"}
    path = f"/api/v1/tasks/{task['id']}/answer"
    assert office.post("pmo-lead", path, json={"approved": True}, headers=key).status_code == 200

    for where, body in (
        (path, {"approved": False, "reason": "no"}),
        (f"/api/v1/tasks/{other['id']}/answer", {"approved": True}),
    ):
        again = office.post("pmo-lead", where, json=body, headers=key)
        assert again.status_code == 422
        assert again.json()["code"] == "key_reused"


def test_a_key_belongs_to_who_used_it_and_for_what(office: Office) -> None:
    first, second = task_of(office, "pmo-lead"), task_of(office, "pmo-lead", 1)
    key = {"idempotency-key": "k-1"}
    for who, task in (("pmo-lead", first), ("pmo-lead.gmbh", second)):
        answer = office.post(
            who, f"/api/v1/tasks/{task['id']}/answer", json={"approved": True}, headers=key
        )
        assert answer.json()["answered_by"] == who


def test_a_refused_command_does_not_use_up_its_key(office: Office) -> None:
    task = task_of(office, "pmo-lead")
    path, key = f"/api/v1/tasks/{task['id']}/answer", {"idempotency-key": "k-1"}
    refused = office.post("pmo-lead", path, json={"approved": False}, headers=key)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {"in": "body", "pointer": "", "rule": "reason: is required to refuse"}
    ]

    again = office.post("pmo-lead", path, json={"approved": False, "reason": "no"}, headers=key)
    assert again.json()["state"] == "refused"


def test_the_most_urgent_task_comes_first_and_pages_join_up(office: Office) -> None:
    whole = office.get("pmo-lead", "/api/v1/tasks").json()["items"]
    due = [task["due_at"] for task in whole]
    assert due == sorted(due, key=lambda at: at or "9")
    assert None in due

    cursor, paged = None, list[Any]()
    while True:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = office.get("pmo-lead", "/api/v1/tasks", params=query).json()
        paged += page["items"]
        if (cursor := page["next"]) is None:
            break

    assert paged == whole


@pytest.mark.parametrize(
    "path", ["engagements", "runs", "effects", "decisions", "exceptions", "differences", "inbox"]
)
def test_pages_of_one_show_each_row_once(office: Office, path: str) -> None:
    whole = office.get("controller", f"/api/v1/{path}").json()["items"]
    assert len(whole) >= 2

    cursor, paged = "", list[Any]()
    while cursor is not None:
        query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        page = office.get("controller", f"/api/v1/{path}", params=query).json()
        paged += page["items"]
        cursor = page["next"]

    assert paged == whole


def test_a_signs_in_a_search_stand_for_themselves(office: Office) -> None:
    def found(q: str) -> int:
        query = {"q": q}
        return len(office.get("finance", "/api/v1/engagements", params=query).json()["items"])

    assert found("LEDGER") == 2
    assert found("ENG-2001") == 1
    assert found("%") == found("_") == found("\\") == 0


def test_a_stale_version_is_refused_and_the_right_one_taken(office: Office) -> None:
    task = task_of(office, "pmo-lead")
    path = f"/api/v1/tasks/{task['id']}"
    etag = office.get("pmo-lead", path).headers["etag"]
    for stale in ('"99"', 'W/"1"', "nonsense"):
        answer = office.post(
            "pmo-lead", f"{path}/answer", json={"approved": True}, headers={"if-match": stale}
        )
        assert answer.status_code == 412

    answer = office.post(
        "pmo-lead", f"{path}/answer", json={"approved": True}, headers={"if-match": etag}
    )
    assert answer.status_code == 200


def test_an_exception_is_changed_only_by_who_says_which_version(office: Office) -> None:
    found = exception_of(office, "sales-operations")
    path = f"/api/v1/exceptions/{found['id']}"
    body = {"action": "supply", "values": {"starts_on": "2026-09-01"}}

    def resolve(version: str | None) -> Any:
        headers = {} if version is None else {"if-match": version}
        return office.post("sales-operations", f"{path}/resolve", json=body, headers=headers)

    assert resolve(None).status_code == 428
    assert resolve("*").status_code == 428
    assert resolve('"7"').status_code == 412
    etag = office.get("sales-operations", path).headers["etag"]
    taken = resolve(etag)
    assert taken.status_code == 200, taken.text
    engagement = office.get("finance", f"/api/v1/engagements/{found['subject_id']}").json()
    assert engagement["supplied"] == {"starts_on": "2026-09-01"}


def test_supplying_needs_the_right_to_correct(office: Office) -> None:
    path = f"/api/v1/exceptions/{exception_of(office, 'controller')['id']}/resolve"
    body = {"action": "supply", "values": {"starts_on": "2026-09-01"}}

    answer = office.post("integration-operator", path, json=body, headers={"if-match": '"1"'})

    assert answer.status_code == 403


def test_work_is_given_only_to_who_could_do_it(office: Office) -> None:
    task = task_of(office, "pmo-lead.gmbh")
    path = f"/api/v1/tasks/{task['id']}/assign"
    for person in ("finance", "pmo-lead.amer", "relay", "nobody"):
        refused = office.post("pmo-lead", path, json={"person": person})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/person"

    given = office.post("pmo-lead", path, json={"person": "pmo-lead.gmbh"})

    assert given.json()["assignee"] == "pmo-lead.gmbh"
    answer = {"approved": True}
    path = f"/api/v1/tasks/{task['id']}/answer"
    assert office.post("pmo-lead", path, json=answer).status_code == 403
    assert office.post("pmo-lead.gmbh", path, json=answer).status_code == 200


def test_an_exception_is_given_only_to_who_could_resolve_it(office: Office) -> None:
    path = f"/api/v1/exceptions/{exception_of(office, 'pmo-lead.gmbh')['id']}/assign"
    version = {"if-match": '"1"'}
    for person in ("consultant", "finance.amer", "gone", "nobody"):
        refused = office.post("pmo-lead", path, json={"person": person}, headers=version)
        assert refused.status_code == 422

    given = office.post("pmo-lead", path, json={"person": "finance"}, headers=version)
    assert given.json()["assignee"] == "finance"


def test_an_exception_of_another_legal_entity_is_not_given(office: Office) -> None:
    path = f"/api/v1/exceptions/{exception_of(office, 'pmo-lead.amer')['id']}/assign"
    version = {"if-match": '"1"'}

    refused = office.post("pmo-lead", path, json={"person": "pmo-lead.gmbh"}, headers=version)

    assert refused.status_code == 422


def test_a_run_is_cancelled_once(office: Office) -> None:
    body = {"reason": "the client withdrew"}

    first = office.post("pmo-lead", "/api/v1/runs/r-2001/cancel", json=body)
    second = office.post("pmo-lead", "/api/v1/runs/r-2001/cancel", json=body)

    assert first.json()["state"] == "undoing"
    assert second.status_code == 409


def test_a_system_is_paused_by_who_has_all_its_regions(office: Office) -> None:
    path = "/api/v1/systems/crm-emea/pause"
    assert office.post("integration-operator.amer", path).status_code == 403

    paused = office.post("integration-operator", path).json()

    assert paused["paused_by"] == "integration-operator"
    assert office.post("integration-operator", path).status_code == 409
    resumed = office.post("integration-operator", "/api/v1/systems/crm-emea/resume").json()
    assert resumed["paused_by"] is None
    own = office.post("integration-operator.amer", "/api/v1/systems/ledger-amer/pause")
    assert own.status_code == 200


def test_what_waits_for_a_system_is_counted_with_its_money(office: Office) -> None:
    systems = {s["id"]: s for s in office.get("auditor", "/api/v1/systems").json()["items"]}

    assert systems["ledger-emea"]["waiting"] == {
        "steps": 1,
        "engagements": 1,
        "money": [{"amount": "250000.00", "currency": "EUR"}],
    }
    assert systems["crm-emea"]["waiting"]["steps"] == 0


def test_a_parked_message_is_read_again_once(office: Office) -> None:
    path = "/api/v1/inbox/1/replay"

    assert office.post("integration-operator", path).json()["state"] == "ready"
    assert office.post("integration-operator", path).status_code == 409
    assert office.count("inbox", "state = 'ready'") == 1


def test_a_new_keys_secret_is_shown_once_and_works(office: Office) -> None:
    body = {"principal": "relay", "scopes": ["events.send"], "days": 1}
    key = {"idempotency-key": "k-1"}

    made = office.post("administrator", "/api/v1/keys", json=body, headers=key)
    again = office.post("administrator", "/api/v1/keys", json=body, headers=key)

    assert made.status_code == again.status_code == 201
    assert again.json() == {**made.json(), "secret": None}
    bearer = {"authorization": f"Bearer {made.json()['secret']}"}
    me = office.get(None, "/api/v1/me", headers=bearer).json()
    assert me["permissions"] == ["events.send"]
    assert office.count("idempotency_keys", "body::text LIKE '%fl\\_%'") == 0


def test_nobody_makes_a_key_for_another_person_or_a_wider_one(office: Office) -> None:
    def make(principal: str, scope: str, **headers: str) -> int:
        body = {"principal": principal, "scopes": [scope]}
        return office.post("administrator", "/api/v1/keys", json=body, headers=headers).status_code

    assert make("controller", "tasks.answer") == 403
    assert make("administrator", "tasks.answer") == 403
    assert make("relay", "tasks.answer") == 403
    assert make("gone", "tasks.read") == 422
    narrow = {"principal": "administrator", "scopes": ["keys.manage"]}
    secret = office.post("administrator", "/api/v1/keys", json=narrow).json()["secret"]
    wider = {"principal": "administrator", "scopes": ["people.read"]}
    bearer = {"authorization": f"Bearer {secret}"}
    assert office.post(None, "/api/v1/keys", json=wider, headers=bearer).status_code == 403


def test_a_key_is_forgotten_after_two_days_and_not_before(office: Office) -> None:
    tasks = [task_of(office, "pmo-lead", n) for n in range(2)]
    for task, key in zip(tasks, ("old", "young"), strict=True):
        path = f"/api/v1/tasks/{task['id']}/answer"
        headers = {"idempotency-key": key}
        office.post("pmo-lead", path, json={"approved": True}, headers=headers)
    with office.db.transaction() as tx:
        tx.execute(
            "UPDATE idempotency_keys SET at = now() - CASE key WHEN 'old' THEN interval '49 hours'"
            " ELSE interval '47 hours' END"
        )

        assert idempotency.forget_old(tx) == 1

    assert office.count("idempotency_keys", "key = 'young'") == 1
    assert office.count("idempotency_keys") == 1


def test_a_repeat_that_comes_too_late_changes_nothing_either(office: Office) -> None:
    task = task_of(office, "pmo-lead")
    path, key = f"/api/v1/tasks/{task['id']}/answer", {"idempotency-key": "k-1"}
    office.post("pmo-lead", path, json={"approved": True}, headers=key)
    with office.db.transaction() as tx:
        tx.execute("UPDATE idempotency_keys SET at = now() - interval '3 days'")
        idempotency.forget_old(tx)

    late = office.post("pmo-lead", path, json={"approved": True}, headers=key)

    assert late.status_code == 409
    assert office.count("events", "type = 'approval.approved'") == 1
