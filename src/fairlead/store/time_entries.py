"""Time entries, in sets. Rows are read into `domain.model.time_entry`.

Who may do what, and which moves are legal, is said by the capability; what is kept here is that
an entry told twice is one, and that a change meets the version and the state that it expects.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import sql

from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.store.bulk import plain
from fairlead.store.database import Tx

_SELECT: LiteralString = """
SELECT x.id, x.engagement_id, x.task, x.resource_id, x.day, x.minutes, x.role, x.category,
       x.billable, x.narrative, x.begins, x.ends, x.state, x.period, x.source, x.source_id,
       x.reverses, x.region, x.legal_entity, x.entered_by, x.entered_at, x.submitted_at,
       x.decided_by, x.decided_at,
       x.reason, x.version
FROM time_entries x
"""

_BY_ID: LiteralString = _SELECT + "WHERE x.id = ANY(%s) ORDER BY x.id"
_BY_ID_LOCKED: LiteralString = _BY_ID + " FOR UPDATE"

# Region and legal entity are those of the engagement: who may see it follows from them.
_ADD = """
INSERT INTO time_entries (id, engagement_id, task, resource_id, day, minutes, role, category,
    billable, narrative, begins, ends, state, source, source_id, reverses, region, legal_entity,
    entered_by, entered_at, reason, changed_at)
SELECT r.id, r.engagement_id, r.task, r.resource_id, r.day, r.minutes, r.role, r.category,
    r.billable, r.narrative, r.begins, r.ends, r.state, r.source, r.source_id, r.reverses,
    d.region, d.legal_entity,
    %(by)s, %(at)s, r.reason, clock_timestamp()
FROM json_populate_recordset(NULL::time_entries, %(rows)s::json) r
LEFT JOIN deliveries d ON d.engagement_id = r.engagement_id
ORDER BY r.id
ON CONFLICT DO NOTHING RETURNING id
"""

# Only what its owner may change, and only as it was read.
_CHANGE = """
UPDATE time_entries x SET engagement_id = r.engagement_id, task = r.task, day = r.day,
    minutes = r.minutes, role = r.role, category = r.category, billable = r.billable,
    narrative = r.narrative, begins = r.begins, ends = r.ends, region = d.region,
    legal_entity = d.legal_entity, changed_at = clock_timestamp(), version = x.version + 1
FROM json_populate_recordset(NULL::time_entries, %(rows)s::json) r
LEFT JOIN deliveries d ON d.engagement_id = r.engagement_id
WHERE x.id = r.id AND x.version = r.version AND x.state = ANY(%(states)s)
RETURNING x.id
"""

_DELETE = """
WITH gone AS (DELETE FROM time_entries x WHERE x.id = %(id)s AND x.version = %(version)s
              AND x.state = ANY(%(states)s) RETURNING x.id),
     said AS (DELETE FROM findings WHERE kind = 'time' AND item_id IN (SELECT id FROM gone))
SELECT id FROM gone
"""

# An entry that is in another state by now stays as it is.
_MOVE = """
UPDATE time_entries SET state = %(to)s, version = version + 1, changed_at = clock_timestamp(),
    submitted_at = CASE WHEN %(to)s = 'submitted' THEN %(at)s
                        WHEN %(to)s = 'draft' THEN NULL ELSE submitted_at END,
    decided_by = CASE WHEN %(to)s IN ('approved', 'returned') THEN %(by)s ELSE NULL END,
    decided_at = CASE WHEN %(to)s IN ('approved', 'returned') THEN %(at)s END::timestamptz,
    reason = coalesce(%(reason)s, CASE WHEN %(to)s = 'submitted' AND reverses IS NULL
                                       THEN NULL ELSE reason END),
    period = coalesce(%(period)s, period)
WHERE id IN (SELECT id FROM time_entries WHERE id = ANY(%(ids)s) AND state = ANY(%(froms)s)
             ORDER BY id FOR UPDATE)
RETURNING id
"""

# What one principal sees: their own, and others' within their regions and legal entities.
_SEEN: LiteralString = """
    (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s)
    AND (%(resource)s::text IS NULL OR x.resource_id = %(resource)s)
    AND (%(task)s::text IS NULL OR x.task = %(task)s)
    AND (%(state)s::text IS NULL OR x.state = %(state)s)
    AND (%(first)s::date IS NULL OR x.day >= %(first)s)
    AND (%(last)s::date IS NULL OR x.day <= %(last)s)
    AND (x.resource_id = %(own)s
         OR (%(others)s AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
             AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))))
"""

_LIST: LiteralString = (
    _SELECT
    + "WHERE "
    + _SEEN
    + """
    AND (%(after_day)s::date IS NULL OR (x.day, x.id) > (%(after_day)s, %(after_id)s))
ORDER BY x.day, x.id LIMIT %(limit)s
"""
)

_SUMS: LiteralString = (
    """
