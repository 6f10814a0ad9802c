"""Values as Tryton's JSON has them: dates, amounts and durations are objects that name a class.

Ours are plain: an amount is a `Decimal`, a date its ISO 8601 text, a duration `Decimal` seconds,
an instant ISO 8601 text in UTC, in which Tryton keeps its own.
https://code.tryton.org/tryton/commit/44edc21632c6
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType, cast

#: A quantity: Tryton keeps those as binary numbers, and takes them bare.
Quantity = NewType("Quantity", float)


def outward(value: Any) -> Any:
    """Decimals, dates, instants and durations, at any depth, as Tryton reads them."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": format(value, "f")}
        case datetime():
            at = value.astimezone(UTC)
            parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
            return {"__class__": "datetime", **{part: getattr(at, part) for part in parts}}
        case date():
            parts = ("year", "month", "day")
            return {"__class__": "date", **{part: getattr(value, part) for part in parts}}
        case timedelta():
            return {"__class__": "timedelta", "seconds": value.total_seconds()}
        case Mapping():
            known = cast("Mapping[str, Any]", value)
            return {name: outward(one) for name, one in known.items()}
        case list() | tuple():
            return [outward(one) for one in cast("Sequence[Any]", value)]
        case _:
            return value


def inward(value: Any) -> Any:
    """What Tryton says, in plain values. Raises `ValueError` for an object we cannot read."""
    if isinstance(value, list):
        return [inward(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    known = cast("dict[str, Any]", value)
    try:
        match known.get("__class__"):
            case None:
                return {name: inward(one) for name, one in known.items()}
            case "Decimal":
                return Decimal(str(known["decimal"]))
            case "date":
                return date(known["year"], known["month"], known["day"]).isoformat()
            case "datetime":
                return _instant(known).isoformat()
            case "timedelta":
                return Decimal(str(known["seconds"]))
            case _:
                return known
    except (KeyError, TypeError, ArithmeticError) as bad:
        raise ValueError(f"{known.get('__class__')} is not of the documented shape") from bad


def _instant(known: Mapping[str, Any]) -> datetime:
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return datetime(*(int(known[part]) for part in parts), tzinfo=UTC)
