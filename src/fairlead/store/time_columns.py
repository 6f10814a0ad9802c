"""Entries and what is known of them, in columns: read by COPY, written by COPY.

A million rows never become Python objects. Findings are those of `domain.rules.time_facts`.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import polars as pl

from fairlead.domain.rules import time_facts as columns
from fairlead.store.database import Tx

# All entries of some people within some days; which of them are judged, is said by the caller.
_ENTRIES: LiteralString = """
COPY (
    SELECT x.id, x.engagement_id, x.task, x.resource_id, x.day, x.minutes, x.role, x.category,
        x.billable, x.narrative, x.begins, x.ends,
        (extract(epoch FROM x.entered_at) * 1000000)::bigint,
        (x.day BETWEEN %(first)s AND %(last)s
         AND (%(states)s::text[] IS NULL OR x.state = ANY(%(states)s))
         AND (%(ids)s::uuid[] IS NULL OR x.id = ANY(%(ids)s))
         AND (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s)
         AND (%(entity)s::text IS NULL OR x.legal_entity = %(entity)s)),
        (x.reverses IS NOT NULL OR EXISTS (SELECT 1 FROM time_entries b WHERE b.reverses = x.id))
    FROM time_entries x
    WHERE x.resource_id = ANY(%(people)s) AND x.day BETWEEN %(from)s AND %(to)s
) TO STDOUT (FORMAT csv)
"""

_DELIVERIES: LiteralString = """
COPY (
    SELECT engagement_id, code, legal_entity, closed_at IS NOT NULL,
        coalesce(body->>'time_policy', ''), contract_type, region, client_name
    FROM deliveries WHERE engagement_id = ANY(%(engagements)s)
) TO STDOUT (FORMAT csv)
"""

_PACKAGES: LiteralString = """
COPY (
    SELECT engagement_id, code, closed_on, billable FROM work_packages
    WHERE engagement_id = ANY(%(engagements)s)
) TO STDOUT (FORMAT csv)
"""

_RESOURCES: LiteralString = """
COPY (
    SELECT id, calendar, country, region, starts_on, ends_on, minutes_per_week
    FROM resources WHERE id = ANY(%(people)s)
) TO STDOUT (FORMAT csv)
"""

_ASSIGNMENTS: LiteralString = """
COPY (
    SELECT engagement_id, resource_id, role, task, starts_on, ends_on FROM assignments
    WHERE resource_id = ANY(%(people)s) AND starts_on <= %(to)s AND ends_on >= %(from)s
) TO STDOUT (FORMAT csv)
"""

_ABSENCES: LiteralString = """
COPY (
    SELECT resource_id, d::date, min(kind) FROM absences,
        generate_series(greatest(starts_on, %(from)s), least(ends_on, %(to)s), '1 day') d
    WHERE resource_id = ANY(%(people)s) AND starts_on <= %(to)s AND ends_on >= %(from)s
    GROUP BY 1, 2
) TO STDOUT (FORMAT csv)
"""

# Minutes of whole weeks, by their Monday.
_PAST: LiteralString = """
COPY (
    SELECT resource_id, day - (extract(isodow FROM day)::integer - 1), sum(minutes)
    FROM time_entries
    WHERE resource_id = ANY(%(people)s) AND day BETWEEN %(from)s AND %(to)s
    GROUP BY 1, 2
) TO STDOUT (FORMAT csv)
"""

# Days of leave by week, Monday to Friday.
_LEAVE: LiteralString = """
COPY (
    SELECT resource_id, date_trunc('week', d)::date, count(DISTINCT d) FROM absences,
        generate_series(greatest(starts_on, %(from)s), least(ends_on, %(to)s), '1 day') d
    WHERE resource_id = ANY(%(people)s) AND starts_on <= %(to)s AND ends_on >= %(from)s
      AND extract(isodow FROM d) < 6
    GROUP BY 1, 2
) TO STDOUT (FORMAT csv)
"""

_CLOSED: LiteralString = """
COPY (
    SELECT legal_entity, month FROM periods
    WHERE state = 'closed' AND month BETWEEN date_trunc('month', %(from)s::date) AND %(to)s
) TO STDOUT (FORMAT csv)
"""

# Minutes by day of each plan that is used up: of a task, of an engagement, of an assignment.
_BOOKED: LiteralString = """
COPY (
    WITH totals AS (
        SELECT engagement_id, task, sum(minutes) AS minutes FROM time_entries
        WHERE engagement_id = ANY(%(engagements)s) GROUP BY 1, 2
    ), over AS (
        SELECT p.engagement_id, p.code AS task, p.minutes AS planned
        FROM totals t JOIN work_packages p ON p.engagement_id = t.engagement_id AND p.code = t.task
        WHERE t.minutes > p.minutes
        UNION ALL
        SELECT d.engagement_id, NULL, (d.body->>'budget_minutes')::integer
        FROM (SELECT engagement_id, sum(minutes) AS minutes FROM totals GROUP BY 1) t
        JOIN deliveries d ON d.engagement_id = t.engagement_id
        WHERE t.minutes > (d.body->>'budget_minutes')::integer
    )
    SELECT o.engagement_id, o.task, NULL AS resource, NULL AS role, '' AS plan, o.planned, x.day,
        sum(x.minutes)
    FROM over o JOIN time_entries x
      ON x.engagement_id = o.engagement_id AND (o.task IS NULL OR x.task = o.task)
    GROUP BY 1, 2, 5, 6, 7
    UNION ALL
    SELECT a.engagement_id, a.task, a.resource_id, a.role, a.id, a.minutes, x.day, sum(x.minutes)
    FROM assignments a JOIN time_entries x
      ON x.engagement_id = a.engagement_id AND x.resource_id = a.resource_id
     AND x.role = a.role AND (a.task IS NULL OR x.task = a.task)
     AND x.day BETWEEN a.starts_on AND a.ends_on
    WHERE a.id IN (
        SELECT a.id FROM assignments a JOIN time_entries x
          ON x.engagement_id = a.engagement_id AND x.resource_id = a.resource_id
         AND x.role = a.role AND (a.task IS NULL OR x.task = a.task)
         AND x.day BETWEEN a.starts_on AND a.ends_on
        WHERE a.minutes IS NOT NULL AND a.engagement_id = ANY(%(engagements)s)
        GROUP BY a.id HAVING sum(x.minutes) > a.minutes)
    GROUP BY a.id, x.day
) TO STDOUT (FORMAT csv)
"""

# What billable time of capped engagements is worth, by day: a person's own rate before the role's.
_WORTH: LiteralString = """
WITH worked AS (
    SELECT x.engagement_id, x.role, x.resource_id, x.day, sum(x.minutes) AS minutes
    FROM time_entries x JOIN deliveries d ON d.engagement_id = x.engagement_id
    WHERE x.engagement_id = ANY(%(engagements)s) AND x.billable
      AND jsonb_typeof(d.body->'cap') = 'object'
    GROUP BY 1, 2, 3, 4
), priced AS (
    SELECT w.engagement_id AS engagement, w.day, sum(w.minutes * r.per_hour) AS worth
    FROM worked w CROSS JOIN LATERAL (
        SELECT per_hour FROM bill_rates r
        WHERE r.engagement_id = w.engagement_id AND r.role = w.role
          AND r.resource_id IN (w.resource_id, '') AND r.valid_from <= w.day
        ORDER BY r.resource_id DESC, r.valid_from DESC LIMIT 1
    ) r GROUP BY 1, 2
)
SELECT engagement, day, worth, (d.body->'cap'->>'amount')::numeric AS cap,
    d.body->'cap'->>'currency' AS currency
