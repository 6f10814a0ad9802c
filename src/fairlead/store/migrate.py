"""Bring the database's tables up to this release. There is no way back: restore a backup."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg

from fairlead.errors import DatabaseAway
from fairlead.store.database import Database

log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 7_402_191_655  #: names our advisory lock; any constant that nobody else uses
_PATIENCE_S = 900  #: how long another process may migrate before we give up


def head(migrations: Path = MIGRATIONS) -> str | None:
    """The newest revision, read from the file names (`0007_pre_….py`); null where there is none."""
    return max((file.name[:4] for file in migrations.glob("versions/[0-9]*.py")), default=None)


def migrate(database: Database, migrations: Path = MIGRATIONS) -> bool:
    """Apply every migration that is missing; whether there was one.

    Any number of processes may call this at once: one migrates, the others wait for it. A
    database that a newer release has migrated is left as it is, so that a release can be rolled
    back: what a newer one adds before its own start, an older one does not see.

    Raises `DatabaseAway` where the database does not answer, or another process migrates for
    longer than a quarter of an hour.
    """
    wanted = head(migrations)
    with database.lock_connection() as connection:
        if _current(connection, wanted):
            return False
        _lock(connection)
        if _current(connection, wanted):
            return False
        started = time.monotonic()
        _upgrade(database, migrations)
        log.info("migrated to %s in %.1f s", wanted, time.monotonic() - started)
    return True


def _current(connection: psycopg.Connection[dict[str, object]], wanted: str | None) -> bool:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except pg.UndefinedTable:
        return wanted is None
    return wanted is None or (row is not None and str(row["version_num"]) >= wanted)


def _lock(connection: psycopg.Connection[dict[str, object]]) -> None:
    """Taken by asking again and again: a waiting statement holds a snapshot, and an index that
    the other process builds concurrently would wait for it for ever."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(%s) AS mine", [_LOCK]).fetchone()
        if row and row["mine"]:
            return
        if time.monotonic() > deadline:
            raise DatabaseAway(f"Another process migrates for more than {_PATIENCE_S} s.")
        time.sleep(0.1)


def _upgrade(database: Database, migrations: Path) -> None:
    from alembic import command  # a third of a second, and most starts have nothing to apply
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    unlimited = Database(database.url, statement_timeout_s=None, name="fairlead migrate")
    try:
        with unlimited.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        unlimited.close()


def difference(database: Database, metadata: sa.MetaData) -> list[object]:
    """What `metadata` has and the migrated database has not, or the other way round."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))
