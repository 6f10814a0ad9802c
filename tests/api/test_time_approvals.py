"""Approval over the API: all that is clean at once, the rest by itself, nobody their own."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import httpx
import pytest

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.store import bulk, findings, time_entries
from fairlead.store.time_entries import entry_id

from .conftest import Office

MONDAY = date(2026, 3, 2)
AT = datetime(2026, 3, 9, 8, 0, tzinfo=UTC)
PATH = "/api/v1/time-approvals"


def book(
    office: Office,
    number: int,
    *,
    who: str = "consultant",
    by: str | None = None,
    day: date = MONDAY,
    severity: Severity | None = None,
    engagement: str = "e-2001",
) -> UUID:
    """Eight hours, handed in; with a finding where one is given."""
    id = entry_id("test", str(number))
    entry = TimeEntry(
        id=id,
        engagement=EngagementId(engagement),
        task="10",
        resource=who,
        day=day,
        minutes=480,
        role="Consultant",
        narrative="Built the interface.",
        source="test",
        source_id=str(number),
    )
    with office.db.transaction() as tx:
        time_entries.add(tx, [entry], by=by or f"person:{who}", at=AT)
        froms, by = [EntryState.DRAFT], by or f"person:{who}"
        time_entries.move(tx, [id], EntryState.SUBMITTED, froms=froms, by=by, at=AT)
        if severity is not None:
            said = Finding(item=id, rule="T-09", severity=severity, value="11 h", remedy="Look.")
            findings.replace(tx, "time", [id], [said])
    return id


def approve(office: Office, who: str = "pmo-lead", **more: Any) -> httpx.Response:
    return office.post(who, f"{PATH}/approve", json={"engagement": "ENG-2001"} | more)


def states(office: Office, *ids: UUID) -> list[str]:
    with office.db.transaction() as tx:
        known = time_entries.load(tx, ids)
    return [str(known[id].state) for id in ids]


def counts(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return sum(one["count"] for one in answer.json()["approved"])


def test_all_that_is_clean_is_approved_by_one_command_and_the_rest_is_set_apart(
    office: Office,
) -> None:
    clean = [book(office, n, day=MONDAY + timedelta(days=n % 5)) for n in range(10)]
    flagged = book(office, 10, severity=Severity.WARNING)
    wrong = book(office, 11, severity=Severity.ERROR)

    answer = approve(office, week="2026-03-02").json()

    (group,) = answer["approved"]
    assert (group["count"], group["minutes"], group["week"]) == (10, 4800, "2026-03-02")
    assert {(one["id"], one["wrong"]) for one in answer["apart"]} == {
        (str(flagged), False),
        (str(wrong), True),
    }
    assert set(states(office, *clean)) == {"approved"}
    assert set(states(office, flagged, wrong)) == {"submitted"}
    assert office.count("events", "type = 'work.approved'") == 1
    assert office.count("inbox", "message LIKE 'work.approved/e-2001/2026-03-02/%'") == 1


def test_what_is_flagged_needs_a_reason_of_its_own(office: Office) -> None:
    one, other = (book(office, n, severity=Severity.WARNING) for n in range(2))

    approved = approve(
        office, reasons=[{"kind": "time", "id": str(one), "reason": "Go-live weekend."}]
    )

    assert counts(approved) == 1
    assert states(office, one, other) == ["approved", "submitted"]
    with office.db.transaction() as tx:
        (row,) = time_entries.rows_of(tx, [one])
    assert (row["reason"], row["decided_by"]) == ("Go-live weekend.", "person:pmo-lead")


def test_no_reason_makes_an_error_right(office: Office) -> None:
    wrong = book(office, 1, severity=Severity.ERROR)

    answer = approve(office, reasons=[{"kind": "time", "id": str(wrong), "reason": "Never mind."}])

    assert counts(answer) == 0
    assert states(office, wrong) == ["submitted"]


def test_nobody_approves_their_own_or_what_they_entered_for_others(office: Office) -> None:
    own = book(office, 1, who="pmo-lead")
    for_other = book(office, 2, by="person:pmo-lead")
    fine = book(office, 3)

    answer = approve(office)

    assert counts(answer) == 1
    assert {one["id"] for one in answer.json()["apart"] if one["barred"]} == {
        str(own),
        str(for_other),
    }
    assert states(office, own, for_other, fine) == ["submitted", "submitted", "approved"]
    assert counts(approve(office, "project-manager")) == 2


def test_a_named_item_of_ones_own_is_not_approved_either(office: Office) -> None:
    own = book(office, 1, who="pmo-lead")
    item = {"kind": "time", "id": str(own)}

    answer = approve(office, items=[item], reasons=[{**item, "reason": "It is right."}])

    assert counts(answer) == 0
    back = office.post("pmo-lead", f"{PATH}/return", json={"items": [item], "reason": "No."})
    assert back.status_code == 403


@pytest.mark.parametrize(
    ("who", "status"),
    [
        pytest.param("project-manager", 200, id="a-manager-of-the-region"),
        pytest.param("pmo-lead.amer", 403, id="a-lead-of-another-region"),
        pytest.param("project-manager.amer", 403, id="a-manager-of-another-region"),
        pytest.param("pmo-lead.gmbh", 200, id="a-lead-of-the-company"),
        pytest.param("consultant", 403, id="a-consultant"),
        pytest.param("controller", 403, id="a-controller"),
        pytest.param("relay", 403, id="a-program"),
    ],
)
def test_the_right_people_approve(office: Office, who: str, status: int) -> None:
    book(office, 1)

    assert approve(office, who).status_code == status


def test_once_a_manager_is_named_other_managers_approve_no_longer(office: Office) -> None:
    book(office, 1)
    named = office.post(
        "pmo-lead", "/api/v1/engagements/ENG-2001/manager", json={"person": "pmo-lead.gmbh"}
    )
    assert named.status_code == 200, named.text

    assert approve(office, "project-manager").status_code == 403
    assert counts(approve(office, "pmo-lead.gmbh")) == 1


def name_deputy(office: Office, who: str, deputy: str, days: int = 5) -> httpx.Response:
    today = datetime.now(UTC).date()
    said = {
        "deputy": deputy,
        "starts_on": today.isoformat(),
        "ends_on": (today + timedelta(days=days)).isoformat(),
    }
    return office.post(who, "/api/v1/deputies", json=said)


def test_a_deputy_approves_in_the_managers_stead_but_never_the_managers_own(
    office: Office,
) -> None:
    office.post(
        "pmo-lead", "/api/v1/engagements/ENG-2001/manager", json={"person": "pmo-lead.gmbh"}
    )
    of_team, of_manager = book(office, 1), book(office, 2, who="pmo-lead.gmbh")
    assert approve(office, "project-manager").status_code == 403

    named = name_deputy(office, "pmo-lead.gmbh", "project-manager")

    assert named.status_code == 201, named.text
    assert counts(approve(office, "project-manager")) == 1
    assert states(office, of_team, of_manager) == ["approved", "submitted"]
    with office.db.transaction() as tx:
        told = tx.execute("SELECT attributes FROM events WHERE type = 'work.approved'").fetchone()
    assert told is not None
    assert told["attributes"]["in_stead_of"] == "pmo-lead.gmbh"


def test_whoever_has_a_deputy_does_not_approve_the_deputys_time(office: Office) -> None:
    id = book(office, 1, who="project-manager")
    name_deputy(office, "pmo-lead", "project-manager")

    assert counts(approve(office)) == 0
    assert states(office, id) == ["submitted"]
    assert counts(approve(office, "pmo-lead.gmbh")) == 1


def test_a_deputy_who_was_released_approves_no_longer(office: Office) -> None:
    office.post(
        "pmo-lead", "/api/v1/engagements/ENG-2001/manager", json={"person": "pmo-lead.gmbh"}
    )
    book(office, 1)
    deputy = name_deputy(office, "pmo-lead.gmbh", "project-manager").json()

    ended = office.call("pmo-lead.gmbh", "DELETE", f"/api/v1/deputies/{deputy['id']}")

    assert ended.json()["ended_at"] is not None
    assert approve(office, "project-manager").status_code == 403
    again = office.call("pmo-lead.gmbh", "DELETE", f"/api/v1/deputies/{deputy['id']}")
    assert again.status_code == 409


@pytest.mark.parametrize("deputy", ["consultant", "pmo-lead", "gone", "nobody", "pmo-lead.amer"])
def test_only_somebody_who_could_do_the_work_is_named_deputy(office: Office, deputy: str) -> None:
    answer = name_deputy(office, "pmo-lead", deputy)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/deputy"


def test_what_was_sent_back_says_why_and_waits_no_longer(office: Office) -> None:
    one, other = book(office, 1), book(office, 2)
    items = [{"kind": "time", "id": str(one)}]

    answer = office.post(
        "pmo-lead", f"{PATH}/return", json={"items": items, "reason": "Which interface?"}
    )

    assert answer.json() == {"count": 1}
    assert states(office, one, other) == ["returned", "submitted"]
    again = office.post("pmo-lead", f"{PATH}/return", json={"items": items, "reason": "Again."})
    assert again.status_code == 403


def test_what_waits_is_shown_by_week_and_engagement_with_what_is_clean(office: Office) -> None:
    book(office, 1)
    book(office, 2, severity=Severity.WARNING)
    book(office, 3, who="pmo-lead")
    book(office, 4, day=MONDAY - timedelta(days=1))

    groups = office.get("pmo-lead", PATH).json()["items"]
    (item,) = office.get(
        "pmo-lead",
        f"{PATH}/items?engagement=TH-2001&week=2026-03-02&apart=true&resource=consultant",
    ).json()["items"]

    assert [(g["week"], g["clean"], g["flagged"], g["barred"]) for g in groups] == [
        ("2026-02-23", 1, 0, 0),
        ("2026-03-02", 1, 1, 1),
    ]
    assert (item["minutes"], [one["rule"] for one in item["findings"]]) == (480, ["T-09"])
    assert office.get("pmo-lead.amer", PATH).json()["items"] == []
    first = office.get("pmo-lead", f"{PATH}?limit=1").json()
    assert len(office.get("pmo-lead", f"{PATH}?cursor={first['next']}").json()["items"]) == 1


def test_expenses_are_approved_with_the_time(office: Office) -> None:
    (ride,) = office.get("consultant", "/api/v1/expenses").json()["items"]
    office.post("consultant", "/api/v1/expenses/submit", json={"ids": [ride["id"]]})
    book(office, 1)

    answer = approve(office)

    assert {one["kind"] for one in answer.json()["approved"]} == {"time", "expense"}
    kept = office.get("consultant", f"/api/v1/expenses/{ride['id']}").json()
    assert (kept["state"], kept["period"]) == ("approved", "2026-03-01")


def test_what_is_late_is_booked_in_the_next_open_month_and_the_answer_says_so(
    office: Office,
) -> None:
    with office.db.transaction() as tx:
        closed = {"legal_entity": "DE01", "state": "closed"}
        bulk.insert(tx, "periods", [closed | {"month": f"2026-0{n}-01"} for n in (3, 4)])
    id = book(office, 1)

    (group,) = approve(office).json()["approved"]

    assert (group["count"], group["late"]) == (1, 1)
    with office.db.transaction() as tx:
        (row,) = time_entries.rows_of(tx, [id])
    assert row["period"] == date(2026, 5, 1)


def test_what_was_approved_is_taken_back_once_by_an_entry_that_is_approved_as_well(
    office: Office,
) -> None:
    id = book(office, 1)
    approve(office)
    said = {"kind": "time", "id": str(id), "reason": "It was another engagement."}

    made = office.post("consultant", "/api/v1/corrections", json=said)
    again = office.post("consultant", "/api/v1/corrections", json=said)

    assert (made.status_code, again.status_code) == (201, 409)
    back = UUID(made.json()["id"])
    assert states(office, id, back) == ["approved", "submitted"]
    assert counts(approve(office)) == 1
    with office.db.transaction() as tx:
        entry = time_entries.load(tx, [back])[back]
    assert (entry.minutes, entry.reverses) == (-480, id)
    of_back = office.post("consultant", "/api/v1/corrections", json=said | {"id": str(back)})
    assert of_back.status_code == 409


def test_whoever_corrects_for_others_does_not_approve_the_correction(office: Office) -> None:
    id = book(office, 1)
    approve(office)
    said = {"kind": "time", "id": str(id), "reason": "Booked twice."}

    assert office.post("pmo-lead", "/api/v1/corrections", json=said).status_code == 201

    assert counts(approve(office)) == 0
    assert counts(approve(office, "project-manager")) == 1
    other = office.post("sales-operations", "/api/v1/corrections", json=said)
    assert other.status_code == 404


def test_a_correction_is_not_undone_with_the_week_of_whose_entry_it_takes_back(
    office: Office,
) -> None:
    id = book(office, 1)
    approve(office)
    said = {"kind": "time", "id": str(id), "reason": "Booked twice."}
    back = office.post("pmo-lead", "/api/v1/corrections", json=said).json()["id"]

    office.post("consultant", "/api/v1/time-week/recall", json={"day": str(MONDAY)})

    assert states(office, UUID(back)) == ["submitted"]
    assert counts(approve(office, "project-manager")) == 1


def test_a_correction_that_was_returned_is_not_changed_into_other_work(office: Office) -> None:
    id = book(office, 1)
    approve(office)
    said = {"kind": "time", "id": str(id), "reason": "Booked twice."}
    back = office.post("consultant", "/api/v1/corrections", json=said).json()["id"]
    items = {"items": [{"kind": "time", "id": back}], "reason": "It was right."}
    assert office.post("pmo-lead", f"{PATH}/return", json=items).status_code == 200
    path = f"/api/v1/time-entries/{back}"
    version = office.get("consultant", path).headers["etag"]

    work = {"engagement": "ENG-2001", "task": "10", "day": str(MONDAY), "minutes": 480}
    changed = office.post("consultant", f"{path}/change", json=work, headers={"if-match": version})

    assert changed.status_code == 409
    gone = office.call("consultant", "DELETE", path, headers={"if-match": version})
    assert gone.status_code == 200


def test_an_expense_is_taken_back_to_the_cent(office: Office) -> None:
    (ride,) = office.get("consultant", "/api/v1/expenses").json()["items"]
    office.post("consultant", "/api/v1/expenses/submit", json={"ids": [ride["id"]]})
    approve(office)
    said = {"kind": "expense", "id": ride["id"], "reason": "It was private."}

    made = office.post("consultant", "/api/v1/corrections", json=said).json()

    back = office.get("consultant", f"/api/v1/expenses/{made['id']}").json()
    assert back["claimed"] == {"amount": "-18.40", "currency": "EUR"}
    assert office.post("consultant", "/api/v1/corrections", json=said).status_code == 409
    assert counts(approve(office)) == 1


def test_two_who_approve_at_once_approve_each_entry_once(office: Office) -> None:
    for n in range(40):
        book(office, n)
    start = Barrier(4)

    def go(who: str) -> int:
        start.wait()
        return counts(approve(office, who))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(go, ["pmo-lead", "pmo-lead", "pmo-lead.gmbh", "project-manager"]))

    assert sum(done) == 40
    assert office.count("time_entries", "state = 'approved' AND version = 3") == 40


def test_who_comes_after_all_is_approved_has_nothing_to_do(office: Office) -> None:
    assert counts(approve(office)) == 0
    assert approve(office, "pmo-lead.amer").status_code == 403


def test_an_approval_that_names_nothing_is_refused(office: Office) -> None:
    for body in ({}, {"week": "2026-03-03"}):
        answer = office.post("pmo-lead", f"{PATH}/approve", content=json.dumps(body),
                             headers={"content-type": "application/json"})  # fmt: skip
        assert answer.status_code == 422, body
