"""The log and what it is about, as process mining reads them: events, types, objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.store.database import Tx


@dataclass(frozen=True)
class Part:
    """Which events. Null means all."""

    regions: Sequence[str] | None = None
    subjects: Sequence[str] | None = None  #: ids of engagements, that is of chains

    @property
    def values(self) -> dict[str, list[str] | None]:
        return {
            "regions": None if self.regions is None else list(self.regions),
            "subjects": None if self.subjects is None else list(self.subjects),
        }


# Events of the part, in the order in which they were written; read by a server-side cursor.
_EVENTS = """
SELECT seq, type, at, actor, correlation, region, attributes, objects FROM events
WHERE (%(regions)s::text[] IS NULL OR region = ANY(%(regions)s))
  AND (%(subjects)s::text[] IS NULL OR chain = ANY(%(subjects)s))
ORDER BY seq
"""

# Which attributes each type of event has, and of which JSON types they are.
_TYPES = """
SELECT e.type, a.key, array_agg(DISTINCT jsonb_typeof(a.value)) FILTER (WHERE a.key IS NOT NULL)
       AS kinds
FROM events e LEFT JOIN jsonb_each(e.attributes) a ON jsonb_typeof(a.value) <> 'null'
WHERE (%(regions)s::text[] IS NULL OR e.region = ANY(%(regions)s))
  AND (%(subjects)s::text[] IS NULL OR e.chain = ANY(%(subjects)s))
GROUP BY e.type, a.key ORDER BY e.type, a.key
"""

# What the events are about, each once, for the queries that follow in this transaction.
_FIND = """
CREATE TEMPORARY TABLE mined (id text PRIMARY KEY, type text NOT NULL, last_at timestamptz)
ON COMMIT DROP
"""
_FILL = """
INSERT INTO mined SELECT o->>0, min(o->>1), max(e.at)
FROM events e CROSS JOIN jsonb_array_elements(e.objects) o
WHERE (%(regions)s::text[] IS NULL OR e.region = ANY(%(regions)s))
  AND (%(subjects)s::text[] IS NULL OR e.chain = ANY(%(subjects)s))
GROUP BY o->>0
"""
_OBJECT_TYPES = "SELECT DISTINCT type FROM mined ORDER BY type"

# Each object with what our tables know of it, and the object that it belongs to.
_OBJECTS = """
SELECT m.id, m.type, m.last_at,
       CASE WHEN p.id IS NOT NULL THEN p.id END AS whole,
       e.number, e.name, e.client_name, e.region, e.legal_entity, e.currency,
       e.value::text AS value, e.project_code, e.state AS engagement_state, e.opened_at,
       r.playbook, r.state AS run_state, r.started_at, r.ended_at,
       t.kind, t.step AS task_step, t.role, t.state AS task_state, t.opened_at AS asked_at,
       t.answered_at,
       x.class, x.team, x.system, x.state AS exception_state, x.opened_at AS raised_at,
       x.resolved_at, x.resolution
FROM mined m
LEFT JOIN engagements e ON e.id = m.id
LEFT JOIN runs r ON r.id = m.id
LEFT JOIN tasks t ON t.id = m.id
LEFT JOIN exceptions x ON x.id = m.id
LEFT JOIN mined p ON p.id = coalesce(r.subject_id, t.run_id, x.run_id)
ORDER BY m.id
"""


def events(tx: Tx, part: Part) -> Iterator[dict[str, Any]]:
    """In constant memory."""
    with tx.cursor(name="mined_events") as cursor:
        cursor.itersize = 5000
        cursor.execute(_EVENTS, part.values)
        yield from cursor


def event_types(tx: Tx, part: Part) -> dict[str, dict[str, set[str]]]:
    """Type → its attributes → their JSON types (string, number, boolean, array, object)."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in tx.execute(_TYPES, part.values):
        attributes = found.setdefault(row["type"], {})
        if row["key"] is not None:
            attributes[row["key"]] = set(row["kinds"])
    return found


def find_objects(tx: Tx, part: Part) -> list[str]:
    """Note the objects of the part for `objects`, once in a transaction; their types."""
    tx.execute(_FIND)
    tx.execute(_FILL, part.values)
    return [row["type"] for row in tx.execute(_OBJECT_TYPES)]


def objects(tx: Tx) -> Iterator[dict[str, Any]]:
    """In constant memory, after `find_objects`."""
    with tx.cursor(name="mined_objects") as cursor:
        cursor.itersize = 5000
        cursor.execute(_OBJECTS)
        yield from cursor
