"""Revenue by month: its entries, and the batches that they are approved in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.domain.ids import derived
from fairlead.domain.model.revenue import Position, RevenueMethod
from fairlead.domain.model.revenue_batch import (
    Change,
    EntryState,
    RevenueBatch,
    RevenueEntry,
)
from fairlead.domain.values import ExternalRef, Money
from fairlead.store import bulk
from fairlead.store.database import Tx

_ENTRY = """
SELECT e.*, d.number, d.name, d.code AS project_code,
       d.body -> 'refs' -> 'ledger_project' AS project,
       before.revenue AS back_revenue, before.billed_change AS back_billed,
       before.wip_change AS back_wip, before.deferred_change AS back_deferred
FROM revenue_entries e
JOIN deliveries d USING (engagement_id)
LEFT JOIN LATERAL (
    SELECT * FROM revenue_entries o
    WHERE o.engagement_id = e.engagement_id AND o.month = e.month AND o.revision < e.revision
      AND o.state IN ('approved', 'posted', 'replaced')
    ORDER BY o.revision DESC LIMIT 1
) AS before ON true
"""

_OF_BATCHES = _ENTRY + "WHERE e.batch_id = ANY(%s) ORDER BY e.batch_id, d.number, e.engagement_id"

# The entries that count, newest month first; with each the basis that gives it again.
_OF_ENGAGEMENT = _ENTRY + "WHERE e.engagement_id = %s ORDER BY e.month DESC, e.revision DESC"

# The entry that counts before a month, and those of the month itself that count or are drafts.
_BEFORE = """
SELECT DISTINCT ON (engagement_id) * FROM revenue_entries
WHERE engagement_id = ANY(%s) AND month < %s AND state NOT IN ('lapsed', 'replaced')
ORDER BY engagement_id, month DESC, revision DESC
"""
_OF_MONTH = """
SELECT DISTINCT ON (engagement_id, state = 'draft') *,
       max(revision) OVER (PARTITION BY engagement_id) AS last_revision
FROM revenue_entries WHERE engagement_id = ANY(%s) AND month = %s
ORDER BY engagement_id, state = 'draft', revision DESC
"""

_BATCHES = "SELECT * FROM revenue_batches WHERE id = ANY(%s) ORDER BY id"

# Newest first, with the number of their entries.
_PAGE = """
SELECT b.*, (SELECT count(*) FROM revenue_entries e WHERE e.batch_id = b.id)::int AS entries
FROM revenue_batches b
WHERE (%(regions)s::text[] IS NULL OR b.region = ANY(%(regions)s))
  AND (%(legal_entities)s::text[] IS NULL OR b.legal_entity = ANY(%(legal_entities)s))
  AND (%(state)s::text IS NULL OR b.state = %(state)s)
  AND (%(month)s::date IS NULL OR b.month = %(month)s)
  AND (%(at)s::timestamptz IS NULL OR (b.computed_at, b.id) < (%(at)s, %(id)s))
ORDER BY b.computed_at DESC, b.id DESC LIMIT %(limit)s
"""

# A company's and region's batch of a month that is worked on; made where there is none.
_OPEN_BATCH = """
INSERT INTO revenue_batches (id, legal_entity, region, month, number, state, computed_by,
    computed_at)
SELECT %(id)s, %(legal_entity)s, %(region)s, %(month)s, %(number)s, 'computed', %(by)s, %(at)s
ON CONFLICT (legal_entity, region, month) WHERE state IN ('computed', 'proposed')
DO UPDATE SET state = 'computed', proposed_by = NULL, proposed_at = NULL, digest = NULL,
    computed_at = EXCLUDED.computed_at, version = revenue_batches.version + 1,
    computed_by = (SELECT jsonb_agg(DISTINCT who) FROM jsonb_array_elements(
        revenue_batches.computed_by || EXCLUDED.computed_by) AS who)
RETURNING id
"""
_NUMBER = """
SELECT coalesce(max(number), 0) + 1 AS number FROM revenue_batches
WHERE legal_entity = %s AND region = %s AND month = %s
"""

_SAVE_BATCH = """
UPDATE revenue_batches SET state = %(state)s, proposed_by = %(proposed_by)s,
    proposed_at = CASE WHEN %(proposed_by)s::text IS NULL THEN NULL
                       ELSE coalesce(proposed_at, %(at)s) END,
    approved_by = %(approved_by)s,
    approved_at = CASE WHEN %(approved_by)s::text IS NULL THEN NULL
                       ELSE coalesce(approved_at, %(at)s) END,
    posted_at = CASE WHEN %(state)s = 'posted' THEN coalesce(posted_at, %(at)s) END,
    digest = %(digest)s, reason = %(reason)s, version = %(version)s
