"""The address of a list: filters and sort as parameters, links that set and drop a filter, and
where a page of it ends."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

LONGEST_CURSOR = 3000  #: characters, as a name that is sorted by may be long


@dataclass(frozen=True)
class Address:
    """`set` holds what is not as it is by default, in the order in which it is written."""

    path: str
    set: Mapping[str, str]

    def but(self, **changes: str | None) -> str:
        """With these changes, on the first page. Null or empty drops a parameter."""
        return self.at(self.path, **changes)

    def at(self, path: str, **changes: str | None) -> str:
        """The same filters at another path."""
        found: dict[str, str | None] = {**self.set, **changes}
        query = urlencode({name: value for name, value in found.items() if value})
        return f"{path}?{query}" if query else path

    @property
    def here(self) -> str:
        return self.at(self.path)

    @property
    def query(self) -> str:
        """With its question mark; nothing where nothing is set."""
        return self.at("")


@dataclass(frozen=True)
class Option:
    """A value of a filter, the address that sets it, and how many there are; null: not counted."""

    label: str
    href: str
    known: int | None = None


@dataclass(frozen=True)
class Picker:
    """A filter that may be added."""

    label: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Chip:
    """A filter that is set, and the address without it."""

    name: str
    label: str
    drop: str


def cursor(values: Sequence[str]) -> str:
    """Where a page ends, for the address."""
    text = json.dumps(list(values), separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, count: int) -> tuple[str, ...] | None:
    """Null where there is none, or none that we wrote: then the list begins at its beginning."""
    if not text or len(text) > LONGEST_CURSOR or not text.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found: Any = json.loads(raw)
    except (binascii.Error, ValueError):
        return None
    if not isinstance(found, list):
        return None
    items = cast("list[Any]", found)
    values = tuple(one for one in items if isinstance(one, str) and "\0" not in one)
    return values if len(values) == count == len(items) else None


def read_timed(text: str, count: int) -> tuple[str, ...] | None:
    """As `read_cursor`, of a list that is sorted by time: the first value is a moment."""
    found = read_cursor(text, count)
    if found is None:
        return None
    try:
        return found if datetime.fromisoformat(found[0]).tzinfo else None
    except ValueError:
        return None
