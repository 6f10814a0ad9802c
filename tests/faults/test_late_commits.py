"""Unknown is not failed: what lands after our time-out is not done again."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .world import FaultWorld, Firm, NewDatabase, names

pytestmark = [pytest.mark.slow, pytest.mark.takes(25)]

#: The first try after a time-out comes half a second later, before what is late has landed.
TIMEOUT_S, SOONEST_S, LATEST_S, SETTLE_S = 0.4, 1.4, 2.4, 3.0

#: What a late commit can double: the kinds that one call creates.
WRITES = {
    "kantata": ("/api/v1/workspaces", "/api/v1/stories", "/api/v1/workspace_resources"),
    "netsuite": ("/services/rest/record/v1/*/eid:*",),
}

#: One call in so many; a project in the ledger is seven calls, all of which must come through.
SHARES = {"kantata": 0.4, "netsuite": 0.12}

_RULES = 3  # of each path, each with a delay of its own


def late(chance: random.Random, vendor: str, share: float) -> list[dict[str, Any]]:
    """That share of the creating calls commits after the caller has given up."""
    method = "POST" if vendor == "kantata" else "PUT"
    return [
        {
            "kind": "late_commit",
            "match": {"method": method, "path": path},
            "delay_s": round(chance.uniform(SOONEST_S, LATEST_S), 2),
            "chance": share / _RULES,
            "seed": chance.randrange(10**6),
        }
        for path in WRITES[vendor]
        for _ in range(_RULES)
    ]


def carry_late(
    firm: Firm, chance: random.Random, deals: int, until: Callable[[], bool], within_s: float
) -> dict[str, int]:
    """Vendor → how many writes came late."""
    for vendor, share in SHARES.items():
        firm.faults(vendor, *late(chance, vendor, share))
    firm.start_worker()
    for name in names("Deal", deals):
        firm.win(name)
    firm.look_now()
    firm.carry_on(until, within_s, every_s=0.2)
    return {vendor: sum(firm.sandbox.fired(firm.system(vendor))) for vendor in WRITES}


def test_writes_that_land_after_our_time_out_are_not_done_again(
    tmp_path: Path, new_database: NewDatabase, chance: random.Random, whole: bool
) -> None:
    deals, wanted = (200, 500) if whole else (14, 30)
    with FaultWorld(
        tmp_path, new_database, total_timeout_s=TIMEOUT_S, settle_s=SETTLE_S, at_once=8
    ) as world:
        firm = world.firms[0]
        fired = carry_late(firm, chance, deals, firm.all_ended, 1200 if whole else 120)
        assert firm.all_ended(), firm.troubles()
        verdict, troubles = firm.verdict(), firm.troubles()
    print(f"late commits: {fired}; {verdict}")
    assert sum(fired.values()) >= wanted
    assert verdict.clean, verdict
    assert not troubles
