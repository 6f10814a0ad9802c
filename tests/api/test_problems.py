"""Every refusal is problem+json, says which field and why, and repeats nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fairlead.api import problems, strict_json

from .conftest import Office

MARK = "Zq9x7Marker"


def resolves(sent: Any, pointer: str) -> bool:
    return strict_json.existing(sent, pointer)[0] == pointer


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        pytest.param("tasks/x/answer", {}, "", id="missing"),
        pytest.param("tasks/x/answer", {"approved": MARK}, "/approved", id="text-for-a-boolean"),
        pytest.param("tasks/x/answer", {"approved": 1}, "/approved", id="number-for-a-boolean"),
        pytest.param(
            "tasks/x/answer", {"approved": True, "state": MARK}, "/state", id="read-only-field"
        ),
        pytest.param(
            "tasks/x/answer", {"approved": True, "reason": MARK * 500}, "/reason", id="too-long"
        ),
        pytest.param("tasks/x/answer", [MARK], "", id="a-list"),
        pytest.param("exceptions/x/resolve", {"action": MARK}, "/action", id="unknown-action"),
        pytest.param(
            "exceptions/x/resolve",
            {"action": "supply", "values": {"a": {"b": [1.5]}}},
            "/values/a/b/0",
            id="fraction-as-a-number",
        ),
    ],
)
def test_the_pointer_resolves_in_what_was_sent(
    shared_office: Office, path: str, body: Any, pointer: str
) -> None:
    answer = shared_office.post("pmo-lead", f"/api/v1/{path}", json=body)

    told = answer.json()
    assert answer.status_code == told["status"] == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in told["errors"]]
    assert all(resolves(body, error["pointer"]) for error in told["errors"])
    assert all(error["in"] == "body" and len(error["rule"]) <= 200 for error in told["errors"])
    assert MARK not in answer.text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=201", 422),
        ("limit=1&limit=2", 422),
        (f"{MARK}=1", 422),
        (f"state={MARK}", 422),
        (f"cursor={MARK}", 422),
        ("q=%00", 400),
        ("q=%ff", 400),
        ("q=" + "a" * 101, 422),
        ("q=" + "a" * 5000, 400),
        ("q=%ed%a0%80", 400),
    ],
)
def test_a_query_that_breaks_a_rule_is_refused(
    shared_office: Office, query: str, status: int
) -> None:
    answer = shared_office.get("finance", f"/api/v1/engagements?{query}")

    assert answer.status_code == status
    assert MARK not in answer.text
    assert all(error["in"] == "query" for error in answer.json()["errors"])


@pytest.mark.parametrize("id", ["%00", "%ff", "a" * 5000, "..%2f..%2fetc", "%ed%a0%80", "' OR 1=1"])
def test_strange_ids_are_refused(shared_office: Office, id: str) -> None:
    answer = shared_office.get("finance", f"/api/v1/runs/{id}")

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_unknown_address_and_method_are_told_apart(shared_office: Office) -> None:
    assert shared_office.get(None, "/api/v1/nothing").json()["code"] == "not_found"
    for method in ("PUT", "TRACE", "OPTIONS", "PATCH"):
        answer = shared_office.call(None, method, "/api/v1/events")
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, POST"
    assert shared_office.get(None, "/docs").status_code == 404


def test_our_own_failure_is_told_with_an_id_that_the_log_has(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    with office.db.transaction() as tx:
        tx.execute("ALTER TABLE decisions RENAME TO elsewhere")

    answer = office.get("finance", "/api/v1/decisions")

    told = answer.json()
    assert answer.status_code == 500
    assert told["code"] == "internal"
    assert told["request_id"] == answer.headers["x-request-id"]
    assert "elsewhere" not in answer.text
    assert "SELECT" not in answer.text
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert record.exc_info


def test_every_answer_carries_the_headers_that_protect_a_browser(shared_office: Office) -> None:
    for path in ("/healthz", "/api/v1/me", "/nothing"):
        headers = shared_office.get(None, path, headers={"origin": "https://evil.example"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert "max-age" in headers["strict-transport-security"]
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_the_last_resort_uses_nothing_that_can_fail() -> None:
    told = json.loads(problems.document(500, "internal", "\ud800" * 3))

    assert told["status"] == 500
