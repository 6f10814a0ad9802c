"""What a packet is made of besides its engagement, and what was accepted of packets (F017).

Each read takes all engagements of one packet at once, so that a packet costs as many queries
whether it has no part or fifty. Whether the reader may see them is for the caller to ask first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx

_PUT = """
INSERT INTO packets (digest, content, at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (digest) DO NOTHING
"""

# The whole that it is a part of, and its parts.
_FAMILY = """
SELECT id, number, state, name, region, legal_entity, currency, value, parent,
       body->'deal'->'ref'->>'id' AS deal
FROM engagements WHERE parent = %(id)s OR id = %(parent)s
"""

_TASKS = """
SELECT id, kind, subject_id, title, role, assignee, amount, currency, because, opened_at, due_at
FROM tasks WHERE state = 'open' AND run_id IN (SELECT id FROM runs WHERE subject_id = ANY(%s))
"""

_EXCEPTIONS = """
SELECT id, subject_id, title, detail, remedy, team, assignee, amount, currency, gaps, opened_at,
       due_at
FROM exceptions WHERE state = 'open' AND subject_id = ANY(%s)
"""

# Events and times that are waited for; work for a system that takes none; and what steps came to.
_STEPS = """
SELECT r.subject_id, s.run_id, s.name, s.occurrence, s.kind, s.state, s.owner, s.system,
       s.started_at, s.ready_at, s.due_at, s.because, s.result, y.reason AS down, y.paused_by
FROM runs r JOIN steps s ON s.run_id = r.id LEFT JOIN systems y ON y.id = s.system
WHERE r.subject_id = ANY(%(ids)s) AND (
    (s.kind = 'wait' AND s.state = 'waiting')
    OR (s.state = 'ready' AND (y.breaker = 'open' OR y.paused_by IS NOT NULL))
    OR (r.subject_id = %(id)s AND s.state = 'done' AND s.name = ANY(%(names)s)))
ORDER BY s.ended_at NULLS LAST
"""


def put(tx: Tx, digest: str, content: Mapping[str, Any]) -> None:
    """Keep what was accepted. The same content is kept once."""
    tx.execute(_PUT, [digest, Jsonb(content)])


def contents(tx: Tx, digests: Collection[str]) -> dict[str, dict[str, Any]]:
    """Digest → what was accepted under it, of those that were kept."""
    rows = tx.execute(
        "SELECT digest, content FROM packets WHERE digest = ANY(%s)", [sorted(digests)]
    ).fetchall()
    return {row["digest"]: row["content"] for row in rows}


def family(tx: Tx, id: str, parent: str | None) -> list[dict[str, Any]]:
    """The parts of an engagement, and the whole that it is a part of itself."""
    return tx.execute(_FAMILY, {"id": id, "parent": parent}).fetchall()


def open_tasks(tx: Tx, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Tasks and approvals of these engagements that nobody has answered."""
    return tx.execute(_TASKS, [list(ids)]).fetchall()


def open_exceptions(tx: Tx, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Exceptions of these engagements that nobody has resolved."""
    return tx.execute(_EXCEPTIONS, [list(ids)]).fetchall()


def steps(tx: Tx, id: str, ids: Sequence[str], names: Sequence[str]) -> list[dict[str, Any]]:
    """Steps of these engagements that wait, and those of one that are done, by name.

    The last of one name ended last.
    """
    return tx.execute(_STEPS, {"id": id, "ids": list(ids), "names": list(names)}).fetchall()
