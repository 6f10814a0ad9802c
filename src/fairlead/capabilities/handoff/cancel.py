"""Giving up a handoff on a person's word."""

from __future__ import annotations

from fairlead.capabilities.handoff.actions import moved
from fairlead.domain.model.engagement import EngagementState
from fairlead.flow.cancel import cancel_run
from fairlead.store import engagements, runs
from fairlead.store.database import Tx

#: Only the run that sets an engagement up carries its state.
_PLAYBOOK = "deal-to-delivery"


def cancel(tx: Tx, run_id: str, /, *, by: str, reason: str) -> None:
    """End the run, take back what it did outside, and say so on the engagement.

    Raises `NotFound`, and `IllegalMove` where the run is ending or has ended.
    """
    cancel_run(tx, run_id, by=by, reason=reason)
    run = runs.get(tx, run_id)
    if run.playbook == _PLAYBOOK:
        engagement = engagements.load(tx, [run.subject_id], lock=True)[run.subject_id]
        engagements.save(tx, [moved(EngagementState.CANCELLED)(engagement)])
