"""What fields a record type of the NetSuite sandbox has, and how a body is held to them.

Sublists: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_1545142407.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, cast


class Invalid(Exception):
    """A body that NetSuite refuses: what it says, its code, and where in the body."""

    def __init__(self, detail: str, path: str = "", code: str = "INVALID_CONTENT") -> None:
        super().__init__(detail)
        self.detail, self.path, self.code = detail, path, code


@dataclass(frozen=True)
class Text:
    longest: int = 4000


@dataclass(frozen=True)
class Number:
    pass


@dataclass(frozen=True)
class Flag:
    pass


@dataclass(frozen=True)
class Day:
    pass


@dataclass(frozen=True)
class Duration:
    """Hours and minutes, `25:45`:
    https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_157305090645.html
    """


@dataclass(frozen=True)
class Told:
    """What NetSuite fills in, and lets nobody else write."""


@dataclass(frozen=True)
class Reference:
    """To a record of one of these types: internal ids of customers, jobs, vendors and employees
    are numbered as one, so that an id says which it is."""

    kinds: tuple[str, ...]

    def __init__(self, *kinds: str) -> None:
        object.__setattr__(self, "kinds", kinds)


@dataclass(frozen=True)
class Choice:
    """A value of a fixed list; null in `ids` where NetSuite's own list is too long to repeat."""

    ids: frozenset[str] | None = None


@dataclass(frozen=True)
class Part:
    """A subrecord."""

    fields: Mapping[str, Field]


@dataclass(frozen=True)
class Lines:
    """A sublist. Lines of a keyed one have a number in the field `key`, by which they are changed:
    https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545295601.html
    """

    fields: Mapping[str, Field]
    key: str | None = None
    offered: bool = False  #: every line is there to be chosen, such as each open invoice of a payer


Field = Text | Number | Flag | Day | Duration | Told | Reference | Choice | Part | Lines


@dataclass(frozen=True)
class RecordType:
    fields: Mapping[str, Field]
    required: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    unique: tuple[str, ...] = ()  #: fields of which no two records have the same value


_DURATION = re.compile(r"-?[0-9]{1,5}:[0-5][0-9]")
Exists = Callable[[str, str], bool]


def checked(fields: Mapping[str, Field], body: Any, exists: Exists, at: str = "") -> dict[str, Any]:
    """The body with references as `{"id": …}`. Raises `Invalid` at the first fault.

    `exists` says whether there is a record of a type with an internal id. A null empties a field.
    """
    if not isinstance(body, dict):
        raise Invalid("Invalid content in the request body. An object was expected.", at)
    found: dict[str, Any] = {}
    for name, value in cast("dict[str, Any]", body).items():
        path = f"{at}.{name}" if at else name
        if name not in fields:
            raise Invalid(f"Invalid content in the request body. Unknown property: {name}.", path)
        found[name] = None if value is None else _value(fields[name], value, exists, path)
    return found


def _value(kind: Field, value: Any, exists: Exists, path: str) -> Any:
    wrong = Invalid(
        f"Error while accessing a resource. You have entered an Invalid Field Value for the"
        f" following field: {path}",
        path,
    )
    match kind:
        case Text(longest):
            if not isinstance(value, str):
                raise wrong
            if len(value) > longest:
                why = f"The field {path} contained more than the maximum number ( {longest} )"
                raise Invalid(f"{why} of characters allowed.", path, "USER_ERROR")
        case Number():
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                raise wrong
        case Flag():
            if not isinstance(value, bool):
                raise wrong
        case Day():
            try:
                return date.fromisoformat(value).isoformat()
            except (TypeError, ValueError) as bad:
                raise wrong from bad
        case Duration():
            if not isinstance(value, str) or not _DURATION.fullmatch(value):
                raise wrong
        case Told():
            raise Invalid(f"Error while accessing a resource. {path} is read-only.", path)
        case Reference():
            id = _id(value)
            if id is None or not any(exists(target, id) for target in kind.kinds):
                raise wrong
            return {"id": id}
        case Choice(ids):
            id = _id(value)
            if id is None or (ids is not None and id not in ids):
                raise wrong
            return {"id": id}
        case Part(fields):
            return checked(fields, value, exists, path)
        case Lines(fields=fields):
            lines = cast("dict[str, Any]", value).get("items") if isinstance(value, dict) else None
            if not isinstance(lines, list):
                raise wrong
            return {
                "items": [
                    checked(fields, line, exists, f"{path}.items[{nr}]")
                    for nr, line in enumerate(cast("list[Any]", lines))
                ]
            }
    return value


def _id(value: Any) -> str | None:
    """References come as `{"id": "1"}`, `{"id": 1}`, `"1"` or `1`."""
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("id")
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return str(value)


def merged(
    record_type: RecordType, before: Mapping[str, Any], changes: Mapping[str, Any], replace: str
) -> dict[str, Any]:
    """`changes` over `before`. Lines are added to a sublist, unless `replace` names it.

    https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_1545142407.html
    """
    replaced = {name.strip().lower() for name in replace.split(",")}
    after = dict(before)
    for name, value in changes.items():
        kind = record_type.fields[name]
        if isinstance(kind, Lines) and value is not None:
            known: list[dict[str, Any]] = before.get(name, {}).get("items", [])
            known = [] if name.lower() in replaced else known
            value = {"items": _merged_lines(kind, known, value["items"])}
        after[name] = value
    return {name: value for name, value in after.items() if value is not None}


def _merged_lines(
    kind: Lines, before: list[dict[str, Any]], changes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Lines of a keyed sublist are changed by their key, all others added. Raises `Invalid`."""
    after = [dict(line) for line in before]
    for change in changes:
        key = kind.key if kind.key and change.get(kind.key) is not None and before else None
        line: dict[str, Any] | None = {}
        if key is None:
            after.append(line)
        else:
            line = next((line for line in after if line.get(key) == change[key]), None)
            if line is None and kind.offered:
                after.append(line := {})
        if line is None:
            raise Invalid(f"There is no line {change[key or '']}.", key or "", "USER_ERROR")
        for name, value in change.items():
            line[name] = _set(line.get(name), value)
    return after


def _set(before: Any, value: Any) -> Any:
    """A subrecord keeps the parts that are not named, and loses those that are emptied."""
    if not isinstance(value, dict):
        return value
    parts = {**cast("dict[str, Any]", before or {}), **cast("dict[str, Any]", value)}
    return {name: part for name, part in parts.items() if part is not None}


def numbered(lines: list[dict[str, Any]], key: str, fresh: Callable[[], int]) -> None:
    """Give each new line its number; of several default addresses, the last one set stays."""
    for line in lines:
        if line.get(key) is None:
            line[key] = fresh()
    for flag in ("defaultBilling", "defaultShipping"):
        for line in [line for line in lines if line.get(flag)][:-1]:
            line[flag] = False
