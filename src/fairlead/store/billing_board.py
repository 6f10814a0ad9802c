"""What is ready to invoice of every engagement and what is not, in sums: a few statements for all.

Amounts are in the engagement's currency, at the rates of their days and before any discount.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, LiteralString

from fairlead.store.database import Tx

# What is left of what `x` takes back, where the client was billed for it and no credit of it is on
# its way: only then does the next invoice take it off, as `billing_work` does.
_LEFT: LiteralString = """
    LEFT JOIN (
        SELECT r.id, sum(i.amount + coalesce(i.discount, 0) + coalesce(i.capped, 0)) AS worth
        FROM {table} r
        JOIN invoice_items l ON l.kind = {kind} AND l.item_id = r.reverses AND l.live
        JOIN invoices v ON v.id = l.invoice_id AND v.kind = 'invoice' AND v.released_at IS NOT NULL
        JOIN invoice_items i ON i.kind = l.kind AND i.item_id = l.item_id
        JOIN invoices n ON n.id = i.invoice_id AND n.state <> 'discarded'
             AND (n.id = v.id OR n.credits = v.id)
        WHERE r.reverses IS NOT NULL AND r.engagement_id = ANY(%(ids)s)
        GROUP BY r.id HAVING bool_and(n.released_at IS NOT NULL)) b ON b.id = x.id
"""

# Unbilled billable time of engagements that are billed as worked, by what keeps it back.
_TIME: LiteralString = """
WITH open AS (
    SELECT x.engagement_id, x.state, x.day, x.resource_id,
           EXISTS (SELECT 1 FROM time_entries t WHERE t.reverses = x.id AND t.state = 'submitted')
               AS taken,
           coalesce(x.submitted_at, x.entered_at) AS since, h.id AS hold,
           EXISTS (SELECT 1 FROM findings f WHERE f.kind = 'time' AND f.item_id = x.id) AS found,
           CASE WHEN x.reverses IS NULL THEN round(x.minutes * (
                SELECT r.per_hour FROM bill_rates r
                WHERE r.engagement_id = x.engagement_id AND r.role = x.role
                  AND r.resource_id IN ('', x.resource_id) AND r.valid_from <= x.day
                  AND r.currency = d.currency
                ORDER BY r.resource_id DESC, r.valid_from DESC LIMIT 1) / 60, m.minor)
                ELSE -b.worth END AS amount
    FROM unnest(%(ids)s::text[], %(days)s::date[]) AS g(id, today)
    JOIN deliveries d ON d.engagement_id = g.id AND d.billing_method = 'as_worked'
    JOIN unnest(%(currencies)s::text[], %(minor)s::int[]) AS m(currency, minor)
         ON m.currency = d.currency
    JOIN time_entries x ON x.engagement_id = d.engagement_id
    {left}
    LEFT JOIN billing_holds h ON h.engagement_id = x.engagement_id AND h.kind = 'time'
         AND h.item_id = x.id AND h.lifted_at IS NULL
    WHERE x.billable AND x.day <= g.today AND (x.reverses IS NULL OR b.worth IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM time_entries t
                      WHERE t.reverses = x.id AND t.state = 'approved')
      AND NOT EXISTS (SELECT 1 FROM invoice_items i
                      WHERE i.kind = 'time' AND i.item_id = x.id AND i.live))
SELECT engagement_id, CASE WHEN hold IS NOT NULL THEN 'item_hold'
           WHEN taken THEN 'correction_open'
           WHEN state = 'approved' AND amount IS NULL THEN 'no_rate'
           WHEN state = 'approved' THEN 'ready'
           WHEN state = 'submitted' AND found THEN 'findings'
           WHEN state = 'submitted' THEN 'time_unapproved' ELSE 'time_in_draft' END AS code,
       count(*) AS count, coalesce(sum(amount), 0) AS amount, min(since) AS since,
       (array_agg(DISTINCT resource_id))[1:3] AS people
FROM open GROUP BY 1, 2 ORDER BY 1, 2
""".replace("{left}", _LEFT.replace("{kind}", "'time'").replace("{table}", "time_entries"))

# Unbilled billable expenses at cost, likewise.
_EXPENSES: LiteralString = """
SELECT x.engagement_id, CASE WHEN h.id IS NOT NULL THEN 'item_hold'
           WHEN t.state = 'submitted' THEN 'correction_open'
           WHEN x.state = 'approved' AND x.receipt IS NULL AND x.reverses IS NULL
                AND x.category NOT IN ('per_diem', 'mileage')
                AND x.engagement_id = ANY(%(receipts)s) THEN 'no_receipt'
           WHEN x.state = 'approved' THEN 'ready'
           WHEN x.state = 'submitted' THEN 'expense_unapproved' ELSE 'expense_in_draft' END AS code,
       count(*) AS count,
       sum(CASE WHEN x.reverses IS NULL THEN x.claimed ELSE -b.worth END) AS amount,
       min(coalesce(x.submitted_at, x.entered_at)) AS since,
       (array_agg(DISTINCT x.resource_id))[1:3] AS people
