"""Sessions: rows from which follows who looks at a page. The id in the cookie is never stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx


@dataclass(frozen=True)
class SessionRow:
    person: str
    roles: frozenset[str]  #: at sign-in
    auth_time: datetime  #: when the person last proved who they are; UTC
    seen_at: datetime  #: the last time that they did something; UTC


_ADD = """
INSERT INTO sessions (id_hash, person, roles, auth_time, seen_at) VALUES (%s, %s, %s, %s, %s)
"""
_GET = "SELECT person, roles, auth_time, seen_at FROM sessions WHERE id_hash = %s"
_SEEN = "UPDATE sessions SET seen_at = %s WHERE id_hash = %s AND seen_at < %s"
_END = "DELETE FROM sessions WHERE id_hash = %s"
_END_ALL = "DELETE FROM sessions WHERE person = %s"
_FORGET = "DELETE FROM sessions WHERE seen_at < %s"


def add(tx: Tx, id_hash: bytes, person: str, roles: Iterable[str], now: datetime) -> None:
    tx.execute(_ADD, [id_hash, person, Jsonb(sorted(roles)), now, now])


def get(tx: Tx, id_hash: bytes) -> SessionRow | None:
    row = tx.execute(_GET, [id_hash]).fetchone()
    if row is None:
        return None
    return SessionRow(row["person"], frozenset(row["roles"]), row["auth_time"], row["seen_at"])


def seen(tx: Tx, id_hash: bytes, now: datetime) -> None:
    tx.execute(_SEEN, [now, id_hash, now])


def end(tx: Tx, id_hash: bytes) -> None:
    tx.execute(_END, [id_hash])


def end_all_of(tx: Tx, person: str) -> None:
    tx.execute(_END_ALL, [person])


def forget_before(tx: Tx, moment: datetime) -> None:
    """Those that nobody used since; they could not be used any more."""
    tx.execute(_FORGET, [moment])
