"""Approving over the API what was shown, and nothing that came or changed since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fairlead.domain.model.finding import Severity

from .conftest import Office
from .test_time_approvals import MONDAY, PATH, approve, book, counts, states

WEEK = "2026-03-02"


def digest(office: Office) -> str:
    (group,) = [
        one
        for one in office.get("pmo-lead", PATH).json()["items"]
        if (one["number"], one["week"]) == ("ENG-2001", WEEK)
    ]
    return group["digest"]


def version(office: Office, id: object) -> int:
    listed = office.get("pmo-lead", f"{PATH}/items?engagement=ENG-2001").json()["items"]
    return next(one["version"] for one in listed if one["id"] == str(id))


def test_a_week_is_approved_as_it_was_shown(office: Office) -> None:
    clean = [book(office, n, day=MONDAY + timedelta(n)) for n in range(3)]

    assert counts(approve(office, week=WEEK, digest=digest(office))) == 3
    assert set(states(office, *clean)) == {"approved"}


@pytest.mark.parametrize("what", ["came", "changed", "flagged", "went"])
def test_a_week_that_changed_since_is_not_approved(office: Office, what: str) -> None:
    one, other = book(office, 1), book(office, 2, day=MONDAY + timedelta(1))
    shown = digest(office)
    if what == "came":
        book(office, 3, day=MONDAY + timedelta(2))
    elif what == "flagged":
        book(office, 1, severity=Severity.WARNING)
    else:
        state, minutes = ("submitted", 60) if what == "changed" else ("draft", 480)
        with office.db.transaction() as tx:
            tx.execute(
                "UPDATE time_entries SET state = %s, minutes = %s, version = version + 1 "
                "WHERE id = %s",
                [state, minutes, other],
            )

    answer = approve(office, week=WEEK, digest=shown)

    assert (answer.status_code, answer.json()["code"]) == (409, "changed_since")
    assert states(office, one) == ["submitted"]
    assert counts(approve(office, week=WEEK, digest=digest(office))) >= 1


def test_another_week_that_changes_is_no_matter(office: Office) -> None:
    book(office, 1)
    shown = digest(office)
    later = book(office, 2, day=MONDAY + timedelta(7))

    assert counts(approve(office, week=WEEK, digest=shown)) == 1
    assert states(office, later) == ["submitted"]


@pytest.mark.parametrize(
    "said", [{}, {"week": WEEK, "resource": "consultant"}, {"week": WEEK, "items": []}]
)
def test_a_digest_is_that_of_a_whole_week(office: Office, said: dict[str, Any]) -> None:
    book(office, 1)
    answer = approve(office, digest=digest(office), **said)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/digest"


def test_an_entry_is_decided_on_in_the_version_that_was_shown(office: Office) -> None:
    clean, odd = book(office, 1), book(office, 2, severity=Severity.WARNING)
    now = version(office, clean)
    seen = {"kind": "time", "id": str(clean), "version": now}
    why = {"kind": "time", "id": str(odd), "version": version(office, odd) + 1, "reason": "Right."}

    assert approve(office, reasons=[why]).status_code == 409
    stale = {"items": [seen | {"version": now + 1}], "reason": "Too long."}
    assert office.post("pmo-lead", f"{PATH}/return", json=stale).status_code == 409
    assert states(office, clean, odd) == ["submitted", "submitted"]

    assert counts(approve(office, items=[seen], engagement=None)) == 1
    again = approve(office, items=[seen], engagement=None)
    assert (again.status_code, again.json()["code"]) == (409, "changed_since")
    right = why | {"version": version(office, odd)}
    assert counts(approve(office, reasons=[right])) == 1
