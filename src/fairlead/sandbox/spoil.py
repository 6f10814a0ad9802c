"""Answers that are wrong on purpose. Pure: an answer goes in, a worse one comes out."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from fairlead.sandbox.faults import Rule

CAPTIVE_PORTAL = (
    b"<!DOCTYPE html><html><head><title>Sign in to this network</title></head>"
    b"<body><h1>Welcome</h1><p>Accept the terms of use to go on.</p></body></html>"
)
WRONG_SUCCESS = {
    "success": False,
    "errors": [{"code": "UNEXPECTED", "message": "The operation could not be completed."}],
}


def partial_page(body: Any, rule: Rule) -> Any:
    """Keep the first elements of the list at `at`; what counts them stays as it was."""

    def trim(found: Any) -> Any:
        if not isinstance(found, list):
            return found
        page = cast("list[Any]", found)
        return page[: rule.keep if rule.keep is not None else len(page) // 2]

    return _at(body, rule.at.split(".") if rule.at else [], trim)


def drift(body: Any, rule: Rule) -> Any:
    """Rename, remove, retype or set the field at `at`, wherever the answer has it."""
    *parents, name = rule.at.split(".")

    def change(found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        before = cast("dict[str, Any]", found)
        if rule.how == "set":
            return {**before, name: rule.to}
        if name not in before:
            return before
        match rule.how:
            case "rename":
                return {rule.to if key == name else key: value for key, value in before.items()}
            case "remove":
                return {key: value for key, value in before.items() if key != name}
            case _:
                return {**before, name: retyped(before[name])}

    return _at(body, parents, change)


def retyped(value: Any) -> Any:
    """The same value as a careless release would send it: 1200.5 as "1,200.5"."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int() | float() | Decimal():
            return f"{value:,}"
        case str():
            return [value]
        case _:
            return str(value)


def _at(body: Any, path: list[str], change: Callable[[Any], Any]) -> Any:
    """A copy of `body` in which what stands at `path` is changed."""
    if not path:
        return change(body)
    step, rest = path[0], path[1:]
    if isinstance(body, list):
        items = cast("list[Any]", body)
        return [
            _at(item, rest, change) if step in ("*", str(nr)) else item
            for nr, item in enumerate(items)
        ]
    if isinstance(body, dict):
        fields = cast("dict[str, Any]", body)
        return {
            key: _at(value, rest, change) if step in ("*", key) else value
            for key, value in fields.items()
        }
    return body
