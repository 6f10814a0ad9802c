"""What clients do not accept of their invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fairlead.store import bulk
from fairlead.store.database import Tx

_OF_INVOICE = """
SELECT d.*, v.currency FROM disputes d JOIN invoices v ON v.id = d.invoice_id
WHERE d.invoice_id = %s ORDER BY d.opened_at, d.id
"""
_ONE = """
SELECT d.*, v.currency FROM disputes d JOIN invoices v ON v.id = d.invoice_id WHERE d.id = %s
"""
_CLOSE = """
UPDATE disputes SET outcome = %s, answer = %s, closed_by = %s, closed_at = %s WHERE id = %s
"""


def add(tx: Tx, row: Mapping[str, Any]) -> None:
    bulk.insert(tx, "disputes", [row])


def one(tx: Tx, id: str) -> dict[str, Any] | None:
    return tx.execute(_ONE, [id]).fetchone()


def of_invoice(tx: Tx, invoice: str) -> Sequence[dict[str, Any]]:
    """Oldest first."""
    return tx.execute(_OF_INVOICE, [invoice]).fetchall()


def close(tx: Tx, id: str, outcome: str, answer: str, *, by: str, at: datetime) -> None:
    tx.execute(_CLOSE, [outcome, answer, by, at, id])
