"""Computing a month's revenue in chunks: what was asked for, and how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx

# Engagements of a chunk: launched by the end of the month, in companies whose month is open.
_CHUNK = """
SELECT d.engagement_id, d.number, d.legal_entity, d.region, d.revenue_method, d.contract_type
FROM deliveries d
WHERE d.engagement_id > %(reached)s AND d.starts_on <= %(until)s
  AND (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
  AND (%(legal_entities)s::text[] IS NULL OR d.legal_entity = ANY(%(legal_entities)s))
  AND NOT EXISTS (SELECT 1 FROM periods p WHERE p.legal_entity = d.legal_entity
                  AND p.month = %(month)s AND p.state = 'closed')
ORDER BY d.engagement_id LIMIT %(limit)s
"""

_JOB = """
INSERT INTO revenue_jobs (id, month, asked_by, regions, legal_entities, asked_at, expected)
VALUES (%(id)s, %(month)s, %(by)s, %(regions)s, %(legal_entities)s, %(at)s, (
    SELECT count(*) FROM deliveries d WHERE d.starts_on <= %(until)s
      AND (%(regions)s::jsonb IS NULL OR %(regions)s::jsonb ? d.region)
      AND (%(legal_entities)s::jsonb IS NULL OR %(legal_entities)s::jsonb ? d.legal_entity)))
ON CONFLICT (id) DO NOTHING
"""
_NEXT_JOB = """
SELECT * FROM revenue_jobs WHERE ended_at IS NULL ORDER BY asked_at, id LIMIT 1
FOR UPDATE SKIP LOCKED
"""
_WAITING = """
SELECT id FROM revenue_jobs WHERE month = %s AND asked_by = %s AND ended_at IS NULL
"""
_ADVANCE = """
UPDATE revenue_jobs SET reached = %(reached)s, engagements = engagements + %(engagements)s,
    changed = changed + %(changed)s, held = held + %(held)s, ended_at = %(ended_at)s
WHERE id = %(id)s
"""
_LATER_MONTH = """
SELECT min(month) AS month FROM revenue_entries WHERE month > %s AND state <> 'lapsed'
"""


@dataclass(frozen=True)
class Job:
    id: str
    month: date
    asked_by: str
    regions: list[str] | None
    legal_entities: list[str] | None
    asked_at: datetime
    reached: str
    engagements: int
    changed: int
    held: int
    expected: int
    ended_at: datetime | None


def ask(
    tx: Tx,
    id: str,
    *,
    month: date,
    until: date,
    by: str,
    regions: Sequence[str] | None,
    legal_entities: Sequence[str] | None,
    at: datetime,
) -> Job:
    """Have a month computed; asked for again under the same id, it is the same job."""
    tx.execute(
        _JOB,
        {
            "id": id,
            "month": month,
            "until": until,
            "by": by,
            "regions": None if regions is None else Jsonb(sorted(regions)),
            "legal_entities": None if legal_entities is None else Jsonb(sorted(legal_entities)),
            "at": at,
        },
    )
    found = get(tx, id)
    assert found is not None
    return found


def waiting(tx: Tx, month: date, by: str) -> str | None:
    """The job of this month that somebody asked for and that is not done."""
    row = tx.execute(_WAITING, [month, by]).fetchone()
    return row["id"] if row else None


def get(tx: Tx, id: str) -> Job | None:
    row = tx.execute("SELECT * FROM revenue_jobs WHERE id = %s", [id]).fetchone()
    return Job(**row) if row else None


def take(tx: Tx) -> Job | None:
    """The oldest that is not done and that nobody is at; it is locked."""
    row = tx.execute(_NEXT_JOB).fetchone()
    return Job(**row) if row else None


def wait(tx: Tx) -> bool:
    row = tx.execute("SELECT 1 FROM revenue_jobs WHERE ended_at IS NULL LIMIT 1").fetchone()
    return row is not None


def advance(
    tx: Tx, job: Job, *, reached: str, engagements: int, changed: int, held: int,
    ended_at: datetime | None,
) -> None:  # fmt: skip
    values = {
        "id": job.id, "reached": reached, "engagements": engagements, "changed": changed,
        "held": held, "ended_at": ended_at,
    }  # fmt: skip
    tx.execute(_ADVANCE, values)


def chunk(tx: Tx, job: Job, until: date, limit: int) -> list[dict[str, Any]]:
    """The next engagements of a job, in order."""
    values = {
        "reached": job.reached,
        "until": until,
        "month": job.month,
        "regions": job.regions,
        "legal_entities": job.legal_entities,
        "limit": limit,
    }
    return tx.execute(_CHUNK, values).fetchall()


def later_month(tx: Tx, month: date) -> date | None:
    """The next month that has entries: its changes count from this one's figures."""
    row = tx.execute(_LATER_MONTH, [month]).fetchone()
    return row["month"] if row else None
