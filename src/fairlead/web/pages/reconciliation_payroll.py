"""What payroll holds and has paid of a month, beside the hours that were sent there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fairlead.domain.model.discrepancy import Kept
from fairlead.store import payroll_views
from fairlead.web.formats import Tone
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.reconciliation_books import Payroll
from fairlead.web.pages.reconciliation_words import KINDS, quantity
from fairlead.web.visit import Visit

_MOST = 50
_WHAT: Mapping[str, str] = {Kept.PAYROLL: "Held", Kept.PAID: "Paid"}


@dataclass(frozen=True)
class Compared:
    """The last comparison of a company's month with its payroll."""

    employer: str
    what: str
    system: str
    ours: int
    theirs: int
    our_hours: str
    their_hours: str
    apart: str | None  #: the sums; null: they agree
    differences: int
    at: datetime


@dataclass(frozen=True)
class Difference:
    """Of one person and kind of pay."""

    whose: str
    employer: str
    what: str
    kind: str
    tone: Tone
    words: str
    ours: str | None
    theirs: str | None
    remedy: str
    since: datetime


class AtPayroll:
    """Of the month and employer that the list shows. Two queries."""

    def __init__(self, visit: Visit, of: Payroll) -> None:
        self._visit, self._of = visit, of

    @property
    def _asked(self) -> dict[str, Any]:
        employer = self._of.address.set.get("employer")
        first = {"at": None, "id": None, "limit": _MOST + 1}
        return {**first, "month": self._of.month, "employer": employer}

    @cached_property
    def comparisons(self) -> tuple[Compared, ...]:
        scope = sees(self._visit).values()
        rows = payroll_views.comparisons(self._visit.tx, scope, **self._asked)
        return tuple(_compared(row) for row in rows)

    @cached_property
    def _differing(self) -> list[dict[str, Any]]:
        scope = sees(self._visit).values()
        return payroll_views.discrepancies(self._visit.tx, scope, **self._asked)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Oldest first."""
        return tuple(_difference(row) for row in self._differing[:_MOST])

    @property
    def more(self) -> bool:
        return len(self._differing) > _MOST


def _compared(row: Mapping[str, Any]) -> Compared:
    apart = row["their_sum"] - row["our_sum"]
    return Compared(
        employer=row["employer"],
        what=_WHAT[row["kept"]],
        system=row["system"],
        ours=row["ours"],
        theirs=row["theirs"],
        our_hours=quantity(row["our_sum"], "hour"),
        their_hours=quantity(row["their_sum"], "hour"),
        apart=quantity(apart, "hour", sign=True) if apart else None,
        differences=row["discrepancies"],
        at=row["compared_at"],
    )


def _difference(row: Mapping[str, Any]) -> Difference:
    kind, tone = KINDS[row["kind"]]
    return Difference(
        whose=row["whose"] or row["key"],
        employer=row["employer"],
        what=_WHAT[row["kept"]],
        kind=kind,
        tone=tone,
        words=row["words"],
        ours=None if row["ours"] is None else quantity(row["ours"], "hour"),
        theirs=None if row["theirs"] is None else quantity(row["theirs"], "hour"),
        remedy=row["remedy"],
        since=row["first_seen_at"],
    )
