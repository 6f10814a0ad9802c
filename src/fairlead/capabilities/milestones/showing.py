"""Milestones in the project system: said there once, and read back as word, never as acceptance.

Whoever works there sees how far each milestone is without writing it a second time (F059). What
somebody marks there as completed is told to whoever delivers it: only an answer to a submission
accepts a milestone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairlead.capabilities.handoff.starting import start_for
from fairlead.domain.ids import EffectKey, EngagementId
from fairlead.domain.model.milestone import Milestone, MilestoneState
from fairlead.domain.model.project import MilestoneMark, Progress
from fairlead.domain.values import ExternalRef
from fairlead.flow.calls import Done, OutwardCall
from fairlead.flow.library import Library
from fairlead.flow.registry import Registry
from fairlead.store import engagements, milestones, notifications
from fairlead.store.database import Tx, database_time
from fairlead.store.inbox import Message
from fairlead.work.words import Message as Word

OPENED = "milestones.opened"
TOLD = "milestone.told_completed"

#: Those of an engagement, as they are committed.
Look = Callable[[str], Sequence[Milestone]]

_PROGRESS: Mapping[MilestoneState, Progress] = {
    MilestoneState.PLANNED: Progress.NOT_STARTED,
    MilestoneState.SUBMITTED: Progress.STARTED,
    MilestoneState.SENT_BACK: Progress.STARTED,
    MilestoneState.ACCEPTED: Progress.COMPLETED,
}


def key_of(milestone: str) -> EffectKey:
    """Of a milestone in the project system, whichever run says it there."""
    return EffectKey(f"milestone/{milestone}")


def register(registry: Registry, look: Look) -> None:
    @registry.action(
        "show_milestones",
        on="projects",
        safe="Each milestone carries a key of its own, and how far it is may be said twice.",
    )
    def show_milestones(call: OutwardCall) -> Done:
        """Say in the project system how far the run's milestone is, or each of them."""
        only = call.run.input.get("milestone")
        project: ExternalRef = call.subject.refs["psa_project"]
        shown = {
            str(one.number): _show(call, project, one)
            for one in look(call.subject.id)
            if only in (None, str(one.id))
        }
        return Done({"shown": shown})

    @registry.action("read_milestones", on="projects", safe="It only reads.")
    def read_milestones(call: OutwardCall) -> Done:
        """What the project system says of milestones that are not accepted here."""
        ours = {
            key_of(str(one.id)): one
            for one in look(call.subject.id)
            if one.state is not MilestoneState.ACCEPTED
        }
        if not ours:
            return Done()
        told: list[str] = []
        for reading in call.port.milestones(call.subject.refs["psa_project"]):
            milestone = ours.get(EffectKey(reading.key or ""))
            if milestone is not None and reading.progress is Progress.COMPLETED:
                told.append(str(milestone.id))
                call.send(TOLD, milestone=str(milestone.id), system=call.system)
        return Done({"completed_there": told})


def _show(call: OutwardCall, project: ExternalRef, one: Milestone) -> str:
    mark = MilestoneMark(number=one.number, name=one.name, due_on=one.due_on)
    progress = _PROGRESS[one.state]
    ref = call.once(
        "projects.add_milestone",
        part=str(one.number),
        key=key_of(str(one.id)),
        request={"milestone": str(one.id), "project": str(project)},
        call=lambda key: call.port.add_milestone(project, mark, key=key),
        find=lambda key: call.port.find_milestone(project, key=key),
    )
    if progress is Progress.NOT_STARTED and one.submission == 0:
        return progress  # as every new one is
    call.once(
        "projects.set_progress",
        part=f"{one.number}/{progress}",
        request={"milestone": str(ref), "progress": progress},
        call=lambda key: call.port.set_progress(ref, progress, key=key),
        find=lambda key: call.port.find_progress(ref, progress, key=key),
    )
    return progress


class ShowsMilestones:
    """Has the milestones of a launched engagement said in the project system, where it has any."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def __call__(self, tx: Tx, data: Mapping[str, Any], message: Message) -> str:
        id = EngagementId(data["engagement"])
        engagement = engagements.load(tx, [id], lock=False)[id]
        if "psa_project" not in engagement.refs or not milestones.of_engagement(tx, id):
            return "no milestones to show"
        started = start_for(
            tx,
            self._library,
            OPENED,
            engagement,
            correlation=message.correlation,
            input={},
            occurrence="opened",
        )
        return f"{started} runs show its milestones"


def hear_told(tx: Tx, data: Mapping[str, Any], message: Message) -> str:
    """Word to whoever delivers it, once for each submission that it might be."""
    milestone = milestones.get(tx, data["milestone"])
    if milestone is None or milestone.state is MilestoneState.ACCEPTED:
        return "it is accepted"
    waits = (
        "it waits for acceptance"
        if milestone.state is MilestoneState.SUBMITTED
        else ("submit it with what proves it")
    )
    text = (
        f"{data['system']} says that {milestone.number} {milestone.name} is completed. Here it is "
        f"{milestone.state.replace('_', ' ')}, and only its acceptance counts: {waits}."
    )
    notifications.add(
        tx,
        [
            Word(
                role="project_manager",
                about="milestone_told_completed",
                text=text,
                at=database_time(tx),
                subject_id=milestone.engagement,
                region=milestone.region,
                once=f"told/{milestone.id}/{milestone.submission}/{milestone.state}",
            )
        ],
    )
    return f"{milestone.name} is completed there, and {milestone.state} here"
