"""The effect ledger's rows: what was meant to happen outside, and what did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fairlead.domain.values import ExternalRef
from fairlead.store.database import Tx


@dataclass(frozen=True)
class EffectRow:
    key: str
    run_id: str
    step: str
    operation: str
    digest: str
    state: str
    ref: dict[str, str] | None
    attempts: int
    tried_at: datetime | None
    now: datetime  #: of the database, when this was read

    @property
    def reference(self) -> ExternalRef | None:
        return ExternalRef(**self.ref) if self.ref else None


# The intent, committed before the call. Whoever comes later finds what is there.
_INTEND = """
INSERT INTO effects (key, run_id, step, occurrence, subject_id, system, operation, digest, request,
                     state, intended_at)
VALUES (%(key)s, %(run_id)s, %(step)s, %(occurrence)s, %(subject_id)s, %(system)s, %(operation)s,
        %(digest)s, %(request)s, 'intended', clock_timestamp())
ON CONFLICT (key) DO UPDATE SET
    -- what was never sent may still change; what may have left us may not
    digest = CASE WHEN effects.tried_at IS NULL AND effects.state <> 'confirmed'
             THEN EXCLUDED.digest ELSE effects.digest END,
    request = CASE WHEN effects.tried_at IS NULL AND effects.state <> 'confirmed'
              THEN EXCLUDED.request ELSE effects.request END
RETURNING key, run_id, step, operation, digest, state, ref, attempts, tried_at,
          clock_timestamp() AS now
"""

# From here on a call may have left us, whatever becomes of this process.
_TRY = """
UPDATE effects SET state = 'unknown', tried_at = clock_timestamp(), attempts = attempts + 1
WHERE key = %s
"""

# It is done; that stays so.
_CONFIRM = """
UPDATE effects SET state = 'confirmed', ref = %s, tried_at = NULL, answer = NULL,
       settled_at = clock_timestamp()
WHERE key = %s AND state <> 'confirmed'
"""

# The call may land until the settle window, which begins when we stopped waiting, has passed.
_UNKNOWN = """
UPDATE effects SET state = 'unknown', tried_at = clock_timestamp(), answer = %s
WHERE key = %s AND state <> 'confirmed'
"""

# The call surely did nothing, and none before it can: the next is a first one again.
_UNDONE = """
UPDATE effects SET state = %(state)s, tried_at = NULL, answer = %(answer)s,
       settled_at = CASE WHEN %(state)s = 'refused' THEN clock_timestamp() END
WHERE key = %(key)s AND state <> 'confirmed'
"""

# The last call surely did nothing, but an earlier one may still land.
_AS_TRIED = """
UPDATE effects SET state = 'unknown', tried_at = %s, answer = %s
WHERE key = %s AND state <> 'confirmed'
"""

# A call under the key may have left us, and nobody knows yet what it did.
_UNSETTLED = """
SELECT 1 AS open FROM effects
WHERE key = %s AND state IN ('intended', 'unknown') AND tried_at IS NOT NULL
"""

# Steps of a run that have reached outside, or may have.
_REACHED = """
SELECT DISTINCT step FROM effects
WHERE run_id = %s AND (state = 'confirmed' OR tried_at IS NOT NULL)
"""

_COUNTS = "SELECT state, count(*) FROM effects GROUP BY state"


def intend(
    tx: Tx,
    *,
    key: str,
    run_id: str,
    step: str,
    occurrence: int,
    subject_id: str,
    system: str,
    operation: str,
    digest: str,
    request: dict[str, Any],
) -> EffectRow:
    """The effect's row, made if it is not there."""
    values = {
        "key": key,
        "run_id": run_id,
        "step": step,
        "occurrence": occurrence,
        "subject_id": subject_id,
        "system": system,
        "operation": operation,
        "digest": digest,
        "request": Jsonb(request),
    }
    with tx.cursor(row_factory=class_row(EffectRow)) as cursor:
        row = cursor.execute(_INTEND, values).fetchone()
    assert row is not None
    return row


def unsettled(tx: Tx, key: str) -> bool:
    """Whether a call under this key may have left us, and nobody knows yet what it did."""
    return tx.execute(_UNSETTLED, [key]).fetchone() is not None


def try_now(tx: Tx, key: str) -> None:
    tx.execute(_TRY, [key])


def confirm(tx: Tx, key: str, ref: ExternalRef) -> None:
    tx.execute(_CONFIRM, [Jsonb(ref.model_dump()), key])


def leave_unknown(tx: Tx, key: str, answer: str) -> None:
    tx.execute(_UNKNOWN, [answer[:500], key])


def leave_undone(tx: Tx, key: str, state: str, answer: str) -> None:
    """`state`: intended, to be tried again, or refused."""
    tx.execute(_UNDONE, {"state": state, "answer": answer[:500], "key": key})


def leave_as_tried(tx: Tx, key: str, tried_at: datetime, answer: str) -> None:
    tx.execute(_AS_TRIED, [tried_at, answer[:500], key])


def reached(tx: Tx, run_id: str) -> frozenset[str]:
    """Names of the run's steps that did something outside, or of which it is not known."""
    return frozenset(row["step"] for row in tx.execute(_REACHED, [run_id]))


def counts(tx: Tx) -> dict[str, int]:
    """How many effects are in each state."""
    return {row["state"]: row["count"] for row in tx.execute(_COUNTS)}


def of_runs(tx: Tx, run_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Every effect of some runs, oldest first."""
    return tx.execute(
        "SELECT * FROM effects WHERE run_id = ANY(%s) ORDER BY intended_at, key",
        [list(run_ids)],
    ).fetchall()
