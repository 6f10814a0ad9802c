"""A person who books time, as we keep them: by id, with whose law and calendar they work under."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from fairlead.domain.model import Entity
from fairlead.domain.values import Country, Name

#: Of a person: as people.yaml or the HR system's record says.
ResourceId = Annotated[str, Field(min_length=1, max_length=200)]


class ResourceRecord(Entity):
    """`domain.model.resource.Resource` is what the HR system says; this is who may book."""

    id: ResourceId
    name: Name
    email: str | None = Field(default=None, max_length=320)
    region: str | None = None
    country: Country | None = None  #: whose holidays and working-time law
    calendar: str | None = None  #: of firm.yaml; null: by country, then region
    legal_entity: str | None = None  #: of ours, that employs them
    minutes_per_week: int = Field(default=2400, ge=0, le=10_080)  #: contracted
    manager: str | None = None  #: a resource's id
    roles: tuple[str, ...] = ()  #: labour categories in which they can be booked
    starts_on: date | None = None  #: first day of employment
    ends_on: date | None = None  #: last day of employment
    source: str
    version: int = 1
