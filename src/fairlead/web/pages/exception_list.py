"""The board of exceptions: what the address asks for, and its rows, totals and choices.

A cursor that does not fit its sort is refused by the database as a wrong value; whoever made it up
is told that the address cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from fairlead.domain.values import Money, minor_units
from fairlead.store.database import Tx
from fairlead.store.exception_board import (
    SORTS,
    Board,
    Choice,
    Filters,
    Sort,
    Summary,
    key_of,
)
from fairlead.web import addresses, csv_table, deeds, formats
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.facts import money_of
from fairlead.web.formats import Sla, words
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of
from fairlead.work.words import CauseClass

PATH = "/exceptions"
AGES: Mapping[str, timedelta] = {
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
AGE_WORDS = {"1d": "A day", "3d": "3 days", "7d": "7 days", "30d": "30 days"}
_NAMES = ("state", "owner", "cause", "system", "region", "age", "due", "who", "q", "sort")


@dataclass(frozen=True)
class Row:
    id: str
    version: int
    title: str
    number: str | None
    client: str
    cause: str
    at_risk: Money | None
    risk: int  #: of the largest in its currency on this page, 0 to 100
    sla: Sla | None
    team: str
    note: str  #: whose it is, or how often it came
    opened_at: datetime
    resolved: str | None  #: how it ended

    @property
    def minor(self) -> str:
        """Whole minor units, for the sum over picked rows."""
        if self.at_risk is None:
            return ""
        return str(int(self.at_risk.amount.scaleb(minor_units(self.at_risk.currency))))


class BoardList(Listing[tuple[str, ...]]):
    def __init__(self, visit: Visit) -> None:
        given = {name: visit.query(name, longest=100) for name in _NAMES}
        found = _known({name: value for name, value in given.items() if value})
        sorts: Mapping[str, Sort] = {sort: sort for sort in SORTS}
        self.sort: Sort = sorts.get(found.get("sort", ""), "due")
        self.filters = _filters(visit, found)
        super().__init__(visit, Address(PATH, found), _after(cursor_of(visit), self.sort))
        self._board = Board(visit.tx, visit.scope)

    @property
    def board(self) -> Board:
        return self._board

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return self._board.page(self.filters, self.sort, after=self._after, limit=limit)

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(key_of(row, self.sort))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        largest: dict[str, Decimal] = {}
        for row in self._rows:
            if row["amount"] is not None:
                code = row["currency"]
                largest[code] = max(largest.get(code, Decimal(0)), row["amount"])
        return tuple(_row(self._visit, row, largest) for row in self._rows)

    @cached_property
    def summary(self) -> Summary:
        return self._board.summary(
            self.filters,
            me=self._visit.who.id,
            my_teams=self._visit.person.teams,
            now=self._visit.now,
        )

    @property
    def totals(self) -> tuple[Money, ...]:
        found = (Money(amount=t.amount, currency=t.currency) for t in self.summary.totals)
        return tuple(sorted(found, key=lambda total: total.currency))

    @property
    def is_past(self) -> bool:
        return self.filters.state == "resolved"

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, _chip_words(name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
            if name not in ("state", "sort", "who")
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        choices, taken = self.summary.choices, self.address.set
        named = (
            ("owner", "Owner team", "team"),
            ("cause", "Cause", "cause"),
            ("system", "System", "system"),
            ("region", "Region", "region"),
        )
        made = [
            Picker(label, tuple(self._option(name, one) for one in choices[what]))
            for name, label, what in named
            if name not in taken and choices.get(what)
        ]
        if "age" not in taken:
            ages = (
                Option(f"{label} or more", self.address.but(age=age))
                for age, label in AGE_WORDS.items()
            )
            made.append(Picker("Age", tuple(ages)))
        return tuple(made)

    def _option(self, name: str, choice: Choice) -> Option:
        label = _value_words(name, choice.name)
        return Option(label, self.address.but(**{name: choice.name}), choice.known)

    @property
    def whose(self) -> tuple[tuple[str, str, int | None, bool], ...]:
        """For the switch in the head."""
        who, summary = self.address.set.get("who"), self.summary
        return (
            ("All teams", self.address.but(who=None), None, who is None),
            ("My teams", self.address.but(who="ours"), summary.ours or None, who == "ours"),
            ("Mine", self.address.but(who="mine"), summary.mine or None, who == "mine"),
        )

    @property
    def drop(self) -> tuple[str, str, int] | None:
        """The filter without which most would fit: for a list that is empty."""
        counts = self._board.without(self.filters)
        names = {"team": "owner"}
        best = max(counts.items(), key=lambda item: item[1], default=None)
        if best is None or best[1] == 0:
            return None
        name = names.get(best[0], best[0])
        label = _chip_words(name, self.address.set.get(name, ""))
        return label, self.address.but(**{name: None}), best[1]

    def sorted(self, sort: str) -> str:
        return self.address.but(sort=None if sort == "due" else sort)

    def file(self) -> Iterator[Sequence[Cell]]:
        """Every row that fits, for a CSV file."""
        scope, filters, sort = self._visit.scope, self.filters, self.sort

        def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = None if last is None else key_of(last, sort)
            return Board(tx, scope).page(filters, sort, after=after, limit=csv_table.page_size())

        for row in csv_table.pages(self._visit, read):
            yield tuple(_plain(row[name]) for name, _ in COLUMNS)


#: Column of the query → its head in the file.
COLUMNS: Sequence[tuple[str, str]] = (
    ("id", "Exception"),
    ("title", "Title"),
    ("class", "Cause"),
    ("number", "Engagement"),
    ("client_name", "Client"),
    ("team", "Owner team"),
    ("assignee", "Given to"),
    ("system", "System"),
    ("region", "Region"),
    ("currency", "Currency"),
    ("amount", "At risk"),
    ("times", "Times"),
    ("state", "State"),
    ("opened_at", "Opened (UTC)"),
    ("due_at", "Due (UTC)"),
    ("resolved_at", "Settled (UTC)"),
    ("resolved_by", "Settled by"),
    ("resolution", "How"),
    ("reason", "Reason"),
    ("remedy", "What to do"),
)


def sla_of(visit: Visit, row: Mapping[str, Any]) -> Sla | None:
    if row["state"] != "open":
        return None
    return visit.sla(row["opened_at"], row["due_at"], row["region"], row["country"])


def _row(visit: Visit, row: Mapping[str, Any], largest: Mapping[str, Decimal]) -> Row:
    money = money_of(row)
    whole = largest.get(money.currency, Decimal(0)) if money else Decimal(0)
    notes: list[str] = []
    if row["assignee"]:
        notes.append(name_of(visit, row["assignee"]))
    if row["times"] > 1:
        notes.append(f"came {row['times']} times")
    if row["escalated_at"] and row["state"] == "open":
        notes.append("escalated")
    how = row["resolution"]
    return Row(
        id=row["id"],
        version=row["version"],
        title=formats.without_number(row["title"], row["number"]),
        number=row["number"],
        client=row["client_name"] or row["engagement"] or row["system"] or "",
        cause=words(row["class"]),
        at_risk=money,
        risk=formats.meter(money.amount / whole * 100) if money and whole else 0,
        sla=sla_of(visit, row),
        team=words(row["team"]),
        note=", ".join(notes) or "given to nobody",
        opened_at=row["opened_at"],
        resolved=None
        if row["state"] == "open"
        else "By itself"
        if how == "by itself"
        else f"{deeds.done(how or 'settled')} by {name_of(visit, row['resolved_by'])}",
    )


def _known(given: Mapping[str, str]) -> dict[str, str]:
    """What stands for nothing is left out, so that the address tells what is shown."""
    allowed: Mapping[str, Sequence[str]] = {
        "state": ("resolved",),
        "age": tuple(AGES),
        "due": ("late", "24h"),
        "who": ("mine", "ours"),
        "cause": tuple(str(one) for one in CauseClass),
        "sort": SORTS,
    }
    return {n: v for n, v in given.items() if n not in allowed or v in allowed[n]}


def _filters(visit: Visit, found: Mapping[str, str]) -> Filters:
    due = {"late": visit.now, "24h": visit.now + timedelta(hours=24)}
    who = found.get("who")
    return Filters(
        state="resolved" if found.get("state") == "resolved" else "open",
        team=found.get("owner"),
        cause=found.get("cause"),
        system=found.get("system"),
        region=found.get("region"),
        age=visit.now - AGES[found["age"]] if "age" in found else None,
        due=due.get(found.get("due", "")),
        who=visit.who.id if who else None,
        teams=tuple(sorted(visit.person.teams)) if who == "ours" else (),
        q=found.get("q"),
    )


def _after(text: str, sort: Sort) -> tuple[str, ...] | None:
    """Null also where the cursor is of another sort: the list begins anew."""
    found = addresses.read_cursor(text, 3)
    if found is None:
        return None
    try:
        if sort in ("risk", "-risk"):
            return found if Decimal(found[1]).is_finite() else None
        return found if datetime.fromisoformat(found[0]).astimezone(UTC) else None
    except (ValueError, InvalidOperation, OverflowError):
        return None


def _chip_words(name: str, value: str) -> str:
    if name == "q":
        return f"“{value}”"
    if name == "age":
        return f"Older than {AGE_WORDS[value].lower()}"
    if name == "due":
        return "Past SLA" if value == "late" else "Due in 24 h"
    if name == "who":
        return "Mine" if value == "mine" else "My teams"
    return _value_words(name, value)


def _value_words(name: str, value: str) -> str:
    return words(value) if name in ("owner", "cause") else value


def _plain(value: Any) -> Cell:
    return value if isinstance(value, str | int | Decimal | datetime) else None
