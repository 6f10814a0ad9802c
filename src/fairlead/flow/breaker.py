"""When a circuit breaker opens: pure, over the outcomes of the last calls."""

from __future__ import annotations

from collections import deque

#: Defaults of the protocol: five failures in ten seconds, half of the last twenty, five in a row.
#: Of many calls some always fail: where five in ten seconds are fewer than half of those made, the
#: system is there, and a pause would cost more than it spares.
_FAILURES, _WITHIN_S = 5, 10.0
_LAST, _SHARE = 20, 0.5


class Window:
    """The outcomes of one system's last calls, as one worker saw them."""

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=_LAST)
        self._in_a_row = 0

    def record(self, failed: bool, at_s: float) -> bool:
        """Note an outcome (`at_s`: monotonic seconds); True when the breaker is to open."""
        self._outcomes.append((at_s, failed))
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if not failed:
            return False
        recent = [bad for at, bad in self._outcomes if at_s - at <= _WITHIN_S]
        close = sum(recent) >= _FAILURES and sum(recent) / len(recent) >= _SHARE
        full = len(self._outcomes) == _LAST
        share = sum(bad for _, bad in self._outcomes) / len(self._outcomes)
        return close or self._in_a_row >= _FAILURES or (full and share >= _SHARE)

    def clear(self) -> None:
        self._outcomes.clear()
        self._in_a_row = 0
