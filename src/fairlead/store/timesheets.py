"""Weeks in which time is due from people, and what was said to them about it.

Everything is a statement over all people of all places at once. A *place* is a calendar, region
and country that people work under; its windows come in as rows.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg import sql

from fairlead.store.bulk import plain
from fairlead.store.database import Tx

# One worker at a time; whoever comes meanwhile has nothing to do.
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('timesheets', 0)) AS mine"

_PLACES = "SELECT DISTINCT calendar, region, country FROM resources"
_OPEN_WEEKS = "SELECT DISTINCT week FROM timesheets WHERE state = 'open'"

_WINDOWS: LiteralString = """
json_to_recordset(%(windows)s::json) AS w (calendar text, region text, country text, week date,
    due_at timestamptz, remind_at timestamptz, escalate_at timestamptz, days date[], usual int,
    share numeric, team text)
"""
_PLACE: LiteralString = """
(p.calendar, p.region, p.country) IS NOT DISTINCT FROM (w.calendar, w.region, w.country)
"""

# A week begins for everybody who is employed in it and has contracted hours.
_BEGIN: LiteralString = """
INSERT INTO timesheets (resource_id, week, state, due_at)
SELECT p.id, w.week, 'open', w.due_at FROM {windows} JOIN resources p ON {place}
WHERE w.week = ANY(%(new)s) AND p.minutes_per_week > 0
  AND coalesce(p.starts_on, w.week) <= w.week + 6 AND coalesce(p.ends_on, w.week) >= w.week
ORDER BY p.id, w.week ON CONFLICT DO NOTHING
"""

# Handed in: nothing is left as a draft, and what was is as much as is contracted for the days on
# which they worked; those off, and absences, are none.
_END: LiteralString = """
WITH due AS (
    SELECT t.resource_id, t.week, w.share * p.minutes_per_week * (
        SELECT count(*) FROM unnest(w.days) AS day
        WHERE day BETWEEN coalesce(p.starts_on, day) AND coalesce(p.ends_on, day)
          AND NOT EXISTS (SELECT 1 FROM absences a WHERE a.resource_id = p.id
                          AND day BETWEEN a.starts_on AND a.ends_on)) / w.usual AS wanted
    FROM timesheets t JOIN resources p ON p.id = t.resource_id
    JOIN {windows} ON w.week = t.week AND {place}
    WHERE t.state = 'open'),
done AS (
    SELECT d.resource_id, d.week, coalesce(max(x.submitted_at), %(now)s) AS at
    FROM due d LEFT JOIN time_entries x ON x.resource_id = d.resource_id
      AND x.day BETWEEN d.week AND d.week + 6
    GROUP BY d.resource_id, d.week, d.wanted
    HAVING coalesce(bool_and(x.state IN ('submitted', 'approved')), true)
      AND coalesce(sum(x.minutes), 0) >= d.wanted AND d.week + 6 <= %(now)s::date + 1)
UPDATE timesheets t SET state = 'submitted', submitted_at = done.at FROM done
WHERE t.resource_id = done.resource_id AND t.week = done.week AND t.state = 'open'
RETURNING t.escalated_as
"""

# After half a year nobody is asked any more.
_FORGET = """
UPDATE timesheets SET state = 'closed'
WHERE state = 'open' AND due_at < %s::timestamptz - interval '180 days' RETURNING escalated_as
"""

# Whoever is to hear of it now: once beforehand and once when it is late.
_REMIND: LiteralString = """
WITH chosen AS (
    SELECT t.resource_id, t.week FROM timesheets t
    JOIN resources p ON p.id = t.resource_id JOIN {windows} ON w.week = t.week AND {place}
    WHERE t.state = 'open'
      AND (t.reminders = 0 AND %(now)s >= w.remind_at OR t.reminders = 1 AND %(now)s >= t.due_at)
    ORDER BY t.due_at, t.resource_id LIMIT %(most)s FOR UPDATE OF t)
UPDATE timesheets t SET reminded_at = %(now)s,
    reminders = CASE WHEN %(now)s >= t.due_at THEN 2 ELSE 1 END
FROM chosen c JOIN resources p ON p.id = c.resource_id
WHERE t.resource_id = c.resource_id AND t.week = c.week
RETURNING t.resource_id, t.week, t.due_at, t.reminders, p.name, p.email
"""

_ESCALATE: LiteralString = """
WITH chosen AS (
    SELECT t.resource_id, t.week, w.team,
           concat_ws(':', 'timesheets', t.week, w.team, p.region, p.manager) AS cause
    FROM timesheets t JOIN resources p ON p.id = t.resource_id
    JOIN {windows} ON w.week = t.week AND {place}
    WHERE t.state = 'open' AND t.escalated_at IS NULL AND %(now)s >= w.escalate_at
    ORDER BY t.due_at, t.resource_id LIMIT %(most)s FOR UPDATE OF t)
UPDATE timesheets t SET escalated_at = %(now)s, escalated_as = c.cause
FROM chosen c WHERE t.resource_id = c.resource_id AND t.week = c.week
RETURNING c.cause, c.team
"""

# Whose week is still missing, of each group that was escalated.
_MISSING = """
SELECT t.escalated_as AS cause, t.week, p.id, p.name, p.region, p.manager, m.name AS manager_name,
       m.email AS manager_email
