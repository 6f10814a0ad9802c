"""Runs and their steps: the truth about where work stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from fairlead.errors import NotFound
from fairlead.store import bulk
from fairlead.store.database import Tx


@dataclass
class RunRow:
    id: str
    playbook: str
    digest: str
    subject_type: str
    subject_id: str
    region: str | None
    correlation: str
    input: dict[str, Any]
    state: str
    started_at: datetime
    ends_as: str | None = None
    ready_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass
class StepRow:
    run_id: str
    name: str
    kind: str
    state: str
    owner: str
    started_at: datetime
    occurrence: int = 1
    system: str | None = None
    attempt: int = 0
    crashes: int = 0
    worker: str | None = None
    ready_at: datetime | None = None
    due_at: datetime | None = None
    overdue_at: datetime | None = None
    ended_at: datetime | None = None
    result: dict[str, Any] | None = None
    because: str | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        return (self.run_id, self.name, self.occurrence)


_RUN_COLUMNS = tuple(field.name for field in fields(RunRow))
_STEP_COLUMNS = tuple(field.name for field in fields(StepRow))


def _columns(names: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


# The oldest ready runs that no other worker is advancing.
_TAKE = (
    sql.SQL(
        "SELECT {run} FROM runs WHERE ready_at <= clock_timestamp() "
        "ORDER BY ready_at LIMIT %s FOR UPDATE SKIP LOCKED"
    )
    .format(run=_columns(_RUN_COLUMNS))
    .as_bytes()
)

# One run, waiting for whoever has it.
_LOCK = sql.SQL("SELECT {run} FROM runs WHERE id = %s FOR UPDATE").format(
    run=_columns(_RUN_COLUMNS)
)

_GET = sql.SQL("SELECT {run} FROM runs WHERE id = %s").format(run=_columns(_RUN_COLUMNS)).as_bytes()

# All steps of some runs, in the order in which they began.
_STEPS = (
    sql.SQL("SELECT {step} FROM steps WHERE run_id = ANY(%s) ORDER BY started_at, name")
    .format(step=_columns(_STEP_COLUMNS))
    .as_bytes()
)

# An outward worker takes the oldest ready step of a system that lets us in. A step that began
# earlier goes first also after an outage, so that the queue drains in order.
_CLAIM = (
    sql.SQL("""
UPDATE steps SET state = 'running', worker = %(worker)s, attempt = attempt + 1,
                 crashes = crashes + 1
WHERE (run_id, name, occurrence) = (
    SELECT run_id, name, occurrence FROM steps
    WHERE system = %(system)s AND state = 'ready'
      AND (ready_at <= clock_timestamp() OR %(probe)s)
      AND (%(probe)s OR EXISTS (
          SELECT 1 FROM systems WHERE id = %(system)s AND breaker = 'closed'
          AND paused_by IS NULL AND (not_before IS NULL OR not_before <= clock_timestamp())))
    ORDER BY started_at, run_id, name LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING {step}
""")
    .format(step=_columns(_STEP_COLUMNS))
    .as_bytes()
)

# Steps that a dead worker had go back to the queue.
_GIVE_BACK = """
UPDATE steps SET state = 'ready', worker = NULL, ready_at = clock_timestamp()
WHERE state = 'running'
  AND (worker = ANY(%s) OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = steps.worker))
RETURNING system
"""

# Somebody or something that the run waits for has happened.
_WAKE = "UPDATE runs SET ready_at = clock_timestamp() WHERE id = ANY(%s) AND ended_at IS NULL"

# Only the attempt that has the step may end it: a worker that was taken for dead may not.
_MINE = """
SELECT 1 AS mine FROM steps WHERE run_id = %s AND name = %s AND occurrence = %s
  AND state = 'running' AND worker = %s AND attempt = %s FOR UPDATE
"""

# Not done: another attempt later. An attempt that was only waiting is not counted.
_PUT_BACK = """
UPDATE steps SET state = 'ready', worker = NULL, crashes = 0, because = %(because)s,
       attempt = attempt - CASE WHEN %(counts)s THEN 0 ELSE 1 END,
       ready_at = clock_timestamp() + %(wait)s
WHERE run_id = %(run)s AND name = %(name)s AND occurrence = %(occurrence)s
  AND state = 'running' AND worker = %(worker)s AND attempt = %(attempt)s
