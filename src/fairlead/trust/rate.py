"""How much one caller may ask for: a bucket that fills at a steady rate."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

_MOST_BUCKETS = 10_000


@dataclass
class _Bucket:
    left: float
    at_s: float


class Buckets:
    """One per name, in this process. Safe between threads."""

    def __init__(self, per_s: float, burst: int) -> None:
        self.per_s, self._burst = per_s, burst
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def wait_s(self, name: str, now_s: float) -> int:
        """Take one request at `now_s` (monotonic seconds): 0; else when to come back."""
        with self._lock:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._buckets.clear()  # each begins anew: too generous rather than too large
            bucket = self._buckets.setdefault(name, _Bucket(self._burst, now_s))
            filled = bucket.left + (now_s - bucket.at_s) * self.per_s
            bucket.left, bucket.at_s = min(self._burst, filled), now_s
            if bucket.left >= 1:
                bucket.left -= 1
                return 0
            return math.ceil((1 - bucket.left) / self.per_s)
