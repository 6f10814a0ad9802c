"""What a task or an exception says to one reader: its row in the inbox, and its pane.

Pure but for the reads of `Worklist`: `row_of` and `pane_of` decide what is shown and which ways are
open. They tell beforehand what `work.answers` and `work.exceptions` would refuse; those decide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fairlead.domain.values import Money, minor_units
from fairlead.errors import FairleadError, IllegalMove, NotFound, StaleVersion
from fairlead.store.worklist import Ends, Kind, Worklist
from fairlead.trust.roles import Permission, Role
from fairlead.web import comparisons, deeds, formats, gap_form
from fairlead.web.comparisons import Candidate, Comparison
from fairlead.web.facts import Fact, fact, facts_of, money_of
from fairlead.web.formats import Clock, Sla, Tone, listed, words
from fairlead.web.gap_form import GapForm
from fairlead.web.visit import Visit, role_words
from fairlead.web.who_else import (
    ask,
    candidates_for,
    could_answer,
    could_resolve,
    may_assign,
    name_of,
)
from fairlead.work.answers import Bar, barred
from fairlead.work.exceptions import needs_reason, roles_for
from fairlead.work.words import ExceptionAction

ICONS: Mapping[Kind, str] = {
    Kind.APPROVAL: "check",
    Kind.TASK: "doc",
    Kind.DATA: "pencil",
    Kind.EXCEPTION: "octagon",
}
KIND_WORDS: Mapping[Kind, str] = {
    Kind.APPROVAL: "Approval",
    Kind.TASK: "Task",
    Kind.DATA: "Missing data",
    Kind.EXCEPTION: "Exception",
}
_LONGEST_PAYLOAD = 4000

#: What is done in the row itself, in the order in which it is offered, with its key.
_SIMPLE: Mapping[ExceptionAction, tuple[str, str]] = {
    ExceptionAction.RETRY: ("Retry", "t"),
    ExceptionAction.SKIP: ("Skip the step", "s"),
    ExceptionAction.OVERRIDE: ("Override", "o"),
    ExceptionAction.DISMISS: ("Dismiss", "d"),
}


@dataclass(frozen=True)
class Choice:
    """One way to decide in the row."""

    value: str
    label: str
    key: str
    needs_reason: bool = False


@dataclass(frozen=True)
class Upset:
    """Why a decision was not taken. Nothing was changed."""

    tone: Tone
    title: str
    text: str


@dataclass(frozen=True)
class Row:
    id: str  #: of the element and the address: `task-…`, `exception-…`
    kind: Kind
    title: str
    sub: str
    money: Money | None
    sla: Sla | None
    due_at: datetime | None
    version: int
    open: bool
    choices: tuple[Choice, ...]
    hindrance: str | None  #: why the reader cannot decide it, and whom to ask
    reason: str = ""  #: typed before
    reason_fault: str | None = None
    chosen: str = ""
    upset: Upset | None = None

    @property
    def icon(self) -> str:
        return ICONS[self.kind]

    @property
    def kind_words(self) -> str:
        return KIND_WORDS[self.kind]

    @property
    def in_bulk(self) -> bool:
        """Approvals and tasks are alike enough to be answered together."""
        return self.open and bool(self.choices) and self.kind in (Kind.APPROVAL, Kind.TASK)

    @property
    def minor(self) -> int | None:
        """Whole minor units, for the sum of a selection."""
        if self.money is None:
            return None
        return int(self.money.amount.scaleb(minor_units(self.money.currency)))

    @property
    def reason_label(self) -> str:
        if self.kind is Kind.TASK:
            return "Note, if something is to be said"
        needs = [choice.label.lower() for choice in self.choices if choice.needs_reason]
        if not needs:
            return "Reason"
        if len(needs) == len(self.choices):
            return "Reason, required"
        return f"Reason, required to {listed(needs, 'or')}"

    @property
    def checked(self) -> str:
        """The choice that is preselected."""
        values = [choice.value for choice in self.choices]
        return self.chosen if self.chosen in values else next(iter(values), "")


@dataclass(frozen=True)
class Why:
    """Why it came to the reader."""

    text: str
    facts: tuple[Fact, ...] = ()
    href: str | None = None


@dataclass(frozen=True)
class Beside:
    """Another approval or task of the same run."""

    title: str
    whose: str
    tone: Tone
    state: str
    reason: str | None


@dataclass(frozen=True)
class Past:
    what: str
    who: str
    at: datetime
    text: str


@dataclass(frozen=True)
class Record:
    """How it was decided."""

    words: str
    tone: Tone
    who: str
    at: datetime | None
    reason: str | None


@dataclass(frozen=True)
class Pane:
    row: Row
    reference: str
    lead: str
    remedy: str | None
    facts: tuple[Fact, ...]
    comparison: Comparison | None
    candidates: tuple[Candidate, ...]
    gaps: GapForm | None
    gaps_hindrance: str | None
    why: Why
    beside: tuple[Beside, ...]
    history: tuple[Past, ...]
    packet: str | None
    engagement: str | None  #: address of its page
    payload: str | None
    record: Record | None
    people: tuple[tuple[str, str], ...]  #: (id, name) of those whom it can be given to
    assignee: str | None


def status_of(error: FairleadError) -> int:
    """Of the answer. To a person, what is old and what was decided are the same."""
    return 409 if isinstance(error, IllegalMove | StaleVersion) else error.status


def worklist(visit: Visit) -> Worklist:
    return Worklist(visit.tx, visit.scope, visit.reader)


def ends(clock: Clock) -> Ends:
    """When the reader's day and week end: midnight in their zone, and that before Monday."""
    today = clock.local(clock.now).date()

    def start(day: date) -> datetime:
        return datetime.combine(day, time.min, clock.zone).astimezone(UTC)

    return Ends(
        clock.now,
        start(today + timedelta(days=1)),
        start(today + timedelta(days=7 - today.weekday())),
    )


