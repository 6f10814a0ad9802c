"""One exception: what happened, what it holds up, what to do, and what each way leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairlead.domain.values import Money
from fairlead.store.exception_board import Board
from fairlead.trust.roles import Permission
from fairlead.web import comparisons, deeds, gap_form, payloads
from fairlead.web.comparisons import Candidate, Comparison
from fairlead.web.facts import field_words, money_of
from fairlead.web.formats import Sla, Tone, listed, without_number, words
from fairlead.web.gap_form import GapForm
from fairlead.web.pages.exception_list import sla_of
from fairlead.web.visit import Visit, role_words
from fairlead.web.who_else import name_of
from fairlead.work import owners
from fairlead.work.exceptions import needs_reason, roles_for
from fairlead.work.words import ExceptionAction

A = ExceptionAction
#: What a button says, and what follows from it.
_WAYS: Mapping[ExceptionAction, tuple[str, str, str]] = {
    A.RETRY: ("Retry", "retry", "The same again. What was done is found by its key, not repeated."),
    A.SKIP: ("Skip step", "skip", "The run goes on without this step."),
    A.OVERRIDE: ("Override", "unlock", "The run goes on although this is open."),
    A.DISMISS: ("Dismiss", "x", "It is closed and nothing follows. The message stays as it came."),
}
_RETRY_MESSAGE = "The message is read again, as it came."
_AROUND = 5  #: steps of the run that are shown
_TONES: Mapping[str, tuple[Tone, str]] = {
    "done": ("ok", "s-ok"),
    "failed": ("bad", "s-bad"),
    "blocked": ("bad", "s-bad"),
    "refused": ("bad", "s-bad"),
    "running": ("run", "s-run"),
    "waiting": ("warn", "s-wait"),
    "ready": ("run", "s-run"),
    "skipped": ("idle", "skip"),
}


@dataclass(frozen=True)
class Way:
    """An action that the exception has. `closed`: why this reader may not."""

    action: str
    label: str
    icon: str
    follows: str
    needs_reason: bool
    closed: str | None


@dataclass(frozen=True)
class Step:
    name: str
    tone: str
    icon: str
    current: bool
    because: str


@dataclass(frozen=True)
class Past:
    what: str
    who: str
    at: datetime
    said: str


@dataclass(frozen=True)
class Undo:
    """Giving it back to whom it was with before. Empty: to its team."""

    words: str
    person: str


@dataclass(frozen=True)
class Pane:
    id: str
    version: int
    title: str
    detail: str
    remedy: str
    cause: str
    number: str | None
    client: str | None
    run: str | None
    step: str | None
    system: str | None
    team: str
    assignee: str | None
    at_risk: Money | None
    sla: Sla | None
    opened_at: datetime
    times: int
    holds: str
    is_open: bool
    resolved: str | None
    resolved_at: datetime | None
    reason: str | None
    steps: tuple[Step, ...]
    payload: tuple[str, ...]
    comparison: Comparison | None
    choices: tuple[Candidate, ...]
    choose_closed: str | None
    gaps: GapForm | None
    supply_closed: str | None
    ways: tuple[Way, ...]
    history: tuple[Past, ...]
    people: tuple[tuple[str, str], ...]  #: who may be given it: id and name
    may_assign: bool
    undo: Undo | None = None

    @property
    def first_way(self) -> str | None:
        return next((way.action for way in self.ways if way.closed is None), None)


def read(
    visit: Visit, id: str, *, gaps: GapForm | None = None, undo: Undo | None = None
) -> Pane | None:
    """Null where there is none that the reader sees. `gaps`: with what was typed."""
    board = Board(visit.tx, visit.scope)
    found = board.one(id)
    if found is None:
        return None
    history = board.history(found)
    steps = visit.views.steps(found["run_id"]) if found["run_id"] else []
    actions = {ExceptionAction(action) for action in found["actions"]}
    is_open = found["state"] == "open"
    form = gaps
    if form is None and found["gaps"] and is_open:
        form = gap_form.blank(found["gaps"], visit.parts.firm)
    people = owners.possible(
        visit.parts.people, region=found["region"], legal_entity=found["legal_entity"]
    )
    ways = tuple(
        _way(visit, found, action, history) for action in _WAYS if action in actions and is_open
    )
    return Pane(
        id=found["id"],
        version=found["version"],
        title=without_number(found["title"], found["number"]),
        detail=_sentence(payloads.plain(found["detail"])),
        remedy=_sentence(found["remedy"]),
        cause=words(found["class"]),
        number=found["number"],
        client=found["client_name"],
        run=found["run_id"],
        step=found["step"],
        system=found["system"],
        team=words(found["team"]),
        assignee=name_of(visit, found["assignee"]) if found["assignee"] else None,
        at_risk=money_of(found),
        sla=sla_of(visit, found),
        opened_at=found["opened_at"],
        times=found["times"],
        holds=_holds(found),
        is_open=is_open,
        resolved=None if is_open else _resolved(visit, found),
        resolved_at=found["resolved_at"],
        reason=found["reason"],
        steps=_steps(steps, found),
        payload=() if found["payload"] is None else payloads.lines(found["payload"]),
        comparison=comparisons.compare(found["difference"], found["system"]),
        choices=comparisons.candidates(found["difference"], found["system"])
        if A.CHOOSE in actions
        else (),
        choose_closed=_closed(visit, found, A.CHOOSE, history),
        gaps=form,
        supply_closed=_closed(visit, found, A.SUPPLY, history),
        ways=ways,
        history=tuple(_past(visit, event, found) for event in history if _is_of(event, found)),
        people=tuple((person.id, person.name) for person in people),
        may_assign=is_open and visit.who.may(Permission.EXCEPTIONS_RESOLVE),
        undo=undo,
    )


def decided(visit: Visit, id: str) -> str:
    """Who settled it meanwhile, when and why: for somebody whose own word came too late."""
    found = Board(visit.tx, visit.scope).one(id)
    if found is None:
        return "It is gone."
    if found["state"] == "open":
        to = f" It is with {name_of(visit, found['assignee'])} now." if found["assignee"] else ""
        return f"It was changed since you read it.{to}"
    when = visit.clock.moment(found["resolved_at"])
    why = f": “{found['reason']}”" if found["reason"] else ""
    return f"{_resolved(visit, found)}, {when}{why}."


def _sentence(text: str) -> str:
    """Rules write their words in lower case, to stand in lists."""
    return text[:1].upper() + text[1:]


def _resolved(visit: Visit, found: Mapping[str, Any]) -> str:
    if found["resolution"] == "by itself":
        return "Settled by itself"
    what = deeds.done(found["resolution"] or "settled")
    return f"{what} by {name_of(visit, found['resolved_by'])}"


def _way(
    visit: Visit,
    found: Mapping[str, Any],
    action: ExceptionAction,
    history: Sequence[Mapping[str, Any]],
) -> Way:
    label, icon, follows = _WAYS[action]
    if action == A.RETRY and found["run_id"] is None:
        label, icon, follows = "Replay", "replay", _RETRY_MESSAGE
    closed = _closed(visit, found, action, history)
    return Way(str(action), label, icon, follows, needs_reason(action), closed)


def _closed(
    visit: Visit,
    found: Mapping[str, Any],
    action: ExceptionAction,
    history: Sequence[Mapping[str, Any]],
) -> str | None:
    """What `work.exceptions` would refuse, said before it is tried. Null: it may be tried."""
    roles = visit.acting.roles
    if not visit.who.may(Permission.EXCEPTIONS_RESOLVE):
        return "Your role reads exceptions and does not settle them."
    if action == A.SUPPLY and not visit.who.may(Permission.ENGAGEMENTS_CORRECT):
        return "Your role may not correct an engagement; its owner team supplies the values."
    needed = roles_for(found["class"], action)
    if needed is not None and not needed & roles:
        named = listed([role_words(role) for role in sorted(needed)], "or")
        return f"{words(action)}: needs the role {named}."
    gave = {
        event["actor"].removeprefix("person:").casefold()
        for event in history
        if event["type"] == "exception.supply"
    }
    if action == A.OVERRIDE and gave & visit.acting.aliases():
        return "Override: you supplied a value here, so another has to."
    return None


def _holds(found: Mapping[str, Any]) -> str:
    """What waits because of it, in words."""
    if found["number"] is None:
        if found["run_id"] is None and found["system"]:
            return f"No engagement yet. What comes from {found['system']} otherwise goes on."
        return "No engagement waits for it alone."
    step = words(found["step"]).lower() if found["step"] else "this"
    text = f"{found['number']} waits at “{step}”; its later steps do not begin."
    if found["others"]:
        others = found["others"]
        text += f" {others} other open exception{'s' if others > 1 else ''} of it."
    return text


def _steps(rows: Sequence[Mapping[str, Any]], found: Mapping[str, Any]) -> tuple[Step, ...]:
    """The run's steps around the one that stopped."""
    at = next(
        (
            n
            for n, row in enumerate(rows)
            if row["name"] == found["step"] and row["occurrence"] == found["occurrence"]
        ),
        None,
    )
    if at is None:
        return ()
    start = max(0, min(at - 2, len(rows) - _AROUND))
    shown: list[Step] = []
    for n, row in enumerate(rows[start : start + _AROUND], start):
        tone, icon = _TONES.get(row["state"], ("idle", "s-new"))
        name, because = words(row["name"]), payloads.plain(row["because"] or row["state"])
        shown.append(Step(name, tone, icon, n == at, because))
    return tuple(shown)


def _is_of(event: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Supplies of other exceptions are read for the rule about overrides only."""
    if event["type"] != "exception.supply":
        return True
    return event["attributes"].get("cause") == found["cause"]


def _past(visit: Visit, event: Mapping[str, Any], found: Mapping[str, Any]) -> Past:
    attributes: Mapping[str, Any] = event["attributes"]
    said: list[str] = []
    if to := attributes.get("to"):
        whom = words(to) if to == found["team"] else name_of(visit, str(to))
        said.append(f"to {whom}")
    if fields := attributes.get("fields"):
        said.append(listed(field_words(str(field)).lower() for field in fields))
    if reason := attributes.get("reason"):
        said.append(f"“{reason}”")
    who = name_of(visit, str(event["actor"]))
    return Past(deeds.done(event["type"]), who, event["at"], ", ".join(said))
