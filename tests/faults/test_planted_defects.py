"""The harness sees: each defect, planted in a process, turns a schedule red."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from .counting import Verdict
from .test_late_commits import SETTLE_S, TIMEOUT_S, carry_late
from .test_webhooks import Receiver, flood
from .test_workers import robbed
from .world import FaultWorld, NewDatabase, free_port, names

pytestmark = [pytest.mark.slow, pytest.mark.takes(13)]


def lost_answers(tmp_path: Path, new_database: NewDatabase, defect: str) -> Verdict:
    """Two deals; the first answers to each way of creating something are lost."""
    with FaultWorld(tmp_path, new_database) as world:
        firm = world.firms[0]
        firm.defects = (defect,)
        posts = [
            {"method": "POST", "path": f"/api/v1/{kind}"}
            for kind in ("workspaces", "stories", "workspace_resources")
        ]
        firm.faults(
            "kantata", *[{"kind": "lose_answer", "times": 2, "match": post} for post in posts]
        )
        firm.start_worker()
        for name in names("Deal", 2):
            firm.win(name)
        firm.look_now()
        firm.carry_on(firm.all_ended, 20)
        verdict = firm.verdict()
    print(f"{defect}: {verdict}")
    return verdict


@pytest.mark.parametrize("defect", ["no_look_up", "key_per_attempt"])
def test_calling_again_without_recognising_the_first_call_is_seen(
    tmp_path: Path, new_database: NewDatabase, defect: str
) -> None:
    assert lost_answers(tmp_path, new_database, defect).doubled


def test_calling_again_before_a_late_commit_has_landed_is_seen(
    tmp_path: Path, new_database: NewDatabase, chance: random.Random
) -> None:
    with FaultWorld(tmp_path, new_database, total_timeout_s=TIMEOUT_S, settle_s=SETTLE_S) as world:
        firm = world.firms[0]
        firm.defects = ("no_settle_wait",)
        carry_late(firm, chance, 4, lambda: bool(firm.verdict().doubled), 40)
        verdict = firm.verdict()
    print(f"no_settle_wait: {verdict}")
    assert verdict.doubled


def test_two_writers_at_one_effect_are_seen(tmp_path: Path, new_database: NewDatabase) -> None:
    with FaultWorld(tmp_path, new_database, total_timeout_s=8) as world:
        firm = world.firms[0]
        firm.defects = ("no_lock",)
        # longer than a call settles, so that whoever takes it over calls again
        creating = {"method": "POST", "path": "/api/v1/*"}
        slow = [{"kind": "slow", "delay_s": 4, "match": creating}]
        robbed(firm, 4, {"kantata": slow}, lambda: bool(firm.verdict().doubled), 60)
        verdict = firm.verdict()
    print(f"no_lock: {verdict}")
    assert verdict.doubled


def test_a_webhook_that_is_acknowledged_before_it_is_stored_is_seen(
    tmp_path: Path, new_database: NewDatabase, chance: random.Random
) -> None:
    port = free_port()
    hook = f"http://127.0.0.1:{port}/hooks/salesforce-a0"
    with FaultWorld(tmp_path, new_database, webhook_url=hook) as world:
        firm = world.firms[0]
        receiver = Receiver(firm, port, tmp_path / "api.log", ("acknowledged_before_stored",))
        try:
            seen = flood(firm, receiver, chance, deals=10, changes=4, copies=1, kills=3)
        finally:
            receiver.kill()
    lost = seen.acknowledged - seen.stored
    print(f"acknowledged_before_stored: {len(lost)} of {len(seen.acknowledged)} lost")
    assert lost
