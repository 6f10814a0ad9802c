"""What systems say differently is listed by object, amount and age, and looked for on request."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Office


def listed(office: Office, **query: str) -> list[dict[str, Any]]:
    answer = office.get("controller", "/api/v1/differences", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def launch(office: Office) -> None:
    with office.db.transaction() as tx:
        tx.execute("UPDATE engagements SET state = 'launched' WHERE id = 'e-2001'")


def test_a_difference_says_of_what_by_how_much_and_since_when(shared_office: Office) -> None:
    (found,) = listed(shared_office, engagement="ENG-2001", field="project.budget")

    assert found == {
        "engagement_id": "e-2001",
        "engagement_number": "ENG-2001",
        "field": "project.budget",
        "owner": "psa",
        "owner_value": "2026-09-30",
        "system": "ledger-emea",
        "system_value": "2026-08-31",
        "region": "EMEA",
        "amount": {"amount": "1200.50", "currency": "EUR"},
        "rule": "ask",
        "first_seen_at": "2026-03-02T09:00:00Z",
        "last_seen_at": "2026-03-03T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param({}, 4, id="all"),
        pytest.param({"system": "ledger-amer"}, 2, id="of-a-system"),
        pytest.param({"field": "project.ends_on"}, 2, id="of-a-field"),
        pytest.param({"engagement": "e-2002"}, 2, id="of-an-engagement-by-its-id"),
        pytest.param({"rule": "owner_wins"}, 2, id="that-are-carried-over"),
        pytest.param({"rule": "ask", "system": "ledger-emea"}, 1, id="by-two"),
        pytest.param({"engagement": "ENG-9999"}, 0, id="of-an-engagement-that-is-not"),
    ],
)
def test_the_report_is_filtered(shared_office: Office, query: dict[str, str], count: int) -> None:
    assert len(listed(shared_office, **query)) == count


def test_the_oldest_difference_comes_first(office: Office) -> None:
    with office.db.transaction() as tx:
        tx.execute(
            "UPDATE differences SET first_seen_at = first_seen_at - interval '9 days' "
            "WHERE engagement_id = 'e-2002' AND field = 'project.ends_on'"
        )

    first = listed(office)[0]

    assert (first["engagement_id"], first["field"]) == ("e-2002", "project.ends_on")


def test_a_cursor_that_names_no_row_ends_nothing(shared_office: Office) -> None:
    assert len(listed(shared_office, cursor="0.x")) == 4
    assert listed(shared_office, cursor="9999999999999999.x") == []


def test_a_comparison_that_is_asked_for_is_in_the_inbox(office: Office) -> None:
    launch(office)

    answer = office.post("finance", "/api/v1/engagements/ENG-2001/compare")

    assert (answer.status_code, answer.json()) == (202, {"engagement_id": "e-2001"})
    assert office.count("inbox", "message LIKE 'compare/e-2001/%' AND state = 'ready'") == 1


def test_a_comparison_is_asked_for_once_under_a_key(office: Office) -> None:
    launch(office)
    for _ in range(2):
        answer = office.post(
            "finance",
            "/api/v1/engagements/e-2001/compare",
            headers={"idempotency-key": "compare-1"},
        )
        assert answer.status_code == 202

    assert office.count("inbox", "message LIKE 'compare/%'") == 1


def test_what_is_not_launched_is_not_compared(office: Office) -> None:
    answer = office.post("finance", "/api/v1/engagements/e-2001/compare")

    assert answer.status_code == 409
    assert answer.json()["code"] == "illegal_move"
    assert office.count("inbox", "message LIKE 'compare/%'") == 0
