"""People whom a deal needs, by role; a person is chosen later."""

from __future__ import annotations

from fairlead.domain.values import Hours, Money, Name, Value


class RoleDemand(Value):
    role: Name
    hours: Hours
    rate: Money | None = None  #: sold price per hour
    location: str | None = None
