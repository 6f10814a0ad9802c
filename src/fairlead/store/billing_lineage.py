"""From an invoice's line to what it is made of, and from anything billable to where it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from fairlead.store.database import Tx

# Items of an invoice with what each was: who did it, who approved it and when, and what proves it.
_ITEMS: LiteralString = """
SELECT i.kind, i.item_id, i.line, i.minutes, i.rate, i.rate_source, i.amount, i.discount, i.capped,
       i.drawn, i.live, i.frees, v.currency,
       coalesce(t.day, x.day, m.due_on, c.due_on) AS day,
       coalesce(t.resource_id, x.resource_id) AS resource,
       coalesce(t.task, x.task) AS task, t.role,
       coalesce(t.narrative, nullif(x.note, ''), x.merchant, m.name, c.name) AS words,
       coalesce(t.entered_by, x.entered_by) AS entered_by,
       coalesce(t.decided_by, x.decided_by, m.accepted_by) AS approved_by,
       coalesce(t.decided_at, x.decided_at, m.accepted_at) AS approved_at,
       coalesce(t.reverses, x.reverses) AS reverses,
       coalesce(m.clause, c.clause) AS clause, c.source, m.digest AS accepted,
       x.receipt, (SELECT array_agg(e.id ORDER BY e.added_at) FROM evidence e
                   WHERE e.milestone_id = m.id AND e.withdrawn_at IS NULL) AS evidence
FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id
LEFT JOIN time_entries t ON i.kind = 'time' AND t.id = i.item_id
LEFT JOIN expenses x ON i.kind = 'expense' AND x.id = i.item_id
LEFT JOIN milestones m ON i.kind = 'milestone' AND m.id = i.item_id
LEFT JOIN charges c ON i.kind = 'charge' AND c.id = i.item_id
WHERE i.invoice_id = %(invoice)s AND (%(line)s::int IS NULL OR i.line = %(line)s)
  AND (%(kind)s::text IS NULL OR (i.kind, i.item_id) > (%(kind)s, %(item)s::uuid))
ORDER BY i.kind, i.item_id LIMIT %(limit)s
"""


def items(
    tx: Tx, invoice: str, *, line: int | None, after: tuple[str, str] | None, limit: int
) -> list[dict[str, Any]]:
    values = {
        "invoice": invoice,
        "line": line,
        "kind": after[0] if after else None,
        "item": after[1] if after else None,
        "limit": limit,
    }
    return tx.execute(_ITEMS, values).fetchall()


# Which of these are billable things of these engagements.
_OF_ENGAGEMENTS: LiteralString = """
SELECT x.id::text AS id FROM unnest(%(items)s::uuid[]) AS i(id) JOIN (
    SELECT id, engagement_id FROM time_entries UNION ALL SELECT id, engagement_id FROM expenses
    UNION ALL SELECT id, engagement_id FROM milestones
    UNION ALL SELECT id, engagement_id FROM charges) x ON x.id = i.id
WHERE x.engagement_id = ANY(%(engagements)s)
"""


def of_engagements(tx: Tx, engagements: Sequence[str], items: Sequence[str]) -> frozenset[str]:
    values = {"engagements": list(engagements), "items": list(items)}
    return frozenset(row["id"] for row in tx.execute(_OF_ENGAGEMENTS, values))


# One billable thing, whatever its kind, with what would keep it from an invoice.
_THING: LiteralString = """
WITH thing AS (
    SELECT 'time' AS kind, id, engagement_id, day, state, billable, reverses, role, resource_id,
           NULL::numeric AS amount FROM time_entries WHERE id = %(item)s
    UNION ALL
    SELECT 'expense', id, engagement_id, day, state, billable, reverses, NULL, resource_id, claimed
    FROM expenses WHERE id = %(item)s
    UNION ALL
    SELECT 'milestone', id, engagement_id, due_on, state, true, NULL, NULL, NULL, amount
    FROM milestones WHERE id = %(item)s
    UNION ALL
    SELECT 'charge', id, engagement_id, due_on,
           CASE WHEN cancelled_at IS NULL THEN 'due' ELSE 'cancelled' END, true, NULL, NULL, NULL,
           amount FROM charges WHERE id = %(item)s)
SELECT x.*, d.number, d.legal_entity, d.billing_method, d.currency, d.closed_at, h.reason AS hold,
       h.placed_by AS held_by, r.id AS taken_back_by, r.state AS taking_back,
       b.reference AS billed_in, b.released, b.credited_by,
       (SELECT p.per_hour FROM bill_rates p WHERE p.engagement_id = x.engagement_id
          AND p.role = x.role AND p.resource_id IN ('', x.resource_id) AND p.valid_from <= x.day
          AND p.currency = d.currency
        ORDER BY p.resource_id DESC, p.valid_from DESC LIMIT 1) AS per_hour
FROM thing x JOIN deliveries d ON d.engagement_id = x.engagement_id
LEFT JOIN billing_holds h ON h.engagement_id = x.engagement_id AND h.kind = x.kind
     AND h.item_id = x.id AND h.lifted_at IS NULL
LEFT JOIN (SELECT 'time' AS kind, id, reverses, state FROM time_entries WHERE reverses = %(item)s
           UNION ALL SELECT 'expense', id, reverses, state FROM expenses
           WHERE reverses = %(item)s) r ON r.kind = x.kind
LEFT JOIN LATERAL (  -- where what it takes back was billed
    SELECT v.reference, v.released_at IS NOT NULL AS released,
           (SELECT min(n.reference) FROM invoice_items c JOIN invoices n ON n.id = c.invoice_id
            WHERE c.kind = x.kind AND c.item_id = x.reverses AND n.kind = 'credit'
              AND n.state <> 'discarded' AND n.released_at IS NULL) AS credited_by
    FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id AND v.kind = 'invoice'
    WHERE i.kind = x.kind AND i.item_id = x.reverses AND i.live) b ON true
WHERE (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
"""


def thing(tx: Tx, item: UUID, limits: dict[str, Any]) -> dict[str, Any] | None:
    """`limits`: regions and legal entities of who asks; null is all."""
    return tx.execute(_THING, {"item": item, **limits}).fetchone()
