"""Money that somebody spent for an engagement (F069)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Exact, Money, Text


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
    claimed: Money  #: in the engagement's currency
    merchant: Text = ""
    note: Text = ""
    receipt: str | None = None  #: SHA-256 of the file that was kept
    billable: bool = True
    state: EntryState = EntryState.DRAFT
    source: str
    source_id: str
    reverses: UUID | None = None
    reason: Text | None = None
    version: int = 1
