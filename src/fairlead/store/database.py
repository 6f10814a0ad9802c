"""Connections: one transaction at a time, and one kind of error when the database is away."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc as sa_errors
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from fairlead.errors import Busy, DatabaseAway

#: psycopg counts these as trouble of the server, but it is there: only this attempt was in the way.
_IN_THE_WAY = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.LockNotAvailable,
    pg.QueryCanceled,
    pg.ObjectInUse,
)

_OPENING = threading.Lock()

Tx = psycopg.Connection[DictRow]  #: a connection inside a transaction; rows are dicts


@contextlib.contextmanager
def translated() -> Generator[None]:
    """Turn the driver's trouble into `DatabaseAway` or `Busy`; anything else is a bug and stays.

    A connection that breaks during a commit leaves it open whether the commit counts. Whoever
    repeats the request must therefore be recognised by a key, as every one of ours is.
    """
    try:
        yield
    except _IN_THE_WAY as held:
        raise Busy("Somebody else is changing the same records. Try again.") from held
    except (psycopg.OperationalError, pg.ReadOnlySqlTransaction) as away:
        raise DatabaseAway("The database does not answer. Try again.") from away
    except sa_errors.TimeoutError as full:
        raise DatabaseAway("Every connection to the database is in use. Try again.") from full
    except sa_errors.DBAPIError as wrapped:
        if isinstance(wrapped.orig, _IN_THE_WAY):
            raise Busy("Somebody else is changing the same records. Try again.") from wrapped
        if isinstance(wrapped.orig, psycopg.OperationalError):
            raise DatabaseAway("The database does not answer. Try again.") from wrapped
        raise


@dataclass(frozen=True)
class Database:
    """One process's way to the database. Nothing is opened before the first use.

    Times are seconds; null means no limit. A thread that waits for a connection gives up after
    `wait_s`, so nobody hangs while the database is away. Isolation is READ COMMITTED.
    """

    url: str  #: `postgresql://…`; may hold a password, so it is never shown
    connections: int = 10  #: at most, and as many again for `engine`
    wait_s: float = 4
    statement_timeout_s: float | None = 60
    lock_timeout_s: float | None = 10
    name: str = "fairlead"  #: shown in `pg_stat_activity`

    def __repr__(self) -> str:
        return f"Database({self.name})"

    @contextlib.contextmanager
    def transaction(self) -> Generator[Tx]:
        """A transaction of one's own: committed at the end, rolled back by any exception.

        Raises `DatabaseAway` or `Busy`; see `translated`.
        """
        with translated():
            tx = self._begun()
            try:
                yield tx
            except BaseException:
                if not tx.closed:
                    with contextlib.suppress(psycopg.Error):
                        tx.rollback()
                raise
            else:
                tx.commit()
            finally:
                self._pool.putconn(tx)

    @contextlib.contextmanager
    def lock_connection(self) -> Generator[psycopg.Connection[DictRow]]:
        """A connection outside any transaction and outside the pool, for session advisory locks.

        Its end, however it comes, releases its locks.
        """
        with translated():
            connection = psycopg.Connection[DictRow].connect(
                self._conninfo, autocommit=True, row_factory=dict_row
            )
            try:
                yield connection
            finally:
                connection.close()

    @cached_property
    def engine(self) -> sa.Engine:
        """SQLAlchemy on the same database, with a pool of its own. Parameters are never logged."""
        return sa.create_engine(
            "postgresql+psycopg://",
            creator=lambda: psycopg.connect(self._conninfo),
            pool_size=self.connections,
            max_overflow=0,
            pool_timeout=self.wait_s,
            hide_parameters=True,
        )

    def close(self) -> None:
        """Close what was opened. Open transactions of other threads are rolled back."""
        if "_pool" in self.__dict__:
            self._pool.close()
        if "engine" in self.__dict__:
            self.engine.dispose()

    def _begun(self) -> Tx:
        """A connection on which BEGIN has succeeded.

        That is the only check there is: after a restart of the database the connections that it
        closed are thrown away here, one by one, before anybody has done work on them.
        """
        pool = self._opened()
        deadline = time.monotonic() + self.wait_s
        while True:
            tx = pool.getconn(timeout=max(deadline - time.monotonic(), 0.001))
            try:
                tx.execute("BEGIN")
            except psycopg.OperationalError:
                tx.close()
                pool.putconn(tx)
                if time.monotonic() > deadline:
                    raise
            except BaseException:
                pool.putconn(tx)
                raise
            else:
                return tx

    def _opened(self) -> ConnectionPool[Tx]:
        with _OPENING:
            if self._pool.closed:
                self._pool.open()
            return self._pool

    @cached_property
    def _pool(self) -> ConnectionPool[Tx]:
        return ConnectionPool(
            self._conninfo,
            connection_class=psycopg.Connection[DictRow],
            kwargs={"autocommit": True, "row_factory": dict_row},  # BEGIN is ours, see `_begun`
            min_size=1,
            max_size=self.connections,
            timeout=self.wait_s,
            # Its pauses double. A short limit makes the next caller start again at the shortest.
            reconnect_timeout=self.wait_s,
            open=False,
            name=self.name,
        )

    @cached_property
    def _conninfo(self) -> str:
        """With the limits as settings of the session, so that no transaction has to set them."""
        limits = {
            "statement_timeout": self.statement_timeout_s,
            "lock_timeout": self.lock_timeout_s,
        }
        options = [
            f"-c {name}={round(limit * 1000)}"
            for name, limit in limits.items()
            if limit is not None
        ]
        return make_conninfo(
            self.url,
            application_name=self.name,
            options=" ".join(options) or None,
            connect_timeout=4,
            # A server behind a dead network is given up too, not only one that says no.
            tcp_user_timeout=4000,
            keepalives_idle=10,
            keepalives_interval=2,
            keepalives_count=3,
        )


def database_time(tx: Tx) -> datetime:
    """The database's clock (UTC): the one that all workers share."""
    row = tx.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    return row["now"]
