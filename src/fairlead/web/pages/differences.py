"""What systems say differently today: by field, amount and age (F117)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from fairlead.domain.values import Money
from fairlead.store.database import Tx
from fairlead.store.exception_board import Apart, Board, Summary, difference_key
from fairlead.web import addresses, csv_table, facts
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.formats import words
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.pages.exception_list import (
    AGE_WORDS,
    AGES,
    PATH,
)
from fairlead.web.visit import Visit

_LABELS: Mapping[str, str] = {
    "field": "Field",
    "owner": "Owner",
    "follower": "Follower",
    "rule": "Rule",
    "region": "Region",
}


@dataclass(frozen=True)
class Row:
    number: str
    client: str
    field: str
    owner: str
    owner_value: str
    follower: str
    follower_value: str
    amount: Money | None
    first_seen_at: datetime
    last_seen_at: datetime
    rule: str
    href: str  #: the exception that asks about it, else the engagement
    is_exception: bool


class DifferenceList(Listing[tuple[str, ...]]):
    heads: Sequence[str] = (
        "Engagement",
        "Client",
        "Field",
        "Owner",
        "Owner's value",
        "Follower",
        "Follower's value",
        "Currency",
        "Amount",
        "Rule",
        "Region",
        "First seen (UTC)",
        "Last seen (UTC)",
    )

    def __init__(self, visit: Visit) -> None:
        given = {name: visit.query(name, longest=100) for name in (*_LABELS, "age")}
        found = {n: v for n, v in given.items() if v and (n != "age" or v in AGES)}
        age = visit.now - AGES[found["age"]] if "age" in found else None
        self._apart = Apart(**{n: v for n, v in found.items() if n != "age"}, age=age)
        self._board = Board(visit.tx, visit.scope)
        after = addresses.read_timed(cursor_of(visit), 4)
        super().__init__(visit, Address(f"{PATH}/differences", found), after)

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return self._board.differences(self._apart, after=self._after, limit=limit)

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(difference_key(row))

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(row) for row in self._rows)

    @cached_property
    def summary(self) -> Summary:
        return self._board.differences_summary(self._apart)

    @property
    def totals(self) -> tuple[Money, ...]:
        found = (Money(amount=t.amount, currency=t.currency) for t in self.summary.totals)
        return tuple(sorted(found, key=lambda total: total.currency))

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, _shown(name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        choices, taken = self.summary.choices, self.address.set
        made = [
            Picker(
                label,
                tuple(
                    Option(_shown(name, c.name), self.address.but(**{name: c.name}), c.known)
                    for c in choices[name]
                ),
            )
            for name, label in _LABELS.items()
            if name not in taken and choices.get(name)
        ]
        if "age" not in taken:
            ages = (Option(f"{w} or more", self.address.but(age=a)) for a, w in AGE_WORDS.items())
            made.append(Picker("Age", tuple(ages)))
        return tuple(made)

    def file(self) -> Iterator[Sequence[Cell]]:
        """Every row that fits."""
        scope, apart = self._visit.scope, self._apart

        def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = None if last is None else difference_key(last)
            return Board(tx, scope).differences(apart, after=after, limit=csv_table.page_size())

        for row in csv_table.pages(self._visit, read):
            yield (
                row["number"],
                row["client_name"],
                row["field"],
                row["owner"],
                _in_file(row["owner_value"]),
                row["system"],
                _in_file(row["system_value"]),
                row["currency"],
                row["amount"],
                row["rule"],
                row["region"],
                row["first_seen_at"],
                row["last_seen_at"],
            )


def _in_file(value: Any) -> str:
    """Text as it is, so that a program reads a date as one."""
    return value if isinstance(value, str) else facts.shown(value)


def _row(row: Mapping[str, Any]) -> Row:
    amount: Decimal | None = row["amount"]
    exception = row["exception_id"]
    return Row(
        number=row["number"],
        client=row["client_name"] or row["engagement"],
        field=facts.field_words(row["field"]),
        owner=facts.code(row["owner"]),
        owner_value=facts.shown(row["owner_value"]),
        follower=facts.code(row["system"]),
        follower_value=facts.shown(row["system_value"]),
        amount=None if amount is None else Money(amount=amount, currency=row["currency"]),
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        rule="The owner's value is carried over"
        if row["rule"] == "owner_wins"
        else "A person decides",
        href=f"{PATH}/{exception}" if exception else f"/engagements/{row['number']}",
        is_exception=exception is not None,
    )


def _shown(name: str, value: str) -> str:
    if name == "age":
        return f"Older than {AGE_WORDS[value].lower()}"
    if name == "field":
        return facts.field_words(value)
    if name in ("owner", "follower"):
        return facts.code(value)
    return words(value) if name == "rule" else value
