"""The line tab: where the engagement stands, what is waited for, and the steps of each run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from fairlead.capabilities.handoff.line import (
    LineFacts,
    LineStage,
    LineState,
    StepFact,
    Waits,
    line_of,
    now_at,
)
from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.values import Money
from fairlead.store.engagement_page import EngagementViews
from fairlead.trust.principals import People
from fairlead.trust.roles import Permission
from fairlead.web.facts import money_of
from fairlead.web.formats import Clock, Sla, Tone, count, duration, words, working_day
from fairlead.web.pages.engagement_head import Head, shown_costs
from fairlead.web.pages.engagement_words import (
    STATES,
    calendar_of,
    person_words,
)
from fairlead.web.visit import Visit, role_words

#: Step state → tone and words.
_STEP_STATES: Mapping[str, tuple[Tone, str]] = {
    "ready": ("run", "Ready"),
    "running": ("run", "Running"),
    "waiting": ("warn", "Waiting"),
    "blocked": ("bad", "Blocked"),
    "failed": ("bad", "Parked"),
    "done": ("ok", "Done"),
    "skipped": ("idle", "Not needed"),
    "refused": ("bad", "Refused"),
    "cancelled": ("idle", "Cancelled"),
}
_RUN_STATES: Mapping[str, tuple[Tone, str]] = {
    "active": ("run", "Under way"),
    "undoing": ("warn", "Being taken back"),
    "completed": ("ok", "Completed"),
    "declined": ("bad", "Declined"),
    "cancelled": ("idle", "Cancelled"),
}
_ENDED = frozenset({"done", "skipped", "refused", "cancelled"})
_LINE_WORDS: Mapping[LineState, str] = {
    "done": "done",
    "run": "under way",
    "warn": "waiting",
    "bad": "blocked",
    "idle": "to come",
    "skip": "not needed",
}


@dataclass(frozen=True)
class ShownStage:
    """As `ui.line` prints it."""

    name: str
    state: LineState
    detail: str
    elapsed: str | None
    limit: str | None
    used: int | None
    progress: int


@dataclass(frozen=True)
class Dependency:
    """Something that somebody must do before the line goes on."""

    stage: str
    at: int  #: which stage, from 1
    tone: Tone
    title: str
    why: str | None  #: null: it tells costs, which this reader may not see
    who: str
    holds: str
    amount: Money | None
    due: str
    sla: Sla | None
    missing: tuple[str, ...]
    href: str | None
    act: str


@dataclass(frozen=True)
class ShownStep:
    name: str
    kind: str
    tone: Tone
    state: str
    owner: str
    system: str | None
    when: datetime
    due: Sla | None
    attempts: int
    why: str | None


@dataclass(frozen=True)
class ShownStages:
    """The steps of one stage of a playbook; those that are over fold away."""

    title: str
    steps: tuple[ShownStep, ...]
    folded: str  #: `5 done, 2 not needed`; empty: nothing is folded


@dataclass(frozen=True)
class ShownRun:
    id: str
    title: str
    tone: Tone
    state: str
    started_at: datetime
    ended_at: datetime | None
    stages: tuple[ShownStages, ...]
    may_cancel: bool


@dataclass(frozen=True)
class Part:
    number: str
    name: str
    place: str
    tone: Tone
    state: str
    value: Money | None
    dates: str
    line: tuple[LineState, ...]
    line_words: str


@dataclass(frozen=True)
class LineTab:
    head: Head
    period: str
    stages: tuple[ShownStage, ...]
    dependencies: tuple[Dependency, ...]
    parts: tuple[Part, ...]
    whole: Part | None
    runs: tuple[ShownRun, ...]
    cancellable: tuple[ShownRun, ...]
    all_steps: bool


def line_tab(visit: Visit, views: EngagementViews, head: Head) -> LineTab:
    """In three queries, with `head_of`'s two."""
    engagement = head.engagement
    family = views.family(engagement.id, engagement.parent)
    ids = [engagement.id, *(row["id"] for row in family)]
    steps = _by_subject(views.steps_of(ids))
    waits = _by_subject(views.waits_of(ids))
    deal, mine = head.deal, engagement.id
    calendar = calendar_of(visit, deal.region, deal.country)
    facts = LineFacts(
        state=engagement.state,
        opened_at=engagement.opened_at,
        launched_at=engagement.launched_at,
        starts_on=deal.starts_on,
        ends_on=deal.ends_on,
        steps=step_facts(steps.get(mine, ())),
        waits=wait_facts(waits.get(mine, ())),
    )
    stages = line_of(facts, now=visit.now, calendar=calendar)
    relatives = [_part(visit, row, steps, waits) for row in family]
    pairs = tuple(zip(family, relatives, strict=True))
    all_steps = visit.query("steps") == "all"
    runs = tuple(_runs(visit, steps.get(mine, ()), calendar, all_steps))
    return LineTab(
        head=head,
        period=_period(visit.clock, facts, stages),
        stages=shown_line(stages, facts, visit.clock, visit.parts.people, calendar),
        dependencies=tuple(_dependencies(visit, stages, waits.get(mine, ()), calendar)),
        parts=tuple(part for row, part in pairs if row["parent"] == mine),
        whole=next((part for row, part in pairs if row["id"] == engagement.parent), None),
        runs=runs,
        cancellable=tuple(run for run in runs if run.may_cancel),
        all_steps=all_steps,
    )


