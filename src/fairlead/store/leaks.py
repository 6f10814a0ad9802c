"""What leaks: found anew in sets, kept with when it was first and last seen (F088, F234)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from fairlead.domain.model.leakage import Leak, LeakKind
from fairlead.domain.values import Money
from fairlead.store.database import Tx

# The queries below are put together of the constants of this file only.

#: Per engagement: from how many days on what is not invoiced counts.
_RULES = """
rules AS (
    SELECT d.engagement_id, d.legal_entity, d.region, d.currency, d.starts_on, d.ends_on,
           d.closed_at, d.billing_method, r.unbilled_after_days, r.expense_after_days, r.minor
    FROM jsonb_to_recordset(%(rules)s) AS r(engagement_id text, unbilled_after_days int,
                                            expense_after_days int, minor int)
    JOIN deliveries d USING (engagement_id)
)
"""

#: What an entry of time (`e`) would be invoiced for; rounded as an invoice does, away from zero.
_WORTH = """
LEFT JOIN LATERAL (
    SELECT round(e.minutes * p.per_hour / 60, rules.minor) AS amount FROM bill_rates p
    WHERE p.engagement_id = e.engagement_id AND p.role = e.role
      AND p.resource_id IN ('', e.resource_id) AND p.valid_from <= e.day
    ORDER BY p.resource_id = '', p.valid_from DESC LIMIT 1
) AS worth ON true
"""

#: An entry that another takes back leaks no more, nor does what takes it back.
_STANDS = """
e.state = 'approved' AND e.reverses IS NULL AND NOT EXISTS (
    SELECT 1 FROM {table} b WHERE b.reverses = e.id AND b.state = 'approved')
"""
_TIME_STANDS = _STANDS.replace("{table}", "time_entries")
_EXPENSE_STANDS = _STANDS.replace("{table}", "expenses")

# Approved and billable time of contracts that bill what was worked, in no invoice for too long.
_UNBILLED_TIME = f"""
SELECT 'unbilled_time' AS kind, e.id::text AS item_id, e.engagement_id,
       'finance-operations' AS owner,
       e.day, e.minutes, worth.amount,
       'approved and in no invoice for ' || (%(on)s - e.day) || ' days' AS why
FROM rules JOIN time_entries e USING (engagement_id) {_WORTH}
WHERE {_TIME_STANDS} AND e.billable AND rules.billing_method = 'as_worked'
  AND e.day < %(on)s - rules.unbilled_after_days
  AND NOT EXISTS (SELECT 1 FROM invoice_items i
                  WHERE i.kind = 'time' AND i.item_id = e.id AND i.live)
"""  # noqa: S608

_MISSED_EXPENSE = f"""
SELECT 'missed_expense', e.id::text, e.engagement_id, 'finance-operations', e.day, 0, e.claimed,
       'approved and in no invoice for ' || (%(on)s - e.day) || ' days'
FROM rules JOIN expenses e USING (engagement_id)
WHERE {_EXPENSE_STANDS} AND e.billable AND e.day < %(on)s - rules.expense_after_days
  AND NOT EXISTS (SELECT 1 FROM invoice_items i
                  WHERE i.kind = 'expense' AND i.item_id = e.id AND i.live)
"""  # noqa: S608

# What was given up: prices that were credited without freeing the item, and items written off.
_WRITE_OFF = """
SELECT 'write_off', i.kind || ':' || i.item_id, v.engagement_id, 'finance-operations',
       max(v.dated_on), coalesce(sum(i.minutes), 0)::int,
       -sum(CASE WHEN v.kind = 'credit'
                 THEN i.amount + coalesce(i.discount, 0) + coalesce(i.capped, 0)
                 ELSE coalesce(i.discount, 0) + coalesce(i.capped, 0) END),
       CASE WHEN bool_or(v.kind = 'write_off') THEN 'written off' ELSE 'credited for good' END
FROM rules JOIN invoices v USING (engagement_id)
JOIN invoice_items i ON i.invoice_id = v.id
WHERE v.state IN ('released', 'posted', 'paid')
  AND (v.kind = 'write_off' OR (v.kind = 'credit' AND i.frees IS FALSE))
GROUP BY v.engagement_id, i.kind, i.item_id
"""

# Work that nobody sold: on no package, or outside the days of its package or of the engagement.
_BEYOND_SCOPE = f"""
SELECT 'beyond_scope', e.id::text, e.engagement_id, 'delivery-operations', e.day, e.minutes,
       worth.amount,
       CASE WHEN w.code IS NULL THEN 'booked on no work package of the contract'
            WHEN e.day > rules.ends_on THEN 'worked after the end of the engagement'
            WHEN e.day < rules.starts_on THEN 'worked before the start of the engagement'
            ELSE 'worked after work package ' || w.code || ' was closed' END
