"""Entering one's own time, and handing in a week of it (F067).

Whoever enters may change and delete while it is a draft or was returned. What is submitted waits
for approval; what was approved is never edited. After each change the person's week is judged
anew, because a day, a week and what is alike are judged together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from pydantic import Field, StrictInt, model_validator

from fairlead.capabilities.time.bookable import bookable
from fairlead.capabilities.time.judging import Judging
from fairlead.capabilities.time.kinds import Kind, Kinds
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.time_entry import EntryState, TimeEntry
from fairlead.domain.values import Value
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.store import deliveries, findings, journal, time_columns, time_entries
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.time_columns import Judged
from fairlead.store.time_entries import Sees, Wanted
from fairlead.trust.acting import Acting

#: States in which its owner may change it.
OWN = frozenset({EntryState.DRAFT, EntryState.RETURNED})
#: States in which the rules may still find something: what is approved stays as it was judged.
OPEN = OWN | {EntryState.SUBMITTED}
_DAY = timedelta(days=1)
_MOST_IN_A_WEEK = 2000


class TimeInput(Value):
    """What somebody says of some work. What is left out follows from assignment and task."""

    engagement: Annotated[str, Field(min_length=1, max_length=200)]  #: id, number or project code
    task: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    day: Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]  #: where they worked
    minutes: Annotated[StrictInt, Field(ge=1, le=1440)]
    role: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Labour category; null: that of the assignment."""
    category: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")] | None = None
    """Kind of time; null: the usual one."""
    billable: bool | None = None  #: null: as kind and task are
    narrative: Annotated[str, Field(max_length=4000)] = ""
    begins: Annotated[StrictInt, Field(ge=0, lt=1440)] | None = None  #: minutes from midnight
    ends: Annotated[StrictInt, Field(ge=1, le=2880)] | None = None  #: of the same midnight

    @model_validator(mode="after")
    def _hours_hold_the_minutes(self) -> TimeInput:
        if (self.begins is None) != (self.ends is None):
            raise ValueError("begins and ends are given together")
        span = None if self.begins is None or self.ends is None else self.ends - self.begins
        if span is not None and span < self.minutes:
            raise ValueError("between begins and ends there is less time than minutes")
        if "\0" in self.narrative:
            raise ValueError("the narrative has a NUL in it")
        return self


@dataclass(frozen=True)
class Entered:
    row: Mapping[str, Any]  #: as it is stored
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Week:
    """One person's week: each entry with what was found of it."""

    resource: ResourceRecord
    monday: date
    rows: Sequence[Mapping[str, Any]]
    findings: Mapping[UUID, Sequence[Finding]]


