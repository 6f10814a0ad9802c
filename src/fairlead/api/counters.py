"""What this process counts about its own requests, in Prometheus's text form.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping

#: Upper bounds of the buckets, in seconds.
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Counters:
    """Requests by method, route and status, and how long they took. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self._count = 0

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, route, status] += 1
            self._seconds += seconds
            self._count += 1
            for bound in _BOUNDS:
                if seconds <= bound:
                    self._buckets[bound] += 1

    def lines(self) -> list[str]:
        with self._lock:
            requests = sorted(self._requests.items())
            buckets = dict(self._buckets)
            seconds, count = self._seconds, self._count
        name = "fairlead_http_request_seconds"
        return [
            *family(
                "fairlead_http_requests_total",
                "counter",
                "Requests answered, by method, route and status.",
                (
                    ({"method": method, "route": route, "status": str(status)}, number)
                    for (method, route, status), number in requests
                ),
            ),
            f"# HELP {name} How long requests took.",
            f"# TYPE {name} histogram",
            *(f'{name}_bucket{{le="{bound:g}"}} {buckets.get(bound, 0)}' for bound in _BOUNDS),
            f'{name}_bucket{{le="+Inf"}} {count}',
            f"{name}_sum {seconds:.6f}",
            f"{name}_count {count}",
        ]


def family(
    name: str, kind: str, about: str, samples: Iterable[tuple[Mapping[str, str], float]]
) -> list[str]:
    """One metric with its samples."""
    return [
        f"# HELP {name} {about}",
        f"# TYPE {name} {kind}",
        *(f"{name}{_labels(labels)} {value:g}" for labels, value in samples),
    ]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
