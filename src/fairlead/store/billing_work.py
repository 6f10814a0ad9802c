"""What there is to invoice of some engagements, as tables for `domain.rules.billing_proposal`.

Each query takes the engagements as one list and numbers them by their place in it. Amounts leave
the database in whole minor units. What is read is locked by its engagement's delivery, not by row.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, LiteralString

import polars as pl

from fairlead.domain.rules import billing_proposal as rules
from fairlead.store.database import Tx

_OF: LiteralString = """
FROM unnest(%(ids)s::text[], %(minor)s::int[], %(zones)s::text[])
     WITH ORDINALITY AS g(id, minor, zone, n)
JOIN deliveries d ON d.engagement_id = g.id
"""

# Not in a live invoice, and not held by itself.
_FREE: LiteralString = """
    AND NOT EXISTS (SELECT 1 FROM invoice_items i
                    WHERE i.kind = {kind} AND i.item_id = x.id AND i.live)
    AND (%(with_held)s OR NOT EXISTS (
        SELECT 1 FROM billing_holds h WHERE h.lifted_at IS NULL
        AND h.engagement_id = g.id AND h.kind = {kind} AND h.item_id = x.id))
"""

# What somebody takes back, or is about to, is not billed any more; and what takes back is billed
# only where the client was billed for it, and no credit for it is on its way.
_STANDS: LiteralString = """
    AND CASE WHEN x.reverses IS NULL THEN
        NOT EXISTS (SELECT 1 FROM {table} r
                    WHERE r.reverses = x.id AND r.state IN ('submitted', 'approved'))
    ELSE EXISTS (
        SELECT 1 FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id
        WHERE i.kind = {kind} AND i.item_id = x.reverses AND i.live AND v.kind = 'invoice'
          AND v.released_at IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM invoice_items c JOIN invoices n ON n.id = c.invoice_id
                          WHERE c.kind = {kind} AND c.item_id = x.reverses
                            AND n.kind = 'credit' AND n.state <> 'discarded'
                            AND n.released_at IS NULL))
    END
"""


def _filled(query: LiteralString, kind: LiteralString, table: LiteralString) -> LiteralString:
    return query.replace("{kind}", kind).replace("{table}", table)


# Approved time of engagements that are billed as worked.
_TIME: LiteralString = (
    """
SELECT g.n - 1, x.id, x.day, x.minutes, x.role, x.resource_id, x.task
"""
    + _OF
    + """
JOIN time_entries x ON x.engagement_id = g.id
WHERE d.billing_method = 'as_worked' AND x.state = 'approved' AND x.billable
  AND x.day <= %(until)s AND (%(only)s::uuid[] IS NULL OR x.id = ANY(%(only)s))
"""
    + _filled(_FREE + _STANDS, "'time'", "time_entries")
)

# Approved expenses, accepted milestones, and charges that are due. An expense without a receipt
# is left out where the client's terms want one (`receipts`); allowances have none.
_FEES: LiteralString = (
    """
SELECT g.n - 1, 'expense', x.id, x.day, round(x.claimed * 10::numeric ^ g.minor)::bigint,
       initcap(replace(x.category, '_', ' ')), NULL
"""
    + _OF
    + """
JOIN expenses x ON x.engagement_id = g.id
WHERE x.state = 'approved' AND x.billable AND x.day <= %(until)s
  AND (x.receipt IS NOT NULL OR x.category IN ('per_diem', 'mileage') OR x.reverses IS NOT NULL
       OR NOT g.id = ANY(%(receipts)s))
  AND (%(only)s::uuid[] IS NULL OR x.id = ANY(%(only)s))
"""
    + _filled(_FREE + _STANDS, "'expense'", "expenses")
    + """
UNION ALL
SELECT g.n - 1, 'milestone', x.id, coalesce((x.accepted_at AT TIME ZONE g.zone)::date, x.due_on),
       round(x.amount * 10::numeric ^ g.minor)::bigint, x.name, x.clause
"""
    + _OF
    + """
JOIN milestones x ON x.engagement_id = g.id
WHERE x.state = 'accepted' AND x.currency = d.currency
  AND (%(only)s::uuid[] IS NULL OR x.id = ANY(%(only)s))
"""
    + _filled(_FREE, "'milestone'", "")
    + """
UNION ALL
SELECT g.n - 1, 'charge', x.id, x.due_on, round(x.amount * 10::numeric ^ g.minor)::bigint,
       x.name, x.clause
"""
    + _OF
    + """