FROM unnest(%(ids)s::text[], %(days)s::date[]) AS g(id, today)
JOIN expenses x ON x.engagement_id = g.id
{left}
LEFT JOIN expenses t ON t.reverses = x.id AND t.state IN ('submitted', 'approved')
LEFT JOIN billing_holds h ON h.engagement_id = x.engagement_id AND h.kind = 'expense'
     AND h.item_id = x.id AND h.lifted_at IS NULL
WHERE x.billable AND x.day <= g.today
  AND t.state IS DISTINCT FROM 'approved'
  AND (x.reverses IS NULL OR b.worth IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM invoice_items i
                  WHERE i.kind = 'expense' AND i.item_id = x.id AND i.live)
GROUP BY 1, 2 ORDER BY 1, 2
""".replace("{left}", _LEFT.replace("{kind}", "'expense'").replace("{table}", "expenses"))

# Milestones and charges that are due and in no live invoice, likewise.
_FEES: LiteralString = """
WITH due AS (SELECT * FROM unnest(%(ids)s::text[], %(days)s::date[], %(zones)s::text[])
                         AS g(engagement, today, zone))
SELECT x.engagement_id, CASE WHEN h.id IS NOT NULL THEN 'item_hold'
           WHEN x.currency <> d.currency THEN 'other_currency'
           WHEN x.ready THEN 'ready' ELSE 'milestone_not_accepted' END AS code,
       count(*) AS count, sum(x.amount) AS amount, min(x.since) AS since,
       (array_agg(x.name ORDER BY x.since))[1:3] AS people
FROM (SELECT 'milestone' AS kind, id, engagement_id, name, amount, currency,
             state = 'accepted' AS ready, due_on::timestamp AT TIME ZONE g.zone AS since
      FROM milestones JOIN due g ON g.engagement = engagement_id
      WHERE (state = 'accepted' OR due_on <= g.today)
      UNION ALL
      SELECT 'charge', id, engagement_id, name, amount, currency, true,
             due_on::timestamp AT TIME ZONE g.zone
      FROM charges JOIN due g ON g.engagement = engagement_id
      WHERE cancelled_at IS NULL
        AND due_on <= g.today) x
JOIN deliveries d ON d.engagement_id = x.engagement_id
LEFT JOIN billing_holds h ON h.engagement_id = x.engagement_id AND h.kind = x.kind
     AND h.item_id = x.id AND h.lifted_at IS NULL
WHERE NOT EXISTS (SELECT 1 FROM invoice_items i
                  WHERE i.kind = x.kind AND i.item_id = x.id AND i.live)
GROUP BY 1, 2 ORDER BY 1, 2
"""

# How long approval took in the last 90 days, in days: half of the time it took less. Of work of the
# last half year, for which there is an index: what is older says nothing, and there is ever more.
_LATENCY = """
SELECT percentile_cont(0.5) WITHIN GROUP (
    ORDER BY extract(epoch FROM decided_at - submitted_at)) / 86400 AS days
FROM time_entries WHERE decided_at > %(on)s::date - 90 AND day > %(on)s::date - 183
  AND submitted_at IS NOT NULL AND state = 'approved'
"""

# The milestones of one engagement that are not billed, with what there is to prove them.
_MILESTONES = """
SELECT x.id, x.number, x.name, x.amount, x.currency, x.due_on, x.state, x.clause, x.accepted_at,
       (SELECT count(*) FROM evidence e WHERE e.milestone_id = x.id AND e.withdrawn_at IS NULL)
           AS evidence
FROM milestones x WHERE x.engagement_id = %s AND NOT EXISTS (
    SELECT 1 FROM invoice_items i WHERE i.kind = 'milestone' AND i.item_id = x.id AND i.live)
ORDER BY x.due_on, x.number
"""


_SUMS: tuple[tuple[str, LiteralString], ...] = (
    ("time", _TIME),
    ("expense", _EXPENSES),
    ("fee", _FEES),
)


def sums(
    tx: Tx,
    ids: Sequence[str],
    days: Sequence[date],
    zones: Sequence[str],
    *,
    minor: dict[str, int],
    receipts: Sequence[str],
) -> list[dict[str, Any]]:
    """By engagement and reason (`ready`, or a blocker): count, amount, since when, and whose.

    `days`: up to which, of each; `zones`: in which its days begin. `minor`: minor units of the
    currencies that occur; `receipts`: engagements whose client wants an expense with its receipt.
    """
    values = {
        "ids": list(ids),
        "days": list(days),
        "zones": list(zones),
        "currencies": list(minor),
        "minor": list(minor.values()),
        "receipts": list(receipts),
    }
    return [
        {**row, "kind": kind}
        for kind, query in _SUMS
        for row in tx.execute(query, values).fetchall()
    ]


def approval_days(tx: Tx, on: date) -> float | None:
    """The median time that approval of late takes, in days; null where nothing was approved."""
    row = tx.execute(_LATENCY, {"on": on}).fetchone()
    return None if row is None or row["days"] is None else float(row["days"])


def milestones(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    return tx.execute(_MILESTONES, [engagement]).fetchall()
