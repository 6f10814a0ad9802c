"""A sandbox of tiny systems in a process of its own, and a receiver for their webhooks."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World

TESTS = Path(__file__).parents[1]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def tiny(id: str, **settings: object) -> SystemSpec:
    return SystemSpec(id=id, dialect="sandbox.tiny:Tiny", settings=settings)


@pytest.fixture(scope="session")
def running() -> Iterator[SandboxProcess]:
    world = World(systems=(tiny("tiny"), tiny("other"), tiny("locked", locked=True)))
    with SandboxProcess(world, import_from=(TESTS,)) as process:
        yield process


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.clear()
    return running


@pytest.fixture
def client(sandbox: SandboxProcess) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"{sandbox.url}/tiny", timeout=5, trust_env=False, verify=trusted()
    ) as client:
        yield client


class Receiver:
    """Takes webhooks: each as (headers in lower case, body); answers with `status`."""

    def __init__(self, port: int = 0) -> None:
        self.got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        self.status = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that http.server wants
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.status
                receiver.got.put((headers, body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hooks/tiny"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def next(self) -> tuple[dict[str, str], bytes]:
        return self.got.get(timeout=10)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.stop()
