"""The processes of one installation: started, watched, ended by their own handles."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

import httpx

from fairlead.errors import Busy


class Child:
    """A `fairlead …` command in a process of its own. Its output goes to a file."""

    def __init__(self, *arguments: str, environment: Mapping[str, str], log: Path) -> None:
        self.arguments, self._environment, self.log = arguments, environment, log
        self.start()

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fairlead.cli.main", *self.arguments, "--until-stdin-ends"],
                env={**os.environ, **self._environment},
                stdin=subprocess.PIPE,  # ends with us, however we end, and so do they
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is ours to pass on, in order
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """As a power cut does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask_to_stop(self) -> None:
        if self.alive:
            self.process.terminate()

    def stop(self, within_s: float = 25) -> None:
        """Ask, wait, and end it if it does not listen."""
        self.ask_to_stop()
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()


def stop_when_stdin_ends() -> None:
    """End this process in its orderly way once whoever started it is gone."""

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def stop_event() -> threading.Event:
    """Set by Ctrl-C and SIGTERM from now on."""
    stop = threading.Event()

    def told(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    return stop


def wait_until_ready(
    url: str, child: Child, stop: threading.Event | None = None, within_s: float = 60
) -> None:
    """Until the API answers that it is ready, or `stop` is set.

    Raises `Busy` with the end of its log where it does not become ready.
    """
    end = time.monotonic() + within_s
    while time.monotonic() < end and child.alive:
        if stop is not None and stop.is_set():
            return
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    said = child.log.read_text("utf-8", "replace")[-2000:] if child.log.exists() else ""
    raise Busy(f"The API did not become ready at {url}. Its log ends with:\n{said}")
