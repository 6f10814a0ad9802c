"""The sandbox that connectors are tested against: one system per dialect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World, dialect_named

DIALECTS = (
    "salesforce",
    "netsuite",
    "kantata",
    "bamboohr",
    "smtp",
    "docusign",
    "slack",
    "microsoft",
)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxProcess]:
    """One system per dialect, named as its dialect is, credentials newly made.

    Tests share it: each begins with `sandbox.clear()`, and sets faults on its own system only.
    """
    systems: list[SystemSpec] = []
    for name in DIALECTS:
        try:
            settings = dialect_named(name).example_settings()
        except InvalidDefinition as missing:
            print(missing)
            continue
        systems.append(SystemSpec(id=name, dialect=name, settings=settings))
    with SandboxProcess(World(systems=tuple(systems))) as running:
        yield running
