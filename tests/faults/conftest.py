"""Fault tests: small sizes by default, the whole with FAULTS=all, repeatable with FAULT_SEED."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator

import pytest

from databases import fresh

from .world import NewDatabase


@pytest.fixture(scope="session")
def whole() -> bool:
    """All schedules at full size, as `make faults` runs them: FAULTS=all."""
    return os.environ.get("FAULTS") == "all"


@pytest.fixture(scope="session")
def seed() -> int:
    """FAULT_SEED, or a new one; it is printed, so that a failure can be repeated."""
    chosen = int(os.environ.get("FAULT_SEED") or random.SystemRandom().randrange(10**6))
    print(f"\nFAULT_SEED={chosen}")
    return chosen


@pytest.fixture
def chance(seed: int, request: pytest.FixtureRequest) -> random.Random:
    """Each test draws from a sequence of its own, whatever else runs."""
    return random.Random(f"{seed}/{request.node.name}")


@pytest.fixture
def new_database(server: str) -> Iterator[NewDatabase]:
    """Makes migrated, empty databases on the session's server; they go with the test."""
    with contextlib.ExitStack() as made:
        yield lambda: made.enter_context(fresh(server))
