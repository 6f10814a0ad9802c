"""Invoice runs over many engagements: what is left of them, and how far they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from fairlead.store.database import Tx

_START = """
WITH run AS (
    INSERT INTO billing_runs (id, asked_by, asked_at, dated_on, until, region, legal_entity,
                              engagements)
    SELECT %(id)s, %(by)s, %(at)s, %(dated_on)s, %(until)s, %(region)s, %(entity)s, count(*)
    FROM deliveries d WHERE {of} RETURNING id)
INSERT INTO billing_run_engagements (run_id, engagement_id)
SELECT run.id, d.engagement_id FROM run, deliveries d WHERE {of}
"""
_OF = """
    d.closed_at IS NULL AND (%(region)s::text IS NULL OR d.region = %(region)s)
    AND (%(entity)s::text IS NULL OR d.legal_entity = %(entity)s)
    AND (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
"""
_STARTED = _START.replace("{of}", _OF)

# Some of what is left of the oldest run that nobody works on.
_TAKE = """
SELECT r.id, r.asked_by, r.asked_at, r.dated_on, r.until, (
    SELECT array_agg(left_.engagement_id) FROM (
        SELECT engagement_id FROM billing_run_engagements e
        WHERE e.run_id = r.id AND e.outcome IS NULL ORDER BY engagement_id LIMIT %s) left_) AS ids
FROM billing_runs r WHERE r.ended_at IS NULL ORDER BY r.asked_at
LIMIT 1 FOR UPDATE OF r SKIP LOCKED
"""

_NOTE = """
UPDATE billing_run_engagements e SET outcome = said.outcome
FROM unnest(%(ids)s::text[], %(outcomes)s::text[]) AS said(id, outcome)
WHERE e.run_id = %(run)s AND e.engagement_id = said.id
"""
_PROGRESS = """
UPDATE billing_runs SET done = done + %(done)s, invoices = invoices + %(invoices)s,
       items = items + %(items)s,
       ended_at = CASE WHEN done + %(done)s >= engagements THEN clock_timestamp() END
WHERE id = %(run)s
"""
_ONE = """
SELECT id, asked_by, asked_at, dated_on, until, region, legal_entity, engagements, done, invoices,
       items, ended_at FROM billing_runs WHERE id = %s
"""
_OUTCOMES = """
SELECT e.engagement_id, d.number, e.outcome FROM billing_run_engagements e
JOIN deliveries d ON d.engagement_id = e.engagement_id
WHERE e.run_id = %(run)s AND (%(after)s::text IS NULL OR e.engagement_id > %(after)s)
  AND (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
ORDER BY e.engagement_id LIMIT %(limit)s
"""


def start(
    tx: Tx, id: str, *, by: str, at: datetime, dated_on: date | None, until: date | None,
    region: str | None, entity: str | None, regions: Sequence[str] | None,
    entities: Sequence[str] | None,
) -> int:  # fmt: skip
    """A run over the open engagements of a region and company, within what one sees; how many.

    Null for `dated_on` is the day on which it is asked for, in each company; null for `until` is
    the day of the invoice.
    """
    values = {
        "id": id, "by": by, "at": at, "dated_on": dated_on, "until": until, "region": region,
        "entity": entity, "regions": regions, "entities": entities,
    }  # fmt: skip
    return tx.execute(_STARTED.encode(), values).rowcount


def take(tx: Tx, limit: int) -> dict[str, Any] | None:
    """Engagements whose turn it is, with their run, locked; null: none is left."""
    return tx.execute(_TAKE, [limit]).fetchone()


def note(tx: Tx, run: str, outcomes: dict[str, str], *, invoices: int, items: int) -> None:
    """What came of some engagements; the run ends with the last of them."""
    tx.execute(
        _NOTE,
        {"run": run, "ids": list(outcomes), "outcomes": [o[:2000] for o in outcomes.values()]},
    )
    values = {"run": run, "done": len(outcomes), "invoices": invoices, "items": items}
    tx.execute(_PROGRESS, values)


def one(tx: Tx, id: str) -> dict[str, Any] | None:
    return tx.execute(_ONE, [id]).fetchone()


def outcomes(
    tx: Tx, run: str, *, after: str | None, limit: int, regions: Sequence[str] | None,
    entities: Sequence[str] | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """In the order of the engagements' ids; a page begins behind the last one before."""
    values = {
        "run": run, "after": after, "limit": limit, "regions": regions, "entities": entities,
    }  # fmt: skip
    return tx.execute(_OUTCOMES, values).fetchall()
