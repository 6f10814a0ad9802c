"""What we need from a CRM."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef, Value


class OpportunityChanged(Value):
    """Word that an opportunity may have changed; what it now says must be read."""

    opportunity: str  #: its id in the CRM
    revision: str  #: of the change; the same change always has the same
    at: datetime  #: UTC


class ChangePage(Value):
    changes: tuple[OpportunityChanged, ...]
    next_cursor: str | None  #: null: this was the last page of a complete pass
    watermark: datetime  #: UTC; once the pass is complete, the next one starts here


class Crm(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None:
        """Answer whether the system can be reached and lets us in; the cheapest call it has."""
        ...

    def opportunity(self, id: str) -> Opportunity | None:
        """Everything a handoff needs of one deal, read as one. None: there is no such deal."""
        ...

    def changed_since(self, since: datetime, cursor: str | None = None) -> ChangePage:
        """Opportunities changed at or after `since`, oldest first, a page at a time: the won, and
        those that are far enough along to be of interest, as the system's settings say (F002).

        `since` overlaps on purpose: a change is told again rather than missed.
        """
        ...

    def report_engagement(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef:
        """Write the engagement's number and state back on the deal. Says the same when repeated."""
        ...

    def find_reported(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef | None:
        """The deal, if it already shows this number and state."""
        ...
