"""Rows for the figures of billing: each statement is one definition.

A *document* is an invoice or credit; it counts from its release. Amounts are by currency and are
never added over currencies. `regions` and `entities` limit what is seen; null: all.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any, LiteralString

from fairlead.store.database import Tx

_SEEN: LiteralString = """
    (%(regions)s::text[] IS NULL OR v.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR v.legal_entity = ANY(%(entities)s))
"""

# Days from proposal to release, from the last day of work to posting, and from proposal to
# payment in full, of invoices that came so far within the dates.
CYCLES: LiteralString = """
SELECT c.cycle, v.region, count(*) AS invoices,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM c.took)) / 86400 AS median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM c.took)) / 86400 AS ninth
FROM invoices v, LATERAL (VALUES
    ('release', v.released_at, v.released_at - v.proposed_at),
    ('billing', v.posted_at, v.posted_at - (v.ends_on + 1)::timestamptz),
    ('invoice', v.paid_at, v.paid_at - v.proposed_at)) AS c(cycle, at, took)
WHERE v.kind = 'invoice' AND c.at >= %(since)s AND c.at < %(until)s::date + 1 AND
    {seen}
GROUP BY 1, 2 ORDER BY 1, 2
""".replace("{seen}", _SEEN)

# Documents released within the dates; those of them in whose way something came that a person had
# to settle; those that were disputed; and invoices of which something was credited since.
RATES: LiteralString = """
SELECT v.region, count(*) AS documents, count(*) FILTER (WHERE v.kind = 'invoice') AS invoices,
       count(*) FILTER (WHERE EXISTS (
           SELECT 1 FROM exceptions x WHERE x.subject_id = v.id OR x.cause = 'invoice:' || v.id
       )) AS excepted,
       count(*) FILTER (WHERE EXISTS (
           SELECT 1 FROM disputes d WHERE d.invoice_id = v.id)) AS disputed,
       count(*) FILTER (WHERE v.kind = 'invoice' AND EXISTS (
           SELECT 1 FROM invoices c WHERE c.credits = v.id AND c.released_at IS NOT NULL
             AND c.state <> 'discarded')) AS credited
FROM invoices v
WHERE v.kind IN ('invoice', 'credit') AND v.released_at >= %(since)s
  AND v.released_at < %(until)s::date + 1 AND
    {seen}
GROUP BY 1 ORDER BY 1
""".replace("{seen}", _SEEN)

# Disputes opened within the dates, by cause and the field that they go back to.
CAUSES: LiteralString = """
SELECT d.cause, d.field, count(*) AS disputes FROM disputes d JOIN invoices v ON v.id = d.invoice_id
WHERE d.opened_at >= %(since)s AND d.opened_at < %(until)s::date + 1 AND
    {seen}
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
""".replace("{seen}", _SEEN)

# Launched engagements, and those whose set-up is what was signed: fees that add up to the
# contract's value, or for work billed as worked a rate for each role that booked.
SET_UP: LiteralString = """
SELECT v.region, count(*) AS engagements, count(*) FILTER (WHERE CASE
    WHEN v.billing_method = 'as_worked' THEN NOT EXISTS (
        SELECT 1 FROM time_entries t WHERE t.engagement_id = v.engagement_id AND t.billable
          AND NOT EXISTS (SELECT 1 FROM bill_rates r WHERE r.engagement_id = t.engagement_id
            AND r.role = t.role AND r.resource_id IN ('', t.resource_id)
            AND r.valid_from <= t.day AND r.currency = v.currency))
    ELSE (v.body->'value'->>'amount')::numeric = (
        SELECT coalesce(sum(f.amount), 0) FROM (
            SELECT amount FROM milestones m WHERE m.engagement_id = v.engagement_id
            UNION ALL SELECT amount FROM charges c WHERE c.engagement_id = v.engagement_id
              AND c.cancelled_at IS NULL AND c.kind IN ('scheduled', 'recurring')
              AND c.made_by IS NULL) f) END) AS accurate
FROM deliveries v WHERE v.opened_at < %(until)s::date + 1 AND
    {seen}
GROUP BY 1 ORDER BY 1
""".replace("{seen}", _SEEN)

# What the contracts of open engagements still leave to bill: their value, less what is invoiced.
BACKLOG: LiteralString = """
SELECT v.currency, sum((v.body->'value'->>'amount')::numeric) AS value,
       sum(greatest(0, (v.body->'value'->>'amount')::numeric - coalesce(b.net, 0))) AS backlog
FROM deliveries v LEFT JOIN (
    SELECT engagement_id, sum(net) AS net FROM invoices
    WHERE released_at IS NOT NULL AND state <> 'discarded' GROUP BY 1) b
ON b.engagement_id = v.engagement_id WHERE v.closed_at IS NULL AND
    {seen}
GROUP BY 1 ORDER BY 1
""".replace("{seen}", _SEEN)

# Money by month: what came in, and of what is posted and open, what is due when.
CASH: LiteralString = """
SELECT date_trunc('month', x.day)::date AS month, v.currency,
       sum(x.received) AS received, sum(x.expected) AS expected
FROM invoices v, LATERAL (
    SELECT p.paid_on AS day, p.amount AS received, 0::numeric AS expected FROM payments p
    WHERE p.invoice_id = v.id AND v.kind = 'invoice'
    UNION ALL SELECT greatest(v.due_on, %(until)s::date), 0, v.total - coalesce(v.paid, 0)
    WHERE v.state = 'posted' AND v.due_on IS NOT NULL) x
WHERE x.day >= %(since)s AND
    {seen}
GROUP BY 1, 2 ORDER BY 1, 2
""".replace("{seen}", _SEEN)

# For days of sales outstanding: what was owed at the end of the day, credits off, and what was
# posted within the dates; tax included, as it is owed.
OWED: LiteralString = """
SELECT v.currency, sum(v.total) FILTER (WHERE v.posted_at >= %(since)s) AS sold,
       sum(v.total - coalesce((SELECT sum(p.amount) FROM payments p
            WHERE p.invoice_id = v.id AND p.paid_on <= %(until)s), 0)) AS owed
FROM invoices v
WHERE v.kind IN ('invoice', 'credit') AND v.posted_at < %(until)s::date + 1 AND
    {seen}
GROUP BY 1 ORDER BY 1
""".replace("{seen}", _SEEN)


def rows(
    tx: Tx,
    query: LiteralString,
    since: date,
    until: date,
    regions: Collection[str] | None,
    entities: Collection[str] | None,
) -> list[dict[str, Any]]:
    """One of the statements above, over days that are both included (UTC)."""
    values = {
        "since": since,
        "until": until,
        "regions": None if regions is None else list(regions),
        "entities": None if entities is None else list(entities),
    }
    return tx.execute(query, values).fetchall()
