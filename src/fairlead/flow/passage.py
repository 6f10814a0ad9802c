"""The way out to one system: its call budget and its circuit breaker, shared by all workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from threading import Lock, local

from fairlead.errors import SystemTrouble, SystemUnavailable, Throttled
from fairlead.flow.breaker import Window
from fairlead.store import systems
from fairlead.store.database import Database

_PATIENCE_S = 2.0  # a call waits so long for its turn in the budget, then its step goes back
_UNSAID = timedelta(seconds=2)  # how long we stay away after a 429 that does not say


class OverBudget(Throttled):
    """Our own call budget is used up for the moment; the system was not asked."""

    code = "over_budget"
    means = "may not be called more often than its budget allows; nothing was sent."


class Passage:
    """Fulfils `connectors.kit.http.Gate` for one system. Threads share it."""

    def __init__(
        self,
        db: Database,
        system: str,
        per_second: float | None,
        opened: Callable[[str, str], None],
    ) -> None:
        """`opened(system, reason)` is told once per outage, by the worker that opens."""
        self._db, self._system, self._per_second = db, system, per_second
        self._opened, self._window, self._lock = opened, Window(), Lock()
        self._mine = local()

    def enter(self) -> None:
        if self._per_second is None:
            return
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            with self._db.transaction() as tx:
                if systems.take_call(tx, self._system, self._per_second):
                    return
            if time.monotonic() > give_up:
                raise OverBudget(self._system, "", retry_after=timedelta(seconds=1))
            time.sleep(min(1 / self._per_second, 0.2))

    def leave(self, trouble: SystemTrouble | None) -> None:
        if isinstance(trouble, OverBudget):
            return
        if trouble is None:
            self._mine.answered = True
        if trouble is not None and (trouble.retry_after or isinstance(trouble, Throttled)):
            with self._db.transaction() as tx:
                systems.hold_off(tx, self._system, trouble.retry_after or _UNSAID)
        if isinstance(trouble, Throttled):
            return
        # a refusal is an answer: the system is well
        failed = trouble is not None and (
            isinstance(trouble, SystemUnavailable) or trouble.leaves == "unknown"
        )
        with self._lock:
            trip = self._window.record(failed, time.monotonic())
        if trip and trouble is not None:
            self._opened(self._system, trouble.why)

    @contextmanager
    def watched(self) -> Generator[Callable[[], bool]]:
        """Gives a question: has any call of this thread been answered well since?"""
        self._mine.answered = False
        yield lambda: bool(getattr(self._mine, "answered", False))

    def healthy_again(self) -> None:
        with self._lock:
            self._window.clear()
