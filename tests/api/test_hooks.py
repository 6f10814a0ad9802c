"""A webhook is verified, stored as it came, committed, and only then acknowledged."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead.connectors.kit.signatures import sign
from fairlead.store.database import Database

from . import firm
from .conftest import Office

BODY = b'{"opportunity": "006",  "opportunity": "007"}'  # raw: not even strict JSON


def delivery(id: str, body: bytes = BODY) -> dict[str, str]:
    return sign(id, body, firm.WEBHOOK_SECRET, time.time())


def stored(db: Database) -> list[Any]:
    with db.transaction() as tx:
        return tx.execute("SELECT * FROM inbox WHERE state = 'ready' ORDER BY id").fetchall()


def test_a_genuine_delivery_is_stored_as_it_came(office: Office) -> None:
    headers = {**delivery("d-1"), "cookie": "secret=1", "x-correlation-id": "abc"}

    answer = office.post(None, "/hooks/crm-emea", content=BODY, headers=headers)

    assert answer.status_code == 200
    (row,) = stored(office.db)
    assert bytes(row["body"]) == BODY
    assert (row["source"], row["queue"], row["kind"]) == ("crm-emea", "crm-emea", "webhook")
    assert (row["message"], row["correlation"]) == ("d-1", "abc")
    assert not {"cookie", "webhook-signature", "authorization"} & set(row["headers"])


def test_copies_are_acknowledged_and_counted(office: Office) -> None:
    answers = [
        office.post(None, "/hooks/crm-emea", content=BODY, headers=delivery("d-1"))
        for _ in range(3)
    ]

    assert [a.status_code for a in answers] == [200] * 3
    assert [a.json()["duplicate"] for a in answers] == [False, True, True]
    (row,) = stored(office.db)
    assert row["deliveries"] == 3


@pytest.mark.parametrize("forgery", ["no-signature", "other-body", "other-id", "replayed-late"])
def test_a_forged_delivery_leaves_nothing(office: Office, forgery: str) -> None:
    headers, body = delivery("d-1"), BODY
    match forgery:
        case "no-signature":
            headers = {}
        case "other-body":
            body = b"{}"
        case "other-id":
            headers["webhook-id"] = "d-2"
        case _:
            headers = sign("d-1", BODY, firm.WEBHOOK_SECRET, time.time() - 600)

    answer = office.post(None, "/hooks/crm-emea", content=body, headers=headers)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert stored(office.db) == []


def test_an_unknown_system_and_a_body_beyond_the_limit_are_refused(office: Office) -> None:
    assert office.post(None, "/hooks/nobody", content=BODY).status_code == 404
    assert office.post(None, "/hooks/ledger-emea", content=BODY).status_code == 404
    large = b"x" * (1024 * 1024 + 1)
    answer = office.post(None, "/hooks/crm-emea", content=large, headers=delivery("d", large))
    assert answer.status_code == 413
    assert stored(office.db) == []


def test_what_was_acknowledged_survives_the_death_of_the_server(db: Database) -> None:
    firm.fill(db)
    command = [sys.executable, "-m", "tests.api.serving", db.url]
    home = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=home) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
                answers = [
                    http.post("/hooks/crm-emea", content=BODY, headers=delivery(f"d-{n}"))
                    for n in range(5)
                ]
        finally:
            process.kill()

    assert [answer.status_code for answer in answers] == [200] * 5
    assert [row["message"] for row in stored(db)] == [f"d-{n}" for n in range(5)]
