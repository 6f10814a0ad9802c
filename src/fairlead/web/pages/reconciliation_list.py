"""The list of differences between us and the systems that keep the same records, oldest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from fairlead.domain.model.discrepancy import DiscrepancyKind
from fairlead.store import reconciliation_views
from fairlead.store.database import Tx
from fairlead.store.reconciliation_views import Filters, Summary, key_of
from fairlead.web import addresses, csv_table, deeds
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.formats import Tone, words
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.exception_list import AGE_WORDS, AGES
from fairlead.web.pages.reconciliation_words import KEPT, KINDS, PATH, quantity
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of

NEWEST = "-age"
_NAMES = ("kept", "kind", "system", "entity", "engagement", "age", "q", "sort")


@dataclass(frozen=True)
class Row:
    id: str
    client: str
    number: str
    name: str
    kept: str
    kind: str
    tone: Tone
    system: str
    what: str
    ours: str | None  #: null: we keep none
    theirs: str | None  #: null: it keeps none
    difference: str
    owner: str
    since: datetime


class Differences(Listing[tuple[str, str]]):
    """The whole page asks three queries."""

    def __init__(self, visit: Visit) -> None:
        given = {name: visit.query(name, longest=100) for name in _NAMES}
        found = _known({name: value for name, value in given.items() if value})
        self.newest_first = found.get("sort") == NEWEST
        self.filters = Filters(
            before=visit.now - AGES[found["age"]] if "age" in found else None,
            **{n: v for n, v in found.items() if n not in ("age", "sort")},
        )
        self._sees = sees(visit)
        super().__init__(visit, Address(PATH, found), _after(cursor_of(visit)))

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return reconciliation_views.page(
            self._visit.tx, self._sees, self.filters,
            newest_first=self.newest_first, after=self._after, limit=limit,
        )  # fmt: skip

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(key_of(row))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(self._visit, row) for row in self._rows)

    @cached_property
    def summary(self) -> Summary:
        return reconciliation_views.summary(self._visit.tx, self._sees, self.filters)

    @property
    def figures(self) -> tuple[tuple[str, str, int, tuple[str, ...]], ...]:
        """Of each kind of record: its name, its address, how many differ and how much."""
        found = self.summary
        return tuple(
            (
                label,
                self.address.but(kept=name),
                found.kept.get(name, 0),
                tuple(
                    quantity(apart, unit)
                    for (kept, unit), apart in sorted(found.apart.items())
                    if kept == name
                ),
            )
            for name, label in KEPT.items()
        )

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, _shown(name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
            if name != "sort"
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        taken, found = self.address.set, self.summary
        counted = (
            ("kept", "Record", found.kept),
            ("kind", "Difference", found.kinds),
            ("system", "System", found.systems),
            ("entity", "Entity", found.entities),
        )
        made = [
            Picker(
                label,
                tuple(
                    Option(_shown(name, value), self.address.but(**{name: value}), number)
                    for value, number in sorted(counts.items())
                ),
            )
            for name, label, counts in counted
            if name not in taken and counts
        ]
        if "age" not in taken:
            ages = (
                Option(f"{label} or more", self.address.but(age=age))
                for age, label in AGE_WORDS.items()
            )
            made.append(Picker("Age", tuple(ages)))
        return tuple(made)

    @property
    def sorts(self) -> tuple[tuple[str, str, int | None, bool], ...]:
        return (
            ("Oldest", self.address.but(sort=None), None, not self.newest_first),
            ("Newest", self.address.but(sort=NEWEST), None, self.newest_first),
        )

    def file(self) -> Iterator[Sequence[Cell]]:
        """Every row that fits, for a CSV file."""
        scope, filters, newest = self._sees, self.filters, self.newest_first

        def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = None if last is None else key_of(last)
            size = csv_table.page_size()
            return reconciliation_views.page(
                tx, scope, filters, newest_first=newest, after=after, limit=size
            )

        for row in csv_table.pages(self._visit, read):
            yield (
                row["number"], row["client_name"], row["legal_entity"], row["region"],
                row["system"], row["kept"], row["kind"], row["key"], " ".join(row["refs"]),
                row["unit"], row["ours"], row["theirs"], row["difference"],
                None if row["day"] is None else row["day"].isoformat(), row["whose"], row["words"],
                row["remedy"], row["team"], row["assignee"], row["first_seen_at"],
                row["last_seen_at"],
            )  # fmt: skip


#: Of the file.
HEADS: Sequence[str] = (
    "Engagement", "Client", "Entity", "Region", "System", "Record", "Difference", "Our record",
    "Records there", "Unit", "Ours", "There", "Apart", "Day", "Whose", "What differs", "Remedy",
    "Owner team", "Given to", "First seen (UTC)", "Last seen (UTC)",
)  # fmt: skip


def _row(visit: Visit, row: Mapping[str, Any]) -> Row:
    kind, tone = KINDS[row["kind"]]
    return Row(
        id=str(row["id"]),
        client=row["client_name"],
        number=row["number"],
        name=row["name"],
        kept=KEPT[row["kept"]],
        kind=kind,
        tone=tone,
        system=row["system"],
        what=row["words"],
        ours=_side(row["ours"], row["unit"]),
        theirs=_side(row["theirs"], row["unit"]),
        difference=quantity(row["difference"], row["unit"], sign=True),
        owner=owner_of(visit, row),
        since=row["first_seen_at"],
    )


def owner_of(visit: Visit, row: Mapping[str, Any]) -> str:
    """Whom the exception about it was given to, else its team; what became of it."""
    if row["exception_id"] is None:
        return "nobody was asked yet"
    if row["asked"] != "open":
        by = name_of(visit, row["resolved_by"]) if row["resolved_by"] else ""
        return ", ".join(filter(None, [deeds.done(row["resolution"]), by]))
    return name_of(visit, row["assignee"]) if row["assignee"] else words(row["team"])


def _side(value: Decimal | None, unit: str) -> str | None:
    return None if value is None else quantity(value, unit)


def _known(given: Mapping[str, str]) -> dict[str, str]:
    """What stands for nothing is left out, so that the address tells what is shown."""
    allowed: Mapping[str, Sequence[str]] = {
        "kept": tuple(KEPT),
        "kind": tuple(map(str, DiscrepancyKind)),
        "age": tuple(AGES),
        "sort": (NEWEST,),
    }
    return {n: v for n, v in given.items() if n not in allowed or v in allowed[n]}


def _after(text: str) -> tuple[str, str] | None:
    """Null also for what we did not write: the list begins anew."""
    found = addresses.read_timed(text, 2)
    if found is None:
        return None
    at, id = found
    try:
        return at, str(UUID(id))
    except ValueError:
        return None


def _shown(name: str, value: str) -> str:
    match name:
        case "kept":
            return KEPT[value]
        case "kind":
            return KINDS[value][0]
        case "age":
            return f"Older than {AGE_WORDS[value].lower()}"
        case "q":
            return f"“{value}”"
        case _:
            return value
