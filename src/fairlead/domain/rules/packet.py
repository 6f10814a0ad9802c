"""The launch-ready packet: one document with everything that delivery needs (F017, F018).

It is made of what is stored at one moment, and says of every value whose it is, who gave it, and
whether systems differ. Pages and print only lay it out: every text in it is ready to be shown.

The score counts
- each field that `mandatory-data` requires of this engagement: right when it is there and no system
  differs about it;
- each other field about which systems differ: it is not right until they agree;
- each record that the set-up makes and this engagement needs: right when it exists.
What nobody requires and nobody differs about is shown and not counted. So a score is complete
exactly when nothing is missing and nothing is in conflict.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from fairlead.domain.model.engagement import EngagementState, Side
from fairlead.domain.rules.ownership import OnDifference
from fairlead.domain.values import Money, Utc, Value

#: Shown in the place of what this reader may not see.
WITHHELD = "withheld"
#: Shown where nothing is said.
NONE_YET = "none yet"


class FieldState(StrEnum):
    THERE = "there"
    BLANK = "blank"  #: nothing is said, and nothing has to be
    MISSING = "missing"  #: it is required
    CONFLICT = "conflict"  #: systems differ
    WITHHELD = "withheld"  #: this reader may not see it


class Score(Value):
    """`37 of 40`. `percent` is rounded down: 100 only when nothing is missing."""

    have: int
    of: int
    percent: int
    words: str

    @property
    def complete(self) -> bool:
        return self.have == self.of


class Said(Value):
    """What one system says of a field."""

    holder: str  #: as in ownership.yaml: `crm`, `ledger`, `projects`, `fairlead`
    system: str  #: its id, such as `netsuite-emea`
    owns: bool  #: its word counts at this stage
    value: Any  #: JSON
    shown: str
    at: Utc  #: when it was asked; of the CRM, when it last changed the deal
    age: str  #: `14 h`
    stale: bool  #: nobody asked it for longer than is agreed; it may say something else by now


class Way(Value):
    """One way to settle a difference."""

    name: Literal["carry", "correct"]
    words: str


class Conflict(Value):
    """A system that says something else than the owner."""

    holder: str
    system: str
    words: str
    rule: OnDifference
    amount: Money | None = None  #: by which they differ
    ways: tuple[Way, Way]


class PacketField(Value):
    name: str  #: path in the deal, such as `client.tax_id`, or what was planned: `plan.tax`
    label: str
    kind: str  #: text, code, money, date, days, period, percent, hours, list, count
    value: Any  #: JSON; null where nothing is said
    shown: str  #: never empty: the value, or why there is none
    state: FieldState
    required: bool
    counts: bool  #: it is one of the points of the score
    owner: str  #: the holder whose word counts at this stage
    owner_system: str
    said: tuple[Said, ...] = ()  #: by system, the owner's first; empty where no other holds it
    conflicts: tuple[Conflict, ...] = ()
    supplied_by: str | None = None  #: a person's name, or the id of a system
    supplied_at: Utc | None = None
    remedy: str | None = None  #: of a missing one: what to do
    remedy_owner: str | None = None  #: of a missing one: the team that can


class SetUpObject(Value):
    """A record in another system that the set-up makes."""

    name: str  #: as in `Engagement.refs`, such as `ledger_project`
    label: str
    system: str | None = None  #: that holds it, or is to
    id: str | None = None  #: there; null: it does not exist yet
    link: str | None = None  #: where a person opens it
    needed: bool = True  #: one of the points of the score
    shown: str  #: never empty


class Column(Value):
    label: str
    figures: bool = False  #: aligned to the right
    costs: bool = False  #: only for those who may see costs


class Cell(Value):
    text: str
    link: str | None = None


class Table(Value):
    name: str
    label: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]  #: each as long as `columns`
    empty: str  #: shown where there are no rows


class Section(Value):
    name: str
    label: str
    score: Score
    fields: tuple[PacketField, ...] = ()
    objects: tuple[SetUpObject, ...] = ()
    tables: tuple[Table, ...] = ()
    note: str = ""  #: why there is nothing in it; empty where there is something


class OpenGap(Value):
    field: str
    problem: str
    owner: str  #: the team that can supply it
    remedy: str


class OpenItem(Value):
    """Something that somebody must do, or that is waited for."""

    kind: Literal["approval", "task", "exception", "wait"]
    id: str
    engagement: str  #: number: of the engagement itself, or of one of its parts
    title: str
    why: str
    owner: str  #: team or role
    assignee: str | None = None  #: a person's name; null: whoever has the role
    since: Utc
    age: str
    due_at: Utc | None = None
    late: bool = False
    money: Money | None = None  #: what hangs on it
    money_shown: str  #: never empty
    gaps: tuple[OpenGap, ...] = ()
    link: str  #: its page


class Difference(Value):
    """What was accepted, and what the packet says now."""

    name: str
    label: str
    before: str
    now: str


class Given(Value):
    """What one side has said of the packet."""

    side: Side
    state: Literal["open", "accepted", "reopened"]
    words: str
    by: str | None = None  #: a person's name
    at: Utc | None = None
    digest: str | None = None  #: of what was accepted
    changes: tuple[Difference, ...] = ()  #: since it was accepted
    changes_known: bool = True  #: false: what was accepted was not kept


class Acceptance(Value):
    accepted: bool  #: both sides hold what it now says
    words: str
    sides: tuple[Given, ...]


class PersonOf(Value):
    part: str  #: what they are in this engagement
    name: str


class Head(Value):
    id: str
    number: str
    name: str
    client: str
    state: EngagementState
    state_shown: str
    value: Money | None
    value_shown: str
    dates: str
    region: str
    entity: str
    project_code: str
    people: tuple[PersonOf, ...]


class Packet(Value):
    head: Head
    digest: str  #: of what is accepted
    version: int  #: of the engagement
    made_at: Utc
    score: Score
    sections: tuple[Section, ...]
    open_items: tuple[OpenItem, ...]  #: the late first, then by due time; without one last
    acceptance: Acceptance


def score(points: Iterable[bool]) -> Score:
    """Of points that are right or not. Nothing to be had is all had."""
    told = list(points)
    have, of = sum(told), len(told)
    percent = 100 * have // of if of else 100
    words = f"{have} of {of}" if of else "nothing needed"
    return Score(have=have, of=of, percent=percent, words=words)


def points(fields: Collection[PacketField], objects: Collection[SetUpObject]) -> tuple[bool, ...]:
    """What counts, and whether it is right."""
    return (
        *(field.state is FieldState.THERE for field in fields if field.counts),
        *(one.id is not None for one in objects if one.needed),
    )


def in_order(items: Iterable[OpenItem]) -> tuple[OpenItem, ...]:
    """The most urgent first: by due time, those without one last, each kind once."""

    def urgency(item: OpenItem) -> tuple[bool, datetime, str, str]:
        return (item.due_at is None, item.due_at or item.since, item.kind, item.id)

    return tuple(sorted({(item.kind, item.id): item for item in items}.values(), key=urgency))


#: Of the deal and of what was agreed: what others cost.
_COSTS = frozenset({"subcontracting"})
#: A cost centre is a place in the books, and no figure.
_COST_WORDS = re.compile(r"\bmargins?\b|\bcosts?\b(?!\s+cent)", re.IGNORECASE)


def without_costs(packet: Packet) -> Packet:
    """For a reader who may not see cost rates and margins: withheld in place, counted as before."""
    return packet.model_copy(
        update={
            "sections": tuple(_section_without_costs(section) for section in packet.sections),
            "open_items": tuple(_item_without_costs(item) for item in packet.open_items),
            "acceptance": packet.acceptance.model_copy(
                update={"sides": tuple(_given_without_costs(g) for g in packet.acceptance.sides)}
            ),
        }
    )


def without_exceptions(packet: Packet) -> Packet:
    """For a reader who may not read exceptions: that there are some is said, not what they say."""
    return packet.model_copy(
        update={
            "open_items": tuple(
                item.model_copy(update={"title": WITHHELD, "why": WITHHELD, "gaps": ()})
                if item.kind == "exception"
                else item
                for item in packet.open_items
            )
        }
    )


def _section_without_costs(section: Section) -> Section:
    return section.model_copy(
        update={
            "fields": tuple(
                field.model_copy(
                    update={
                        "value": None,
                        "shown": WITHHELD,
                        "state": FieldState.WITHHELD,
                        "said": (),
                        "conflicts": (),
                    }
                )
                if field.name in _COSTS
                else field
                for field in section.fields
            ),
            "tables": tuple(_table_without_costs(table) for table in section.tables),
        }
    )


def _table_without_costs(table: Table) -> Table:
    return table.model_copy(
        update={
            "rows": tuple(
                tuple(
                    Cell(text=WITHHELD) if column.costs else cell
                    for column, cell in zip(table.columns, row, strict=True)
                )
                for row in table.rows
            )
        }
    )


def _item_without_costs(item: OpenItem) -> OpenItem:
    gaps = tuple(
        gap.model_copy(update={"problem": WITHHELD, "remedy": WITHHELD})
        if gap.field in _COSTS
        else gap
        for gap in item.gaps
    )
    why = WITHHELD if gaps != item.gaps or _tells_costs(item.why) else item.why
    return item.model_copy(update={"gaps": gaps, "why": why})


def _given_without_costs(given: Given) -> Given:
    return given.model_copy(
        update={
            "changes": tuple(
                change.model_copy(update={"before": WITHHELD, "now": WITHHELD})
                if change.name in _COSTS
                else change
                for change in given.changes
            )
        }
    )


def _tells_costs(text: str) -> bool:
    return _COST_WORDS.search(text) is not None
