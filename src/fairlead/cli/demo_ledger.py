"""The append-only ledgers of the sandbox's systems, read for the proof. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import unescape
from typing import Any

#: What is counted: each is told apart by a few words, such as deal and title.
Things = Counter[tuple[str, ...]]


@dataclass(frozen=True)
class Row:
    """One line of the proof."""

    system: str
    object: str
    expected: int
    found: int
    duplicates: int  #: found, but not called for: a second one, or one that nobody wanted
    missing: int

    @property
    def holds(self) -> bool:
        return not self.duplicates and not self.missing


def row(system: str, object: str, expected: Things, found: Things) -> Row:
    return Row(
        system,
        object,
        expected.total(),
        found.total(),
        duplicates=(found - expected).total(),
        missing=(expected - found).total(),
    )


@dataclass(frozen=True)
class Reading:
    """What an ERP holds of what was made there for us, in the words of our own deals.

    Where a thing is of a project, the name of that stands first.
    """

    clients: Things
    projects: Things
    parents: Things  #: and the name of the project or client that it is below
    taxes: Things  #: and the code
    closed: Things
    packages: Things  #: and the title
    schedules: Things
    lines: Things  #: one for each line of a schedule
    sums: Things  #: and the sum of the lines
    requisitions: Things  #: and role, supplier, cost


@dataclass(frozen=True)
class Billed:
    """The invoices that an ERP holds, by our reference."""

    invoices: Things
    lines: Things  #: and text and amount
    nets: Things  #: and the amount without tax
    totals: Things  #: and number, tax, amount with tax
    paid: Things  #: and how much of it is paid, where any is


#: What each ERP calls the things of a `Reading`, in its order.
NETSUITE = (
    "customer", "job", "job's parent", "job's tax code", "closed job", "projectTask",
    "billingSchedule", "billing line", "sum of the lines", "purchaseRequisition",
)  # fmt: skip
TRYTON = (
    "party", "project", "project's parent", "project's tax code", "closed project", "task",
    "billing plan (draft sale)", "its line", "sum of the lines", "purchase requisition",
)  # fmt: skip


class Ledger:
    """One system's ledger rows, read as records: those that were made there, as they are now."""

    def __init__(self, system: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = [row for row in rows if row["system"] == system]
        self._bodies = {
            (row["object"], row["id"]): row["body"]
            for row in self._rows
            if row["operation"] != "delete"
        }

    def made(self, kind: str) -> list[Mapping[str, Any]]:
        """Records that came over the system's API, also those deleted since."""
        return list(self.made_with_id(kind).values())

    def made_with_id(self, kind: str) -> dict[str, Mapping[str, Any]]:
        return {
            row["id"]: self._bodies[kind, row["id"]]
            for row in self._rows
            if row["object"] == kind and row["operation"] == "create" and _by_api(row)
        }

    def all(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Every record of a kind by its id, whoever made it."""
        return {id: body for (held, id), body in self._bodies.items() if held == kind}


def _by_api(row: Mapping[str, Any]) -> bool:
    """Not made by a person in that system, nor there from the start."""
    return bool(row["path"]) and not str(row["path"]).startswith("/_sandbox/")


def amount(value: Any) -> str:
    """To the last digit, however it is written."""
    return format(Decimal(value).normalize(), "f")


def letters(text: str) -> str:
    """What is left of a name where signs are not allowed or are written otherwise."""
    return "".join(char for char in unescape(text) if char.isalnum()).casefold()


def after_code(text: str) -> str:
    """`TH-2038 Name` without the code of the project."""
    return text.partition(" ")[2]