def step_facts(rows: Iterable[Mapping[str, Any]]) -> tuple[StepFact, ...]:
    """Rows of `EngagementViews.steps_of`."""
    return tuple(
        StepFact(
            run_id=row["run_id"],
            playbook=row["playbook"],
            stage=row["stage"] or "",
            name=row["name"],
            kind=row["kind"],
            state=row["state"],
            owner=row["owner"],
            started_at=row["started_at"],
            due_at=row["due_at"],
            ended_at=row["ended_at"],
            because=row["because"],
        )
        for row in rows
        if row["name"] is not None
    )


def wait_facts(rows: Iterable[Mapping[str, Any]]) -> tuple[Waits, ...]:
    """Rows of `EngagementViews.waits_of`."""
    return tuple(
        Waits(
            id=row["id"],
            kind="exception" if row["what"] == "exception" else row["kind"],
            title=row["title"],
            opened_at=row["opened_at"],
            due_at=row["due_at"],
            run_id=row["run_id"],
            step=row["step"],
            role=row["role"],
            team=row["team"],
            assignee=row["assignee"],
            amount=money_of(row),
            because=row["because"],
        )
        for row in rows
    )


def shown_line(
    stages: Sequence[LineStage],
    facts: LineFacts,
    clock: Clock,
    people: People,
    calendar: BusinessCalendar | None,
) -> tuple[ShownStage, ...]:
    """`calendar`: the one that the stages were counted in."""
    day = working_day(calendar) if calendar else timedelta(days=1)
    return tuple(
        ShownStage(
            name=stage.name,
            state=stage.state,
            detail=_detail(stage, facts, clock, people, calendar),
            elapsed=None if stage.elapsed is None else duration(stage.elapsed, day),
            limit=None if stage.limit is None else duration(stage.limit, day),
            used=stage.used,
            progress=stage.progress,
        )
        for stage in stages
    )


def mini_words(stages: Sequence[LineStage]) -> str:
    """What a line in a cell says aloud: `Setup blocked`."""
    here = now_at(stages)
    return f"{here.name} {_LINE_WORDS[here.state]}"


def _detail(
    stage: LineStage,
    facts: LineFacts,
    clock: Clock,
    people: People,
    calendar: BusinessCalendar | None,
) -> str:
    match stage.state:
        case "done":
            word = "Requested" if stage.name == "Staffing" else "Done"
            return f"{word} {clock.day(stage.ended_at)}" if stage.ended_at else word
        case "run" if stage.name == "Delivery":
            return _weeks(facts, clock)
        case "run":
            return "Under way"
        case "warn" | "bad":
            word = "Waiting" if stage.state == "warn" else "Blocked"
            wait = stage.waits[0] if stage.waits else None
            left = clock.sla(wait.opened_at, wait.due_at, calendar) if wait else None
            if left is not None:
                return f"{word}, {left.text}"
            return f"{word}, with {_who(people, stage)}" if stage.owner else word
        case "idle" if stage.name == "Review" and facts.ends_on:
            return f"After {clock.day(facts.ends_on)}"
        case "idle" if stage.name == "Change":
            return "No change"
        case "idle":
            return "Not started"
        case "skip":
            return "Not needed" if stage.steps else "Not reached"


