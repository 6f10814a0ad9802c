"""Milestones over the API: evidence, submission, the answer of a role of ours."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from . import firm
from .conftest import Office

OURS, CLIENTS = firm.milestone_id(2001, 2), firm.milestone_id(2001, 1)
PDF = b"%PDF-1.7 handover"
UWE = {"recipient": {"name": "Uwe Kestrel", "email": "uwe@kestrel.example"}}
BINARY = {"content-type": "application/octet-stream"}


def at(id: str, *more: str) -> str:
    return "/".join(["/api/v1/milestones", id, *more])


def upload(office: Office, id: str = OURS, who: str = "project-manager", **more: Any) -> Any:
    more = {"params": {"name": "Übergabe.pdf"}, "content": PDF, "headers": BINARY} | more
    return office.post(who, at(id, "evidence"), **more)


def test_a_list_is_paged_by_day_and_shows_what_is_late(shared_office: Office) -> None:
    params: dict[str, Any] = {"engagement": "e-2001", "limit": 1}
    first = shared_office.get("project-manager", "/api/v1/milestones", params=params).json()
    params["cursor"] = first["next"]
    second = shared_office.get("project-manager", "/api/v1/milestones", params=params).json()
    assert [one["number"] for page in (first, second) for one in page["items"]] == [1, 2]
    assert second["next"] is None
    assert first["items"][0]["amount"] == {"amount": "50000.00", "currency": "EUR"}
    late = shared_office.get("project-manager", "/api/v1/milestones", params={"late": True}).json()
    assert len(late["items"]) == 4
    wrong = shared_office.get(
        "project-manager", "/api/v1/milestones", params={"cursor": f"2026-13-45.{OURS}"}
    )
    assert wrong.status_code == 422


def test_an_upload_is_told_by_its_digest_and_comes_back_as_it_was(office: Office) -> None:
    told = upload(office).json()
    given = told["evidence"][1]
    assert (given["name"], given["digest"]) == ("Übergabe.pdf", hashlib.sha256(PDF).hexdigest())
    file = office.get("auditor", f"/api/v1/evidence/{given['id']}")
    assert file.content == PDF
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["x-content-type-options"] == "nosniff"
    gone = office.call("project-manager", "DELETE", f"/api/v1/evidence/{given['id']}")
    assert [one["kind"] for one in gone.json()["evidence"]] == ["link"]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 422), (b"MZ\x90\0", 422), (b"%PDF-" + b"x" * 10 * 1024 * 1024, 413)],
    ids=["empty", "a-program", "too-large"],
)
def test_what_is_no_evidence_is_refused(shared_office: Office, content: bytes, status: int) -> None:
    assert upload(shared_office, content=content).status_code == status


def test_a_link_to_a_script_is_refused(shared_office: Office) -> None:
    refused = shared_office.post(
        "project-manager", at(OURS, "links"), json={"url": "javascript:alert(1)"}
    )
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/url"


def test_a_role_of_ours_accepts_what_another_submitted(office: Office) -> None:
    read = office.get("project-manager", at(OURS))
    submitted = office.post(
        "project-manager", at(OURS, "submit"), json={}, headers={"if-match": read.headers["etag"]}
    )
    assert (submitted.json()["state"], submitted.json()["accepts"]) == ("submitted", "internal")
    firm.advance(office.db)
    stale = office.post(
        "pmo-lead", at(OURS, "accept"), json={}, headers={"if-match": read.headers["etag"]}
    )
    assert stale.status_code == 412
    key = {"idempotency-key": "once"}
    accepted = [office.post("pmo-lead", at(OURS, "accept"), json={}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in accepted] == [200, 200]
    told = accepted[0].json()
    assert (told["state"], told["accepted_by"]) == ("accepted", "pmo-lead")
    assert accepted[1].json() == told
    assert office.post("pmo-lead", at(OURS, "accept"), json={}).status_code == 409
    assert upload(office).status_code == 409


def test_whoever_submitted_it_cannot_accept_it(office: Office) -> None:
    office.post("pmo-lead", at(OURS, "submit"), json={})
    firm.advance(office.db)
    refused = office.post("pmo-lead", at(OURS, "accept"), json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")


def test_it_is_sent_back_with_a_reason_only(office: Office) -> None:
    office.post("project-manager", at(OURS, "submit"), json={})
    firm.advance(office.db)
    assert office.post("pmo-lead", at(OURS, "send-back"), json={"reason": " "}).status_code == 422
    told = office.post("pmo-lead", at(OURS, "send-back"), json={"reason": "No report."}).json()
    assert (told["state"], told["reason"]) == ("sent_back", "No report.")


def test_without_evidence_nothing_is_submitted(office: Office) -> None:
    (link,) = office.get("project-manager", at(OURS)).json()["evidence"]
    office.call("project-manager", "DELETE", f"/api/v1/evidence/{link['id']}")
    refused = office.post("project-manager", at(OURS, "submit"), json={})
    assert refused.status_code == 422
    assert "has no evidence yet" in refused.json()["detail"]


def test_the_client_is_named_where_the_client_accepts(office: Office) -> None:
    assert office.post("project-manager", at(CLIENTS, "submit"), json={}).status_code == 422
    told = office.post("project-manager", at(CLIENTS, "submit"), json=UWE).json()
    assert told["accepts"] == "client"
    assert office.post("pmo-lead", at(CLIENTS, "accept"), json={}).status_code == 403
    back = office.post("project-manager", at(CLIENTS, "take-back"), json={}).json()
    assert back["state"] == "planned"