"""

# A person, an event or a time has answered what a step waits for.
_END_STEP = """
UPDATE steps SET state = %(state)s, result = %(result)s, because = %(because)s, crashes = 0,
       ended_at = clock_timestamp(), ready_at = NULL
WHERE run_id = %(run)s AND name = %(name)s AND occurrence = %(occurrence)s AND ended_at IS NULL
"""

# A parked step may be taken again: outward ones by a worker, others when their run is planned.
_REVIVE = """
UPDATE steps SET state = CASE WHEN system IS NULL THEN 'blocked' ELSE 'ready' END,
       ready_at = clock_timestamp(), attempt = 0, crashes = 0, because = %(because)s,
       result = coalesce(%(result)s, result)
WHERE run_id = %(run)s AND name = %(name)s AND occurrence = %(occurrence)s AND state = 'failed'
RETURNING system
"""

# Steps of a worker that lives but no longer knows of them (its database was away).
_FORGOTTEN = """
UPDATE steps SET state = 'ready', worker = NULL, ready_at = clock_timestamp()
WHERE state = 'running' AND worker = %s
  AND NOT (run_id, name, occurrence) IN (SELECT * FROM unnest(%s::text[], %s::text[], %s::int[]))
RETURNING system
"""

# The queues with work that can be done now: the backstop for a lost notification.
_READY_QUEUES = """
SELECT 'runs' AS queue FROM (SELECT 1 FROM runs WHERE ready_at <= clock_timestamp() LIMIT 1) AS r
UNION ALL
SELECT 'system:' || y.id FROM systems y WHERE y.breaker = 'closed' AND y.paused_by IS NULL
  AND (y.not_before IS NULL OR y.not_before <= clock_timestamp())
  AND EXISTS (SELECT 1 FROM steps WHERE system = y.id AND state = 'ready'
              AND ready_at <= clock_timestamp())
UNION ALL
SELECT 'system:' || y.id FROM systems y WHERE y.breaker = 'open' AND y.paused_by IS NULL
  AND y.probe_at <= clock_timestamp()
UNION ALL
SELECT DISTINCT 'inbox:' || queue FROM inbox WHERE state = 'ready'
  AND ready_at <= clock_timestamp()
UNION ALL
SELECT 'poll:' || id FROM systems WHERE poll_at <= clock_timestamp() AND breaker = 'closed'
  AND paused_by IS NULL
