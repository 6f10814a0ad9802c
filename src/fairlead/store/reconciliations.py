"""Our own records to be compared, and what a comparison found (F117, F163)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import sql

from fairlead.domain.ids import derived
from fairlead.domain.model.discrepancy import Discrepancy, Kept, Record
from fairlead.domain.values import ExternalRef
from fairlead.store import bulk
from fairlead.store.database import Tx

_HOUR = Decimal(60)
_PLACES = Decimal("0.0001")  #: of hours: both sides are told apart by less than a minute

# Approved time; `pending`: it may be on its way, or came after we asked.
_TIME = """
SELECT x.id::text AS key, coalesce(e.ref ->> 'id', '') AS ref, x.minutes, x.day AS "on",
       coalesce(lower(p.email), '') AS whose,
       (x.decided_at >= %(asked_at)s OR e.state IN ('intended', 'unknown')
        OR e.settled_at >= %(asked_at)s
        OR (e.key IS NULL AND EXISTS (SELECT FROM runs r WHERE r.subject_id = x.engagement_id
            AND r.playbook = 'book-work' AND r.ended_at IS NULL))) IS TRUE AS pending
FROM time_entries x LEFT JOIN resources p ON p.id = x.resource_id
LEFT JOIN effects e ON e.key = 'time/' || x.id
WHERE x.engagement_id = %(engagement)s AND x.state = 'approved'
  AND x.day BETWEEN %(start)s AND %(end)s
ORDER BY x.day, x.id
"""

# Approved expenses, and what was booked of each.
_EXPENSES = """
SELECT x.id::text AS key, coalesce(e.ref ->> 'id', '') AS ref, x.claimed AS amount,
       d.currency AS unit, x.day AS "on", coalesce(lower(p.email), '') AS whose,
       e.state = 'confirmed' AS booked,
       (x.decided_at >= %(asked_at)s OR e.state IN ('intended', 'unknown')
        OR (e.key IS NULL AND EXISTS (SELECT FROM runs r WHERE r.subject_id = x.engagement_id
            AND r.playbook = 'book-work' AND r.ended_at IS NULL))) IS TRUE AS pending
FROM expenses x JOIN deliveries d USING (engagement_id)
LEFT JOIN resources p ON p.id = x.resource_id
LEFT JOIN effects e ON e.key = 'expense/' || x.id
WHERE x.engagement_id = %(engagement)s AND x.state = 'approved'
ORDER BY x.day, x.id
"""

# Invoices and credits that the ledger was told of.
_INVOICES = """
SELECT reference AS key, coalesce(ref ->> 'id', '') AS ref, net AS amount, currency AS unit,
       dated_on AS "on", CASE state WHEN 'paid' THEN 'posted' ELSE state END AS state,
       (state = 'released' OR posted_at >= %(asked_at)s) AS pending
FROM invoices WHERE engagement_id = %(engagement)s AND state IN ('released', 'posted', 'paid')
ORDER BY reference
"""

# Journals of revenue in the ledger, and those that took earlier ones back.
_REVENUE = """
SELECT d.code || to_char(x.month, '/YYYY-MM/') || x.revision || j.what AS key, j.ref,
       CASE j.what WHEN '' THEN x.revenue ELSE -x.revenue END AS amount, x.currency AS unit,
       (x.month + interval '1 month - 1 day')::date AS "on"
FROM revenue_entries x JOIN deliveries d USING (engagement_id)
CROSS JOIN LATERAL (VALUES ('', x.ref), (' taken back', x.reversal_ref)) AS j (what, ref)
WHERE x.engagement_id = %(engagement)s AND x.month >= %(since)s AND j.ref ->> 'id' IS NOT NULL
ORDER BY x.month, x.revision, j.what
"""

# Purchase requisitions that were made for an engagement.
_REQUISITIONS = """
SELECT request ->> 'code' AS key, ref, (request -> 'cost' ->> 'amount')::numeric AS amount,
       request -> 'cost' ->> 'currency' AS unit
FROM effects WHERE subject_id = %s AND operation = 'procurement.create_requisition'
  AND state = 'confirmed' AND ref ->> 'id' IS NOT NULL ORDER BY 1
"""

_NOTE = """
INSERT INTO reconciliations (engagement_id, system, kept, ours, theirs, our_sum, their_sum, unit,
    region, compared_at)
VALUES (%(engagement)s, %(system)s, %(kept)s, %(ours)s, %(theirs)s, %(our_sum)s, %(their_sum)s,
    %(unit)s, %(region)s, %(at)s)
ON CONFLICT (engagement_id, system, kept) DO UPDATE SET ours = EXCLUDED.ours,
    theirs = EXCLUDED.theirs, our_sum = EXCLUDED.our_sum, their_sum = EXCLUDED.their_sum,
    unit = EXCLUDED.unit, region = EXCLUDED.region, compared_at = EXCLUDED.compared_at