FROM rules JOIN time_entries e USING (engagement_id)
LEFT JOIN work_packages w ON w.engagement_id = e.engagement_id AND w.code = e.task
{_WORTH}
WHERE {_TIME_STANDS} AND (w.code IS NULL OR e.day > rules.ends_on OR e.day < rules.starts_on
                          OR e.day > w.closed_on)
"""  # noqa: S608

# Minutes of a package over its budget, at the average of what its work is worth.
_OVERRUN = f"""
SELECT 'beyond_scope', e.engagement_id || ':' || w.code, e.engagement_id, 'delivery-operations',
       max(e.day), (sum(e.minutes) - w.minutes)::int,
       CASE WHEN bool_or(worth.amount IS NULL) THEN NULL
            ELSE round(sum(worth.amount) * (sum(e.minutes) - w.minutes) / sum(e.minutes),
                       rules.minor) END,
       'work package ' || w.code || ' is over its budget of ' || w.minutes / 60 || ' hours'
FROM rules JOIN time_entries e USING (engagement_id)
JOIN work_packages w ON w.engagement_id = e.engagement_id AND w.code = e.task
{_WORTH}
WHERE e.state = 'approved'
GROUP BY e.engagement_id, w.code, w.minutes, rules.minor HAVING sum(e.minutes) > w.minutes
"""  # noqa: S608

# Entered after the days that it lies in were invoiced, and not invoiced since.
_LATE_ENTRY = f"""
SELECT 'late_entry', e.id::text, e.engagement_id, 'delivery-operations', e.day, e.minutes,
       worth.amount,
       'entered on ' || e.entered_at::date || ', after ' || v.reference || ' had billed that day'
FROM rules JOIN time_entries e USING (engagement_id) {_WORTH}
JOIN LATERAL (
    SELECT v.reference FROM invoices v
    WHERE v.engagement_id = e.engagement_id AND v.kind = 'invoice' AND v.state <> 'discarded'
      AND e.day BETWEEN v.starts_on AND v.ends_on AND v.proposed_at < e.entered_at
    ORDER BY v.proposed_at LIMIT 1
) AS v ON true
WHERE {_TIME_STANDS} AND e.billable AND rules.billing_method = 'as_worked'
  AND NOT EXISTS (SELECT 1 FROM invoice_items i
                  WHERE i.kind = 'time' AND i.item_id = e.id AND i.live)
"""  # noqa: S608

_FIND: LiteralString = " UNION ALL ".join(
    (_UNBILLED_TIME, _MISSED_EXPENSE, _WRITE_OFF, _BEYOND_SCOPE, _OVERRUN, _LATE_ENTRY)
)

# What leaks now is kept; what does not any more is ended, and begins anew where it comes back.
_SWEEP: LiteralString = f"""
WITH {_RULES}, found AS ({_FIND}), kept AS (
    INSERT INTO leaks (kind, item_id, engagement_id, region, legal_entity, owner, day, minutes,
        amount, currency, why, first_seen_at, last_seen_at)
    SELECT f.kind, f.item_id, f.engagement_id, nullif(rules.region, ''), rules.legal_entity,
           f.owner, f.day, f.minutes, f.amount, rules.currency, f.why, %(at)s, %(at)s
    FROM found f JOIN rules USING (engagement_id)
    ON CONFLICT (kind, item_id) DO UPDATE SET owner = EXCLUDED.owner, day = EXCLUDED.day,
        minutes = EXCLUDED.minutes, amount = EXCLUDED.amount, why = EXCLUDED.why,
        first_seen_at = CASE WHEN leaks.gone_at IS NULL THEN leaks.first_seen_at
                             ELSE EXCLUDED.first_seen_at END,
        last_seen_at = EXCLUDED.last_seen_at, gone_at = NULL
    RETURNING kind, item_id
)
UPDATE leaks SET gone_at = %(at)s
WHERE gone_at IS NULL AND engagement_id IN (SELECT engagement_id FROM rules)
  AND NOT EXISTS (SELECT 1 FROM kept WHERE kept.kind = leaks.kind AND kept.item_id = leaks.item_id)
"""  # noqa: S608

_OPEN = """
SELECT kind, item_id, engagement_id, owner, day, minutes, amount, currency, why, first_seen_at,
       last_seen_at
