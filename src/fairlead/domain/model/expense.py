"""Money that somebody spent for an engagement (F069)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Country, Exact, Money, Text


class Meal(StrEnum):
    BREAKFAST = "breakfast"
    LUNCH = "lunch"
    DINNER = "dinner"


class Expense(Entity):
    id: UUID
    engagement: EngagementId
    task: str | None = None
    resource: str  #: who spent it
    day: date
    category: str  #: as the firm lists them: `lodging`, `per_diem`, `mileage`…
    quantity: Exact | None = None  #: nights, kilometres or days, where the category counts
    amount: Money  #: as paid, tax included; negative: takes another back
    rate: Exact | None = None  #: of the engagement's currency per unit of the amount's, that day
    claimed: Money | None = None
    """In the engagement's currency; null while no rate is known, never of what was submitted."""
    merchant: Text = ""
    note: Text = ""
    country: Country | None = None  #: where it was spent; null: where the engagement is delivered
    hours_away: int | None = Field(default=None, ge=0, le=24)  #: of a per diem, on that day
    travel_day: bool = False  #: of a per diem: the first or last day of a journey with a night
    provided: tuple[Meal, ...] = ()  #: of a per diem: meals that somebody else paid for
    purchase_order: str | None = None  #: of a supplier's cost
    receipt: str | None = None  #: SHA-256 of the file that was kept
    billable: bool = True
    state: EntryState = EntryState.DRAFT
    source: str
    source_id: str
    reverses: UUID | None = None
    reason: Text | None = None
    version: int = 1
