"""Reconciliation, wired; `bootstrap` asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.capabilities.reconciliation import asking
from fairlead.capabilities.reconciliation.books import LEDGER
from fairlead.capabilities.reconciliation.comparing import StartsComparing, TakesRecords
from fairlead.capabilities.reconciliation.events import DUE, EVENTS, TOLD
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry

__all__ = ["EVENTS", "register", "takes"]


def register(registry: Registry) -> None:
    """What its playbook may name."""
    asking.register(registry)


def takes(library: Library) -> Mapping[str, Takes]:
    """Type of our own messages → what takes it in."""
    return {DUE: StartsComparing(library), TOLD: TakesRecords(LEDGER)}
