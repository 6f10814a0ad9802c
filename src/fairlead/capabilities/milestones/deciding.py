"""The answer: accepted, which billing and revenue hear, or sent back with a reason (F078, F080).

A submission is answered once, whoever answers first: a person of ours with the role that the
policy names, or the client's person by a link. What is accepted is bound by digest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.capabilities.handoff.starting import start_for
from fairlead.capabilities.milestones.telling import locked, tell
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.milestone import Accepts, Milestone, MilestoneState
from fairlead.domain.rules.milestones import digest, move, must_have_evidence
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem
from fairlead.flow.changes import OURSELVES
from fairlead.flow.library import Library
from fairlead.store import acceptance_links, engagements, inbox, milestones, runs, tasks
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task

ACCEPTED = "milestone.accepted"
ANSWERED = "milestone.answered"
#: The step of the playbook by which a role of ours is asked.
STEP = "accept_milestone"


@dataclass(frozen=True)
class Answer:
    """What somebody says to a submission."""

    accepted: bool
    by: str  #: a person's id, or `client:` and an address
    reason: str = ""  #: needed to send it back
    signed_as: str = ""  #: the name that a client's person typed

    @property
    def actor(self) -> str:
        return self.by if self.by.startswith("client:") else f"person:{self.by}"


def answer(
    tx: Tx, who: Acting, id: str, *, accepted: bool, reason: str, version: int | None = None
) -> Milestone:
    """A person of ours accepts it, or sends it back, where the client is not asked.

    It is the answer to the task of its run, so the same rules hold: the role that the policy
    names, nobody who submitted it or gave evidence, the approval limit. Raises `NotFound`,
    `StaleVersion`, `IllegalMove`, `NotAllowed`, `InvalidInput`.
    """
    milestone = locked(tx, id, who, version)
    to = MilestoneState.ACCEPTED if accepted else MilestoneState.SENT_BACK
    move(milestone, to)
    if milestone.accepts is not Accepts.INTERNAL:
        raise NotAllowed("The client accepts this milestone, by the link that was sent.")
    if who.id == milestone.submitted_by:
        raise NotAllowed("Whoever submitted a milestone cannot accept it.")
    task = tasks.open_of(tx, milestone.run or "", STEP)
    if task is None:
        raise IllegalMove("The question who accepts it", "being prepared", "answered")
    answer_task(tx, task, who, approved=accepted, reason=reason, version=None)
    return take(tx, milestone, Answer(accepted, who.id, reason))


def take(tx: Tx, milestone: Milestone, said: Answer) -> Milestone:
    """The answer to a submitted milestone, which the caller has locked with its run.

    Raises `IllegalMove`, `InvalidInput` (no evidence, or no reason to send it back).
    """
    move(milestone, MilestoneState.ACCEPTED if said.accepted else MilestoneState.SENT_BACK)
    if not said.accepted and not said.reason.strip():
        raise InvalidInput(
            "It is sent back for a reason.", [Problem("/reason", "is required to send it back")]
        )
    now = database_time(tx)
    if said.accepted:
        must_have_evidence(milestone)
        update: dict[str, Any] = {
            "state": MilestoneState.ACCEPTED,
            "accepted_by": said.by,
            "accepted_at": now,
            "digest": digest(milestone),
            "reason": None,
        }
    else:
        update = {"state": MilestoneState.SENT_BACK, "reason": said.reason}
    saved = milestones.save(tx, milestone.model_copy(update=update))
    acceptance_links.withdraw(tx, str(milestone.id), now)
    type = ACCEPTED if said.accepted else "milestone.sent_back"
    tell(
        tx,
        saved,
        type,
        at=now,
        actor=said.actor,
        objects=[(one.id, "evidence", "accepted") for one in saved.evidence],
        words={
            "amount": str(saved.amount),
            "digest": digest(saved),
            "signed_as": said.signed_as,
            "reason": said.reason,
        },
    )
    if saved.run is not None:
        heard = {"decision": str(saved.state), "by": said.by, "reason": said.reason}
        runs.end_waits(tx, saved.run, heard, because=f"{saved.state} by {said.by}")
        runs.wake(tx, [saved.run])
    if said.accepted:
        _pass_on(tx, saved)
    return saved


def _pass_on(tx: Tx, milestone: Milestone) -> None:
    """Word to whoever acts on an accepted milestone: once for each, whatever comes twice."""
    inbox.put(
        tx,
        source=OURSELVES,
        message=f"milestone/{milestone.id}/accepted",
        kind="internal",
        queue="events",
        correlation=f"milestone/{milestone.id}/{milestone.submission}",
        headers={},
        body=json.dumps({"type": ACCEPTED, "data": {"milestone": str(milestone.id)}}).encode(),
    )


class HearsAcceptance:
    """Starts what follows from an accepted milestone (F150)."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        milestone = milestones.get(tx, data["milestone"])
        if milestone is None or milestone.accepted_at is None:
            raise NotFound(f"There is no accepted milestone {data['milestone']}.")
        id = EngagementId(milestone.engagement)
        engagement = engagements.load(tx, [id], lock=False)[id]
        started = start_for(
            tx,
            self._library,
            ACCEPTED,
            engagement,
            correlation=message.correlation,
            input={
                "engagement": engagement.number,
                "reference": f"milestone {milestone.number}, {milestone.name}",
                "happened_at": milestone.accepted_at.isoformat(),
                "milestone": str(milestone.id),
            },
            occurrence=f"{milestone.id}/accepted",
        )
        return f"{engagement.number}: {milestone.name} is accepted; {started} runs started"


def hear_answer(tx: Tx, data: Mapping[str, Any], message: Message) -> str:
    """What the run of a submission heard from a person of ours, in the inbox or on a phone."""
    milestone = locked(tx, data["milestone"], None, None)
    same = milestone.submission == data["submission"]
    if not same or milestone.state is not MilestoneState.SUBMITTED:
        return f"{milestone.name} is {milestone.state} already"
    said = Answer(bool(data["accepted"]), str(data["by"]), str(data["reason"]))
    return f"{milestone.name} is {take(tx, milestone, said).state}"