JOIN charges x ON x.engagement_id = g.id
WHERE x.cancelled_at IS NULL AND x.due_on <= %(dated_on)s AND x.currency = d.currency
  AND (%(only)s::uuid[] IS NULL OR x.id = ANY(%(only)s))
"""
    + _filled(_FREE, "'charge'", "")
)

_RATES: LiteralString = (
    """
SELECT g.n - 1, x.role, x.resource_id, x.valid_from, (x.per_hour * 100000000)::bigint, x.source
"""
    + _OF
    + "JOIN bill_rates x ON x.engagement_id = g.id AND x.currency = d.currency"
)

# What is left of each item that an approved one takes back, as it was billed, with credits.
_TAKEN_BACK: LiteralString = """
SELECT x.id, -round(sum(i.amount) * 10::numeric ^ g.minor)::bigint,
       -round(sum(i.discount) * 10::numeric ^ g.minor)::bigint,
       -round(sum(i.capped) * 10::numeric ^ g.minor)::bigint,
       -round(sum(i.drawn) * 10::numeric ^ g.minor)::bigint,
       (max(l.rate) * 100000000)::bigint, max(l.rate_source)
{of}
JOIN (SELECT id, engagement_id, reverses, 'time' AS kind, state, billable FROM time_entries
      WHERE reverses IS NOT NULL
      UNION ALL SELECT id, engagement_id, reverses, 'expense', state, billable FROM expenses
      WHERE reverses IS NOT NULL) x ON x.engagement_id = g.id
JOIN invoice_items l ON l.kind = x.kind AND l.item_id = x.reverses AND l.live
JOIN invoice_items i ON i.kind = x.kind AND i.item_id = x.reverses
JOIN invoices v ON v.id = i.invoice_id AND (v.id = l.invoice_id OR v.credits = l.invoice_id)
WHERE x.state = 'approved' AND x.billable AND v.state <> 'discarded'
GROUP BY x.id, g.minor
""".replace("{of}", _OF)

# What lines of time are called, by how the client wants them grouped.
_LABELS: LiteralString = """
SELECT g.n - 1, p.code, p.name {of}
JOIN work_packages p ON p.engagement_id = g.id WHERE g.id = ANY(%(by_task)s)
UNION ALL
SELECT g.n - 1, s.resource_id, coalesce(r.name, s.resource_id) {of}
JOIN (SELECT DISTINCT engagement_id, resource_id FROM time_entries
      WHERE engagement_id = ANY(%(by_person)s)) s ON s.engagement_id = g.id
LEFT JOIN resources r ON r.id = s.resource_id
UNION ALL
SELECT g.n - 1, x.id::text, to_char(x.day, 'YYYY-MM-DD') || ' ' || x.narrative {of}
JOIN time_entries x ON x.engagement_id = g.id WHERE g.id = ANY(%(by_entry)s)
  AND x.state = 'approved' AND NOT EXISTS (
      SELECT 1 FROM invoice_items i WHERE i.kind = 'time' AND i.item_id = x.id AND i.live)
""".replace("{of}", _OF)


@dataclass(frozen=True)
class Asked:
    """One engagement whose work is to be read, with what its client's terms say of it."""

    engagement: str
    minor_units: int
    group_by: str  #: task, person, role or entry
    needs_receipts: bool = False


def read(
    tx: Tx,
    asked: Sequence[Asked],
    engagements: pl.DataFrame,
    *,
    zones: Sequence[str],
    dated_on: date,
    until: date,
    only: Sequence[Any] | None = None,
    with_held: bool = False,
) -> rules.Work:
    """Their unbilled work up to the day `until`, and fees that are due by `dated_on`.

    `engagements`: the table of the same name, in the same order, as `zones`: where the day is
    counted on which a milestone was accepted. `only`: of these items.
    `with_held`: also items that are held by themselves.
    """
    grouped = {
        f"by_{by}": [one.engagement for one in asked if one.group_by == by]
        for by in ("task", "person", "entry")
    }
    values: dict[str, Any] = {
        "ids": [one.engagement for one in asked],
        "minor": [one.minor_units for one in asked],
        "zones": list(zones),
        "receipts": [one.engagement for one in asked if one.needs_receipts],
        "dated_on": dated_on,
        "until": until,
        "only": None if only is None else list(only),
        "with_held": with_held,
        **grouped,
    }
    return rules.Work(
        engagements=engagements,
        time=_table(tx, _TIME, values, rules.TIME),
        rates=_table(tx, _RATES, values, rules.RATES).with_columns(
            pl.col("resource").cast(pl.String).fill_null("").cast(pl.Categorical)
        ),
        fees=_table(tx, _FEES, values, rules.FEES),
        taken_back=_table(tx, _TAKEN_BACK, values, rules.TAKEN_BACK),
        labels=_table(tx, _LABELS, values, rules.LABELS),
    )