def row_of(visit: Visit, row: Mapping[str, Any]) -> Row:
    """Of a row of `Worklist`, in a list or alone."""
    kind = Kind(row["kind"])
    is_open = row.get("state", "open") == "open"
    made = Row(
        id=f"{'task' if kind in (Kind.APPROVAL, Kind.TASK) else 'exception'}-{row['id']}",
        kind=kind,
        title=formats.without_number(row["title"], row["number"]),
        sub=_sub(visit, row, kind),
        money=money_of(row),
        sla=visit.sla(row["opened_at"], row["due_at"], row["region"], row["country"])
        if is_open
        else None,
        due_at=row["due_at"],
        version=row["version"],
        open=is_open,
        choices=(),
        hindrance=None,
    )
    if not is_open:
        return made
    if made.id.startswith("task-"):
        found = hindrance(visit, row)
        return replace(made, hindrance=found, choices=() if found else _answers(kind))
    return _with_ways(visit, row, made)


def hindrance(visit: Visit, task: Mapping[str, Any]) -> str | None:
    """Why the reader cannot answer it, and whom to ask; null where they can."""
    if not visit.who.may(Permission.TASKS_ANSWER):
        return "You read here. " + ask(could_answer(visit, task))
    match barred(task, visit.acting):
        case None:
            return None
        case Bar.GIVEN:
            return f"It was given to {name_of(visit, task['assignee'])}."
        case Bar.ROLE:
            why = f"It needs the role {role_words(task['role'])}."
        case Bar.OWN:
            why = "You asked for it or gave its data, so another approves it."
        case Bar.LIMIT:
            over = Money(amount=task["amount"], currency=task["currency"])
            why = f"{formats.money_text(over, cents=True)} is over your approval limit."
    return f"{why} {ask(could_answer(visit, task))}"


def pane_of(
    visit: Visit, work: Worklist, row: Mapping[str, Any], shown: Row, gaps: GapForm | None = None
) -> Pane:
    """Of a row that `task` or `exception` found. `gaps`: the form with what was typed."""
    is_task = shown.id.startswith("task-")
    reads = visit.who.may(Permission.ENGAGEMENTS_READ) and row["number"] is not None
    engagement = f"/engagements/{row['number']}" if reads else None
    facts: Mapping[str, Any] = _visible(visit, row, row["shown"]) if is_task else {}
    asks = not is_task and ExceptionAction.SUPPLY in row["actions"] and bool(row["gaps"])
    hindered = _supply_hindrance(visit, row) if asks and not _closed(row) else None
    people = candidates_for(visit, row) if shown.open and may_assign(visit, is_task) else ()
    chain = row["subject_id"] or f"system:{row.get('system')}"
    return Pane(
        row=shown,
        reference=row["number"] or "no engagement",
        lead=_lead(visit, row, is_task),
        remedy=None if is_task else _sentence(row["remedy"]),
        facts=facts_of(facts),
        comparison=comparisons.changes(facts.get("difference"))
        if is_task
        else comparisons.compare(row["difference"], row["system"]),
        candidates=comparisons.candidates(row["difference"], row["system"])
        if not is_task and shown.open and _may_choose(visit, row)
        else (),
        gaps=(gaps or gap_form.blank(row["gaps"], visit.parts.firm))
        if asks and shown.open
        else None,
        gaps_hindrance=hindered,
        why=_why(visit, row, is_task, engagement),
        beside=_beside(visit, work.beside(row["run_id"], row["id"])) if row["run_id"] else (),
        history=tuple(_past(visit, one) for one in work.history(chain, row["id"])),
        packet=str(facts["packet"]) if facts.get("packet") else None,
        engagement=engagement,
        payload=None if is_task or row["payload"] is None else _payload(row["payload"]),
        record=None if shown.open else _record(visit, row, is_task),
        people=tuple((one.id, one.name) for one in people if one.id != row["assignee"]),
        assignee=name_of(visit, row["assignee"]) if row["assignee"] else None,
    )


