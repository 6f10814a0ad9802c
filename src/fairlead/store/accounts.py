"""Passwords (their hashes), what people set for themselves, and failures to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from fairlead.store.database import Tx

Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Preferences:
    theme: Theme | None = None  #: null: as the person's system is set
    letter_keys: bool = True  #: whether single letters are shortcuts


@dataclass(frozen=True)
class Failures:
    count: int
    last_at: datetime  #: UTC


_HASH = "SELECT password_hash FROM accounts WHERE person = %s"
_PUT_HASH = """
INSERT INTO accounts (person, password_hash, changed_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (person) DO UPDATE SET password_hash = EXCLUDED.password_hash,
                                   changed_at = EXCLUDED.changed_at
"""

# A row for each name, so that two attempts at once are counted one after the other; locked in one
# order, so that they never wait for each other in a circle.
_BEGIN = """
INSERT INTO sign_in_failures (name, failures, last_at)
SELECT name, 0, %s FROM unnest(%s::bytea[]) AS name ORDER BY name ON CONFLICT DO NOTHING
"""
_LOCK = """
SELECT name, failures, last_at FROM sign_in_failures WHERE name = ANY(%s) ORDER BY name FOR UPDATE
"""
_PUT_FAILURES = "UPDATE sign_in_failures SET failures = %s, last_at = %s WHERE name = %s"
_ONE_LESS = "UPDATE sign_in_failures SET failures = greatest(failures - 1, 0) WHERE name = %s"
_FORGET_FAILURES = "DELETE FROM sign_in_failures WHERE last_at < %s"

_PREFERENCES = "SELECT theme, letter_keys FROM preferences WHERE person = %s"
_PUT_PREFERENCES = """
INSERT INTO preferences (person, theme, letter_keys) VALUES (%s, %s, %s)
ON CONFLICT (person) DO UPDATE SET theme = EXCLUDED.theme, letter_keys = EXCLUDED.letter_keys
"""


def password_hash(tx: Tx, person: str) -> str | None:
    row = tx.execute(_HASH, [person]).fetchone()
    return None if row is None else row["password_hash"]


def put_password(tx: Tx, person: str, hashed: str) -> None:
    tx.execute(_PUT_HASH, [person, hashed])


def lock_failures(tx: Tx, names: Sequence[bytes], now: datetime) -> dict[bytes, Failures]:
    """What is known of each name; until the transaction ends nobody else counts there."""
    tx.execute(_BEGIN, [now, list(names)])
    rows = tx.execute(_LOCK, [list(names)]).fetchall()
    return {bytes(row["name"]): Failures(row["failures"], row["last_at"]) for row in rows}


def put_failures(tx: Tx, name: bytes, count: int, now: datetime) -> None:
    tx.execute(_PUT_FAILURES, [count, now, name])


def one_failure_less(tx: Tx, name: bytes) -> None:
    tx.execute(_ONE_LESS, [name])


def forget_failures_before(tx: Tx, moment: datetime) -> None:
    tx.execute(_FORGET_FAILURES, [moment])


def preferences(tx: Tx, person: str) -> Preferences:
    row = tx.execute(_PREFERENCES, [person]).fetchone()
    if row is None:
        return Preferences()
    return Preferences(cast("Theme | None", row["theme"]), row["letter_keys"])


def put_preferences(tx: Tx, person: str, chosen: Preferences) -> None:
    tx.execute(_PUT_PREFERENCES, [person, chosen.theme, chosen.letter_keys])
