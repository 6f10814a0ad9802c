"""What differs, side by side, and what each choice leads to (F113, F115). Pure.

An exception's `difference` has one of four shapes: records that may be the same one (`client` or
`wanted`, with `candidates`), two records of one client (`fields`, `ours`, `theirs`), values of an
owner and its follower (`fields` with `owner_value`), or pairs by name (`ours`, `theirs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from fairlead.domain.values import Money
from fairlead.web import formats

_MOST_RECORDS = 5
_NOT_SHOWN = frozenset({"ref", "refs", "id", "likeness", "because", "inactive"})


@dataclass(frozen=True)
class Cell:
    text: str
    differs: bool = False  #: from what stands first in its row


@dataclass(frozen=True)
class Line:
    field: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        return any(cell.differs for cell in self.cells)


@dataclass(frozen=True)
class Head:
    text: str
    owns: bool = False  #: its value is the right one


@dataclass(frozen=True)
class Comparison:
    heads: tuple[Head, ...]
    differing: tuple[Line, ...]
    same: tuple[Line, ...]


@dataclass(frozen=True)
class Choice:
    id: str
    name: str
    because: str
    follows: str  #: what happens when it is chosen


def compare(difference: Any, system: str | None) -> Comparison | None:
    """Null where nothing is set against anything."""
    found = _mapping(difference)
    there = system or "the other system"
    fields = [_mapping(one) for one in _list(found.get("fields"))]
    candidates = [_mapping(one) for one in _list(found.get("candidates"))]
    ours = _mapping(found.get("client")) or _mapping(found.get("wanted"))
    if ours and candidates:
        return _of_records(ours, candidates[:_MOST_RECORDS])
    if fields and "owner_value" in fields[0]:
        heads = (Head(str(fields[0].get("owner")), owns=True), Head(str(fields[0].get("holder"))))
        return _made(
            heads, [(str(one["field"]), (one["owner_value"], one["value"])) for one in fields]
        )
    if found.get("ours") and found.get("theirs"):
        heads = (Head("The CRM says"), Head(f"{there} says"))
        return _made(heads, _pairs(found["ours"], found["theirs"], fields))
    pairs = {name: _mapping(pair) for name, pair in found.items()}
    both = [
        (name, (p["ours"], p["theirs"]))
        for name, p in pairs.items()
        if {"ours", "theirs"} <= p.keys()
    ]
    return _made((Head("We have"), Head(f"{there} says")), both) if both else None


def choices(difference: Any, system: str | None) -> tuple[Choice, ...]:
    """The candidates, and none of them where a new record may be made."""
    found = _mapping(difference)
    there = system or "the other system"
    given = [_mapping(one) for one in _list(found.get("candidates"))]
    made = [
        Choice(
            str(one.get("id")),
            str(one.get("name")),
            _because(one),
            _follows(found, str(one.get("id")), str(one.get("name")), there),
        )
        for one in given
    ]
    if found.get("client"):
        made.append(Choice("none", "None of these", "", f"{there} gets a new client record."))
    elif found.get("wanted"):
        made.append(
            Choice("none", "None of these", "", "Procurement finds a vendor; none is named.")
        )
    return tuple(made)


def shown(value: Any) -> str:
    """A value of any kind in words."""
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and (day := _day(value)) is not None:
        return f"{day.day} {formats.MONTHS[day.month - 1]} {day.year}"
    entries = _mapping(value)
    if set(entries) == {"amount", "currency"}:
        try:
            amount = Decimal(str(entries["amount"]))
            return formats.money_text(
                Money(amount=amount, currency=str(entries["currency"])), cents=True
            )
        except (InvalidOperation, ValueError):
            return f"{entries['currency']} {entries['amount']}"
    if entries:
        return ", ".join(
            f"{formats.words(name).lower()} {shown(one)}" for name, one in entries.items()
        )
    if isinstance(value, list | tuple):
        return "; ".join(shown(one) for one in cast("Sequence[Any]", value))
    return str(value)


def field_words(path: str) -> str:
    """`project.ends_on` → `Project ends`."""
    return formats.words(path.replace(".", " ").removesuffix("_on"))


def _because(candidate: Mapping[str, Any]) -> str:
    reason = str(candidate.get("because") or "")
    if candidate.get("likeness") is None:
        return reason if candidate.get("id") not in _FOLLOWS else ""
    alike = formats.percent(Decimal(str(candidate["likeness"])), 0)
    return f"{alike} alike: {reason}" if reason else f"{alike} alike"


#: Choices between two records, by their id.
_FOLLOWS: Mapping[str, str] = {
    "crm": "{there} is changed to what the CRM says, in the fields above.",
    "ledger": "Nothing is changed: {there} goes on with its values, and the CRM with its own.",
    "owner": "{there} is changed to the owner's value.",
    "leave": "Nothing is changed. It stays in the report of differences until they agree.",
}


def _follows(found: Mapping[str, Any], id: str, name: str, there: str) -> str:
    if id in _FOLLOWS:
        return _FOLLOWS[id].format(there=there)
    if found.get("wanted"):
        return f"The requisition in {there} names {name}."
    return f"The engagement is set up under this record of {there}; nothing new is made there."


def _of_records(ours: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]) -> Comparison:
    mine = _flat(ours)
    theirs = [_flat(one) for one in candidates]
    known = dict.fromkeys(name for record in theirs for name in record)
    if "country" in known and "country" not in mine and "address.country" in mine:
        mine["country"] = mine["address.country"]
    heads = (
        Head("The deal says"),
        *(Head(f"{one.get('name')} ({one.get('id')})") for one in candidates),
    )
    rows = [(name, (mine.get(name), *(record.get(name) for record in theirs))) for name in known]
    rows += [
        (name, (value, *(None for _ in theirs)))
        for name, value in mine.items()
        if name in ("domain", "currency") and name not in known
    ]
    return _made(heads, rows, blank_differs=False)


def _pairs(
    ours: Any, theirs: Any, fields: Sequence[Mapping[str, Any]]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Those that differ in substance are named; a spelling is no difference."""
    named = {str(one.get("field")): one for one in fields}
    mine, other = _flat(_mapping(ours)), _flat(_mapping(theirs))
    rows: list[tuple[str, tuple[Any, ...]]] = [
        (name, (one.get("ours"), one.get("theirs"))) for name, one in named.items()
    ]
    rows += [
        (name, (value, value))
        for name, value in mine.items()
        if name in other and not any(name == n or name.startswith(f"{n}.") for n in named)
    ]
    return rows


def _made(
    heads: tuple[Head, ...],
    rows: Sequence[tuple[str, tuple[Any, ...]]],
    *,
    blank_differs: bool = True,
) -> Comparison:
    lines: list[Line] = []
    for name, values in rows:
        first = _same(values[0])
        cells = [
            Cell(
                shown(value),
                n > 0 and _same(value) != first and (blank_differs or value not in (None, "")),
            )
            for n, value in enumerate(values)
        ]
        lines.append(Line(field_words(name), tuple(cells)))
    return Comparison(
        heads,
        tuple(line for line in lines if line.differs),
        tuple(line for line in lines if not line.differs),
    )


def _same(value: Any) -> str:
    return " ".join(shown(value).split()).casefold()


def _flat(record: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name in _NOT_SHOWN:
            continue
        inner = _mapping(value)
        if inner and set(inner) != {"amount", "currency"}:
            found |= _flat(inner, f"{before}{name}.")
        elif value not in (None, "", []):
            found[f"{before}{name}"] = value
    return found


def _day(text: str) -> date | None:
    if len(text) != 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()
