"""Through whose hands went what an invoice bills: they may not release it."""

from __future__ import annotations

from fairlead.store.database import Tx

# Who worked, entered and approved its time and expenses, accepted its milestones, added its fees,
# asked for its engagement's rates, and proposed it. Whoever books time under another id than they
# sign in with is known by their address.
_HANDS = """
WITH hands AS (
    SELECT unnest(ARRAY[x.resource_id, x.entered_by, x.decided_by]) AS who FROM invoice_items i
    JOIN time_entries x ON i.kind = 'time' AND x.id = i.item_id WHERE i.invoice_id = %(id)s
    UNION SELECT unnest(ARRAY[x.resource_id, x.entered_by, x.decided_by]) FROM invoice_items i
    JOIN expenses x ON i.kind = 'expense' AND x.id = i.item_id WHERE i.invoice_id = %(id)s
    UNION SELECT x.accepted_by FROM invoice_items i
    JOIN milestones x ON i.kind = 'milestone' AND x.id = i.item_id WHERE i.invoice_id = %(id)s
    UNION SELECT x.made_by FROM invoice_items i
    JOIN charges x ON i.kind = 'charge' AND x.id = i.item_id WHERE i.invoice_id = %(id)s
    UNION SELECT r.proposed_by FROM rate_changes r JOIN invoices v
    ON v.engagement_id = r.engagement_id WHERE v.id = %(id)s AND r.state = 'approved'
    UNION SELECT proposed_by FROM invoices WHERE id = %(id)s)
SELECT who FROM hands WHERE who IS NOT NULL
UNION SELECT r.email FROM resources r JOIN hands h ON h.who = r.id WHERE r.email IS NOT NULL
ORDER BY who
"""


def hands(tx: Tx, invoice: str) -> frozenset[str]:
    """Ids and addresses of people, the client's among them; other systems have none of ours."""
    rows = tx.execute(_HANDS, {"id": invoice}).fetchall()
    return frozenset(row["who"].removeprefix("person:") for row in rows)
