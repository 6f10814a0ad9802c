"""Time as a project system recorded it, in its own names."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Name, Text, Utc


class RecordedTime(Entity):
    """Null where the system says nothing of it."""

    ref: ExternalRef
    project: ExternalRef
    project_name: Name  #: as it is there, perhaps with our code before it
    task_name: Name | None = None
    person: Name
    email: str | None = None
    role: Name | None = None  #: labour category
    day: date
    minutes: int = Field(ge=0)  #: of that day; zero: somebody took them away
    billable: bool | None = None
    narrative: Text = ""
    changed_at: Utc


class KeptTime(Entity):
    """An entry that a project system keeps, and how far it is there."""

    entry: RecordedTime
    approved: bool
    """Its timesheet was approved there, or its project needs no approval there."""
