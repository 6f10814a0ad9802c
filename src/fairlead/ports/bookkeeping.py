"""What we need from an ERP to book time, expenses and revenue on a project."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.posting import (
    BookedRevenue,
    BookedTime,
    ExpensePosting,
    RevenuePosting,
    TimePosting,
)
from fairlead.domain.values import ExternalRef


class Bookkeeping(Protocol):
    """See `fairlead.ports` for what every port promises; amounts that take back are negative."""

    def ping(self) -> None: ...

    def book_time(
        self, posting: TimePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef: ...

    def find_time(self, key: EffectKey) -> ExternalRef | None: ...

    def book_expense(
        self, posting: ExpensePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef: ...

    def find_expense(self, key: EffectKey) -> ExternalRef | None: ...

    def book_revenue(
        self, posting: RevenuePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """A balanced journal entry in the project's company and currency."""
        ...

    def find_revenue(self, key: EffectKey) -> ExternalRef | None: ...

    def booked_revenue(self, journals: Sequence[ExternalRef]) -> Sequence[BookedRevenue]:
        """These journals as they are now. One that is no more is left out."""
        ...

    def booked_time(self, project: ExternalRef, start: date, end: date) -> Sequence[BookedTime]:
        """All time on a project in these days, both included; all pages."""
        ...
