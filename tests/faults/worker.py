"""A nursery of worker processes, and the traps that end one of them at a chosen place.

    python -m faults.worker

reads one order per line (JSON) from its standard input, forks a worker for it and prints the
worker's process id. Forking after the imports makes a start cost a third of a second less; each
worker is a process of its own and dies alone. When the input ends, so do all of them.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn, cast

import httpx
import yaml
from pydantic import SecretStr

from fairlead.bootstrap import Fairlead
from fairlead.config import Settings
from fairlead.flow import seams

from . import defects

Seen = Callable[[str, dict[str, Any]], None]  #: (place, facts) → may not return

#: When a call counts as received, as done, and as answered: names of httpcore's trace events.
POINTS = {
    "received": ("send_request_body.complete",),
    "committed": ("receive_response_headers.complete", "receive_response_headers.failed"),
    "answered": ("response_closed.complete",),
}


class Trap:
    """Kills this process at the place that a file names. Whoever takes the file away strikes.

    The file can be put down while the worker runs; counting begins when it appears.
    """

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self._set_at, self._trap, self._passed = 0, dict[str, Any](), 0

    def at(self, place: str, facts: dict[str, Any]) -> None:
        with self._lock:
            try:
                set_at = self._file.stat().st_mtime_ns
                if set_at != self._set_at:
                    self._trap = json.loads(self._file.read_text("utf-8"))
                    self._set_at, self._passed = set_at, 0
            except FileNotFoundError:
                return
            if place != self._trap["place"] or not _fits(self._trap, facts):
                return
            self._passed += 1
            if self._passed < self._trap["nth"]:
                return
            try:
                self._file.rename(self._file.with_suffix(".struck"))
            except FileNotFoundError:
                return
            os.kill(os.getpid(), signal.SIGKILL)


def _fits(trap: dict[str, Any], facts: dict[str, Any]) -> bool:
    """A trap names the method and path of a call, or nothing where it lies at a seam."""
    return "method" not in trap or (
        trap["method"] == facts.get("method") and fnmatchcase(facts["path"], trap["path"])
    )


class Recorder:
    """Notes every place that is passed, in order."""

    def __init__(self, file: Path) -> None:
        self._to = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lock, self._passed = threading.Lock(), Counter[str]()

    def at(self, place: str, facts: dict[str, Any]) -> None:
        with self._lock:
            line = {"place": place, "thread": threading.get_ident(), **facts}
            os.write(self._to, json.dumps(line).encode() + b"\n")


def watch(listeners: Sequence[Seen]) -> None:
    """Have seams and the points of every HTTP call told."""

    def seen(place: str, facts: dict[str, Any]) -> None:
        for listen in listeners:
            listen(place, facts)

    seams.watch(lambda name: seen(name, {}))
    send = httpx.Client.send

    def watched(self: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        system, _, path = request.url.path.removeprefix("/").partition("/")
        facts = {"method": request.method, "system": system, "path": f"/{path}"}

        def trace(event: str, info: object) -> None:
            for point, events in POINTS.items():
                if event.partition(".")[2] in events:
                    seen(f"call {point}", facts)

        request.extensions["trace"] = trace
        return send(self, request, **options)

    httpx.Client.send = cast("Any", watched)


def work(order: dict[str, Any]) -> NoReturn:
    """Be a worker until told to end. `order`: data, config, database_url, log; perhaps trap (a
    file), record (a file), defects (names)."""
    log = os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ended = threading.Event()

    def end(number: int, frame: object) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    for name in order.get("defects", ()):
        defects.PLANTS[name]()
    listeners: list[Seen] = []
    if "trap" in order:
        listeners.append(Trap(Path(order["trap"])).at)
    if "record" in order:
        listeners.append(Recorder(Path(order["record"])).at)
    if listeners:
        watch(listeners)
    settings = Settings(
        data=Path(order["data"]),
        config=Path(order["config"]),
        database_url=SecretStr(order["database_url"]),
    )
    engine = Fairlead(settings).worker()
    engine.start()
    ended.wait()
    engine.stop()
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: no zombies
    yaml.safe_load("imported: before the first fork")
    born: list[int] = []
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                work(json.loads(line))
            finally:
                os._exit(1)
        born.append(pid)
        print(pid, flush=True)
    for pid in born:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
