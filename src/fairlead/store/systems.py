"""What all workers must agree on about each outside system: breaker, budget, polls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from psycopg import sql
from psycopg.rows import class_row

from fairlead.domain.values import Money
from fairlead.store.database import Tx


@dataclass(frozen=True)
class SystemRow:
    id: str
    breaker: str  #: closed or open
    reason: str | None
    opened_at: datetime | None
    probe_at: datetime | None
    not_before: datetime | None
    draining: bool
    paused_by: str | None
    polled_to: datetime | None
    poll_at: datetime | None
    polled_at: datetime | None
    last_ok_at: datetime | None


_COLUMNS = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields(SystemRow))
_ONE = sql.SQL("SELECT {c} FROM systems WHERE id = %s").format(c=_COLUMNS)
_ALL = sql.SQL("SELECT {c} FROM systems ORDER BY id").format(c=_COLUMNS)

# One call from the budget, if there is one. The bucket holds one second's worth, at least one.
_TAKE_CALL = """
UPDATE systems SET tokens = filled.tokens - 1, tokens_at = clock_timestamp()
FROM (SELECT id, least(greatest(%(rate)s, 1), coalesce(tokens, greatest(%(rate)s, 1))
      + %(rate)s * extract(epoch FROM clock_timestamp() - coalesce(tokens_at, clock_timestamp())))
      AS tokens FROM systems WHERE id = %(id)s FOR UPDATE) AS filled
WHERE systems.id = filled.id AND filled.tokens >= 1
RETURNING 1 AS taken
"""

_HOLD_OFF = """
UPDATE systems SET not_before = greatest(coalesce(not_before, '-infinity'),
                                         clock_timestamp() + %s) WHERE id = %s
"""

# The breaker opens once, whoever sees the trouble first.
_OPEN = """
UPDATE systems SET breaker = 'open', reason = %s, opened_at = clock_timestamp(), probes = 0,
                   probe_at = clock_timestamp() + interval '5 seconds', draining = true
WHERE id = %s AND breaker = 'closed' RETURNING id
"""

# One worker probes at a time, ever more seldom: after 5, 7.5, 11… up to 20 seconds, and a bit.
_CLAIM_PROBE = """
UPDATE systems SET probes = probes + 1, probe_at = clock_timestamp()
    + least(5 * power(1.5, probes), 20) * (1 + 0.2 * random()) * interval '1 second'
WHERE id = %s AND breaker = 'open' AND paused_by IS NULL AND probe_at <= clock_timestamp()
RETURNING id
"""

_CLOSE = """
UPDATE systems SET breaker = 'closed', reason = NULL, opened_at = NULL, probe_at = NULL,
                   not_before = NULL, last_ok_at = clock_timestamp()
WHERE id = %s AND breaker = 'open' RETURNING id
"""

# What waited for the system goes on, oldest first.
_RELEASE = """
UPDATE steps SET ready_at = clock_timestamp() WHERE system = %s AND state = 'ready'
"""

# The backlog of an outage is gone.
_DRAINED = """
UPDATE systems SET draining = false
WHERE id = %s AND draining AND breaker = 'closed'
  AND NOT EXISTS (SELECT 1 FROM steps WHERE system = systems.id AND state IN ('ready', 'running'))
RETURNING id
"""

# Take the next poll of a system; nobody else will until the time given.
_TAKE_POLL = """
UPDATE systems SET poll_at = clock_timestamp() + %s
WHERE id = %s AND poll_at <= clock_timestamp() RETURNING polled_to
"""

# What an outage holds up: engagements that wait, and their money per currency.
_WAITING = """
SELECT count(*) AS engagements, e.currency, sum(e.value) AS value FROM engagements e
WHERE e.id IN (SELECT r.subject_id FROM steps s JOIN runs r ON r.id = s.run_id
               WHERE s.system = %s AND s.state IN ('ready', 'running'))
GROUP BY e.currency ORDER BY value DESC NULLS LAST
"""


@dataclass(frozen=True)
class Waiting:
    """What waits for a system, in one currency."""

    engagements: int
    value: Money | None


def register(tx: Tx, ids: Sequence[str], polled: Sequence[str]) -> None:
    """Make a row for each configured system; `polled` ones are due for a poll at once."""
    tx.execute(
        "INSERT INTO systems (id) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", [list(ids)]
    )
    tx.execute(
        "UPDATE systems SET poll_at = CASE WHEN id = ANY(%s) "
        "THEN coalesce(poll_at, clock_timestamp()) END WHERE id = ANY(%s)",
        [list(polled), list(ids)],
    )


def get(tx: Tx, id: str) -> SystemRow | None:
    with tx.cursor(row_factory=class_row(SystemRow)) as cursor:
        return cursor.execute(_ONE, [id]).fetchone()


def all_of(tx: Tx) -> list[SystemRow]:
    with tx.cursor(row_factory=class_row(SystemRow)) as cursor:
        return cursor.execute(_ALL).fetchall()


def take_call(tx: Tx, id: str, per_second: float) -> bool:
    return tx.execute(_TAKE_CALL, {"id": id, "rate": per_second}).fetchone() is not None


def hold_off(tx: Tx, id: str, wait: timedelta) -> None:
    """Nobody calls it for so long: it asked for that."""
    tx.execute(_HOLD_OFF, [wait, id])


def open_breaker(tx: Tx, id: str, reason: str) -> bool:
    """True for the one worker that opened it."""
    return tx.execute(_OPEN, [reason[:300], id]).fetchone() is not None


def claim_probe(tx: Tx, id: str) -> bool:
    return tx.execute(_CLAIM_PROBE, [id]).fetchone() is not None


def close_breaker(tx: Tx, id: str) -> bool:
    """True for the one worker that closed it; what waited may go on."""
    closed = tx.execute(_CLOSE, [id]).fetchone() is not None
    if closed:
        tx.execute(_RELEASE, [id])
    return closed


def mark_drained(tx: Tx, id: str) -> bool:
    """True once, when nothing that an outage held up is left."""
    return tx.execute(_DRAINED, [id]).fetchone() is not None


def take_poll(tx: Tx, id: str, every: timedelta) -> tuple[bool, datetime | None]:
    """Whether the poll is ours, and up to when the changes are known."""
    row = tx.execute(_TAKE_POLL, [every, id]).fetchone()
    return (row is not None, row["polled_to"] if row else None)


def poll_now(tx: Tx, id: str) -> bool:
    """The next poll is due at once. False: the system is not polled."""
    result = tx.execute(
        "UPDATE systems SET poll_at = clock_timestamp() WHERE id = %s AND poll_at IS NOT NULL", [id]
    )
    return result.rowcount == 1


def polled(tx: Tx, id: str, to: datetime, began: datetime) -> None:
    """A complete pass that `began` then found every change up to `to`. Neither moves back."""
    tx.execute(
        "UPDATE systems SET polled_to = greatest(polled_to, %s), "
        "polled_at = greatest(polled_at, %s) WHERE id = %s",
        [to, began, id],
    )


def waiting(tx: Tx, id: str) -> list[Waiting]:
    """Engagements that wait for the system, and their value per currency, largest first."""
    return [
        Waiting(
            row["engagements"],
            Money(amount=row["value"], currency=row["currency"]) if row["currency"] else None,
        )
        for row in tx.execute(_WAITING, [id])
    ]


def pause(tx: Tx, id: str, person: str | None) -> bool:
    """Pause (by a person) or resume (None)."""
    result = tx.execute("UPDATE systems SET paused_by = %s WHERE id = %s", [person, id])
    return result.rowcount == 1
