"""What the benchmarks share: CPU time of whole process trees, percentiles, a database to run on."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from fairlead.store.database import Database
from fairlead.store.migrate import migrate
from fairlead.store.server import EmbeddedServer


def percentile(values: Sequence[float], share: float) -> float:
    """`share` 0.95 means the value that 95 % do not exceed."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def cpu_s(pids: Sequence[int]) -> float:
    """CPU seconds so far of these processes and all their children, ended ones included."""
    total = 0.0
    for pid in pids:
        try:
            processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
        for process in processes:
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
            total += getattr(times, "children_user", 0) + getattr(times, "children_system", 0)
    return total


@contextmanager
def database() -> Generator[tuple[Database, int]]:
    """A fresh embedded server with all tables; with the process id of its postmaster."""
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as folder:
        server = EmbeddedServer(Path(folder))
        db = Database(server.start())
        try:
            migrate(db)
            pid = server.pid()
            assert pid is not None
            yield db, pid
        finally:
            db.close()
            server.stop()


def me() -> int:
    return os.getpid()
