"""A transaction is whole or nothing, and a database that is away is one kind of error."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from fairlead.errors import Busy, DatabaseAway
from fairlead.store.database import Database
from fairlead.store.server import EmbeddedServer

pytestmark = pytest.mark.takes(2)


@pytest.fixture
def scratch(empty_db_url: str) -> Iterator[Database]:
    database = Database(empty_db_url, lock_timeout_s=0.2, statement_timeout_s=2, wait_s=1)
    with database.transaction() as tx:
        tx.execute("CREATE TABLE kept (n integer PRIMARY KEY)")
    yield database
    database.close()


def test_an_exception_undoes_everything(scratch: Database) -> None:
    with pytest.raises(Trouble):
        insert_and_fail(scratch)

    assert numbers(scratch) == []


def test_a_connection_goes_back_clean(scratch: Database) -> None:
    one = Database(scratch.url, connections=1)
    for _ in range(2):
        with pytest.raises(Trouble):
            insert_and_fail(one)
    with one.transaction() as tx:
        tx.execute("INSERT INTO kept VALUES (3)")
    one.close()

    assert numbers(scratch) == [3]


def test_a_savepoint_can_be_given_up_alone(scratch: Database) -> None:
    with scratch.transaction() as tx:
        tx.execute("INSERT INTO kept VALUES (1)")
        with tx.transaction():
            tx.execute("INSERT INTO kept VALUES (2)")
            raise psycopg.Rollback

    assert numbers(scratch) == [1]


def test_who_waits_for_a_lock_is_told_that_it_is_busy(scratch: Database) -> None:
    with scratch.transaction() as first:
        first.execute("INSERT INTO kept VALUES (1)")
        with pytest.raises(Busy) as caught, scratch.transaction() as second:
            second.execute("INSERT INTO kept VALUES (1)")

    assert type(caught.value) is Busy
    assert numbers(scratch) == [1]


def test_no_free_connection_is_an_answer_and_not_a_hang(scratch: Database) -> None:
    one = Database(scratch.url, connections=1, wait_s=0.2)
    with one.transaction():
        started = time.monotonic()
        with pytest.raises(DatabaseAway), one.transaction():
            pass
        assert time.monotonic() - started < 2
    one.close()


def test_a_session_lock_ends_with_its_connection(scratch: Database) -> None:
    with scratch.lock_connection() as first:
        assert taken(first.execute("SELECT pg_try_advisory_lock(7) AS taken").fetchone())
        with scratch.lock_connection() as second:
            query = "SELECT pg_try_advisory_lock(7) AS taken"
            assert not taken(second.execute(query).fetchone())
    with scratch.lock_connection() as third:
        assert taken(third.execute("SELECT pg_try_advisory_lock(7) AS taken").fetchone())


def test_an_address_with_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Database("postgresql://me:secret@example.test/fairlead"))


def test_a_database_that_is_away_is_an_answer_within_five_seconds() -> None:
    with tempfile.TemporaryDirectory(prefix="fairlead-test-") as folder:
        server = EmbeddedServer(Path(folder) / "data")
        database = Database(server.start())
        with database.transaction() as tx:
            tx.execute("CREATE TABLE kept (n integer PRIMARY KEY)")
        server.stop()

        started = time.monotonic()
        with pytest.raises(DatabaseAway), database.transaction():
            pass
        assert time.monotonic() - started < 5

        server.start()
        assert numbers(database) == []  # the same object, without help
        database.close()
        server.stop()


def test_a_restart_while_nobody_works_is_not_noticed() -> None:
    with tempfile.TemporaryDirectory(prefix="fairlead-test-") as folder:
        server = EmbeddedServer(Path(folder) / "data")
        database = Database(server.start())
        with database.transaction() as tx:
            tx.execute("CREATE TABLE kept (n integer PRIMARY KEY)")
        everybody = threading.Barrier(6)

        def work() -> None:
            with database.transaction():
                everybody.wait(10)

        workers = [threading.Thread(target=work) for _ in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        server.stop()
        server.start()

        assert numbers(database) == []
        database.close()
        server.stop()


class Trouble(Exception):
    pass


def insert_and_fail(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute("INSERT INTO kept VALUES (1)")
        raise Trouble


def numbers(database: Database) -> list[int]:
    with database.transaction() as tx:
        return [row["n"] for row in tx.execute("SELECT n FROM kept ORDER BY n")]


def taken(row: dict[str, bool] | None) -> bool:
    return row is not None and row["taken"]
