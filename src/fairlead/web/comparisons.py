"""What differs, side by side, and what each choice leads to (F113, F115). Pure.

An exception's `difference` has one of four shapes: records that may be the same one (`client` or
`wanted`, with `candidates`), two records of one client (`fields`, `ours`, `theirs`), values of an
owner and its follower (`fields` with `owner_value`), or pairs by name (`ours`, `theirs`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from fairlead.domain.values import minor_units
from fairlead.web import formats
from fairlead.web.facts import day_in, field_words, mapping, money_in, shown

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
    title: str
    heads: tuple[Head, ...]
    differing: tuple[Line, ...]
    same: tuple[Line, ...]


@dataclass(frozen=True)
class Candidate:
    id: str
    name: str
    because: str
    follows: str  #: what happens when it is chosen


def compare(difference: Any, system: str | None) -> Comparison | None:
    """Null where nothing is set against anything."""
    found = mapping(difference)
    there = system or "the other system"
    fields = [mapping(one) for one in _list(found.get("fields"))]
    candidates = [mapping(one) for one in _list(found.get("candidates"))]
    ours = mapping(found.get("client")) or mapping(found.get("wanted"))
    if ours and candidates:
        return _of_records(ours, candidates[:_MOST_RECORDS])
    if fields and "owner_value" in fields[0]:
        heads = (Head(str(fields[0].get("owner")), owns=True), Head(str(fields[0].get("holder"))))
        rows = [(str(one["field"]), (one["owner_value"], one["value"])) for one in fields]
        return _made("What differs", heads, rows)
    if found.get("ours") and found.get("theirs"):
        heads = (Head("The CRM says"), Head(f"{there} says"))
        return _made("What differs", heads, _pairs(found["ours"], found["theirs"], fields))
    both = _both(found)
    heads = (Head("We have"), Head(f"{there} says"))
    return _made("What differs", heads, both) if both else None


def changes(difference: Any) -> Comparison | None:
    """Before and after, where the question is about a change. Null where it is not."""
    lines = tuple(
        Line(
            field_words(name),
            (Cell(shown(now)), Cell(shown(then), differs=True), Cell(_change(now, then))),
        )
        for name, (now, then) in _both(mapping(difference))
    )
    heads = (Head("Now"), Head("Then"), Head("Change"))
    return Comparison("What changes", heads, lines, ()) if lines else None


def candidates(difference: Any, system: str | None) -> tuple[Candidate, ...]:
    """The candidates, and none of them where a new record may be made."""
    found = mapping(difference)
    there = system or "the other system"
    given = [mapping(one) for one in _list(found.get("candidates"))]
    made = [
        Candidate(
            str(one.get("id")),
            str(one.get("name")),
            _because(one),
            _follows(found, str(one.get("id")), str(one.get("name")), there),
        )
        for one in given
    ]
    if found.get("client"):
        made.append(Candidate("none", "None of these", "", f"{there} gets a new client record."))
    elif found.get("wanted"):
        made.append(
            Candidate("none", "None of these", "", "Procurement finds a vendor; none is named.")
        )
    return tuple(made)


def _both(found: Mapping[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    """Pairs by name."""
    pairs = {name: mapping(pair) for name, pair in found.items()}
    return [
        (name, (pair["ours"], pair["theirs"]))
        for name, pair in pairs.items()
        if {"ours", "theirs"} <= pair.keys()
    ]


def _change(before: Any, after: Any) -> str:
    one, other = money_in(before), money_in(after)
    if one is not None and other is not None and one.currency == other.currency:
        places = minor_units(one.currency)
        return formats.amount(other.amount - one.amount, places, sign=True)
    first, last = day_in(before), day_in(after)
    if first is not None and last is not None:
        return f"{formats.amount(Decimal((last - first).days), sign=True)}{formats.NBSP}d"
    if before in (None, "", []):
        return "added"
    return "removed" if after in (None, "", []) else "changed"


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
    if "name" in known and "name" not in mine and "vendor" in mine:
        mine["name"] = mine["vendor"]
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
    return _made("Side by side", heads, rows, blank_differs=False)


def _pairs(
    ours: Any, theirs: Any, fields: Sequence[Mapping[str, Any]]
) -> list[tuple[str, tuple[Any, ...]]]:
    """Those that differ in substance are named; a spelling is no difference."""
    named = {str(one.get("field")): one for one in fields}
    mine, other = _flat(mapping(ours)), _flat(mapping(theirs))
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
    title: str,
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
        title,
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
        inner = mapping(value)
        if inner and set(inner) != {"amount", "currency"}:
            found |= _flat(inner, f"{before}{name}.")
        elif value not in (None, "", []):
            found[f"{before}{name}"] = value
    return found


def _list(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()