def _who(people: People, held: LineStage | Waits) -> str:
    """The person to whom it was given, else the role or the team."""
    if held.assignee is not None:
        return person_words(people, held.assignee)
    owner = held.owner if isinstance(held, LineStage) else held.role or held.team
    return role_words(owner or "")


def _weeks(facts: LineFacts, clock: Clock) -> str:
    first, last = facts.starts_on, facts.ends_on
    if first is None or last is None or last <= first:
        return "Running"
    if clock.today < first:
        return f"Starts {clock.day(first)}"
    if clock.today > last:
        return f"Past its end, {clock.day(last)}"
    week, weeks = (clock.today - first).days // 7 + 1, -(-((last - first).days + 1) // 7)
    return f"Running, week {week} of {weeks}"


def _period(clock: Clock, facts: LineFacts, stages: Sequence[LineStage]) -> str:
    here = now_at(stages)
    stands = f"{here.name} is {_LINE_WORDS[here.state]}."
    if here.name == "Delivery" and here.state == "run":
        stands = f"Delivery: {_weeks(facts, clock)[:1].lower()}{_weeks(facts, clock)[1:]}."
    if facts.starts_on is None or facts.ends_on is None:
        return f"The dates are not agreed yet. {stands}"
    dates = f"{clock.date(facts.starts_on)} to {clock.date(facts.ends_on)}"
    whole = (facts.ends_on - facts.starts_on).days + 1
    day = (clock.today - facts.starts_on).days + 1
    if facts.launched_at is not None and 1 <= day <= whole:
        dates += f", day {day} of {whole}"
    return f"{dates}. {stands}"


def _dependencies(
    visit: Visit,
    stages: Sequence[LineStage],
    rows: Sequence[Mapping[str, Any]],
    calendar: BusinessCalendar | None,
) -> Iterable[Dependency]:
    by_id = {row["id"]: row for row in rows}
    for at, stage in enumerate(stages, start=1):
        for wait in stage.waits:
            row = by_id[wait.id]
            exception = wait.kind == "exception"
            seen = visit.who.may(Permission.EXCEPTIONS_READ if exception else Permission.TASKS_READ)
            decide = not exception and wait.role in {str(role) for role in visit.who.roles}
            decide = decide and visit.who.may(Permission.TASKS_ANSWER)
            clock = visit.clock
            due = f"{clock.due(wait.due_at)} {clock.time(wait.due_at)}" if wait.due_at else ""
            yield Dependency(
                stage=stage.name,
                at=at,
                tone="bad" if exception or stage.state == "bad" else "warn",
                title=wait.title if seen else f"{words(wait.kind)} at {stage.name}",
                why=shown_costs(visit, wait.because or "") if seen else None,
                who=_who(visit.parts.people, wait),
                holds=_holds(wait, stages, at),
                amount=wait.amount,
                due=due,
                sla=clock.sla(wait.opened_at, wait.due_at, calendar),
                missing=_missing(visit, row) if seen else (),
                href=(f"/exceptions/{wait.id}" if exception else f"/inbox/task-{wait.id}")
                if seen
                else None,
                act="Decide" if decide and wait.kind == "approval" else "Open",
            )


def _holds(wait: Waits, stages: Sequence[LineStage], at: int) -> str:
    """What cannot go on meanwhile: its step, and the next stage."""
    step = words(wait.step).lower() if wait.step else stages[at - 1].name.lower()
    after = [stage.name for stage in stages[at:] if stage.state == "idle"]
    follows = f" and {after[0]} after it" if after and after[0] not in ("Change", "Review") else ""
    return f"Holds “{step}”{follows}."


def _missing(visit: Visit, row: Mapping[str, Any]) -> tuple[str, ...]:
    """The gaps that a gate names, each with the way to fill it."""
    found: list[str] = []
    for gap in row["gaps"] or ():
        text = str(gap.get("problem") or gap.get("field") or "")
        remedy = str(gap.get("remedy") or "")
        told = shown_costs(visit, f"{text}: {remedy}" if remedy else text)
        if told:
            found.append(told)
    return tuple(found)