# rows


def _sub(visit: Visit, row: Mapping[str, Any], kind: Kind) -> str:
    about = " ".join(filter(None, [row["number"], row["client_name"]])) or "No engagement"
    if row["assignee"]:
        return f"{about}, given to {name_of(visit, row['assignee'])}"
    if kind in (Kind.APPROVAL, Kind.TASK):
        return f"{about}, for {role_words(row['owner'])}"
    return f"{about}, with {words(row['owner'])}"


def _answers(kind: Kind) -> tuple[Choice, ...]:
    if kind is Kind.TASK:
        return (Choice("approve", "Done", "a"),)
    return Choice("approve", "Approve", "a"), Choice("refuse", "Refuse", "r", needs_reason=True)


def _with_ways(visit: Visit, row: Mapping[str, Any], made: Row) -> Row:
    """An exception: what this reader may do about it in the row."""
    actions = [ExceptionAction(action) for action in row["actions"]]
    if not visit.who.may(Permission.EXCEPTIONS_RESOLVE):
        asked = ask(could_resolve(visit, row, Permission.EXCEPTIONS_RESOLVE))
        return replace(made, hindrance=f"You read here. {asked}")
    simple = [action for action in _SIMPLE if action in actions]
    open_to = [action for action in simple if _has_authority(visit, row, action)]
    choices = tuple(
        Choice(action, *_SIMPLE[action], needs_reason=needs_reason(action)) for action in open_to
    )
    left = set(actions) - set(simple) - {ExceptionAction.ASSIGN}
    if choices or (left and not _closed(row)):
        return replace(made, choices=choices)
    mended = "It is mended in its own system, and the run goes on by itself. "
    if not simple:
        return replace(made, hindrance=mended.strip())
    needed = sorted(
        {role for action in simple for role in roles_for(row["class"], action) or frozenset()}
    )
    roles = listed([role_words(role) for role in needed], "or")
    people, region = visit.parts.people, row["region"]
    holders = [p for role in needed for p in people.holding(Role(role), region=region)]
    does = listed([_SIMPLE[action][0].lower() for action in simple], "or")
    why = mended if _closed(row) else ""
    return replace(made, hindrance=f"{why}To {does} needs the role {roles}. {ask(holders)}")


def _closed(row: Mapping[str, Any]) -> bool:
    """Something is missing, and none of it can be given here."""
    return bool(row.get("gaps")) and not any(gap["suppliable"] for gap in row["gaps"])


def _has_authority(visit: Visit, row: Mapping[str, Any], action: ExceptionAction) -> bool:
    needed = roles_for(row["class"], action)
    return needed is None or bool(needed & visit.acting.roles)


def _may_choose(visit: Visit, row: Mapping[str, Any]) -> bool:
    return ExceptionAction.CHOOSE in row["actions"] and visit.who.may(Permission.EXCEPTIONS_RESOLVE)


def _supply_hindrance(visit: Visit, row: Mapping[str, Any]) -> str | None:
    needs = (Permission.EXCEPTIONS_RESOLVE, Permission.ENGAGEMENTS_CORRECT)
    if all(visit.who.may(permission) for permission in needs):
        return None
    return "Another gives these values. " + ask(could_resolve(visit, row, *needs))


# panes


def _lead(visit: Visit, row: Mapping[str, Any], is_task: bool) -> str:
    if not is_task:
        times = row["times"]
        return _sentence(row["detail"]) + (f" It happened {times} times." if times > 1 else "")
    is_open, approves = row.get("state", "open") == "open", row["kind"] == "approval"
    if approves:
        asks = f"{'is' if is_open else 'was'} asked to approve or refuse"
    else:
        asks = "has this to do" if is_open else "had this to do"
    text = f"{role_words(row['owner'])} {asks}."
    if row["fallback_role"]:
        fallback = role_words(row["fallback_role"])
        text += f" Since its time ran out, {fallback} may answer too."
    return text