FROM leaks WHERE gone_at IS NULL AND engagement_id = ANY(%s) ORDER BY day, kind, item_id
"""

# Every engagement that may leak, a chunk at a time.
_CHUNK = """
SELECT engagement_id, number, region, legal_entity, currency, contract_type, revenue_method
FROM deliveries WHERE engagement_id > %s ORDER BY engagement_id LIMIT %s
"""

_SOME = _CHUNK.replace(
    "engagement_id > %s ORDER BY engagement_id LIMIT %s", "engagement_id = ANY(%s)"
)

# Totals by engagement, kind and owner; `aged` has the sums by how old they are.
_TOTALS = """
SELECT l.engagement_id, d.number, d.name, l.kind, l.owner, l.currency, count(*)::int AS count,
       sum(l.minutes)::int AS minutes, coalesce(sum(l.amount), 0) AS amount,
       count(*) FILTER (WHERE l.amount IS NULL)::int AS unpriced, min(l.day) AS oldest,
       coalesce(sum(l.amount) FILTER (WHERE %(on)s - l.day <= 30), 0) AS "0-30",
       coalesce(sum(l.amount) FILTER (WHERE %(on)s - l.day BETWEEN 31 AND 60), 0) AS "31-60",
       coalesce(sum(l.amount) FILTER (WHERE %(on)s - l.day BETWEEN 61 AND 90), 0) AS "61-90",
       coalesce(sum(l.amount) FILTER (WHERE %(on)s - l.day > 90), 0) AS "over 90"
FROM leaks l JOIN deliveries d USING (engagement_id)
WHERE l.gone_at IS NULL
  AND (%(regions)s::text[] IS NULL OR l.region = ANY(%(regions)s))
  AND (%(legal_entities)s::text[] IS NULL OR l.legal_entity = ANY(%(legal_entities)s))
  AND (%(kind)s::text IS NULL OR l.kind = %(kind)s)
  AND (%(engagement)s::text IS NULL OR %(engagement)s IN (d.engagement_id, d.number))
GROUP BY 1, 2, 3, 4, 5, 6
HAVING %(after)s::text IS NULL OR (d.number, l.kind, l.owner) >
    (split_part(%(after)s, '|', 1), split_part(%(after)s, '|', 2), split_part(%(after)s, '|', 3))
ORDER BY d.number, l.kind, l.owner LIMIT %(limit)s
"""


def sweep(tx: Tx, rules: Sequence[dict[str, Any]], *, on: date, at: datetime) -> None:
    """Look at these engagements anew. `rules`: engagement, its days, as policy says, and how many
    decimals its currency has (`minor`)."""
    tx.execute(_SWEEP, {"rules": Jsonb(list(rules)), "on": on, "at": at})


def chunk(tx: Tx, after: str, limit: int) -> list[dict[str, Any]]:
    return tx.execute(_CHUNK, [after, limit]).fetchall()


def some(tx: Tx, ids: Collection[str]) -> list[dict[str, Any]]:
    """As `chunk`, of these engagements; those that are not launched are not in it."""
    return tx.execute(_SOME, [list(ids)]).fetchall()


def of_engagements(tx: Tx, ids: Collection[str]) -> list[Leak]:
    """What leaks now, oldest day first."""
    return [
        Leak(
            kind=LeakKind(row["kind"]),
            item=row["item_id"],
            engagement=row["engagement_id"],
            owner=row["owner"],
            day=row["day"],
            minutes=row["minutes"],
            amount=None
            if row["amount"] is None
            else Money(amount=row["amount"], currency=row["currency"]),
            why=row["why"],
        )
        for row in tx.execute(_OPEN, [list(ids)])
    ]


def totals(
    tx: Tx,
    *,
    on: date,
    regions: Collection[str] | None,
    legal_entities: Collection[str] | None,
    kind: str | None = None,
    engagement: str | None = None,
    after: str | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    """By engagement, kind and owner. An item may leak in two ways: kinds are not added up."""
    values = {
        "on": on,
        "regions": None if regions is None else list(regions),
        "legal_entities": None if legal_entities is None else list(legal_entities),
        "kind": kind,
        "engagement": engagement,
        "after": after,
        "limit": limit,
    }
    return tx.execute(_TOTALS, values).fetchall()


# The day's sweep, if somebody is not at it and it is not done.
_BEGIN = "INSERT INTO leak_sweeps (day) VALUES (%s) ON CONFLICT DO NOTHING"
_TAKE = "SELECT reached FROM leak_sweeps WHERE day = %s AND ended_at IS NULL FOR UPDATE SKIP LOCKED"
_ADVANCE = """
UPDATE leak_sweeps SET reached = %s, engagements = engagements + %s, ended_at = %s WHERE day = %s
"""


def take_sweep(tx: Tx, day: date) -> str | None:
    """The engagement that the day's sweep has reached, locked; null: it is done, or somebody is
    at it."""
    tx.execute(_BEGIN, [day])
    row = tx.execute(_TAKE, [day]).fetchone()
    return row["reached"] if row else None


def advance_sweep(
    tx: Tx, day: date, *, reached: str, engagements: int, ended_at: datetime | None
) -> None:
    tx.execute(_ADVANCE, [reached, engagements, ended_at, day])


def sweep_is_due(tx: Tx, day: date) -> bool:
    row = tx.execute("SELECT ended_at FROM leak_sweeps WHERE day = %s", [day]).fetchone()
    return row is None or row["ended_at"] is None
