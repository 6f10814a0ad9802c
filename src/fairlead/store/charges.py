"""Fees that fall due by date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from fairlead.store import bulk
from fairlead.store.database import Tx

_OF = """
SELECT c.id, c.engagement_id, c.kind, c.name, c.due_on, c.starts_on, c.ends_on, c.amount,
       c.currency, c.clause, c.source, c.made_by, c.made_at, c.cancelled_at,
       EXISTS (SELECT 1 FROM invoice_items i
               WHERE i.kind = 'charge' AND i.item_id = c.id AND i.live) AS billed
FROM charges c WHERE c.engagement_id = %s ORDER BY c.due_on, c.id
"""

# One that is in a live invoice is not cancelled: it is credited first.
_CANCEL = """
UPDATE charges c SET cancelled_at = %(at)s WHERE c.id = %(id)s AND c.cancelled_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM invoice_items i
                  WHERE i.kind = 'charge' AND i.item_id = c.id AND i.live)
"""


def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    bulk.insert(tx, "charges", rows)


def of(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """All that an engagement ever had, the first due first."""
    return tx.execute(_OF, [engagement]).fetchall()


def engagement_of(tx: Tx, id: str) -> str | None:
    """Null also for what cannot be the id of one."""
    try:
        key = UUID(id)
    except ValueError:
        return None
    row = tx.execute("SELECT engagement_id FROM charges WHERE id = %s", [key]).fetchone()
    return None if row is None else row["engagement_id"]


def cancel(tx: Tx, id: str, at: datetime) -> bool:
    """False: it is cancelled already, or billed."""
    return tx.execute(_CANCEL, {"id": id, "at": at}).rowcount == 1
