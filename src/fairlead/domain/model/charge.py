"""A fee that the contract makes due by date: an instalment, a recurring fee, a retainer."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.values import Money, Name, Period


class ChargeKind(StrEnum):
    SCHEDULED = "scheduled"  #: due once, on a day
    RECURRING = "recurring"  #: for a period of a service
    RETAINER = "retainer"  #: paid beforehand, and drawn down by work
    ADJUSTMENT = "adjustment"  #: agreed afterwards


class Charge(Entity):
    id: UUID
    engagement: EngagementId
    kind: ChargeKind
    name: Name
    due_on: date  #: from then on it may be invoiced
    period: Period | None = None  #: of the service that it pays for
    amount: Money
    clause: str | None = None
    source: str  #: the contract or change order that it comes from
