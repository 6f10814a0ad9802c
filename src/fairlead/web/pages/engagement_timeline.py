"""The timeline tab: who did what, why, and the proof; and the same as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fairlead.store.engagement_page import EngagementViews
from fairlead.web.csv_table import harmless
from fairlead.web.facts import shown
from fairlead.web.formats import words
from fairlead.web.pages.engagement_head import Head, shown_costs
from fairlead.web.pages.engagement_words import actor_words, person_words
from fairlead.web.visit import Visit

_PAGE = 50
_AT_ONCE = 1000  #: rows of the log read at a time for the CSV

#: Kinds by which the timeline is filtered, as `EngagementViews.latest` knows them.
KINDS: Mapping[str, str] = {
    "people": "People",
    "asked": "Tasks and exceptions",
    "writes": "System writes",
    "steps": "Steps",
}

#: Type of event → icon, and what was done, said of whoever did it. `{step}` and the other
#: attributes of the event stand in braces. A type that is not here is shown by its name.
WORDS: Mapping[str, tuple[str, str]] = {
    "opportunity.closed_won": ("flag", "said that the deal is won"),
    "opportunity.in_review": ("flag", "said that the deal is likely enough to be looked at"),
    "opportunity.changed": ("swap", "said that the deal has changed"),
    "sow.approved": ("flag", "said that the statement of work is approved"),
    "contract.signed": ("flag", "said that the contract is signed"),
    "project.approved": ("flag", "approved the project"),
    "milestone.accepted": ("flag", "said that a milestone is accepted"),
    "timesheet.completed": ("flag", "said that a timesheet is complete"),
    "invoice.released": ("invoice", "released an invoice"),
    "part.opened": ("plus", "opened the part {number}"),
    "run.started": ("line", "began {playbook}, version {version}"),
    "run.completed": ("check", "finished {playbook}"),
    "run.declined": ("s-bad", "ended the run: {step} was refused"),
    "run.cancelling": ("s-block", "is cancelling the run"),
    "run.cancelled": ("s-block", "cancelled {playbook}"),
    "run.migrated": ("swap", "moved the run to another version of its playbook"),
    "step.ready": ("s-new", "made {step} ready"),
    "step.waiting": ("s-wait", "waits at {step}"),
    "step.blocked": ("s-block", "stopped at {step}"),
    "step.done": ("check", "passed {step}"),
    "step.skipped": ("skip", "left out {step}"),
    "step.failed": ("s-bad", "parked {step}"),
    "step.cancelled": ("s-block", "dropped {step}"),
    "step.overdue": ("s-warn", "told {owner} that {step} is overdue"),
    "effect.confirmed": ("plug", "carried out {operation}"),
    "effect.refused": ("s-bad", "refused {operation}"),
    "effect.unknown": ("s-warn", "did not say whether {operation} was carried out"),
    "approval.opened": ("bell", "asked {role} to decide {step}"),
    "approval.approved": ("check", "approved {step}"),
    "approval.refused": ("s-bad", "refused {step}"),
    "approval.assigned": ("reassign", "gave {step} to {to}"),
    "task.opened": ("bell", "asked {role} to do {step}"),
    "task.done": ("check", "did {step}"),
    "task.assigned": ("reassign", "gave {step} to {to}"),
    "task.overdue": ("s-warn", "told {role} that a task is overdue"),
    "exception.opened": ("octagon", "opened an exception at {step} for {team}"),
    "exception.assigned": ("reassign", "gave the exception to {to}"),
    "exception.retry": ("retry", "had it tried again"),
    "exception.supply": ("pencil", "supplied {fields}"),
    "exception.choose": ("check", "chose {fields}"),
    "exception.skip": ("skip", "skipped the step"),
    "exception.override": ("unlock", "overrode the gate"),
    "exception.dismiss": ("x", "dismissed the exception"),
    "exception.resolved": ("check", "closed the exception"),
    "exception.overdue": ("s-warn", "told {team} that an exception is overdue"),
    "engagement.launched": ("arrow-r", "launched the engagement as {project_code}"),
    "engagement.declined": ("s-bad", "declined the launch"),
    "packet.accepted": ("check", "accepted the packet for {side}"),
    "packet.reopened": ("unlock", "opened the packet again: {fields}"),
    "field.carried": ("swap", "carried {field} over to {to}"),
    "capacity.checked": ("people", "checked the capacity"),
}

#: Attributes that are codes of ours, and read better as words.
_CODES = frozenset({"step", "playbook", "role", "team", "owner", "operation", "side"})
_PEOPLE = frozenset({"to"})


@dataclass(frozen=True)
class Entry:
    at: datetime
    icon: str
    actor: str
    did: str
    why: str | None  #: null: it tells costs, which this reader may not see
    position: int
    proof: str  #: the first digits of the hash
    type: str


@dataclass(frozen=True)
class Choice:
    label: str
    href: str
    count: int
    current: bool


@dataclass(frozen=True)
class TimelineTab:
    head: Head
    entries: tuple[Entry, ...]
    kinds: tuple[Choice, ...]
    actors: tuple[Choice, ...]
    actor: str
    total: int
    older: str | None
    newest: str | None
    chain_head: str
    checkpoint_at: datetime | None
    zone: str
    clear: str
    export: str


def timeline_tab(visit: Visit, views: EngagementViews, head: Head) -> TimelineTab:
    """In two queries, with `head_of`'s two."""
    path = f"{head.path}/timeline"
    kind, actor = visit.query("kind"), visit.query("actor")
    kind = kind if kind in KINDS else ""
    before = _position(visit.query("before", longest=18))
    rows = views.latest(
        head.id, kind=kind or None, actor=actor or None, before=before, limit=_PAGE + 1
    )
    marks = views.log_marks(head.id)
    total = sum(mark["events"] for mark in marks)
    chosen = {"kind": kind, "actor": actor}
    entries = tuple(entry(visit, row) for row in rows[:_PAGE])
    older = len(rows) > _PAGE
    return TimelineTab(
        head=head,
        entries=entries,
        kinds=(
            Choice("All", _href(path, {**chosen, "kind": ""}), _sum(marks, actor=actor), not kind),
            *(
                Choice(
                    label,
                    _href(path, {**chosen, "kind": name}),
                    _sum(marks, kind=name, actor=actor),
                    kind == name,
                )
                for name, label in KINDS.items()
            ),
        ),
        actors=tuple(
            Choice(
                actor_words(visit.parts.people, name),
                _href(path, {**chosen, "actor": "" if name == actor else name}),
                _sum(marks, kind=kind, actor=name),
                name == actor,
            )
            for name in dict.fromkeys(mark["actor"] for mark in marks)
            if name == actor or _sum(marks, kind=kind, actor=name)
        ),
        actor=actor_words(visit.parts.people, actor) if actor else "",
        total=total,
        older=_href(path, {**chosen, "before": str(entries[-1].position)}) if older else None,
        newest=_href(path, chosen) if before is not None else None,
        chain_head=marks[0]["head"] or "" if marks else "",
        checkpoint_at=marks[0]["checkpoint_at"] if marks else None,
        zone=str(visit.clock.zone),
        clear=path,
        export=f"{path}.csv",
    )


