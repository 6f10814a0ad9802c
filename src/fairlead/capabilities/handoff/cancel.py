"""Giving up a handoff: on a person's word, or because the whole that it is a part of ended."""

from __future__ import annotations

from fairlead.capabilities.handoff.changes import moved, with_part
from fairlead.domain.model.engagement import EngagementState
from fairlead.flow.cancel import cancel_run, give_up
from fairlead.store import engagements, runs
from fairlead.store.database import Tx

#: Only a run that sets an engagement up carries its state.
_PLAYBOOKS = frozenset({"deal-to-delivery", "part-set-up"})


def cancel(tx: Tx, run_id: str, /, *, by: str, reason: str) -> None:
    """End the run, take back what it did outside, and say so on the engagement and its parts.

    Raises `NotFound`, and `IllegalMove` where the run is ending or has ended.
    """
    run = runs.get(tx, run_id)
    if run.playbook not in _PLAYBOOKS:
        cancel_run(tx, run_id, by=by, reason=reason)
        return
    open_runs = runs.of_subject(tx, run.subject_id)
    for one in open_runs:  # in the order in which everybody locks them
        runs.lock(tx, one)
    cancel_run(tx, run_id, by=by, reason=reason)
    for one in open_runs:  # such as a change that waits for the end of the set-up
        give_up(tx, one, reason=reason)
    engagement = engagements.load(tx, [run.subject_id], lock=True)[run.subject_id]
    engagements.save(tx, [moved(EngagementState.CANCELLED)(engagement)])
    drop_parts(tx, engagement.id, reason=reason)


def drop_parts(tx: Tx, id: str, *, reason: str) -> None:
    """Give up every part of an engagement, and say so on it."""
    engagement = engagements.load(tx, [id], lock=True)[id]
    for part in sorted(engagement.parts):
        drop(tx, part, reason=reason)
        engagement = with_part(part, EngagementState.CANCELLED)(engagement)
    engagements.save(tx, [engagement])


def drop(tx: Tx, id: str, *, reason: str) -> None:
    """Give up the set-up of an engagement, taking back what was done outside."""
    for run_id in runs.of_subject(tx, id):
        give_up(tx, run_id, reason=reason)
    engagement = engagements.load(tx, [id], lock=True)[id]
    if engagement.state is not EngagementState.CANCELLED:
        engagements.save(tx, [moved(EngagementState.CANCELLED)(engagement)])
