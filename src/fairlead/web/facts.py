"""Values of records in words, and as facts under their labels. Pure.

What it takes is JSON, as tasks (`shown`), exceptions and differences keep it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from fairlead.domain.values import Money
from fairlead.web import formats


@dataclass(frozen=True)
class Fact:
    label: str
    text: str = ""
    money: Money | None = None


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

_NO_FACTS = frozenset({"packet", "version", "difference", "engagement"})
#: What comes first, in this order; the database keeps none.
_FIRST = ("name", "client", "value", "starts_on", "ends_on", "contract", "project_code")


def facts_of(facts: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What an answer is about, the usual first."""
    names = [name for name in _FIRST if name in facts]
    names += sorted(facts.keys() - set(names) - _NO_FACTS)
    return tuple(fact(field_words(name), facts[name]) for name in names)


def fact(label: str, value: Any) -> Fact:
    """One value under its label."""
    amount = money_in(value)
    return Fact(label, money=amount) if amount is not None else Fact(label, shown(value))


def shown(value: Any) -> str:
    """A value of any kind in words."""
    if value in (None, "", [], {}):
        return "none yet"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if (day := day_in(value)) is not None:
        return f"{day.day} {formats.MONTHS[day.month - 1]} {day.year}"
    if (amount := money_in(value)) is not None:
        return formats.money_text(amount, cents=True)
    if entries := mapping(value):
        said = {name: one for name, one in entries.items() if one is not None}
        return ", ".join(
            f"{formats.words(name).lower()} {shown(one)}" for name, one in said.items()
        )
    if isinstance(value, list | tuple):
        return "; ".join(shown(one) for one in cast("Sequence[Any]", value))
    return str(value)


def code(port: str) -> str:
    """`ledger` → `ERP`."""
    return CODES.get(port, port.upper())


def field_words(path: str) -> str:
    """`project.ends_on` → `Project ends`; what is of the deal goes without saying."""
    plain = path.removeprefix("deal.").removesuffix("_on")
    return formats.words(plain.replace(".", " "))


def money_of(row: Mapping[str, Any], amount: str = "amount") -> Money | None:
    """Of two columns of a row; null where either is."""
    if row[amount] is None or row["currency"] is None:
        return None
    return Money(amount=row[amount], currency=row["currency"])


def money_in(value: Any) -> Money | None:
    entries = mapping(value)
    if set(entries) != {"amount", "currency"}:
        return None
    try:
        return Money(amount=Decimal(str(entries["amount"])), currency=str(entries["currency"]))
    except (InvalidOperation, ValueError):
        return None


def day_in(value: Any) -> date | None:
    if not (isinstance(value, str) and len(value) == 10):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def mapping(value: Any) -> Mapping[str, Any]:
    """Nothing where it is none."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
