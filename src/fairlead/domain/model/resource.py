"""People who can deliver, and when they are away, as the HR system says (F126)."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.values import Country, ExternalRef, Hours, Name, Period


class Resource(Entity):
    ref: ExternalRef
    name: Name
    email: str | None = None
    job_title: str | None = None
    roles: tuple[str, ...] = ()  #: in which they can be sold
    region: str | None = None  #: the firm's own: `EMEA`
    country: Country | None = None
    location: str | None = None
    hours_per_week: Hours
    starts_on: date | None = None
    ends_on: date | None = None
    active: bool = True


class Absence(Entity):
    resource: ExternalRef
    period: Period  #: whole days, both included
    kind: str  #: the HR system's own word
