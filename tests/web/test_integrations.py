"""The systems: how they are, who may act on them, and what is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from psycopg.types.json import Jsonb
from tests.api import firm

from fairlead.connectors.kit.http import trusted
from fairlead.store import exceptions
from fairlead.store.database import Database
from fairlead.web.parts import ConnectorSheet, MappedField, Operation
from fairlead.work.words import CauseClass, ExceptionAction, NewException

from .conftest import Desk, Now, served, web_parts

XSS = "<script>alert(1)</script>"
SHEET = ConnectorSheet(
    title="A ledger",
    ports=("ledger",),
    operations=(
        Operation("ledger.create_project", 2, "ledger.find_project"),
        Operation("ledger.find_project", None),
    ),
    per_second=10,
    settings=(("base_url", "https://ledger.example"), ("api_token", "sk-in-the-wrong-place")),
    fields=(MappedField("project", "code", "entityId", "text", changed=True),),
    secrets=lambda: {"private_key": True, "webhook": False},
)


@pytest.fixture
def wired(db: Database) -> Iterator[Desk]:
    """With a connector's declaration."""
    firm.fill(db)
    now = Now()
    parts = replace(web_parts(db, now), connectors={"ledger-emea": SHEET})
    with served(parts) as url, httpx.Client(timeout=30, verify=trusted()) as http:
        yield Desk(url, db, parts, now, http)


def run(desk: Desk, query: Any, values: Any = ()) -> list[dict[str, Any]]:
    with desk.db.transaction() as tx:
        done = tx.execute(query, values)
        return done.fetchall() if done.description else []


def dead_letter(desk: Desk, why: str = "/Amount: is no number") -> str:
    """The exception that stands for a parked message."""
    [row] = run(desk, "UPDATE inbox SET outcome = %s WHERE message = 'msg-0' RETURNING id", [why])
    with desk.db.transaction() as tx:
        return exceptions.open_one(
            tx,
            NewException(
                cause=f"message:crm-emea:{row['id']}",
                cause_class=CauseClass.UNREADABLE,
                team="integration-operations",
                title="A webhook cannot be taken in",
                detail=why,
                remedy="Mend its sender.",
                opened_at=firm.NOW,
                actions=(ExceptionAction.RETRY, ExceptionAction.DISMISS),
                system="crm-emea",
            ),
        )


def test_systems_are_closed_to_who_may_not_read_them(shared_desk: Desk) -> None:
    b = shared_desk.signed_in("consultant")

    for path in ("", "/effects", "/messages", "/systems/crm-emea"):
        assert b.get(f"/integrations{path}").status_code == 403


def test_a_reader_of_one_region_sees_the_systems_of_that_region(shared_desk: Desk) -> None:
    b = shared_desk.signed_in("pmo-lead.amer")
    page = b.get("/integrations").text

    assert "ledger-amer" in page
    assert "/integrations/systems/ledger-emea" not in page
    assert b.get("/integrations/systems/ledger-emea").status_code == 404


def test_a_system_that_is_down_says_why_and_what_waits(desk: Desk) -> None:
    run(
        desk,
        "UPDATE systems SET breaker = 'open', reason = %s, opened_at = now() WHERE id = %s",
        [XSS, "ledger-emea"],
    )

    page = desk.signed_in("integration-operator").get("/integrations").text

    assert "ledger-emea: down" in page
    assert "1\N{NO-BREAK SPACE}engagement waits for it" in page
    assert "1 of 3 not healthy" in page
    assert XSS not in page


def test_pausing_needs_a_reason_that_others_read(desk: Desk) -> None:
    b = desk.signed_in("integration-operator")
    path = "/integrations/systems/ledger-emea"

    assert b.post(f"{path}/pause", {"reason": " "}).status_code == 422
    done = b.post(f"{path}/pause", {"reason": f"{XSS} upgrade"}, part="system-state")

    assert "Resume" in done.text
    assert XSS not in done.text
    assert desk.count("systems", "paused_by = 'integration-operator'") == 1
    assert "upgrade" in desk.signed_in("auditor").get(path).text
    assert b.post(f"{path}/pause", {"reason": "again"}).status_code == 409
    assert b.post(f"{path}/resume", {"reason": ""}).status_code == 303
    assert desk.count("systems", "paused_by IS NOT NULL") == 0
    assert desk.count("events", "type IN ('system.paused', 'system.resumed')") == 2


def test_who_only_reads_systems_cannot_turn_them(desk: Desk) -> None:
    b = desk.signed_in("controller")
    path = "/integrations/systems/ledger-emea"

    assert b.post(f"{path}/pause", {"reason": "x"}).status_code == 403
    assert "The role Integration operator pauses" in b.get(path).text
    amer = desk.signed_in("integration-operator.amer")
    assert amer.post(f"{path}/pause", {"reason": "x"}).status_code == 404
    everywhere = "/integrations/systems/crm-emea"
    assert amer.post(f"{everywhere}/pause", {"reason": "x"}).status_code == 403
    assert "not yours" in amer.get(everywhere).text


