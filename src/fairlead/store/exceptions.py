"""Exceptions: what cannot go on without a person. One open row per cause."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx
from fairlead.work.words import NewException

# The same cause again is the same exception: what it says is renewed, and it is counted.
_OPEN = """
INSERT INTO exceptions (id, cause, class, team, title, detail, remedy, gaps, payload, difference,
    actions, system, run_id, step, occurrence, subject_id, region, amount, currency, state,
    opened_at, due_at)
VALUES (%(id)s, %(cause)s, %(class)s, %(team)s, %(title)s, %(detail)s, %(remedy)s, %(gaps)s,
    %(payload)s, %(difference)s, %(actions)s, %(system)s, %(run_id)s, %(step)s, %(occurrence)s,
    %(subject_id)s, %(region)s, %(amount)s, %(currency)s, 'open', %(opened_at)s, %(due_at)s)
ON CONFLICT (cause) WHERE state = 'open' DO UPDATE SET
    times = exceptions.times + 1, title = EXCLUDED.title, detail = EXCLUDED.detail,
    remedy = EXCLUDED.remedy, gaps = EXCLUDED.gaps, payload = EXCLUDED.payload,
    difference = EXCLUDED.difference, actions = EXCLUDED.actions, amount = EXCLUDED.amount,
    currency = EXCLUDED.currency, version = exceptions.version + 1
RETURNING id
"""

# Whoever supplied the values last settled it, once the gate has opened.
_SETTLE = """
UPDATE exceptions x SET state = 'resolved', resolved_at = %s, version = version + 1,
       (resolution, resolved_by) = (
           SELECT CASE WHEN count(*) = 0 THEN 'by itself' ELSE 'supply' END,
                  split_part((array_agg(e.actor ORDER BY e.position DESC))[1], ':', 2)
           FROM events e WHERE e.chain = x.subject_id AND e.type = 'exception.supply'
             AND e.attributes ->> 'cause' = x.cause AND e.at >= x.opened_at)
WHERE cause = ANY(%s) AND state = 'open'
"""

_RESOLVE = """
UPDATE exceptions SET state = 'resolved', resolution = %s, resolved_by = %s, reason = %s,
       resolved_at = %s, version = version + 1
WHERE id = %s
"""

_LAST = """
SELECT DISTINCT ON (cause) cause, state, resolved_by, amount FROM exceptions
WHERE subject_id = ANY(%s) AND cause = ANY(%s) ORDER BY cause, opened_at DESC
"""

_OVERDUE = """
UPDATE exceptions SET escalated_at = clock_timestamp()
WHERE id IN (SELECT id FROM exceptions WHERE state = 'open' AND escalated_at IS NULL
             AND due_at <= clock_timestamp() ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING *
"""


def open_one(tx: Tx, new: NewException) -> str:
    """Open it, or add to the one that is open for the same cause; its id."""
    row = tx.execute(
        _OPEN,
        {
            "id": str(uuid.uuid4()),
            "cause": new.cause,
            "class": new.cause_class,
            "team": new.team,
            "title": new.title[:300],
            "detail": new.detail[:4000],
            "remedy": new.remedy[:2000],
            "gaps": Jsonb([gap.model_dump(mode="json") for gap in new.gaps]),
            "payload": None if new.payload is None else Jsonb(new.payload),
            "difference": None if new.difference is None else Jsonb(new.difference),
            "actions": Jsonb([str(action) for action in new.actions]),
            "system": new.system,
            "run_id": new.run_id,
            "step": new.step,
            "occurrence": new.occurrence,
            "subject_id": new.subject_id,
            "region": new.region,
            "amount": new.at_risk.amount if new.at_risk else None,
            "currency": new.at_risk.currency if new.at_risk else None,
            "opened_at": new.opened_at,
            "due_at": new.due_at,
        },
    ).fetchone()
    assert row is not None
    return row["id"]


def settle(tx: Tx, causes: Sequence[str], at: datetime) -> None:
    """The causes are gone: their exceptions end, by what a person supplied or by themselves."""
    if causes:
        tx.execute(_SETTLE, [at, list(causes)])


def last_of(tx: Tx, subjects: Sequence[str], causes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Cause → the exception that was opened for it last, of these subjects."""
    rows = tx.execute(_LAST, [list(subjects), list(causes)]).fetchall()
    return {row["cause"]: row for row in rows}


def lock(tx: Tx, id: str) -> dict[str, Any] | None:
    return tx.execute("SELECT * FROM exceptions WHERE id = %s FOR UPDATE", [id]).fetchone()


def resolve(tx: Tx, id: str, resolution: str, *, by: str, reason: str | None, at: datetime) -> None:
    tx.execute(_RESOLVE, [resolution, by, reason, at, id])


def assign(tx: Tx, id: str, person: str | None) -> None:
    tx.execute(
        "UPDATE exceptions SET assignee = %s, version = version + 1 WHERE id = %s", [person, id]
    )


def take_overdue(tx: Tx, limit: int = 200) -> list[dict[str, Any]]:
    """Each is given once."""
    return tx.execute(_OVERDUE, [limit]).fetchall()
