"""The form for values that are missing: fields of the right kind, and what was typed as values.

A gap names a path of the deal and a kind (`domain.gates.Gap`). What is sent is read here into the
JSON that `work.exceptions` takes; whether it fits the deal is decided there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from fairlead.capabilities.handoff.firm import Firm
from fairlead.domain.model.contract import ContractType
from fairlead.errors import InvalidInput, Problem
from fairlead.web.formats import words
from fairlead.web.forms import Form

_T = TypeVar("_T")
_BLANK_ROWS = 3
_MOST_ROWS = 40
_LONGEST = 400


@dataclass(frozen=True)
class Part:
    """One input. `kind`: text, date, number, choice."""

    name: str  #: of the field of the form
    label: str
    kind: str
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class Field:
    path: str
    label: str
    problem: str
    remedy: str
    parts: tuple[Part, ...]
    rows: tuple[tuple[Part, ...], ...] = ()  #: of a list
    fault: str | None = None


@dataclass(frozen=True)
class Closed:
    """What is missing and can only be mended in its own system."""

    label: str
    problem: str
    remedy: str


@dataclass(frozen=True)
class GapForm:
    fields: tuple[Field, ...]
    closed: tuple[Closed, ...]
    fault: str | None = None  #: of the form as a whole

    def told(self, problems: Sequence[Problem]) -> GapForm:
        """With each fault beside the field that it is about."""
        left: list[str] = []
        faults: dict[str, list[str]] = {}
        for problem in problems:
            parts = [
                part.replace("~1", "/").replace("~0", "~") for part in problem.pointer.split("/")
            ]
            path = parts[2] if len(parts) > 2 and parts[1] == "values" else ""
            if any(field.path == path for field in self.fields):
                within = " ".join(_place(part) for part in parts[3:])
                faults.setdefault(path, []).append(f"{within} {problem.rule}".strip())
            else:
                left.append(problem.rule)
        fields = tuple(
            replace(field, fault="; ".join(faults[field.path]) if field.path in faults else None)
            for field in self.fields
        )
        return replace(self, fields=fields, fault="; ".join(left) or None)


_TERM: Sequence[tuple[str, str, str]] = (
    ("name", "What is due", "text"),
    ("share", "Share, %", "number"),
    ("amount", "or amount", "number"),
    ("currency", "Currency", "text"),
    ("due_on", "Due on", "date"),
    ("every_months", "Every … months", "number"),
)
_ROLE: Sequence[tuple[str, str, str]] = (
    ("role", "Role", "text"),
    ("hours", "Hours", "number"),
    ("rate", "Price per hour", "number"),
    ("currency", "Currency", "text"),
)
#: The rows of a list, by its path.
_LISTS: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "contract.billing_terms": _TERM,
    "roles": _ROLE,
}


def blank(gaps: Sequence[Mapping[str, Any]], firm: Firm) -> GapForm:
    """As it is first shown."""
    return read(gaps, firm, Form(()))


def read(gaps: Sequence[Mapping[str, Any]], firm: Firm, form: Form, *, more: int = 0) -> GapForm:
    """With what was typed. `more`: as many rows are added to each list."""
    asked: dict[str, list[Mapping[str, Any]]] = {}
    for gap in gaps:
        if gap["suppliable"]:
            asked.setdefault(gap["field"], []).append(gap)
    fields = tuple(_field(path, found, firm, form, more) for path, found in asked.items())
    closed = tuple(
        Closed(label_of(gap["field"]), _sentence(gap["problem"]), _sentence(gap["remedy"]))
        for gap in gaps
        if not gap["suppliable"]
    )
    return GapForm(fields, closed)


def values_of(gaps: Sequence[Mapping[str, Any]], form: Form) -> dict[str, Any]:
    """Path → value, of the fields that were filled. Raises `InvalidInput` naming each field that
    is not of its kind."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for gap in gaps:
        path = gap["field"]
        if not gap["suppliable"] or path in values:
            continue
        try:
            value = _value(path, gap["kind"], form)
        except _Unfit as unfit:
            problems.append(Problem(f"/values/{path}{unfit.within}", unfit.rule))
        else:
            if value is not None:
                values[path] = value
    if problems:
        raise InvalidInput("A value does not fit its field.", problems)
    return values


def label_of(path: str) -> str:
    """`contract.payment_days` → `Contract payment days`."""
    return words(path.replace(".", " ").removesuffix("_on"))


class _Unfit(Exception):
    def __init__(self, rule: str, within: str = "") -> None:
        super().__init__(rule)
        self.rule, self.within = rule, within


def _field(
    path: str, gaps: Sequence[Mapping[str, Any]], firm: Firm, form: Form, more: int
) -> Field:
    gap = gaps[0]
    columns = _LISTS.get(path) if gap["kind"] == "list" else None
    rows: tuple[tuple[Part, ...], ...] = ()
    if columns is not None:
        filled = _rows_sent(path, columns, form)
        count = min(_MOST_ROWS, max(filled + (1 if filled else 0), _BLANK_ROWS) + more)
        rows = tuple(
            tuple(
                Part(at := f"v.{path}.{n}.{name}", label, kind, form.text(at, longest=_LONGEST))
                for name, label, kind in columns
            )
            for n in range(count)
        )
    return Field(
        path=path,
        label=label_of(path),
        problem=_sentence("; ".join(dict.fromkeys(str(one["problem"]) for one in gaps))),
        remedy=_sentence("; ".join(dict.fromkeys(str(one["remedy"]) for one in gaps))),
        parts=() if columns is not None else _parts(path, gap, firm, form),
        rows=rows,
    )


