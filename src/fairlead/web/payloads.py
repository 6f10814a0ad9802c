"""What was said to or by another system, as lines of text: cut, and without secrets.

What is stored was already cut when it was kept; this is the second look before it is shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

_MOST_LINES = 80
_LONGEST = 240
_DEEPEST = 8
_HIDDEN = "•••"

#: Names of what is never shown, whatever is in it.
_SECRET = re.compile(
    r"pass(word|wd|phrase)|secret|token|authori[sz]ation|api.?key|private.?key|cookie|credential"
    r"|signature|session|bearer|iban|account.?number|date.?of.?birth|salary|ssn",
    re.IGNORECASE,
)
#: Such a value inside a text: a header, a token in three parts, a key of ours, a signed address.
_WITHIN = re.compile(
    r"(?:bearer|basic)\s+[\w.~+/=-]{8,}|eyJ[\w-]+\.[\w-]+\.[\w-]*|\bfl_[\w]{8,}|whsec_[\w+/=]+"
    r"|-----BEGIN [A-Z ]+-----|(?<=[?&](?:sig|key|tok)=)[^&\s]+|://[^/\s:@]+:[^/\s@]+@",
    re.IGNORECASE,
)


def lines(value: Any) -> tuple[str, ...]:
    """At most 80 lines; the last says how many are left out."""
    if isinstance(value, str):
        text = _text(value, longest=_LONGEST * 20)
    else:
        text = json.dumps(_cut(value, _DEEPEST), indent=2, ensure_ascii=False, default=str)
    found = [line[:_LONGEST] for line in text.splitlines()]
    if len(found) <= _MOST_LINES:
        return tuple(found)
    return (*found[:_MOST_LINES], f"… {len(found) - _MOST_LINES} more lines")


def plain(text: str) -> str:
    """A text of another system in one line of a page."""
    return _text(text, longest=_LONGEST * 4)


def setting(name: str, value: Any) -> str:
    """Of a system, should somebody have written a secret where none belongs."""
    return _HIDDEN if _SECRET.search(name) else _text(_flat(value), longest=_LONGEST)


def _flat(value: Any) -> str:
    """In one line: `London: EMEA; Munich: EMEA`."""
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        return "; ".join(f"{name}: {_flat(inner)}" for name, inner in entries.items())
    if isinstance(value, list | tuple):
        return ", ".join(_flat(inner) for inner in cast("Sequence[Any]", value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _cut(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value)
        if depth == 0:
            return "…"
        return {
            str(name): _HIDDEN if _SECRET.search(str(name)) else _cut(inner, depth - 1)
            for name, inner in entries.items()
        }
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
        return "…" if depth == 0 else [_cut(inner, depth - 1) for inner in items]
    return _text(value, longest=_LONGEST) if isinstance(value, str) else value


def _text(text: str, *, longest: int) -> str:
    shown = _WITHIN.sub(_HIDDEN, text)
    return shown if len(shown) <= longest else f"{shown[:longest]}…"
