"""Time through the API: one's own, in order, with versions; others' only for those who may."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Office

ENTRIES = "/api/v1/time-entries"
MONDAY = "2026-07-06"


def said(**more: Any) -> dict[str, Any]:
    work = {"engagement": "TH-2001", "task": "10", "day": MONDAY, "minutes": 120}
    return work | {"narrative": "Mapped the interfaces"} | more


def test_an_entry_is_judged_the_moment_it_is_entered(office: Office) -> None:
    answer = office.post("consultant", ENTRIES, json=said(minutes=50))
    assert answer.status_code == 201
    entry = answer.json()
    assert (entry["state"], entry["role"], entry["resource"]) == (
        "draft", "Consultant", "consultant",
    )  # fmt: skip
    assert [one["rule"] for one in entry["findings"]] == ["T-18"]
    assert entry["findings"][0]["remedy"]
    path = f"{ENTRIES}/{entry['id']}"
    match = {"if-match": answer.headers["etag"]}
    better = office.post("consultant", f"{path}/change", json=said(), headers=match)
    assert better.json()["findings"] == []
    stale = office.post("consultant", f"{path}/change", json=said(), headers=match)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_version")
    assert office.post("consultant", f"{path}/change", json=said()).status_code == 428
    shown = office.get("consultant", path)
    assert shown.headers["etag"] == '"2"'
    gone = office.call("consultant", "DELETE", path, headers={"if-match": '"2"'})
    assert gone.json() == {"id": entry["id"]}
    assert office.get("consultant", path).status_code == 404


def test_the_same_request_twice_enters_one(office: Office) -> None:
    key = {"idempotency-key": "grid-7"}
    first, again = (office.post("consultant", ENTRIES, json=said(), headers=key) for _ in "ab")
    assert first.json() == again.json()
    assert office.count("time_entries", "day = '2026-07-06'") == 1


def test_a_week_is_one_of_this_century(office: Office) -> None:
    for path in ("submit", "recall"):
        said = office.post("consultant", f"/api/v1/time-week/{path}", json={"day": "9999-12-31"})
        assert said.status_code == 422
        assert said.json()["errors"][0]["pointer"] == "/day"
    assert office.get("consultant", "/api/v1/time-week?day=0001-01-01").status_code == 422


def test_a_week_is_handed_in_and_taken_back(office: Office) -> None:
    office.post("consultant", ENTRIES, json=said())
    bad = office.post("consultant", ENTRIES, json=said(minutes=50, narrative="Other work")).json()
    refused = office.post("consultant", "/api/v1/time-week/submit", json={"day": MONDAY})
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["rule"].startswith(f"entries.{bad['id']}: T-18: 0 h 50 m is no multiple")
    office.call("consultant", "DELETE", f"{ENTRIES}/{bad['id']}", headers={"if-match": '"1"'})
    week = office.post("consultant", "/api/v1/time-week/submit", json={"day": "2026-07-12"}).json()
    assert (week["monday"], week["minutes"]) == (MONDAY, 120)
    assert [entry["state"] for entry in week["entries"]] == ["submitted"]
    office.post("consultant", "/api/v1/time-week/recall", json={"day": MONDAY})
    shown = office.get("consultant", f"/api/v1/time-week?day={MONDAY}").json()
    assert [entry["state"] for entry in shown["entries"]] == ["draft"]


@pytest.mark.parametrize(
    ("who", "status"),
    [("project-manager", 200), ("auditor", 200), ("legal", 403), ("consultant", 403)],
)
def test_others_time_is_for_those_who_may_read_it(
    shared_office: Office, who: str, status: int
) -> None:
    answer = shared_office.get(who, f"{ENTRIES}?mine=false")
    assert answer.status_code == status
    if status == 200:
        assert {entry["resource"] for entry in answer.json()["items"]} == {"consultant"}


def test_another_regions_time_is_not_seen(shared_office: Office) -> None:
    seen = shared_office.get("project-manager.amer", f"{ENTRIES}?mine=false")
    assert seen.json() == {"items": [], "next": None}


def test_pages_follow_one_another(office: Office) -> None:
    for n in range(5):
        office.post("consultant", ENTRIES, json=said(narrative=f"Mapped {n}", minutes=15))
    seen: list[str] = []
    cursor = ""
    while True:
        page = office.get("consultant", f"{ENTRIES}?limit=2&since={MONDAY}{cursor}").json()
        seen += [entry["id"] for entry in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert len(seen) == len(set(seen)) == 5


def test_sums_are_by_what_is_asked(office: Office) -> None:
    office.post("consultant", ENTRIES, json=said())
    sums = office.get("project-manager", "/api/v1/time-sums?mine=false&by=task").json()["items"]
    assert sums == [{"key": "10", "state": "draft", "billable": True, "minutes": 240, "entries": 2}]


def test_resource_management_says_who_books_and_on_what(office: Office) -> None:
    ada = {"id": "ada", "name": "Ada", "region": "EMEA", "country": "DE"}
    for changed in (["ada"], []):
        answer = office.post("resource-manager", "/api/v1/resources", json={"resources": [ada]})
        assert answer.json() == {"changed": changed}
    work = {
        "id": "a-1", "engagement": "ENG-2001", "resource": "ada", "role": "Architect",
        "starts_on": "2026-01-01", "ends_on": "2026-03-31",
    }  # fmt: skip
    put = {"assignments": [work]}
    assert office.post("resource-manager", "/api/v1/assignments", json=put).status_code == 200
    wrong = {"assignments": [work | {"ends_on": "2025-01-01"}]}
    assert office.post("resource-manager", "/api/v1/assignments", json=wrong).status_code == 422
    listed = office.get("resource-manager", "/api/v1/assignments?mine=false&resource=ada").json()
    assert [(one["id"], one["engagement_id"]) for one in listed["items"]] == [("a-1", "e-2001")]
    people = office.get("resource-manager", "/api/v1/resources?limit=1").json()
    assert [one["id"] for one in people["items"]] == ["ada"]
    assert people["next"] == "ada"
    foreign = {"assignments": [work | {"id": "a-2", "engagement": "ENG-2002"}]}
    answer = office.post("pmo-lead", "/api/v1/assignments", json=foreign)
    assert answer.status_code == 403