WHERE reconciliations.compared_at < EXCLUDED.compared_at
"""

_GONE = """
DELETE FROM discrepancies WHERE engagement_id = %s AND system = %s AND kept = %s
  AND id <> ALL(%s)
"""

# What is seen again keeps the day on which it was seen first.
_SEEN = """
INSERT INTO discrepancies (id, engagement_id, system, kept, kind, key, refs, ours, theirs,
    difference, unit, day, whose, words, remedy, region, first_seen_at, last_seen_at)
SELECT id, engagement_id, system, kept, kind, key, refs, ours, theirs, difference, unit, day,
    whose, words, remedy, region, first_seen_at, last_seen_at
FROM json_populate_recordset(NULL::discrepancies, %s::json)
ON CONFLICT (id) DO UPDATE SET kind = EXCLUDED.kind, refs = EXCLUDED.refs, ours = EXCLUDED.ours,
    theirs = EXCLUDED.theirs, difference = EXCLUDED.difference, unit = EXCLUDED.unit,
    words = EXCLUDED.words, remedy = EXCLUDED.remedy, last_seen_at = EXCLUDED.last_seen_at
"""

# Those whose day has come, and those that were never compared.
_DUE = """
INSERT INTO reconciliation_due (engagement_id, due_at)
SELECT d.engagement_id, clock_timestamp() + %(every)s
FROM deliveries d LEFT JOIN reconciliation_due r USING (engagement_id)
WHERE d.closed_at IS NULL AND coalesce(r.due_at, d.opened_at + %(every)s) <= clock_timestamp()
ORDER BY r.due_at NULLS FIRST LIMIT %(limit)s
ON CONFLICT (engagement_id) DO UPDATE SET due_at = EXCLUDED.due_at
WHERE reconciliation_due.due_at <= clock_timestamp()
RETURNING engagement_id
"""

_SCOPED = sql.SQL("""
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
""")

_DISCREPANCIES = sql.SQL("""
SELECT x.*, d.number, d.client_name FROM discrepancies x JOIN deliveries d USING (engagement_id)
WHERE {scoped}
  AND (%(engagement)s::text IS NULL OR %(engagement)s IN (d.engagement_id, d.number, d.code))
  AND (%(system)s::text IS NULL OR x.system = %(system)s)
  AND (%(kept)s::text IS NULL OR x.kept = %(kept)s)
  AND (%(kind)s::text IS NULL OR x.kind = %(kind)s)
  AND (%(at)s::timestamptz IS NULL OR (x.first_seen_at, x.id) > (%(at)s, %(id)s::uuid))
ORDER BY x.first_seen_at, x.id LIMIT %(limit)s
""").format(scoped=_SCOPED)

_RECONCILIATIONS = sql.SQL("""
SELECT x.*, x.engagement_id || '/' || x.system || '/' || x.kept AS place,
       d.number, d.client_name,
       (SELECT count(*) FROM discrepancies y WHERE y.engagement_id = x.engagement_id
        AND y.system = x.system AND y.kept = x.kept)::int AS discrepancies
FROM reconciliations x JOIN deliveries d USING (engagement_id)
WHERE {scoped}
  AND (%(engagement)s::text IS NULL OR %(engagement)s IN (d.engagement_id, d.number, d.code))
  AND (%(system)s::text IS NULL OR x.system = %(system)s)
  AND (%(kept)s::text IS NULL OR x.kept = %(kept)s)
  AND (%(at)s::timestamptz IS NULL OR (x.compared_at,
       x.engagement_id || '/' || x.system || '/' || x.kept) > (%(at)s, %(id)s))
ORDER BY x.compared_at, place LIMIT %(limit)s
""").format(scoped=_SCOPED)

# By system and kind of record: how many differ, by how much, and since when.
_SUMMARY = sql.SQL("""
SELECT x.system, x.kept, x.unit, count(*)::int AS count, sum(abs(x.difference)) AS apart,
       min(x.first_seen_at) AS since