def _parts(path: str, gap: Mapping[str, Any], firm: Firm, form: Form) -> tuple[Part, ...]:
    def part(suffix: str, label: str, kind: str, hint: str = "") -> Part:
        name = f"v.{path}{suffix}"
        return Part(name, label, kind, form.text(name, longest=_LONGEST), hint=hint)

    label = label_of(path)
    choices = tuple((one, one) for one in gap["choices"]) or _known(path, firm)
    if choices:
        return (replace(part("", label, "choice"), choices=choices),)
    match gap["kind"]:
        case "money":
            return (
                part(".amount", "Amount", "number", "1200000.00"),
                part(".currency", "Currency", "text", "EUR"),
            )
        case "period":
            return part(".start", "From", "date"), part(".end", "To", "date")
        case "date":
            return (part("", label, "date"),)
        case "integer" | "decimal":
            return (part("", label, "number"),)
        case "country":
            return (part("", label, "text", "Two letters, as DE"),)
        case "currency":
            return (part("", label, "text", "Three letters, as EUR"),)
        case _:
            return (part("", label, "text"),)


def _known(path: str, firm: Firm) -> tuple[tuple[str, str], ...]:
    """What the firm has set up, where a field is one of it."""
    match path:
        case "region":
            return tuple((region, region) for region in firm.regions)
        case "legal_entity":
            return tuple((one.code, f"{one.code}, {one.name}") for one in firm.legal_entities)
        case "contract_type":
            return tuple((str(one), words(str(one))) for one in ContractType)
        case _:
            return ()


def _value(path: str, kind: str, form: Form) -> Any:
    """Null where nothing was typed."""

    def typed(suffix: str = "") -> str:
        return form.text(f"v.{path}{suffix}", longest=_LONGEST)

    match kind:
        case "money":
            return _money(typed(".amount"), typed(".currency"))
        case "period":
            start, end = typed(".start"), typed(".end")
            if not start and not end:
                return None
            return {"start": _date(start), "end": _date(end) if end else None}
        case "date":
            return _date(typed()) if typed() else None
        case "integer":
            return _integer(typed()) if typed() else None
        case "decimal":
            return str(_decimal(typed())) if typed() else None
        case "country" | "currency":
            return typed().upper() or None
        case "list" if path in _LISTS:
            return _list(path, form)
        case _:
            return typed() or None


def _list(path: str, form: Form) -> list[dict[str, Any]] | None:
    columns = _LISTS[path]
    found: list[dict[str, Any]] = []
    for n in range(_rows_sent(path, columns, form)):
        typed = {
            name: form.text(f"v.{path}.{n}.{name}", longest=_LONGEST) for name, _, _ in columns
        }
        if not any(typed.values()):
            continue
        try:
            found.append(_term(typed) if columns is _TERM else _role(typed))
        except _Unfit as unfit:
            raise _Unfit(unfit.rule, f"/{n}{unfit.within}") from None
    return found or None


def _term(typed: Mapping[str, str]) -> dict[str, Any]:
    share = _of("share", _decimal, typed["share"]) if typed["share"] else None
    return {
        "name": _required("name", typed["name"]),
        "share": None if share is None else str(share / 100),
        "amount": _money(typed["amount"], typed["currency"]) if typed["amount"] else None,
        "due_on": _of("due_on", _date, typed["due_on"]) if typed["due_on"] else None,
        "every_months": _of("every_months", _integer, typed["every_months"])
        if typed["every_months"]
        else None,
    }


def _role(typed: Mapping[str, str]) -> dict[str, Any]:
    return {
        "role": _required("role", typed["role"]),
        "hours": str(_of("hours", _decimal, _required("hours", typed["hours"]))),
        "rate": _money(typed["rate"], typed["currency"]) if typed["rate"] else None,
    }


def _rows_sent(path: str, columns: Sequence[tuple[str, str, str]], form: Form) -> int:
    """Up to the last row in which something was typed."""
    last = 0
    for n in range(_MOST_ROWS):
        if any(form.secret(f"v.{path}.{n}.{name}").strip() for name, _, _ in columns):
            last = n + 1
    return last


def _required(name: str, text: str) -> str:
    if not text:
        raise _Unfit("is missing", f"/{name}")
    return text


def _of(name: str, make: Callable[[str], _T], text: str) -> _T:
    try:
        return make(text)
    except _Unfit as unfit:
        raise _Unfit(unfit.rule, f"/{name}") from None


def _money(amount: str, currency: str) -> dict[str, str] | None:
    if not amount and not currency:
        return None
    if not amount:
        raise _Unfit("has no amount")
    if not currency:
        raise _Unfit("has no currency")
    return {"amount": str(_decimal(amount)), "currency": currency.upper()}


def _decimal(text: str) -> Decimal:
    """Commas between thousands are let through; there is no other reading of `1,200.50`."""
    try:
        found = Decimal(text.replace(",", "").replace(" ", ""))
    except InvalidOperation:
        raise _Unfit("is no number") from None
    if not found.is_finite():
        raise _Unfit("is no number")
    return found


def _integer(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Unfit("is a whole number")
    return int(text)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _Unfit("is a date, as 2026-11-30") from None


def _sentence(text: str) -> str:
    """Gaps are named in the middle of one."""
    return (text[:1].upper() + text[1:]).removesuffix(".")


def _place(part: str) -> str:
    """Where in a value: rows are counted from 1."""
    return f"row {int(part) + 1}," if part.isdigit() else words(part).lower()
