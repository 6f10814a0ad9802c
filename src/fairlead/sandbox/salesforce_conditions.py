"""Whether a record fits a SOQL condition, and in which order records come."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from fairlead.sandbox.salesforce_soql import (
    Asks,
    Both,
    Comparison,
    Condition,
    Either,
    Not,
    Order,
    Query,
)

#: The value of a field path in one record, as Python compares it.
Value = Callable[[str], Any]
#: The values that a semi-join's query finds.
Inner = Callable[[Query], Sequence[Any]]


def holds(
    condition: Condition | None, value: Value, inner: Inner, constant: Callable[[str, Any], Any]
) -> bool:
    """Whether a record fits. `constant` gives a literal as the field at a path compares it."""
    match condition:
        case None:
            return True
        case Not(part):
            return not holds(part, value, inner, constant)
        case Both(parts):
            return all(holds(part, value, inner, constant) for part in parts)
        case Either(parts):
            return any(holds(part, value, inner, constant) for part in parts)
        case Asks(path, "IN" | "NOT IN" as operator, wanted):
            if isinstance(wanted, Query):
                values = inner(wanted)
            else:
                literals = wanted if isinstance(wanted, tuple) else (wanted,)
                values = [constant(path, literal) for literal in literals]
            among = _folded(value(path)) in [_folded(one) for one in values]
            return among if operator == "IN" else not among
        case Asks(path, operator, wanted):
            return _compare(_folded(value(path)), operator, _folded(constant(path, wanted)))


def _compare(found: Any, operator: Comparison, wanted: Any) -> bool:
    match operator:
        case "=":
            return found == wanted
        case "!=":
            return found != wanted
        case "LIKE":
            return found is not None and _like(str(wanted)).fullmatch(str(found)) is not None
        case _:
            if found is None or wanted is None:
                return False
            ordered = {"<": found < wanted, "<=": found <= wanted}
            ordered |= {">": found > wanted, ">=": found >= wanted}
            return ordered[operator]


def _folded(value: Any) -> Any:
    """Text compares without regard to case; an empty text is no text."""
    return (value.casefold() or None) if isinstance(value, str) else value


def _like(pattern: str) -> re.Pattern[str]:
    parts = {"%": ".*", "_": "."}
    return re.compile("".join(parts.get(c, re.escape(c)) for c in pattern), re.DOTALL)


def in_order(
    records: list[Mapping[str, Any]],
    order: Sequence[Order],
    value: Callable[[Mapping[str, Any], str], Any],
) -> list[Mapping[str, Any]]:
    """Sorted as ORDER BY says; nulls come first unless it says otherwise."""

    def compare(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
        for rule in order:
            a, b = _folded(value(one, rule.path)), _folded(value(other, rule.path))
            if a == b:
                continue
            if a is None or b is None:
                return (1 if a is None else -1) * (1 if rule.nulls_last else -1)
            return (1 if a > b else -1) * (-1 if rule.descending else 1)
        return 0

    return sorted(records, key=cmp_to_key(compare)) if order else records
