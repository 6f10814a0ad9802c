"""JSON as we accept it: RFC 8259, less whatever two readers could read in two ways.

Refused are duplicate keys, NaN and Infinity, numbers that 64 bits cannot hold, lone surrogates
and NUL (which PostgreSQL's text cannot hold), nesting deeper than 64, and bytes that are not
UTF-8. Fractions become `Decimal`, so no digit is lost (I-JSON, RFC 7493, says why not more).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, cast

from fairlead.api.refusals import Malformed
from fairlead.errors import Problem

DEEPEST = 64
LONGEST_POINTER = 200  #: characters; a longer one is cut to a part that it is in
_MOST_PROBLEMS = 20
_LONGEST_NUMBER = 64  #: characters
_INTEGERS = range(-(2**63), 2**63)
_MAGNITUDE = 308  #: of a double

# Brackets count only outside strings. An unfinished string eats the rest; the parser refuses it.
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class _Fault:
    """Stands in the tree where a value cannot be accepted, until its pointer is known."""

    rule: str


@dataclass(frozen=True)
class _Doubled:
    keys: list[str]


def read(body: bytes) -> Any:
    """The value. Raises `Malformed` with a pointer to every fault, up to 20."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("The body is not UTF-8.", "is UTF-8")
    if text.startswith("\ufeff"):
        _refuse("The body begins with a byte order mark.", "begins without a byte order mark")
    if _depth(body) > DEEPEST:
        _refuse("The body is nested too deeply.", f"is nested at most {DEEPEST} deep")
    try:
        value: Any = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_fraction,
            parse_constant=lambda _: _Fault("is a number that JSON can write"),
        )
    except json.JSONDecodeError as bad:
        _refuse("The body is not JSON.", f"is JSON (broken at line {bad.lineno}, {bad.colno})")
    problems: list[Problem] = []
    for problem in _faults(value, ""):
        problems.append(problem)
        if len(problems) == _MOST_PROBLEMS:
            break
    if problems:
        raise Malformed("The body cannot be accepted.", problems)
    return value


def escaped(key: str) -> str:
    """A key as a token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def existing(value: Any, pointer: str) -> tuple[str, str]:
    """The longest beginning of `pointer` that resolves in `value`, and the rest in plain words."""
    found, parts = "", pointer.split("/")[1:]
    for index, part in enumerate(parts):
        key = part.replace("~1", "/").replace("~0", "~")
        inside, value = step_into(value, key)
        if not inside or len(found) + len(part) + 1 > LONGEST_POINTER:
            return found, ".".join(parts[index:])
        found += f"/{part}"
    return found, ""


def step_into(value: Any, key: str | int) -> tuple[bool, Any]:
    """Whether `value` has the key or index, and what is there."""
    if isinstance(value, dict):
        table = cast("dict[str, Any]", value)
        return (str(key) in table, table.get(str(key)))
    if isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,8}", str(key)):
        row = cast("list[Any]", value)
        return (int(key) < len(row), row[int(key)] if int(key) < len(row) else None)
    return False, None


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for token in _TOKENS.finditer(body):
        match body[token.start()]:
            case 0x5B | 0x7B:
                depth += 1
                deepest = max(deepest, depth)
                if deepest > DEEPEST:
                    break
            case 0x5D | 0x7D:
                depth -= 1
            case _:
                pass
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> Any:
    table = dict(pairs)
    if len(table) == len(pairs):
        return table
    seen: set[str] = set()
    return _Doubled([key for key, _ in pairs if key in seen or seen.add(key)])


def _integer(text: str) -> Any:
    if len(text) > _LONGEST_NUMBER or int(text) not in _INTEGERS:
        return _Fault("is an integer of 64 bits")
    return int(text)


def _fraction(text: str) -> Any:
    if len(text) > _LONGEST_NUMBER:
        return _Fault(f"is a number of at most {_LONGEST_NUMBER} characters")
    exponent = text.lower().partition("e")[2]
    if len(exponent) > 5:
        return _Fault("is a number that 64 bits can hold")
    number = Decimal(text)
    if number and abs(number.adjusted()) > _MAGNITUDE:
        return _Fault("is a number that 64 bits can hold")
    return number


def _faults(value: Any, pointer: str) -> Iterator[Problem]:
    """Recursion is bounded: nothing here is deeper than `DEEPEST`."""
    match value:
        case _Fault():
            yield Problem(pointer, value.rule)
        case _Doubled():
            yield Problem(pointer, f"has each key once ({len(value.keys)} came again)")
        case str() if rule := _text_fault(value):
            yield Problem(pointer, rule)
        case dict():
            for key, inner in cast("dict[str, Any]", value).items():
                if rule := _text_fault(key):
                    yield Problem(pointer, f"has keys of which each {rule}")
                else:
                    yield from _faults(inner, _longer(pointer, escaped(key)))
        case list():
            for index, inner in enumerate(cast("list[Any]", value)):
                yield from _faults(inner, _longer(pointer, str(index)))
        case _:
            pass


def _longer(pointer: str, token: str) -> str:
    longer = f"{pointer}/{token}"
    return longer if len(longer) <= LONGEST_POINTER else pointer


def _text_fault(text: str) -> str | None:
    if "\0" in text:
        return "is text without NUL"
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return "is text without lone surrogates"
    return None


def _refuse(detail: str, rule: str) -> NoReturn:
    raise Malformed(detail, [Problem("", rule)])
