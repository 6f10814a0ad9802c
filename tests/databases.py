"""Databases for tests, each as empty as a fresh one. Making one costs disk, so they are used again.

Copying a template and dropping the copy writes some ten megabytes and two checkpoints; emptying the
few tables that a test wrote to costs milliseconds. A database whose tables a test has altered is
dropped, and so is one in which DBOS has made its own.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import sql

from fairlead.store.database import Database
from fairlead.store.migrate import migrate

TEMPLATE = "template_fairlead"
_numbers = itertools.count(1)
_free: list[str] = []  #: addresses of databases of this process that are as fresh ones
#: Address → the session that empties it. Kept open, as a new one reads the whole catalogue again.
_cleaners: dict[str, psycopg.Connection] = {}

# Everything by which one database can differ from another but rows, and the release that it is of.
_SHAPE = """
SELECT (SELECT version_num FROM alembic_version) || md5(string_agg(
    concat_ws(' ', n.nspname, c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull,
        pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY n.nspname, c.relname, a.attnum))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""

# What a test's own sessions left open would write into the next test.
_END_SESSIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""

_NUMBERS = """
SELECT format('%I.%I', schemaname, sequencename) AS name, last_value AS last
FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL
"""

# Triggers that refuse a deletion do not see this one. Numbers begin again, as they do in a copy.
_EMPTY = """
SET LOCAL session_replication_role = replica;
DO $$
DECLARE name text; found boolean;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO found;
        IF found THEN EXECUTE format('DELETE FROM %I', name); END IF;
    END LOOP;
    PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
        FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$
"""


@contextmanager
def fresh(server: str) -> Generator[str]:
    """The address of a migrated database without a row."""
    url = _free.pop() if _free else _copy(server, TEMPLATE)
    yield url
    if _emptied(server, url):
        _free.append(url)
    else:
        drop(server, url)


@contextmanager
def bare(server: str) -> Generator[str]:
    """The address of a database without a single table."""
    url = _copy(server, "template0")
    yield url
    drop(server, url)


def make_template(server: str) -> None:
    """The migrated database that all others are copies of; made once."""
    with psycopg.connect(server) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE])
        if found.fetchone():
            return
    unfinished = f"{TEMPLATE}_unfinished"
    execute(server, f"DROP DATABASE IF EXISTS {unfinished}")
    execute(server, f"CREATE DATABASE {unfinished}")
    database = Database(_named(server, unfinished))
    migrate(database)
    database.close()
    execute(server, f"ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}")


def drop(server: str, url: str) -> None:
    if cleaner := _cleaners.pop(url, None):
        cleaner.close()
    execute(server, f"DROP DATABASE {_name(url)} WITH (FORCE)")


def execute(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def _copy(server: str, template: str) -> str:
    name = f"test_{os.getpid()}_{next(_numbers)}"
    execute(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    return _named(server, name)


def _emptied(server: str, url: str) -> bool:
    """False: it is not as a fresh one, and cannot be made so by deleting rows."""
    try:
        return _emptied_by(_cleaner(url), server)
    except psycopg.OperationalError:  # a test has ended this session too
        del _cleaners[url]
        return _emptied_by(_cleaner(url), server)


def _cleaner(url: str) -> psycopg.Connection:
    if url not in _cleaners:
        _cleaners[url] = psycopg.connect(url, autocommit=True)
    return _cleaners[url]


def _emptied_by(cleaner: psycopg.Connection, server: str) -> bool:
    with cleaner.transaction():
        cleaner.execute(_END_SESSIONS)
        if cleaner.execute(_SHAPE).fetchone() != (_shape(server),):
            return False
        cleaner.execute(_EMPTY)
    return True


@dataclass(frozen=True)
class Content:
    """All rows of a database, as PostgreSQL copies them, and where its numbers stand."""

    tables: Mapping[str, bytes]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, db: Database) -> Content:
        with db.transaction() as tx:
            names = [row["tablename"] for row in tx.execute(_TABLES).fetchall()]
            tables: dict[str, bytes] = {}
            for name in names:
                with tx.cursor().copy(_copying("COPY {} TO STDOUT (FORMAT binary)", name)) as rows:
                    tables[name] = b"".join(bytes(piece) for piece in rows)
            empty = min(map(len, tables.values()))
            numbers = {row["name"]: row["last"] for row in tx.execute(_NUMBERS).fetchall()}
        return cls({name: rows for name, rows in tables.items() if len(rows) > empty}, numbers)

    def put_into(self, db: Database) -> None:
        """An empty database of the same release. Triggers do not see it: they have seen it."""
        with db.transaction() as tx:
            tx.execute("SET LOCAL session_replication_role = replica")
            for name, rows in self.tables.items():
                with tx.cursor().copy(_copying("COPY {} FROM STDIN (FORMAT binary)", name)) as copy:
                    copy.write(rows)
            for name, last in self.numbers.items():
                tx.execute("SELECT setval(%s::regclass, %s)", [name, last])


def _copying(statement: LiteralString, table: str) -> sql.Composed:
    return sql.SQL(statement).format(sql.Identifier(table))


_shapes: dict[str, str] = {}


def _shape(server: str) -> str:
    if server not in _shapes:
        with psycopg.connect(_named(server, TEMPLATE)) as connection:
            row = connection.execute(_SHAPE).fetchone()
            assert row is not None
            _shapes[server] = row[0]
    return _shapes[server]


def _named(server: str, database: str) -> str:
    return server.replace("/fairlead?", f"/{database}?")


def _name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
