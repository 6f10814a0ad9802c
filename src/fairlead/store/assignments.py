"""Who may book on an engagement. Rows are read into `domain.model.assignment`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, LiteralString

from fairlead.domain.model.assignment import Assignment
from fairlead.domain.values import Period
from fairlead.store.bulk import plain
from fairlead.store.database import Tx

_SELECT: LiteralString = """
SELECT x.id, x.engagement_id, x.resource_id, x.role, x.task, x.starts_on, x.ends_on, x.minutes,
       x.source, x.version
FROM assignments x
"""

_BY_ID: LiteralString = _SELECT + "WHERE x.id = ANY(%s) ORDER BY x.id"

# What a person may book on within some days.
_OF_RESOURCE: LiteralString = (
    _SELECT
    + """
WHERE x.resource_id = %s AND x.starts_on <= %s AND x.ends_on >= %s
ORDER BY x.engagement_id, x.starts_on, x.id
"""
)

# What some people may book on within some days.
_OF_PEOPLE: LiteralString = (
    _SELECT
    + """
WHERE x.resource_id = ANY(%s) AND x.starts_on <= %s AND x.ends_on >= %s
ORDER BY x.resource_id, x.engagement_id, x.starts_on, x.id
"""
)

# A row that says nothing new keeps its version.
_UPSERT = """
INSERT INTO assignments AS was (id, engagement_id, resource_id, role, task, starts_on, ends_on,
    minutes, source)
SELECT id, engagement_id, resource_id, role, task, starts_on, ends_on, minutes, source
FROM json_populate_recordset(NULL::assignments, %s::json) ORDER BY id
ON CONFLICT (id) DO UPDATE SET engagement_id = EXCLUDED.engagement_id,
    resource_id = EXCLUDED.resource_id, role = EXCLUDED.role, task = EXCLUDED.task,
    starts_on = EXCLUDED.starts_on, ends_on = EXCLUDED.ends_on, minutes = EXCLUDED.minutes,
    source = EXCLUDED.source, version = was.version + 1
WHERE (was.engagement_id, was.resource_id, was.role, was.task, was.starts_on, was.ends_on,
       was.minutes, was.source)
   IS DISTINCT FROM
      (EXCLUDED.engagement_id, EXCLUDED.resource_id, EXCLUDED.role, EXCLUDED.task,
       EXCLUDED.starts_on, EXCLUDED.ends_on, EXCLUDED.minutes, EXCLUDED.source)
RETURNING id
"""

# Seen by whoever sees the engagement, and by whoever is assigned.
_LIST: LiteralString = (
    _SELECT
    + """
JOIN deliveries d ON d.engagement_id = x.engagement_id
WHERE (%(after)s::text IS NULL OR x.id > %(after)s)
  AND (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s)
  AND (%(resource)s::text IS NULL OR x.resource_id = %(resource)s)
  AND (x.resource_id = %(own)s
       OR (%(others)s AND (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
           AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))))
ORDER BY x.id LIMIT %(limit)s
"""
)


def load(tx: Tx, ids: Iterable[str]) -> dict[str, Assignment]:
    """By id; those that there are."""
    rows = tx.execute(_BY_ID, [sorted(set(ids))]).fetchall()
    return {row["id"]: _assignment(row) for row in rows}


def of_resource(tx: Tx, resource: str, start: date, end: date) -> list[Assignment]:
    """Those of one person that touch these days, both included."""
    return [_assignment(r) for r in tx.execute(_OF_RESOURCE, [resource, end, start]).fetchall()]


def of_people(tx: Tx, people: Sequence[str], start: date, end: date) -> list[Assignment]:
    """Those of some people that touch these days, both included."""
    rows = tx.execute(_OF_PEOPLE, [list(people), end, start]).fetchall()
    return [_assignment(row) for row in rows]


def upsert(tx: Tx, assignments: Sequence[Assignment]) -> list[str]:
    """Add assignments, or set them anew. The ids of those of which something new is said.

    The period of each must have an end. `version` is kept here, whatever they say.
    """
    if not assignments:
        return []
    rows = [
        {
            "id": one.id,
            "engagement_id": one.engagement,
            "resource_id": one.resource,
            "role": one.role,
            "task": one.task,
            "starts_on": one.period.start,
            "ends_on": one.period.end,
            "minutes": one.minutes,
            "source": one.source,
        }
        for one in assignments
    ]
    done = tx.execute(_UPSERT, [json.dumps(rows, default=plain)]).fetchall()
    return sorted(row["id"] for row in done)


def listed(
    tx: Tx,
    *,
    engagement: str | None = None,
    resource: str | None = None,
    own: str | None = None,
    others: bool = True,
    regions: Iterable[str] | None = None,
    entities: Iterable[str] | None = None,
    after: str | None = None,
    limit: int,
) -> list[Assignment]:
    """In the order of their ids, behind `after`.

    `own`: a resource whose assignments are seen in any case; `others`: whether others' are, within
    regions and legal entities (null: all).
    """
    values = {
        "after": after,
        "engagement": engagement,
        "resource": resource,
        "own": own,
        "others": others,
        "regions": None if regions is None else sorted(regions),
        "entities": None if entities is None else sorted(entities),
        "limit": limit,
    }
    return [_assignment(row) for row in tx.execute(_LIST, values).fetchall()]


def _assignment(row: Mapping[str, Any]) -> Assignment:
    return Assignment(
        id=row["id"],
        engagement=row["engagement_id"],
        resource=row["resource_id"],
        role=row["role"],
        task=row["task"],
        period=Period(start=row["starts_on"], end=row["ends_on"]),
        minutes=row["minutes"],
        source=row["source"],
        version=row["version"],
    )
