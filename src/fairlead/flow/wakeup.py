"""Waking threads inside one worker: a bell that is heard also by who comes a moment late."""

from __future__ import annotations

import threading
from collections import defaultdict


class Bells:
    """One bell per queue. A ring between looking and waiting is not lost."""

    def __init__(self) -> None:
        self._rung: dict[str, int] = defaultdict(int)
        self._condition = threading.Condition()

    def heard(self, queue: str) -> int:
        """How often it has rung; give this to `wait`."""
        with self._condition:
            return self._rung[queue]

    def ring(self, queue: str) -> None:
        with self._condition:
            self._rung[queue] += 1
            self._condition.notify_all()

    def ring_all(self) -> None:
        """So that everybody sees that the worker stops."""
        with self._condition:
            for queue in list(self._rung):
                self._rung[queue] += 1
            self._condition.notify_all()

    def wait(self, queue: str, heard: int, timeout_s: float) -> bool:
        """Until it rings again after `heard`; False if it did not in time."""
        with self._condition:
            return self._condition.wait_for(lambda: self._rung[queue] != heard, timeout_s)
