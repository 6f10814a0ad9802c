"""How the outside systems are, as one principal sees them: health, queues, effects, messages.

Health is told to whoever may read systems. What names an engagement is seen by region and legal
entity, as in `store.views`; a message belongs to no region before it is understood, so only those
without a limit see messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql

from fairlead.store.database import Tx
from fairlead.store.subjects import SUBJECTS
from fairlead.store.views import Scope

# One row per system: its state, what it has to do, and what its effects came to in a day.
# The budget fills up with time; `tokens` is what was left of it at `tokens_at`.
_SYSTEMS = """
WITH queued AS (
    SELECT system, count(*) AS steps, min(coalesce(ready_at, started_at)) AS oldest
    FROM steps WHERE state = 'ready' AND system IS NOT NULL GROUP BY system),
  busy AS (
    SELECT system, count(*) AS steps FROM steps
    WHERE state = 'running' AND system IS NOT NULL GROUP BY system),
  unread AS (
    SELECT queue, count(*) AS messages, min(received_at) AS oldest
    FROM inbox WHERE state = 'ready' GROUP BY queue),
  dead AS (
    SELECT system, count(*) AS messages FROM exceptions
    WHERE class = 'unreadable' AND state = 'open' GROUP BY system),
  recent AS (
    SELECT system, count(*) FILTER (WHERE state = 'confirmed') AS confirmed,
           count(*) FILTER (WHERE state = 'refused') AS refused,
           count(*) FILTER (WHERE state = 'unknown') AS unknown,
           count(*) FILTER (WHERE state = 'intended') AS intended,
           max(settled_at) AS settled_at
    FROM effects WHERE intended_at > %(now)s - interval '24 hours' GROUP BY system)
SELECT x.id, x.breaker, x.reason, x.opened_at, x.probe_at, x.not_before, x.draining, x.tokens,
       x.tokens_at, x.paused_by, x.polled_to, x.poll_at,
       greatest(x.last_ok_at, recent.settled_at) AS answered_at,
       coalesce(queued.steps, 0) AS queued, coalesce(busy.steps, 0) AS running, queued.oldest,
       coalesce(unread.messages, 0) AS unread, unread.oldest AS unread_oldest,
       coalesce(dead.messages, 0) AS dead, coalesce(recent.confirmed, 0) AS confirmed,
       coalesce(recent.refused, 0) AS refused, coalesce(recent.unknown, 0) AS unknown,
       coalesce(recent.intended, 0) AS intended
