"""The decisions tab: what rules answered and people approved, and why.

A table that collects gives a row for each thing that it asks for: those of one asking stand
together. Each keeps its own address, `/engagements/{number}/decisions#{id}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from typing import Any

import simplejson

from fairlead.domain.values import Money
from fairlead.errors import NotFound
from fairlead.policy.tables import Policies, Policy
from fairlead.store.engagement_page import EngagementViews
from fairlead.trust.roles import Permission
from fairlead.web.facts import money_of, shown
from fairlead.web.formats import Tone, count, words
from fairlead.web.pages.engagement_head import Head, shown_costs
from fairlead.web.pages.engagement_words import person_words, tells_costs
from fairlead.web.visit import Visit, role_words

_MOST = 200
_BEFORE, _AFTER = 3, 2  #: rows of a long table that are shown around those that fired
_PLAIN = 12  #: rows of a table that is shown whole

_CODE = re.compile(r"[a-z]+(_[a-z]+)+")
_QUOTED = re.compile(r"""(['"])((?:(?!\1).)*)\1""")
_TEXTS = re.compile(r"""(['"])(?:(?!\1).)*\1(?:\s*,\s*(['"])(?:(?!\2).)*\2)*""")

_ANSWERS: Mapping[str, tuple[Tone, str]] = {
    "open": ("warn", "Open"),
    "approved": ("ok", "Approved"),
    "refused": ("bad", "Refused"),
    "done": ("ok", "Done"),
    "cancelled": ("idle", "Not needed any more"),
}


@dataclass(frozen=True)
class Pair:
    name: str
    value: str | None  #: null: this reader may not see it


@dataclass(frozen=True)
class TableRow:
    id: str
    number: int  #: its place in the table, from 1
    cells: tuple[str, ...]
    outputs: tuple[str, ...]
    fired: bool
    skipped: int  #: rows left out just before it


@dataclass(frozen=True)
class Table:
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rows: tuple[TableRow, ...]
    left_out: int  #: rows after the last
    hit: str


@dataclass(frozen=True)
class Fired:
    """One row that fired."""

    id: str
    row: str
    place: str  #: `row 4`; empty where the version is not at hand
    answer: tuple[Pair, ...]


@dataclass(frozen=True)
class Ruling:
    """One asking of one table."""

    at: datetime
    title: str
    policy: str
    version: int
    step: str
    facts: tuple[Pair, ...]
    fired: tuple[Fired, ...]
    because: str
    table: Table | None  #: null: that version is not at hand any more
    open: bool
    href: str

    @property
    def id(self) -> str:
        return self.fired[0].id

    @property
    def rows(self) -> str:
        first, *others = self.fired
        return count(len(self.fired), "row") if others else first.place or f"row {first.row}"


@dataclass(frozen=True)
class Answered:
    """What a person was asked, and what they said."""

    id: str
    title: str
    tone: Tone
    state: str
    by: str
    asked: str
    reason: str | None
    because: str | None
    amount: Money | None
    opened_at: datetime
    answered_at: datetime | None
    shown: tuple[Pair, ...]
    digest: str
    decision: str | None  #: address of the decision that named whom to ask
    href: str


@dataclass(frozen=True)
class DecisionsTab:
    head: Head
    rulings: tuple[Ruling, ...]
    answered: tuple[Answered, ...]
    sees_tasks: bool
    more: bool


def decisions_tab(visit: Visit, views: EngagementViews, head: Head) -> DecisionsTab:
    """In two queries, with `head_of`'s two."""
    rows = views.decisions(policy=None, subject=head.id, after=None, limit=_MOST + 1)
    path = f"{head.path}/decisions"
    sees_tasks = visit.who.may(Permission.TASKS_READ)
    answers = views.answers_of(head.id) if sees_tasks else []
    return DecisionsTab(
        head=head,
        rulings=tuple(_rulings(visit, rows[:_MOST], path, visit.query("open"))),
        answered=tuple(_answered(visit, row, path) for row in answers),
        sees_tasks=sees_tasks,
        more=len(rows) > _MOST,
    )


def _rulings(
    visit: Visit, rows: Sequence[Mapping[str, Any]], path: str, opened: str
) -> Iterable[Ruling]:
    known = visit.parts.policies

    def asking(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (row["at"], row["policy"], row["version"], row["run_id"] or "", row["step"] or "")

    for _, together in groupby(sorted(rows, key=asking, reverse=True), key=asking):
        of = list(together)
        first = of[0]
        policy = _version(known, first["policy"], first["version"])
        places = {} if policy is None else {r.id: n for n, r in enumerate(policy.rows, start=1)}
        of.sort(key=lambda row: places.get(row["row"], 0))
        facts, withheld = _facts(visit, first["facts"])
        because = [str(row["answer"].get("because") or "") for row in of]
        table = _table(policy, {row["row"] for row in of}, withheld) if policy else None
        yield Ruling(
            at=first["at"],
            title=words(first["policy"]),
            policy=first["policy"],
            version=first["version"],
            step=words(first["step"]) if first["step"] else "Before any run",
            facts=facts,
            fired=tuple(
                Fired(
                    id=row["id"],
                    row=row["row"],
                    place=f"row {places[row['row']]}" if row["row"] in places else "",
                    answer=_answer(row["answer"], withheld),
                )
                for row in of
            ),
            because="" if withheld else next((one for one in because if one), ""),
            table=table,
            open=opened in {row["id"] for row in of},
            href=f"{path}?open={of[0]['id']}#{of[0]['id']}",
        )


def _version(known: Policies, name: str, version: int) -> Policy | None:
    try:
        return known.version(name, version)
    except NotFound:
        return None


def _facts(visit: Visit, facts: Mapping[str, Any]) -> tuple[tuple[Pair, ...], bool]:
    """Costs and margins are withheld from those who may not see them; and with them the words of
    the answer, which may tell them."""
    all_of = visit.who.may(Permission.COSTS_READ)
    pairs = tuple(
        Pair(words(name), shown(value) if all_of or not tells_costs(name) else None)
        for name, value in facts.items()
    )
    return pairs, any(pair.value is None for pair in pairs)


def _answer(answer: Mapping[str, Any], withheld: bool) -> tuple[Pair, ...]:
    return tuple(
        Pair(words(name), None if withheld and name == "because" else _said(name, value))
        for name, value in answer.items()
    )


def _said(name: str, value: Any) -> str:
    """Roles and codes of ours as words: `pmo_lead` → `PMO lead`."""
    if isinstance(value, str) and name == "role" and value != "none":
        return role_words(value)
    if isinstance(value, str) and _CODE.fullmatch(value):
        return value.replace("_", " ")
    return shown(value)


def _table(policy: Policy, fired: set[str], withheld: bool) -> Table:
    """The table as it was, the rows that fired marked; of a long one, what is around them."""
    hits = [n for n, row in enumerate(policy.rows) if row.id in fired]
    near = {
        place
        for hit in hits
        for place in range(hit - _BEFORE, hit + _AFTER + 1)
        if 0 <= place < len(policy.rows)
    }
    if len(policy.rows) <= _PLAIN:
        near = set(range(len(policy.rows)))
    rows: list[TableRow] = []
    last = -1
    for place in sorted(near):
        row = policy.rows[place]
        rows.append(
            TableRow(
                id=row.id,
                number=place + 1,
                cells=tuple(_cell(row.conditions.get(name, "")) for name in policy.inputs),
                outputs=tuple(
                    "" if withheld and name == "because" else _cell(row.outputs.get(name, ""))
                    for name in policy.outputs
                ),
                fired=row.id in fired,
                skipped=place - last - 1,
            )
        )
        last = place
    return Table(
        inputs=tuple(words(name) for name in policy.inputs),
        outputs=tuple(words(name) for name in policy.outputs),
        rows=tuple(rows),
        left_out=len(policy.rows) - last - 1,
        hit="The first row that fits answers."
        if policy.hit == "first"
        else "Every row that fits answers.",
    )


def _cell(text: str) -> str:
    """A cell of texts only without the quotes of its language; empty: anything fits."""
    plain = text.strip()
    return _QUOTED.sub(r"\2", plain) if _TEXTS.fullmatch(plain) else plain


def _answered(visit: Visit, row: Mapping[str, Any], path: str) -> Answered:
    tone, state = _ANSWERS[row["state"]]
    people = visit.parts.people
    asked = person_words(people, row["assignee"]) if row["assignee"] else role_words(row["role"])
    all_of = visit.who.may(Permission.COSTS_READ)
    about: Mapping[str, Any] = row["shown"]
    return Answered(
        id=row["id"],
        title=row["title"],
        tone=tone,
        state=state,
        by=person_words(people, row["answered_by"]) if row["answered_by"] else "",
        asked=asked,
        reason=shown_costs(visit, row["reason"] or ""),
        because=shown_costs(visit, row["because"] or ""),
        amount=money_of(row),
        opened_at=row["opened_at"],
        answered_at=row["answered_at"],
        shown=tuple(
            Pair(words(name), shown(value) if all_of or not tells_costs(name) else None)
            for name, value in about.items()
        ),
        digest=digest_of(about),
        decision=f"{path}?open={row['decision_id']}#{row['decision_id']}"
        if row["decision_id"]
        else None,
        href=f"/inbox/task-{row['id']}",
    )


def digest_of(shown: Mapping[str, Any]) -> str:
    """SHA-256 in hex of what was put before a person, as canonical JSON."""
    text = simplejson.dumps(
        shown, sort_keys=True, separators=(",", ":"), ensure_ascii=False, use_decimal=True
    )
    return sha256(text.encode()).hexdigest()