FROM (SELECT *, sum(worth) OVER (PARTITION BY engagement) AS total FROM priced) p
JOIN deliveries d ON d.engagement_id = p.engagement
WHERE total > (d.body->'cap'->>'amount')::numeric * 60
ORDER BY engagement, day
"""

# Whoever judges or changes a person's time holds their row, so that a day is never judged by two.
_LOCK = "SELECT id FROM resources WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"

_FORGET = """
DELETE FROM findings f USING time_entries x
WHERE f.kind = 'time' AND f.item_id = x.id AND x.resource_id = ANY(%(people)s)
  AND x.day BETWEEN %(first)s AND %(last)s
  AND (%(states)s::text[] IS NULL OR x.state = ANY(%(states)s))
  AND (%(ids)s::uuid[] IS NULL OR x.id = ANY(%(ids)s))
  AND (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s)
  AND (%(entity)s::text IS NULL OR x.legal_entity = %(entity)s)
"""

_KEEP = "COPY findings (item_id, rule, severity, value, remedy, kind) FROM STDIN (FORMAT csv)"

_BOOKED_READ = pl.Schema(
    {
        "engagement": pl.String(),
        "task": pl.String(),
        "resource": pl.String(),
        "role": pl.String(),
        "plan": pl.String(),
        "planned": pl.Int64(),
        "day": pl.Date(),
        "minutes": pl.Int64(),
    }
)


@dataclass(frozen=True)
class Judged:
    """Which entries are judged; null: all. Days are both included."""

    first: date
    last: date
    states: Sequence[str] | None = None
    ids: Sequence[Any] | None = None
    engagement: str | None = None
    entity: str | None = None


def hold(tx: Tx, people: Iterable[str]) -> None:
    """Nobody else changes or judges these people's time until the transaction ends."""
    tx.execute(_LOCK, [sorted(set(people))])


