"""What an object of Salesforce is made of: fields, their types, relationships, ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

Type = Literal[
    "id", "string", "picklist", "reference", "double", "currency", "percent", "int", "boolean",
    "date", "datetime",
]  # fmt: skip

NUMBERS = ("double", "currency", "percent", "int")


@dataclass(frozen=True)
class Field:
    type: Type = "string"
    required: bool = False
    fixed: bool = False  #: Salesforce fills it; nobody can write it through the API
    external: bool = False  #: an external id: records can be named by it
    to: str = ""  #: the object that a reference names
    via: str = ""  #: the name of the relationship, in paths
    length: int = 255  #: of text


@dataclass(frozen=True)
class SObject:
    name: str
    prefix: str  #: the first three characters of its ids
    fields: Mapping[str, Field]
    children: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Name of a child relationship → (object, its field that names the parent)."""

    def named(self, name: str) -> tuple[str, Field] | None:
        """A field by its name in any case, as it is spelt."""
        return next(((n, f) for n, f in self.fields.items() if n.lower() == name.lower()), None)

    def parent(self, via: str) -> tuple[str, Field] | None:
        """The reference field behind a relationship's name."""
        return next(
            ((n, f) for n, f in self.fields.items() if f.via and f.via.lower() == via.lower()), None
        )


def fits(value: Any, kind: Field) -> bool:
    """Whether a JSON value is of a field's type. Null fits everywhere."""
    match kind.type:
        case _ if value is None:
            return True
        case "boolean":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "double" | "currency" | "percent":
            return isinstance(value, int | Decimal) and not isinstance(value, bool)
        case "date":
            return _is_date(value)
        case "datetime":
            return isinstance(value, str) and _parses(value)
        case _:
            return isinstance(value, str)


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _parses(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def record_id(prefix: str, number: int) -> str:
    """An id of 18 characters: 15, and a check of which of them are capitals, five at a time.

    https://help.salesforce.com/s/articleView?id=000385585&type=1
    """
    return with_check(f"{prefix}FL{number:010d}")


def with_check(id: str) -> str:
    """The 18 characters of an id of 15; longer ones as they are."""
    if len(id) != 15:
        return id
    groups = [id[start : start + 5] for start in (0, 5, 10)]
    bits = [sum(1 << place for place, c in enumerate(group) if c.isupper()) for group in groups]
    return id + "".join(_CHECK[bit] for bit in bits)
