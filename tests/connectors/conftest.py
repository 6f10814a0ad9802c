"""What connectors are tested against: a sandbox with one system per dialect, and a Tryton."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tryton_office import Desk, open_office

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.tryton.installing import CannotInstall
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
    "xero",
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


@pytest.fixture(scope="session")
def tryton() -> Iterator[Desk]:
    """A real Tryton. Tests share it: each begins with `clear()`."""
    try:
        with open_office() as desk:
            yield desk
    except CannotInstall as away:
        pytest.skip(f"There is no Tryton here, and the package index did not give one. {away}")
