"""What we and the systems that keep the same records keep differently, as people read it (F117,
F277).

Whoever asks has a `Sees`: what is of another region or legal entity is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from fairlead.store.database import Tx
from fairlead.store.invoices import Sees

_SCOPE: LiteralString = """
(%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
"""

_FITS: LiteralString = (
    _SCOPE
    + """
  AND (%(kept)s::text IS NULL OR x.kept = %(kept)s)
  AND (%(kind)s::text IS NULL OR x.kind = %(kind)s)
  AND (%(system)s::text IS NULL OR x.system = %(system)s)
  AND (%(entity)s::text IS NULL OR d.legal_entity = %(entity)s)
  AND (%(engagement)s::text IS NULL OR d.number = %(engagement)s)
  AND (%(before)s::timestamptz IS NULL OR x.first_seen_at <= %(before)s)
  AND (%(q)s::text IS NULL OR d.client_name ILIKE %(q)s OR d.name ILIKE %(q)s
       OR d.number ILIKE %(q)s OR x.key ILIKE %(q)s OR x.refs::text ILIKE %(q)s)
"""
)

# Each with the exception that was opened last for its cause (`store.reconciliations.cause_of`).
_COLUMNS: LiteralString = """
SELECT x.id, x.engagement_id, x.system, x.kept, x.kind, x.key, x.refs, x.ours, x.theirs,
       x.difference, x.unit, x.day, x.whose, x.words, x.remedy, x.region, x.first_seen_at,
       x.last_seen_at, d.number, d.name, d.client_name, d.legal_entity, e.id AS exception_id,
       e.team, e.assignee, e.state AS asked, e.due_at, e.opened_at, e.resolution, e.resolved_by,
       e.resolved_at, e.reason, e.version
FROM discrepancies x JOIN deliveries d ON d.engagement_id = x.engagement_id
LEFT JOIN LATERAL (
    SELECT * FROM exceptions WHERE subject_id = x.engagement_id
      AND cause = 'reconciliation/' || x.engagement_id || '/' || x.system || '/' || x.kept
    ORDER BY opened_at DESC LIMIT 1) e ON true
"""

_PAGE: LiteralString = _COLUMNS + "WHERE " + _FITS

_ONE: LiteralString = _COLUMNS + "WHERE x.id = %(id)s AND " + _SCOPE

# How many differ, by how much and since when, of what fits.
_SUMMARY: LiteralString = (
    """
SELECT x.kept, x.kind, x.system, d.legal_entity, x.unit, count(*)::int AS count,
       sum(abs(x.difference)) AS apart, min(x.first_seen_at) AS since
FROM discrepancies x JOIN deliveries d ON d.engagement_id = x.engagement_id
WHERE """
    + _FITS
    + " GROUP BY 1, 2, 3, 4, 5"
)

# Whether an engagement is compared now.
_COMPARING = """
SELECT 1 FROM runs WHERE subject_id = %s AND playbook = 'reconcile-records' AND ended_at IS NULL
LIMIT 1
"""

# Last comparisons of an engagement, a system and a kind of record, longest ago first.
_COMPARISONS: LiteralString = """
SELECT x.engagement_id, x.system, x.kept, x.ours, x.theirs, x.our_sum, x.their_sum, x.unit,
       x.compared_at, d.number, d.name, d.client_name, d.legal_entity,
       (SELECT count(*) FROM discrepancies y WHERE y.engagement_id = x.engagement_id
          AND y.system = x.system AND y.kept = x.kept)::int AS discrepancies
FROM reconciliations x JOIN deliveries d ON d.engagement_id = x.engagement_id
WHERE {scope}
  AND (%(kept)s::text IS NULL OR x.kept = %(kept)s)
  AND (%(system)s::text IS NULL OR x.system = %(system)s)
  AND (%(engagement)s::text IS NULL OR d.number = %(engagement)s)
  AND (%(at)s::timestamptz IS NULL OR (x.compared_at, x.engagement_id, x.system, x.kept)
       > (%(at)s, %(after_id)s, %(after_system)s, %(after_kept)s))
ORDER BY x.compared_at, x.engagement_id, x.system, x.kept LIMIT %(limit)s
""".replace("{scope}", _SCOPE)

_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})


@dataclass(frozen=True)
class Filters:
    """Null: whatever it is."""

    kept: str | None = None
    kind: str | None = None
    system: str | None = None
    entity: str | None = None
    engagement: str | None = None  #: its number
    before: datetime | None = None  #: first seen by then
    q: str | None = None

    def values(self) -> dict[str, Any]:
        text = None if self.q is None else f"%{self.q.translate(_ESCAPED)}%"
        return {**vars(self), "q": text}


@dataclass(frozen=True)
class Summary:
    """Counts by kind of record, difference, system and legal entity; hours and each currency are
    never added up."""

    kept: dict[str, int] = field(default_factory=dict[str, int])
    kinds: dict[str, int] = field(default_factory=dict[str, int])
    systems: dict[str, int] = field(default_factory=dict[str, int])
    entities: dict[str, int] = field(default_factory=dict[str, int])
    apart: dict[tuple[str, str], Decimal] = field(default_factory=dict[tuple[str, str], Decimal])
    """(kind of record, `hour` or a currency) → how much, whichever side has more."""
    count: int = 0
    since: datetime | None = None  #: of the oldest


def page(
    tx: Tx,
    sees: Sees,
    filters: Filters,
    *,
    newest_first: bool = False,
    after: tuple[str, str] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """The rows behind `after`, which is the `key_of` of the last one that is known."""
    way: LiteralString = "DESC" if newest_first else "ASC"
    sign: LiteralString = "<" if newest_first else ">"
    query: LiteralString = _PAGE
    if after is not None:
        query += f" AND (x.first_seen_at, x.id) {sign} (%(after)s::timestamptz, %(after_id)s::uuid)"
    query += f" ORDER BY x.first_seen_at {way}, x.id {way} LIMIT %(limit)s"
    at, id = after or (None, None)
    values = {**sees.values(), **filters.values(), "after": at, "after_id": id, "limit": limit}
    return tx.execute(query, values).fetchall()


def key_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Where a page ends."""
    return row["first_seen_at"].isoformat(), str(row["id"])


def summary(tx: Tx, sees: Sees, filters: Filters) -> Summary:
    found = Summary()
    for row in tx.execute(_SUMMARY, {**sees.values(), **filters.values()}).fetchall():
        for counts, name in (
            (found.kept, "kept"), (found.kinds, "kind"), (found.systems, "system"),
            (found.entities, "legal_entity"),
        ):  # fmt: skip
            counts[row[name]] = counts.get(row[name], 0) + row["count"]
        of = (row["kept"], row["unit"])
        found.apart[of] = found.apart.get(of, Decimal(0)) + row["apart"]
        since = row["since"] if found.since is None else min(found.since, row["since"])
        found = replace(found, count=found.count + row["count"], since=since)
    return found


def one(tx: Tx, sees: Sees, id: UUID) -> dict[str, Any] | None:
    return tx.execute(_ONE, {**sees.values(), "id": id}).fetchone()


def is_comparing(tx: Tx, engagement: str) -> bool:
    return tx.execute(_COMPARING, [engagement]).fetchone() is not None


def comparisons(
    tx: Tx,
    sees: Sees,
    *,
    kept: str | None = None,
    system: str | None = None,
    engagement: str | None = None,
    after: tuple[str, str, str, str] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """`after`: the `comparison_key` of the last row that is known."""
    at, id, of, what = after or (None, None, None, None)
    values = {
        **sees.values(), "kept": kept, "system": system, "engagement": engagement, "limit": limit,
        "at": at, "after_id": id, "after_system": of, "after_kept": what,
    }  # fmt: skip
    return tx.execute(_COMPARISONS, values).fetchall()


def comparison_key(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return row["compared_at"].isoformat(), row["engagement_id"], row["system"], row["kept"]
