"""How much one principal may ask for: a bucket that fills at a steady rate."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

from fairlead.api.refusals import TooMany

_MOST_BUCKETS = 10_000


@dataclass
class _Bucket:
    left: float
    at_s: float


class Buckets:
    """One per principal, in this process. Safe between threads."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def take(self, name: str, now_s: float) -> None:
        """One request at `now_s` (monotonic seconds). Raises `TooMany`, saying when to return."""
        with self._lock:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets.clear()  # each begins anew: too generous rather than too large
            bucket = self._buckets.setdefault(name, _Bucket(self._burst, now_s))
            filled = bucket.left + (now_s - bucket.at_s) * self._per_s
            bucket.left, bucket.at_s = min(self._burst, filled), now_s
            if bucket.left >= 1:
                bucket.left -= 1
                return
            wait = math.ceil((1 - bucket.left) / self._per_s)
        raise TooMany(
            f"At most {self._per_s:g} requests a second. Come back in {wait} s.",
            headers={"Retry-After": str(wait), "Cache-Control": "no-store"},
        )
