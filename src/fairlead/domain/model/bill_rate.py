"""What an hour of a role, or of one person, is billed at."""

from __future__ import annotations

from datetime import date

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.values import Money, Name


class BillRate(Entity):
    """It holds until the first day of the next."""

    engagement: EngagementId
    role: Name
    resource: str = ""  #: a person's own rate; empty: whoever has the role
    valid_from: date
    per_hour: Money
    source: str
