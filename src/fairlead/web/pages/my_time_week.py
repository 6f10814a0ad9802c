"""One's week as a grid: lines of work, seven days, what the rules say of each cell, and how far the
week has come. It reads; what a cell means is said by `capabilities.time`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

from pydantic import ValidationError

from fairlead.capabilities.time import remit
from fairlead.capabilities.time.cells import Row
from fairlead.capabilities.time.entering import OWN
from fairlead.capabilities.time.whose import calendar_of, local_day
from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.rules.approval import Line
from fairlead.store import time_weeks
from fairlead.web import formats
from fairlead.web.addresses import Address
from fairlead.web.formats import DAYS, MONTHS, Tone
from fairlead.web.hours import monday_of, shown
from fairlead.web.visit import Visit

PATH = "/my-time"
_DAY = timedelta(days=1)
_MOST_ROWS = 60
_MOST_OFFERED = 12  # lines that stand there before anything is entered
STATES: Mapping[EntryState, tuple[Tone, str, str]] = {
    EntryState.DRAFT: ("idle", "draft", "s-new"),
    EntryState.RETURNED: ("warn", "returned", "s-warn"),
    EntryState.SUBMITTED: ("run", "handed in", "s-wait"),
    EntryState.APPROVED: ("ok", "approved", "s-ok"),
}


@dataclass(frozen=True)
class Said:
    """What a rule says of an entry."""

    rule: str
    is_error: bool
    value: str
    remedy: str


@dataclass(frozen=True)
class Day:
    index: int
    day: date
    name: str  #: `Mon`
    label: str  #: `6 Jul`
    off: str  #: why nobody works: `weekend`, a holiday, leave; empty: it is a working day
    is_today: bool
    minutes: int


@dataclass(frozen=True)
class GridCell:
    id: str  #: of elements that belong to it
    token: str  #: row and day, for forms and addresses
    label: str  #: for who does not see the grid
    day: Day
    row: Mapping[str, Any] | None  #: the entry that is in it
    said: tuple[Said, ...]

    @property
    def hours(self) -> str:
        return shown(self.row["minutes"]) if self.row else ""

    @property
    def note(self) -> str:
        return self.row["narrative"] if self.row else ""

    @property
    def may_change(self) -> bool:
        return self.row is None or (self.row["state"] in OWN and self.row["reverses"] is None)

    @property
    def state(self) -> tuple[Tone, str, str]:
        return STATES[EntryState(self.row["state"])] if self.row else ("", "nothing", "s-new")

    @property
    def wrong(self) -> bool:
        return any(one.is_error for one in self.said)

    @property
    def begins(self) -> str:
        return _clock(self.row["begins"]) if self.row else ""

    @property
    def ends(self) -> str:
        return _clock(self.row["ends"]) if self.row else ""


@dataclass(frozen=True)
class GridRow:
    id: str
    key: Row
    client: str
    number: str
    engagement: str
    task: str
    kind: str
    cells: tuple[GridCell, ...]
    reverses: bool = False  #: it takes back what was approved

    @property
    def minutes(self) -> int:
        return sum(cell.row["minutes"] for cell in self.cells if cell.row)


@dataclass(frozen=True)
class Choice:
    """A line that may be added."""

    token: str
    label: str


@dataclass(frozen=True)
class Standing:
    """How far the week has come, and what may be done with it."""

    tone: Tone
    text: str
    icon: str
    open: int  #: entries that may be handed in
    wrong: int  #: of these, the ones with an error
    waiting: int  #: handed in, and nobody has decided yet
    approvers: str


class Week:
    """Each part is read when it is printed. Raises `NotAllowed` where nobody books."""

    def __init__(self, visit: Visit, who: ResourceRecord, monday: date | None = None) -> None:
        self._visit, self.who = visit, who
        self.today = local_day(visit.now, who, visit.parts.calendars)
        self.monday = monday or monday_of(visit.query("week"), self.today)
        self._added = tuple(
            row for text in visit.query("rows", longest=4000).split(",") if (row := row_of(text))
        )
        found = {"week": str(self.monday)}
        if self._added:
            found["rows"] = ",".join(dict.fromkeys(token_of(row) for row in self._added))
        self.address = Address(PATH, found)

    def adding(self, *rows: Row) -> Week:
        """The same with these lines, whether anything is booked on them or not."""
        self._added = (*self._added, *rows)
        if rows:
            tokens = dict.fromkeys(token_of(row) for row in self._added)
            found = {"week": str(self.monday), "rows": ",".join(tokens)}
            self.address = Address(PATH, found)
        return self

    @cached_property
    def _entries(self) -> list[Mapping[str, Any]]:
        return time_weeks.entries(self._visit.tx, self.who.id, self.monday)

    @cached_property
    def _may_book(self) -> list[Mapping[str, Any]]:
        return time_weeks.may_book(self._visit.tx, self.who.id, self.monday)

    @cached_property
    def _marks(self) -> Mapping[str, Any]:
        return time_weeks.marks(self._visit.tx, self.who.id, self.monday)

    @property
    def _calendar(self) -> BusinessCalendar:
        who = self.who
        return calendar_of(
            self._visit.parts.calendars, name=who.calendar, region=who.region, country=who.country
        )

    @cached_property
    def days(self) -> tuple[Day, ...]:
        calendar = self._calendar
        leave = time_weeks.days_of(self._marks["absences"])
        made: list[Day] = []
        for n in range(7):
            day = self.monday + n * _DAY
            off = ""
            if not calendar.hours_on(day):
                off = "public holiday" if day in calendar.holidays else "day off"
            if day in leave:
                off = f"leave: {formats.words(leave[day]).lower()}"
            minutes = sum(one["minutes"] for one in self._entries if one["day"] == day)
            label = f"{day.day} {MONTHS[day.month - 1]}"
            made.append(Day(n, day, DAYS[n], label, off, day == self.today, minutes))
        return tuple(made)

    @property
    def shown_day(self) -> int:
        """Which day is shown where there is room for one."""
        asked = self._visit.query("day")
        if asked in {str(n) for n in range(7)}:
            return int(asked)
        return next((day.index for day in self.days if day.is_today), 0)

    @cached_property
    def rows(self) -> tuple[GridRow, ...]:
        names = self._names
        held: dict[Row, dict[int, Mapping[str, Any]]] = {}
        back: list[Mapping[str, Any]] = []
        for one in self._entries:
            if one["reverses"] is not None:
                back.append(one)
                continue
            nth, day = 0, (one["day"] - self.monday).days
            while day in held.get(key := _key(one, nth), {}):
                nth += 1
            held.setdefault(key, {})[day] = one
        for key in self._offered(held):
            held.setdefault(key, {})
        ordered = sorted(held, key=lambda key: (*_name_key(names, key), key.nth))
        made = [self._row(key, held[key], names) for key in ordered[:_MOST_ROWS]]
        made += [
            self._row(_key(one, n), {(one["day"] - self.monday).days: one}, names, reverses=True)
            for n, one in enumerate(back)
        ]
        return tuple(made)

    def _offered(self, held: Mapping[Row, Any]) -> list[Row]:
        """Lines without entries: those of the address, and of assignments that name a task."""
        usual = self._visit.parts.kinds.usual.code
        own = [_task_row(one, usual) for one in self._may_book if one["own"]]
        rows = list(self._added) + ([] if self.is_closed else own[:_MOST_OFFERED])
        known = {(one["engagement_id"], one["task"]) for one in self._may_book}
        known |= {(one["engagement_id"], one["task"]) for one in self._entries}
        fitting = [row for row in rows if (row.engagement, row.task) in known]
        return [row for row in fitting if row not in held]

    @cached_property
    def _names(self) -> Mapping[tuple[str, str | None], Mapping[str, Any]]:
        return {(one["engagement_id"], one["task"]): one for one in self._may_book} | {
            (one["engagement_id"], one["task"]): one for one in self._entries
        }

    def _row(
        self,
        key: Row,
        entries: Mapping[int, Mapping[str, Any]],
        names: Mapping[tuple[str, str | None], Mapping[str, Any]],
        *,
        reverses: bool = False,
    ) -> GridRow:
        named = names[(key.engagement, key.task)]
        kind = self._visit.parts.kinds.get(key.category)
        id = row_id(key, reverses)
        task = f"{key.task} {named['task_name'] or ''}".strip() if key.task else "no task"
        number = named["number"] or key.engagement
        made = GridRow(
            id=id,
            key=key,
            client=named["client_name"] or number,
            number=number,
            engagement=named["engagement_name"] or "",
            task=task,
            kind=kind.name if kind else formats.words(key.category),
            cells=(),
            reverses=reverses,
        )
        cells = tuple(self._cell(made, day, entries.get(day.index)) for day in self.days)
        return replace(made, cells=cells)

    def _cell(self, row: GridRow, day: Day, entry: Mapping[str, Any] | None) -> GridCell:
        full = f"{formats.DAYS[day.index]} {day.label}"
        return GridCell(
            id=f"{row.id}-{day.index}",
            token=f"{token_of(row.key)}:{day.day}",
            label=f"{row.client}, {row.task}, {row.kind}, {full}",
            day=day,
            row=entry,
            said=tuple(_said(one) for one in (entry["findings"] if entry else ())),
        )

    def cell(self, id: str) -> GridCell | None:
        return next((cell for row in self.rows for cell in row.cells if cell.id == id), None)

    @property
    def choices(self) -> tuple[tuple[str, tuple[Choice, ...]], ...]:
        """Lines that may be added, by engagement."""
        usual = self._visit.parts.kinds.usual.code
        groups: dict[str, list[Choice]] = {}
        for one in self._may_book:
            label = f"{one['client_name']}, {one['engagement_name']}"
            task = f"{one['number']}: {one['task']} {one['task_name']}"
            choice = Choice(token_of(_task_row(one, usual)), task)
            groups.setdefault(label, []).append(choice)
        return tuple((label, tuple(some)) for label, some in groups.items())

    @property
    def kinds(self) -> tuple[tuple[str, str], ...]:
        """Code and name, the usual one first."""
        return tuple((kind.code, kind.name) for kind in self._visit.parts.kinds.kinds)

    @property
    def copied(self) -> str | None:
        """The address with the lines of the week before; null where there are none to add."""
        names = self._names
        before = [
            Row(engagement=engagement, task=task, category=category)
            for engagement, task, category in self._marks["rows_before"]
            if (engagement, task) in names
        ]
        there = [row.key for row in self.rows]
        new = [row for row in before if row not in there]
        if not new:
            return None
        tokens = dict.fromkeys(token_of(row) for row in (*self._added, *new))
        return self.address.but(rows=",".join(tokens))

    @property
    def minutes(self) -> int:
        return sum(one["minutes"] for one in self._entries)

    @property
    def contracted(self) -> int:
        return self.who.minutes_per_week

    @property
    def off_minutes(self) -> int:
        """What leave and holidays take of the contracted week, in equal working days."""
        calendar = self._calendar
        usual = sum(1 for hours in calendar.weekly.values() if hours)
        if not usual:
            return 0
        names = [name for name, hours in calendar.weekly.items() if hours]
        off = sum(
            1
            for day in self.days
            if day.off and f"{day.day:%A}".lower() in names and day.off != "day off"
        )
        return self.who.minutes_per_week * off // usual

    @property
    def is_closed(self) -> bool:
        """Nothing of it is open: all that there is was handed in or decided."""
        return bool(self._entries) and all(one["state"] not in OWN for one in self._entries)

    @property
    def due_at(self) -> datetime | None:
        return self._marks["due_at"]

    @property
    def declared(self) -> str | None:
        """Why it is complete although less was worked."""
        return self._marks["declared"]

    @property
    def is_short(self) -> bool:
        """It is due, and less is booked than is contracted."""
        return self.due_at is not None and self.minutes < self.contracted - self.off_minutes

    @cached_property
    def standing(self) -> Standing:
        states = [EntryState(one["state"]) for one in self._entries]
        open = [one for one in self._entries if one["state"] in OWN]
        wrong = [one for one in open if any(f["severity"] == "error" for f in one["findings"])]
        waiting = states.count(EntryState.SUBMITTED)
        tone, text, icon = _standing(states)
        return Standing(tone, text, icon, len(open), len(wrong), waiting, self._approvers())

    def _approvers(self) -> str:
        """Who decides on what is in it: one name, or how many and of which engagements."""
        lines = {
            one["engagement_id"]: Line(
                engagement=one["engagement_id"],
                region=one["region"],
                legal_entity=one["legal_entity"],
                manager=one["manager"],
            )
            for one in (self._entries or self._may_book)
            if one["number"]
        }
        people = self._visit.parts.people
        names: dict[str, None] = {}
        for line in lines.values():
            able = [p for p in remit.approvers(people, line) if p.id != self._visit.who.id]
            names |= dict.fromkeys(
                [formats.listed([p.name for p in able[:2]], "or")] if able else []
            )
        return "; ".join(list(names)[:3]) or ("nobody yet" if lines else "")

    @property
    def label(self) -> str:
        last = self.monday + 6 * _DAY
        begin = f"{self.monday.day}"
        if last.month != self.monday.month:
            begin += f" {MONTHS[self.monday.month - 1]}"
        if last.year != self.monday.year:
            begin += f" {self.monday.year}"
        number = self.monday.isocalendar().week
        return f"Week {number}, {begin} to {last.day} {MONTHS[last.month - 1]} {last.year}"

    def at(self, weeks: int) -> str:
        return Address(PATH, {"week": str(self.monday + weeks * 7 * _DAY)}).here

    @property
    def this_week(self) -> bool:
        return self.monday <= self.today < self.monday + 7 * _DAY


def token_of(row: Row) -> str:
    """For an address: parts that are quoted, between colons."""
    parts = [row.engagement, row.task or "", row.category, str(row.nth)]
    return ":".join(quote(part, safe="") for part in parts)


def row_of(text: str) -> Row | None:
    """Null where it is no token of ours."""
    parts = [unquote(part) for part in text.split(":")]
    if len(parts) != 4 or "\0" in text:
        return None
    try:
        nth = int(parts[3]) if parts[3].isascii() and parts[3].isdigit() else -1
        return Row(engagement=parts[0], task=parts[1] or None, category=parts[2], nth=nth)
    except ValidationError:
        return None


def row_id(row: Row, reverses: bool = False) -> str:
    """Of its elements: the same whenever the page is made."""
    digest = hashlib.sha256(f"{token_of(row)}{'back' if reverses else ''}".encode())
    return f"r{digest.hexdigest()[:10]}"


def _key(entry: Mapping[str, Any], nth: int) -> Row:
    return Row.model_construct(
        engagement=entry["engagement_id"], task=entry["task"], category=entry["category"], nth=nth
    )


def _task_row(one: Mapping[str, Any], category: str) -> Row:
    return Row.model_construct(
        engagement=one["engagement_id"], task=one["task"], category=category, nth=0
    )


def _name_key(
    names: Mapping[tuple[str, str | None], Mapping[str, Any]], key: Row
) -> tuple[str, str, str]:
    named = names[(key.engagement, key.task)]
    return (named["number"] or key.engagement, key.task or "", key.category)


def _said(one: Mapping[str, Any]) -> Said:
    return Said(one["rule"], one["severity"] == "error", one["value"], one["remedy"])


def _clock(minutes: int | None) -> str:
    return "" if minutes is None else f"{minutes // 60 % 24}:{minutes % 60:02}"


def _standing(states: Sequence[EntryState]) -> tuple[Tone, str, str]:
    if not states:
        return "idle", "Nothing entered yet", "s-new"
    counts = {state: states.count(state) for state in EntryState}
    if counts[EntryState.RETURNED]:
        some = formats.count(counts[EntryState.RETURNED], "entry was", "entries were")
        return "warn", f"{some} returned", "s-warn"
    if counts[EntryState.DRAFT]:
        return "idle", "Draft", "s-new"
    if counts[EntryState.SUBMITTED]:
        done = counts[EntryState.APPROVED]
        return "run", f"Handed in{f', {done} approved' if done else ''}", "s-wait"
    return "ok", "Approved", "s-ok"
