"""A dead worker's work is taken over; a live one is never robbed."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from .world import FaultWorld, Firm, NewDatabase, cut_a_pulse, names

pytestmark = [pytest.mark.slow, pytest.mark.takes(27)]

HELD = "SELECT count(*) AS n FROM steps WHERE state = 'running'"


def slow(share: float) -> list[dict[str, Any]]:
    """That share of the calls, spread over five rules, takes 1 to 6 seconds, as of a busy ERP."""
    return [
        {"kind": "slow", "chance": share / 5, "seed": delay_s, "delay_s": delay_s}
        for delay_s in (1, 2, 3, 4, 6)
    ]


def test_the_work_of_a_dead_worker_is_finished_by_others(
    tmp_path: Path, new_database: NewDatabase, chance: random.Random, whole: bool
) -> None:
    repeats, within_s = (30, 60.0) if whole else (2, 15.0)
    slowest = 0.0
    with FaultWorld(tmp_path, new_database) as world:
        firm = world.firms[0]
        firm.faults("kantata", {"kind": "slow", "delay_s": 0.2})
        for repeat in range(repeats):
            doomed, *_ = [firm.start_worker() for _ in range(3)]
            for name in names(f"Deal {repeat:02d}", 4):
                firm.win(name)
            firm.look_now()
            firm.carry_on(lambda: firm.number(HELD) > 0, 20, every_s=chance.uniform(0.05, 0.3))
            doomed.kill()
            killed = time.monotonic()
            firm.look_now()
            assert firm.carry_on(firm.all_ended, within_s), firm.troubles()
            slowest = max(slowest, time.monotonic() - killed)
            firm.kill_workers()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(f"{repeats} repeats, all finished within {slowest:.1f} s; {verdict}")
    assert verdict.clean, verdict
    assert not troubles


def test_a_worker_that_stood_still_and_goes_on_repeats_nothing(
    tmp_path: Path, new_database: NewDatabase, whole: bool
) -> None:
    deals, still_s, share = (25, 90.0, 1.0) if whole else (4, 10.0, 0.4)
    with FaultWorld(tmp_path, new_database, total_timeout_s=8) as world:
        firm = world.firms[0]
        for vendor in ("netsuite", "kantata"):
            firm.faults(vendor, *slow(share))
        stopped = firm.start_worker()
        for name in names("Deal", deals):
            firm.win(name)
        firm.look_now()
        called = "SELECT count(*) AS n FROM effects WHERE state = 'unknown'"
        assert firm.carry_on(lambda: firm.number(called) > 0, 20)
        stopped.signal(signal.SIGSTOP)
        firm.start_worker()  # with the very same configuration
        firm.carry_on(lambda: False, still_s, every_s=0.5)
        stopped.signal(signal.SIGCONT)
        assert firm.carry_on(firm.all_ended, 300 if whole else 90, every_s=0.2), firm.troubles()
        alive = stopped.alive
        verdict, troubles = firm.verdict(), firm.troubles()
    print(f"stopped for {still_s:.0f} s; {verdict}")
    assert alive
    assert verdict.clean, verdict
    assert not troubles


def robbed(
    firm: Firm,
    deals: int,
    delays: Mapping[str, Sequence[Mapping[str, Any]]],
    until: Callable[[], bool],
    within_s: float,
) -> int:
    """Two live workers whose pulses are cut in turn while their calls are out, so that each takes
    the other for dead. `delays`: vendor → rules of the sandbox. How often a pulse was cut:
    at most ten times a deal, as they may never come to an end while one is cut each second."""
    for vendor, rules in delays.items():
        firm.faults(vendor, *rules)
    for _ in range(2):
        firm.start_worker()
    for name in names("Deal", deals):
        firm.win(name)
    firm.look_now()
    done, cuts = threading.Event(), [0]

    def cut() -> None:
        while cuts[0] < 10 * deals and not done.wait(1.0):
            cuts[0] += cut_a_pulse(firm.database_url)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        firm.carry_on(until, within_s, every_s=0.2)
    finally:
        done.set()
        thread.join()
    return cuts[0]


def test_live_workers_that_are_taken_for_dead_during_slow_calls_repeat_nothing(
    tmp_path: Path, new_database: NewDatabase, whole: bool
) -> None:
    with FaultWorld(tmp_path, new_database, total_timeout_s=8) as world:
        firm = world.firms[0]
        deals, share = (20, 1.0) if whole else (3, 0.3)
        delays = {vendor: slow(share) for vendor in ("netsuite", "kantata")}
        cuts = robbed(firm, deals, delays, firm.all_ended, 500 if whole else 150)
        assert firm.all_ended(), firm.troubles()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(f"{cuts} pulses cut; {verdict}")
    assert cuts > 0
    assert verdict.clean, verdict
    assert not troubles


def test_what_a_hung_worker_has_in_hand_waits_for_it_and_all_else_is_taken_over(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    called = (
        "SELECT count(*) AS n FROM effects "
        "WHERE operation = 'projects.create_project' AND state = 'unknown'"
    )
    with FaultWorld(tmp_path, new_database) as world:
        firm = world.firms[0]
        post = {"method": "POST", "path": "/api/v1/workspaces"}
        firm.faults("kantata", {"kind": "slow", "delay_s": 2, "times": 1, "match": post})
        hung = firm.start_worker()
        firm.win("Deal 0001")
        firm.look_now()
        assert firm.wait(lambda: firm.number(called) > 0, 20, 0.02), firm.troubles()
        hung.signal(signal.SIGSTOP)  # perhaps just before it sends, perhaps just after
        firm.defects = ("hung_after_five_seconds",)
        firm.start_worker()
        firm.win("Deal 0002")
        firm.look_now()
        others = firm.carry_on(lambda: firm.ended() == 1, 40)
        firm.carry_on(lambda: False, 3)
        hung.signal(signal.SIGCONT)
        assert firm.carry_on(firm.all_ended, 40), firm.troubles()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(verdict)
    assert others
    assert verdict.clean, verdict
    assert not troubles
