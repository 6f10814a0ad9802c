"""Names and words that every tab of an engagement uses."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any, cast

from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.values import Money
from fairlead.errors import NotFound
from fairlead.trust.principals import People
from fairlead.web.formats import MONTHS, Tone, money_text, words
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

#: The short code of a port, as on every page.
CODES: Mapping[str, str] = {
    "crm": "CRM",
    "ledger": "ERP",
    "projects": "PSA",
    "people": "HRIS",
    "procurement": "PROC",
    "documents": "DOC",
    "contracts": "SIGN",
    "chat": "CHAT",
    "mail": "MAIL",
    "fairlead": "FL",
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
    """`person:…`, `system:…` or `fairlead`, as in the log."""
    kind, _, id = actor.partition(":")
    if kind == "person":
        return person_words(people, id)
    return id if id else "Fairlead"


def calendar_of(visit: Visit, region: str | None, country: str | None) -> BusinessCalendar:
    return visit.parts.calendars.of(region=region, country=country)


def money_of(row: Mapping[str, Any], amount: str = "amount") -> Money | None:
    """Of two columns; null where either is."""
    if row[amount] is None or row["currency"] is None:
        return None
    return Money(amount=row[amount], currency=row["currency"])


def value_words(value: Any) -> str:
    """A JSON value, ready to be printed; never empty."""
    match value:
        case None | "" | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case {"amount": amount, "currency": currency, **rest} if not rest:
            return money_text(Money(amount=Decimal(str(amount)), currency=currency), cents=True)
        case dict() if not value:
            return "none"
        case dict():
            pairs = cast("Mapping[str, Any]", value).items()
            return ", ".join(f"{words(name)} {value_words(inner)}" for name, inner in pairs)
        case list():
            return ", ".join(value_words(inner) for inner in cast("list[Any]", value))
        case str() if len(value) == len("2026-01-31"):
            return _day(value)
        case _:
            return str(value)


def _day(text: str) -> str:
    """A date as it is written everywhere; other text as it is."""
    with suppress(ValueError):
        found = date.fromisoformat(text)
        return f"{found.day} {MONTHS[found.month - 1]} {found.year}"
    return text
