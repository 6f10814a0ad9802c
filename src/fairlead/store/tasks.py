"""Tasks and approvals: what waits for a person's answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fairlead.domain.ids import derived
from fairlead.store import bulk
from fairlead.store.database import Tx
from fairlead.work.words import NewTask

_LOCK = "SELECT * FROM tasks WHERE id = %s FOR UPDATE"
_OPEN_OF = "SELECT id FROM tasks WHERE run_id = %s AND step = %s AND state = 'open'"
_ANSWER = """
UPDATE tasks SET state = %s, answered_by = %s, reason = %s, answered_at = %s, version = version + 1
WHERE id = %s
"""
_ASSIGN = "UPDATE tasks SET assignee = %s, version = version + 1 WHERE id = %s"
_CANCEL = """
UPDATE tasks SET state = 'cancelled', answered_at = %s, version = version + 1
WHERE run_id = %s AND step = %s AND state = 'open'
"""

# Open tasks whose SLA has lapsed and that nobody higher up was told of.
_OVERDUE = """
UPDATE tasks SET escalated_at = clock_timestamp()
WHERE id IN (SELECT id FROM tasks WHERE state = 'open' AND escalated_at IS NULL
             AND due_at <= clock_timestamp() ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING *
"""


def task_id(run_id: str, step: str, occurrence: int) -> str:
    return derived("task", run_id, step, str(occurrence))


def open_all(tx: Tx, new: Sequence[NewTask]) -> None:
    rows = [
        {
            "id": task_id(task.run_id, task.step, task.occurrence),
            "kind": task.kind,
            "run_id": task.run_id,
            "step": task.step,
            "occurrence": task.occurrence,
            "subject_id": task.subject_id,
            "region": task.region,
            "title": task.title,
            "role": task.role,
            "excluded": list(task.excluded),
            "amount": task.amount.amount if task.amount else None,
            "currency": task.amount.currency if task.amount else None,
            "shown": task.shown,
            "because": task.because,
            "decision_id": task.decision_id,
            "state": "open",
            "opened_at": task.opened_at,
            "due_at": task.due_at,
            "version": 1,
        }
        for task in new
    ]
    bulk.insert(tx, "tasks", rows)


def open_of(tx: Tx, run_id: str, step: str) -> str | None:
    """The id of the task by which a step of a run waits for a person, if it does."""
    row = tx.execute(_OPEN_OF, [run_id, step]).fetchone()
    return None if row is None else row["id"]


def lock(tx: Tx, id: str) -> dict[str, Any] | None:
    return tx.execute(_LOCK, [id]).fetchone()


def answer(tx: Tx, id: str, state: str, *, by: str, reason: str | None, at: datetime) -> None:
    tx.execute(_ANSWER, [state, by, reason, at, id])


def assign(tx: Tx, id: str, person: str) -> None:
    tx.execute(_ASSIGN, [person, id])


def let_answer_too(tx: Tx, id: str, role: str) -> None:
    """Somebody higher up may answer, because nobody did in time (F172)."""
    tx.execute(
        "UPDATE tasks SET fallback_role = %s, version = version + 1 WHERE id = %s", [role, id]
    )


def cancel(tx: Tx, run_id: str, step: str, at: datetime) -> None:
    tx.execute(_CANCEL, [at, run_id, step])


def take_overdue(tx: Tx, limit: int = 200) -> list[dict[str, Any]]:
    """Each is given once."""
    return tx.execute(_OVERDUE, [limit]).fetchall()
