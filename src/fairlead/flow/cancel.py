"""Ending a run on a person's word: what was done outside is taken back where it can be."""

from __future__ import annotations

from fairlead.errors import IllegalMove, NotFound
from fairlead.flow.states import RunState
from fairlead.store import journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event


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
    run.state, run.ends_as = RunState.UNDOING, RunState.CANCELLED
    runs.save_runs(tx, [run])
    journal.append(
        tx,
        [
            Event(
                chain=run.subject_id,
                type="run.cancelling",
                at=database_time(tx),
                actor=f"person:{by}",
                attributes={"reason": reason},
                objects=[(run.id, "run", "of")],
                correlation=run.correlation,
                region=run.region,
            )
        ],
    )
    runs.wake(tx, [run.id])
