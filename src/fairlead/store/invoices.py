"""Invoices, credits and write-offs with their lines. Rows are read as they are.

Which moves are legal is said by `domain.model.invoice` and the capability; what is kept here is
that nobody else changes what was locked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString

from fairlead.domain.ids import derived
from fairlead.domain.values import ExternalRef
from fairlead.store import bulk
from fairlead.store.database import Tx

_BY_ID: LiteralString = """
SELECT v.*, d.body->>'subsidiary' AS subsidiary, d.code AS project_code, d.number AS engagement,
       c.reference AS credits_reference
FROM invoices v JOIN deliveries d ON d.engagement_id = v.engagement_id
LEFT JOIN invoices c ON c.id = v.credits
WHERE v.id = ANY(%s) ORDER BY v.id
"""
_BY_ID_LOCKED: LiteralString = _BY_ID + " FOR UPDATE OF v"

_LINES = """
SELECT invoice_id, line, kind, description, quantity, unit, unit_price, amount, tax_code, clause
FROM invoice_lines WHERE invoice_id = ANY(%s) ORDER BY invoice_id, line
"""

# What a principal sees, newest first; a page begins behind the last row of the one before.
_LIST: LiteralString = """
SELECT v.*, d.body->>'subsidiary' AS subsidiary, d.code AS project_code, d.number AS engagement,
       c.reference AS credits_reference
FROM invoices v JOIN deliveries d ON d.engagement_id = v.engagement_id
LEFT JOIN invoices c ON c.id = v.credits
WHERE (%(state)s::text IS NULL OR v.state = %(state)s)
  AND (%(kind)s::text IS NULL OR v.kind = %(kind)s)
  AND (%(engagement)s::text IS NULL OR v.engagement_id = %(engagement)s
       OR d.number = %(engagement)s)
  AND (%(regions)s::text[] IS NULL OR v.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR v.legal_entity = ANY(%(entities)s))
  AND (%(after_at)s::timestamptz IS NULL OR (v.proposed_at, v.id) < (%(after_at)s, %(after_id)s))
ORDER BY v.proposed_at DESC, v.id DESC LIMIT %(limit)s
"""

_ONE: LiteralString = """
SELECT v.id FROM invoices v WHERE (v.id = %(id)s OR v.reference = %(id)s)
  AND (%(regions)s::text[] IS NULL OR v.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR v.legal_entity = ANY(%(entities)s))
"""

#: Whoever releases much in small pieces releases much: what a person released for an engagement
#: since a time, in the currency of the engagement. A write-off comes to zero, and counts with what
#: it gives up.
RELEASED: LiteralString = """
SELECT coalesce(sum(CASE s.kind WHEN 'write_off' THEN (
        SELECT abs(sum(i.amount)) FROM invoice_items i WHERE i.invoice_id = s.id)
    ELSE abs(s.net) END), 0) AS amount
FROM invoices s
WHERE s.engagement_id = {engagement} AND s.released_by = %(person)s
  AND coalesce(s.released_at > %(since)s, true) AND s.state <> 'discarded'
"""
_RELEASED_BY: LiteralString = RELEASED.replace("{engagement}", "%(engagement)s")


@dataclass(frozen=True)
class Sees:
    """What one principal sees; null: all."""

    regions: frozenset[str] | None = None
    entities: frozenset[str] | None = None

    def values(self) -> dict[str, Any]:
        return {
            "regions": None if self.regions is None else list(self.regions),
            "entities": None if self.entities is None else list(self.entities),
        }


# By the ledger's own id; before that is known, by our reference.
_OF_LEDGER = """
SELECT id FROM invoices WHERE ref->>'system' = %(system)s AND ref->>'id' = %(id)s
UNION SELECT id FROM invoices WHERE reference = %(reference)s AND ref IS NULL
LIMIT 1
"""


def of_ledger(tx: Tx, ref: ExternalRef, reference: str | None) -> str | None:
    """The id of the invoice that a ledger holds as `ref`; null: none of ours."""
    values = {"system": ref.system, "id": ref.id, "reference": reference}
    row = tx.execute(_OF_LEDGER, values).fetchone()
    return None if row is None else row["id"]


def references(tx: Tx, count: int) -> list[str]:
    """The next so many of our own references; one that is not used is left out for ever."""
    rows = tx.execute(
        "SELECT nextval('invoice_numbers') AS n FROM generate_series(1, %s)", [count]
    ).fetchall()
    return [f"BIL-{row['n']}" for row in rows]


def id_of(reference: str) -> str:
    """An invoice's id; what is done outside for it is keyed by it."""
    return derived("invoice", reference)


