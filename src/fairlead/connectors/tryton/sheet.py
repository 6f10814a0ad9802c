"""Where our key stands in Tryton, and what it has no field for.

A text field has a sheet at its end: lines `name: value` below a heading, so that people can read
them, and add text of their own above. A field of one line has a tag at its end instead.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal

HEADING = "--- kept by Fairlead, please leave as it is ---"
_LINE = re.compile(r"([a-z][a-z_.]*): (.*)")
_TAG = re.compile(r"(?:^| )\[([^\[\]]*fl-[a-z2-7]{26})\]$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def short(key: str) -> str:
    """29 characters that follow from the effect's key; the same in writing and in finding."""
    digest = hashlib.sha256(key.encode()).digest()[:16]
    return "fl-" + base64.b32encode(digest).decode().rstrip("=").lower()


def read(text: str | None) -> dict[str, str]:
    """The sheet in a text; empty where there is none."""
    _, found, lines = (text or "").rpartition(HEADING)
    matches = (_LINE.fullmatch(line.rstrip("\r")) for line in lines.split("\n")) if found else ()
    return {match[1]: match[2] for match in matches if match}


def written(text: str | None, changes: Mapping[str, object]) -> str:
    """The text with these values on its sheet; others stay. Null takes a value off."""
    above, found, _ = (text or "").rpartition(HEADING)
    values = {**read(text), **{name: _plain(value) for name, value in changes.items()}}
    lines = [f"{name}: {value}" for name, value in values.items() if value]
    if not found:
        above = f"{text}\n\n" if text else ""
    return "\n".join([above + HEADING, *lines])


def tagged(text: str, *words: str) -> str:
    """One line with a tag at its end; the key is the last of the words."""
    return f"{_CONTROL.sub(' ', text).strip()} [{' '.join(words)}]".strip()


def tag(text: str | None) -> tuple[str, ...]:
    """The words of the tag at the end of a line; none where it has none."""
    found = _TAG.search(text or "")
    return tuple(found[1].split(" ")) if found else ()


def untagged(text: str | None) -> str:
    """The line without its tag."""
    return _TAG.sub("", text or "")


def _plain(value: object) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else _CONTROL.sub(" ", str(value))
