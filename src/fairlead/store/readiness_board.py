"""The board of billing: how ready each engagement was when it was last worked out, and invoices.

What is ready is worked out from all unbilled work of an engagement, which is too much to do for
every engagement whenever somebody looks; so it is kept, and worked out anew when something happens
to the engagement (`capabilities.billing.keeping`). Sums are per currency and never added up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from fairlead.store import bulk
from fairlead.store.database import Tx
from fairlead.store.invoices import Sees

#: So many cards of a lane are shown; its head counts all.
CARDS = 25
#: Paid invoices stay on the board for so many days.
PAID_FOR = 60

_SEEN: LiteralString = """
(%(regions)s::text[] IS NULL OR v.region = ANY(%(regions)s))
AND (%(entities)s::text[] IS NULL OR v.legal_entity = ANY(%(entities)s))
"""
_OF: LiteralString = "(%(entity)s::text IS NULL OR v.legal_entity = %(entity)s)"
#: Invoices and credits that the client or the ledger still hears of.
_ON_BOARD: LiteralString = """
v.state IN ('proposed', 'reviewed', 'released', 'posted', 'paid')
AND (v.state <> 'paid' OR v.proposed_at > %(now)s - make_interval(days => %(paid_for)s))
"""
_LANE: LiteralString = """
CASE v.state WHEN 'proposed' THEN 'drafted' WHEN 'reviewed' THEN 'drafted'
     WHEN 'paid' THEN 'posted' ELSE v.state END
"""

# How many, and how much of each currency, by lane and legal entity: of the whole board.
_SUMS: LiteralString = (
    """
SELECT 'blocked' AS lane, v.legal_entity, v.currency, count(*)::int AS count,
       sum(v.held) AS amount, min(v.computed_at) AS computed_at
FROM readiness_board v WHERE v.blocked AND {seen} GROUP BY 2, 3
UNION ALL
SELECT 'ready', v.legal_entity, v.currency, count(*)::int, sum(v.ready), min(v.computed_at)
FROM readiness_board v WHERE v.ready > 0 AND {seen} GROUP BY 2, 3
UNION ALL
SELECT {lane}, v.legal_entity, v.currency, count(*)::int, sum(v.net), NULL
FROM invoices v WHERE {on_board} AND {seen} GROUP BY 1, 2, 3
""".replace("{seen}", _SEEN)
    .replace("{lane}", _LANE)
    .replace("{on_board}", _ON_BOARD)
)

# Engagements with something to bill or held up, what waits longest first. One that is ready in
# part stands in both lanes.
_READY: LiteralString = """
(SELECT 'blocked' AS lane, v.* FROM readiness_board v WHERE v.blocked AND {seen} AND {of}
 ORDER BY v.since, v.engagement_id LIMIT %(cards)s)
UNION ALL
(SELECT 'ready', v.* FROM readiness_board v WHERE v.ready > 0 AND {seen} AND {of}
 ORDER BY v.ready_since, v.engagement_id LIMIT %(cards)s)
""".replace("{seen}", _SEEN).replace("{of}", _OF)

# Invoices by lane: what waits longest first; of posted ones what is due first, paid ones last.
_INVOICES: LiteralString = (
    """
WITH cards AS (
    SELECT v.id, v.lane, v.place FROM (
        SELECT v.id, {lane} AS lane, row_number() OVER (
            PARTITION BY {lane} ORDER BY v.state = 'paid',
                CASE WHEN v.state = 'posted' THEN v.due_on END,
                CASE WHEN v.state = 'paid' THEN v.paid_at END DESC, v.proposed_at, v.id) AS place
        FROM invoices v WHERE {on_board} AND {seen} AND {of}) v
    WHERE v.place <= %(cards)s)
