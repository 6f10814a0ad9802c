"""What is not to be invoiced for now: an engagement, or one item of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fairlead.store.database import Tx

_PLACE = """
INSERT INTO billing_holds (id, engagement_id, kind, item_id, reason, placed_by, placed_at)
VALUES (%(id)s, %(engagement)s, %(kind)s, %(item)s, %(reason)s, %(by)s, %(at)s)
ON CONFLICT DO NOTHING
"""

_LIFT = """
UPDATE billing_holds SET lifted_by = %(by)s, lifted_at = %(at)s, lifted_because = %(reason)s
WHERE id = %(id)s AND lifted_at IS NULL
RETURNING id, engagement_id, kind, item_id, reason, placed_by, placed_at
"""

_LIST = """
SELECT id, engagement_id, kind, item_id, reason, placed_by, placed_at, lifted_by, lifted_at,
       lifted_because
FROM billing_holds WHERE engagement_id = %s ORDER BY placed_at DESC, id
"""


def place(
    tx: Tx, id: str, engagement: str, *, kind: str | None, item: str | None, reason: str, by: str,
    at: datetime,
) -> bool:  # fmt: skip
    """False: it is held already."""
    values = {
        "id": id, "engagement": engagement, "kind": kind, "item": item, "reason": reason, "by": by,
        "at": at,
    }  # fmt: skip
    return tx.execute(_PLACE, values).rowcount == 1


def engagement_of(tx: Tx, id: str) -> str | None:
    row = tx.execute("SELECT engagement_id FROM billing_holds WHERE id = %s", [id]).fetchone()
    return None if row is None else row["engagement_id"]


def lift(tx: Tx, id: str, *, reason: str, by: str, at: datetime) -> dict[str, Any] | None:
    """The hold; null where there is none that stands."""
    return tx.execute(_LIFT, {"id": id, "reason": reason, "by": by, "at": at}).fetchone()


def of(tx: Tx, engagement: str) -> Sequence[dict[str, Any]]:
    """All that were ever placed on an engagement, newest first."""
    return tx.execute(_LIST, [engagement]).fetchall()
