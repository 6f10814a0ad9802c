"""Which playbooks there are, who follows which version, and moving one run to the newest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fairlead.capabilities.handoff.subject import EngagementSubjects
from fairlead.connectors.kit.http import trusted
from fairlead.flow.grammar import Playbook, Variant
from fairlead.flow.library import Library
from fairlead.flow.start import start_run
from fairlead.store import runs
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.runs import StepRow

from . import firm
from .conftest import Office, served

AGREE = {"approval": "agree", "by": {"role": "pmo_lead"}, "control": "enterprise"}
TELL = {"notify": "finance", "about": "project_open"}
PLAN = {"action": "plan_setup"}


def version(number: int, *steps: dict[str, Any]) -> Playbook:
    stage = {"stage": "Launch", "owner": "delivery-operations", "within": "P1D", "steps": steps}
    return Playbook.model_validate(
        {
            "playbook": "launch",
            "version": number,
            "owner": "delivery-operations",
            "subject": "engagement",
            "starts_on": "deal.won",
            "stages": [stage],
        }
    )


FIRST, SECOND = version(1, AGREE), version(2, AGREE, TELL, PLAN)
STRATEGIC = Variant.model_validate(
    {
        "variant_of": "launch",
        "variant": "launch-strategic",
        "version": 3,
        "owner": "delivery-operations",
        "when": {"client_tier": ["strategic", "key"]},
        "remove": ["plan_setup"],
    }
)
LIBRARY = Library([FIRST, SECOND], [STRATEGIC])


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    keys = firm.fill(db)
    parts = replace(firm.parts(db), library=LIBRARY, subjects={"engagement": EngagementSubjects()})
    with served(parts) as url, httpx.Client(base_url=url, timeout=30, verify=trusted()) as http:
        yield Office(http, keys, db)


def started(tx: Tx, engagement: str, region: str, playbook: Playbook = FIRST) -> str:
    """A run that waits for its approval."""
    run = start_run(
        tx,
        Library([playbook]),
        playbook,
        subject_id=engagement,
        facts={"region": region},
        correlation="c",
        input={},
    )
    assert run is not None
    now = database_time(tx)
    runs.save_steps(tx, [StepRow(run, "agree", "approval", "waiting", "delivery-operations", now)])
    return run


def item(office: Office, who: str, name: str = "launch") -> dict[str, Any]:
    items = office.get(who, "/api/v1/playbooks").json()["items"]
    return next(one for one in items if one["name"] == name)


def test_a_playbook_is_listed_with_its_versions_and_who_follows_them(office: Office) -> None:
    with office.db.transaction() as tx:
        started(tx, "e-2001", "EMEA")
        started(tx, "e-2002", "AMER")

    found = item(office, "pmo-lead")

    assert (found["owner"], found["starts_on"]) == ("delivery-operations", "deal.won")
    assert found["versions"] == [
        {"version": 2, "newest": True, "active_runs": 0},
        {"version": 1, "newest": False, "active_runs": 2},
    ]
    assert item(office, "pmo-lead.amer")["versions"][1]["active_runs"] == 1


def test_it_says_which_steps_are_locked_and_what_a_variant_may_do(office: Office) -> None:
    found = item(office, "pmo-lead")

    assert found["steps"] == [
        {"name": "agree", "kind": "approval", "stage": "Launch", "locked": True,
         "variant_may": ["tighten"]},
        {"name": "finance", "kind": "notify", "stage": "Launch", "locked": False,
         "variant_may": ["tighten", "change", "remove"]},
        {"name": "plan_setup", "kind": "action", "stage": "Launch", "locked": False,
         "variant_may": ["tighten", "change", "remove"]},
    ]  # fmt: skip
    assert found["variants"] == [
        {"name": "launch-strategic", "version": 3, "owner": "delivery-operations",
         "when": {"client_tier": ["key", "strategic"]}},
    ]  # fmt: skip


def test_a_playbook_that_only_runs_under_way_follow_is_listed_too(office: Office) -> None:
    found = item(office, "pmo-lead", "handoff")

    assert (found["owner"], found["steps"]) == (None, [])
    assert found["versions"] == [{"version": 1, "newest": False, "active_runs": 2}]


def test_a_run_is_migrated_and_goes_on_in_the_newest_version(office: Office) -> None:
    with office.db.transaction() as tx:
        run = started(tx, "e-2001", "EMEA")

    answer = office.post("pmo-lead", f"/api/v1/runs/{run}/migrate", json={"reason": "as agreed"})

    assert (answer.status_code, answer.json()["playbook_version"]) == (200, 2), answer.text
    assert item(office, "pmo-lead")["versions"][0]["active_runs"] == 1
    log = office.get("pmo-lead", "/api/v1/engagements/e-2001/log").json()["items"]
    assert log[-1]["type"] == "run.migrated"
    assert log[-1]["data"]["actor"] == "person:pmo-lead"
    assert log[-1]["data"]["attributes"]["reason"] == "as agreed"


def test_a_run_that_does_not_fit_is_refused_with_each_misfit(office: Office) -> None:
    with office.db.transaction() as tx:
        run = started(tx, "e-2001", "EMEA")
        now = database_time(tx)
        gone = StepRow(run, "gone", "action", "done", "delivery-operations", now)
        runs.save_steps(tx, [gone])

    answer = office.post("pmo-lead", f"/api/v1/runs/{run}/migrate", json={"reason": "as agreed"})

    assert answer.status_code == 422
    assert [error["rule"] for error in answer.json()["errors"]] == [
        "gone has begun, and is not in version 2"
    ]
    assert office.get("pmo-lead", f"/api/v1/runs/{run}").json()["playbook_version"] == 1
    assert office.count("events", "type = 'run.migrated'") == 0


def test_a_run_on_the_newest_version_is_not_migrated(office: Office) -> None:
    with office.db.transaction() as tx:
        run = started(tx, "e-2001", "EMEA", SECOND)

    answer = office.post("pmo-lead", f"/api/v1/runs/{run}/migrate", json={"reason": "as agreed"})

    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")


def test_a_migration_needs_a_reason(office: Office) -> None:
    with office.db.transaction() as tx:
        run = started(tx, "e-2001", "EMEA")

    for body in ({}, {"reason": " "}):
        answer = office.post("pmo-lead", f"/api/v1/runs/{run}/migrate", json=body)
        assert answer.status_code == 422
