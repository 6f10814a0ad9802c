"""A milestone changes with its contract, and in no other way.

An approved change of the contract is taken in: what is not accepted yet becomes what the contract
now says, and whoever is asked about it is asked no more. What is accepted stays as it was accepted;
finance settles the difference by a credit or a charge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fairlead.capabilities.milestones.submitting import reopened
from fairlead.capabilities.milestones.telling import locked, tell
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.milestone import Milestone, MilestoneState
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.opening import milestones_of
from fairlead.store import deliveries, engagements, milestones, notifications
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.work.words import Message as Word

_TERMS = ("name", "amount", "due_on", "clause")
_ACTOR = "fairlead"


def take_in_contract(tx: Tx, data: Mapping[str, Any], message: Message) -> str:
    """What a changed contract makes of the milestones of a launched engagement."""
    id = EngagementId(data["engagement"])
    engagement = engagements.load(tx, [id], lock=False)[id]
    delivery = deliveries.load(tx, [id]).get(id)
    if delivery is None:
        return f"{engagement.number} has no milestones yet"
    wanted = {one.id: one for one in milestones_of(delivery, terms(engagement))}
    now, region = database_time(tx), {"region": delivery.region or None}
    known = {one.id: one for one in milestones.of_engagement(tx, id)}
    new = [one.model_copy(update=region) for one in wanted.values() if one.id not in known]
    milestones.add(tx, new)
    for one in new:
        tell(tx, one, "milestone.added", at=now, actor=_ACTOR, words=_said(one))
    changed = [_change(tx, one, wanted.get(one.id), now) for one in known.values()]
    return f"{engagement.number}: {len(new)} milestones are new, {sum(changed)} changed"


def _change(tx: Tx, before: Milestone, wanted: Milestone | None, now: datetime) -> bool:
    if wanted is not None and _said(before) == _said(wanted):
        return False
    milestone = locked(tx, str(before.id), None, None)
    if milestone.state is MilestoneState.ACCEPTED or wanted is None:
        _ask_finance(tx, milestone, wanted, now)
        return False
    if milestone.state is MilestoneState.SUBMITTED:
        why = "the contract changed what was to be accepted"
        milestone = reopened(tx, milestone, actor=_ACTOR, reason=why)
    update = {name: getattr(wanted, name) for name in _TERMS}
    saved = milestones.save(tx, milestone.model_copy(update=update))
    words = {"before": _said(before), "after": _said(saved)}
    tell(tx, saved, "milestone.changed", at=now, actor=_ACTOR, words=words)
    return True


def _ask_finance(tx: Tx, milestone: Milestone, wanted: Milestone | None, now: datetime) -> None:
    """It is not ours to change: it was accepted, or the contract has it no more."""
    said = f"{wanted.name}, {wanted.amount}, due {wanted.due_on}" if wanted else "nothing of it"
    text = (
        f"Milestone {milestone.number} {milestone.name} ({milestone.amount}) is {milestone.state} "
        f"and stays as it is, but the changed contract says {said}. Settle the difference by a "
        "credit or a charge."
    )
    notifications.add(
        tx,
        [
            Word(
                role="finance",
                about="milestone_differs",
                text=text,
                at=now,
                subject_id=milestone.engagement,
                region=milestone.region,
                once=f"differs/{milestone.id}/{milestone.version}/{said}",
            )
        ],
    )
    tell(
        tx, milestone, "milestone.differs", at=now, actor=_ACTOR,
        words={"before": _said(milestone), "after": _said(wanted) if wanted else {}},
    )  # fmt: skip


def _said(milestone: Milestone) -> dict[str, str]:
    """By the contract, in words that compare."""
    return {
        "name": milestone.name,
        "amount": str(milestone.amount),
        "due_on": milestone.due_on.isoformat(),
        "clause": milestone.clause or "",
    }