def entries(tx: Tx, people: Sequence[str], judged: Judged, first: date, last: date) -> pl.DataFrame:
    """All entries of these people in these days, as `ENTRIES`."""
    values = {**vars(judged), "people": list(people), "from": first, "to": last}
    return _copied(tx, _ENTRIES, values, columns.ENTRIES)


def deliveries(tx: Tx, engagements: Sequence[str]) -> pl.DataFrame:
    """With what a policy asks of an engagement."""
    schema = pl.Schema(
        {
            "engagement": pl.String(),
            "code": pl.String(),
            "legal_entity": pl.String(),
            "closed": pl.Boolean(),
            "time_policy": pl.String(),
            "contract_type": pl.String(),
            "engagement_region": pl.String(),
            "client": pl.String(),
        }
    )
    return _copied(tx, _DELIVERIES, {"engagements": list(engagements)}, schema)


def packages(tx: Tx, engagements: Sequence[str]) -> pl.DataFrame:
    return _copied(tx, _PACKAGES, {"engagements": list(engagements)}, columns.PACKAGES)


def people(tx: Tx, ids: Sequence[str]) -> pl.DataFrame:
    """With what their calendar and a policy follow from."""
    schema = pl.Schema(
        {
            "resource": pl.String(),
            "own_calendar": pl.String(),
            "country": pl.String(),
            "region": pl.String(),
            "starts_on": pl.Date(),
            "ends_on": pl.Date(),
            "contracted": pl.Int32(),
        }
    )
    return _copied(tx, _RESOURCES, {"people": list(ids)}, schema)


def assignments(tx: Tx, people: Sequence[str], first: date, last: date) -> pl.DataFrame:
    values = {"people": list(people), "from": first, "to": last}
    return _copied(tx, _ASSIGNMENTS, values, columns.ASSIGNMENTS)


def absences(tx: Tx, people: Sequence[str], first: date, last: date) -> pl.DataFrame:
    values = {"people": list(people), "from": first, "to": last}
    return _copied(tx, _ABSENCES, values, columns.ABSENCES)


def past(tx: Tx, people: Sequence[str], first: date, last: date) -> pl.DataFrame:
    """By week; `first` is a Monday, `last` a Sunday."""
    values = {"people": list(people), "from": first, "to": last}
    return _copied(tx, _PAST, values, columns.PAST)


def leave(tx: Tx, people: Sequence[str], first: date, last: date) -> pl.DataFrame:
    values = {"people": list(people), "from": first, "to": last}
    return _copied(tx, _LEAVE, values, columns.LEAVE)


def closed(tx: Tx, first: date, last: date) -> pl.DataFrame:
    return _copied(tx, _CLOSED, {"from": first, "to": last}, columns.CLOSED)


def booked(tx: Tx, engagements: Sequence[str]) -> pl.DataFrame:
    """Minutes by day of each plan of these engagements that is used up; see `overruns`."""
    return _copied(tx, _BOOKED, {"engagements": list(engagements)}, _BOOKED_READ)


def worth(tx: Tx, engagements: Sequence[str]) -> list[dict[str, Any]]:
    """What was worked on those that are beyond their cap; see `beyond_caps`."""
    return tx.execute(_WORTH, {"engagements": list(engagements)}).fetchall()


def keep(tx: Tx, people: Sequence[str], judged: Judged, found: pl.DataFrame) -> None:
    """Write findings in place of those that were."""
    tx.execute(_FORGET, {**vars(judged), "people": list(people)})
    if not found.height:
        return
    text = found.select(*columns.FINDINGS.names(), pl.lit("time").alias("kind")).write_csv(
        include_header=False
    )
    with tx.cursor() as cursor, cursor.copy(_KEEP) as copy:
        copy.write(text)


def _copied(
    tx: Tx, query: LiteralString, values: Mapping[str, Any], schema: pl.Schema
) -> pl.DataFrame:
    buffer = io.BytesIO()
    with tx.cursor() as cursor, cursor.copy(query, values) as copy:
        for part in copy:
            buffer.write(part)
    if not buffer.tell():
        return pl.DataFrame(schema=schema)
    buffer.seek(0)
    flags = [name for name, kind in schema.items() if kind == pl.Boolean]
    written = pl.Schema({**schema, **dict.fromkeys(flags, pl.String())})  # PostgreSQL: t and f
    read = pl.read_csv(buffer, has_header=False, schema=written)
    return read.with_columns(pl.col(flags) == "t") if flags else read
