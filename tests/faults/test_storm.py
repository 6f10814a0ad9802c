"""Storms of faults change nothing."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from .world import VENDORS, FaultWorld, NewDatabase, names, reaper

pytestmark = [pytest.mark.slow, pytest.mark.takes(45)]


def one_call_in_eight(chance: random.Random) -> list[dict[str, Any]]:
    """Of the calls of a system; the seeds make the same calls fail again."""
    kinds: list[dict[str, Any]] = [
        {"kind": "lose_answer"},
        {"kind": "lose_request"},
        {"kind": "half_answer"},
        {"kind": "status", "status": 503},
    ]
    return [kind | {"chance": 0.032, "seed": chance.randrange(10**6)} for kind in kinds]


def test_deals_in_a_storm_of_faults_and_kills_leave_each_record_once(
    tmp_path: Any, new_database: NewDatabase, chance: random.Random, whole: bool
) -> None:
    deals, kills, workers = (1000, 40, 3) if whole else (25, 8, 2)
    every_s = (3.0, 7.0) if whole else (1.0, 2.5)
    with FaultWorld(tmp_path, new_database, settle_s=1, at_once=8) as world:
        firm = world.firms[0]
        for index, name in enumerate(names("Deal", deals)):
            firm.win(name, client=f"Client {index // 3:04d}")
        for vendor in VENDORS:
            firm.faults(vendor, *one_call_in_eight(chance))
        for _ in range(workers):
            firm.start_worker()
        began = time.monotonic()
        with reaper(firm, every_s, chance, most=4 * kills) as dead:
            firm.look_now()
            last = [began]

            def ended() -> bool:
                if time.monotonic() - last[0] > 2:
                    firm.look_now()  # the poll of a worker that died would be due in an hour
                    last[0] = time.monotonic()
                return firm.all_ended() and len(dead) >= kills

            in_time = firm.carry_on(ended, 900 if whole else 120)
        took = time.monotonic() - began
        fired = {vendor: sum(world.sandbox.fired(firm.system(vendor))) for vendor in VENDORS}
        calls = {
            vendor: sum(row["count"] for row in world.sandbox.calls(firm.system(vendor))["counts"])
            for vendor in VENDORS
        }
        verdict, troubles = firm.verdict(), firm.troubles()
    share = sum(fired.values()) / sum(calls.values())
    print(
        f"{verdict}; {sum(fired.values())} of {sum(calls.values())} calls faulted ({share:.0%}), "
        f"{len(dead)} kills, {took:.0f} s"
    )
    assert in_time, troubles[:5]
    assert verdict.clean
    assert not troubles
    assert share >= 0.10
