"""One entry that waits or was decided: what it says, the hours around it, what was checked, what
follows in money, and what the reader may do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.rules.expense_checks import NAMES
from fairlead.domain.rules.time_rules import RULES
from fairlead.domain.values import Money
from fairlead.store.approvals import Kind
from fairlead.trust.roles import Permission
from fairlead.web.formats import DAYS, NBSP, Tone, amount, words
from fairlead.web.hours import shown
from fairlead.web.pages.time_list import STATES, TimeList, Why, whys_of
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of

_DAY = timedelta(days=1)
_WEEKS = 4
_WIDTH, _LEFT, _BASE, _TOP = 400, 22, 88, 8


@dataclass(frozen=True)
class Bar:
    """One day of the chart, in units of its box."""

    x: float
    y: float
    height: float
    tone: str  #: a class of the chart: `f0`, or `fw` and `fb` where a rule was broken
    label: str  #: over the bar; empty: none


@dataclass(frozen=True)
class Line:
    y: float
    label: str


@dataclass(frozen=True)
class WeekOfDays:
    number: int
    x: float  #: the middle of its bars
    days: tuple[str, ...]


@dataclass(frozen=True)
class Chart:
    """Hours a day of four weeks. `finding`: what it says, for who does not see it."""

    finding: str
    lines: tuple[Line, ...]
    bars: tuple[Bar, ...]
    weeks: tuple[WeekOfDays, ...]
    height: int = 112
    width: int = _WIDTH
    left: int = _LEFT


@dataclass(frozen=True)
class Effect:
    label: str
    money: Money | None = None
    text: str = ""
    is_masked: bool = False


@dataclass(frozen=True)
class Pane:
    kind: Kind
    id: str
    version: int
    title: str
    person: str
    first_name: str
    number: str
    engagement: str
    task: str
    note: str
    entered: str
    submitted_at: datetime | None
    state: tuple[Tone, str]
    whys: tuple[Why, ...]
    passed: int
    effects: tuple[Effect, ...]
    chart: Chart | None
    receipt: str | None
    decided: str
    reason: str
    waits: bool
    wrong: bool  #: it has an error: it can only be returned
    closed: str  #: why the reader cannot decide; empty: they can
    facts: tuple[tuple[str, str], ...]


def read(visit: Visit, listed: TimeList, kind: Kind, id: UUID) -> Pane | None:
    """Null where there is none that the reader sees."""
    row = listed.board.one(kind, id)
    return None if row is None else _pane(visit, listed, row)


def _pane(visit: Visit, listed: TimeList, row: Mapping[str, Any]) -> Pane:
    whys = whys_of(row["findings"])
    person = row["name"] or row["resource_id"]
    waits = row["state"] == EntryState.SUBMITTED
    decided = ""
    if row["decided_at"] is not None and not waits:
        decided = f"{name_of(visit, row['decided_by'])}, {visit.clock.moment(row['decided_at'])}"
    entered = f"{name_of(visit, row['entered_by'])}, {visit.clock.moment(row['entered_at'])}"
    is_time = row["kind"] == "time"
    rules = len(RULES) if is_time else len(NAMES)
    return Pane(
        kind=row["kind"],
        id=str(row["id"]),
        version=row["version"],
        title=f"{person}, {_what(row)}",
        person=person,
        first_name=person.split()[0],
        number=row["number"],
        engagement=f"{row['client_name']}, {row['engagement_name']}",
        task=f"{row['task']} {row['task_name'] or ''}".strip() if row["task"] else "none",
        note=row["narrative"] if is_time else row["note"],
        entered=entered,
        submitted_at=row["submitted_at"],
        state=STATES[row["state"]],
        whys=whys,
        passed=rules - len({why.rule for why in whys}),
        effects=_effects(visit, row),
        chart=_chart(row, whys) if is_time else None,
        receipt=None if is_time else row["receipt"],
        decided=decided,
        reason=row["reason"] or "",
        waits=waits,
        wrong=any(why.is_error for why in whys),
        closed=_closed(visit, listed, row) if waits else "",
        facts=_facts(visit, row),
    )


def _closed(visit: Visit, listed: TimeList, row: Mapping[str, Any]) -> str:
    if not visit.who.may(Permission.TIME_APPROVE):
        return "Project managers and PMO leads approve time and expenses; you read them."
    if row["barred"]:
        return "It is of your own hand, or of somebody whose deputy you are: somebody else decides."
    if row["engagement_id"] not in (listed.sight.engagements or ()):
        return "The manager of the engagement approves it, or a PMO lead of its region."
    return ""


def _what(row: Mapping[str, Any]) -> str:
    day: date = row["day"]
    if row["kind"] == "time":
        return f"{shown(row['minutes'])}{NBSP}h on {day:%A}"
    return f"{words(row['category']).lower()} on {day:%A}"


def _facts(visit: Visit, row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What else was said of it."""
    found = [("Day", visit.clock.due(row["day"]))]
    if row["kind"] == "time":
        kind = visit.parts.kinds.get(row["category"])
        found.append(("Kind", kind.name if kind else words(row["category"])))
        found.append(("Role", row["role"]))
        if row["begins"] is not None:
            found.append(("Hours", f"{shown(row['begins'])} to {shown(row['ends'] % 1440)}"))
    else:
        found.append(("Paid to", row["merchant"] or "not said"))
        if row["quantity"] is not None:
            found.append(("Quantity", amount(row["quantity"], 1)))
        if row["country"]:
            found.append(("Country", row["country"]))
        if row["purchase_order"]:
            found.append(("Purchase order", row["purchase_order"]))
    if row["reverses"] is not None:
        found.append(("Correction", "it takes back what was approved"))
    return tuple(found)


