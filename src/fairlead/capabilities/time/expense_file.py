"""Files of expenses in our own format: which columns there are, and how their cells are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from fairlead.capabilities.time.csv_cells import (
    YES_NO,
    DayOrder,
    Fault,
    day_of,
    day_order,
    day_rule,
)
from fairlead.capabilities.time.csv_file import Sheet
from fairlead.capabilities.time.csv_header import Format, recognised
from fairlead.domain.values import Money, minor_units
from fairlead.errors import InvalidInput, Problem

MOST_ROWS = 5_000  #: each is held to the policies by itself
_MOST = 100_000_000  #: of any currency
_NEEDS = ("person", "engagement", "day", "category")
FORMAT = Format(
    "fairlead",
    {
        "person": ("person",), "engagement": ("engagement",), "task": ("task",), "day": ("date",),
        "category": ("category",), "quantity": ("quantity",), "amount": ("amount",),
        "currency": ("currency",), "merchant": ("merchant",), "note": ("note",),
        "billable": ("billable",), "country": ("country",), "hours_away": ("hours away",),
        "travel_day": ("travel day",), "purchase_order": ("purchase order",), "id": ("id",),
    },
    _NEEDS,
)  # fmt: skip
_LONGEST = {"merchant": 200, "note": 2000, "purchase_order": 100, "task": 100, "id": 200}
#: Without signs that part thousands: `1,234` would be two different amounts.
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,8}|,\d{1,2})?")

Say = Callable[[str, str], None]  #: (what we read, the rule that it breaks)


@dataclass(frozen=True)
class RawExpense:
    """One row, read but not yet matched. Names are as the file has them."""

    row: int
    person: str
    engagement: str
    task: str | None
    day: date
    category: str
    quantity: Decimal | None
    amount: Money | None  #: null: it is computed
    merchant: str
    note: str
    billable: bool
    country: str | None
    hours_away: int | None
    travel_day: bool
    purchase_order: str | None
    id: str | None


@dataclass
class ReadExpenses:
    names: Mapping[str, str]  #: what we read → what the file calls the column
    rows: list[RawExpense] = field(default_factory=list[RawExpense])
    faults: list[Fault] = field(default_factory=list[Fault])


def read_expenses(sheet: Sheet, order: DayOrder | None) -> ReadExpenses:
    """Every row that says something, and every fault.

    Raises `InvalidInput` where it is no such file, or a larger one than is taken.
    """
    _, columns = recognised(sheet, [FORMAT])
    if len(sheet.rows) > MOST_ROWS:
        raise InvalidInput(
            "The file cannot be read.", [Problem("", f"has at most {MOST_ROWS} rows of expenses")]
        )
    read = ReadExpenses({ours: sheet.header[at] for ours, at in columns.items()})
    seen = order or day_order([cells[columns["day"]] for cells in sheet.rows if cells])
    for number, cells in enumerate(sheet.rows, 2):
        if cells:
            _read_row(read, number, {ours: cells[at] for ours, at in columns.items()}, seen)
    return read


def _read_row(
    read: ReadExpenses, number: int, said: Mapping[str, str], order: DayOrder | None
) -> None:
    faults: list[Fault] = []

    def say(ours: str, rule: str) -> None:
        value = said.get(ours, "")[:80]
        faults.append(Fault(number, read.names.get(ours, ours.capitalize()), value, rule))

    for ours in _NEEDS:
        if not said[ours]:
            say(ours, "is not empty")
    for ours, most in _LONGEST.items():
        if len(said.get(ours, "")) > most:
            say(ours, f"has at most {most} characters")
    day = day_of(said["day"], order)
    if day is None and said["day"]:
        say("day", day_rule(said["day"], order))
    amount, quantity = _amount(said, say), _quantity(said, say)
    billable, travel_day = _yes(said, "billable", say), _yes(said, "travel_day", say)
    country, hours_away = _country(said, say), _hours(said, say)
    if faults or day is None:
        read.faults.extend(faults)
        return
    read.rows.append(
        RawExpense(
            row=number,
            person=said["person"],
            engagement=said["engagement"],
            task=said.get("task") or None,
            day=day,
            category=said["category"].casefold().replace(" ", "_"),
            quantity=quantity,
            amount=amount,
            merchant=said.get("merchant", ""),
            note=said.get("note", ""),
            billable=billable is not False,
            country=country,
            hours_away=hours_away,
            travel_day=travel_day is True,
            purchase_order=said.get("purchase_order") or None,
            id=said.get("id") or None,
        )
    )


def _amount(said: Mapping[str, str], say: Say) -> Money | None:
    text, currency = said.get("amount", ""), said.get("currency", "").upper()
    if not text:
        return None
    if not re.fullmatch(r"[A-Z]{3}", currency):
        say("currency", "is an ISO 4217 code such as EUR, given with the amount")
        return None
    amount = _number(text)
    if amount is None:
        say("amount", "is a number such as 1234.50, without signs between thousands")
    elif not 0 < amount <= _MOST:
        say("amount", f"is more than zero, and at most {_MOST:,}")
    elif amount != round(amount, minor_units(currency)):
        say("amount", f"has at most {minor_units(currency)} decimals in {currency}")
    else:
        return Money(amount=amount, currency=currency)
    return None


def _quantity(said: Mapping[str, str], say: Say) -> Decimal | None:
    text = said.get("quantity", "")
    quantity = _number(text)
    if text and (quantity is None or not 0 < quantity <= 100_000):
        say("quantity", "is a number above zero, such as 320 or 12.5, and at most 100,000")
    return quantity


def _yes(said: Mapping[str, str], ours: str, say: Say) -> bool | None:
    text = said.get(ours, "")
    found = YES_NO.get(text.casefold())
    if text and found is None:
        say(ours, "is yes or no")
    return found


def _country(said: Mapping[str, str], say: Say) -> str | None:
    code = said.get("country", "").upper()
    if code and not re.fullmatch(r"[A-Z]{2}", code):
        say("country", "is an ISO 3166-1 code of two letters such as DE")
    return code or None


def _hours(said: Mapping[str, str], say: Say) -> int | None:
    text = said.get("hours_away", "")
    if not text:
        return None
    if not re.fullmatch(r"\d{1,2}", text) or int(text) > 24:
        say("hours_away", "is a whole number from 0 to 24")
        return None
    return int(text)


def _number(text: str) -> Decimal | None:
    return Decimal(text.replace(",", ".")) if _NUMBER.fullmatch(text) else None
