"""One person's week as they see it: their entries with their names and what was found, what they
may book on, and what marks the days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from fairlead.store.database import Tx

# A week with what the rules say of each entry, and what says who approves it.
_WEEK = """
SELECT x.id, x.engagement_id, x.task, x.day, x.minutes, x.role, x.category, x.billable, x.narrative,
       x.begins, x.ends, x.state, x.reverses, x.reason, x.entered_by, x.entered_at, x.submitted_at,
       x.decided_by, x.decided_at, x.version,
       d.number, d.name AS engagement_name, d.client_name, d.region, d.legal_entity,
       w.name AS task_name, m.person AS manager,
       coalesce((SELECT json_agg(json_build_object('rule', f.rule, 'severity', f.severity,
                                                   'value', f.value, 'remedy', f.remedy)
                                 ORDER BY f.rule)
                 FROM findings f WHERE f.kind = 'time' AND f.item_id = x.id), '[]') AS findings
FROM time_entries x
LEFT JOIN deliveries d USING (engagement_id)
LEFT JOIN work_packages w ON w.engagement_id = x.engagement_id AND w.code = x.task
LEFT JOIN engagement_managers m ON m.engagement_id = x.engagement_id
WHERE x.resource_id = %(resource)s AND x.day BETWEEN %(monday)s AND %(monday)s::date + 6
ORDER BY d.number, x.task, x.category, x.day, x.entered_at, x.id
LIMIT 2000
"""

# Tasks that a person may book on within a week: those of their assignments that are open then.
_MAY_BOOK = """
SELECT DISTINCT a.engagement_id, d.number, d.name AS engagement_name, d.client_name, d.region,
       d.legal_entity, d.currency, m.person AS manager, p.code AS task, p.name AS task_name,
       bool_or(a.task IS NOT NULL) AS own
FROM assignments a JOIN deliveries d USING (engagement_id)
LEFT JOIN engagement_managers m USING (engagement_id)
JOIN work_packages p ON p.engagement_id = a.engagement_id AND (a.task IS NULL OR p.code = a.task)
WHERE a.resource_id = %(resource)s AND a.starts_on <= %(monday)s::date + 6
  AND a.ends_on >= %(monday)s AND (p.closed_on IS NULL OR p.closed_on >= %(monday)s)
  AND (d.closed_at IS NULL OR d.closed_at >= %(monday)s)
GROUP BY a.engagement_id, d.number, d.name, d.client_name, d.region, d.legal_entity, d.currency,
         m.person, p.code, p.name
ORDER BY d.number, p.code LIMIT 500
"""

# What marks the days of a week, until when it is to be handed in, and the lines of the week before.
_MARKS = """
SELECT
  (SELECT coalesce(json_agg(json_build_object('first', greatest(a.starts_on, %(monday)s),
                                              'last', least(a.ends_on, %(monday)s::date + 6),
                                              'kind', a.kind)), '[]')
   FROM absences a WHERE a.resource_id = %(resource)s AND a.starts_on <= %(monday)s::date + 6
     AND a.ends_on >= %(monday)s) AS absences,
  (SELECT t.due_at FROM timesheets t
   WHERE t.resource_id = %(resource)s AND t.week = %(monday)s AND t.state = 'open') AS due_at,
  (SELECT t.declared FROM timesheets t
   WHERE t.resource_id = %(resource)s AND t.week = %(monday)s) AS declared,
  (SELECT coalesce(json_agg(DISTINCT jsonb_build_array(x.engagement_id, x.task, x.category)), '[]')
   FROM time_entries x WHERE x.resource_id = %(resource)s AND x.reverses IS NULL
     AND x.day BETWEEN %(monday)s::date - 7 AND %(monday)s::date - 1) AS rows_before
"""

# What stands in one cell, oldest first. What takes another entry back is no work of its own.
_CELL = """
SELECT id, minutes, role, billable, narrative, begins, ends, state, reverses, version, day
FROM time_entries
WHERE resource_id = %(resource)s AND day = %(day)s AND engagement_id = %(engagement)s
  AND task IS NOT DISTINCT FROM %(task)s AND category = %(category)s
ORDER BY entered_at, id
"""

# The names of lines that are not among a person's own: of a week before, or of an address.
_NAMES = """
SELECT d.engagement_id, d.number, d.name AS engagement_name, d.client_name, p.code AS task,
       p.name AS task_name
FROM deliveries d LEFT JOIN work_packages p USING (engagement_id)
WHERE d.engagement_id = ANY(%(engagements)s)
  AND EXISTS (SELECT 1 FROM time_entries x WHERE x.engagement_id = d.engagement_id
                AND x.resource_id = %(resource)s)
"""


def entries(tx: Tx, resource: str, monday: date) -> list[Mapping[str, Any]]:
    return list(tx.execute(_WEEK, {"resource": resource, "monday": monday}))


def may_book(tx: Tx, resource: str, monday: date) -> list[Mapping[str, Any]]:
    """`own`: an assignment names the task."""
    return list(tx.execute(_MAY_BOOK, {"resource": resource, "monday": monday}))


def marks(tx: Tx, resource: str, monday: date) -> Mapping[str, Any]:
    """`absences`, `due_at` (UTC; null: nothing more is due), `declared` and `rows_before`."""
    row = tx.execute(_MARKS, {"resource": resource, "monday": monday}).fetchone()
    assert row is not None
    return row


def cell(
    tx: Tx, resource: str, day: date, engagement: str, task: str | None, category: str
) -> list[Mapping[str, Any]]:
    values = {"resource": resource, "day": day, "engagement": engagement, "task": task}
    return list(tx.execute(_CELL, {**values, "category": category}))


def names(tx: Tx, resource: str, engagements: Sequence[str]) -> list[Mapping[str, Any]]:
    """Of engagements on which the person has booked already."""
    wanted = {"resource": resource, "engagements": list(engagements)}
    return list(tx.execute(_NAMES, wanted))


def days_of(absences: Sequence[Mapping[str, Any]]) -> Mapping[date, str]:
    """Day → the kind of leave that is on it."""
    found: dict[date, str] = {}
    for one in absences:
        first, last = date.fromisoformat(one["first"]), date.fromisoformat(one["last"])
        for n in range((last - first).days + 1):
            found[first + timedelta(days=n)] = one["kind"]
    return found
