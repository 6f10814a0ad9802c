"""The processes of one demo, in a folder of their own: started afresh, and ended in any case."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import signal
import socket
from collections.abc import Callable, Generator
from enum import StrEnum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from fairlead.bootstrap import Fairlead
from fairlead.cli.demo_tryton import DemoTryton
from fairlead.cli.processes import Child, wait_until_ready
from fairlead.cli.world import SandboxWorld, open_world
from fairlead.config import Settings
from fairlead.errors import Busy
from fairlead.sandbox.process import SandboxProcess
from fairlead.store.server import EmbeddedServer

_WORKERS = 2


class Erp(StrEnum):
    NETSUITE = "netsuite"  #: two accounts that the sandbox plays
    TRYTON = "tryton"  #: one real server, installed at its first use


def _nothing(_words: str) -> None:
    return None


class Stage:
    """Database, sandbox, API and workers. Ends all of them on leaving."""

    def __init__(
        self, settings: Settings, *, erp: Erp = Erp.NETSUITE, say: Callable[[str], None] = _nothing
    ) -> None:
        """`erp`: the sandbox's ledgers, or a real server in their place."""
        self.tryton: DemoTryton | None = None
        self._erp, self._say = erp, say
        self.folder = settings.data / "demo"
        self._settings = settings
        self._children: list[Child] = []
        self._world: SandboxWorld | None = None
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._closing.enter_context(_alone(self._settings.data / "demo.lock"))
            self._closing.callback(self._stop)
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._close()

    @property
    def sandbox(self) -> SandboxProcess:
        assert self._world is not None
        return self._world.sandbox

    def kill_worker(self) -> int:
        """As a power cut would; its process id."""
        worker = self._children[1]
        worker.kill()
        return worker.pid

    def replace_worker(self) -> int:
        self._children[1].start()
        return self._children[1].pid

    def still_alive(self) -> bool:
        """Whether the API and the worker that nobody kills are there."""
        return self._children[0].alive and self._children[2].alive

    def _close(self) -> None:
        with _undisturbed():
            self._closing.close()

    def _start(self) -> None:
        self._clear()
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        if self._erp is Erp.TRYTON:
            self.tryton = DemoTryton(self._settings.data / "tryton", self._say)
        own_erp = self.tryton.entry() if self.tryton else None
        self._world = open_world(self.folder, self.url, own_erp)
        own = {"data": self.folder, "config": self._world.config, "port": port}
        self.fairlead = Fairlead(self._settings.model_copy(update={**own, "database_url": None}))
        self._closing.callback(self.fairlead.db.close)  # started and migrated here, by us alone
        environment = {
            "FAIRLEAD_DATA": str(self.folder),
            "FAIRLEAD_CONFIG": str(self._world.config),
            "FAIRLEAD_DATABASE_URL": "",
            "FAIRLEAD_HOST": "127.0.0.1",
            "FAIRLEAD_PORT": str(port),
        }
        names = ["api", *(f"worker-{number + 1}" for number in range(_WORKERS))]
        for name in names:
            command = "serve" if name == "api" else "worker"
            log = self.folder / "logs" / f"{name}.log"
            self._children.append(Child(command, environment=environment, log=log))
        wait_until_ready(self.url, self._children[0])

    def _clear(self) -> None:
        """Stop and remove what an earlier demo left: if it was killed, its database still runs.
        Its other processes have ended with it."""
        EmbeddedServer(self.folder).stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _stop(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop(within_s=10)
        if self._world:
            self._world.stop()
        if self.tryton:
            self.tryton.stop()
        EmbeddedServer(self.folder).stop()


@contextlib.contextmanager
def interruptible() -> Generator[None]:
    """SIGTERM ends the demo as Ctrl-C does. Only in the main thread."""

    def told(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _undisturbed() -> Generator[None]:
    """A second Ctrl-C does not stop the clearing up."""
    before = {n: signal.signal(n, signal.SIG_IGN) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Raises `Busy` where another demo runs in the same data directory."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(
                f"A demo runs in {lock.parent} already. Wait for its end, or set FAIRLEAD_DATA"
                " to another folder."
            ) from None
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
