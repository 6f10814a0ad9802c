"""How values are written in a packet: the ISO code first, no date in figures only, never a dash."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, cast

from fairlead.domain.rules.deal_terms import is_blank
from fairlead.domain.values import Money

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
#: Words of our codes that are written in capitals.
_INITIALS = {"crm": "CRM", "erp": "ERP", "pmo": "PMO", "psa": "PSA"}
#: Parts of a record that name it, in this order.
_NAMES = ("name", "title", "number", "product", "role", "code", "id")


def day(value: date) -> str:
    """`28 Nov 2025`."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def hours(value: Decimal) -> str:
    """`1,200 h`, `10.5 h`."""
    return f"{_figure(value)} h"


def percent(ratio: Decimal) -> str:
    """0.19 → `19 %`."""
    return f"{_figure(ratio * 100)} %"


def exact(value: Any) -> Decimal:
    """Of a decimal that is written as text."""
    return Decimal(str(value))


def age(span: timedelta) -> str:
    """One unit: `12 min`, `14 h`, `3 d`. A clock that is behind ours makes it `0 min`."""
    if span < _HOUR:
        return f"{max(span, timedelta(0)) // timedelta(minutes=1)} min"
    return f"{span // _HOUR} h" if span < 2 * _DAY else f"{span // _DAY} d"


def plain(code: str) -> str:
    """A code of ours as words: `over_time_by_cost` → `Over time by cost`."""
    words = code.replace("_", " ").replace("-", " ").strip()
    words = " ".join(_INITIALS.get(word, word) for word in words.split(" "))
    return words[:1].upper() + words[1:]


def count(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def shown(value: Any, *, kind: str = "text") -> str:
    """A JSON value in words; empty where it says nothing.

    `kind`: of a text: `date`, `days`, `code`, `country`… What has another form is told by itself.
    """
    if is_blank(value) or value == {}:
        return ""
    if isinstance(value, Mapping):
        return _record(cast("Mapping[str, Any]", value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(shown(item) for item in cast("Sequence[Any]", value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    match kind:
        case "date":
            return day(date.fromisoformat(str(value)[:10]))
        case "days":
            return f"{value} days"
        case "code":
            return plain(str(value))
        case _:
            return str(value).strip()


def _record(value: Mapping[str, Any]) -> str:
    if set(value) == {"amount", "currency"}:
        return str(Money(amount=Decimal(str(value["amount"])), currency=value["currency"]))
    if set(value) == {"start", "end"}:
        start = day(date.fromisoformat(value["start"]))
        end = f"to {day(date.fromisoformat(value['end']))}" if value["end"] else "without an end"
        return f"{start} {end}"
    named = next((value[name] for name in _NAMES if not is_blank(value.get(name))), None)
    rest = [
        f"{plain(name).casefold()} {said}"
        for name, inner in value.items()
        if inner is not named and name not in ("ref", "text") and (said := shown(inner))
    ]
    return ", ".join([*([str(named)] if named is not None else []), *rest])


def _figure(value: Decimal) -> str:
    text = f"{value:,.2f}"
    return text.rstrip("0").rstrip(".")


def record_kind(ref: str) -> str:
    """Of a record, as another system calls it: `billingSchedule` → `billing schedule`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", ref).replace("_", " ").lower()
