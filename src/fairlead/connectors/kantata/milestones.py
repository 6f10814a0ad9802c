"""Milestones in Kantata: stories of the type `milestone`, and how far each is.

A milestone is `not started`, `started` or `completed` (http://developer.mavenlink.com/stories/);
an account that has renamed its states is read as far as it kept these.
"""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.connectors.kantata.answers import Reference, Story
from fairlead.connectors.kantata.records import Kind, Records
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import MilestoneMark, MilestoneReading, Progress
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, SystemRefused

MILESTONE = Kind("story", "stories", "Story", "milestone")
_TYPE = "milestone"

_STATES: Mapping[Progress, str] = {
    Progress.NOT_STARTED: "not started",
    Progress.STARTED: "started",
    Progress.COMPLETED: "completed",
}
_READ = {state: progress for progress, state in _STATES.items()}


class MilestoneStories:
    """Threads may share it."""

    def __init__(self, system: str, records: Records, fields: FieldMap) -> None:
        self._system, self._records, self._fields = system, records, fields

    def add(self, project: ExternalRef, mark: MilestoneMark, key: EffectKey) -> Story:
        values = {"title": f"{mark.number} {mark.name}", "due_on": mark.due_on}
        sent = self._fields.write("milestone", values)
        sent |= {"workspace_id": self._records.number(project), "story_type": _TYPE}
        return self._records.create(MILESTONE, sent, key, Story)

    def set(self, milestone: ExternalRef, progress: Progress) -> ExternalRef:
        state = _STATES[progress]
        changed = self._records.change(MILESTONE, milestone.id, {"state": state}, Story)
        if changed.id != milestone.id or changed.state != state:
            why = f"It did not show story {milestone.id} as {state}."
            raise AnswerLost(self._system, why)
        return milestone

    def shows(self, milestone: ExternalRef, progress: Progress) -> ExternalRef | None:
        story = self._records.show(MILESTONE, milestone.id, Story, asked={})
        if story is None:
            raise SystemRefused(self._system, f"It has no story {milestone.id}.")
        return milestone if story.state == _STATES[progress] else None

    def all(self, project: ExternalRef) -> tuple[MilestoneReading, ...]:
        asked = {"workspace_id": project.id, "include": "external_references"}
        found: list[MilestoneReading] = []
        with self._records.reading():
            for page in self._records.pages("stories", asked):
                held = page.beside("external_references", Reference).values()
                ours = self._records.keys(MILESTONE, held)
                found += [
                    MilestoneReading(
                        ref=self._records.ref(MILESTONE, story.id),
                        key=ours.get(story.id),
                        progress=_READ.get(story.state or ""),
                    )
                    for story in page.listed("stories", Story)
                    if story.story_type == _TYPE
                ]
        return tuple(found)
