"""The list of invoices, credits and write-offs: what the address asks for, its rows and choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.domain.values import Money
from fairlead.store import invoice_views
from fairlead.store.database import Tx
from fairlead.store.invoice_views import GROUPS, SORTS, Filters, Sort, Summary, key_of
from fairlead.web import addresses, csv_table
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.csv_table import Cell
from fairlead.web.formats import Tone
from fairlead.web.listing import Listing, cursor_of
from fairlead.web.pages.billing_board import sees
from fairlead.web.pages.billing_words import KINDS, STATES
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of

PATH = "/billing/invoices"
_NAMES = ("state", "kind", "entity", "currency", "engagement", "due", "q", "sort")
_DEFAULT: Sort = "-proposed"
_GROUP_WORDS = {"open": "Not posted", "drafted": "Drafted or reviewed"}


@dataclass(frozen=True)
class Row:
    reference: str
    number: str | None
    kind: str
    client: str
    engagement: str
    name: str
    state: str
    tone: Tone
    net: Money
    total: Money | None
    dated_on: date
    due_on: date | None
    late: bool
    entity: str
    who: str  #: whose hands it went through last
    at: datetime


class InvoiceList(Listing[tuple[str, str]]):
    """The whole page asks three queries."""

    def __init__(self, visit: Visit) -> None:
        given = {name: visit.query(name, longest=100) for name in _NAMES}
        found = _known({name: value for name, value in given.items() if value})
        sorts: Mapping[str, Sort] = {sort: sort for sort in SORTS}
        self.sort: Sort = sorts.get(found.get("sort", ""), _DEFAULT)
        self.filters = _filters(visit, found)
        self._sees = sees(visit)
        super().__init__(visit, Address(PATH, found), _after(cursor_of(visit), self.sort))

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return invoice_views.page(
            self._visit.tx, self._sees, self.filters, self.sort, after=self._after, limit=limit
        )

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(key_of(row, self.sort))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_row(self._visit, row) for row in self._rows)

    @cached_property
    def summary(self) -> Summary:
        return invoice_views.summary(
            self._visit.tx, self._sees, self.filters, self._visit.clock.today
        )

    @property
    def totals(self) -> tuple[Money, ...]:
        """Without tax, per currency; credits take off."""
        return tuple(
            Money(amount=amount, currency=code)
            for code, amount in sorted(self.summary.totals.items())
        )

    @property
    def chips(self) -> tuple[Chip, ...]:
        return tuple(
            Chip(name, _chip_words(name, value), self.address.but(**{name: None}))
            for name, value in self.address.set.items()
            if name != "sort"
        )

    @property
    def pickers(self) -> tuple[Picker, ...]:
        taken, found = self.address.set, self.summary
        made: list[Picker] = []
        if "state" not in taken:
            groups = [
                Option(label, self.address.but(state=name),
                       sum(found.states.get(state, 0) for state in GROUPS[name]))
                for name, label in _GROUP_WORDS.items()
            ]  # fmt: skip
            states = [
                Option(STATES[state][0], self.address.but(state=str(state)),
                       found.states.get(state, 0))
                for state in InvoiceState
            ]  # fmt: skip
            made.append(Picker("State", tuple(groups + states)))
        counted = (
            ("kind", "Kind", found.kinds),
            ("entity", "Entity", found.entities),
            ("currency", "Currency", found.currencies),
        )
        for name, label, counts in counted:
            if name not in taken and len(counts) > 1:
                options = (
                    Option(_value_words(name, value), self.address.but(**{name: value}), number)
                    for value, number in sorted(counts.items())
                )
                made.append(Picker(label, tuple(options)))
        if "due" not in taken:
            late = Option("Overdue", self.address.but(due="late"), found.late)
            made.append(Picker("Due", (late,)))
        return tuple(made)

    def sorted(self, sort: str) -> str:
        return self.address.but(sort=None if sort == _DEFAULT else sort)

    def file(self) -> Iterator[Sequence[Cell]]:
        """Every row that fits, for a CSV file."""
        scope, filters, sort = self._sees, self.filters, self.sort

        def read(tx: Tx, last: dict[str, Any] | None) -> list[dict[str, Any]]:
            after = None if last is None else key_of(last, sort)
            size = csv_table.page_size()
            return invoice_views.page(tx, scope, filters, sort, after=after, limit=size)

        for row in csv_table.pages(self._visit, read):
            yield tuple(_plain(row[name]) for name, _ in COLUMNS)


#: Column of the query → its head in the file.
COLUMNS: Sequence[tuple[str, str]] = (
    ("reference", "Reference"),
    ("number", "Number in the ledger"),
    ("kind", "Kind"),
    ("state", "State"),
    ("engagement", "Engagement"),
    ("engagement_name", "Name"),
    ("client_name", "Client"),
    ("legal_entity", "Entity"),
    ("region", "Region"),
    ("purchase_order", "Purchase order"),
    ("currency", "Currency"),
    ("net", "Net"),
    ("tax", "Tax"),
    ("total", "Total"),
    ("paid", "Paid"),
    ("dated_on", "Date"),
    ("starts_on", "Bills from"),
    ("ends_on", "Bills to"),
    ("due_on", "Due"),
    ("proposed_at", "Drafted (UTC)"),
    ("proposed_by", "Drafted by"),
    ("reviewed_by", "Reviewed by"),
    ("released_at", "Released (UTC)"),
    ("released_by", "Released by"),
    ("posted_at", "Posted (UTC)"),
    ("paid_at", "Paid (UTC)"),
    ("reason", "Reason"),
)


def _row(visit: Visit, row: Mapping[str, Any]) -> Row:
    label, tone = STATES[row["state"]]
    today = visit.clock.today
    late = row["state"] == InvoiceState.POSTED and row["due_on"] and row["due_on"] < today
    who = row["released_by"] or row["reviewed_by"] or row["proposed_by"]
    currency = row["currency"]
    return Row(
        reference=row["reference"],
        number=row["number"],
        kind=KINDS[row["kind"]],
        client=row["client_name"],
        engagement=row["engagement"],
        name=row["engagement_name"],
        state=label,
        tone=tone,
        net=Money(amount=row["net"], currency=currency),
        total=None if row["total"] is None else Money(amount=row["total"], currency=currency),
        dated_on=row["dated_on"],
        due_on=row["due_on"],
        late=bool(late),
        entity=row["legal_entity"],
        who=name_of(visit, who),
        at=row["proposed_at"],
    )


def _known(given: Mapping[str, str]) -> dict[str, str]:
    """What stands for nothing is left out, so that the address tells what is shown."""
    allowed: Mapping[str, Sequence[str]] = {
        "state": (*map(str, InvoiceState), *GROUPS),
        "kind": tuple(map(str, InvoiceKind)),
        "due": ("late",),
        "sort": SORTS,
    }
    return {n: v for n, v in given.items() if n not in allowed or v in allowed[n]}


def _filters(visit: Visit, found: Mapping[str, str]) -> Filters:
    state = found.get("state")
    return Filters(
        states=None if state is None else GROUPS.get(state, (state,)),
        kind=found.get("kind"),
        entity=found.get("entity"),
        currency=found.get("currency"),
        engagement=found.get("engagement"),
        late=visit.clock.today if "due" in found else None,
        q=found.get("q"),
    )


def _after(text: str, sort: Sort) -> tuple[str, str] | None:
    """Null also where the cursor is of another sort: the list begins anew."""
    found = addresses.read_cursor(text, 2)
    if found is None:
        return None
    key, id = found
    try:
        match sort.removeprefix("-"):
            case "proposed":
                fits = datetime.fromisoformat(key).tzinfo is not None
            case "net":
                fits = Decimal(key).is_finite()
            case "due":
                fits = date.fromisoformat(key).year > 0
            case _:
                fits = True
    except (ValueError, InvalidOperation):
        return None
    return (key, id) if fits else None


def _chip_words(name: str, value: str) -> str:
    if name == "q":
        return f"“{value}”"
    return "Overdue" if name == "due" else _value_words(name, value)


def _value_words(name: str, value: str) -> str:
    if name == "state":
        return _GROUP_WORDS.get(value) or STATES[value][0]
    return KINDS[value] if name == "kind" else value


def _plain(value: Any) -> Cell:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | Decimal | datetime) else None
