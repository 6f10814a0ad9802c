"""What somebody spent in a week: the list, and the form in which one is entered or changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError
from starlette.responses import Response

from fairlead.capabilities.time.entering import OWN
from fairlead.capabilities.time.expenses import ExpenseInput
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.model.expense import Meal
from fairlead.domain.model.finding import Finding, Severity
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Money
from fairlead.errors import InvalidInput, NotFound, Problem
from fairlead.store import blobs, expenses, findings, time_weeks
from fairlead.store.expenses import Wanted
from fairlead.web.formats import Tone
from fairlead.web.forms import Form, FormWithFiles
from fairlead.web.pages.my_time_week import STATES, Said, Week
from fairlead.web.visit import Visit

_MOST = 200
_WEEK = timedelta(days=6)
#: What a form keeps of what was typed, in its order.
_FIELDS = (
    *("place", "day", "category", "amount", "currency", "quantity", "merchant", "country", "note"),
    *("hours_away", "travel_day", "breakfast", "lunch", "dinner", "purchase_order", "billable"),
)
#: Categories that say more than an amount; the others are paid as they cost.
DAILY, DISTANCE, SUPPLIER = "per_diem", "mileage", "supplier"
_POINTERS: Mapping[str, str] = {
    "engagement": "place",
    "task": "place",
    "provided": "breakfast",
}


@dataclass(frozen=True)
class Spent:
    """One expense of the list."""

    id: UUID
    version: int
    row: Mapping[str, Any]
    amount: Money
    claimed: Money | None
    state: tuple[Tone, str, str]
    said: tuple[Said, ...]
    may_change: bool
    may_take_back: bool

    @property
    def wrong(self) -> bool:
        return any(one.is_error for one in self.said)


@dataclass(frozen=True)
class ExpenseForm:
    """`values`: as typed, by the name of the field; `faults`: what is wrong with a field."""

    id: str  #: of the expense; empty: it is new
    version: int | None
    key: str  #: under which a new one is entered once, however often it is sent
    values: Mapping[str, str]
    places: tuple[tuple[str, str], ...]
    categories: tuple[str, ...]
    has_receipt: bool = False
    faults: Mapping[str, str] = field(default_factory=dict[str, str])

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def fault(self, name: str) -> str | None:
        return self.faults.get(name)


class WeekExpenses:
    """Each part is read when it is printed."""

    def __init__(self, visit: Visit, who: ResourceRecord, week: Week) -> None:
        self._visit, self._who, self._week = visit, who, week

    @cached_property
    def rows(self) -> tuple[Spent, ...]:
        monday = self._week.monday
        wanted = Wanted(self._who.id, since=monday, until=monday + _WEEK)
        rows = expenses.page(self._visit.tx, wanted, after=None, limit=_MOST)
        said = findings.of(self._visit.tx, "expense", [row["id"] for row in rows]) if rows else {}
        ordered = sorted(rows, key=lambda row: (row["day"], row["entered_at"]))
        return tuple(_spent(row, said.get(row["id"], ())) for row in ordered)

    @property
    def open(self) -> tuple[Spent, ...]:
        """What may be handed in."""
        return tuple(one for one in self.rows if one.row["state"] in OWN)

    @property
    def totals(self) -> tuple[Money, ...]:
        """In the engagements' currencies; they are not added up."""
        sums: dict[str, Decimal] = {}
        for one in self.rows:
            if one.claimed is not None:
                code = one.claimed.currency
                sums[code] = sums.get(code, Decimal(0)) + one.claimed.amount
        return tuple(Money(amount=sums[code], currency=code) for code in sorted(sums))


def form_of(visit: Visit, who: ResourceRecord, week: Week, id: str) -> ExpenseForm:
    """Raises `NotFound`."""
    if not id:
        day = week.today if week.this_week else week.monday
        return _form(visit, who, week, "", None, {"day": str(day), "billable": "yes"})
    row = _own(visit, who, id_of(id))
    values = {
        "place": f"{row['engagement_id']}:{row['task'] or ''}",
        "day": str(row["day"]),
        "category": row["category"],
        "amount": _plain(row["amount"]),
        "currency": row["currency"],
        "quantity": _plain(row["quantity"]),
        "merchant": row["merchant"],
        "country": row["country"] or "",
        "note": row["note"],
        "hours_away": "" if row["hours_away"] is None else str(row["hours_away"]),
        "travel_day": "yes" if row["travel_day"] else "",
        **{str(meal): "yes" for meal in row["provided"]},
        "purchase_order": row["purchase_order"] or "",
        "billable": "yes" if row["billable"] else "",
    }
    return _form(visit, who, week, id, row["version"], values, has_receipt=bool(row["receipt"]))


def form_again(
    visit: Visit, who: ResourceRecord, week: Week, form: Form, unfit: InvalidInput
) -> ExpenseForm:
    """With what was typed, and each fault beside its field."""
    faults: dict[str, str] = {}
    for problem in unfit.problems:
        name = problem.pointer.lstrip("/").partition("/")[0]
        text = f"{problem.rule[:1].upper()}{problem.rule[1:]}."
        faults.setdefault(_POINTERS.get(name, name), text)
    values = {name: form.text(name) for name in _FIELDS}
    id = form.text("id", longest=40)
    made = _form(visit, who, week, id, form.number("version"), values, faults=faults)
    return replace(made, key=form.text("key", longest=40))