def test_a_poll_is_due_at_once_only_where_there_are_polls(desk: Desk) -> None:
    run(desk, "UPDATE systems SET poll_at = now() + interval '1 h' WHERE id = 'crm-emea'")
    b = desk.signed_in("integration-operator")

    assert b.post("/integrations/systems/crm-emea/poll").status_code == 303
    assert desk.count("systems", "poll_at <= now()") == 1
    assert b.post("/integrations/systems/ledger-emea/poll").status_code == 409


def test_levels_settings_and_the_map_are_shown_and_no_secret(wired: Desk) -> None:
    page = wired.signed_in("auditor").get("/integrations/systems/ledger-emea").text

    assert ">L2<" in page
    assert "https://ledger.example" in page
    assert "sk-in-the-wrong-place" not in page
    assert "missing" in page
    assert "entityId" in page
    assert "changed here" in page


def test_ownership_is_shown_as_it_was_reviewed(wired: Desk) -> None:
    page = wired.signed_in("pmo-lead").get("/integrations").text

    assert "Project budget" in page
    assert "owns" in page


def test_effects_are_filtered_and_seen_by_region(shared_desk: Desk) -> None:
    amer = shared_desk.signed_in("pmo-lead.amer")

    assert "ENG-2001" not in amer.get("/integrations/effects").text
    assert "ENG-2002" in amer.get("/integrations/effects?state=confirmed").text
    assert "<tr data-row" not in amer.get("/integrations/effects?state=refused").text
    assert amer.get("/integrations/effects/r-2001/book/1").status_code == 404
    assert amer.get("/integrations/effects?state=x&after=zz").status_code == 200


def test_one_effect_shows_what_was_asked_without_its_secrets(desk: Desk) -> None:
    request = {"name": XSS, "password": "hunter2", "url": "https://u:pw123456@x.example"}
    run(desk, "UPDATE effects SET request = %s, answer = %s", [Jsonb(request), XSS])

    page = desk.signed_in("auditor").get("/integrations/effects/r-2001%2Fbook%2F1").text

    assert XSS not in page
    assert "hunter2" not in page
    assert "pw123456" not in page
    assert "project 1" in page


def test_messages_are_for_readers_without_a_limit(desk: Desk) -> None:
    dead_letter(desk, XSS)

    whole = desk.signed_in("auditor").get("/integrations/messages?state=parked").text
    amer = desk.signed_in("pmo-lead.amer").get("/integrations/messages").text

    assert "crm-emea" in whole
    assert XSS not in whole
    assert "Messages are not open to you" in amer
    assert "msg-" not in amer


def test_a_dead_letter_is_read_again_once(desk: Desk) -> None:
    id, b = dead_letter(desk), desk.signed_in("integration-operator")
    path = f"/integrations/dead-letters/{id}"

    done = b.post(path, {"action": "retry", "version": "1"}, part="dead-letters")
    again = b.post(path, {"action": "retry", "version": "1"}, part="dead-letters")

    assert done.status_code == 200
    assert "Every message was taken in" in done.text
    assert again.status_code == 409
    assert desk.count("inbox", "state = 'ready'") == 1
    assert desk.count("events", "type = 'exception.retry'") == 1


def test_a_dead_letter_is_dismissed_with_a_reason_by_who_may(desk: Desk) -> None:
    id = dead_letter(desk)
    path = f"/integrations/dead-letters/{id}"
    amer = desk.signed_in("integration-operator.amer")
    b = desk.signed_in("integration-operator")

    assert amer.post(path, {"action": "retry", "version": "1"}).status_code == 404
    assert desk.signed_in("auditor").post(path, {"action": "retry"}).status_code == 403
    assert b.post(path, {"action": "dismiss", "version": "1"}).status_code == 422
    assert b.post(path, {"action": "burn", "version": "1"}).status_code == 422
    fields = {"action": "dismiss", "reason": "a test", "version": "1"}
    assert b.post(path, fields).status_code == 303
    assert desk.count("exceptions", "class = 'unreadable' AND reason = 'a test'") == 1
    assert desk.count("inbox", "state = 'parked'") == 3


def test_the_rate_of_errors_is_of_the_last_day(desk: Desk) -> None:
    run(desk, "UPDATE effects SET state = 'refused', intended_at = now() WHERE run_id = 'r-2001'")
    b = desk.signed_in("integration-operator")

    assert "1 of 1 effects in 24 h" in b.get("/integrations").text
    desk.now.move(timedelta(hours=25))
    later = desk.signed_in("integration-operator")
    assert "1 of 1 effects in 24 h" not in later.get("/integrations").text
