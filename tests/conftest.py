"""What every test may ask for: a real PostgreSQL, migrated.

One server runs for the whole session, whatever the number of xdist workers. Each worker copies
its databases from one migrated template and uses them again; nobody migrates twice.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from databases import bare, fresh, make_template
from fairlead.store.database import Database, Tx
from fairlead.store.server import EmbeddedServer

_AMPLE = 8 << 30  #: bytes; a session needs one gigabyte, and never more than three
_LIKE_MOST_S = 0.06  #: what a test takes that says nothing about it


@pytest.hookimpl(trylast=True)  # of those that are left to run
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Several workers begin with what takes longest, so that none is left with it in the end.

    A worker runs the tests of a module, or of a class in it, in one go; see `--dist loadscope`.
    """
    if not hasattr(config, "workerinput"):
        return
    lengths: defaultdict[str, float] = defaultdict(float)
    for item in items:
        lengths[_unit(item)] += _length_s(item)
    items.sort(key=lambda item: -lengths[_unit(item)])


def _unit(item: pytest.Item) -> str:
    return item.nodeid.rpartition("::")[0]


def _length_s(item: pytest.Item) -> float:
    told = item.get_closest_marker("takes")
    return told.args[0] if told else _LIKE_MOST_S


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the migrated template in it. Stopped by its last user."""
    session = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        session = session.parent  # shared by the workers
    users = session / "users-of-postgres"
    with _alone(session):
        users.mkdir(exist_ok=True)
        (users / str(os.getpid())).touch()
        home = _home(session)
        embedded = EmbeddedServer(home)
        url = embedded.start()
        make_template(url)
    yield url
    with _alone(session):
        (users / str(os.getpid())).unlink()
        if not any(users.iterdir()):
            embedded.stop()
            shutil.rmtree(home)


@pytest.fixture
def db_url(server: str) -> Iterator[str]:
    """The address of a fresh, migrated, empty database of this test's own."""
    with fresh(server) as url:
        yield url


@pytest.fixture
def empty_db_url(server: str) -> Iterator[str]:
    """The address of a database without a single table."""
    with bare(server) as url:
        yield url


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    """A fresh, migrated database of this test's own."""
    database = Database(db_url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def module_db(server: str) -> Iterator[Database]:
    """A migrated database that the tests of one module share."""
    with fresh(server) as url:
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


def _home(session: Path) -> Path:
    """Where the server keeps its files; the same for all workers of the session.

    In memory where that is ample: a commit then waits for no disk, and nobody needs it afterwards.
    Not under pytest's folder: only its owner may enter that, and root runs PostgreSQL as another.
    """
    kept = session / "home-of-postgres"
    if not kept.exists():
        memory = Path("/dev/shm")  # noqa: S108
        ample = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _AMPLE
        place = memory if ample else Path(tempfile.gettempdir())
        kept.write_text(str(place / f"fairlead-tests-{session.parent.name}-{session.name}"))
    return Path(kept.read_text())


@contextmanager
def _alone(session: Path) -> Generator[None]:
    with (session / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