WHERE id = %(id)s
"""

_APPROVE = """
UPDATE revenue_entries SET state = 'approved' WHERE batch_id = %s AND state = 'draft'
"""
_REPLACE = """
UPDATE revenue_entries old SET state = 'replaced' FROM revenue_entries new
WHERE new.batch_id = %s AND old.engagement_id = new.engagement_id AND old.month = new.month
  AND old.revision < new.revision AND old.state IN ('approved', 'posted')
"""

# Months that were closed take nothing more: what was not approved in time is of the next month.
_LAPSE = """
WITH closed AS (
    UPDATE revenue_batches b SET state = 'lapsed', version = version + 1 FROM periods p
    WHERE p.legal_entity = b.legal_entity AND p.month = b.month AND p.state = 'closed'
      AND b.state IN ('computed', 'proposed')
    RETURNING b.id
)
UPDATE revenue_entries e SET state = 'lapsed' FROM closed
WHERE e.batch_id = closed.id AND e.state = 'draft'
"""

# Earlier months of the company and region that are neither approved nor closed.
_EARLIER = """
SELECT month FROM revenue_batches b WHERE legal_entity = %s AND region = %s AND month < %s
  AND state IN ('computed', 'proposed') AND EXISTS (
    SELECT 1 FROM revenue_entries e WHERE e.batch_id = b.id AND e.state = 'draft')
  AND NOT EXISTS (SELECT 1 FROM periods p WHERE p.legal_entity = b.legal_entity
                  AND p.month = b.month AND p.state = 'closed')
ORDER BY month LIMIT 1
"""

_BATCH_COLUMNS = (
    "id", "legal_entity", "region", "month", "number", "state", "computed_by", "proposed_by",
    "approved_by", "digest", "reason", "version",
)  # fmt: skip


# entries


def standing_before(tx: Tx, ids: Sequence[str], month: date) -> dict[str, Mapping[str, Any]]:
    """Engagement → the row that its month's changes count from."""
    rows = tx.execute(_BEFORE, [list(ids), month]).fetchall()
    return {row["engagement_id"]: row for row in rows}


def of_month(
    tx: Tx, ids: Sequence[str], month: date
) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """(engagement → its last row that is no draft, engagement → its draft).

    `last_revision` is the highest there is of the engagement and month.
    """
    fixed: dict[str, Mapping[str, Any]] = {}
    drafts: dict[str, Mapping[str, Any]] = {}
    for row in tx.execute(_OF_MONTH, [list(ids), month]):
        (drafts if row["state"] == EntryState.DRAFT else fixed)[row["engagement_id"]] = row
    return fixed, drafts


