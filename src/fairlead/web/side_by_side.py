"""Values and records as a person compares them: facts, before and after, candidates side by side.

Pure. What it takes is JSON of tasks (`shown`) and of exceptions (`difference`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, cast

from fairlead.domain.values import Money, minor_units
from fairlead.web import formats
from fairlead.web.formats import Clock, words


@dataclass(frozen=True)
class Fact:
    label: str
    text: str = ""
    money: Money | None = None


@dataclass(frozen=True)
class Line:
    label: str
    cells: tuple[str, ...]
    differs: bool = True


@dataclass(frozen=True)
class Comparison:
    """Records or values side by side."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Candidate:
    id: str
    name: str
    because: str
    follows: str  #: what happens when it is chosen


_NO_FACTS = frozenset({"packet", "version", "difference", "engagement"})
#: What comes first, in this order; the database keeps none.
_FIRST = ("name", "client", "value", "starts_on", "ends_on", "contract", "project_code")


def facts_of(clock: Clock, facts: Mapping[str, Any]) -> tuple[Fact, ...]:
    """What an answer is about, the usual first."""
    names = [name for name in _FIRST if name in facts]
    names += sorted(facts.keys() - set(names) - _NO_FACTS)
    return tuple(fact(clock, words(name.removesuffix("_on")), facts[name]) for name in names)


def fact(clock: Clock, label: str, value: Any) -> Fact:
    """One value under its label."""
    amount = _money(value)
    return Fact(label, money=amount) if amount is not None else Fact(label, _text(clock, value))


def _money(value: Any) -> Money | None:
    if isinstance(value, Mapping) and set(cast("Mapping[str, Any]", value)) == {
        "amount",
        "currency",
    }:
        parts = cast("Mapping[str, Any]", value)
        return Money(amount=Decimal(str(parts["amount"])), currency=str(parts["currency"]))
    return None


def _is_whole(amount: Money) -> bool:
    return amount.amount == amount.amount.to_integral_value()


def _day(value: Any) -> date | None:
    if not (isinstance(value, str) and len(value) == 10):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _text(clock: Clock, value: Any) -> str:
    """A value of a record as a person reads it. What is missing is words."""
    if value is None or value == "" or value == []:
        return "none yet"
    if (amount := _money(value)) is not None:
        return formats.money_text(amount, cents=not _is_whole(amount))
    if (day := _day(value)) is not None:
        return clock.date(day)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        inner = [f"{words(k)} {_text(clock, v)}" for k, v in parts.items() if v is not None]
        return ", ".join(inner)
    if isinstance(value, list):
        return "; ".join(_text(clock, one) for one in cast("list[Any]", value))
    return str(value)


def changes(clock: Clock, facts: Mapping[str, Any]) -> Comparison | None:
    """Before and after, where the question is about a change."""
    found: Mapping[str, Any] = facts.get("difference") or {}
    lines = tuple(
        Line(
            _field_words(field),
            (
                _text(clock, pair["ours"]),
                _text(clock, pair["theirs"]),
                _change(pair["ours"], pair["theirs"]),
            ),
        )
        for field, pair in found.items()
        if isinstance(pair, Mapping) and {"ours", "theirs"} <= set(cast("Mapping[str, Any]", pair))
    )
    return Comparison("What changes", ("Now", "Then", "Change"), lines) if lines else None


def _change(before: Any, after: Any) -> str:
    one, other = _money(before), _money(after)
    if one is not None and other is not None and one.currency == other.currency:
        places = 0 if _is_whole(one) and _is_whole(other) else minor_units(one.currency)
        return formats.amount(other.amount - one.amount, places, sign=True)
    first, last = _day(before), _day(after)
    if first is not None and last is not None:
        return f"{formats.amount(Decimal((last - first).days), sign=True)}{formats.NBSP}d"
    if before in (None, "", []):
        return "added"
    return "removed" if after in (None, "", []) else "changed"