def entry(visit: Visit, row: Mapping[str, Any]) -> Entry:
    """One row of the log in words."""
    attributes: Mapping[str, Any] = row["attributes"]
    icon, did = WORDS.get(row["type"], ("info", row["type"]))
    why = attributes.get("reason") or attributes.get("because") or _about(row)
    return Entry(
        at=row["at"],
        icon=icon,
        actor=actor_words(visit.parts.people, row["actor"]),
        did=_filled(visit, did, attributes),
        why=shown_costs(visit, str(why)),
        position=row["position"],
        proof=bytes(row["hash"]).hex()[:12],
        type=row["type"],
    )


def csv_of(visit: Visit, views: EngagementViews, head: Head) -> str:
    """The whole log, oldest first, times in UTC (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        ["position", "at", "actor", "type", "what", "why", "objects", "correlation", "hash"]
    )
    for row in _everything(views, head.id):
        told = entry(visit, row)
        cells = (
            str(row["position"]),
            row["at"].astimezone(UTC).isoformat(timespec="milliseconds"),
            row["actor"],
            row["type"],
            f"{told.actor} {told.did}",
            told.why if told.why is not None else "hidden: needs costs.read",
            "; ".join(f"{id} ({qualifier})" for id, _, qualifier in row["objects"]),
            row["correlation"] or "",
            bytes(row["hash"]).hex(),
        )
        writer.writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def _everything(views: EngagementViews, id: str) -> Iterable[dict[str, Any]]:
    after = 0
    while rows := views.log(id, after=after, limit=_AT_ONCE):
        yield from rows
        after = rows[-1]["position"]


def _about(row: Mapping[str, Any]) -> str:
    """Where no reason was given: the record that the event made, if it made one."""
    made = [str(id) for id, _, qualifier in row["objects"] if qualifier == "made"]
    return ", ".join(made)


def _filled(visit: Visit, did: str, attributes: Mapping[str, Any]) -> str:
    """With the attributes in the place of their names; one that is missing is `something`."""
    text, rest = "", did
    while "{" in rest:
        before, _, rest = rest.partition("{")
        name, _, rest = rest.partition("}")
        text += before + _shown(visit, name, attributes.get(name))
    return text + rest


def _shown(visit: Visit, name: str, value: Any) -> str:
    if value is None or value == "":
        return "something"
    if name in _PEOPLE:
        return person_words(visit.parts.people, str(value))
    if name in _CODES and isinstance(value, str):
        plain = value.rpartition(".")[2] if name == "operation" else value
        return f"“{words(plain)}”"
    return shown(value)


def _position(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _sum(marks: Iterable[Mapping[str, Any]], *, kind: str = "", actor: str = "") -> int:
    return sum(
        mark["events"]
        for mark in marks
        if (not kind or mark["kind"] == kind) and (not actor or mark["actor"] == actor)
    )


def _href(path: str, query: Mapping[str, str]) -> str:
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{path}?{given}" if given else path
