"""Named places between two durable facts, where a process may die.

Nothing listens in production. A fault test starts a worker with a listener that kills it at a
chosen seam, and takes the list of seams from a recorded run, not from a list by hand.
"""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[str], None]] = []


def watch(listener: Callable[[str], None]) -> None:
    _listeners.append(listener)


def seam(name: str) -> None:
    for listener in _listeners:
        listener(name)