FROM systems x
LEFT JOIN queued ON queued.system = x.id LEFT JOIN busy ON busy.system = x.id
LEFT JOIN unread ON unread.queue = x.id LEFT JOIN dead ON dead.system = x.id
LEFT JOIN recent ON recent.system = x.id
WHERE x.id = ANY(%(systems)s) ORDER BY x.id
"""

# A worker lives while its session holds its lock (`store.workers`).
_WORKERS = """
SELECT w.id, w.host, w.pid, w.started_at, w.beat_at, EXISTS (
    SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND (l.classid::bigint << 32 | l.objid::bigint) = w.lock
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS alive
FROM workers w ORDER BY w.started_at, w.id
"""

_HISTORY = """
SELECT type, at, actor, attributes FROM events WHERE chain = %s ORDER BY position DESC LIMIT %s
"""

_BY_RUN: LiteralString = """
    (%(regions)s::text[] IS NULL OR r.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR EXISTS (SELECT 1 FROM {subjects} s
         WHERE s.id = r.subject_id AND s.legal_entity = ANY(%(entities)s)))
""".replace("{subjects}", SUBJECTS)
_EFFECTS: LiteralString = """
SELECT x.key, x.run_id, x.step, x.occurrence, x.subject_id, x.system, x.operation, x.state, x.ref,
       x.attempts, x.intended_at, x.tried_at, x.settled_at, x.answer, e.number, e.client_name
FROM effects x LEFT JOIN runs r ON r.id = x.run_id LEFT JOIN engagements e ON e.id = x.subject_id
"""
_FITS: LiteralString = """
    (%(system)s::text IS NULL OR x.system = %(system)s)
    AND (%(state)s::text IS NULL OR x.state = %(state)s)
    AND (%(operation)s::text IS NULL OR x.operation = %(operation)s)
"""
_EFFECT = sql.SQL("""
SELECT x.*, e.number, e.client_name, e.name AS engagement, r.correlation, r.playbook,
       s.state AS step_state, s.because
FROM effects x LEFT JOIN runs r ON r.id = x.run_id LEFT JOIN engagements e ON e.id = x.subject_id
LEFT JOIN steps s ON s.run_id = x.run_id AND s.name = x.step AND s.occurrence = x.occurrence
WHERE x.key = %(key)s AND {seen}
""").format(seen=sql.SQL(_BY_RUN))

_UNBOUND: LiteralString = "(%(regions)s::text[] IS NULL AND %(entities)s::text[] IS NULL)"

# Dead letters that wait for a person, by the exceptions that stand for them.
_DEAD = sql.SQL("""
SELECT x.id AS exception_id, x.version, x.title, x.detail, x.times, x.assignee, x.opened_at, i.id,
       i.source, i.message, i.kind, i.queue, i.correlation, i.received_at, i.outcome,
       length(i.body) AS bytes
FROM exceptions x JOIN inbox i ON i.id = substring(x.cause FROM '[0-9]+$')::bigint
WHERE x.class = 'unreadable' AND x.state = 'open' AND x.cause LIKE 'message:%%'
  AND i.state = 'parked' AND {unbound}
  AND (%(system)s::text IS NULL OR i.queue = %(system)s)
  AND (%(before)s::bigint IS NULL OR i.id < %(before)s)
ORDER BY i.id DESC LIMIT %(limit)s
""").format(unbound=sql.SQL(_UNBOUND))

_MESSAGES: LiteralString = """
SELECT x.id, x.source, x.message, x.kind, x.queue, x.correlation, x.deliveries, x.state, x.attempt,
       x.received_at, x.ready_at, x.ended_at, x.outcome, length(x.body) AS bytes FROM inbox x
"""
_RECENT = sql.SQL("""
SELECT x.queue, x.state, count(*) AS messages FROM inbox x
WHERE x.id > (SELECT coalesce(max(id), 0) - %(last)s FROM inbox) AND {unbound}
GROUP BY x.queue, x.state ORDER BY x.queue, x.state
""").format(unbound=sql.SQL(_UNBOUND))


@dataclass(frozen=True)
class EffectFilters:
    """Null lets everything through."""

    system: str | None = None
    state: str | None = None
    operation: str | None = None


class SystemBoard:
    """The reads of one principal in one transaction."""

    def __init__(self, tx: Tx, scope: Scope) -> None:
        self._tx = tx
        self._eyes: dict[str, Any] = {
            "regions": _list(scope.regions),
            "entities": _list(scope.legal_entities),
        }

    def systems(self, ids: Iterable[str], now: datetime) -> list[dict[str, Any]]:
        """`ids`: those that serve a region which the reader sees."""
        return self._tx.execute(_SYSTEMS, {"systems": list(ids), "now": now}).fetchall()

    def workers(self) -> list[dict[str, Any]]:
        return self._tx.execute(_WORKERS).fetchall()

    def history(self, system: str, *, limit: int) -> list[dict[str, Any]]:
        """What people did to a system, newest first."""
        return self._tx.execute(_HISTORY, [f"system:{system}", limit]).fetchall()

    def effects(
        self, filters: EffectFilters, *, after: Sequence[str] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first. `after`: time and key of the last row of the page before."""
        end: LiteralString = ""
        values = {**self._eyes, **filters.__dict__, "limit": limit}
        if after is not None:
            end = " AND (x.intended_at, x.key) < (%(k0)s::timestamptz, %(k1)s)"
            values |= dict(zip(("k0", "k1"), after, strict=True))
        query = f"""{_EFFECTS} WHERE {_BY_RUN} AND {_FITS}{end}
            ORDER BY x.intended_at DESC, x.key DESC LIMIT %(limit)s"""
        return self._tx.execute(query, values).fetchall()

    def effect(self, key: str) -> dict[str, Any] | None:
        """With what was asked for, its engagement, run and step."""
        return self._tx.execute(_EFFECT, {**self._eyes, "key": key}).fetchone()

    def dead_letters(
        self, system: str | None, *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first, with the exception that each one is."""
        values = {**self._eyes, "system": system, "before": before, "limit": limit}
        return self._tx.execute(_DEAD, values).fetchall()

    def messages(
        self, *, queue: str | None, state: str | None, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first."""
        query = f"""{_MESSAGES} WHERE {_UNBOUND}
            AND (%(queue)s::text IS NULL OR x.queue = %(queue)s)
            AND (%(state)s::text IS NULL OR x.state = %(state)s)
            AND (%(before)s::bigint IS NULL OR x.id < %(before)s)
            ORDER BY x.id DESC LIMIT %(limit)s"""
        values = {"queue": queue, "state": state, "before": before, "limit": limit}
        return self._tx.execute(query, {**self._eyes, **values}).fetchall()

    def message_counts(self, last: int) -> list[dict[str, Any]]:
        """Of so many messages that came last, per queue and state."""
        return self._tx.execute(_RECENT, {**self._eyes, "last": last}).fetchall()


def effect_key(row: Mapping[str, Any]) -> tuple[str, str]:
    return (row["intended_at"].isoformat(), row["key"])


def _list(names: Iterable[str] | None) -> Sequence[str] | None:
    return None if names is None else sorted(names)
