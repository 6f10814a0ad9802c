"""What invoices are made of: one row for each item, under the constraint that keeps it in one.

The unique index over what is live answers whoever comes second, with the items that are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, LiteralString

import polars as pl
from psycopg import errors as pg

from fairlead.errors import AlreadyBilled
from fairlead.store import bulk
from fairlead.store.database import Tx

_COLUMNS = (
    "invoice_id", "kind", "item_id", "line", "minutes", "rate", "rate_source", "amount",
    "discount", "capped", "drawn", "live", "frees",
)  # fmt: skip
_COPY = f"COPY invoice_items ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT csv)"
_AMOUNTS = ("amount", "discount", "capped", "drawn")

# Of some items, those that are in a live invoice, with its reference.
_TAKEN: LiteralString = """
SELECT i.kind, i.item_id, v.reference FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id
WHERE i.live AND (i.kind, i.item_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))
ORDER BY i.kind, i.item_id LIMIT 20
"""

_OF_INVOICE = """
SELECT i.line, i.kind, i.item_id, i.minutes, i.rate, i.rate_source, i.amount, i.discount, i.capped,
       i.drawn, i.live, i.frees
FROM invoice_items i WHERE i.invoice_id = %s ORDER BY i.kind, i.item_id
"""

# Items of one invoice with what its credits, and what takes an item back elsewhere, leave of each.
# An item that is taken back by a live one is not freed: `reversed` says by which invoice.
_LEFT: LiteralString = """
SELECT i.kind, i.item_id, i.line, i.minutes, i.rate, i.rate_source, i.live,
       i.amount + coalesce(c.amount, 0) + coalesce(r.amount, 0) AS amount,
       coalesce(i.discount, 0) + coalesce(c.discount, 0) + coalesce(r.discount, 0) AS discount,
       coalesce(i.capped, 0) + coalesce(c.capped, 0) + coalesce(r.capped, 0) AS capped,
       coalesce(i.drawn, 0) + coalesce(c.drawn, 0) + coalesce(r.drawn, 0) AS drawn,
       r.reference AS reversed, c.times AS credited, c.open AS open_credit
FROM invoice_items i
LEFT JOIN LATERAL (
    SELECT sum(x.amount) AS amount, sum(x.discount) AS discount, sum(x.capped) AS capped,
           sum(x.drawn) AS drawn, count(*) AS times,
           min(v.reference) FILTER (WHERE v.released_at IS NULL) AS open
    FROM invoice_items x JOIN invoices v ON v.id = x.invoice_id
    WHERE x.kind = i.kind AND x.item_id = i.item_id AND v.credits = i.invoice_id
      AND v.state <> 'discarded') c ON true
LEFT JOIN LATERAL (
    SELECT x.amount + coalesce(k.amount, 0) AS amount,
           coalesce(x.discount, 0) + coalesce(k.discount, 0) AS discount,
           coalesce(x.capped, 0) + coalesce(k.capped, 0) AS capped,
           coalesce(x.drawn, 0) + coalesce(k.drawn, 0) AS drawn, v.reference
    FROM (SELECT id FROM time_entries WHERE i.kind = 'time' AND reverses = i.item_id
          UNION ALL SELECT id FROM expenses WHERE i.kind = 'expense' AND reverses = i.item_id) b
    JOIN invoice_items x ON x.kind = i.kind AND x.item_id = b.id AND x.live
    JOIN invoices v ON v.id = x.invoice_id
    LEFT JOIN LATERAL (
        SELECT sum(y.amount) AS amount, sum(y.discount) AS discount, sum(y.capped) AS capped,
               sum(y.drawn) AS drawn
        FROM invoice_items y JOIN invoices w ON w.id = y.invoice_id
        WHERE y.kind = x.kind AND y.item_id = x.item_id AND w.credits = x.invoice_id
          AND w.state <> 'discarded') k ON true) r ON true
WHERE i.invoice_id = %s ORDER BY i.kind, i.item_id
"""

# Items of a proposal that somebody takes back by now: it bills what is known to be wrong.
_OUTDATED = """
SELECT i.kind, i.item_id FROM invoice_items i WHERE i.invoice_id = %(id)s AND (
    EXISTS (SELECT 1 FROM time_entries r WHERE i.kind = 'time' AND r.reverses = i.item_id
            AND r.state IN ('submitted', 'approved'))
    OR EXISTS (SELECT 1 FROM expenses r WHERE i.kind = 'expense' AND r.reverses = i.item_id
               AND r.state IN ('submitted', 'approved')))