def put_drafts(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    bulk.upsert(tx, "revenue_entries", rows, keys=("engagement_id", "month", "revision"))


def drop_drafts(tx: Tx, ids: Sequence[str], month: date) -> None:
    """Drafts that say nothing else than what was approved."""
    tx.execute(
        "DELETE FROM revenue_entries WHERE engagement_id = ANY(%s) AND month = %s "
        "AND state = 'draft'",
        [list(ids), month],
    )


def of_engagement(tx: Tx, id: str) -> list[tuple[RevenueEntry, dict[str, Any]]]:
    """Every entry, newest month first, with its basis as it was kept."""
    rows = tx.execute(_OF_ENGAGEMENT, [id]).fetchall()
    return [(_entry(row), row["basis"]) for row in rows]


# batches


def open_batch(
    tx: Tx, *, legal_entity: str, region: str, month: date, by: str, at: datetime
) -> str:
    """The batch that drafts go to. What was proposed of it is not proposed any more."""
    row = tx.execute(_NUMBER, [legal_entity, region, month]).fetchone()
    assert row is not None
    number = row["number"]
    values = {
        "id": derived("revenue", legal_entity, region, f"{month:%Y-%m}", str(number)),
        "legal_entity": legal_entity,
        "region": region,
        "month": month,
        "number": number,
        "by": Jsonb([by]),
        "at": at,
    }
    row = tx.execute(_OPEN_BATCH, values).fetchone()
    assert row is not None
    return row["id"]


def batches(tx: Tx, ids: Sequence[str], *, lock: bool = False) -> dict[str, RevenueBatch]:
    rows = tx.execute(_BATCHES + (" FOR UPDATE" if lock else ""), [list(ids)]).fetchall()
    entries: dict[str, list[RevenueEntry]] = {row["id"]: [] for row in rows}
    for row in tx.execute(_OF_BATCHES, [list(entries)]):
        entries[row["batch_id"]].append(_entry(row))
    return {
        row["id"]: RevenueBatch.model_validate(
            {name: row[name] for name in _BATCH_COLUMNS} | {"entries": tuple(entries[row["id"]])}
        )
        for row in rows
    }


def page(
    tx: Tx,
    *,
    regions: Sequence[str] | None,
    legal_entities: Sequence[str] | None,
    state: str | None,
    month: date | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Batches without their entries, those that were computed last first."""
    at, id = after or (None, None)
    values = {
        "regions": None if regions is None else sorted(regions),
        "legal_entities": None if legal_entities is None else sorted(legal_entities),
        "state": state,
        "month": month,
        "at": at,
        "id": id,
        "limit": limit,
    }
    return tx.execute(_PAGE, values).fetchall()


def save_batch(tx: Tx, batch: RevenueBatch, at: datetime) -> None:
    """Its state and who decided; its entries stay as they are. It has been locked."""
    tx.execute(
        _SAVE_BATCH,
        {
            "id": batch.id,
            "state": batch.state,
            "proposed_by": batch.proposed_by,
            "approved_by": batch.approved_by,
            "digest": batch.digest,
            "reason": batch.reason,
            "version": batch.version,
            "at": at,
        },
    )


def approve_entries(tx: Tx, batch: str) -> None:
    """The drafts of a batch stand from now on; what they follow is replaced."""
    tx.execute(_REPLACE, [batch])
    tx.execute(_APPROVE, [batch])


def booked(tx: Tx, batch: str, refs: Mapping[str, Mapping[str, ExternalRef]]) -> None:
    """All journals of a batch are in the ledger. refs: engagement → code of a journal → it."""
    rows = [
        {
            "engagement_id": id,
            "ref": next((r.model_dump() for code, r in of.items() if _own(code)), None),
            "back": next((r.model_dump() for code, r in of.items() if not _own(code)), None),
        }
        for id, of in refs.items()
    ]
    tx.execute(
        """
        WITH made AS (
            SELECT engagement_id, ref, back FROM jsonb_to_recordset(%(rows)s)
              AS r(engagement_id text, ref jsonb, back jsonb)
        ), taken_back AS (
            UPDATE revenue_entries old SET reversal_ref = made.back
            FROM made JOIN revenue_entries new ON new.engagement_id = made.engagement_id
              AND new.batch_id = %(batch)s
            WHERE made.back IS NOT NULL AND old.engagement_id = new.engagement_id
              AND old.month = new.month AND old.revision = (
                SELECT max(o.revision) FROM revenue_entries o
                WHERE o.engagement_id = new.engagement_id AND o.month = new.month
                  AND o.revision < new.revision AND o.state = 'replaced')
        )
        UPDATE revenue_entries e SET ref = made.ref,
               state = CASE WHEN e.state = 'approved' THEN 'posted' ELSE e.state END
        FROM made WHERE e.batch_id = %(batch)s AND e.engagement_id = made.engagement_id
        """,
        {"rows": Jsonb(rows), "batch": batch},
    )


def lapse(tx: Tx) -> None:
    tx.execute(_LAPSE)


def earlier_open(tx: Tx, batch: RevenueBatch) -> date | None:
    """The first earlier month of its company and region that is still to be approved."""
    row = tx.execute(_EARLIER, [batch.legal_entity, batch.region, batch.month]).fetchone()
    return row["month"] if row else None


def month_closed(tx: Tx, legal_entity: str, month: date) -> bool:
    """Nothing more is booked in it. The row is locked, so that it is not closed meanwhile."""
    row = tx.execute(
        "SELECT state FROM periods WHERE legal_entity = %s AND month = %s FOR SHARE",
        [legal_entity, month],
    ).fetchone()
    return row is not None and row["state"] == "closed"


def _own(code: str) -> bool:
    return not code.endswith("/back")


def _entry(row: Mapping[str, Any]) -> RevenueEntry:
    currency = row["currency"]

    def money(name: str) -> Money:
        return Money(amount=row[name], currency=currency)

    back = row["back_revenue"] is not None
    return RevenueEntry(
        engagement=row["engagement_id"],
        number=row["number"],
        name=row["name"],
        project_code=row["project_code"],
        project=ExternalRef.model_validate(row["project"]) if row["project"] else None,
        month=row["month"],
        revision=row["revision"],
        state=EntryState(row["state"]),
        method=RevenueMethod(row["method"]),
        currency=currency,
        position=Position(
            on=_last_day(row),
            **{name: money(name) for name in ("earned", "billed", "wip", "accrued", "deferred")},
        ),
        change=Change(
            revenue=money("revenue"),
            billed=money("billed_change"),
            wip=money("wip_change"),
            deferred=money("deferred_change"),
        ),
        takes_back=Change(
            revenue=money("back_revenue"),
            billed=money("back_billed"),
            wip=money("back_wip"),
            deferred=money("back_deferred"),
        )
        if back
        else None,
        warnings=tuple(row["warnings"]),
        digest=row["digest"],
        ref=ExternalRef.model_validate(row["ref"]) if row["ref"] else None,
    )


def _last_day(row: Mapping[str, Any]) -> date:
    return date.fromisoformat(row["basis"]["on"])
