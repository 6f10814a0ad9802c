"""The embedded server: started by many, ended by nobody but `stop`, back after any death."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import psycopg
import pytest

from fairlead.errors import DatabaseAway, InvalidDefinition
from fairlead.store.server import EmbeddedServer, check, database_url

#: Each starts a server of its own, most of them twice.
pytestmark = [pytest.mark.slow, pytest.mark.takes(2)]

START = """
import os, pathlib, sys
from fairlead.store.server import EmbeddedServer
if len(sys.argv) > 2:
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[2]))
print(EmbeddedServer(pathlib.Path(sys.argv[1])).start(), flush=True)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that root's stand-in may reach; pytest's own is closed to it."""
    with tempfile.TemporaryDirectory(prefix="fairlead-test-") as folder:
        data = Path(folder) / "data"
        yield data
        EmbeddedServer(data).stop()


def test_a_second_start_finds_the_running_server(home: Path) -> None:
    first = EmbeddedServer(home)
    url = first.start()
    pid = first.pid()

    assert url == EmbeddedServer(home).start()
    assert pid == first.pid()
    assert database_url(home) == url


def test_many_processes_may_start_it_at_the_same_moment(home: Path) -> None:
    starters = [
        subprocess.Popen([sys.executable, "-c", START, home], stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    answers = {starter.communicate(timeout=60)[0].strip() for starter in starters}

    assert all(starter.returncode == 0 for starter in starters)
    assert len(answers) == 1
    assert rows(answers.pop(), "SELECT 1") == [(1,)]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_outlives_whoever_started_it(home: Path, end: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START + "sys.stdin.read()", home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert starter.stdout is not None
    url = starter.stdout.readline().strip()

    os.killpg(starter.pid, end)  # as Ctrl-C does: the whole group, not one process
    starter.communicate(timeout=10)

    assert rows(url, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("parts", ["postmaster", "all"])
def test_what_was_committed_is_there_after_a_kill(home: Path, parts: str) -> None:
    server = EmbeddedServer(home)
    rows(server.start(), "CREATE TABLE kept AS SELECT 7 AS n")
    pid = server.pid()
    assert pid is not None

    children = Path(f"/proc/{pid}/task/{pid}/children")
    others = [int(child) for child in children.read_text().split()] if parts == "all" else []
    for victim in [pid, *others]:
        os.kill(victim, signal.SIGKILL)

    assert rows(server.start(), "SELECT n FROM kept") == [(7,)]
    assert server.pid() != pid


def test_a_stranger_with_the_dead_servers_number_is_no_obstacle(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    server.stop()
    owner = server.cluster.stat().st_uid  # PostgreSQL passes over other accounts' processes
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner)
    lines = [str(stranger.pid), str(server.cluster), "0", "5432", "", "", "", ""]
    (server.cluster / "postmaster.pid").write_text("\n".join(lines))
    try:
        assert rows(server.start(patience_s=2), "SELECT 1") == [(1,)]
    finally:
        stranger.kill()
        stranger.wait()


def test_an_initialisation_that_was_cut_off_begins_again(home: Path) -> None:
    unfinished = home / "postgres.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    assert rows(EmbeddedServer(home).start(), "SELECT 1") == [(1,)]
    assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_still_works(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    server = EmbeddedServer(deep)
    try:
        url = server.start()
        assert rows(url, "SELECT 1") == [(1,)]
    finally:
        server.stop()

    sockets = Path(unquote(url.partition("host=")[2]))
    assert not sockets.is_relative_to(home)
    assert not sockets.exists()  # nothing is left in the folder that everybody shares


def test_a_path_with_a_blank_and_a_quote_still_works(home: Path) -> None:
    server = EmbeddedServer(home / "it's 100 % ours, Łódź")
    try:
        assert rows(server.start(), "SELECT 1") == [(1,)]
    finally:
        server.stop()


def test_two_data_directories_are_two_servers(home: Path) -> None:
    one, other = EmbeddedServer(home / "one"), EmbeddedServer(home / "other")
    try:
        rows(one.start(), "CREATE TABLE here AS SELECT 1 AS n")

        assert rows(other.start(), "SELECT to_regclass('here')") == [(None,)]
        one.stop()
        assert one.pid() is None
        assert rows(other.start(), "SELECT 1") == [(1,)]
    finally:
        one.stop()
        other.stop()


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    server = EmbeddedServer(home)
    server.start()
    server.stop()
    with (server.cluster / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = many\n")

    with pytest.raises(DatabaseAway, match="max_connections"):
        server.start(patience_s=0)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_loses_commits_is_refused(home: Path, setting: str) -> None:
    server = EmbeddedServer(home)
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
    server.stop()

    with pytest.raises(InvalidDefinition, match=f"{setting} is off"):
        database_url(home)


def test_another_server_is_named_and_checked(server: str) -> None:
    check(server)
    with pytest.raises(DatabaseAway, match="cannot be reached"):
        check("postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_it_runs_for_an_ordinary_user(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    home.parent.chmod(0o755)
    started = subprocess.run(
        [sys.executable, "-c", START, home, str(nobody.pw_uid), str(nobody.pw_gid)],
        capture_output=True,
        text=True,
    )

    assert started.returncode == 0, started.stderr
    assert rows(started.stdout.strip(), "SELECT 1") == [(1,)]


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    """The answer; empty for a statement that gives none. Committed."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement.removesuffix("").encode())
        return cursor.fetchall() if cursor.description else []
