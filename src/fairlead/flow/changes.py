"""All that one burst changes, collected first and written in one transaction (P21)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fairlead.flow.calls import Hooks, Subject
from fairlead.policy.tables import Decision
from fairlead.store import decisions, exceptions, inbox, journal, notifications, runs, tasks
from fairlead.store.database import Tx
from fairlead.store.journal import Event, Relation
from fairlead.store.runs import RunRow, StepRow
from fairlead.work.words import Message, NewException, NewTask

#: Whence a message in the inbox comes that a step of ours sent.
OURSELVES = "fairlead"


@dataclass(frozen=True)
class Sent:
    """A message to ourselves: once, however often the step that sends it is taken again."""

    id: str
    type: str
    correlation: str
    data: Mapping[str, Any]


@dataclass
class Changes:
    now: datetime
    hooks: Hooks
    steps: dict[tuple[str, str, int], StepRow] = field(
        default_factory=dict[tuple[str, str, int], StepRow]
    )
    runs: dict[str, RunRow] = field(default_factory=dict[str, RunRow])
    subjects: dict[tuple[str, str], Subject] = field(default_factory=dict[tuple[str, str], Subject])
    """Every subject that the burst has loaded, as it is by now."""
    changed: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    tasks: list[NewTask] = field(default_factory=list[NewTask])
    closed_tasks: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    exceptions: list[tuple[NewException, int]] = field(
        default_factory=list[tuple[NewException, int]]
    )
    """Each with the place in `events` of the one that tells of it."""
    settled_causes: list[str] = field(default_factory=list[str])
    decisions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    messages: list[Message] = field(default_factory=list[Message])
    events: list[Event] = field(default_factory=list[Event])
    sent: list[Sent] = field(default_factory=list[Sent])
    rings: set[str] = field(default_factory=set[str])

    def step(self, row: StepRow) -> None:
        self.steps[row.run_id, row.name, row.occurrence] = row

    def run(self, row: RunRow) -> None:
        self.runs[row.id] = row

    def replace(self, run: RunRow, subject: Subject) -> None:
        """The subject as it is from now on."""
        self.subjects[run.subject_type, run.subject_id] = subject
        self.changed.add((run.subject_type, run.subject_id))

    def event(
        self,
        run: RunRow,
        type: str,
        *,
        objects: tuple[Relation, ...] = (),
        actor: str = "fairlead",
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """An event on the chain of the run's subject."""
        relations: list[Relation] = [(run.id, "run", "of"), *objects]
        subject = self.subjects.get((run.subject_type, run.subject_id))
        if subject is not None:
            relations += self.hooks.subjects[run.subject_type].objects(subject)
        self.events.append(
            Event(
                chain=run.subject_id,
                type=type,
                at=self.now,
                actor=actor,
                attributes=attributes or {},
                objects=relations,
                correlation=run.correlation,
                region=run.region,
            )
        )

    def exception(self, run: RunRow, new: NewException) -> None:
        """A step of the run stops for a person."""
        attributes = {
            "cause": new.cause,
            "class": new.cause_class,
            "team": new.team,
            "step": new.step,
        }
        self.exceptions.append((new, len(self.events)))
        self.event(run, "exception.opened", attributes=attributes)

    def send(self, run: RunRow, row: StepRow, type: str, data: Mapping[str, Any]) -> None:
        """Message this step's subject has for others; the data names the subject it is about."""
        number = sum(one.id.startswith(f"{run.id}/{row.name}/") for one in self.sent) + 1
        id = f"{run.id}/{row.name}/{row.occurrence}/{number}"
        self.sent.append(Sent(id, type, run.correlation, data))

    def decision(self, run: RunRow, step: str, decision: Decision) -> str:
        """Keep a decision; its id."""
        id = str(uuid.uuid4())
        self.decisions.append(
            {
                "id": id,
                "policy": decision.policy,
                "version": decision.version,
                "row": decision.row,
                "facts": decision.facts,
                "answer": decision.answer,
                "run_id": run.id,
                "step": step,
                "subject_id": run.subject_id,
                "at": decision.at,
            }
        )
        return id

    def write(self, tx: Tx) -> None:
        """Everything or nothing: the caller's transaction decides."""
        by_type: dict[str, list[Subject]] = {}
        for type, id in sorted(self.changed):
            by_type.setdefault(type, []).append(self.subjects[type, id])
        for type, changed in by_type.items():
            self.hooks.subjects[type].save(tx, changed)
        runs.save_steps(tx, list(self.steps.values()))
        runs.save_runs(tx, list(self.runs.values()))
        tasks.open_all(tx, self.tasks)
        for run_id, step in self.closed_tasks:
            tasks.cancel(tx, run_id, step, self.now)
        decisions.add(tx, self.decisions)
        for new, place in self.exceptions:
            opened = exceptions.open_one(tx, new)  # of the one that is open for the cause, or new
            told = self.events[place]
            relations = (*told.objects, (opened, "exception", "opened"))
            self.events[place] = replace(told, objects=relations)
        exceptions.settle(tx, self.settled_causes, self.now)
        notifications.add(tx, self.messages)
        journal.append(tx, self.events)
        for sent in self.sent:
            inbox.put(
                tx,
                source=OURSELVES,
                message=sent.id,
                kind="internal",
                queue="events",
                correlation=sent.correlation,
                headers={},
                body=json.dumps({"type": sent.type, "data": sent.data}).encode(),
            )
        for queue in sorted(self.rings):
            runs.notify(tx, queue)
