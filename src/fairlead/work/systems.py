"""Pausing a system, letting it go on, and asking it at once what has changed (F155, F178)."""

from __future__ import annotations

from fairlead.config import SystemConfig
from fairlead.errors import IllegalMove, NotAllowed, NotFound
from fairlead.store import journal, runs, systems
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.systems import SystemRow
from fairlead.trust.principals import Principal

_QUEUES = ("system", "inbox", "poll")


def regions_of(system: SystemConfig) -> frozenset[str] | None:
    """The regions that it serves; null: everywhere."""
    if any(not serves.regions for serves in system.serves):
        return None
    return frozenset(region for serves in system.serves for region in serves.regions)


def is_visible(system: SystemConfig, reader: Principal) -> bool:
    """Whether it serves a region that the reader sees."""
    regions = regions_of(system)
    return reader.regions is None or regions is None or bool(regions & reader.regions)


def may_operate(system: SystemConfig, reader: Principal) -> bool:
    """Whether every region that it serves is the reader's."""
    regions = regions_of(system)
    return reader.regions is None or (regions is not None and regions <= reader.regions)


def pause(tx: Tx, system: SystemConfig, by: Principal, reason: str = "") -> None:
    """Give it no work until somebody resumes it.

    Raises `NotFound`, `NotAllowed` (it serves regions that are not theirs), `IllegalMove`.
    """
    row = _allowed(tx, system, by)
    if row.paused_by is not None:
        raise IllegalMove("The system", "paused", "paused")
    systems.pause(tx, system.id, by.id)
    _say(tx, system, "paused", by, reason)


def resume(tx: Tx, system: SystemConfig, by: Principal, reason: str = "") -> None:
    """Let what waits for it go on. Raises as `pause` does."""
    row = _allowed(tx, system, by)
    if row.paused_by is None:
        raise IllegalMove("The system", "not paused", "resumed")
    systems.pause(tx, system.id, None)
    _say(tx, system, "resumed", by, reason)
    for queue in _QUEUES:
        runs.notify(tx, f"{queue}:{system.id}")


def poll_now(tx: Tx, system: SystemConfig, by: Principal) -> None:
    """Ask it for changes at once. Raises as `pause` does; `IllegalMove` where it is not polled,
    paused or down: it will be asked when it is back."""
    row = _allowed(tx, system, by)
    if row.paused_by is not None or row.breaker != "closed":
        state = "paused" if row.paused_by is not None else "down"
        raise IllegalMove("The system", state, "polled")
    if not systems.poll_now(tx, system.id):
        raise IllegalMove("The system", "told of changes by its webhooks only", "polled")
    _say(tx, system, "poll_asked", by, "")
    runs.notify(tx, f"poll:{system.id}")


def _allowed(tx: Tx, system: SystemConfig, by: Principal) -> SystemRow:
    row = systems.get(tx, system.id)
    if row is None or not is_visible(system, by):
        raise NotFound("There is no such system.")
    if not may_operate(system, by):
        raise NotAllowed("It serves regions that are not yours; ask somebody who has them all.")
    return row


def _say(tx: Tx, system: SystemConfig, word: str, by: Principal, reason: str) -> None:
    event = Event(
        chain=f"system:{system.id}",
        type=f"system.{word}",
        at=database_time(tx),
        actor=f"person:{by.id}",
        attributes={"reason": reason} if reason else {},
        objects=[(system.id, "system", word)],
    )
    journal.append(tx, [event])