UNION ALL
SELECT 'validations' FROM (SELECT 1 FROM time_validations WHERE ended_at IS NULL LIMIT 1) AS v
"""

# Outward steps and waits that are late, told of once.
_OVERDUE = """
UPDATE steps s SET overdue_at = clock_timestamp() FROM runs r
WHERE r.id = s.run_id AND (s.run_id, s.name, s.occurrence) IN (
    SELECT run_id, name, occurrence FROM steps
    WHERE ended_at IS NULL AND overdue_at IS NULL AND due_at <= clock_timestamp()
      AND (state IN ('ready', 'running') OR (state = 'waiting' AND kind = 'wait'))
    ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING s.run_id, s.name, s.owner, s.because, r.subject_id, r.region
"""

# Waits whose time has come; their runs are woken in the same statement.
_DUE = """
WITH due AS (
    SELECT run_id, name, occurrence FROM steps
    WHERE state = 'waiting' AND ready_at <= clock_timestamp()
    ORDER BY ready_at LIMIT %s FOR UPDATE SKIP LOCKED
), done AS (
    UPDATE steps s SET state = 'done', ended_at = clock_timestamp(), because = 'its time has come'
    FROM due d WHERE (s.run_id, s.name, s.occurrence) = (d.run_id, d.name, d.occurrence)
    RETURNING s.run_id
)
UPDATE runs SET ready_at = clock_timestamp() WHERE id IN (SELECT run_id FROM done) RETURNING id
"""

_END_WAITS = """
UPDATE steps SET state = 'done', ended_at = clock_timestamp(), result = %s, because = %s
WHERE run_id = %s AND kind = 'wait' AND state = 'waiting'
"""

# What a gate saw may be true no longer. What a person overrode stays overridden.
_LOOK_AGAIN = """
UPDATE steps SET state = 'blocked', ended_at = NULL, because = NULL
WHERE run_id = ANY(%s) AND kind = 'gate' AND state = 'done'
  AND NOT coalesce(result, '{}'::jsonb) ? 'overridden_by'
"""


_VOID = """
UPDATE tasks SET state = 'cancelled', answered_at = clock_timestamp(), version = version + 1,
       reason = 'what was to be approved has changed; it is asked anew'
WHERE run_id = ANY(%s) AND kind = 'approval' AND state = 'open'
"""

# The next occurrence has a task of its own; `blocked` has the planner begin it again.
_ASK_AGAIN = """
UPDATE steps SET occurrence = occurrence + 1, state = 'blocked', because = NULL
WHERE run_id = ANY(%s) AND kind = 'approval' AND state = 'waiting'
"""


# A run begins once: its id is a function of what it is about.
_ADD = sql.SQL("INSERT INTO runs ({run}) VALUES ({values}) ON CONFLICT (id) DO NOTHING").format(
    run=_columns(_RUN_COLUMNS),
    values=sql.SQL(", ").join(map(sql.Placeholder, _RUN_COLUMNS)),
)


def take_ready(tx: Tx, limit: int) -> list[RunRow]:
    """Ready runs, locked until the transaction ends."""
    with tx.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(_TAKE, [limit]).fetchall()


def get(tx: Tx, run_id: str) -> RunRow:
    """The run as it is. Raises `NotFound`."""
    with tx.cursor(row_factory=class_row(RunRow)) as cursor:
        row = cursor.execute(_GET, [run_id]).fetchone()
    if row is None:
        raise NotFound("There is no such run.")
    return row


def of_subject(tx: Tx, subject_id: str) -> list[str]:
    """Ids of the runs of a subject that have not ended, in one order for everybody."""
    rows = tx.execute(
        "SELECT id FROM runs WHERE subject_id = %s AND ended_at IS NULL ORDER BY id", [subject_id]
    )
    return [row["id"] for row in rows]


def lock(tx: Tx, run_id: str) -> RunRow | None:
    """The run, locked. Lock the run before its tasks, exceptions and subject."""
    with tx.cursor(row_factory=class_row(RunRow)) as cursor:
        return cursor.execute(_LOCK, [run_id]).fetchone()


def steps_of(tx: Tx, run_ids: Sequence[str]) -> dict[str, list[StepRow]]:
    """Run id → its steps, oldest first."""
    found: dict[str, list[StepRow]] = {run_id: [] for run_id in run_ids}
    with tx.cursor(row_factory=class_row(StepRow)) as cursor:
        for step in cursor.execute(_STEPS, [list(run_ids)]):
            found[step.run_id].append(step)
    return found


def claim_step(tx: Tx, system: str, worker: str, *, probe: bool = False) -> StepRow | None:
    """Take one step for an attempt, which is counted before it begins.

    `probe`: of a system whose breaker is open, the oldest step whatever its own waiting time.
    """
    with tx.cursor(row_factory=class_row(StepRow)) as cursor:
        values = {"system": system, "worker": worker, "probe": probe}
        return cursor.execute(_CLAIM, values).fetchone()


def still_mine(tx: Tx, row: StepRow) -> bool:
    """Is this attempt still the one that has the step? Locks the step."""
    values = [row.run_id, row.name, row.occurrence, row.worker, row.attempt]
    return tx.execute(_MINE, values).fetchone() is not None


def put_back(tx: Tx, row: StepRow, wait: timedelta, because: str, *, counts: bool) -> None:
    """Another attempt after `wait`. `counts`: this one was a try."""
    values = {
        "wait": wait,
        "because": because,
        "counts": counts,
        "run": row.run_id,
        "name": row.name,
        "occurrence": row.occurrence,
        "worker": row.worker,
        "attempt": row.attempt,
    }
    tx.execute(_PUT_BACK, values)


def end_step(
    tx: Tx,
    run_id: str,
    name: str,
    occurrence: int,
    *,
    state: str,
    result: dict[str, Any] | None,
    because: str,
) -> bool:
    """End a step that waits, is blocked or is parked. False: it had ended before."""
    values = {
        "state": state,
        "result": None if result is None else Jsonb(result),
        "because": because[:500],
        "run": run_id,
        "name": name,
        "occurrence": occurrence,
    }
    return tx.execute(_END_STEP, values).rowcount == 1


def end_waits(tx: Tx, run_id: str, result: dict[str, Any], *, because: str) -> int:
    """End every wait of a run (which the caller has locked) that has begun; how many."""
    return tx.execute(_END_WAITS, [Jsonb(result), because[:500], run_id]).rowcount


def revive_step(
    tx: Tx,
    run_id: str,
    name: str,
    occurrence: int,
    *,
    because: str,
    result: dict[str, Any] | None = None,
) -> bool:
    """Let a parked step be tried again. Its effects keep their keys, so none is made twice."""
    values = {
        "because": because[:500],
        "result": None if result is None else Jsonb(result),
        "run": run_id,
        "name": name,
        "occurrence": occurrence,
    }
    row = tx.execute(_REVIVE, values).fetchone()
    if row is None:
        return False
    if row["system"] is not None:
        notify(tx, f"system:{row['system']}")
    else:
        wake(tx, [run_id])
    return True


def look_again(tx: Tx, run_ids: Sequence[str]) -> None:
    """Have open gates of these runs judged anew, because what they judged has changed."""
    tx.execute(_LOOK_AGAIN, [list(run_ids)])


def ask_again(tx: Tx, run_ids: Sequence[str]) -> int:
    """Void the approvals that these runs wait for, and have them asked anew; how many. The caller
    has locked the runs, and wakes them."""
    voided = tx.execute(_VOID, [list(run_ids)]).rowcount
    tx.execute(_ASK_AGAIN, [list(run_ids)])
    return voided


def answered(tx: Tx, run_ids: Sequence[str]) -> bool:
    """Has anybody been asked, or anything been done, in these runs?"""
    row = tx.execute(
        "SELECT 1 AS one FROM steps WHERE run_id = ANY(%s) AND kind IN ('approval', 'task', "
        "'action') AND state NOT IN ('skipped', 'cancelled') LIMIT 1",
        [list(run_ids)],
    ).fetchone()
    return row is not None


def give_back_forgotten(tx: Tx, worker: str, in_flight: Sequence[tuple[str, str, int]]) -> set[str]:
    """Return steps that this worker has by its row but is not carrying out."""
    columns: list[Any] = [list(part) for part in zip(*in_flight, strict=True)] or [[], [], []]
    return {row["system"] for row in tx.execute(_FORGOTTEN, [worker, *columns])}


def give_back(tx: Tx, dead: Sequence[str]) -> set[str]:
    """Return the steps of dead workers, and of those that nobody knows; the systems they act on."""
    return {row["system"] for row in tx.execute(_GIVE_BACK, [list(dead)])}


def wake(tx: Tx, run_ids: Sequence[str]) -> None:
    """Have runs advanced. Told to the workers when the transaction commits."""
    if run_ids:
        tx.execute(_WAKE, [list(run_ids)])
        notify(tx, "runs")


def take_overdue(tx: Tx, limit: int = 200) -> list[dict[str, Any]]:
    """Open steps whose SLA has lapsed, with subject and region; each is given once. Those that
    wait for a person or are parked are told of as tasks and exceptions."""
    return tx.execute(_OVERDUE, [limit]).fetchall()


def notify(tx: Tx, queue: str) -> None:
    """Ring for a queue; heard once per transaction, when it commits."""
    tx.execute("SELECT pg_notify('fairlead', %s)", [queue])


def ready_queues(tx: Tx) -> list[str]:
    return [row["queue"] for row in tx.execute(_READY_QUEUES)]


def finish_due_waits(tx: Tx, limit: int = 500) -> int:
    """End the waits whose time has come. How many there were."""
    count = len(tx.execute(_DUE, [limit]).fetchall())
    if count:
        notify(tx, "runs")
    return count


def save_steps(tx: Tx, rows: Sequence[StepRow]) -> None:
    bulk.upsert(tx, "steps", [vars(row) for row in rows], keys=("run_id", "name", "occurrence"))


def save_runs(tx: Tx, rows: Sequence[RunRow]) -> None:
    bulk.upsert(tx, "runs", [vars(row) for row in rows], keys=("id",))


def add_run(tx: Tx, row: RunRow) -> bool:
    """Start a run once. False: it was started before."""
    return tx.execute(_ADD, {**vars(row), "input": Jsonb(row.input)}).rowcount == 1
