"""What was asked of the systems: how often, with what result, and when last."""

from __future__ import annotations

from collections import Counter, deque
from datetime import UTC, datetime
from threading import Lock
from typing import Any

_LAST = 1_000


class Calls:
    """Counts since the start or the last reset. Not kept over a restart."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last: deque[dict[str, Any]] = deque(maxlen=_LAST)

    def add(self, operation: str, method: str, path: str, outcome: str, fault: str | None) -> None:
        """`outcome` is the status that went out, or `reset` or `cut` where none arrived."""
        row = {
            "at": datetime.now(UTC).isoformat(timespec="microseconds"),
            "operation": operation,
            "method": method,
            "path": path,
            "status": outcome,
            "fault": fault,
        }
        with self._lock:
            self._counts[operation, outcome] += 1
            self._last.append(row)

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()
            self._last.clear()

    def counts(self) -> list[dict[str, Any]]:
        with self._lock:
            return [
                {"operation": operation, "status": outcome, "count": count}
                for (operation, outcome), count in sorted(self._counts.items())
            ]

    def last(self) -> list[dict[str, Any]]:
        """The last thousand calls, oldest first."""
        with self._lock:
            return list(self._last)