SELECT c.lane, v.id, v.reference, v.number, v.kind, v.state, v.client_name, v.legal_entity,
       v.currency, v.net, v.starts_on, v.ends_on, v.proposed_by, v.proposed_at, v.reviewed_by,
       v.reviewed_at, v.released_by, v.released_at, v.posted_at, v.paid_at, v.paid, v.due_on,
       v.total, l.lines, l.kinds, l.first, x.title AS trouble, x.team AS trouble_team,
       t.role AS waits_for
FROM cards c JOIN invoices v ON v.id = c.id
LEFT JOIN LATERAL (
    SELECT count(*)::int AS lines, array_agg(DISTINCT kind) AS kinds,
           (array_agg(description ORDER BY line))[1] AS first
    FROM invoice_lines WHERE invoice_id = v.id) l ON true
LEFT JOIN LATERAL (SELECT id FROM runs WHERE subject_id = v.id AND ended_at IS NULL
                   AND v.state = 'released' ORDER BY started_at DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT title, team FROM exceptions WHERE run_id = r.id AND state = 'open'
                   ORDER BY opened_at LIMIT 1) x ON true
LEFT JOIN LATERAL (SELECT role FROM tasks WHERE run_id = r.id AND state = 'open'
                   ORDER BY opened_at LIMIT 1) t ON true
ORDER BY c.lane, c.place
""".replace("{seen}", _SEEN)
    .replace("{lane}", _LANE)
    .replace("{of}", _OF)
    .replace("{on_board}", _ON_BOARD)
)

# One engagement of the board with whom it is for.
_ONE: LiteralString = """
SELECT v.*, d.code AS project_code, d.body->'tax' AS treatment, d.contract_type, d.billing_method,
       d.body->>'purchase_order' AS purchase_order, d.body->>'contract_number' AS contract_number,
       (d.body->>'payment_days')::int AS payment_days, e.body->'deal'->'client' AS client,
       h.id AS hold_id, h.reason AS hold, h.placed_by AS held_by, h.placed_at AS held_at
FROM readiness_board v JOIN deliveries d ON d.engagement_id = v.engagement_id
LEFT JOIN engagements e ON e.id = v.engagement_id
LEFT JOIN billing_holds h ON h.engagement_id = v.engagement_id AND h.item_id IS NULL
     AND h.lifted_at IS NULL
WHERE v.number = %(name)s AND {seen}
""".replace("{seen}", _SEEN)

# Engagements that are ready, for one press that drafts them.
_ALL_READY: LiteralString = """
SELECT v.engagement_id FROM readiness_board v
WHERE v.ready > 0 AND {seen} AND {of} ORDER BY v.ready_since, v.engagement_id LIMIT %(limit)s
""".replace("{seen}", _SEEN).replace("{of}", _OF)

# The whole board, by engagement.
_PAGE: LiteralString = """
SELECT v.engagement_id, v.body, v.since, v.computed_at FROM readiness_board v
WHERE (v.blocked OR v.ready > 0) AND {seen} AND {of} AND v.engagement_id > %(after)s
ORDER BY v.engagement_id LIMIT %(limit)s
""".replace("{seen}", _SEEN).replace("{of}", _OF)

_NAMED = """
SELECT engagement_id, number, client_name FROM deliveries WHERE engagement_id = ANY(%s)
"""

# Whose engagements grew since a place in the feed of events. By transaction, and only those before
# the oldest that is still open, so that none that commits late is passed over.
_GREW = """
SELECT chain, tx::text AS tx, seq FROM events
WHERE (tx, seq) > (%(tx)s::xid8, %(seq)s) AND tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY events.tx, events.seq LIMIT %(limit)s
"""

# Open engagements that are not on the board yet, or were worked out too long ago.
_OLD = """
SELECT d.engagement_id FROM deliveries d
LEFT JOIN readiness_board b ON b.engagement_id = d.engagement_id
WHERE (d.closed_at IS NULL OR b.blocked OR b.ready > 0)
  AND coalesce(b.computed_at, '-infinity') < %s