ORDER BY 1, 2
"""


def add(tx: Tx, items: pl.DataFrame, minor_units: int) -> None:
    """Rows of `invoice_id`, `kind`, `item`, `line`… with amounts in minor units, all live.

    Raises `AlreadyBilled` naming items that are in another live invoice; nothing is added then.
    """
    rows = items.select(
        "invoice_id", "kind", "item", "line", "minutes", _decimal("rate", 8), "source",
        *(_decimal(name, minor_units) for name in _AMOUNTS),
        live=pl.lit("t"),
        frees=pl.lit(None, dtype=pl.String),
    )  # fmt: skip
    try:
        with tx.transaction(), tx.cursor() as cursor, cursor.copy(_COPY) as into:
            into.write(rows.write_csv(include_header=False).encode())
    except pg.UniqueViolation as taken:
        kinds, ids = items["kind"].to_list(), items["item"].to_list()
        raise _taken(tx, kinds, ids) from taken


def add_credited(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    """The items of a credit; they are never live. All have the columns of the table."""
    bulk.insert(tx, "invoice_items", rows)


def _taken(tx: Tx, kinds: Sequence[str], ids: Sequence[str]) -> AlreadyBilled:
    found = tx.execute(_TAKEN, [list(kinds), list(ids)]).fetchall()
    return AlreadyBilled([(row["kind"], str(row["item_id"]), row["reference"]) for row in found])


def _decimal(name: str, decimals: int) -> pl.Expr:
    """A whole number of the smallest unit, written with so many decimals."""
    value, unit = pl.col(name), 10**decimals
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    rest = (value.abs() % unit).cast(pl.String).str.zfill(decimals)
    parts = [sign, (value.abs() // unit).cast(pl.String)]
    return pl.concat_str(*parts, *([pl.lit("."), rest] if decimals else [])).alias(name)


def of_invoice(tx: Tx, id: str) -> list[dict[str, Any]]:
    """In the order of kind and id."""
    return tx.execute(_OF_INVOICE, [id]).fetchall()


def left(tx: Tx, id: str) -> list[dict[str, Any]]:
    """What is left of each item of an invoice, in the order of kind and id."""
    return tx.execute(_LEFT, [id]).fetchall()


def outdated(tx: Tx, id: str) -> list[tuple[str, str]]:
    """Items of a proposal that an approved or submitted one takes back."""
    rows = tx.execute(_OUTDATED, {"id": id}).fetchall()
    return [(row["kind"], str(row["item_id"])) for row in rows]


def billed_by(tx: Tx, kind: str, id: str) -> str | None:
    """Our reference of what an item went out with; null where it is in nothing, or in a draft."""
    row = tx.execute(
        "SELECT v.reference FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id "
        "WHERE i.kind = %s AND i.item_id = %s AND i.live "
        "AND v.state NOT IN ('proposed', 'reviewed')",
        [kind, id],
    ).fetchone()
    return None if row is None else row["reference"]


def drop(tx: Tx, id: str) -> None:
    """Of a proposal that is about to be worked out anew."""
    tx.execute("DELETE FROM invoice_items WHERE invoice_id = %s", [id])


def free(tx: Tx, invoice: str, items: Iterable[tuple[str, str]] | None = None) -> int:
    """What an invoice held may be billed again; all of it, or these items. How many."""
    if items is None:
        return tx.execute(
            "UPDATE invoice_items SET live = false WHERE invoice_id = %s AND live", [invoice]
        ).rowcount
    keys = list(items)
    return tx.execute(
        "UPDATE invoice_items SET live = false WHERE invoice_id = %s AND live "
        "AND (kind, item_id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))",
        [invoice, [kind for kind, _ in keys], [item for _, item in keys]],
    ).rowcount


# Every document that an item was in, oldest first.
_HISTORY: LiteralString = """
SELECT v.id AS invoice_id, v.reference, v.number, v.kind, v.state, v.credits, v.engagement_id,
       v.currency, v.proposed_at, v.released_at, v.reason, i.line, i.minutes, i.rate, i.rate_source,
       i.amount, i.discount, i.capped, i.drawn, i.live, i.frees
FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id
WHERE i.kind = %(kind)s AND i.item_id = %(item)s
  AND (%(regions)s::text[] IS NULL OR v.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR v.legal_entity = ANY(%(entities)s))
ORDER BY v.proposed_at, v.reference
"""


def history(
    tx: Tx,
    kind: str,
    item: str,
    *,
    regions: Collection[str] | None,
    entities: Collection[str] | None,
) -> list[dict[str, Any]]:
    """Where an item was billed, credited and billed again, within regions and legal entities."""
    return tx.execute(
        _HISTORY,
        {
            "kind": kind,
            "item": item,
            "regions": None if regions is None else list(regions),
            "entities": None if entities is None else list(entities),
        },
    ).fetchall()
