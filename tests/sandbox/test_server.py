"""The process: start, restart, end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from fairlead.connectors.kit.http import trusted
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World

from .conftest import SECRET, TESTS, Receiver, tiny

pytestmark = pytest.mark.takes(1.5)

WORLD = World(systems=(tiny("one"), tiny("two")))


def post(sandbox: SandboxProcess, system: str, ref: str) -> httpx.Response:
    return httpx.post(
        f"{sandbox.url}/{system}/things", json={"ref": ref}, trust_env=False, verify=trusted()
    )


def test_records_survive_an_orderly_end_and_a_kill(tmp_path: Path) -> None:
    with SandboxProcess(WORLD, data=tmp_path, import_from=(TESTS,)) as sandbox:
        post(sandbox, "one", "a")
        assert sandbox.stop() == 0
        sandbox.start_again()
        post(sandbox, "two", "b")
        sandbox.kill()
        sandbox.start_again()
        post(sandbox, "one", "c")

        things = sandbox.ledger(object="thing")
        assert [row["key"] for row in things] == ["a", "b", "c"]
        assert things == sorted(things, key=lambda row: row["seq"])
        assert post(sandbox, "one", "a").status_code == 409


def test_an_account_is_furnished_once(tmp_path: Path) -> None:
    with SandboxProcess(WORLD, data=tmp_path, import_from=(TESTS,)) as sandbox:
        sandbox.stop()
        sandbox.start_again()
        assert len(sandbox.ledger(object="setting")) == 2
        sandbox.clear()
        assert len(sandbox.ledger(object="setting")) == 2


def test_a_webhook_that_was_not_delivered_survives_a_kill(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.stop()  # its port is now refused
    settings = {"webhook_url": receiver.url, "webhook_secret": SECRET}
    world = World(systems=(tiny("one", **settings),))
    with SandboxProcess(world, data=tmp_path, import_from=(TESTS,)) as sandbox:
        made = sandbox.plant("one", "thing", {"name": "a"})
        sandbox.kill()
        later = Receiver(receiver.port)
        sandbox.start_again()

        assert f'{{"planted": "{made["id"]}"}}'.encode() == later.next()[1]
        later.stop()


def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    world.write_text('{"systems": []}', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fairlead.sandbox", "--world", str(world), "--until-stdin-ends"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith(b'{"url": "http://127.0.0.1:')


@pytest.mark.parametrize(
    ("system", "words"),
    [
        pytest.param({"id": "a", "dialect": "cobol"}, b"no sandbox dialect cobol", id="dialect"),
        pytest.param({"id": "A/b", "dialect": "kantata"}, b"systems.0.id", id="id"),
        pytest.param(
            {"id": "a", "dialect": "sandbox.tiny:Tiny", "settings": {"webhook_url": "http://x"}},
            b"needs webhook_secret",
            id="secret",
        ),
    ],
)
def test_a_world_that_cannot_be_is_refused_in_words(
    tmp_path: Path, system: dict[str, object], words: bytes
) -> None:
    world = tmp_path / "world.json"
    world.write_text(json.dumps({"systems": [system]}), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "fairlead.sandbox", "--world", str(world)],
        env={"PYTHONPATH": str(TESTS)},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr


def test_a_sandbox_that_does_not_start_says_so() -> None:
    with pytest.raises(RuntimeError, match="did not start"):
        SandboxProcess(World(systems=(SystemSpec(id="a", dialect="cobol"),)))
