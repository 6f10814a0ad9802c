"""Names and words that every tab of an engagement uses."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.errors import NotFound
from fairlead.trust.principals import People
from fairlead.web.facts import CODES as CODES
from fairlead.web.facts import money_of as money_of
from fairlead.web.formats import Tone
from fairlead.web.visit import Visit

#: An engagement's state in words, and its tone where nothing waits.
STATES: Mapping[str, tuple[str, Tone]] = {
    "in_review": ("In review", "run"),
    "received": ("Received", "run"),
    "in_setup": ("In set-up", "run"),
    "awaiting_launch": ("Awaiting launch", "warn"),
    "launched": ("Launched", "ok"),
    "declined": ("Declined", "bad"),
    "cancelled": ("Cancelled", "idle"),
}

_COSTS = ("cost", "margin")


def tells_costs(text: str) -> bool:
    """Words that only holders of `costs.read` may see."""
    return any(word in text.casefold() for word in _COSTS)


def person_words(people: People, id: str) -> str:
    """The name of a person; of one who is in the list no more, the id."""
    try:
        return people.person(id).name
    except NotFound:
        return id


def actor_words(people: People, actor: str) -> str:
    """`person:…`, `client:…`, `system:…` or `fairlead`, as in the log."""
    kind, _, id = actor.partition(":")
    if kind == "client":
        return f"{id} (client)"
    if kind == "person":
        return person_words(people, id)
    return id if id else "Fairlead"


def calendar_of(visit: Visit, region: str | None, country: str | None) -> BusinessCalendar:
    return visit.parts.calendars.of(region=region, country=country)
