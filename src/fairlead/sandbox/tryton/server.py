"""A running Tryton server in a process of its own, under gunicorn."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx

from fairlead.sandbox.tryton.installing import TrytonTrouble
from fairlead.sandbox.tryton.person import Person

_CONFIG = Path(__file__).with_name("gunicorn_conf.py")
_READY_WITHIN_S = 120
_ENDS_WITHIN_S = 15


class TrytonServer:
    """It ends with `stop`, or when this process ends."""

    def __init__(self, programs: Path, server: str, database: str, log: Path) -> None:
        """`server`: address of PostgreSQL. Raises `TrytonTrouble` with the end of `log` where it
        does not start."""
        self._programs, self._server, self._log = programs, server, log
        self.database = database
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Also after `stop` or `kill`: at the same address."""
        command = [
            str(self._programs / "gunicorn"), "--config", str(_CONFIG),
            "--bind", f"127.0.0.1:{self._port}", "trytond.application:app",
        ]  # fmt: skip
        environment = {"TRYTOND_DATABASE_NAMES": self.database, **reaching(self._server)}
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, **environment},
                start_new_session=True,  # Ctrl-C is for whoever started us to pass on
            )
        self._wait()

    def sign_in(self, user: str, password: str) -> Person:
        return Person(self.url, self.database, user, password)

    def stop(self) -> None:
        """Does nothing where it was stopped or killed already. One that does not end is killed."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._ended()
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it and its workers at once, as a power cut does."""
        os.killpg(self._process.pid, 9)  # the group is its own: see `start_new_session`
        self._ended()

    def _ended(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(_ENDS_WITHIN_S)

    def _wait(self) -> None:
        """Until it has read its modules and answers for the database."""
        end = time.monotonic() + _READY_WITHIN_S
        asked: dict[str, Any] = {"id": 0, "method": "common.db.login", "params": ["", {}]}
        while time.monotonic() < end and self._process.poll() is None:
            try:
                path = f"{self.url}/{self.database}/rpc/"
                if httpx.post(path, json=asked, timeout=60, trust_env=False).status_code < 500:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        said = self._log.read_text("utf-8", "replace")[-2000:]
        raise TrytonTrouble(f"Tryton did not start. Its log ends with:\n{said}")


def reaching(server: str) -> dict[str, str]:
    """The environment in which Tryton finds PostgreSQL. It puts the database's name in itself."""
    return {"TRYTOND_DATABASE__URI": urlunsplit(urlsplit(server)._replace(path="/"))}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
