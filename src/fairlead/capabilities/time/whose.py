"""Whose time and expenses somebody enters: the resource that a signed-in person is."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.errors import NotAllowed
from fairlead.store import resources
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting


def resource_of(tx: Tx, acting: Acting) -> ResourceRecord:
    """By the person's id, else by their address, where one resource alone has it.

    Raises `NotAllowed` for somebody who books no time, and for a program.
    """
    if acting.person is not None:
        same = resources.like(tx, [acting.id], [acting.person.email])
        if found := next((one for one in same if one.id == acting.id), None):
            return found
        if len(same) == 1:
            return same[0]
    raise NotAllowed(
        f"{acting.id} is not among the people who book time; resource management adds people."
    )


def calendar_of(
    calendars: Calendars, *, name: str | None, region: str | None, country: str | None
) -> BusinessCalendar:
    """Their own by name, where it is one of the firm's; else that of country and region."""
    own = calendars.named(name) if name else None
    return own or calendars.of(region=region, country=country)


def local_day(moment: datetime, who: ResourceRecord, calendars: Calendars) -> date:
    """Which day it is where a person works."""
    calendar = calendar_of(calendars, name=who.calendar, region=who.region, country=who.country)
    return moment.astimezone(ZoneInfo(calendar.zone)).date()