SELECT {by}, x.state, x.billable, sum(x.minutes)::bigint AS minutes, count(*) AS entries
FROM time_entries x WHERE
"""
    + _SEEN
    + "GROUP BY {by}, x.state, x.billable ORDER BY {by}, x.state, x.billable LIMIT %(limit)s"
)

#: What sums can be grouped by.
GROUPS: Mapping[str, str] = {
    "engagement": "engagement_id",
    "task": "task",
    "resource": "resource_id",
    "day": "day",
    "category": "category",
    "role": "role",
}


@dataclass(frozen=True)
class Sees:
    """Whose entries one principal sees."""

    own: str | None = None  #: their own resource
    others: bool = False  #: others' too, within
    regions: frozenset[str] | None = None  #: null: all
    entities: frozenset[str] | None = None  #: null: all


@dataclass(frozen=True)
class Wanted:
    """A filter; null: all."""

    engagement: str | None = None
    resource: str | None = None
    task: str | None = None
    state: EntryState | None = None
    first: date | None = None  #: first day
    last: date | None = None  #: last day


#: For what works on behalf of nobody in particular.
EVERYTHING = Sees(others=True)


def entry_id(source: str, source_id: str) -> UUID:
    """The id of an entry follows from whose it is and what it is called there."""
    return UUID(derived("time", source, source_id))


def load(tx: Tx, ids: Iterable[UUID], *, lock: bool = False) -> dict[UUID, TimeEntry]:
    """By id. `lock`: nobody else changes them until the transaction ends."""
    rows = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, [sorted(set(ids))]).fetchall()
    return {row["id"]: entry(row) for row in rows}


def rows_of(tx: Tx, ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """Whole rows, by id: with who entered and decided, and when."""
    return tx.execute(_BY_ID, [sorted(set(ids))]).fetchall()


def add(tx: Tx, entries: Sequence[TimeEntry], *, by: str, at: datetime) -> set[UUID]:
    """Add entries in one statement. The ids of those that were not there: the same source and
    source id again, and an entry that takes back what is taken back already, change nothing."""
    if not entries:
        return set()
    rows = json.dumps([_row(one) for one in entries], default=plain)
    return {r["id"] for r in tx.execute(_ADD, {"rows": rows, "by": by, "at": at}).fetchall()}


def change(tx: Tx, entries: Sequence[TimeEntry], *, states: Collection[EntryState]) -> set[UUID]:
    """Set what was worked. The ids of those that were in one of these states, and at the version
    that the entry names; each is one version further now."""
    if not entries:
        return set()
    rows = json.dumps([_row(one) | {"version": one.version} for one in entries], default=plain)
    values = {"rows": rows, "states": sorted(states)}
    return {r["id"] for r in tx.execute(_CHANGE, values).fetchall()}


def delete(tx: Tx, id: UUID, version: int, *, states: Collection[EntryState]) -> bool:
    """Delete an entry and what was found of it. False: it is gone, changed, or in another state."""
    values = {"id": id, "version": version, "states": sorted(states)}
    return tx.execute(_DELETE, values).fetchone() is not None


def move(
    tx: Tx,
    ids: Iterable[UUID],
    to: EntryState,
    *,
    froms: Collection[EntryState],
    by: str,
    at: datetime,
    reason: str | None = None,
    period: date | None = None,
) -> set[UUID]:
    """Set the state of many entries at once. The ids of those that were in one of `froms`.

    `period`: first day of the month that they are booked in; null: as it was. `by` and `at` are
    kept where it is a decision: approved or returned.
    """
    values = {
        "ids": sorted(set(ids)),
        "to": to,
        "froms": sorted(froms),
        "by": by,
        "at": at,
        "reason": reason,
        "period": period,
    }
    return {r["id"] for r in tx.execute(_MOVE, values).fetchall()}


def listed(
    tx: Tx,
    sees: Sees,
    wanted: Wanted,
    *,
    after: tuple[date, UUID] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """Whole rows by day and id, behind `after`."""
    values = {
        **_values(sees, wanted),
        "after_day": after and after[0],
        "after_id": after and after[1],
        "limit": limit,
    }
    return tx.execute(_LIST, values).fetchall()


def sums(tx: Tx, sees: Sees, wanted: Wanted, *, by: str, limit: int) -> list[dict[str, Any]]:
    """Minutes and number of entries by `GROUPS`, state and billable.

    Raises KeyError where it cannot be grouped so.
    """
    column = sql.Identifier("x", GROUPS[by])
    query = sql.SQL(_SUMS).format(by=column)
    return tx.execute(query, {**_values(sees, wanted), "limit": limit}).fetchall()


def entry(row: Mapping[str, Any]) -> TimeEntry:
    return TimeEntry(
        id=row["id"],
        engagement=EngagementId(row["engagement_id"]),
        task=row["task"],
        resource=row["resource_id"],
        day=row["day"],
        minutes=row["minutes"],
        role=row["role"],
        category=row["category"],
        billable=row["billable"],
        narrative=row["narrative"],
        begins=row["begins"],
        ends=row["ends"],
        state=row["state"],
        source=row["source"],
        source_id=row["source_id"],
        reverses=row["reverses"],
        reason=row["reason"],
        version=row["version"],
    )


def _row(one: TimeEntry) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "engagement_id": one.engagement,
        "task": one.task,
        "resource_id": one.resource,
        "day": one.day,
        "minutes": one.minutes,
        "role": one.role,
        "category": one.category,
        "billable": one.billable,
        "narrative": one.narrative,
        "begins": one.begins,
        "ends": one.ends,
        "state": one.state,
        "source": one.source,
        "source_id": one.source_id,
        "reverses": None if one.reverses is None else str(one.reverses),
        "reason": one.reason,
    }


def _values(sees: Sees, wanted: Wanted) -> dict[str, Any]:
    def some(names: frozenset[str] | None) -> list[str] | None:
        return None if names is None else sorted(names)

    return {
        **vars(wanted),
        "own": sees.own,
        "others": sees.others,
        "regions": some(sees.regions),
        "entities": some(sees.entities),
    }