class Times:
    """The commands. Each works in the caller's transaction, as one signed-in person."""

    def __init__(self, judging: Judging, kinds: Kinds) -> None:
        self._judging, self._kinds = judging, kinds

    def enter(self, tx: Tx, acting: Acting, said: TimeInput, *, source: str = "api") -> Entered:
        """A draft, with what the rules say of it already. `source`: where it was entered.

        Raises `InvalidInput` (no such engagement, no labour category), `NotAllowed`.
        """
        who = resource_of(tx, acting)
        source_id = str(uuid4())
        id = time_entries.entry_id(source, source_id)
        entry = self._said(tx, acting, who, said, id=id, source=source, source_id=source_id)
        time_entries.add(tx, [entry], by=f"person:{acting.id}", at=database_time(tx))
        return self._judged(tx, acting, who, entry, [said.day], "entered")

    def change(self, tx: Tx, acting: Acting, id: UUID, said: TimeInput, version: int) -> Entered:
        """All that may be said of it, anew.

        Raises as `enter` does, and `NotFound`, `StaleVersion`, `IllegalMove`.
        """
        who, was = self._own(tx, acting, id, version, "changed")
        if was.reverses is not None:
            raise IllegalMove(
                "The entry", "a correction", "changed; delete it, or hand it in again"
            )
        entry = self._said(
            tx, acting, who, said, id=id, source=was.source, source_id=was.source_id
        ).model_copy(update={"version": version})
        time_entries.change(tx, [entry], states=OWN)
        return self._judged(tx, acting, who, entry, [was.day, said.day], "changed")

    def delete(self, tx: Tx, acting: Acting, id: UUID, version: int) -> TimeEntry:
        """Raises `NotFound`, `StaleVersion`, `IllegalMove`, `NotAllowed`."""
        who, was = self._own(tx, acting, id, version, "deleted")
        time_entries.delete(tx, id, version, states=OWN)
        self._judge_around(tx, who, [was.day])
        _note(tx, acting, "deleted", [was])
        return was

    def submit(self, tx: Tx, acting: Acting, day: date) -> Week:
        """Hand in one's week in which `day` is: all that is a draft or was returned.

        While one entry has an error nothing is handed in. Raises `InvalidInput` with a problem
        for each error, `NotAllowed`. A week that is handed in already stays as it is.
        """
        who = resource_of(tx, acting)
        monday = day - day.weekday() * _DAY
        time_columns.hold(tx, [who.id])
        drafts = self._in_week(tx, who, monday, OWN)
        if drafts:
            self._judge_around(tx, who, [monday])
            _refuse_errors(findings.of(tx, "time", [entry.id for entry in drafts]))
            self._move(tx, acting, drafts, EntryState.SUBMITTED, OWN, "submitted")
        return self.week(tx, who, monday)

    def take_back(self, tx: Tx, acting: Acting, day: date) -> Week:
        """Make drafts again of what was handed in of one's week and nobody has decided yet. What
        takes an approved entry back stays where it is: somebody else may have said so.

        Raises `NotAllowed`.
        """
        who = resource_of(tx, acting)
        monday = day - day.weekday() * _DAY
        time_columns.hold(tx, [who.id])
        handed_in = self._in_week(tx, who, monday, [EntryState.SUBMITTED])
        waiting = [entry for entry in handed_in if entry.reverses is None]
        if waiting:
            self._move(tx, acting, waiting, EntryState.DRAFT, [EntryState.SUBMITTED], "taken_back")
        return self.week(tx, who, monday)

    def today(self, tx: Tx, who: ResourceRecord) -> date:
        """Which day it is where they work."""
        return self._judging.today(tx, who)

    def week(self, tx: Tx, who: ResourceRecord, monday: date) -> Week:
        wanted = Wanted(first=monday, last=monday + 6 * _DAY)
        rows = time_entries.listed(tx, Sees(own=who.id), wanted, limit=_MOST_IN_A_WEEK)
        found = findings.of(tx, "time", [row["id"] for row in rows])
        return Week(who, monday, rows, found)

    def _said(
        self,
        tx: Tx,
        acting: Acting,
        who: ResourceRecord,
        said: TimeInput,
        *,
        id: UUID,
        source: str,
        source_id: str,
    ) -> TimeEntry:
        found = bookable(tx, acting, who, said.engagement)
        if found is None:
            rule = "is a launched engagement that you work on"
            raise InvalidInput("The entry cannot be taken.", [Problem("/engagement", rule)])
        delivery, held = found
        fitting = [one for one in held if said.day in one.period and one.task in (None, said.task)]
        role = said.role or next((one.role for one in fitting), None) or _only(who.roles)
        if role is None:
            rule = "names the labour category: no assignment says it"
            raise InvalidInput("The entry cannot be taken.", [Problem("/role", rule)])
        kind = self._kind(said)
        billable = said.billable
        if billable is None:
            billable = kind.billable and _task_billable(delivery, said.task)
        return TimeEntry(
            id=id,
            engagement=EngagementId(delivery.engagement),
            task=said.task,
            resource=who.id,
            day=said.day,
            minutes=said.minutes,
            role=role,
            category=kind.code,
            billable=billable,
            narrative=said.narrative,
            begins=said.begins,
            ends=said.ends,
            source=source,
            source_id=source_id,
        )

    def _kind(self, said: TimeInput) -> Kind:
        kind = self._kinds.get(said.category) if said.category else self._kinds.usual
        if kind is None:
            known = ", ".join(kind.code for kind in self._kinds.kinds)
            raise InvalidInput(
                "The entry cannot be taken.", [Problem("/category", f"is one of {known}")]
            )
        return kind

    def _own(
        self, tx: Tx, acting: Acting, id: UUID, version: int, wanted: str
    ) -> tuple[ResourceRecord, TimeEntry]:
        """Another's entry is as one that there is not. It is locked from here on."""
        who = resource_of(tx, acting)
        time_columns.hold(tx, [who.id])
        entry = time_entries.load(tx, [id], lock=True).get(id)
        if entry is None or entry.resource != who.id:
            raise NotFound("There is no such entry.")
        if entry.state not in OWN:
            raise IllegalMove("The entry", entry.state, wanted)
        if entry.version != version:
            raise StaleVersion("The entry has changed since it was read.")
        return who, entry

    def _judged(
        self,
        tx: Tx,
        acting: Acting,
        who: ResourceRecord,
        entry: TimeEntry,
        days: Sequence[date],
        what: str,
    ) -> Entered:
        self._judge_around(tx, who, days)
        _note(tx, acting, what, [entry])
        (row,) = time_entries.rows_of(tx, [entry.id])
        return Entered(row, findings.of(tx, "time", [entry.id]).get(entry.id, []))

    def _judge_around(self, tx: Tx, who: ResourceRecord, days: Sequence[date]) -> None:
        """Whole weeks, and the day after: what was booked before it counts there."""
        for monday in sorted({day - day.weekday() * _DAY for day in days}):
            span = Judged(first=monday, last=monday + 7 * _DAY, states=sorted(OPEN))
            self._judging.judge(tx, [who.id], span)

    def _in_week(
        self, tx: Tx, who: ResourceRecord, monday: date, states: Collection[EntryState]
    ) -> list[TimeEntry]:
        rows = self.week(tx, who, monday).rows
        return [time_entries.entry(row) for row in rows if row["state"] in states]

    def _move(
        self,
        tx: Tx,
        acting: Acting,
        entries: Sequence[TimeEntry],
        to: EntryState,
        froms: Collection[EntryState],
        what: str,
    ) -> None:
        ids = [entry.id for entry in entries]
        now = database_time(tx)
        time_entries.move(tx, ids, to, froms=froms, by=f"person:{acting.id}", at=now)
        _note(tx, acting, what, entries)


