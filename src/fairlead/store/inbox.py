"""The inbox: every message from outside, raw, once, before anybody is told that we have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fairlead.store.database import Tx


@dataclass(frozen=True)
class Message:
    id: int
    source: str
    message: str  #: the sender's id
    kind: str  #: webhook, change or event
    queue: str
    correlation: str
    headers: dict[str, str]
    body: bytes
    attempt: int
    crashes: int
    worker: str | None
    received_at: datetime


_COLUMNS = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(Message))

# A message is known once by its source and its sender's id; a copy is only counted.
_PUT = """
INSERT INTO inbox (source, message, kind, queue, correlation, headers, body, state, received_at,
                   ready_at)
VALUES (%(source)s, %(message)s, %(kind)s, %(queue)s, %(correlation)s, %(headers)s, %(body)s,
        'ready', clock_timestamp(), clock_timestamp())
ON CONFLICT (source, message) DO UPDATE SET deliveries = inbox.deliveries + 1
RETURNING id, (xmax = 0) AS new, correlation, (inbox.body = %(body)s) AS same
"""

_CLAIM = sql.SQL("""
UPDATE inbox SET state = 'running', worker = %(worker)s, attempt = attempt + 1,
                 crashes = crashes + 1
WHERE id = (
    SELECT id FROM inbox WHERE queue = %(queue)s AND state = 'ready'
      AND ready_at <= clock_timestamp()
      AND NOT EXISTS (SELECT 1 FROM systems WHERE id = %(queue)s AND (breaker = 'open'
          OR paused_by IS NOT NULL OR not_before > clock_timestamp()))
    ORDER BY ready_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {columns}
""").format(columns=_COLUMNS)

_END = """
UPDATE inbox SET state = %s, outcome = %s, ended_at = clock_timestamp(), worker = NULL, crashes = 0
WHERE id = %s AND state = 'running' AND worker = %s
"""

_PUT_BACK = """
UPDATE inbox SET state = 'ready', worker = NULL, crashes = 0, outcome = %(because)s,
       attempt = attempt - CASE WHEN %(counts)s THEN 0 ELSE 1 END,
       ready_at = clock_timestamp() + %(wait)s
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
"""

_GIVE_BACK = """
UPDATE inbox SET state = 'ready', worker = NULL, ready_at = clock_timestamp()
WHERE state = 'running'
  AND (worker = ANY(%s) OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = inbox.worker))
"""

_FORGOTTEN = """
UPDATE inbox SET state = 'ready', worker = NULL, ready_at = clock_timestamp()
WHERE state = 'running' AND worker = %s AND NOT id = ANY(%s)
"""

_REPLAY = """
UPDATE inbox SET state = 'ready', attempt = 0, crashes = 0, ready_at = clock_timestamp(),
       outcome = NULL, ended_at = NULL
WHERE id = %s AND state = 'parked' RETURNING queue
"""


@dataclass(frozen=True)
class Put:
    id: int
    new: bool  #: false: a copy of one that we have
    correlation: str
    same: bool  #: a copy with the same body


def put(
    tx: Tx,
    *,
    source: str,
    message: str,
    kind: str,
    queue: str,
    correlation: str,
    headers: Mapping[str, str],
    body: bytes,
) -> Put:
    """Store a message. A copy changes nothing but its count."""
    row = tx.execute(
        _PUT,
        {
            "source": source,
            "message": message,
            "kind": kind,
            "queue": queue,
            "correlation": correlation,
            "headers": Jsonb(dict(headers)),
            "body": body,
        },
    ).fetchone()
    assert row is not None
    if row["new"]:
        tx.execute("SELECT pg_notify('fairlead', %s)", [f"inbox:{queue}"])
    return Put(row["id"], row["new"], row["correlation"], row["same"])


def claim(tx: Tx, queue: str, worker: str) -> Message | None:
    with tx.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(_CLAIM, {"queue": queue, "worker": worker}).fetchone()


def end(tx: Tx, message: Message, state: str, outcome: str) -> bool:
    """done, ignored or parked. False: another worker has it by now."""
    values = [state, outcome[:1000], message.id, message.worker]
    return tx.execute(_END, values).rowcount == 1


def put_back(tx: Tx, message: Message, wait: timedelta, because: str, *, counts: bool) -> None:
    tx.execute(
        _PUT_BACK,
        {
            "because": because[:1000],
            "counts": counts,
            "wait": wait,
            "id": message.id,
            "worker": message.worker,
        },
    )


def give_back(tx: Tx, dead: Sequence[str]) -> None:
    tx.execute(_GIVE_BACK, [list(dead)])


def give_back_forgotten(tx: Tx, worker: str, in_flight: Sequence[int]) -> None:
    tx.execute(_FORGOTTEN, [worker, list(in_flight)])


def replay(tx: Tx, id: int) -> bool:
    """Read a parked message again. False: it is not parked."""
    row: dict[str, Any] | None = tx.execute(_REPLAY, [id]).fetchone()
    if row is None:
        return False
    tx.execute("SELECT pg_notify('fairlead', %s)", [f"inbox:{row['queue']}"])
    return True
