"""Bill rates by date, and changes of them that wait for an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fairlead.store import bulk
from fairlead.store.database import Tx

_OF = """
SELECT engagement_id, role, resource_id, valid_from, per_hour, currency, source FROM bill_rates
WHERE engagement_id = %s ORDER BY role, resource_id, valid_from
"""

_CHANGE = """
SELECT id, engagement_id, role, resource_id, valid_from, per_hour, currency, reason, state,
       proposed_by, proposed_at, decided_by, decided_at FROM rate_changes WHERE id = %s
"""

_CHANGES = """
SELECT id, engagement_id, role, resource_id, valid_from, per_hour, currency, reason, state,
       proposed_by, proposed_at, decided_by, decided_at FROM rate_changes
WHERE engagement_id = %s ORDER BY proposed_at DESC, id
"""


def of(tx: Tx, engagement: str) -> Sequence[dict[str, Any]]:
    """By role and person, the earliest first."""
    return tx.execute(_OF, [engagement]).fetchall()


def set_rate(tx: Tx, row: Mapping[str, Any]) -> None:
    """A rate from its first day on; one from the same day is replaced."""
    bulk.upsert(
        tx, "bill_rates", [row], keys=("engagement_id", "role", "resource_id", "valid_from")
    )


def add_change(tx: Tx, row: Mapping[str, Any]) -> None:
    bulk.insert(tx, "rate_changes", [row])


def change(tx: Tx, id: str, *, lock: bool = False) -> dict[str, Any] | None:
    query = f"{_CHANGE} FOR UPDATE" if lock else _CHANGE
    return tx.execute(query, [id]).fetchone()


def changes(tx: Tx, engagement: str) -> Sequence[dict[str, Any]]:
    """Newest first."""
    return tx.execute(_CHANGES, [engagement]).fetchall()


def decide(tx: Tx, id: str, state: str, *, by: str, at: datetime) -> None:
    tx.execute(
        "UPDATE rate_changes SET state = %s, decided_by = %s, decided_at = %s WHERE id = %s",
        [state, by, at, id],
    )
