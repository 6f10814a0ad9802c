"""Months of a legal entity, open or closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from psycopg.rows import class_row

from fairlead.store import bulk
from fairlead.store.database import Tx

# One who books shares the entity's periods; one who closes or opens a month has them alone.
_SHARE = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('period:' || entity, 0))
FROM (SELECT unnest(%s::text[]) AS entity ORDER BY 1) AS each
"""

_CLOSED = """
SELECT legal_entity, month FROM periods WHERE state = 'closed' AND legal_entity = ANY(%s)
"""

Closed = frozenset[tuple[str, date]]  #: (legal entity, first day of the month)


def share(tx: Tx, entities: Collection[str]) -> Closed:
    """The closed months of these entities; none is closed or opened before the transaction ends."""
    tx.execute(_SHARE, [sorted(entities)])
    return closed(tx, entities)


def closed(tx: Tx, entities: Collection[str]) -> Closed:
    rows = tx.execute(_CLOSED, [sorted(entities)])
    return frozenset((row["legal_entity"], row["month"]) for row in rows)


State = Literal["open", "closed"]

_ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('period:' || %s, 0))"

# The month has a row from the first request on, so that others can lock it.
_BEGIN = """
INSERT INTO periods (legal_entity, month, state) VALUES (%s, %s, 'open') ON CONFLICT DO NOTHING
"""
_STATE = "SELECT state FROM periods WHERE legal_entity = %s AND month = %s"

_SET = """
UPDATE periods SET state = %(state)s, closed_by = %(by)s, closed_at = %(at)s
WHERE legal_entity = %(entity)s AND month = %(month)s
"""

_MOVE = "SELECT * FROM period_moves WHERE id = %s FOR UPDATE"
_END = "UPDATE period_moves SET state = %s, decided_by = %s, decided_at = %s WHERE id = %s"

# What keeps a month from being closed: entries that nobody has decided on, and the rest of what
# is on its way to the ledger. Approved revenue whose run is completed has no ledger to go to.
_WAITING = """
SELECT w.entity, w.month, x.submitted, x.unsubmitted, (
        SELECT count(*)::int FROM runs r JOIN deliveries d ON d.engagement_id = r.subject_id
        WHERE r.playbook = 'book-work' AND r.ended_at IS NULL AND d.legal_entity = w.entity
    ) + (SELECT count(*)::int FROM revenue_batches b
        WHERE b.legal_entity = w.entity AND b.month = w.month AND b.state = 'approved'
          AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.subject_id = b.id
                          AND r.playbook = 'revenue-to-ledger' AND r.state = 'completed')
    ) AS booking
FROM unnest(%(entities)s::text[], %(months)s::date[]) AS w(entity, month)
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE state = 'submitted')::int AS submitted,
           count(*) FILTER (WHERE state IN ('draft', 'returned'))::int AS unsubmitted
    FROM (SELECT state, legal_entity, day FROM time_entries
          UNION ALL SELECT state, legal_entity, day FROM expenses) AS each
    WHERE legal_entity = w.entity AND state <> 'approved'
      AND day >= w.month AND day < (w.month + interval '1 month')) AS x
"""

# Months that were ever asked about, newest first.
_LIST = """
SELECT p.legal_entity, p.month, p.state, p.closed_by, p.closed_at,
       m.id AS move, m.wanted, m.asked_by, m.asked_at, m.reason, m.carry
FROM periods p LEFT JOIN period_moves m
  ON m.legal_entity = p.legal_entity AND m.month = p.month AND m.state = 'asked'
WHERE (%(entities)s::text[] IS NULL OR p.legal_entity = ANY(%(entities)s))
  AND (%(entity)s::text IS NULL OR p.legal_entity = %(entity)s)
ORDER BY p.month DESC, p.legal_entity LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Move:
    """Somebody asks for a month to be closed or opened; somebody else decides."""

    id: str
    legal_entity: str
    month: date
    wanted: State
    carry: bool  #: what waits in it is booked in the next open month
    reason: str
    state: str  #: asked, done, or withdrawn
    asked_by: str
    asked_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None


def alone(tx: Tx, entity: str) -> None:
    """Nobody approves or closes anything of this entity before the transaction ends."""
    tx.execute(_ALONE, [entity])


def state(tx: Tx, entity: str, month: date) -> State:
    row = tx.execute(_STATE, [entity, month]).fetchone()
    return row["state"] if row else "open"


def begin(tx: Tx, entity: str, month: date) -> None:
    tx.execute(_BEGIN, [entity, month])


def become(tx: Tx, entity: str, month: date, state: State, *, by: str, at: datetime) -> None:
    closed = state == "closed"
    values = {
        "entity": entity,
        "month": month,
        "state": state,
        "by": by if closed else None,
        "at": at if closed else None,
    }
    tx.execute(_SET, values)


def ask(tx: Tx, move: Move) -> None:
    """One at a time for each month: a second one breaks a constraint of the table."""
    bulk.insert(tx, "period_moves", [vars(move)])


def asked(tx: Tx, entity: str, month: date) -> bool:
    found = tx.execute(
        "SELECT 1 FROM period_moves WHERE legal_entity = %s AND month = %s AND state = 'asked'",
        [entity, month],
    ).fetchone()
    return found is not None


def move(tx: Tx, id: str) -> Move | None:
    """Locked."""
    with tx.cursor(row_factory=class_row(Move)) as cursor:
        return cursor.execute(_MOVE, [id]).fetchone()


def end(tx: Tx, id: str, state: str, *, by: str, at: datetime) -> None:
    tx.execute(_END, [state, by, at, id])


def waiting(tx: Tx, entity: str, month: date) -> Mapping[str, int]:
    """`submitted`, `unsubmitted` (drafts and what was returned) and `booking` (runs that carry
    work of the entity to the ledger, and approved revenue that is not there yet)."""
    return waiting_in(tx, [(entity, month)])[entity, month]


def waiting_in(
    tx: Tx, months: Sequence[tuple[str, date]]
) -> Mapping[tuple[str, date], Mapping[str, int]]:
    """As `waiting`, of many months of many entities in one statement."""
    values = {"entities": [one for one, _ in months], "months": [month for _, month in months]}
    return {
        (row["entity"], row["month"]): {
            name: row[name] for name in ("submitted", "unsubmitted", "booking")
        }
        for row in tx.execute(_WAITING, values)
    }


def listed(
    tx: Tx, entities: Collection[str] | None, *, entity: str | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    values = {
        "entities": None if entities is None else sorted(entities),
        "entity": entity,
        "limit": limit,
    }
    return tx.execute(_LIST, values).fetchall()
