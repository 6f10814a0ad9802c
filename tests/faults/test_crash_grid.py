"""A crash at any point neither loses nor repeats work: every boundary, with every single fault."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from .schedules import Recording, Schedule, schedules, writes_of
from .world import VENDORS, FaultWorld, Firm, NewDatabase

pytestmark = [pytest.mark.slow, pytest.mark.takes(33)]

#: Work enough for both processors, and few enough sessions for one server.
FIRMS = 5
SAMPLE = 20
LONGEST_S = 60.0


def every_schedule(firm: Firm, folder: Path) -> Sequence[Schedule]:
    """Record a clean run and one in which an answer of each kind of write is lost."""
    clean, faulty = folder / "clean", folder / "faulty"
    firm.start_worker(record=str(clean))
    firm.win("Recorded clean")
    firm.look_now()
    assert firm.carry_on(firm.all_ended, LONGEST_S), firm.troubles()
    firm.kill_workers()
    recording = Recording(clean)
    writes = writes_of(recording, firm.sandbox.ledger())
    for vendor in {call.vendor for call in writes}:
        lost = [
            call.rule("lose_answer") for call in writes if (call.vendor, call.nth) == (vendor, 1)
        ]
        # A child of a record that is made in several calls is no effect of its own.
        firm.faults(vendor, *[rule for rule in lost if "projectTask" not in rule["match"]["path"]])
    firm.start_worker(record=str(faulty))
    firm.win("Recorded faulty")
    firm.look_now()
    assert firm.carry_on(firm.all_ended, LONGEST_S), firm.troubles()
    firm.kill_workers()
    return schedules(recording, Recording(faulty), writes)


def carry_out(firm: Firm, schedule: Schedule, name: str) -> bool:
    """Carry one deal to its end through one schedule; whether the trap struck."""
    for vendor in VENDORS:
        hit = schedule.broken if schedule.broken and schedule.broken.vendor == vendor else None
        firm.faults(vendor, *([hit.rule(schedule.fault)] if hit and schedule.fault else []))
    firm.set_trap(schedule.trap())
    if schedule.only_reads:
        firm.kill_workers()  # what a worker has read once it does not ask again
    if not any(worker.alive for worker in firm.workers):
        firm.start_worker(trap=str(firm.trap))
    firm.win(name)
    firm.look_now()

    def ended() -> bool:
        if not any(worker.alive for worker in firm.workers):
            firm.start_worker(trap=str(firm.trap))
            firm.look_now()  # its poll may have died with it; the next would be due in an hour
        return firm.all_ended()

    assert firm.carry_on(ended, LONGEST_S, every_s=0.05), (str(schedule), firm.troubles())
    struck = firm.trap_struck
    firm.trap.unlink(missing_ok=True)
    return struck


def carry_out_all(world: FaultWorld, chosen: Sequence[Schedule]) -> Counter[str]:
    """Side by side, one deal at a time in each firm. Boundary → how often the trap struck."""
    waiting: SimpleQueue[tuple[int, Schedule]] = SimpleQueue()
    for numbered in enumerate(chosen, 1):
        waiting.put(numbered)

    def one_after_the_other(firm: Firm) -> Counter[str]:
        struck: Counter[str] = Counter()
        while not waiting.empty():
            number, schedule = waiting.get()
            struck[schedule.boundary] += carry_out(firm, schedule, f"Deal {number:04d}")
        return struck

    with ThreadPoolExecutor(len(world.firms)) as pool:
        return sum(pool.map(one_after_the_other, world.firms), Counter[str]())


def test_every_boundary_with_every_fault_leaves_each_record_once(
    tmp_path: Path, new_database: NewDatabase, chance: random.Random, whole: bool
) -> None:
    began = time.monotonic()
    with FaultWorld(tmp_path, new_database, FIRMS) as world:
        every = every_schedule(world.firms[0], tmp_path)
        chosen = list(every) if whole else chance.sample(every, SAMPLE)
        chance.shuffle(chosen)
        struck = carry_out_all(world, chosen)
        verdicts = [firm.verdict() for firm in world.firms]
        troubles = [line for firm in world.firms for line in firm.troubles()]
    asked = {schedule.boundary for schedule in chosen}
    missed = sorted(boundary for boundary in asked if not struck[boundary])
    print(
        f"{len(chosen)} of {len(every)} schedules, {struck.total()} kills, "
        f"{len(asked) - len(missed)} of {len(asked)} boundaries hit, "
        f"{time.monotonic() - began:.0f} s; {'; '.join(map(str, verdicts))}"
    )
    assert all(verdict.clean for verdict in verdicts), verdicts
    assert not troubles
    assert struck.total() >= 0.9 * len(chosen)
    if whole:
        assert len(chosen) >= 500
        assert not missed
