"""Whether the process lives, whether it can work, and figures about both."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from typing import Any, Literal

from fastapi import Request
from starlette.responses import PlainTextResponse, Response

from fairlead.api import counters
from fairlead.api.counters import Counters
from fairlead.api.guard import Parts
from fairlead.api.router import Router
from fairlead.domain.values import Value
from fairlead.errors import Busy
from fairlead.store import gauges
from fairlead.store.database import Database

_PATIENCE_S = 2.0


class Alive(Value):
    status: Literal["ok"] = "ok"


class Readiness:
    """Asks the database, one question at a time, in a thread of its own.

    A database that takes the question and never answers holds that thread, not the callers.
    """

    def __init__(self, db: Database) -> None:
        limit = _PATIENCE_S - 0.5
        self._db = replace(
            db, connections=1, wait_s=limit, statement_timeout_s=limit, name="fairlead readyz"
        )
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="readyz")
        self._lock = threading.Lock()
        self._asked: Future[str | None] | None = None

    def trouble(self) -> str | None:
        """Why we are not ready; None: we are. Answers within two seconds."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(self._ask)
            asked = self._asked
        try:
            return asked.result(timeout=_PATIENCE_S)
        except (Late, Busy):
            return "The database does not answer."

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._db.close()

    def _ask(self) -> str | None:
        with self._db.transaction() as tx:
            migrated = gauges.migrated(tx)
        return None if migrated else "The database is not migrated to this release."


def add(router: Router) -> None:
    router.plain("/healthz", get_health, Alive)
    router.plain("/readyz", get_readiness, Alive)
    router.plain(
        "/metrics", get_metrics, None, errors=(401, 403, 429), response_class=PlainTextResponse
    )


async def get_health() -> Alive:
    """Whether the process lives. It asks nobody else."""
    return Alive()


def get_readiness(request: Request) -> Alive:
    """Whether the database answers and is migrated."""
    readiness: Readiness = request.app.state.readiness
    if trouble := readiness.trouble():
        raise Busy(trouble)
    return Alive()


def get_metrics(request: Request, parts: Parts) -> Response:
    """Figures for Prometheus."""
    own: Counters = request.app.state.counters
    with parts.db.transaction() as tx:
        figures = gauges.read(tx)
    lines = [*own.lines(), *_gauges(figures)]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


_FAMILIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "inbox": ("Messages by queue and state, without those that are done.", ("queue", "state")),
    "ready_steps": ("Outward steps that wait for a system.", ("system",)),
    "open_exceptions": ("Exceptions that wait for a person.", ("class",)),
    "effects": ("Effects by system and state.", ("system", "state")),
    "breaker_open": ("1 while the breaker of a system is open.", ("system",)),
    "system_paused": ("1 while a person has paused a system.", ("system",)),
    "living_workers": ("Workers that have said so in the last minute.", ()),
}


def _gauges(figures: Mapping[str, list[dict[str, Any]]]) -> list[str]:
    lines: list[str] = []
    for name, (about, labels) in _FAMILIES.items():
        samples = (
            ({label: str(row[label]) for label in labels}, float(row["value"]))
            for row in figures[name]
        )
        lines += counters.family(f"fairlead_{name}", "gauge", about, samples)
    return lines
