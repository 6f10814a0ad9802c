"""Upgrades strand nothing: what an older release began, a newer one carries on, and back again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fairlead
from fairlead.bootstrap import Fairlead
from fairlead.capabilities import handoff
from fairlead.config import Settings
from fairlead.flow.planner import plan
from fairlead.flow.playbook import Compiled, Kind

from .world import FaultWorld, Firm, NewDatabase, Nursery

SOURCE = Path(fairlead.__file__).parents[1]
PLAYBOOK = Path(handoff.__file__).parent / "playbooks" / "deal-to-delivery.yaml"
#: What runs of released versions follow, as their databases hold it. Only ever added to.
RECORDED = sorted((Path(__file__).parent / "compiled").glob("*.json"))

EDITED = ("flow/engine.py", "flow/burst.py", "flow/outward.py", "capabilities/handoff/actions.py")


def begin(firm: Firm, deals: int, first: int = 0) -> None:
    """Deals spread over all steps: some wait for their approval, some are cut off in mid-call."""
    for index in range(first, first + deals):
        firm.win(f"Deal {index:04d}")
    firm.look_now()
    begun = "SELECT count(*) AS n FROM runs"
    assert firm.wait(lambda: firm.number(begun) == first + deals, 60), firm.troubles()
    assert firm.wait(lambda: len(firm.open_tasks()) >= deals // 3, 60, 0.02), firm.troubles()
    firm.kill_workers()


@pytest.mark.slow
@pytest.mark.takes(14)
def test_changed_code_carries_on_what_the_old_code_began_and_back_again(
    tmp_path: Path, new_database: NewDatabase, whole: bool
) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(SOURCE, newer, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in EDITED:
        file = newer / "fairlead" / name
        file.write_text(file.read_text("utf-8") + "\n# A comment of the next release.\n", "utf-8")
    deals = 66 if whole else 6
    with FaultWorld(tmp_path, new_database, at_once=8) as world:
        firm = world.firms[0]
        firm.faults("kantata", {"kind": "slow", "delay_s": 0.05})
        next_release, this_release = Nursery(newer), firm.nursery
        try:
            for number, nursery in enumerate((this_release, next_release, this_release)):
                firm.nursery = nursery
                firm.start_worker()
                begin(firm, deals, number * deals)
            firm.start_worker()
            assert firm.carry_on(firm.all_ended, 120), firm.troubles()
        finally:
            next_release.close()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(verdict)
    assert verdict.clean, verdict
    assert not troubles


@pytest.mark.slow
@pytest.mark.takes(14)
def test_runs_finish_on_the_version_that_they_began_with(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    with FaultWorld(tmp_path, new_database) as world:
        firm = world.firms[0]
        firm.start_worker()
        begin(firm, 3)
        second = firm.config / "playbooks" / PLAYBOOK.name
        second.parent.mkdir(exist_ok=True)
        text = PLAYBOOK.read_text("utf-8")
        told = "      - {notify: pmo_lead, about: engagement_launched, name: tell_delivery}\n"
        again = told.replace("pmo_lead", "finance").replace("tell_delivery", "tell_finance")
        assert "\nversion: 2\n" in text
        assert told in text
        text = text.replace("\nversion: 2\n", "\nversion: 3\n")
        second.write_text(text.replace(told, told + again), "utf-8")
        firm.start_worker()
        begin(firm, 3, first=3)
        second.unlink()  # rolled back: what began on version 3 goes on with it all the same
        firm.start_worker()
        firm.look_now()
        assert firm.carry_on(firm.all_ended, 60), firm.troubles()
        with firm.fairlead.db.transaction() as tx:
            rows = tx.execute(
                "SELECT p.version, count(DISTINCT r.id) AS runs, count(*) FILTER (WHERE "
                "s.name = 'tell_finance') AS told FROM runs r JOIN playbooks p USING (digest) "
                "JOIN steps s ON s.run_id = r.id WHERE r.playbook = 'deal-to-delivery' "
                "GROUP BY 1 ORDER BY 1"
            ).fetchall()
        verdict, troubles = firm.verdict(), firm.troubles()
    assert [tuple(row.values()) for row in rows] == [(2, 3, 0), (3, 3, 3)]
    assert verdict.clean, verdict
    assert not troubles


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recorded_playbook_is_read_and_can_be_carried_out_for_ever(file: Path) -> None:
    text = file.read_text("utf-8")
    compiled = Compiled.from_json(text)
    actions = Fairlead(Settings()).registry

    assert compiled.digest in text
    for step in compiled.steps:
        if step.kind is Kind.ACTION:
            assert actions.get_action(step.uses)
    planned = plan(compiled, {}, lambda _: True)
    assert planned.start or planned.skip


def test_recordings_are_kept() -> None:
    assert RECORDED
