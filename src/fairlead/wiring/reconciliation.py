"""Reconciliation, wired; `bootstrap` asks for it."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.capabilities.handoff.ourselves import Takes
from fairlead.capabilities.reconciliation import asking, recorded, recorded_expenses
from fairlead.capabilities.reconciliation.books import LEDGER
from fairlead.capabilities.reconciliation.comparing import StartsComparing, TakesRecords
from fairlead.capabilities.reconciliation.events import DUE, EVENTS, TOLD
from fairlead.capabilities.time.kinds import Kinds
from fairlead.config import Systems
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry

__all__ = ["EVENTS", "register", "takes"]


def register(registry: Registry) -> None:
    """What its playbook may name."""
    asking.register(registry)


def takes(library: Library, kinds: Kinds, systems: Systems) -> Mapping[str, Takes]:
    """Type of our own messages → what takes it in."""

    def file_of(system: str) -> str:
        """A file's format is called as the connector of the system that wrote it."""
        return f"import:{systems.get(system).connector}"

    books = {
        **LEDGER,
        recorded.PROJECT_TIME: recorded.book(kinds, file_of),
        recorded_expenses.PROJECT_EXPENSES: recorded_expenses.BOOK,
    }
    return {DUE: StartsComparing(library, file_of), TOLD: TakesRecords(books)}