def _table(
    tx: Tx, query: LiteralString, values: Mapping[str, Any], schema: Mapping[str, Any]
) -> pl.DataFrame:
    """The rows of a query, by way of COPY: a million of them in a second."""
    read = io.BytesIO()
    with (
        tx.cursor() as cursor,
        cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)", values) as out,
    ):
        for block in out:
            read.write(block)
    if not read.tell():
        return pl.DataFrame(schema=dict(schema))
    read.seek(0)
    return pl.read_csv(read, has_header=False, schema=dict(schema))


# What was billed so far: against the cap and the purchase order, and what a retainer has left.
# An open proposal holds its room; a credit gives room back once it is released.
_SO_FAR = """
WITH counted AS (
    SELECT v.engagement_id, v.work, v.drawn, v.net, v.purchase_order FROM invoices v
    WHERE v.engagement_id = ANY(%(ids)s) AND v.state <> 'discarded'
      AND (v.kind = 'invoice' OR v.released_at IS NOT NULL)),
paid AS (
    SELECT c.engagement_id, sum(i.amount + coalesce(i.discount, 0)) AS amount
    FROM charges c
    JOIN invoice_items i ON i.kind = 'charge' AND i.item_id = c.id
    JOIN invoices v ON v.id = i.invoice_id
    WHERE c.engagement_id = ANY(%(ids)s) AND c.kind = 'retainer'
      AND (v.kind = 'invoice' AND v.state IN ('posted', 'paid') AND i.live
           OR v.kind = 'credit' AND v.state <> 'discarded' AND EXISTS (
               SELECT 1 FROM invoice_items l WHERE l.invoice_id = v.credits AND l.kind = 'charge'
                 AND l.item_id = c.id AND l.live))
    GROUP BY c.engagement_id)
SELECT d.engagement_id, coalesce(sum(k.work), 0) AS work,
       coalesce(max(p.amount), 0) + coalesce(sum(k.drawn), 0) AS retainer,
       coalesce(sum(k.net) FILTER (WHERE k.purchase_order = d.body->>'purchase_order'), 0)
           AS on_order
FROM deliveries d LEFT JOIN counted k ON k.engagement_id = d.engagement_id
LEFT JOIN paid p ON p.engagement_id = d.engagement_id
WHERE d.engagement_id = ANY(%(ids)s) GROUP BY d.engagement_id
"""


def so_far(tx: Tx, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """By engagement: `work` billed against the cap, the `retainer` that is left, and what was
    billed `on_order`, in the engagement's currency."""
    rows = tx.execute(_SO_FAR, {"ids": list(ids)}).fetchall()
    return {row["engagement_id"]: row for row in rows}


# Who approved or entered what is to be billed: they may not bill it.
_HANDS = """
SELECT engagement_id, array_agg(DISTINCT who) AS people FROM (
    SELECT engagement_id, decided_by AS who FROM time_entries
    WHERE engagement_id = ANY(%(ids)s) AND state = 'approved' AND billable AND day <= %(until)s
    UNION SELECT engagement_id, decided_by FROM expenses
    WHERE engagement_id = ANY(%(ids)s) AND state = 'approved' AND billable AND day <= %(until)s
    UNION SELECT engagement_id, accepted_by FROM milestones
    WHERE engagement_id = ANY(%(ids)s) AND state = 'accepted'
    UNION SELECT engagement_id, made_by FROM charges
    WHERE engagement_id = ANY(%(ids)s) AND cancelled_at IS NULL
    UNION SELECT engagement_id, proposed_by FROM rate_changes
    WHERE engagement_id = ANY(%(ids)s) AND state = 'approved') hands
WHERE who IS NOT NULL GROUP BY engagement_id
"""


def hands(tx: Tx, ids: Sequence[str], until: date) -> dict[str, frozenset[str]]:
    """By engagement: who approved its time, expenses or milestones, or asked for rates or fees."""
    rows = tx.execute(_HANDS, {"ids": list(ids), "until": until}).fetchall()
    return {
        row["engagement_id"]: frozenset(who.removeprefix("person:") for who in row["people"])
        for row in rows
    }