def save(visit: Visit, form: FormWithFiles) -> str:
    """What was done, in words. Raises `InvalidInput`, `NotFound`, `StaleVersion`, `IllegalMove`."""
    said, id = _input(form), form.text("id", longest=40)
    if id:
        done = visit.parts.expenses.change(visit.tx, visit.acting, id_of(id), said, form.version)
    else:
        key = form.text("key", longest=40)
        done = visit.parts.expenses.enter(visit.tx, visit.acting, said, source_id=key or None)
    expense = done.kept.expense
    for file in form.files[:1]:
        visit.parts.expenses.attach(visit.tx, visit.acting, expense.id, file.content, None)
    return "Saved" if id else "Entered"


def receipt(visit: Visit) -> Response:
    """As it was uploaded; a browser keeps it and shows nothing of it."""
    who = resource_of(visit.tx, visit.acting)
    row = _own(visit, who, id_of(visit.request.path_params["id"]))
    if row["receipt"] is None:
        raise NotFound("It has no receipt.")
    content = blobs.kept(visit.tx, row["receipt"])
    disposition = f'attachment; filename="receipt-{row["receipt"][:12]}"'
    return Response(
        content,
        media_type="application/octet-stream",
        headers={"Content-Disposition": disposition},
    )


def id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such expense.") from None


def _own(visit: Visit, who: ResourceRecord, id: UUID) -> Mapping[str, Any]:
    rows = expenses.page(visit.tx, Wanted(who.id, id=id), after=None, limit=1)
    if not rows:
        raise NotFound("There is no such expense.")
    return rows[0]


def _form(
    visit: Visit,
    who: ResourceRecord,
    week: Week,
    id: str,
    version: int | None,
    values: Mapping[str, str],
    *,
    has_receipt: bool = False,
    faults: Mapping[str, str] | None = None,
) -> ExpenseForm:
    places: dict[str, str] = {}
    currencies: dict[str, str] = {}
    for one in time_weeks.may_book(visit.tx, who.id, week.monday):
        place = f"{one['engagement_id']}:{one['task']}"
        places[place] = f"{one['number']} {one['client_name']}: {one['task']} {one['task_name']}"
        currencies[place] = one["currency"]
    if (held := values.get("place", "")) and held not in places:
        places[held] = "As it is"
    given = dict(values)
    if not given.get("place") and places:
        given["place"] = next(iter(places))
    given.setdefault("currency", currencies.get(given.get("place", ""), ""))
    return ExpenseForm(
        id=id,
        version=version,
        key=str(uuid4()),
        values=given,
        places=tuple(places.items()),
        categories=tuple(visit.parts.expenses.categories(visit.now)),
        has_receipt=has_receipt,
        faults=faults or {},
    )


def _input(form: Form) -> ExpenseInput:
    engagement, _, task = form.text("place", longest=400).partition(":")
    category = form.text("category", longest=40)
    amount = _decimal(form, "amount")
    currency = form.text("currency", longest=3).upper()
    if amount is not None and not currency:
        raise InvalidInput("An amount has a currency.", [Problem("/currency", "is required")])
    daily = category == DAILY
    hours_away = form.number("hours_away") if daily else None
    values: dict[str, Any] = {
        "engagement": engagement,
        "task": task or None,
        "day": form.text("day", longest=10),
        "category": category,
        "quantity": _decimal(form, "quantity"),
        "amount": None if amount is None else {"amount": amount, "currency": currency},
        "merchant": form.text("merchant"),
        "note": form.text("note"),
        "billable": form.text("billable", longest=5) == "yes",
        "country": form.text("country", longest=2).upper() or None,
        "hours_away": hours_away,
        "travel_day": daily and form.text("travel_day", longest=5) == "yes",
        "provided": [meal for meal in Meal if daily and form.text(str(meal), longest=5) == "yes"],
        "purchase_order": form.text("purchase_order") or None,
    }
    try:
        return ExpenseInput.model_validate(values)
    except ValidationError as bad:
        problems = [
            Problem("/" + "/".join(str(part) for part in error["loc"]), _rule(error["msg"]))
            for error in bad.errors(include_url=False, include_input=False)
        ]
        raise InvalidInput("This cannot be saved.", problems) from None


def _rule(message: str) -> str:
    """`Input should be a valid date` → `should be a valid date`."""
    return message.removeprefix("Input ").removeprefix("String ").rstrip(".")


def _decimal(form: Form, name: str) -> Decimal | None:
    """`1234.5`, `1.234,50` and `1,234.50`; `1,234` alone could mean either, and is refused."""
    text = form.text(name, longest=30).replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    if not text:
        return None
    last = max(text.rfind(","), text.rfind("."))
    mixed = "," in text and "." in text
    unclear = last >= 0 and not mixed and (text.count(text[last]) > 1 or len(text) - last == 4)
    plain = text[:last].replace(",", "").replace(".", "") + "." + text[last + 1 :]
    try:
        found = Decimal("NaN") if unclear else Decimal(plain if last >= 0 else text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        rule = "is a number such as 1234.50"
        raise InvalidInput("This is no number.", [Problem(f"/{name}", rule)])
    return found


def _spent(row: Mapping[str, Any], said: Sequence[Finding]) -> Spent:
    state = EntryState(row["state"])
    claimed = row["claimed"]
    return Spent(
        id=row["id"],
        version=row["version"],
        row=row,
        amount=Money(amount=row["amount"], currency=row["currency"]),
        claimed=None if claimed is None else Money(amount=claimed, currency=row["own_currency"]),
        state=STATES[state],
        said=tuple(
            Said(one.rule, one.severity is Severity.ERROR, one.value, one.remedy) for one in said
        ),
        may_change=state in OWN and row["reverses"] is None,
        may_take_back=state is EntryState.SUBMITTED and row["reverses"] is None,
    )


def _plain(value: Decimal | None) -> str:
    if value is None:
        return ""
    text = f"{value.normalize():f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.ljust(2, '0')}" if rest else whole
