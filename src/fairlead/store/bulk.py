"""Writing many rows in one statement. Rows travel as one JSON document, columns by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from psycopg import sql

from fairlead.store.database import Tx


def plain(value: object) -> Any:
    """What `json` cannot write by itself, as text that PostgreSQL reads back exactly."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} cannot be stored")


def as_json(value: object) -> str:
    """What PostgreSQL reads rows and records from; exact."""
    return json.dumps(value, default=plain)


@cache
def _insert(table: str, columns: tuple[str, ...], conflict: tuple[str, ...] | None) -> bytes:
    """The statement, put together once."""
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL(
        "INSERT INTO {table} ({names}) SELECT {names} FROM "
        "json_populate_recordset(NULL::{table}, %s::json)"
    ).format(table=sql.Identifier(table), names=names)
    if conflict is None:
        return query.as_bytes()
    changed = [column for column in columns if column not in conflict]
    query += sql.SQL(" ON CONFLICT ({keys}) DO UPDATE SET {sets}").format(
        keys=sql.SQL(", ").join(map(sql.Identifier, conflict)),
        sets=sql.SQL(", ").join(
            sql.SQL("{c} = EXCLUDED.{c}").format(c=sql.Identifier(column)) for column in changed
        ),
    )
    return query.as_bytes()


def insert(tx: Tx, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows; all have the same columns. An empty list is no work."""
    if rows:
        query = _insert(table, tuple(rows[0]), None)
        tx.execute(query, [json.dumps(rows, default=plain)])


def upsert(tx: Tx, table: str, rows: Sequence[Mapping[str, Any]], *, keys: tuple[str, ...]) -> None:
    """Add rows, or set all their columns where a row with these keys is there."""
    if rows:
        query = _insert(table, tuple(rows[0]), keys)
        tx.execute(query, [json.dumps(rows, default=plain)])