def _part(
    visit: Visit,
    row: Mapping[str, Any],
    steps: Mapping[str, Sequence[Mapping[str, Any]]],
    waits: Mapping[str, Sequence[Mapping[str, Any]]],
) -> Part:
    facts = LineFacts(
        state=row["state"],
        opened_at=row["opened_at"],
        launched_at=row["launched_at"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        steps=step_facts(steps.get(row["id"], ())),
        waits=wait_facts(waits.get(row["id"], ())),
    )
    calendar = calendar_of(visit, row["region"], row["country"])
    stages = line_of(facts, now=visit.now, calendar=calendar)
    here = now_at(stages)
    text, tone = STATES[row["state"]]
    if here.state in ("bad", "warn"):
        text, tone = f"{text}, {_LINE_WORDS[here.state]}", here.state
    clock, first, last = visit.clock, row["starts_on"], row["ends_on"]
    return Part(
        number=row["number"],
        name=row["name"],
        place=", ".join(one for one in (row["region"], row["country"]) if one) or "none yet",
        tone=tone,
        state=text,
        value=money_of(row, "value"),
        dates=f"{clock.day(first)} to {clock.day(last)}" if first and last else "none yet",
        line=tuple(stage.state for stage in stages),
        line_words=mini_words(stages),
    )


def _runs(
    visit: Visit,
    rows: Sequence[Mapping[str, Any]],
    calendar: BusinessCalendar | None,
    all_steps: bool,
) -> Iterable[ShownRun]:
    may = visit.who.may(Permission.EXCEPTIONS_RESOLVE)
    for run_id, of_run in groupby(rows, key=lambda row: row["run_id"]):
        steps = list(of_run)
        first = steps[0]
        tone, state = _RUN_STATES[first["run_state"]]
        stages = [
            _stage(visit, title, list(of_stage), calendar, all_steps)
            for title, of_stage in groupby(
                (row for row in steps if row["name"] is not None),
                key=lambda row: row["stage"] or "Steps",
            )
        ]
        # what waits is on top; what is over keeps its order below
        stages.sort(key=lambda stage: all(step.state in _OVER_WORDS for step in stage.steps))
        yield ShownRun(
            id=run_id,
            title=words(first["playbook"]),
            tone=tone,
            state=state,
            started_at=first["run_started_at"],
            ended_at=first["run_ended_at"],
            stages=tuple(stages),
            may_cancel=may and first["run_state"] == "active",
        )


_OVER_WORDS = frozenset(_STEP_STATES[state][1] for state in _ENDED)


def _stage(
    visit: Visit,
    title: str,
    rows: Sequence[Mapping[str, Any]],
    calendar: BusinessCalendar | None,
    all_steps: bool,
) -> ShownStages:
    waiting = [row for row in rows if row["state"] not in _ENDED]
    over = [row for row in rows if row["state"] in _ENDED]
    refused = [row for row in over if row["state"] == "refused"]
    shown = [*waiting, *over] if all_steps else [*waiting, *refused]
    folded = [] if all_steps else [row for row in over if row["state"] != "refused"]
    counts = [
        f"{sum(row['state'] == state for row in folded)} {_STEP_STATES[state][1].lower()}"
        for state in ("done", "skipped", "cancelled")
        if any(row["state"] == state for row in folded)
    ]
    return ShownStages(
        title=title,
        steps=tuple(_step(visit, row, calendar) for row in shown),
        folded=", ".join(counts),
    )


def _step(visit: Visit, row: Mapping[str, Any], calendar: BusinessCalendar | None) -> ShownStep:
    tone, state = _STEP_STATES[row["state"]]
    over = row["state"] in _ENDED
    again = f", {count(row['occurrence'], 'time')}" if row["occurrence"] > 1 else ""
    return ShownStep(
        name=words(row["name"]) + again,
        kind=row["kind"],
        tone=tone,
        state=state,
        owner=role_words(row["owner"]),
        system=row["system"],
        when=row["ended_at"] or row["started_at"],
        due=None if over else visit.clock.sla(row["started_at"], row["due_at"], calendar),
        attempts=row["attempt"],
        why=shown_costs(visit, row["because"] or ""),
    )


def _by_subject(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["subject_id"], []).append(row)
    return found