def add(tx: Tx, invoices: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> None:
    bulk.insert(tx, "invoices", invoices)
    bulk.insert(tx, "invoice_lines", lines)


def load(tx: Tx, ids: Collection[str], *, lock: bool = False) -> dict[str, dict[str, Any]]:
    """By id. `lock`: nobody else changes them until the transaction ends."""
    rows = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, [sorted(ids)]).fetchall()
    return {row["id"]: row for row in rows}


def lines(tx: Tx, ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {id: [] for id in ids}
    for row in tx.execute(_LINES, [sorted(ids)]).fetchall():
        found[row.pop("invoice_id")].append(row)
    return found


def find(tx: Tx, sees: Sees, name: str) -> str | None:
    """The id of an invoice by its id or our reference; null where there is none to see."""
    row = tx.execute(_ONE, {"id": name, **sees.values()}).fetchone()
    return None if row is None else row["id"]


def listed(
    tx: Tx,
    sees: Sees,
    *,
    state: str | None = None,
    kind: str | None = None,
    engagement: str | None = None,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> list[dict[str, Any]]:
    values = {
        **sees.values(),
        "state": state,
        "kind": kind,
        "engagement": engagement,
        "after_at": after[0] if after else None,
        "after_id": after[1] if after else None,
        "limit": limit,
    }
    return tx.execute(_LIST, values).fetchall()


_COLUMNS = frozenset(
    {
        "state", "net", "work", "drawn", "digest", "dated_on", "starts_on", "ends_on",
        "proposed_by", "reviewed_by", "reviewed_at", "released_by", "released_at", "reason", "ref",
        "number", "tax", "total", "due_on", "posted_at", "paid", "paid_at",
    }
)  # fmt: skip


def change(tx: Tx, id: str, **columns: Any) -> int:
    """Set columns of an invoice that the caller has locked; its new version."""
    unknown = columns.keys() - _COLUMNS
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} of an invoice cannot be set")
    sets = ", ".join(f"{name} = r.{name}" for name in sorted(columns))
    query = (
        f"UPDATE invoices v SET {sets}, version = v.version + 1 "  # noqa: S608 - names are ours
        "FROM json_populate_record(NULL::invoices, %s::json) r WHERE v.id = %s RETURNING v.version"
    )
    row = tx.execute(query.encode(), [bulk.as_json(columns), id]).fetchone()
    assert row is not None
    return row["version"]


def drop_lines(tx: Tx, id: str) -> None:
    """Of a proposal that is about to be worked out anew."""
    tx.execute("DELETE FROM invoice_lines WHERE invoice_id = %s", [id])


def released_by(tx: Tx, engagement: str, person: str, since: datetime) -> Any:
    """How much this person released for an engagement since then, credits without their sign."""
    values = {"engagement": engagement, "person": person, "since": since}
    row = tx.execute(_RELEASED_BY, values).fetchone()
    assert row is not None
    return row["amount"]


# Payments as the ledger tells them now: those that it no longer tells are gone.
_FORGET = "DELETE FROM payments WHERE invoice_id = %s AND ref <> ALL(%s)"


def pay(tx: Tx, id: str, payments: Sequence[Mapping[str, Any]]) -> None:
    tx.execute(_FORGET, [id, [payment["ref"] for payment in payments]])
    bulk.upsert(tx, "payments", payments, keys=("invoice_id", "ref"))


def payments(tx: Tx, id: str) -> list[dict[str, Any]]:
    return tx.execute(
        "SELECT ref, paid_on, amount, currency FROM payments WHERE invoice_id = %s "
        "ORDER BY paid_on, ref",
        [id],
    ).fetchall()


def credits_of(tx: Tx, id: str) -> list[dict[str, Any]]:
    """Credits of an invoice that were not discarded, oldest first."""
    return tx.execute(
        "SELECT id, reference, state, net, currency FROM invoices "
        "WHERE credits = %s AND state <> 'discarded' ORDER BY proposed_at, id",
        [id],
    ).fetchall()


def closed(tx: Tx, legal_entity: str, day: date) -> bool:
    """Is the month of this day closed?"""
    row = tx.execute(
        "SELECT 1 AS one FROM periods WHERE legal_entity = %s AND month = date_trunc('month', %s)"
        " AND state = 'closed'",
        [legal_entity, day],
    ).fetchone()
    return row is not None
