"""A restart of the database is a pause."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from fairlead.cli.processes import Child, wait_until_ready
from fairlead.store.server import EmbeddedServer

from .world import FaultWorld, free_port, names

pytestmark = [pytest.mark.slow, pytest.mark.takes(27)]


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """A server that may be stopped: nobody else uses it."""
    home = Path(tempfile.mkdtemp(prefix="fairlead-faults-"))
    embedded = EmbeddedServer(home)
    embedded.start()
    yield embedded
    embedded.stop()
    shutil.rmtree(home)


def stop_at_once(server: EmbeddedServer) -> None:
    """As `pg_ctl stop -m immediate`: no checkpoint, every session cut."""
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    while server.pid() is not None:
        time.sleep(0.02)


def test_work_goes_on_after_immediate_stops_and_the_api_says_503_meanwhile(
    tmp_path: Path, own_server: EmbeddedServer, chance: random.Random, whole: bool
) -> None:
    deals, stops, longest_s = (400, 10, 10.0) if whole else (30, 3, 4.0)
    slowest_answer_s = slowest_return_s = 0.0
    statuses: set[int] = set()
    with FaultWorld(tmp_path, own_server.start, at_once=8) as world:
        firm = world.firms[0]
        for index, name in enumerate(names("Deal", deals)):
            firm.win(name, client=f"Client {index // 3:04d}")
        for _ in range(2):
            firm.start_worker()
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        api = Child("serve", environment=firm.serving_at(port), log=tmp_path / "api.log")
        try:
            wait_until_ready(url, api)
            firm.look_now()
            for _ in range(stops):
                firm.carry_on(lambda: False, chance.uniform(1, 3))
                stop_at_once(own_server)
                down_until = time.monotonic() + chance.uniform(1.0, longest_s)
                while time.monotonic() < down_until:
                    asked = time.monotonic()
                    statuses.add(httpx.get(f"{url}/readyz", timeout=10).status_code)
                    slowest_answer_s = max(slowest_answer_s, time.monotonic() - asked)
                    time.sleep(0.2)
                own_server.start()
                back = time.monotonic()
                assert firm.wait(lambda: firm.number("SELECT 1 AS n") == 1, 30)
                before = firm.ended()
                went_on = firm.carry_on(lambda at=before: firm.ended() > at or firm.all_ended(), 60)
                assert went_on, firm.troubles()
                slowest_return_s = max(slowest_return_s, time.monotonic() - back)
                firm.look_now()
            # polls go on telling of our own write-backs, so the inbox is never quite empty
            assert firm.carry_on(firm.all_ended, 300 if whole else 90), firm.troubles()
            ready = httpx.get(f"{url}/readyz", timeout=10).status_code
        finally:
            api.stop()
        verdict = firm.verdict()
    print(
        f"{stops} stops; slowest 503 after {slowest_answer_s:.1f} s, first completion within "
        f"{slowest_return_s:.1f} s; {verdict}"
    )
    assert statuses == {503}
    assert slowest_answer_s <= 5
    assert slowest_return_s <= 15
    assert ready == 200
    assert verdict.clean, verdict
