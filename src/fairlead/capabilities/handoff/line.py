"""The line of an engagement: eight stages, from the deal to the review, and where it stands.

Pure: rows of the store in, stages out. The page of one engagement, the list and the cells of the
list show the same stages. How to use it:

    facts = LineFacts(state=row["state"], opened_at=row["opened_at"], …, steps=(…), waits=(…))
    stages = line_of(facts, now=visit.now, calendar=calendar)    # always eight, in order
    [stage.state for stage in stages]                            # for `ui.line_mini`
    now_at(stages)                                               # the stage that it stands at

Only facts of one engagement go in. `StepFact.stage` is the title of the stage in the playbook that
the run follows (`playbooks.body`); where a playbook of a firm has other titles, its steps count as
Setup, until somebody names them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.rules.calendar import business_time_between
from fairlead.domain.values import Money
from fairlead.errors import InvalidDefinition


class StageName(StrEnum):
    DEAL = "Deal"
    READINESS = "Readiness"
    SETUP = "Setup"
    STAFFING = "Staffing"
    DELIVERY = "Delivery"
    CHANGE = "Change"
    BILLING = "Billing"
    REVIEW = "Review"


#: run: it goes on; warn: waits for a person; bad: is blocked; idle: to come; skip: never comes
LineState = Literal["done", "run", "warn", "bad", "idle", "skip"]

# A step by its name goes before its playbook stage, and that before the playbook.
_OF_STEP: Mapping[str, StageName] = {
    "request_staffing": StageName.STAFFING,
    "capacity_review": StageName.STAFFING,
    "check_capacity": StageName.STAFFING,
}
_OF_STAGE: Mapping[tuple[str, str], StageName] = {
    ("deal-to-delivery", "Readiness"): StageName.READINESS,
    ("deal-to-delivery", "Review"): StageName.READINESS,
    ("part-set-up", "Readiness"): StageName.READINESS,
    ("deal-to-delivery", "Tell"): StageName.DELIVERY,
}
_OF_PLAYBOOK: Mapping[str, StageName] = {
    "delivery-review": StageName.DEAL,
    "contract-change": StageName.CHANGE,
    "compare-systems": StageName.DELIVERY,
    "milestones-opened": StageName.DELIVERY,
    "milestone-acceptance": StageName.DELIVERY,
    "timesheet-completed": StageName.DELIVERY,
    "project-approved": StageName.DELIVERY,
    "milestone-accepted": StageName.BILLING,
    "invoice-released": StageName.BILLING,
}

_ENDED = frozenset({"done", "skipped", "refused", "cancelled"})
_OVER = frozenset({EngagementState.DECLINED, EngagementState.CANCELLED})


@dataclass(frozen=True)
class StepFact:
    """A row of `steps`, with its playbook and the stage that the playbook gives it."""

    run_id: str
    playbook: str
    stage: str
    name: str
    kind: str
    state: str
    owner: str
    started_at: datetime
    due_at: datetime | None = None
    ended_at: datetime | None = None
    because: str | None = None


@dataclass(frozen=True)
class Waits:
    """An open task, or an open exception of the engagement."""

    id: str
    kind: Literal["task", "approval", "exception"]
    title: str
    opened_at: datetime
    due_at: datetime | None = None
    run_id: str | None = None  #: null: of no run, so it counts where the engagement stands
    step: str | None = None
    role: str | None = None  #: who may answer a task
    team: str | None = None  #: who owns an exception
    assignee: str | None = None
    amount: Money | None = None  #: that an answer commits, or that is at risk
    because: str | None = None


@dataclass(frozen=True)
class LineFacts:
    state: str  #: of `EngagementState`
    opened_at: datetime
    launched_at: datetime | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    steps: Sequence[StepFact] = ()
    waits: Sequence[Waits] = ()


@dataclass(frozen=True)
class LineStage:
    """`elapsed` and `limit` are working time where a calendar was given, else time that passes."""

    name: StageName
    state: LineState
    since: datetime | None = None
    ended_at: datetime | None = None
    due: datetime | None = None
    elapsed: timedelta | None = None
    limit: timedelta | None = None  #: its SLA, from its beginning to the due time of its last step
    waits: tuple[Waits, ...] = ()  #: most urgent first
    steps: tuple[StepFact, ...] = ()
    owner: str | None = None  #: the role or team that has it now
    assignee: str | None = None  #: the person to whom it was given
    progress: int = 0  #: 0 to 100, while it runs

    @property
    def used(self) -> int | None:
        """Of the limit, 0 to 150."""
        if self.elapsed is None or not self.limit:
            return None
        return max(0, min(150, round(self.elapsed / self.limit * 100)))


def line_of(
    facts: LineFacts, *, now: datetime, calendar: BusinessCalendar | None = None
) -> tuple[LineStage, ...]:
    """The eight stages, in order. `calendar`: in whose working time the SLAs are told."""
    steps: dict[StageName, list[StepFact]] = {name: [] for name in StageName}
    for step in facts.steps:
        steps[stage_of(step)].append(step)
    here = _stands_at(facts, steps)
    waits: dict[StageName, list[Waits]] = {name: [] for name in StageName}
    at = {(step.run_id, step.name): stage_of(step) for step in facts.steps}
    for one in facts.waits:
        waits[at.get((one.run_id or "", one.step or ""), here)].append(one)
    return tuple(_stage(name, facts, steps[name], waits[name], now, calendar) for name in StageName)


def stage_of(step: StepFact) -> StageName:
    """Where a step belongs on the line."""
    if step.name in _OF_STEP and step.playbook != "delivery-review":
        return _OF_STEP[step.name]
    found = _OF_STAGE.get((step.playbook, step.stage)) or _OF_PLAYBOOK.get(step.playbook)
    return found or StageName.SETUP


def now_at(stages: Sequence[LineStage]) -> LineStage:
    """The stage that an engagement stands at: the first that is blocked, else waits, else runs,
    else the last that is over."""
    for state in ("bad", "warn", "run"):
        for stage in stages:
            if stage.state == state:
                return stage
    over = [stage for stage in stages if stage.state == "done"]
    return over[-1] if over else stages[0]


def _stands_at(facts: LineFacts, steps: Mapping[StageName, Sequence[StepFact]]) -> StageName:
    if facts.state == EngagementState.LAUNCHED:
        return StageName.DELIVERY
    if facts.state == EngagementState.IN_REVIEW:
        return StageName.DEAL
    unfinished = [name for name in StageName if any(s.state not in _ENDED for s in steps[name])]
    return unfinished[0] if unfinished else StageName.READINESS


def _stage(
    name: StageName,
    facts: LineFacts,
    steps: Sequence[StepFact],
    waits: Sequence[Waits],
    now: datetime,
    calendar: BusinessCalendar | None,
) -> LineStage:
    state = _state(name, facts, steps, waits)
    over = state in ("done", "skip")
    since, ended_at = _began(name, facts, steps), _ended(name, facts, steps) if over else None
    counted = [step for step in steps if step.state != "skipped"]
    if name is StageName.DELIVERY and all(step.state in _ENDED for step in counted):
        counted = []  # the work itself has no limit; what was told at its start is over
    due = max((step.due_at for step in counted if step.due_at is not None), default=None)
    elapsed = limit = None
    if since is not None and due is not None and state not in ("idle", "skip"):
        elapsed, limit = _spans(since, ended_at or now, due, calendar)
    order = sorted(waits, key=lambda one: (one.due_at is None, one.due_at or now, one.opened_at))
    return LineStage(
        name=name,
        state=state,
        since=since,
        ended_at=ended_at,
        due=due,
        elapsed=elapsed,
        limit=limit,
        waits=tuple(order),
        steps=tuple(steps),
        owner=_owner(order, steps),
        assignee=order[0].assignee if order else None,
        progress=_progress(name, facts, steps, now) if state == "run" else 0,
    )


def _state(
    name: StageName, facts: LineFacts, steps: Sequence[StepFact], waits: Sequence[Waits]
) -> LineState:
    over = facts.state in _OVER
    unfinished = [step for step in steps if step.state not in _ENDED]
    if any(step.state in ("failed", "blocked") for step in unfinished) or any(
        one.kind == "exception" for one in waits
    ):
        return "bad"
    if any(one.kind != "exception" for one in waits) or any(
        step.state == "waiting" and step.kind in ("approval", "task") for step in unfinished
    ):
        return "warn"
    if unfinished:
        return "run"
    match name:
        case StageName.DEAL:
            return "run" if facts.state == EngagementState.IN_REVIEW else "done"
        case StageName.DELIVERY if facts.state == EngagementState.LAUNCHED:
            return "run"
        case StageName.BILLING | StageName.REVIEW | StageName.DELIVERY:
            return "skip" if over else "idle"
        case StageName.CHANGE if steps:
            return "done"
        case _:
            return _of_set_up(name, facts, steps, over)


def _of_set_up(
    name: StageName, facts: LineFacts, steps: Sequence[StepFact], over: bool
) -> LineState:
    """Of a stage all of whose steps have ended; more may come while the set-up goes on."""
    if any(step.state == "refused" for step in steps):
        return "bad" if over else "skip"
    if over:
        return "done" if any(step.state == "done" for step in steps) else "skip"
    if facts.state == EngagementState.LAUNCHED and name is not StageName.CHANGE:
        return "skip" if steps and all(step.state == "skipped" for step in steps) else "done"
    before = {
        StageName.READINESS: facts.state != EngagementState.RECEIVED,
        StageName.STAFFING: any(step.name == "request_staffing" for step in steps),
    }
    if not before.get(name, False):
        return "run" if steps and name is not StageName.STAFFING else "idle"
    return "done" if any(step.state == "done" for step in steps) else "skip"


def _began(name: StageName, facts: LineFacts, steps: Sequence[StepFact]) -> datetime | None:
    if name is StageName.DELIVERY:
        return facts.launched_at
    begun = min((step.started_at for step in steps), default=None)
    return begun or (facts.opened_at if name is StageName.DEAL else None)


def _ended(name: StageName, facts: LineFacts, steps: Sequence[StepFact]) -> datetime | None:
    ended = max((step.ended_at for step in steps if step.ended_at is not None), default=None)
    return ended or (facts.opened_at if name is StageName.DEAL else None)


def _spans(
    since: datetime, until: datetime, due: datetime, calendar: BusinessCalendar | None
) -> tuple[timedelta, timedelta]:
    """Past the end of what the calendar knows, time that passes is counted."""
    if calendar is not None:
        try:
            return (
                business_time_between(since, until, calendar),
                business_time_between(since, due, calendar),
            )
        except InvalidDefinition:
            pass
    return until - since, due - since


def _owner(waits: Sequence[Waits], steps: Sequence[StepFact]) -> str | None:
    if waits:
        return waits[0].role or waits[0].team
    unfinished = [step.owner for step in steps if step.state not in _ENDED]
    return unfinished[0] if unfinished else None


def _progress(name: StageName, facts: LineFacts, steps: Sequence[StepFact], now: datetime) -> int:
    """Delivery by its dates, others by the steps that are over."""
    if name is StageName.DELIVERY:
        first, last = facts.starts_on, facts.ends_on
        if first is None or last is None or last <= first:
            return 0
        share = (now.date() - first) / (last - first)
    else:
        share = sum(step.state in _ENDED for step in steps) / len(steps) if steps else 0.0
    return max(0, min(100, round(share * 100)))
