"""Workers and whether they live. A worker lives as long as its database session holds its lock."""

from __future__ import annotations

from typing import Any

import psycopg

from fairlead.store.database import Tx

_ADD = """
INSERT INTO workers (id, lock, backend, host, pid, started_at, beat_at)
VALUES (%(id)s, %(lock)s, pg_backend_pid(), %(host)s, %(pid)s, clock_timestamp(), clock_timestamp())
ON CONFLICT (id) DO UPDATE SET backend = pg_backend_pid(), beat_at = clock_timestamp()
"""

# Those whose session is gone: nobody holds their lock.
_DEAD = """
SELECT w.id FROM workers w WHERE w.id <> %s AND NOT EXISTS (
    SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = w.lock
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""

# Those whose session is there but which have said nothing for very long: stopped, or cut off.
_HUNG = """
SELECT id, backend FROM workers
WHERE id <> %s AND beat_at < clock_timestamp() - make_interval(secs => %s)
"""


def join(session: psycopg.Connection[Any], *, id: str, lock: int, host: str, pid: int) -> None:
    """Take the lock of life on `session` and note the worker."""
    session.execute("SELECT pg_advisory_lock(%s)", [lock])
    session.execute(_ADD, {"id": id, "lock": lock, "host": host, "pid": pid})


def beat(session: psycopg.Connection[Any], id: str) -> bool:
    """False: it is not known, and must join again."""
    beat = session.execute("UPDATE workers SET beat_at = clock_timestamp() WHERE id = %s", [id])
    return beat.rowcount > 0


def dead(tx: Tx, me: str) -> list[str]:
    return [row["id"] for row in tx.execute(_DEAD, [me])]


def end_hung(tx: Tx, me: str, after_s: float) -> list[str]:
    """End the sessions by which workers that have hung still count as living; their ids.

    The locks on effects that they have in hand stay: such a worker may wake up and send what it
    was about to send, so nobody else may touch those before it goes on or ends.
    """
    hung = tx.execute(_HUNG, [me, after_s]).fetchall()
    for row in hung:
        tx.execute("SELECT pg_terminate_backend(%s)", [row["backend"]])
    return [row["id"] for row in hung]


def bury(tx: Tx, ids: list[str]) -> None:
    tx.execute("DELETE FROM workers WHERE id = ANY(%s)", [ids])