def _task_billable(delivery: Delivery, task: str | None) -> bool:
    return all(package.billable for package in delivery.packages if package.code == task)


def _only(roles: Sequence[str]) -> str | None:
    return roles[0] if len(roles) == 1 else None


def _refuse_errors(found: Mapping[UUID, Sequence[Finding]]) -> None:
    problems = [
        Problem(f"/entries/{id}", f"{one.rule}: {one.value} {one.remedy}")
        for id, some in found.items()
        for one in some
        if one.severity is Severity.ERROR
    ]
    if problems:
        raise InvalidInput("The week cannot be handed in: entries have errors.", problems)


def _note(tx: Tx, acting: Acting, what: str, entries: Iterable[TimeEntry]) -> None:
    """One event for each engagement; a single entry is named."""
    note(tx, f"person:{acting.id}", what, entries)


def note(
    tx: Tx, actor: str, what: str, entries: Iterable[TimeEntry], *, correlation: str | None = None
) -> None:
    """Say in the log what became of entries: one event for each engagement, `time.entered` and
    its like. Few entries are named; of many it says how many and how long."""
    by_engagement: dict[str, list[TimeEntry]] = defaultdict(list)
    for entry in entries:
        by_engagement[entry.engagement].append(entry)
    known = deliveries.load(tx, sorted(by_engagement))
    now = database_time(tx)
    journal.append(
        tx,
        [
            Event(
                chain=engagement,
                type=f"time.{what}",
                at=now,
                actor=actor,
                attributes={
                    "entries": len(some),
                    "minutes": sum(entry.minutes for entry in some),
                    "first_day": min(entry.day for entry in some).isoformat(),
                    "last_day": max(entry.day for entry in some).isoformat(),
                },
                objects=[
                    (engagement, "engagement", what),
                    *((str(entry.id), "time_entry", what) for entry in some[:_MOST_NAMED]),
                ],
                correlation=correlation,
                region=known[engagement].region if engagement in known else None,
            )
            for engagement, some in sorted(by_engagement.items())
        ],
    )


_MOST_NAMED = 50
