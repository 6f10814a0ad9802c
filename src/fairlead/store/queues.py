"""How old queues are, whom people's work waits for, and which interfaces fail (F116).

Asked once a minute, so each query reads few rows however many there are: the head of a queue from
its partial index, open tasks only, and of calls and messages the newest, `_MOST` at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import LiteralString

from psycopg.rows import class_row

from fairlead.store.database import Tx

_MOST = 10_000  #: so many are counted, and not more


@dataclass(frozen=True)
class Queue:
    """Something that waits, or fails, in one place."""

    kind: str  #: steps, inbox, runs, role, assignee, effects or messages
    name: str  #: of the system, queue, role or person
    system: str | None  #: where it is about a system
    oldest_at: datetime
    waiting: int  #: that wait; of effects and messages: that failed. At most `_MOST`
    share: Decimal  #: of effects and messages: what part failed, 0.25 means a quarter; else 0


# Steps that are ready for a system, by the one that is taken next: per system, one row of the
# index steps_outward, and a count over that index. A system that is down has its exception.
_STEPS: LiteralString = """
SELECT 'steps' AS kind, y.id AS name, y.id AS system, s.started_at AS oldest_at,
       (SELECT count(*) FROM (SELECT 1 FROM steps WHERE system = y.id AND state = 'ready'
        LIMIT %(most)s) AS counted)::int AS waiting, 0::numeric AS share
FROM systems y CROSS JOIN LATERAL (
    SELECT started_at FROM steps WHERE system = y.id AND state = 'ready'
    ORDER BY started_at LIMIT 1) AS s
WHERE y.breaker = 'closed'
"""

# Messages that nobody has read, by the one that is read next. The queues are found by leaps over
# the index inbox_ready, one row each.
_INBOX: LiteralString = """
WITH RECURSIVE queues AS (
    (SELECT queue FROM inbox WHERE state = 'ready' ORDER BY queue LIMIT 1)
    UNION ALL
    SELECT (SELECT i.queue FROM inbox i WHERE i.state = 'ready' AND i.queue > q.queue
            ORDER BY i.queue LIMIT 1)
    FROM queues q WHERE q.queue IS NOT NULL)
SELECT 'inbox' AS kind, q.queue AS name, y.id AS system, m.received_at AS oldest_at,
       (SELECT count(*) FROM (SELECT 1 FROM inbox WHERE queue = q.queue AND state = 'ready'
        LIMIT %(most)s) AS counted)::int AS waiting, 0::numeric AS share
FROM queues q CROSS JOIN LATERAL (
    SELECT received_at FROM inbox WHERE queue = q.queue AND state = 'ready'
    ORDER BY ready_at, id LIMIT 1) AS m
LEFT JOIN systems y ON y.id = q.queue
WHERE q.queue IS NOT NULL AND y.breaker IS DISTINCT FROM 'open'
"""

# Runs that could be advanced and are not: the head of the index runs_ready.
_RUNS: LiteralString = """
SELECT 'runs' AS kind, 'all' AS name, NULL AS system, r.ready_at AS oldest_at,
       (SELECT count(*) FROM (SELECT 1 FROM runs WHERE ready_at IS NOT NULL
        LIMIT %(most)s) AS counted)::int AS waiting, 0::numeric AS share
FROM (SELECT ready_at FROM runs WHERE ready_at IS NOT NULL ORDER BY ready_at LIMIT 1) AS r
"""

# Open tasks and approvals by who must answer: the rows of the partial index tasks_queue.
_PEOPLE: LiteralString = """
SELECT by.kind, by.name, NULL AS system, min(t.opened_at) AS oldest_at, count(*)::int AS waiting,
       0::numeric AS share
FROM tasks t CROSS JOIN LATERAL (VALUES ('role', t.role), ('assignee', t.assignee))
     AS by (kind, name)
WHERE t.state = 'open' AND by.name IS NOT NULL GROUP BY by.kind, by.name
"""

# What was done in systems lately and failed: the end of the index effects_newest.
_EFFECTS: LiteralString = """
SELECT 'effects' AS kind, f.system AS name, f.system, f.oldest_at, f.failed AS waiting,
       round(f.failed::numeric / f.tried, 4) AS share
FROM (SELECT system, count(*)::int AS tried,
             count(*) FILTER (WHERE state IN ('refused', 'unknown'))::int AS failed,
             min(intended_at) FILTER (WHERE state IN ('refused', 'unknown')) AS oldest_at
      FROM (SELECT system, state, intended_at FROM effects WHERE intended_at > %(since)s
            ORDER BY intended_at DESC LIMIT %(most)s) AS newest
      GROUP BY system) AS f
LEFT JOIN systems y ON y.id = f.system
WHERE f.failed > 0 AND y.breaker IS DISTINCT FROM 'open'
"""

# Messages that came lately and could not be taken in: the end of the primary key.
_MESSAGES: LiteralString = """
SELECT 'messages' AS kind, f.queue AS name, y.id AS system, f.oldest_at, f.failed AS waiting,
       round(f.failed::numeric / f.came, 4) AS share
FROM (SELECT queue, count(*)::int AS came, count(*) FILTER (WHERE state = 'parked')::int AS failed,
             min(received_at) FILTER (WHERE state = 'parked') AS oldest_at
      FROM (SELECT queue, state, received_at FROM inbox ORDER BY id DESC LIMIT %(most)s) AS newest
      WHERE received_at > %(since)s GROUP BY queue) AS f
LEFT JOIN systems y ON y.id = f.queue
WHERE f.failed > 0 AND y.breaker IS DISTINCT FROM 'open'
"""

QUERIES: tuple[LiteralString, ...] = (_STEPS, _INBOX, _RUNS, _PEOPLE, _EFFECTS, _MESSAGES)

# What is open is the rows of the partial index exceptions_open_cause.
_OPEN: LiteralString = """
SELECT cause, id, team, system FROM exceptions WHERE state = 'open' AND class = %s
"""

_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('fairlead queue alerts', 8)) AS mine"


def alone(tx: Tx) -> bool:
    """Whether nobody else looks at the queues right now; holds until the transaction ends."""
    row = tx.execute(_ALONE).fetchone()
    return row is not None and bool(row["mine"])


def read(tx: Tx, since: datetime) -> list[Queue]:
    """Every queue in which something waits, and whatever failed since then, in order of name."""
    found: list[Queue] = []
    with tx.cursor(row_factory=class_row(Queue)) as cursor:
        for query in QUERIES:
            found += cursor.execute(query, {"most": _MOST, "since": since}).fetchall()
    return sorted(found, key=lambda queue: (queue.kind, queue.name))


@dataclass(frozen=True)
class OpenAlert:
    cause: str
    id: str
    team: str
    system: str | None


def open_alerts(tx: Tx, cause_class: str) -> list[OpenAlert]:
    """Exceptions of this class that are open."""
    with tx.cursor(row_factory=class_row(OpenAlert)) as cursor:
        return cursor.execute(_OPEN, [cause_class]).fetchall()
