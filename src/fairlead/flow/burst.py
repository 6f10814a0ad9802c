"""Carrying runs as far as they go without leaving the database: one transaction a burst.

A burst takes ready runs, plans each, carries out its local steps, opens what people must do,
and puts outward steps on the queue of their system. The step rows are the truth; nothing else
remembers where a run stands.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.rules.calendar import add_business_time
from fairlead.domain.values import Money
from fairlead.errors import FairleadError
from fairlead.flow.calls import Call, Done, Hooks, Said, Subject, Subjects
from fairlead.flow.changes import Changes
from fairlead.flow.durations import Duration
from fairlead.flow.library import Library
from fairlead.flow.planner import UNDO, Undo, plan, plan_undo
from fairlead.flow.playbook import Compiled, Kind, Step
from fairlead.flow.registry import Registry
from fairlead.flow.states import ENDED, RunState, StepState
from fairlead.store import effects, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.runs import RunRow, StepRow
from fairlead.store.tasks import task_id
from fairlead.work.words import CauseClass, ExceptionAction, Message, NewException, NewTask

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finished:
    """How an outward step ended; the burst takes it into the run."""

    name: str
    occurrence: int
    state: StepState
    done: Done
    because: str | None = None
    said: Said | None = None


def at_stake(run: RunRow, subjects: Subjects, subject: Subject) -> Money | None:
    """What an answer commits, and what waits with the run: what it was started for, else what its
    subject is worth."""
    given = run.input.get("at_stake")
    if given is None:
        return subjects.at_stake(subject)
    return Money.model_validate_json(json.dumps(given))


class Bursts:
    """Advances runs. Holds no state of its own between bursts but compiled playbooks."""

    def __init__(self, hooks: Hooks, registry: Registry, playbooks: Library) -> None:
        self._hooks, self._registry, self._playbooks = hooks, registry, playbooks

    def advance_ready(self, tx: Tx, limit: int) -> int:
        """Take ready runs and advance each as far as it goes; how many there were."""
        taken = runs.take_ready(tx, limit)
        if taken:
            self._advance(tx, taken, {})
        return len(taken)

    def finish(self, tx: Tx, run: RunRow, finished: Finished) -> None:
        """Take the end of an outward step into its run (which the caller has locked)."""
        self._advance(tx, [run], {run.id: finished})

    def _advance(self, tx: Tx, taken: Sequence[RunRow], ended: Mapping[str, Finished]) -> None:
        changes = Changes(now=database_time(tx), hooks=self._hooks)
        steps = runs.steps_of(tx, [run.id for run in taken])
        self._load_subjects(tx, taken, changes)
        for run in taken:
            playbook = self._playbooks.get(tx, run.digest)
            reached = partial(effects.reached, tx, run.id)
            advance = _Advance(
                self._hooks, self._registry, playbook, run, steps[run.id], changes, reached
            )
            if run.id in ended:
                advance.take_in(ended[run.id])
            advance.as_far_as_it_goes()
        changes.write(tx)

    def _load_subjects(self, tx: Tx, taken: Sequence[RunRow], changes: Changes) -> None:
        by_type: dict[str, list[str]] = {}
        for run in taken:
            by_type.setdefault(run.subject_type, []).append(run.subject_id)
        for type, ids in by_type.items():
            found = self._hooks.subjects[type].load(tx, sorted(set(ids)), lock=True)
            changes.subjects.update({(type, id): subject for id, subject in found.items()})


class _Advance:
    """One run in one burst."""

    def __init__(
        self,
        hooks: Hooks,
        registry: Registry,
        playbook: Compiled,
        run: RunRow,
        rows: Sequence[StepRow],
        changes: Changes,
        reached: Callable[[], frozenset[str]],
    ) -> None:
        """`reached`: names of steps that did something outside, or may have."""
        self._hooks, self._registry, self._playbook = hooks, registry, playbook
        self._run, self._changes, self._now = run, changes, changes.now
        self._reached = reached
        self._rows: dict[str, StepRow] = {}
        for row in rows:  # the latest occurrence of a step is the one that counts
            if row.name not in self._rows or self._rows[row.name].occurrence < row.occurrence:
                self._rows[row.name] = row
        self._subjects = hooks.subjects[run.subject_type]

    @property
    def _subject(self) -> Subject:
        return self._changes.subjects[self._run.subject_type, self._run.subject_id]

    @property
    def _facts(self) -> Mapping[str, str | None]:
        return self._subjects.facts(self._subject)

    @property
    def _states(self) -> dict[str, StepState]:
        return {name: StepState(row.state) for name, row in self._rows.items()}

    def take_in(self, finished: Finished) -> None:
        row = self._rows[finished.name]
        self._end(row, finished.state, finished.done, finished.because, finished.said)

    def as_far_as_it_goes(self) -> None:
        """Plan, do, and plan again until only others can move the run on."""
        looked_at: set[str] = set()
        # what a deal leaves blank may be its region; who may see the run follows once it is known
        self._run.region = self._facts.get("region") or self._run.region
        while self._run.state == RunState.ACTIVE:
            planned = plan(self._playbook, self._states, self._holds)
            if planned.refused is not None:
                self._decline(planned.refused)
                break
            if planned.finished:
                self._end_run(RunState.COMPLETED)
                break
            begin = [step for step in planned.start if step.name not in looked_at]
            for step, reason in planned.skip:
                self._skip(step, reason)
            for step in begin:
                looked_at.add(step.name)
                self._begin(step)
            if not begin and not planned.skip:
                break
        if self._run.state == RunState.UNDOING:
            self._take_back()
        self._run.ready_at = None
        self._changes.run(self._run)

    # what each kind of step does when it begins

    def _begin(self, step: Step) -> None:
        row = self._rows.get(step.name) or StepRow(
            run_id=self._run.id,
            name=step.name,
            kind=step.kind,
            state=StepState.WAITING,
            owner=step.owner,
            started_at=self._now,
            due_at=self._due(step.within),
        )
        self._rows[step.name] = row
        self._changes.step(row)
        match step.kind:
            case Kind.GATE:
                self._look(step, row)
            case Kind.ACTION if step.on is not None:
                self._enqueue(step, row)
            case Kind.ACTION:
                self._act(step, row)
            case Kind.NOTIFY:
                self._notify(step, row)
            case Kind.APPROVAL | Kind.TASK:
                self._ask_person(step, row)
            case Kind.WAIT:
                row.ready_at = self._due(step.lasts)
                row.because = (
                    "waits for its time" if step.lasts else f"waits for {_plain(step.event or '')}"
                )
                self._tell(row, "step.waiting")

    def _look(self, step: Step, row: StepRow) -> None:
        """A gate that is closed is one exception, which ends by itself when it opens."""
        cause = f"gate:{self._run.id}:{step.name}"
        was_blocked = row.state == StepState.BLOCKED
        said = Said()
        try:
            answer = self._registry.get_gate(step.uses).fn(self._call(step, said))
        except Exception as failed:
            self._fail(step, row, failed)
            return
        self._keep(row, said)
        if isinstance(answer, Clear):
            if was_blocked:
                self._changes.settled_causes.append(cause)
            self._end(row, StepState.DONE, Done())
            return
        assert isinstance(answer, Blocked)
        row.state = StepState.BLOCKED
        because = "; ".join(gap.problem for gap in answer.gaps)
        if was_blocked and row.because == because:
            return
        row.because = because
        owners = sorted({gap.owner for gap in answer.gaps})
        actions = [ExceptionAction.SUPPLY, ExceptionAction.ASSIGN, ExceptionAction.OVERRIDE]
        if step.skippable:
            actions.append(ExceptionAction.SKIP)
        self._except(
            step,
            row,
            cause=cause,
            cause_class=CauseClass.MISSING_DATA,
            team=owners[0] if len(owners) == 1 else step.owner,
            title=f"{self._subjects.title(self._subject)} is not ready: "
            f"{len(answer.gaps)} gap{'s' if len(answer.gaps) > 1 else ''}",
            detail=because,
            remedy="; ".join(dict.fromkeys(gap.remedy for gap in answer.gaps)),
            actions=tuple(actions),
            gaps=answer.gaps,
        )
        self._tell(row, "step.blocked", because=because)

    def _act(self, step: Step, row: StepRow) -> None:
        said = Said()
        try:
            done = self._registry.get_action(step.uses).fn(self._call(step, said))
        except Exception as failed:
            self._fail(step, row, failed)
            return
        self._end(row, StepState.DONE, done, said=said)

    def _enqueue(self, step: Step, row: StepRow, *, after: timedelta = timedelta(0)) -> None:
        assert step.on is not None
        try:
            row.system = self._hooks.route(step.on, self._facts)
        except FairleadError as no_route:
            self._fail(step, row, no_route, cause_class=CauseClass.CONFIGURATION)
            return
        row.state, row.ready_at = StepState.READY, self._now + after
        self._changes.rings.add(f"system:{row.system}")
        self._tell(row, "step.ready", system=row.system)

    def _notify(self, step: Step, row: StepRow) -> None:
        assert step.by is not None
        assert step.by.role is not None
        try:
            text = self._registry.get_notice(step.uses).fn(self._call(step, Said()))
        except Exception as failed:
            self._fail(step, row, failed)
            return
        self._changes.messages.append(
            Message(
                role=step.by.role,
                about=step.uses,
                text=text,
                at=self._now,
                subject_id=self._run.subject_id,
                region=self._run.region,
                once=f"{self._run.id}:{step.name}:{row.occurrence}",
            )
        )
        self._end(row, StepState.DONE, Done({"role": step.by.role, "text": text}))

    def _ask_person(self, step: Step, row: StepRow) -> None:
        assert step.by is not None
        said = Said()
        role, because, decision_id = step.by.role, "", None
        if step.by.policy is not None:
            try:
                decision = self._hooks.ask(step.by.policy, self._call(step, said))
            except Exception as failed:
                self._fail(step, row, failed)
                return
            role, because = str(decision.answer["role"]), str(decision.answer.get("because") or "")
            decision_id = self._changes.decision(self._run, step.name, decision)
        assert role is not None
        row.state = StepState.WAITING
        row.because = f"waits for {role.replace('_', ' ')}" + (f": {because}" if because else "")
        excluded = self._involved() if step.kind is Kind.APPROVAL else ()
        self._changes.tasks.append(
            NewTask(
                run_id=self._run.id,
                step=step.name,
                occurrence=row.occurrence,
                kind="approval" if step.kind is Kind.APPROVAL else "task",
                subject_id=self._run.subject_id,
                region=self._run.region,
                title=f"{step.name.replace('_', ' ').replace('-', ' ').capitalize()}: "
                f"{self._subjects.title(self._subject)}",
                role=role,
                excluded=excluded,
                amount=self._at_stake(),
                shown={**self._subjects.shown(self._subject), **self._run.input.get("shown", {})},
                because=because or None,
                decision_id=decision_id,
                opened_at=self._now,
                due_at=row.due_at,
            )
        )
        self._changes.event(
            self._run,
            f"{step.kind}.opened",
            objects=((task_id(self._run.id, step.name, row.occurrence), "task", "opened"),),
            attributes={"step": step.name, "role": role, "because": because},
        )

    def _involved(self) -> tuple[str, ...]:
        """Who may not approve: people of the subject, and those that the run was started by."""
        started = self._run.input.get("involved", [])
        return tuple(dict.fromkeys([*self._subjects.involved(self._subject), *started]))

    def _at_stake(self) -> Money | None:
        return at_stake(self._run, self._subjects, self._subject)

    # how a step ends

    def _skip(self, step: Step, reason: str) -> None:
        row = StepRow(
            run_id=self._run.id,
            name=step.name,
            kind=step.kind,
            state=StepState.SKIPPED,
            owner=step.owner,
            started_at=self._now,
            ended_at=self._now,
            because=reason,
        )
        self._rows[step.name] = row
        self._changes.step(row)
        self._tell(row, "step.skipped", because=reason)

    def _end(
        self,
        row: StepRow,
        state: StepState,
        done: Done,
        because: str | None = None,
        said: Said | None = None,
    ) -> None:
        row.state, row.ended_at, row.because = state, self._now, because
        row.result, row.worker, row.crashes = done.result, None, 0
        self._changes.step(row)
        if done.change is not None:
            self._changes.replace(self._run, done.change(self._subject))
        if said is not None:
            self._keep(row, said)
        self._tell(row, f"step.{state}", **({"because": because} if because else {}))

    def _keep(self, row: StepRow, said: Said) -> None:
        for decision in said.decisions:
            self._changes.decision(self._run, row.name, decision)
        for type, attributes in said.events:
            self._changes.event(self._run, type, attributes=attributes)
        for type, data in said.sent:
            self._changes.send(self._run, row, type, data)

    def _fail(
        self,
        step: Step,
        row: StepRow,
        failed: Exception,
        cause_class: CauseClass = CauseClass.DEFECT,
    ) -> None:
        """Our own fault, or a rule that does not cover the case: only this run stops."""
        if not isinstance(failed, FairleadError):
            log.error("step %s of run %s failed", step.name, self._run.id, exc_info=failed)
        elif cause_class is CauseClass.DEFECT:
            cause_class = CauseClass.CONFIGURATION
        row.state, row.because = StepState.FAILED, str(failed)[:500] or type(failed).__name__
        self._changes.step(row)
        self._except(
            step,
            row,
            cause=f"step:{self._run.id}:{step.name}:{row.occurrence}",
            cause_class=cause_class,
            team=step.owner if cause_class is not CauseClass.DEFECT else "integration-operations",
            title=f"{step.name.replace('_', ' ')} stopped: {self._subjects.title(self._subject)}",
            detail=row.because,
            remedy="Correct what the detail names, then retry; what is done is not done again.",
            actions=(ExceptionAction.RETRY, ExceptionAction.ASSIGN),
        )
        self._tell(row, "step.failed", because=row.because)

    # how a run ends

    def _decline(self, refused: Step) -> None:
        """An approval was refused: say so, then take back what was done outside."""
        if refused.on_refusal is not None:
            said = Said()
            done = self._registry.get_action(refused.on_refusal).fn(self._call(refused, said))
            if done.change is not None:
                self._changes.replace(self._run, done.change(self._subject))
            self._keep(self._rows[refused.name], said)
        self._run.state, self._run.ends_as = RunState.UNDOING, RunState.DECLINED
        self._changes.event(self._run, "run.declined", attributes={"step": refused.name})

    def _take_back(self) -> None:
        # not by attempts: one that was only waiting is not counted, but may have reached outside
        reached = self._reached()
        while True:
            done = sorted(
                (row for row in self._rows.values() if row.state == StepState.DONE),
                key=lambda row: row.ended_at or self._now,
            )
            undo = plan_undo(
                self._playbook,
                self._states,
                {
                    name: row.state == StepState.RUNNING or name in reached
                    for name, row in self._rows.items()
                },
                [row.name for row in done],
                lambda action: self._registry.get_action(action).undo,
            )
            for name in undo.cancel:
                self._cancel(self._rows[name])
            if undo.start is not None:
                self._begin_undo(undo.start)
                if self._rows[UNDO + undo.start.of.name].state == StepState.DONE:
                    continue  # a local one is done already
                return
            if undo.finished:
                self._end_run(RunState(self._run.ends_as or RunState.CANCELLED))
            return

    def _begin_undo(self, undo: Undo) -> None:
        step = undo.of.model_copy(
            update={"name": UNDO + undo.of.name, "uses": undo.action, "when": (), "unless": ()}
        )
        self._begin(step)

    def _cancel(self, row: StepRow) -> None:
        if row.kind in (Kind.APPROVAL, Kind.TASK):
            self._changes.closed_tasks.append((row.run_id, row.name))
        self._changes.settled_causes += [
            f"gate:{row.run_id}:{row.name}",
            f"step:{row.run_id}:{row.name}:{row.occurrence}",
        ]
        row.state, row.ended_at, row.because = StepState.CANCELLED, self._now, "the run ended first"
        self._changes.step(row)
        self._tell(row, "step.cancelled")

    def _end_run(self, state: RunState) -> None:
        self._run.state, self._run.ended_at = state, self._now
        self._changes.event(self._run, f"run.{state}", attributes={"playbook": self._run.playbook})

    # small helpers

    def _call(self, step: Step, said: Said) -> Call:
        results = {name: row.result or {} for name, row in self._rows.items() if row.state in ENDED}
        return Call(self._run, step, self._subject, results, self._now, said)

    def _holds(self, condition: str) -> bool:
        # a condition looks at the subject only, so which step asks makes no difference
        step = self._playbook.steps[0]
        found = self._registry.get_condition(condition).fn(self._call(step, Said()))
        return bool(found)

    def _due(self, within: Duration | None) -> datetime | None:
        if within is None:
            return None
        return add_business_time(self._now, within, self._hooks.calendar(self._facts))

    def _tell(self, row: StepRow, type: str, **attributes: Any) -> None:
        self._changes.event(
            self._run,
            type,
            attributes={"step": row.name, "kind": row.kind, "owner": row.owner, **attributes},
        )

    def _except(
        self,
        step: Step,
        row: StepRow,
        *,
        cause: str,
        cause_class: CauseClass,
        team: str,
        title: str,
        detail: str,
        remedy: str,
        actions: tuple[ExceptionAction, ...],
        gaps: tuple[Any, ...] = (),
    ) -> None:
        self._changes.exception(
            self._run,
            NewException(
                cause=cause,
                cause_class=cause_class,
                team=team,
                title=title,
                detail=detail,
                remedy=remedy,
                opened_at=self._now,
                actions=actions,
                due_at=row.due_at,
                gaps=gaps,
                system=row.system,
                run_id=self._run.id,
                step=step.name,
                occurrence=row.occurrence,
                subject_id=self._run.subject_id,
                region=self._run.region,
                at_risk=self._at_stake(),
            ),
        )


def _plain(event: str) -> str:
    """For a person: `part.released` → `part released`."""
    return event.replace(".", " ").replace("_", " ")