def _effects(visit: Visit, row: Mapping[str, Any]) -> tuple[Effect, ...]:
    """What approving it means in money. Costs only for who may see costs."""
    if row["kind"] == "expense":
        return _effects_of_expense(row)
    hours = Decimal(row["minutes"]) / 60
    cost, price, made = row["cost"], row["price"], list[Effect]()
    label = f"Cost on {row['number']}"
    if not visit.who.may(Permission.COSTS_READ):
        made.append(Effect(label, is_masked=True))
    elif cost is None:
        made.append(Effect(label, text="no rate is known"))
    else:
        worth = Decimal(cost["amount"]) * hours
        made.append(Effect(label, Money(amount=worth, currency=cost["currency"])))
    if not row["billable"]:
        made.append(Effect("Billed to the client", text="nothing: it is not billable"))
    elif price is None:
        made.append(Effect("Billed to the client", text=_unbilled(row)))
    else:
        worth = Money(amount=Decimal(price) * hours, currency=row["own_currency"])
        made.append(Effect("Worth at the contract's rate", worth))
    return tuple(made)


def _effects_of_expense(row: Mapping[str, Any]) -> tuple[Effect, ...]:
    paid = Money(amount=row["amount"], currency=row["currency"])
    claimed = Money(amount=row["claimed"], currency=row["own_currency"])
    billed = Effect("Billed to the client", claimed if row["billable"] else None, "nothing")
    return (Effect("Paid", paid), Effect(f"Cost on {row['number']}", claimed), billed)


def _unbilled(row: Mapping[str, Any]) -> str:
    return f"by {words(row['contract_type']).lower()}, no rate an hour"


def _chart(row: Mapping[str, Any], whys: Sequence[Why]) -> Chart:
    day: date = row["day"]
    first = day - (day.weekday() + 7 * (_WEEKS - 1)) * _DAY
    hours = {date.fromisoformat(text): minutes for text, minutes in row["hours"].items()}
    most = max([480, *hours.values()])
    step = 240 if most <= 720 else 360
    top = -(-most // step) * step
    scale = (_BASE - _TOP) / top
    slot = (_WIDTH - _LEFT) / (7 * _WEEKS)
    broken = "fb" if any(why.is_error for why in whys) else "fw" if whys else "f1"
    bars: list[Bar] = []
    for n in range(7 * _WEEKS):
        at = first + n * _DAY
        minutes = max(hours.get(at, 0), 0)
        if minutes:
            height = round(minutes * scale, 1)
            is_it = at == day
            bars.append(
                Bar(
                    x=round(_LEFT + n * slot + 1.5, 1),
                    y=round(_BASE - height, 1),
                    height=height,
                    tone=broken if is_it else "f0",
                    label=shown(minutes) if is_it else "",
                )
            )
    lines = tuple(
        Line(round(_BASE - minutes * scale, 1), str(minutes // 60))
        for minutes in range(0, top + 1, step)
    )
    weeks = tuple(
        WeekOfDays(
            number=(first + 7 * n * _DAY).isocalendar().week,
            x=round(_LEFT + (7 * n + 3.5) * slot, 1),
            days=tuple(shown(hours.get(first + (7 * n + d) * _DAY, 0)) for d in range(7)),
        )
        for n in range(_WEEKS)
    )
    return Chart(_finding(day, hours), lines, tuple(bars), weeks)


def _finding(day: date, hours: Mapping[date, int]) -> str:
    others = sorted(minutes for at, minutes in hours.items() if at != day and minutes > 0)
    now = shown(hours.get(day, 0))
    if not others:
        return f"Hours a day for four weeks: {now} on {DAYS[day.weekday()]}, nothing else"
    span = f"{shown(others[0])} to {shown(others[-1])}"
    return (
        f"Hours a day for four weeks: {span} on {len(others)} other days, then {now} on "
        f"{DAYS[day.weekday()]}"
    )
