"""One client cannot stop the rest, and operators see how we are."""

from __future__ import annotations

import json
import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest

from fairlead.api.parts import Limits
from fairlead.api.problems import request_id
from fairlead.api.serve import JsonLines
from fairlead.connectors.kit.http import trusted
from fairlead.store.database import Database

from . import firm
from .conftest import Office, served

pytestmark = pytest.mark.takes(1.5)


def test_it_is_ready_while_the_database_answers(shared_office: Office) -> None:
    assert shared_office.get(None, "/healthz").json() == {"status": "ok"}
    assert shared_office.get(None, "/readyz").json() == {"status": "ok"}


def test_it_is_not_ready_without_the_database_and_says_so_in_time() -> None:
    with served(firm.parts(Database("postgresql://127.0.0.1:1/none"))) as url:
        began = time.monotonic()
        ready = httpx.get(f"{url}/readyz", timeout=10)
        took = time.monotonic() - began
        keyed = httpx.get(
            f"{url}/api/v1/me", headers={"authorization": "Bearer fl_a_b"}, timeout=10
        )
        assert httpx.get(f"{url}/healthz").status_code == 200

    assert ready.status_code == keyed.status_code == 503
    assert ready.headers["retry-after"] == keyed.headers["retry-after"] == "1"
    assert keyed.json()["code"] == "database_away"
    assert keyed.json()["retryable"] is True
    assert took < 2.5


def test_it_is_not_ready_before_the_tables_are_those_of_this_release(office: Office) -> None:
    with office.db.transaction() as tx:
        tx.execute("UPDATE alembic_version SET version_num = '0000'")

    assert office.get(None, "/readyz").status_code == 503


def test_metrics_count_requests_and_what_waits(shared_office: Office) -> None:
    shared_office.get("auditor", "/api/v1/engagements/none")

    lines = shared_office.get("auditor", "/metrics").text.splitlines()

    assert 'fairlead_inbox{queue="crm-emea",state="parked"} 3' in lines
    assert 'fairlead_ready_steps{system="ledger-emea"} 1' in lines
    assert 'fairlead_open_exceptions{class="missing_data"} 2' in lines
    assert 'fairlead_effects{system="ledger-emea",state="confirmed"} 1' in lines
    assert 'fairlead_breaker_open{system="crm-emea"} 0' in lines
    route = 'method="GET",route="/api/v1/engagements/{id}",status="404"'
    assert f"fairlead_http_requests_total{{{route}}} 1" in lines


def test_a_principal_beyond_its_rate_is_told_when_to_return(db: Database) -> None:
    keys = firm.fill(db)
    parts = firm.parts(db, Limits(requests_per_s=0.5, burst=3))
    with served(parts) as url, httpx.Client(base_url=f"{url}/api/v1", verify=trusted()) as http:
        greedy = {"authorization": f"Bearer {keys['finance']}"}
        answers = [http.get("/me", headers=greedy) for _ in range(4)]
        other = http.get("/me", headers={"authorization": f"Bearer {keys['auditor']}"})

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "2"
    assert answers[-1].json()["code"] == "too_many_requests"
    assert other.status_code == 200


def test_beyond_what_is_in_hand_everybody_is_told_to_come_back(db: Database) -> None:
    """A request whose body does not come holds the only place there is."""
    firm.fill(db)
    parts = firm.parts(db, Limits(at_once=1, body_s=60))
    with served(parts) as url, socket.create_connection(_place(url)) as slow:
        slow.sendall(b"POST /hooks/crm-emea HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n")
        while (answer := httpx.get(f"{url}/healthz")).status_code == 200:
            pass  # the other request has not been read yet

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["retryable"] is True


def test_a_body_that_does_not_arrive_is_given_up(db: Database) -> None:
    firm.fill(db)
    parts = firm.parts(db, Limits(body_s=0.2))
    with served(parts) as url, socket.create_connection(_place(url), timeout=10) as slow:
        slow.sendall(b"POST /hooks/crm-emea HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        answer = slow.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408 ")


def test_endless_headers_are_cut_off(shared_office: Office) -> None:
    with socket.create_connection(_place(str(shared_office.http.base_url)), timeout=10) as greedy:
        greedy.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 200_000)
        answer = greedy.recv(4096)

    assert answer.startswith(b"HTTP/1.1 4")


def test_what_a_client_says_about_our_address_is_ignored(shared_office: Office) -> None:
    said = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "x"}
    for path in ("/api/v1/engagements/", "/healthz", "/api/openapi.json"):
        answer = shared_office.get(None, path, headers=said)
        assert "evil" not in answer.text + str(answer.headers)
        assert answer.status_code in (200, 404)


def test_two_hundred_idle_connections_do_not_stop_a_request(shared_office: Office) -> None:
    place = _place(str(shared_office.http.base_url))
    with ThreadPoolExecutor(8) as pool:
        idle = list(pool.map(socket.create_connection, [place] * 200))
    for one in idle:
        one.sendall(b"GET /healthz HTTP/1.1\r\nx-slow: ")
    try:
        assert shared_office.get("finance", "/api/v1/engagements").status_code == 200
    finally:
        for one in idle:
            one.close()


def test_a_log_line_is_json_with_the_id_of_its_request() -> None:
    record = logging.LogRecord("a", logging.WARNING, "f", 1, "said %s", ("\ud800\n",), None)
    request_id.set("r-1")

    line = JsonLines().format(record)

    assert "\n" not in line
    assert json.loads(line)["request"] == "r-1"


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


@pytest.fixture(autouse=True)
def _no_request() -> None:
    request_id.set("")
