"""An expense as a project system keeps it, in its own names."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Money, Name, Text


class RecordedExpense(Entity):
    """Null where the system says nothing of it."""

    ref: ExternalRef
    project: ExternalRef
    person: Name
    email: str | None = None
    day: date
    amount: Money  #: as that system keeps it, in the currency that it names
    category: Text = ""
    note: Text = ""
