"""Months of revenue as people read them: the list of batches, one of them, and its lines.

Whoever asks has a `Sees`: what is of another region or legal entity is not there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

from fairlead.store.database import Tx
from fairlead.store.invoices import Sees

_SCOPE: LiteralString = """
(%(regions)s::text[] IS NULL OR b.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR b.legal_entity = ANY(%(entities)s))
"""

# Batches without their lines, latest month first.
_PAGE: LiteralString = """
SELECT b.id, b.legal_entity, b.region, b.month, b.number, b.state, b.computed_by, b.computed_at,
       b.proposed_by, b.proposed_at, b.approved_by, b.approved_at, b.posted_at, b.reason, b.version,
       (SELECT count(*) FROM revenue_entries e WHERE e.batch_id = b.id)::int AS entries
FROM revenue_batches b
WHERE {scope}
  AND (%(state)s::text IS NULL OR b.state = %(state)s)
  AND (%(entity)s::text IS NULL OR b.legal_entity = %(entity)s)
  AND (%(month)s::date IS NULL OR b.month = %(month)s)
  AND (%(after)s::date IS NULL OR (b.month, b.id) < (%(after)s, %(after_id)s))
ORDER BY b.month DESC, b.id DESC LIMIT %(limit)s
""".replace("{scope}", _SCOPE)

# One batch, with what it waits for in the ledger.
_ONE: LiteralString = """
SELECT b.*, (SELECT count(*) FROM revenue_entries e WHERE e.batch_id = b.id)::int AS entries,
       r.id AS run_id, x.id AS exception_id, x.title AS trouble
FROM revenue_batches b
LEFT JOIN LATERAL (SELECT id FROM runs WHERE subject_id = b.id AND ended_at IS NULL
                   ORDER BY started_at DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT id, title FROM exceptions WHERE run_id = r.id AND state = 'open'
                   ORDER BY opened_at LIMIT 1) x ON true
WHERE b.id = %(id)s AND {scope}
""".replace("{scope}", _SCOPE)

# What the ledger is told of each batch, by currency: less what is taken back.
_SUMS = """
SELECT e.batch_id, e.currency,
       sum(e.revenue - coalesce(o.revenue, 0)) AS revenue,
       sum(e.wip_change - coalesce(o.wip_change, 0)) AS wip,
       sum(e.deferred_change - coalesce(o.deferred_change, 0)) AS deferred
FROM revenue_entries e LEFT JOIN LATERAL (
    SELECT * FROM revenue_entries p
    WHERE p.engagement_id = e.engagement_id AND p.month = e.month AND p.revision < e.revision
      AND p.state IN ('approved', 'posted', 'replaced')
    ORDER BY p.revision DESC LIMIT 1) o ON true
WHERE e.batch_id = ANY(%s) GROUP BY 1, 2 ORDER BY 1, 2
"""

# The lines of a batch, in the order of the engagements' numbers, each with what it takes back.
_LINES = """
SELECT e.engagement_id, d.number, d.name, d.client_name, e.revision, e.state, e.method, e.currency,
       e.earned, e.billed, e.wip, e.accrued, e.deferred, e.revenue, e.wip_change, e.deferred_change,
       o.revenue AS back, e.warnings, e.ref, e.basis ->> 'on' AS until
FROM revenue_entries e JOIN deliveries d ON d.engagement_id = e.engagement_id
LEFT JOIN LATERAL (
    SELECT p.revenue FROM revenue_entries p
    WHERE p.engagement_id = e.engagement_id AND p.month = e.month AND p.revision < e.revision
      AND p.state IN ('approved', 'posted', 'replaced')
    ORDER BY p.revision DESC LIMIT 1) o ON true
WHERE e.batch_id = %(batch)s AND (%(after)s::text IS NULL OR e.engagement_id > %(after)s)
ORDER BY e.engagement_id LIMIT %(limit)s
"""

# Months that are being computed: the oldest first.
_JOBS = """
SELECT month, asked_by, asked_at, engagements, expected, held, regions, legal_entities
FROM revenue_jobs WHERE ended_at IS NULL ORDER BY asked_at LIMIT 20
"""


@dataclass(frozen=True)
class Filters:
    """Null: whatever it is."""

    state: str | None = None
    entity: str | None = None
    month: date | None = None  #: its first day


def page(
    tx: Tx, sees: Sees, filters: Filters, *, after: tuple[str, str] | None = None, limit: int
) -> list[dict[str, Any]]:
    """The rows behind `after`, which is the `key_of` of the last one that is known."""
    month, id = after or (None, None)
    values = {**sees.values(), **vars(filters), "after": month, "after_id": id, "limit": limit}
    return tx.execute(_PAGE, values).fetchall()


def key_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Where a page ends."""
    return row["month"].isoformat(), row["id"]


def one(tx: Tx, sees: Sees, id: str) -> dict[str, Any] | None:
    return tx.execute(_ONE, {**sees.values(), "id": id}).fetchone()


def sums(tx: Tx, batches: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Batch → what the ledger is told of it, by currency."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in tx.execute(_SUMS, [list(batches)]):
        found.setdefault(row["batch_id"], []).append(row)
    return found


def lines(tx: Tx, batch: str, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """`after`: the engagement of the last line that is known."""
    return tx.execute(_LINES, {"batch": batch, "after": after, "limit": limit}).fetchall()


def jobs(tx: Tx) -> list[dict[str, Any]]:
    return tx.execute(_JOBS).fetchall()
