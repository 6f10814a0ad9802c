"""The list of revenue by company, region and month: what the address asks for, and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from fairlead.domain.model.revenue_batch import BatchState
from fairlead.domain.values import Money
from fairlead.store import revenue_views
from fairlead.store.revenue_views import Filters, key_of
from fairlead.web import addresses
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.formats import MONTHS, Tone
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.revenue_words import PATH, STATES
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of


@dataclass(frozen=True)
class Sums:
    """What the ledger is told, in one currency."""

    revenue: Money
    wip: Money
    deferred: Money


@dataclass(frozen=True)
class Row:
    id: str
    entity: str
    region: str
    month: str
    number: int
    state: str
    tone: Tone
    who: str  #: whose hands it went through last
    entries: int
    sums: tuple[Sums, ...]  #: by currency; they are never added up
    at: datetime


@dataclass(frozen=True)
class Computing:
    """A month that is being computed."""

    month: str
    by: str
    done: int
    expected: int


class Batches(Listing[tuple[str, str]]):
    """The whole page asks four queries."""

    def __init__(self, visit: Visit) -> None:
        given = {name: visit.query(name, longest=40) for name in ("state", "entity", "month")}
        states = tuple(map(str, BatchState))
        found = {n: v for n, v in given.items() if v and (n != "state" or v in states)}
        month = month_in(found.get("month", ""))
        if month is None:
            found.pop("month", None)
        self.filters = Filters(found.get("state"), found.get("entity"), month)
        super().__init__(visit, Address(PATH, found), _after(cursor_of(visit)))

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return revenue_views.page(
            self._visit.tx, sees(self._visit), self.filters, after=self._after, limit=limit
        )

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(key_of(row))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        ids = [row["id"] for row in self._rows]
        sums = revenue_views.sums(self._visit.tx, ids) if ids else {}
        return tuple(_row(self._visit, row, sums.get(row["id"], [])) for row in self._rows)

    @cached_property
    def computing(self) -> tuple[Computing, ...]:
        """Of all that the reader sees, as a job tells how many engagements there are."""
        who = self._visit.who
        return tuple(
            Computing(
                month_words(row["month"]), name_of(self._visit, row["asked_by"]),
                row["engagements"], row["expected"],
            )
            for row in revenue_views.jobs(self._visit.tx)
            if _within(row["regions"], who.regions)
            and _within(row["legal_entities"], who.legal_entities)
        )  # fmt: skip

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, _shown(name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        made: list[Picker] = []
        if "state" not in self.address.set:
            options = (
                Option(label, self.address.but(state=str(state)))
                for state, (label, _) in STATES.items()
            )
            made.append(Picker("State", tuple(options)))
        limit = self._visit.who.legal_entities
        codes = [one.code for one in self._visit.parts.firm.legal_entities]
        codes = [code for code in codes if limit is None or code in limit]
        if "entity" not in self.address.set and len(codes) > 1:
            entities = (Option(code, self.address.but(entity=code)) for code in codes)
            made.append(Picker("Entity", tuple(entities)))
        return tuple(made)


def _row(visit: Visit, row: Mapping[str, Any], sums: list[dict[str, Any]]) -> Row:
    label, tone = STATES[row["state"]]
    who = row["approved_by"] or row["proposed_by"] or row["computed_by"][-1]
    return Row(
        id=row["id"],
        entity=row["legal_entity"],
        region=row["region"],
        month=month_words(row["month"]),
        number=row["number"],
        state=label,
        tone=tone,
        who=name_of(visit, who),
        entries=row["entries"],
        sums=sums_of(sums),
        at=row["posted_at"] or row["approved_at"] or row["proposed_at"] or row["computed_at"],
    )


def sums_of(rows: list[dict[str, Any]]) -> tuple[Sums, ...]:
    def money(row: Mapping[str, Any], name: str) -> Money:
        return Money(amount=row[name], currency=row["currency"])

    return tuple(
        Sums(money(row, "revenue"), money(row, "wip"), money(row, "deferred")) for row in rows
    )


def month_words(month: date) -> str:
    return f"{MONTHS[month.month - 1]} {month.year}"


def month_in(text: str) -> date | None:
    """`2026-11` → its first day. Null for none, and for what is no month of this time."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return found if 2000 <= found.year < 3000 else None


def _shown(name: str, value: str) -> str:
    if name == "state":
        return STATES[value][0]
    month = month_in(value) if name == "month" else None
    return month_words(month) if month else value


def _after(text: str) -> tuple[str, str] | None:
    """Null also for what we did not write: the list begins anew."""
    found = addresses.read_cursor(text, 2)
    if found is None:
        return None
    try:
        return date.fromisoformat(found[0]).isoformat(), found[1]
    except ValueError:
        return None


def _within(of: list[str] | None, limit: frozenset[str] | None) -> bool:
    return limit is None or (of is not None and set(of) <= limit)
