"""What we need from an HR system."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from fairlead.domain.model.resource import Absence, Resource


class People(Protocol):
    """See `fairlead.ports` for what every port promises. It only reads."""

    def ping(self) -> None: ...

    def resources(self) -> Sequence[Resource]:
        """Everybody at work or about to be; all pages."""
        ...

    def absences(self, start: date, end: date) -> Sequence[Absence]:
        """Approved time off that touches these days, both included; all pages."""
        ...
