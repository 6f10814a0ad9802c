"""A demand for people that the resource manager fills."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.values import Hours, Money, Name


class StaffingRequest(Entity):
    code: str  #: ours, unique: the project's code, the role and a number
    role: Name
    hours: Hours
    starts_on: date
    ends_on: date
    location: str | None = None
    rate: Money | None = None  #: sold price per hour
