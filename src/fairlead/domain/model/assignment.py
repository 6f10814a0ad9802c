"""Who may book on an engagement, as what, and from when to when."""

from __future__ import annotations

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.values import Name, Period


class Assignment(Entity):
    id: str
    engagement: EngagementId
    resource: str
    role: Name  #: the labour category that they are booked and billed in
    task: str | None = None  #: code of a work package; null: any
    period: Period
    minutes: int | None = Field(default=None, ge=0)  #: planned in all; null: not limited
    source: str
    version: int = 1