def _sentence(text: str) -> str:
    """Gaps are named in the middle of one."""
    made = text[:1].upper() + text[1:]
    return made if not made or made[-1] in ".!?…" else f"{made}."


def _visible(visit: Visit, row: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Whoever is asked sees what the answer is about; others see costs only with the right to."""
    asked = {row["owner"], row["fallback_role"]} & visit.acting.roles
    if asked or visit.who.may(Permission.COSTS_READ):
        return facts
    hidden = ("cost", "margin")
    return {
        name: value
        for name, value in facts.items()
        if not any(word in name.casefold() for word in hidden)
    }


def _why(visit: Visit, row: Mapping[str, Any], is_task: bool, engagement: str | None) -> Why:
    owner = words(row["owner"]) if not is_task else role_words(row["owner"])
    if not is_task:
        return Why(f"The team {owner} owns it, and {_stops(row)}.")
    if row["policy"] is None:
        step = words(row["step"]).lower()
        return Why(f"The step “{step}” of the playbook asks the role {owner}.")
    text = (
        f"Policy “{words(row['policy'])}” v{row['policy_version']}, row “{row['policy_row']}”"
        f" asks the role {owner}"
    )
    text += f": {row['because']}." if row["because"] else "."
    inputs = _visible(visit, row, row["facts"])
    return Why(
        text,
        tuple(fact(words(name), value) for name, value in inputs.items()),
        f"{engagement}/decisions#{row['decision_id']}" if engagement else None,
    )


def _stops(row: Mapping[str, Any]) -> str:
    if row["run_id"] is None:
        return "no run waits for it"
    step = words(row["step"] or "its step").lower()
    return f"the step “{step}” waits until it is settled"


_STATES: Mapping[str, tuple[Tone, str]] = {
    "open": ("idle", "Waiting"),
    "approved": ("ok", "Approved"),
    "done": ("ok", "Done"),
    "refused": ("bad", "Refused"),
    "cancelled": ("idle", "Cancelled"),
}


def _beside(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> tuple[Beside, ...]:
    def one(row: Mapping[str, Any]) -> Beside:
        tone, state = _STATES[row["state"]]
        who = row["answered_by"] or row["assignee"]
        whose = name_of(visit, who) if who else role_words(row["role"])
        if row["answered_at"] is not None:
            state = f"{state} {visit.clock.moment(row['answered_at'])}"
        return Beside(words(row["step"]), whose, tone, state, row["reason"])

    return tuple(one(row) for row in rows)


def _past(visit: Visit, event: Mapping[str, Any]) -> Past:
    attributes: Mapping[str, Any] = event["attributes"]
    said = [str(attributes[name]) for name in ("reason", "because") if attributes.get(name)]
    if attributes.get("to"):
        said.insert(0, f"to {name_of(visit, str(attributes['to']))}")
    what = deeds.done(event["type"])
    return Past(what, name_of(visit, event["actor"]), event["at"], "; ".join(said))


def _record(visit: Visit, row: Mapping[str, Any], is_task: bool) -> Record:
    if is_task:
        tone, state = _STATES[row["state"]]
        who = name_of(visit, row["answered_by"]) if row["answered_by"] else "Fairlead"
        return Record(state, tone, who, row["answered_at"], row["reason"])
    how = row["resolution"] or "settled"
    told = "Settled by itself" if how == "by itself" else deeds.done(how)
    who = name_of(visit, row["resolved_by"]) if row["resolved_by"] else "Fairlead"
    return Record(told, "ok", who, row["resolved_at"], row["reason"])


def _payload(payload: Any) -> str:
    text = payload if isinstance(payload, str) else json.dumps(payload, indent=2, default=str)
    return text[:_LONGEST_PAYLOAD]


def find(visit: Visit, work: Worklist, item: str) -> dict[str, Any]:
    """By the name that its address has. Raises `NotFound`, `NoPermission`."""
    source, _, id = item.partition("-")
    found: dict[str, Any] | None = None
    if source == "task":
        found = work.task(id)
    elif source == "exception":
        visit.must(Permission.EXCEPTIONS_READ)
        found = work.exception(id)
    if found is None:
        raise NotFound("There is no such item, or it is of another region.")
    return found
