"""The year as it goes on: who works on what, what was told to the model, and what was counted."""

from __future__ import annotations

import calendar
import random
import sys
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.cli.demo_deals import Deal
from fairlead.cli.demo_people import PROGRAM as PROGRAM
from fairlead.cli.demo_people import READER as READER
from year_check import Checks
from year_firm import Callers, Kind, Stage
from year_model import Account, Item

FINANCE, OTHER_FINANCE, CONTROLLER = "tomasz.wojcik", "nia.cole", "hanna.lindqvist"
RESOURCES, LEAD, SALES = "wei.chen", "ines.moreau", "pia.novak"
SECOND_WORDS = ("ines.moreau", "dwayne.carter")  #: who agrees to what is large
#: Who approves, by region; whoever asked for a correction is never the one who approves it.
APPROVERS = {
    "EMEA": ("lea.fontaine", "ines.moreau"),
    "APAC": ("kai.ong", "ines.moreau"),
    "AMER": ("amy.reed", "dwayne.carter"),
}
OWN = (0, 1, 2)  #: numbers of people who enter their own work, on the first engagements
_PLACES = {"JPY": 0}


@dataclass
class Engagement:
    """One of them, with who works on it and its books in the model."""

    id: str
    number: str
    kind: Kind
    deal: Deal
    account: Account
    team: list[tuple[str, str]]  #: resource and role
    budget_rate: Decimal  #: of its template, by which a price without roles buys hours
    tasks: list[tuple[str, date, date]] = field(default_factory=list[tuple[str, date, date]])

    def task(self, day: date) -> str:
        """A work package whose days these are."""
        return next(code for code, first, last in self.tasks if first <= day <= last)


class Year:
    def __init__(
        self, stage: Stage, callers: Callers, checks: Checks, people: int, months: int, seed: int,
        postings: bool,
    ) -> None:  # fmt: skip
        self.stage, self.callers, self.checks = stage, callers, checks
        self.people, self.postings = people, postings
        self.random = random.Random(seed)
        self.counted: Counter[str] = Counter()
        self.phases: dict[str, float] = {}
        self.months_cpu_s: dict[str, dict[str, float]] = {}  #: by month and phase
        self.last = datetime.now(UTC).date().replace(day=1) - timedelta(days=1)
        self.months = _months(self.last, months)
        self.first = self.months[0]
        self.ends_on = self.first.replace(year=self.first.year + 1) - timedelta(days=1)
        self.engagements: list[Engagement] = []
        self.expected: dict[str, tuple[Engagement, Item]] = {}  #: narrative → what it stands for
        self.posted: dict[str, dict[str, Any]] = {}  #: documents that the ledgers have posted

    @contextmanager
    def phase(self, name: str, month: str) -> Generator[None]:
        """Measure what goes on; a line on standard error says how far the year is."""
        begun, before = time.perf_counter(), self.stage.cpu_s()
        yield
        took = time.perf_counter() - begun
        cpu = {who: round(s - before[who], 1) for who, s in self.stage.cpu_s().items()}
        self.phases[name] = self.phases.get(name, 0) + took
        spent = self.months_cpu_s.setdefault(month, {})
        spent[name] = round(spent.get(name, 0) + sum(cpu.values()), 1)
        print(f"{month} {name}: {took:.1f} s, CPU {cpu}", file=sys.stderr, flush=True)

    def of(self, engagement: str) -> Engagement:
        return next(one for one in self.engagements if one.id == engagement)


def places(currency: str) -> int:
    return _PLACES.get(currency, 2)


def end_of(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _months(last: date, count: int) -> list[date]:
    """First days of so many months, the last with the day `last`."""
    found = [last.replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found[::-1]