ORDER BY b.computed_at NULLS FIRST, d.engagement_id LIMIT %s
"""

_LOCK = """
SELECT engagement_id, ready_since FROM readiness_board
WHERE engagement_id = ANY(%s) ORDER BY engagement_id FOR UPDATE
"""
# The first to follow begins here: what was before is worked out because it is not on the board.
_BEGIN = """
INSERT INTO readiness_feed (name, tx, seq)
VALUES ('board', pg_snapshot_xmin(pg_current_snapshot()), 0) ON CONFLICT DO NOTHING
"""
_PLACE = "SELECT tx::text AS tx, seq FROM readiness_feed FOR UPDATE SKIP LOCKED"
_MOVE = "UPDATE readiness_feed SET tx = %s::xid8, seq = %s"


def sums(tx: Tx, sees: Sees, now: datetime) -> list[dict[str, Any]]:
    """By lane, legal entity and currency: of everything that the reader sees."""
    return tx.execute(_SUMS, {**sees.values(), "now": now, "paid_for": PAID_FOR}).fetchall()


def ready(tx: Tx, sees: Sees, entity: str | None) -> list[dict[str, Any]]:
    values = {**sees.values(), "entity": entity, "cards": CARDS}
    return tx.execute(_READY, values).fetchall()


def invoices(tx: Tx, sees: Sees, entity: str | None, now: datetime) -> list[dict[str, Any]]:
    values = {
        **sees.values(), "entity": entity, "cards": CARDS, "now": now, "paid_for": PAID_FOR,
    }  # fmt: skip
    return tx.execute(_INVOICES, values).fetchall()


def one(tx: Tx, sees: Sees, name: str) -> dict[str, Any] | None:
    """By the engagement's number; null where it is not launched, or not theirs to see."""
    return tx.execute(_ONE, {"name": name, **sees.values()}).fetchone()


def all_ready(tx: Tx, sees: Sees, entity: str | None, limit: int) -> list[str]:
    values = {**sees.values(), "entity": entity, "limit": limit}
    return [row["engagement_id"] for row in tx.execute(_ALL_READY, values).fetchall()]


def page(tx: Tx, sees: Sees, entity: str | None, *, after: str, limit: int) -> list[dict[str, Any]]:
    """All that is blocked or ready, behind the engagement `after`."""
    values = {**sees.values(), "entity": entity, "after": after, "limit": limit}
    return tx.execute(_PAGE, values).fetchall()


def named(tx: Tx, engagements: Sequence[str]) -> list[dict[str, Any]]:
    return tx.execute(_NAMED, [list(engagements)]).fetchall()


def keep(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """As it was worked out just now, by whoever has `lock`ed it."""
    bulk.upsert(tx, "readiness_board", rows, keys=("engagement_id",))


def lock(tx: Tx, ids: Sequence[str]) -> dict[str, datetime | None]:
    """Before they are worked out, so that nobody puts an older answer over a newer one; since when
    each that is there was ready."""
    rows = tx.execute(_LOCK, [sorted(ids)]).fetchall()
    return {row["engagement_id"]: row["ready_since"] for row in rows}


def place(tx: Tx) -> tuple[str, int] | None:
    """Up to where the feed was followed; null: another worker is at it."""
    row = tx.execute(_PLACE).fetchone()
    if row is None and tx.execute(_BEGIN).rowcount:
        row = tx.execute(_PLACE).fetchone()
    return None if row is None else (row["tx"], row["seq"])


def grew(tx: Tx, place: tuple[str, int], limit: int) -> list[dict[str, Any]]:
    """Chains of events behind the place, with where each stands."""
    return tx.execute(_GREW, {"tx": place[0], "seq": place[1], "limit": limit}).fetchall()


def move(tx: Tx, place: tuple[str, int]) -> None:
    tx.execute(_MOVE, list(place))


def old(tx: Tx, before: datetime, limit: int) -> list[str]:
    return [row["engagement_id"] for row in tx.execute(_OLD, [before, limit]).fetchall()]
