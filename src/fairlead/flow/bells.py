"""Waking threads inside one worker: a bell that is heard also by who comes a moment late."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class _Bell:
    rung: int = 0
    condition: threading.Condition = field(default_factory=threading.Condition)


class Bells:
    """One bell per queue. A ring between looking and waiting is not lost."""

    def __init__(self) -> None:
        self._bells: dict[str, _Bell] = {}
        self._lock = threading.Lock()

    def heard(self, queue: str) -> int:
        """How often it has rung; give this to `wait`."""
        return self._bell(queue).rung

    def ring(self, queue: str) -> None:
        """Wakes one who waits: a second one would mostly find that the work is taken."""
        bell = self._bell(queue)
        with bell.condition:
            bell.rung += 1
            bell.condition.notify()

    def ring_all(self) -> None:
        """So that everybody sees that the worker stops."""
        with self._lock:
            bells = list(self._bells.values())
        for bell in bells:
            with bell.condition:
                bell.rung += 1
                bell.condition.notify_all()

    def wait(self, queue: str, heard: int, timeout_s: float) -> bool:
        """Until it rings again after `heard`; False if it did not in time."""
        bell = self._bell(queue)
        with bell.condition:
            return bell.condition.wait_for(lambda: bell.rung != heard, timeout_s)

    def _bell(self, queue: str) -> _Bell:
        with self._lock:
            return self._bells.setdefault(queue, _Bell())
