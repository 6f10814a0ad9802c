"""Events come in once and go out to any number of readers."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from .conftest import Office

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "a-1",
    "source": "/crm",
    "type": "contract.signed",
    "time": "2026-03-02T09:00:00Z",
    "data": {"engagement": "ENG-2001"},
}
MEDIA = {"content-type": "application/cloudevents+json"}


def test_a_repeat_of_an_event_is_told_and_changes_nothing(office: Office) -> None:
    before, told = office.count("inbox"), office.count("events")

    def send(_: int) -> tuple[int, bool]:
        answer = office.post("relay", "/api/v1/events", json=EVENT)
        return answer.status_code, answer.json()["duplicate"]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))

    assert sorted(answers) == [(202, False)] + [(202, True)] * 19
    assert office.count("inbox") == before + 1
    assert office.count("inbox", "deliveries = 20 AND kind = 'event' AND queue = 'events'") == 1
    assert office.count("events") == told  # nothing but the inbox has changed


def test_a_repeat_written_otherwise_is_the_same_event(office: Office) -> None:
    turned = {name: EVENT[name] for name in reversed(EVENT)}
    assert office.post("relay", "/api/v1/events", json=EVENT).json()["duplicate"] is False

    assert office.post("relay", "/api/v1/events", json=turned).json()["duplicate"] is True


def test_another_content_under_the_same_id_is_refused(office: Office) -> None:
    office.post("relay", "/api/v1/events", json=EVENT)
    other = {**EVENT, "data": {"engagement": "ENG-2002"}}

    answer = office.post("relay", "/api/v1/events", json=other)

    assert answer.status_code == 422
    assert answer.json()["code"] == "key_reused"
    assert office.count("inbox", "deliveries = 2") == 0


def test_ids_of_one_sender_are_not_those_of_another(office: Office) -> None:
    assert office.post("relay", "/api/v1/events", json=EVENT).json()["duplicate"] is False
    other = {**EVENT, "data": {"engagement": "ENG-2002"}}

    answer = office.post("other-relay", "/api/v1/events", json=other)

    assert answer.json() == {"id": "a-1", "duplicate": False}


def test_an_event_cannot_take_the_id_of_a_systems_delivery(office: Office) -> None:
    office.post("relay", "/api/v1/events", json={**EVENT, "source": "crm-emea", "id": "d-1"})

    assert office.count("inbox", "source = 'crm-emea' AND message = 'd-1'") == 0


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        pytest.param({"type": "nothing.known"}, "/type", id="unknown-type"),
        pytest.param({"type": 7}, "/type", id="type-is-no-text"),
        pytest.param({"specversion": "0.3"}, "/specversion", id="older-specification"),
        pytest.param({"time": "2026-02-30T00:00:00Z"}, "/time", id="no-such-day"),
        pytest.param({"time": "2026-03-02 09:00"}, "/time", id="not-rfc-3339"),
        pytest.param({"id": ""}, "/id", id="empty-id"),
        pytest.param({"data": {}}, "/data", id="data-without-its-field"),
        pytest.param({"data": {"engagement": 1}}, "/data/engagement", id="data-of-another-type"),
        pytest.param({"data": {"engagement": "x", "y": 1}}, "/data/y", id="unknown-field-of-data"),
        pytest.param(
            {"data": {"engagement": "x", "happened_at": 0}},
            "/data/happened_at",
            id="time-as-number",
        ),
        pytest.param({"approved": True}, "/approved", id="unknown-attribute"),
        pytest.param({"datacontenttype": "text/xml"}, "/datacontenttype", id="not-json"),
    ],
)
def test_an_event_that_breaks_a_rule_is_not_stored(
    office: Office, change: dict[str, Any], pointer: str
) -> None:
    before = office.count("inbox")

    answer = office.post("relay", "/api/v1/events", json={**EVENT, **change}, headers=MEDIA)

    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert office.count("inbox") == before


def test_a_deal_may_come_whole(office: Office) -> None:
    """Dates, decimals and lists are those of the canonical model, written as JSON can."""
    deal: dict[str, Any] = {
        "ref": {"system": "other-crm", "kind": "opportunity", "id": "7"},
        "revision": "1",
        "modified_at": "2026-03-02T09:00:00Z",
        "name": "Ledger migration",
        "stage": "won",
        "value": {"amount": "1200.50", "currency": "EUR"},
        "starts_on": "2026-09-01",
        "roles": [{"role": "architect", "hours": "80.5"}],
    }
    event = {**EVENT, "type": "opportunity.closed_won", "data": {"deal": deal}}

    assert office.post("relay", "/api/v1/events", json=event).status_code == 202
    number = {**deal, "value": {"amount": 1200.5, "currency": "EUR"}}
    refused = office.post("relay", "/api/v1/events", json={**event, "data": {"deal": number}})
    assert [e["pointer"] for e in refused.json()["errors"]] == ["/data/deal/value/amount"]


def test_the_correlation_of_the_sender_goes_along(office: Office) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    parent = {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}

    answer = office.post("relay", "/api/v1/events", json=EVENT, headers=parent)

    assert answer.headers["x-correlation-id"] == trace
    assert office.count("inbox", "correlation = '0af7651916cd43dd8448eb211c80319c'") == 1
    evil = office.get(None, "/healthz", headers={"x-correlation-id": "a b"})
    assert evil.headers["x-correlation-id"] == evil.headers["x-request-id"]


def test_any_number_of_readers_follow_the_log_by_cursor(office: Office) -> None:
    def read(cursor: str, limit: int) -> Any:
        query = {"cursor": cursor, "limit": str(limit)}
        return office.get("auditor", "/api/v1/events", params=query).json()

    # the feed waits for older transactions, also those of tests that run beside this one
    told = office.count("events")
    whole = read("0-0", 200)
    for _ in range(100):
        if len(whole["items"]) == told:
            break
        time.sleep(0.05)
        whole = read("0-0", 200)
    of_one = [item for item in whole["items"] if item["subject"] == "e-2001"]
    assert [item["data"]["position"] for item in of_one] == list(range(1, len(of_one) + 1))
    first = whole["items"][0]
    assert first["specversion"] == "1.0"
    assert first["type"] == "opportunity.closed_won"
    assert first["data"]["objects"] == [
        {"id": "e-2001", "type": "engagement", "qualifier": "opened"}
    ]
    by_one, cursor = list[Any](), "0-0"
    for _ in range(told):
        page = read(cursor, 1)
        by_one += page["items"]
        cursor = page["next"]
    assert by_one == whole["items"]
    assert read(cursor, 50) == {"items": [], "next": cursor}


def test_the_log_of_an_engagement_is_read_from_any_position(office: Office) -> None:
    path = "/api/v1/engagements/ENG-2001/log"
    told = office.count("events", "chain = 'e-2001'")
    first = office.get("finance", path, params={"limit": "1"}).json()
    rest = office.get("finance", path, params={"cursor": first["next"]}).json()

    positions = [e["data"]["position"] for e in first["items"] + rest["items"]]
    assert positions == list(range(1, told + 1))
    assert told > 1
    assert rest["next"] is None
