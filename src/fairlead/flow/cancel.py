"""Ending a run on a person's word: what was done outside is taken back where it can be."""

from __future__ import annotations

from fairlead.errors import IllegalMove, NotFound
from fairlead.flow.states import RunState
from fairlead.store import journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.runs import RunRow


def give_up(tx: Tx, run_id: str, /, *, reason: str) -> None:
    """End a run because another takes its place; one that is ending goes on ending."""
    run = runs.lock(tx, run_id)
    if run is not None and run.state == RunState.ACTIVE:
        _end(tx, run, actor="fairlead", reason=reason)


def cancel_run(tx: Tx, run_id: str, /, *, by: str, reason: str) -> None:
    """Raises `NotFound`, and `IllegalMove` where the run is ending or has ended.

    Steps that nobody has begun are cancelled; one that may have reached another system is
    carried to its end first, so that it is known what there is to take back.
    """
    run = runs.lock(tx, run_id)
    if run is None:
        raise NotFound("There is no such run.")
    if run.state != RunState.ACTIVE:
        raise IllegalMove("The run", run.state, "cancelled")
    _end(tx, run, actor=f"person:{by}", reason=reason)


def _end(tx: Tx, run: RunRow, *, actor: str, reason: str) -> None:
    run.state, run.ends_as = RunState.UNDOING, RunState.CANCELLED
    runs.save_runs(tx, [run])
    journal.append(
        tx,
        [
            Event(
                chain=run.subject_id,
                type="run.cancelling",
                at=database_time(tx),
                actor=actor,
                attributes={"reason": reason},
                objects=[(run.id, "run", "of")],
                correlation=run.correlation,
                region=run.region,
            )
        ],
    )
    runs.wake(tx, [run.id])
