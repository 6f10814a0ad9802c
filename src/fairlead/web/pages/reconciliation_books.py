"""The lists beside the differences: when what was compared last with which counts and sums, and a
month's approved work against what the ledger has taken, by engagement and, for payroll, by person.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from fairlead.domain.rules.period import month_of
from fairlead.domain.rules.project_setup import add_months
from fairlead.store import reconciliation_views, work_books
from fairlead.store.database import Tx
from fairlead.store.reconciliation_views import comparison_key
from fairlead.web import addresses, csv_table
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.formats import words
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.reconciliation_words import KEPT, PATH, quantity
from fairlead.web.pages.revenue_list import month_in, month_words
from fairlead.web.visit import Visit


@dataclass(frozen=True)
class Compared:
    """The last comparison of one kind of record of an engagement."""

    number: str
    client: str
    name: str
    kept: str
    system: str
    ours: int
    theirs: int
    our_sum: str
    their_sum: str
    apart: str | None  #: the sums; null: they agree
    differences: int
    href: str  #: of the differences
    at: datetime


class Comparisons(Listing[tuple[str, str, str, str]]):
    """Those that were compared longest ago first. The whole page asks one query."""

    def __init__(self, visit: Visit) -> None:
        given = {n: visit.query(n, longest=100) for n in ("kept", "system", "engagement")}
        kinds = tuple(KEPT)
        found = {n: v for n, v in given.items() if v and (n != "kept" or v in kinds)}
        end = addresses.read_timed(cursor_of(visit), 4)
        after = (end[0], end[1], end[2], end[3]) if end else None
        super().__init__(visit, Address(f"{PATH}/comparisons", found), after)

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return reconciliation_views.comparisons(
            self._visit.tx, sees(self._visit), **self.address.set, after=self._after, limit=limit
        )

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(comparison_key(row))

    @property
    def rows(self) -> tuple[Compared, ...]:
        return tuple(_compared(row) for row in self._rows)

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(n, KEPT[v] if n == "kept" else v, self.address.but(**{n: None}))
            for n, v in self.address.set.items()
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        if "kept" in self.address.set:
            return ()
        kinds = (Option(label, self.address.but(kept=name)) for name, label in KEPT.items())
        return (Picker("Record", tuple(kinds)),)


def _compared(row: Mapping[str, Any]) -> Compared:
    unit, apart = row["unit"], row["their_sum"] - row["our_sum"]
    where = {"kept": row["kept"], "system": row["system"], "engagement": row["number"]}
    return Compared(
        number=row["number"],
        client=row["client_name"],
        name=row["name"],
        kept=KEPT[row["kept"]],
        system=row["system"],
        ours=row["ours"],
        theirs=row["theirs"],
        our_sum=quantity(row["our_sum"], unit),
        their_sum=quantity(row["their_sum"], unit),
        apart=quantity(apart, unit, sign=True) if apart else None,
        differences=row["discrepancies"],
        href=Address(PATH, where).here,
        at=row["compared_at"],
    )


class _OfMonth(Listing[str]):
    """A list of one month, which the address names as `2026-11`; else it is this month."""

    def __init__(self, visit: Visit, path: str, *names: str) -> None:
        this = month_of(visit.clock.today)
        self.month = month_in(visit.query("month", longest=7)) or this
        found = {name: value for name in names if (value := visit.query(name, longest=40))}
        if self.month != this:
            found["month"] = f"{self.month:%Y-%m}"
        super().__init__(visit, Address(path, found), cursor_of(visit) or None)

    @abstractmethod
    def _page(self, tx: Tx, after: str | None, limit: int) -> list[Mapping[str, Any]]: ...

    def _read(self, limit: int) -> list[Mapping[str, Any]]:
        return self._page(self._visit.tx, self._after, limit)

    def _every(self) -> Iterator[Mapping[str, Any]]:
        """Every row that fits, for a CSV file."""

        def read(tx: Tx, last: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
            after = None if last is None else self._ends(last)
            return self._page(tx, after, csv_table.page_size())

        return csv_table.pages(self._visit, read)

    @property
    def month_words(self) -> str:
        return month_words(self.month)

    @property
    def months(self) -> tuple[tuple[str, str, int | None, bool], ...]:
        """The month before, this one, and the one after it."""
        found = (add_months(self.month, by) for by in (-1, 0, 1))
        return tuple(
            (
                month_words(one),
                self.address.but(month=f"{one:%Y-%m}"),
                None,
                one == self.month,
            )
            for one in found
        )


@dataclass(frozen=True)
class Worked:
    """A month of one engagement."""

    number: str
    entries: tuple[int, int]  #: approved, taken by the ledger
    hours: tuple[str, str]
    expenses: tuple[int, int]
    amounts: tuple[str, str]
    without_receipt: int
    agrees: bool


class Work(_OfMonth):
    """Approved time and expenses against what the ledger confirmed, by engagement."""

    heads: Sequence[str] = (
        "Engagement", "Month", "Entries", "Entries in the ledger", "Hours", "Hours in the ledger",
        "Expenses", "Expenses in the ledger", "Currency", "Claimed", "In the ledger",
        "Without receipt",
    )  # fmt: skip

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, f"{PATH}/work", "differing", "engagement")
        self.differing = self.address.set.get("differing") == "yes"

    def _page(self, tx: Tx, after: str | None, limit: int) -> list[Mapping[str, Any]]:
        scope = sees(self._visit)
        return work_books.work(
            tx, self.month, engagement=self.address.set.get("engagement"),
            differing=self.differing, regions=scope.regions, entities=scope.entities,
            after=after, limit=limit,
        )  # fmt: skip

    def _ends(self, row: Mapping[str, Any]) -> str:
        return row["engagement_id"]

    @property
    def rows(self) -> tuple[Worked, ...]:
        return tuple(_worked(row) for row in self._rows)

    @property
    def which(self) -> tuple[tuple[str, str, int | None, bool], ...]:
        return (
            ("All", self.address.but(differing=None), None, not self.differing),
            ("Differing", self.address.but(differing="yes"), None, self.differing),
        )

    def file(self) -> Iterator[Sequence[Cell]]:
        for row in self._every():
            yield (
                row["number"], f"{self.month:%Y-%m}", row["entries"], row["booked_entries"],
                _hours(row["minutes"]), _hours(row["booked_minutes"]), row["expenses"],
                row["booked_expenses"], row["currency"], row["claimed"], row["booked"],
                row["without_receipt"],
            )  # fmt: skip


def _worked(row: Mapping[str, Any]) -> Worked:
    entries = (row["entries"], row["booked_entries"])
    expenses = (row["expenses"], row["booked_expenses"])
    return Worked(
        number=row["number"],
        entries=entries,
        hours=(_shown(row["minutes"]), _shown(row["booked_minutes"])),
        expenses=expenses,
        amounts=(
            quantity(row["claimed"], row["currency"]),
            quantity(row["booked"], row["currency"]),
        ),
        without_receipt=row["without_receipt"],
        agrees=entries[0] == entries[1] and expenses[0] == expenses[1],
    )


@dataclass(frozen=True)
class Paid:
    """A month of one person and kind of time."""

    name: str
    employer: str | None
    kind: str
    approved: str
    booked: str
    apart: str | None  #: null: the ledger has taken all
    sent: str | None  #: held and approved by payroll; null: nothing was sent


class Payroll(_OfMonth):
    """Approved hours for payroll, less what was taken back, against what the ledger confirmed."""

    heads: Sequence[str] = (
        "Person", "Name", "Employer", "Month", "Kind", "Approved hours", "Hours in the ledger",
        "Hours at payroll",
    )  # fmt: skip

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit, f"{PATH}/payroll", "employer")

    def _page(self, tx: Tx, after: str | None, limit: int) -> list[Mapping[str, Any]]:
        scope = sees(self._visit)
        return work_books.hours(
            tx, self.month, employer=self.address.set.get("employer"), regions=scope.regions,
            entities=scope.entities, after=after, limit=limit,
        )  # fmt: skip

    def _ends(self, row: Mapping[str, Any]) -> str:
        """As `store.work_books.hours` sorts."""
        return f"{row['resource']}/{row['category']}"

    @property
    def rows(self) -> tuple[Paid, ...]:
        return tuple(_paid(row) for row in self._rows)

    @property
    def chips(self) -> tuple[Chip, ...]:
        employer = self.address.set.get("employer")
        return (
            () if not employer else (Chip("employer", employer, self.address.but(employer=None)),)
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        if self.chips:
            return ()
        codes = [one.code for one in self._visit.parts.firm.legal_entities]
        options = (Option(code, self.address.but(employer=code)) for code in codes)
        return (Picker("Employer", tuple(options)),)

    def file(self) -> Iterator[Sequence[Cell]]:
        for row in self._every():
            yield (
                row["resource"], row["name"], row["employer"], f"{self.month:%Y-%m}",
                row["category"], _hours(row["approved"]), _hours(row["booked"]),
                _hours(row["sent"]),
            )  # fmt: skip


def _paid(row: Mapping[str, Any]) -> Paid:
    apart = row["booked"] - row["approved"]
    return Paid(
        name=row["name"] or row["resource"],
        employer=row["employer"],
        kind=words(row["category"]),
        approved=_shown(row["approved"]),
        booked=_shown(row["booked"]),
        apart=quantity(_hours(apart), "hour", sign=True) if apart else None,
        sent=_shown(row["sent"]) if row["sent"] else None,
    )


def _hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"))


def _shown(minutes: int) -> str:
    return quantity(_hours(minutes), "hour")
