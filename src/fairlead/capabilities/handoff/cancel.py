"""Giving up a handoff: on a person's word, or because the whole that it is a part of ended."""

from __future__ import annotations

from fairlead.capabilities.handoff.changes import moved
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
    cancel_run(tx, run_id, by=by, reason=reason)
    run = runs.get(tx, run_id)
    if run.playbook in _PLAYBOOKS:
        engagement = engagements.load(tx, [run.subject_id], lock=True)[run.subject_id]
        engagements.save(tx, [moved(EngagementState.CANCELLED)(engagement)])
        for part in sorted(engagement.parts):
            drop(tx, part, reason=reason)


def drop(tx: Tx, id: str, *, reason: str) -> None:
    """Give up the set-up of an engagement, taking back what was done outside."""
    for run_id in runs.of_subject(tx, id):
        give_up(tx, run_id, reason=reason)
    engagement = engagements.load(tx, [id], lock=True)[id]
    if engagement.state is not EngagementState.CANCELLED:
        engagements.save(tx, [moved(EngagementState.CANCELLED)(engagement)])
