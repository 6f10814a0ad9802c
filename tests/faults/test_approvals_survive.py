"""A person may take weeks: what waits for one survives any number of restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from .world import FaultWorld, NewDatabase, names

pytestmark = [pytest.mark.slow, pytest.mark.takes(19)]

LIVING = "SELECT count(*) AS n FROM workers"
BORN = "SELECT count(*) AS n FROM workers WHERE pid = {pid}"


def test_open_approvals_survive_restarts_and_all_complete_when_approved(
    tmp_path: Path, new_database: NewDatabase, whole: bool
) -> None:
    approvals, restarts = (500, 110) if whole else (30, 15)
    with FaultWorld(tmp_path, new_database, at_once=8) as world:
        firm = world.firms[0]
        for index, name in enumerate(names("Deal", approvals)):
            firm.win(name, client=f"Client {index // 3:04d}")
        worker = firm.start_worker()
        firm.look_now()
        assert firm.wait(lambda: len(firm.open_tasks()) == approvals, 600 if whole else 60)
        for _ in range(restarts):
            worker.kill()
            worker = firm.start_worker()
            pid = worker.pid
            assert firm.wait(lambda pid=pid: firm.number(BORN.format(pid=pid)) == 1, 30, 0.05)
        waiting = len(firm.open_tasks())
        assert firm.carry_on(firm.all_ended, 300 if whole else 60), firm.troubles()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(f"{approvals} approvals, {restarts} restarts, {waiting} still waiting then; {verdict}")
    assert waiting == approvals
    assert verdict.clean, verdict
    assert not troubles
