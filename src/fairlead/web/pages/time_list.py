"""Time and expenses to be looked at: what the address asks for, its rows, sums and filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from fairlead.capabilities.time.approving import Approving
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.rules.expense_checks import NAMES
from fairlead.domain.rules.time_rules import BY_ID
from fairlead.domain.values import Money, minor_units
from fairlead.store import saved_views
from fairlead.store.approvals import Kind
from fairlead.store.database import Tx
from fairlead.store.saved_views import SavedView
from fairlead.store.time_board import MOST_COUNTED, Board, Filters, Sight, Summary, Tab
from fairlead.trust.roles import Permission
from fairlead.web import addresses, csv_table
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.formats import MONTHS, Tone, words
from fairlead.web.hours import monday_of
from fairlead.web.pages import time_file
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of

PATH = "/time"
PAGE = 50
TABS: Mapping[Tab, str] = {
    "flagged": "Flagged",
    "clean": "Clean",
    "missing": "Missing",
    "decided": "Decided",
}
_NAMES = ("tab", "week", "engagement", "person", "kind", "rule", "q")
_OF_ENTRIES = ("engagement", "kind", "rule")
_DAY = timedelta(days=1)
_MOST_OPTIONS = 30
STATES: Mapping[str, tuple[Tone, str]] = {
    EntryState.SUBMITTED: ("run", "Waits"),
    EntryState.APPROVED: ("ok", "Approved"),
    EntryState.RETURNED: ("warn", "Returned"),
    EntryState.DRAFT: ("idle", "Draft"),
}


@dataclass(frozen=True)
class Why:
    rule: str
    name: str
    is_error: bool
    value: str
    remedy: str


@dataclass(frozen=True)
class Row:
    kind: Kind
    id: str
    version: int
    person: str
    number: str
    day: date
    minutes: int | None
    amount: Money | None
    what: str  #: kind of time, or category
    whys: tuple[Why, ...]
    state: tuple[Tone, str]
    decided: str  #: who, and when; empty: nobody yet
    reason: str

    @property
    def pick(self) -> str:
        return f"{self.kind}:{self.id}:{self.version}"

    @property
    def minor(self) -> str:
        """Whole minor units, for the sum over picked rows."""
        if self.amount is None:
            return ""
        return str(int(self.amount.amount.scaleb(minor_units(self.amount.currency))))


@dataclass(frozen=True)
class Late:
    """Whose week is missing."""

    id: str
    name: str
    week: date
    contracted: int
    drafts: int
    handed: int
    due_at: datetime
    reminded_at: datetime | None
    escalated: bool
    manager: str


@dataclass(frozen=True)
class Clean:
    """What the banner tells of what passed every rule."""

    count: int
    of: int
    minutes: int
    totals: tuple[Money, ...]


class TimeList:
    """Each part is read when it is printed, so that a fragment costs what it shows."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        given = {name: visit.query(name, longest=100) for name in _NAMES}
        found = {n: v for n, v in given.items() if v and _is_known(n, v)}
        if found.get("tab") == "flagged":
            del found["tab"]
        if found.get("tab") == "missing":  # a week is of a person, whatever they work on
            found = {n: v for n, v in found.items() if n not in _OF_ENTRIES}
        if "week" in found:
            found["week"] = str(monday_of(found["week"], visit.clock.today))
        self.address = Address(PATH, found)
        self.tab: Tab = cast("Tab", found.get("tab", "flagged"))
        self.last_week = visit.clock.today - (visit.clock.today.weekday() + 7) * _DAY
        self.week = date.fromisoformat(found["week"]) if "week" in found else None
        self.filters = Filters(
            week=self.week,
            engagement=found.get("engagement"),
            person=found.get("person"),
            kind=cast("Kind | None", found.get("kind")),
            rule=found.get("rule") if self.tab == "flagged" else None,
            q=found.get("q"),
        )
        self._after = addresses.read_cursor(visit.query("after", longest=600), 3)

    @property
    def may_approve(self) -> bool:
        return self._visit.who.may(Permission.TIME_APPROVE)

    @cached_property
    def sight(self) -> Sight:
        """Who approves is shown what they may decide on; who only reads, all of theirs."""
        who = self._visit.who
        if not self.may_approve:
            return Sight(who.regions, who.legal_entities)
        remit = Approving(self._visit.parts.people).remit(self._visit.tx, self._visit.acting)
        return Sight(who.regions, who.legal_entities, remit.engagements, remit.barred)

    @property
    def board(self) -> Board:
        return self._board(self._visit.tx)

    def _board(self, tx: Tx) -> Board:
        return Board(tx, self.sight, self._visit.now, self.last_week, self.filters)

    @cached_property
    def summary(self) -> Summary:
        return self.board.summary()

    @cached_property
    def _rows(self) -> list[dict[str, Any]]:
        return _read(self.board, self.tab, self._after, PAGE + 1)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(self._visit, row) for row in self._rows[:PAGE])

    @property
    def late(self) -> tuple[Late, ...]:
        return tuple(_late(row) for row in self._rows[:PAGE])

    @property
    def groups(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """By kind, as the table shows them, each with how many are on this page."""
        made = [
            ("Time", tuple(row for row in self.rows if row.kind == "time")),
            ("Expense", tuple(row for row in self.rows if row.kind == "expense")),
        ]
        return tuple((label, rows) for label, rows in made if rows)

    @property
    def next(self) -> str | None:
        if len(self._rows) <= PAGE:
            return None
        return self.address.but(after=addresses.cursor(_key(self._rows[PAGE - 1], self.tab)))

    def count(self, *, flagged: bool) -> int:
        return sum(one["count"] for one in self.summary.groups if one["flagged"] == flagged)

    @property
    def shown(self) -> int:
        """How many fit, of the tab that is open."""
        counts = {
            "flagged": self.count(flagged=True),
            "clean": self.count(flagged=False),
            "missing": self.summary.missing,
            "decided": self.summary.decided,
        }
        return counts[self.tab]

    @property
    def clean(self) -> Clean:
        groups = [one for one in self.summary.groups if not one["flagged"]]
        return Clean(
            count=sum(one["count"] for one in groups),
            of=sum(one["count"] for one in self.summary.groups),
            minutes=sum(one["minutes"] for one in groups),
            totals=_totals(groups),
        )

    @property
    def tabs(self) -> tuple[tuple[str, str, str, bool], ...]:
        counts: Mapping[Tab, int] = {
            "flagged": self.count(flagged=True),
            "clean": self.count(flagged=False),
            "missing": self.summary.missing,
            "decided": self.summary.decided,
        }
        return tuple(
            (
                label,
                self.address.but(tab=None if tab == "flagged" else tab, rule=None),
                _capped(counts[tab], tab),
                tab == self.tab,
            )
            for tab, label in TABS.items()
        )

    @property
    def title(self) -> str:
        """Of which weeks."""
        week = self.week or (self.last_week if self.tab in ("missing", "decided") else None)
        if week is None:
            return "All weeks that wait"
        last = week + 6 * _DAY
        begin = (
            f"{week.day}" if week.month == last.month else f"{week.day} {MONTHS[week.month - 1]}"
        )
        span = f"{begin} to {last.day} {MONTHS[last.month - 1]} {last.year}"
        return f"Week {week.isocalendar().week}, {span}"

    def at(self, weeks: int) -> str:
        week = self.week or (self.last_week + 7 * _DAY if weeks < 0 else self.last_week)
        return self.address.but(week=str(week + weeks * 7 * _DAY))

    @cached_property
    def views(self) -> list[SavedView]:
        return saved_views.of(self._visit.tx, self._visit.who.id, PATH)

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, self._chip_words(name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
            if name not in ("tab",)
        )

    @property
    def is_narrowed(self) -> bool:
        """By more than a week."""
        return any(chip.name != "week" for chip in self.chips)

    @property
    def pickers(self) -> tuple[Picker, ...]:
        taken, made = self.address.set, list[Picker]()
        if self.tab == "missing":
            return ()
        if "kind" not in taken:
            kinds = (("time", "Time"), ("expense", "Expenses"))
            options = [Option(label, self.address.but(kind=kind)) for kind, label in kinds]
            made.append(Picker("Kind", tuple(options)))
        if "engagement" not in taken:
            known: dict[str, tuple[str, int]] = {}
            for one in self.summary.groups:
                client, count = known.get(one["number"], (one["client_name"], 0))
                known[one["number"]] = (client, count + one["count"])
            some = sorted(known.items(), key=lambda item: -item[1][1])[:_MOST_OPTIONS]
            options = [
                Option(f"{number} {client}", self.address.but(engagement=number), count)
                for number, (client, count) in some
            ]
            made.append(Picker("Engagement", tuple(options)))
        if "rule" not in taken and self.tab == "flagged":
            options = [
                Option(rule_words(one["rule"]), self.address.but(rule=one["rule"]), one["count"])
                for one in self.summary.rules[:_MOST_OPTIONS]
            ]
            made.append(Picker("Rule", tuple(options)))
        return tuple(picker for picker in made if picker.options)

    def _chip_words(self, name: str, value: str) -> str:
        if name == "q":
            return f"“{value}”"
        if name == "week":
            return f"Week {date.fromisoformat(value).isocalendar().week}"
        if name == "kind":
            return "Time" if value == "time" else "Expenses"
        return rule_words(value) if name == "rule" else value

    def file(self) -> Iterator[Sequence[Cell]]:
        """Every row that fits, for a CSV file."""
        tab: Tab = self.tab
        _ = self.sight  # worked out now, not in each transaction of a page

        def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = None if last is None else _key(last, tab)
            return _read(self._board(tx), tab, after, csv_table.page_size())

        for row in csv_table.pages(self._visit, read):
            yield time_file.cells(row, tab)

    @property
    def heads(self) -> Sequence[str]:
        return time_file.heads(self.tab)


def whys_of(findings: Sequence[Mapping[str, Any]]) -> tuple[Why, ...]:
    return tuple(
        Why(
            rule=one["rule"],
            name=_rule_name(one["rule"]),
            is_error=one["severity"] == "error",
            value=one["value"],
            remedy=one["remedy"],
        )
        for one in findings
    )


def rule_words(rule: str) -> str:
    name = _rule_name(rule)
    return f"{rule} {name}" if name else rule


def _rule_name(rule: str) -> str:
    return BY_ID[rule].name if rule in BY_ID else NAMES.get(rule, "")


def _is_known(name: str, value: str) -> bool:
    if name == "tab":
        return value in TABS
    return name != "kind" or value in ("time", "expense")


def _read(board: Board, tab: Tab, after: Sequence[str] | None, limit: int) -> list[dict[str, Any]]:
    """A cursor of another list, or one that nobody wrote, begins the list anew."""
    if tab == "missing":
        return board.late(after, limit)
    if after is not None and not _is_place(after):
        after = None
    if tab == "decided":
        return board.decided(after, limit)
    return board.waiting(tab == "flagged", after, limit)


def _is_place(after: Sequence[str]) -> bool:
    try:
        date.fromisoformat(after[1])
        UUID(after[2])
    except ValueError:
        return False
    return after[0] in ("time", "expense")


def _key(row: Mapping[str, Any], tab: Tab) -> tuple[str, str, str]:
    if tab == "missing":
        return (row["name"], "", row["resource_id"])
    return (row["kind"], str(row["day"]), str(row["id"]))


def _row(visit: Visit, row: Mapping[str, Any]) -> Row:
    decided = ""
    if row["decided_at"] is not None and row["state"] != EntryState.SUBMITTED:
        decided = f"{name_of(visit, row['decided_by'])}, {visit.clock.moment(row['decided_at'])}"
    amount = row["amount"]
    return Row(
        kind=row["kind"],
        id=str(row["id"]),
        version=row["version"],
        person=row["name"] or row["resource_id"],
        number=row["number"],
        day=row["day"],
        minutes=row["minutes"],
        amount=None if amount is None else Money(amount=amount, currency=row["currency"]),
        what=_what(visit, row),
        whys=whys_of(row["findings"]),
        state=STATES[row["state"]],
        decided=decided,
        reason=row["reason"] or "",
    )


def _what(visit: Visit, row: Mapping[str, Any]) -> str:
    kind = visit.parts.kinds.get(row["category"]) if row["kind"] == "time" else None
    return kind.name if kind else words(row["category"])


def _late(row: Mapping[str, Any]) -> Late:
    return Late(
        id=row["resource_id"],
        name=row["name"],
        week=row["week"],
        contracted=row["minutes_per_week"],
        drafts=row["drafts"],
        handed=row["handed"],
        due_at=row["due_at"],
        reminded_at=row["reminded_at"],
        escalated=row["escalated_at"] is not None,
        manager=row["manager_name"] or "nobody is their manager",
    )


def _totals(groups: Sequence[Mapping[str, Any]]) -> tuple[Money, ...]:
    """In the engagements' currencies; they are not added up."""
    sums: dict[str, Decimal] = {}
    for one in groups:
        if one["kind"] == "expense":
            code = one["currency"]
            sums[code] = sums.get(code, Decimal(0)) + Decimal(one["amount"])
    return tuple(Money(amount=sums[code], currency=code) for code in sorted(sums))


def _capped(count: int, tab: Tab) -> str:
    if tab in ("missing", "decided") and count >= MOST_COUNTED:
        return f"{MOST_COUNTED:,}+"
    return f"{count:,}"
