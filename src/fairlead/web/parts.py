"""What the pages are made of. `bootstrap` puts it together; nothing here is looked up elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from fairlead.capabilities.handoff.firm import Calendars, Firm
from fairlead.config import Systems
from fairlead.store.database import Database, Tx
from fairlead.trust.principals import People, Person
from fairlead.work.exceptions import Exceptions


class CancelRun(Protocol):
    def __call__(self, tx: Tx, run_id: str, /, *, by: str, reason: str) -> None:
        """End a run and take back what it did outside. Raises `NotFound`, `IllegalMove`."""
        ...


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WebParts:
    db: Database
    people: People
    systems: Systems
    exceptions: Exceptions
    cancel_run: CancelRun
    firm: Firm
    calendars: Calendars
    origin: str | None = None
    """Where people reach the pages, such as `https://fairlead.example`, without a path. Null:
    from this machine only, over plain HTTP."""
    now: Callable[[], datetime] = _now  #: UTC

    def zone_of(self, person: Person) -> ZoneInfo:
        """Of the calendar that is set for the person, else of their region where they have one,
        else of the firm's first calendar."""
        for calendar in self.firm.calendars:
            if calendar.name == person.calendar:
                return ZoneInfo(calendar.zone)
        regions = person.regions or frozenset[str]()
        region = next(iter(regions)) if len(regions) == 1 else None
        return ZoneInfo(self.calendars.of(region=region, country=None).zone)
