"""Field maps: which of our fields is which of theirs, as data that a firm may change (F152).

A map is YAML: per object, our dotted path on the left, theirs on the right. An entry is their
path, or a table:

    value.amount: {path: Amount, as: decimal}
    contract_type: {path: Contract_Type__c, values: {Fixed Fee: fixed_fee}}

`as` is one of text (the default), decimal, integer, date, datetime, boolean. `values` translates
words, theirs on the left. A dotted path walks into objects on either side. Reading skips what
is absent or null; writing skips what we do not have. A firm drops an entry by giving null for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.errors import InvalidDefinition

Kind = Literal["text", "decimal", "integer", "date", "datetime", "boolean"]


_FAR_TOO_MUCH = Decimal(10) ** 18  # for a whole number; 1E999999 would be a gigabyte of digits
#: Digits as systems write them, `.5` included; not `1_000`, ` 1` or `٣`, which Python takes too.
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class FieldRule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    path: str = Field(pattern=r"^[^.]+(\.[^.]+)*$")
    kind: Kind = Field(default="text", alias="as")
    values: dict[str, str] = Field(default_factory=dict[str, str])


class MappingTrouble(ValueError):
    """A value from outside is not of the kind that the map says. Names the path."""


class FieldMap:
    """The maps of one connector: object → our path → rule."""

    def __init__(self, objects: Mapping[str, Mapping[str, FieldRule]]) -> None:
        self._objects = objects

    @classmethod
    def load(cls, path: Path, *, changes: Mapping[str, Any] | None = None) -> FieldMap:
        """The packaged map with a firm's `changes` laid over it, entry by entry.

        Raises `InvalidDefinition` naming object and field.
        """
        raw = _tables(path.name, _parsed(path.name, path.read_text("utf-8")) or {})
        for name, entries in _tables(path.name, changes or {}).items():
            raw[name] = {**raw.get(name, {}), **entries}
        objects: dict[str, dict[str, FieldRule]] = {}
        faults: list[str] = []
        for name, entries in raw.items():
            objects[name] = {}
            for ours, rule in entries.items():
                if rule is None:
                    continue
                try:
                    objects[name][ours] = (
                        FieldRule(path=rule)
                        if isinstance(rule, str)
                        else FieldRule.model_validate(rule)
                    )
                except ValidationError as bad:
                    faults.append(f"{path.name}: {name}.{ours}: {bad.errors()[0]['msg']}")
            theirs = (rule.path for rule in objects[name].values())
            for inner, outer in [*_nested(objects[name]), *_nested(theirs)]:
                faults.append(f"{path.name}: {name}: {inner} lies inside {outer}, a value")
        if faults:
            raise InvalidDefinition("The field map cannot be used:", faults)
        return cls(objects)

    def entries(self) -> Mapping[str, Mapping[str, FieldRule]]:
        """Object → our path → rule: for people who look it up."""
        return self._objects

    def theirs(self, name: str) -> tuple[str, ...]:
        """Their paths of one object, for systems that must be asked field by field."""
        return tuple(rule.path for rule in self._objects[name].values())

    def their_path(self, name: str, ours: str) -> str:
        return self._objects[name][ours].path

    def has(self, name: str, ours: str) -> bool:
        """Whether the map knows this field; a firm may have dropped it."""
        return ours in self._objects.get(name, {})

    def read(self, name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Their record in our shape (nested by our dotted paths). Raises `MappingTrouble`."""
        result: dict[str, Any] = {}
        for ours, rule in self._objects[name].items():
            raw = _get(record, rule.path)
            if raw is None or raw == "":
                continue
            _put(result, ours, _inward(raw, rule))
        return result

    def write(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Our values (dotted or nested) in their shape, ready for JSON."""
        result: dict[str, Any] = {}
        for ours, rule in self._objects[name].items():
            value = values[ours] if ours in values else _get(values, ours)
            if value is None:
                continue
            _put(result, rule.path, _outward(value, rule))
        return result


@lru_cache(maxsize=32)
def _parsed(file: str, text: str) -> object:
    """To be read only: whoever asks for the same text has the same value. A large map takes a tenth
    of a second, and each system of a connector has it."""
    try:
        return cast("object", yaml.safe_load(text))
    except yaml.YAMLError as bad:
        raise InvalidDefinition(f"{file} is not YAML: {bad}") from bad


def _tables(file: str, raw: object) -> dict[str, dict[str, Any]]:
    """Objects and their entries. Raises `InvalidDefinition` where it is of another shape."""
    if not isinstance(raw, Mapping):
        raise InvalidDefinition(f"{file}: it is not a table of objects.")
    tables = cast("Mapping[str, object]", raw)
    for name, entries in tables.items():
        if not isinstance(entries, Mapping):
            raise InvalidDefinition(f"{file}: {name} is not a table of fields.")
    return {name: dict(cast("Mapping[str, Any]", entries)) for name, entries in tables.items()}


def _nested(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Which path needs an object where another one has a value."""
    known = list(paths)
    return [(inner, outer) for inner in known for outer in known if inner.startswith(f"{outer}.")]


def _get(record: Mapping[str, Any], path: str) -> Any:
    found: Any = record
    for part in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = cast("Mapping[str, Any]", found).get(part)
    return found


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        record = record.setdefault(part, {})
    record[last] = value


def _inward(raw: Any, rule: FieldRule) -> Any:
    if rule.values:
        if str(raw) not in rule.values:
            known = ", ".join(sorted(rule.values))
            raise MappingTrouble(f"{rule.path}: not one of {known}")
        return rule.values[str(raw)]
    try:
        match rule.kind:
            case "decimal":
                return _number(raw)
            case "integer":  # systems that know only decimals write 30.0 for 30
                exact = _number(raw)
                if abs(exact) >= _FAR_TOO_MUCH or exact != exact.to_integral_value():
                    raise ValueError
                return int(exact)
            case "date":
                return _day(raw)
            case "datetime":
                return _instant(raw)
            case "boolean":
                if not isinstance(raw, bool):
                    raise TypeError
                return raw
            case "text":
                if isinstance(raw, bool) or not isinstance(raw, str | int):
                    raise TypeError
                return str(raw)
    except (ValueError, TypeError, InvalidOperation, OverflowError) as bad:
        raise MappingTrouble(f"{rule.path}: not a {rule.kind}") from bad


def _number(raw: Any) -> Decimal:
    """A finite number, exactly as written."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float | Decimal):
        raise TypeError
    if isinstance(raw, str) and not _NUMBER.fullmatch(raw):
        raise ValueError
    number = raw if isinstance(raw, Decimal) else Decimal(str(raw))
    if not number.is_finite():
        raise ValueError
    return number


def _day(raw: Any) -> date:
    """An ISO 8601 date, or the day of an instant where it was written."""
    if not isinstance(raw, str):
        raise TypeError
    return date.fromisoformat(raw) if len(raw) <= 10 else datetime.fromisoformat(raw).date()


def _instant(raw: Any) -> datetime:
    """ISO 8601 with a zone, also in the form `+0000`; UTC."""
    if not isinstance(raw, str):
        raise TypeError
    when = datetime.fromisoformat(raw)
    if when.tzinfo is None:
        raise ValueError("no zone")
    return when.astimezone(UTC)


def _outward(value: Any, rule: FieldRule) -> Any:
    if rule.values:
        back = {ours: theirs for theirs, ours in rule.values.items()}
        return back.get(str(value), str(value))
    if isinstance(value, Decimal) and rule.kind == "text":
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return value