def side_by_side(clock: Clock, row: Mapping[str, Any]) -> Comparison | None:
    """What a person chooses between, or what two systems say of one thing."""
    found: Mapping[str, Any] = row["difference"] or {}
    system = row["system"] or "the other system"
    if isinstance(fields := found.get("fields"), list):
        return _of_fields(clock, cast("list[Mapping[str, Any]]", fields), system)
    candidates: list[Mapping[str, Any]] = found.get("candidates") or []
    ours = found.get("client") or found.get("wanted")
    if ours and candidates:
        return _of_records(clock, ours, candidates)
    pairs = [
        Line(_field_words(name), (_text(clock, pair["ours"]), _text(clock, pair["theirs"])))
        for name, pair in found.items()
        if isinstance(pair, Mapping) and {"ours", "theirs"} <= set(cast("Mapping[str, Any]", pair))
    ]
    return Comparison("What differs", ("Here", system), tuple(pairs)) if pairs else None


def _of_fields(clock: Clock, fields: Sequence[Mapping[str, Any]], system: str) -> Comparison | None:
    if not fields:
        return None
    if "owner_value" in fields[0]:
        heads = (f"{fields[0]['owner']}, owner", str(fields[0]["holder"]))
        names = ("owner_value", "value")
    else:
        heads, names = ("CRM", system), ("ours", "theirs")
    lines = tuple(
        Line(_field_words(str(one["field"])), tuple(_text(clock, one.get(n)) for n in names))
        for one in fields
    )
    return Comparison("What differs", heads, lines)


def _of_records(
    clock: Clock, ours: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]]
) -> Comparison:
    address: Mapping[str, Any] = ours.get("address") or {}
    mine: dict[str, Any] = {
        "name": ours.get("name") or ours.get("vendor"),
        "country": ours.get("country") or address.get("country"),
        "tax_id": ours.get("tax_id"),
    }
    shown = candidates[:5]
    lines: list[Line] = []
    for name in ("name", "country", "tax_id"):
        if mine[name] is None and not any(one.get(name) for one in shown):
            continue
        cells = (_text(clock, mine[name]), *(_text(clock, one.get(name)) for one in shown))
        lines.append(Line(_field_words(name), cells, differs=len(set(cells)) > 1))
    likeness = [one.get("likeness") for one in shown]
    if any(value is not None for value in likeness):
        alike = ("", *(formats.percent(Decimal(str(one or 0)), 0) for one in likeness))
        lines.append(Line("Alike", alike, differs=False))
    reasons = ("", *(str(one.get("because") or "") for one in shown))
    lines.append(Line("Because", reasons, differs=False))
    heads = ("Of the deal", *(str(one["id"]) for one in shown))
    return Comparison("Side by side", heads, tuple(lines))


def _field_words(path: str) -> str:
    return words(path.removeprefix("deal.").removesuffix("_on").replace(".", " "))


_FOLLOWS: Mapping[str, str] = {
    "crm": "The record in {system} takes the CRM's values; the set-up goes on.",
    "ledger": "Nothing is written. {system} keeps its values; the set-up goes on.",
    "owner": "The owner's value is written to {system}; both agree from then on.",
    "leave": "Nothing is written. The difference stays until its owner is changed.",
}


def candidates_of(row: Mapping[str, Any]) -> tuple[Candidate, ...]:
    """Each with what follows from it; `none` too, where records are chosen from."""
    found: Mapping[str, Any] = row["difference"] or {}
    system = row["system"] or "the other system"
    shown = tuple(
        Candidate(
            str(one["id"]),
            str(one["name"]),
            str(one.get("because") or ""),
            _FOLLOWS.get(
                str(one["id"]),
                "The set-up goes on with this record of {system}. Nothing new is created.",
            ).format(system=system),
        )
        for one in cast("list[Mapping[str, Any]]", found.get("candidates") or [])
    )
    if "fields" in found:
        return shown
    if "wanted" in found:
        none = "No vendor is named; procurement finds one."
    else:
        none = f"A new record is created in {system}, and the set-up goes on with it."
    return (*shown, Candidate("none", "None of them", "", none))
