"""What every test may ask for: a real PostgreSQL, migrated.

One server runs for the whole session, whatever the number of xdist workers. Each worker copies
its databases from one migrated template, which takes some 20 ms; nobody migrates twice.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from fairlead.store.database import Database, Tx
from fairlead.store.migrate import migrate
from fairlead.store.server import EmbeddedServer

_TEMPLATE = "template_fairlead"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the migrated template in it. Stopped by its last user."""
    session = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        session = session.parent  # shared by the workers
    # Not under pytest's folder: only its owner may enter that, and root runs PostgreSQL as another.
    home = Path(tempfile.gettempdir()) / f"fairlead-tests-{session.parent.name}-{session.name}"
    users = session / "users-of-postgres"
    with _alone(session):
        users.mkdir(exist_ok=True)
        (users / str(os.getpid())).touch()
        embedded = EmbeddedServer(home)
        url = embedded.start()
        _make_template(url)
    yield url
    with _alone(session):
        (users / str(os.getpid())).unlink()
        if not any(users.iterdir()):
            embedded.stop()
            shutil.rmtree(home)


@pytest.fixture
def db_url(server: str) -> Iterator[str]:
    """The address of a fresh, migrated, empty database of this test's own."""
    yield from _database(server, _TEMPLATE)


@pytest.fixture
def empty_db_url(server: str) -> Iterator[str]:
    """The address of a database without a single table."""
    yield from _database(server, "template0")


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    """A fresh, migrated database of this test's own."""
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def module_db(server: str) -> Iterator[Database]:
    """A migrated database that the tests of one module share."""
    for url in _database(server, _TEMPLATE):
        database = Database(url)
        yield database
        database.close()


@pytest.fixture
def tx(module_db: Database) -> Iterator[Tx]:
    """A transaction on the migrated database, rolled back after the test."""

    class Undone(Exception):
        pass

    try:
        with module_db.transaction() as connection:
            yield connection
            raise Undone
    except Undone:
        pass


def _database(server: str, template: str) -> Iterator[str]:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _named(server, name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _make_template(server: str) -> None:
    with psycopg.connect(server) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE])
        if found.fetchone():
            return
    unfinished = f"{_TEMPLATE}_unfinished"
    _execute(server, f"DROP DATABASE IF EXISTS {unfinished}")
    _execute(server, f"CREATE DATABASE {unfinished}")
    database = Database(_named(server, unfinished))
    migrate(database)
    database.close()
    _execute(server, f"ALTER DATABASE {unfinished} RENAME TO {_TEMPLATE}")


def _named(server: str, database: str) -> str:
    return server.replace("/fairlead?", f"/{database}?")


def _execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def _alone(session: Path) -> Generator[None]:
    with (session / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