FROM timesheets t JOIN resources p ON p.id = t.resource_id
LEFT JOIN resources m ON m.id = p.manager
WHERE t.state = 'open' AND t.escalated_as = ANY(%s) ORDER BY t.escalated_as, p.name, p.id
"""

_ONE = """
SELECT t.resource_id, t.week, t.state, t.due_at, t.submitted_at, t.reminded_at, t.escalated_at,
       t.reminders, p.name, p.email, p.region, p.country, p.legal_entity
FROM timesheets t JOIN resources p ON p.id = t.resource_id
WHERE t.resource_id || '/' || t.week = ANY(%s)
"""

_DECLARE = """
UPDATE timesheets SET state = 'submitted', submitted_at = %(now)s, declared = %(reason)s
WHERE resource_id = %(resource)s AND week = %(week)s AND state = 'open' RETURNING escalated_as
"""

# A list: one person's own, or all that a reader may see.
_LIST = """
SELECT t.resource_id, p.name, t.week, t.state, t.due_at, t.submitted_at, t.reminded_at,
       t.escalated_at, t.declared, t.week::timestamp AT TIME ZONE 'UTC' AS at,
       (SELECT coalesce(sum(x.minutes), 0)::bigint FROM time_entries x
        WHERE x.resource_id = t.resource_id AND x.day BETWEEN t.week AND t.week + 6
          AND x.state IN ('submitted', 'approved')) AS minutes
FROM timesheets t JOIN resources p ON p.id = t.resource_id
WHERE (%(resource)s::text IS NULL OR t.resource_id = %(resource)s)
  AND (%(regions)s::text[] IS NULL OR p.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR p.legal_entity = ANY(%(entities)s))
  AND (%(week)s::date IS NULL OR t.week = %(week)s)
  AND (%(late)s IS FALSE OR t.state = 'open' AND t.due_at < clock_timestamp())
  AND (%(at)s::timestamptz IS NULL
       OR (t.week::timestamp AT TIME ZONE 'UTC', t.resource_id) < (%(at)s, %(after)s))
ORDER BY t.week DESC, t.resource_id DESC LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Place:
    calendar: str | None
    region: str | None
    country: str | None


def alone(tx: Tx) -> bool:
    row = tx.execute(_ALONE).fetchone()
    return row is not None and bool(row["mine"])


def places(tx: Tx) -> Sequence[Place]:
    return [Place(**row) for row in tx.execute(_PLACES)]


def open_weeks(tx: Tx) -> frozenset[date]:
    return frozenset(row["week"] for row in tx.execute(_OPEN_WEEKS))


def begin(tx: Tx, windows: str, weeks: Collection[date]) -> int:
    """Rows for these weeks; those that are there stay. How many are new."""
    values = {"windows": windows, "new": sorted(weeks)}
    return tx.execute(_query(_BEGIN), values).rowcount


def end(tx: Tx, windows: str, now: datetime) -> frozenset[str]:
    """Take for handed in what is, and give up what is half a year late.

    The causes of exceptions that some of it was escalated as.
    """
    ended = tx.execute(_query(_END), {"windows": windows, "now": now}).fetchall()
    ended += tx.execute(_FORGET, [now]).fetchall()
    return frozenset(row["escalated_as"] for row in ended if row["escalated_as"])


def remind(tx: Tx, windows: str, now: datetime, most: int) -> list[Mapping[str, Any]]:
    values = {"windows": windows, "now": now, "most": most}
    return list(tx.execute(_query(_REMIND), values))


def escalate(tx: Tx, windows: str, now: datetime, most: int) -> Mapping[str, str]:
    """Cause → the team that hears of it, of what is late by so much for the first time."""
    values = {"windows": windows, "now": now, "most": most}
    return {row["cause"]: row["team"] for row in tx.execute(_query(_ESCALATE), values)}


def missing(tx: Tx, causes: Collection[str]) -> list[Mapping[str, Any]]:
    return list(tx.execute(_MISSING, [sorted(causes)]))


def load(tx: Tx, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """By `resource/Monday`."""
    rows = tx.execute(_ONE, [list(ids)])
    return {f"{row['resource_id']}/{row['week']}": row for row in rows}


def declare(tx: Tx, resource: str, week: date, reason: str, now: datetime) -> str | bool | None:
    """False: it is not open. Else the cause that it was escalated as, or null."""
    values = {"resource": resource, "week": week, "reason": reason, "now": now}
    row = tx.execute(_DECLARE, values).fetchone()
    return False if row is None else row["escalated_as"]


def listed(
    tx: Tx,
    *,
    resource: str | None,
    regions: Collection[str] | None,
    entities: Collection[str] | None,
    week: date | None,
    late: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Mapping[str, Any]]:
    at, last = after or (None, None)
    values = {
        "resource": resource,
        "regions": None if regions is None else sorted(regions),
        "entities": None if entities is None else sorted(entities),
        "week": week,
        "late": late,
        "at": at,
        "after": last,
        "limit": limit,
    }
    return list(tx.execute(_LIST, values))


def as_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """Windows as the statements take them: `week`, `due_at`… and the place."""
    return json.dumps(rows, default=plain)


def _query(query: LiteralString) -> sql.Composed:
    return sql.SQL(query).format(windows=sql.SQL(_WINDOWS), place=sql.SQL(_PLACE))