FROM discrepancies x JOIN deliveries d USING (engagement_id)
WHERE {scoped} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""").format(scoped=_SCOPED)


def our_time(
    tx: Tx, engagement: str, start: date, end: date, asked_at: datetime
) -> tuple[Record, ...]:
    """Approved time, in hours."""
    asked = {"engagement": engagement, "start": start, "end": end, "asked_at": asked_at}
    return tuple(
        Record(
            key=row["key"],
            ref=row["ref"],
            amount=hours(Decimal(row["minutes"]) / _HOUR),
            unit="hour",
            on=row["on"],
            whose=row["whose"],
            pending=row["pending"],
        )
        for row in tx.execute(_TIME, asked)
    )


def hours(exact: Decimal) -> Decimal:
    """As both sides are compared: systems keep minutes, or decimals of an hour."""
    return exact.quantize(_PLACES) + 0


def our_expenses(
    tx: Tx, engagement: str, asked_at: datetime
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """Approved expenses, and those of them that the ledger confirmed."""
    ours: list[Record] = []
    booked: list[Record] = []
    for row in tx.execute(_EXPENSES, {"engagement": engagement, "asked_at": asked_at}):
        fields = {name: value for name, value in row.items() if name != "booked"}
        record = Record(**fields)
        ours.append(record)
        if row["booked"]:
            booked.append(record)
    return tuple(ours), tuple(booked)


def our_invoices(tx: Tx, engagement: str, asked_at: datetime) -> tuple[Record, ...]:
    rows = tx.execute(_INVOICES, {"engagement": engagement, "asked_at": asked_at})
    return tuple(Record(**row) for row in rows)


def our_journals(tx: Tx, engagement: str, since: date) -> dict[ExternalRef, Record]:
    """Of the months that begin on this day or later: the journal in the ledger → what we booked."""
    rows = tx.execute(_REVENUE, {"engagement": engagement, "since": since}).fetchall()
    refs = [ExternalRef.model_validate(row["ref"]) for row in rows]
    return {
        ref: Record(
            key=row["key"],
            ref=ref.id,
            amount=row["amount"],
            unit=row["unit"],
            on=row["on"],
            state="posted",
            dated=True,
        )
        for ref, row in zip(refs, rows, strict=True)
    }


def our_requisitions(tx: Tx, engagement: str) -> dict[ExternalRef, Record]:
    """The requisition in the procurement system → what it was asked for."""
    rows = tx.execute(_REQUISITIONS, [engagement]).fetchall()
    refs = [ExternalRef.model_validate(row["ref"]) for row in rows]
    return {
        ref: Record(key=row["key"], ref=ref.id, amount=row["amount"], unit=row["unit"])
        for ref, row in zip(refs, rows, strict=True)
    }


def note(
    tx: Tx,
    *,
    engagement: str,
    region: str | None,
    system: str,
    kept: Kept,
    ours: Sequence[Record],
    theirs: Sequence[Record],
    found: Sequence[Discrepancy],
    unit: str,
    at: datetime,
) -> bool:
    """What a complete comparison found takes the place of what was found before. False: a later
    one has been noted already, and nothing is changed."""
    of = {"engagement": engagement, "system": system, "kept": kept}
    told = {
        **of,
        "region": region,
        "ours": len(ours),
        "theirs": len(theirs),
        "our_sum": _sum(ours, unit),
        "their_sum": _sum(theirs, unit),
        "unit": unit,
        "at": at,
    }
    if not tx.execute(_NOTE, told).rowcount:
        return False
    rows = [_row(one, engagement, region, system, at) for one in found]
    tx.execute(_GONE, [engagement, system, kept, [UUID(row["id"]) for row in rows]])
    if rows:
        tx.execute(_SEEN, [bulk.as_json(rows)])
    return True


def _sum(records: Sequence[Record], unit: str) -> Decimal:
    """Of what is in this unit: amounts in another currency are counted, and not added."""
    return sum((record.amount for record in records if record.unit == unit), Decimal(0))


def _row(
    one: Discrepancy, engagement: str, region: str | None, system: str, at: datetime
) -> dict[str, Any]:
    """What stays the same while it differs in another way is one discrepancy."""
    told = one.refs[0] if one.ours is None else one.key
    return {
        "id": derived("discrepancy", engagement, system, one.kept, told),
        "engagement_id": engagement,
        "system": system,
        "kept": one.kept,
        "kind": one.kind,
        "key": one.key,
        "refs": list(one.refs),
        "ours": one.ours,
        "theirs": one.theirs,
        "difference": one.difference,
        "unit": one.unit,
        "day": one.on,
        "whose": one.whose,
        "words": one.words,
        "remedy": one.remedy,
        "region": region,
        "first_seen_at": at,
        "last_seen_at": at,
    }


def cause_of(engagement: str, system: str, kept: str) -> str:
    """Of the exception that asks about the differences of one comparison."""
    return f"reconciliation/{engagement}/{system}/{kept}"


def take_due(tx: Tx, every: timedelta, limit: int) -> list[str]:
    """Engagements whose turn it is; the next turn of each is noted."""
    rows = tx.execute(_DUE, {"every": every, "limit": limit}).fetchall()
    return [row["engagement_id"] for row in rows]


def discrepancies(tx: Tx, scope: Mapping[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """Oldest first. `scope`: regions and entities; `asked`: engagement, system, kept, kind, at and
    id (of the last row of the page before), limit."""
    return tx.execute(_DISCREPANCIES, {**scope, **asked}).fetchall()


def reconciliations(tx: Tx, scope: Mapping[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """Last comparisons, longest ago first."""
    return tx.execute(_RECONCILIATIONS, {**scope, **asked}).fetchall()


def summary(tx: Tx, scope: Mapping[str, Any]) -> list[dict[str, Any]]:
    return tx.execute(_SUMMARY, scope).fetchall()
