"""Taking in expenses that another program recorded: all of a file or nothing, and each once.

An expense is known by its id in the file. Where there is none, the id follows from what the row
says and which of several equal rows it is, so that the same file again adds nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from uuid import UUID

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.time.csv_cells import DayOrder, Fault
from fairlead.capabilities.time.csv_file import read_sheet
from fairlead.capabilities.time.entering import OPEN
from fairlead.capabilities.time.expense_file import RawExpense, ReadExpenses, read_expenses
from fairlead.capabilities.time.expense_judging import Judging, Unfilled
from fairlead.capabilities.time.expense_terms import ExpensePolicies
from fairlead.capabilities.time.expenses import UNKNOWN, has_error, tell
from fairlead.capabilities.time.importing import Landed
from fairlead.capabilities.time.kinds import Kinds
from fairlead.capabilities.time.matching import Matcher, NoMatch
from fairlead.domain.ids import derived
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.expense import Expense
from fairlead.domain.model.time_entry import EntryState
from fairlead.policy.tables import Policies
from fairlead.store import expenses, time_columns
from fairlead.store.database import Tx, database_time
from fairlead.store.expenses import Kept
from fairlead.trust.acting import Acting

_SOURCE = "import:fairlead"
_SAID = (
    "engagement", "task", "resource", "day", "category", "quantity", "amount", "merchant", "note",
    "billable", "country", "hours_away", "travel_day", "purchase_order",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    rows: int
    landed: Landed  #: nothing, where there are faults
    faults: Sequence[Fault]


@dataclass(frozen=True)
class _Row:
    """A row that was matched, with the engagement that it is for."""

    raw: RawExpense
    delivery: Delivery
    expense: Expense


class ExpenseImports:
    """Takes in files. Works in the caller's transaction."""

    def __init__(self, policies: Policies, calendars: Calendars, kinds: Kinds) -> None:
        self._policies, self._kinds = ExpensePolicies(policies), kinds
        self._judging = Judging(self._policies, calendars)

    def file(self, tx: Tx, acting: Acting, raw: bytes, order: DayOrder | None) -> Report:
        """All rows of a file, or with one fault none of them. What the rules find no error in
        waits for approval; the rest are drafts of who spent it, who adds a receipt.

        Raises `InvalidInput` where it is no file of our format.
        """
        read = read_expenses(read_sheet(raw), order)
        rows = self._filled(tx, read, self._matched(tx, acting, read))
        known = expenses.load(tx, [row.expense.id for row in rows], lock=False)
        for row in rows:
            was = known.get(row.expense.id)
            if was and not _sees(acting, was):
                read.faults.append(
                    _fault(read, row.raw, "id", row.raw.id or "", "is not taken yet")
                )
        landed = Landed() if read.faults else self._land(tx, acting, rows)
        faults = sorted(read.faults, key=lambda fault: (fault.row, fault.column))
        return Report(len(read.rows), landed, faults)

    def _matched(self, tx: Tx, acting: Acting, read: ReadExpenses) -> list[_Row]:
        matcher = Matcher(
            tx,
            self._kinds,
            _SOURCE,
            people={row.person for row in read.rows},
            engagements={row.engagement for row in read.rows},
            days=(),
            reader=acting.principal,
        )
        known = self._policies.categories(database_time(tx))
        alike: Counter[str] = Counter()
        rows: list[_Row] = []
        for raw in read.rows:
            if raw.category not in known:
                rule = f"is one of {', '.join(known)}"
                read.faults.append(_fault(read, raw, "category", raw.category, rule))
                continue
            try:
                rows.append(_matched(raw, matcher, alike))
            except NoMatch as no:
                said = {"person": raw.person, "engagement": raw.engagement}.get(no.what, raw.task)
                read.faults.append(_fault(read, raw, no.what, said or "", no.rule))
        ids = Counter(raw.id for raw in read.rows if raw.id is not None)
        for raw in read.rows:
            if raw.id is not None and ids[raw.id] > 1:
                read.faults.append(_fault(read, raw, "id", raw.id, "comes once"))
        return rows

    def _filled(self, tx: Tx, read: ReadExpenses, rows: Sequence[_Row]) -> list[_Row]:
        """With computed amounts, and each in its engagement's currency."""
        given = [Unfilled(row.expense, row.delivery, row.raw.amount is not None) for row in rows]
        result: list[_Row] = []
        for row, expense in zip(rows, self._judging.filled(tx, given), strict=True):
            if expense.amount == UNKNOWN:
                rule = "is needed: it is paid as it cost, or cannot be computed from what is said"
                read.faults.append(_fault(read, row.raw, "amount", "", rule))
            result.append(replace(row, expense=expense))
        return result

    def _land(self, tx: Tx, acting: Acting, rows: Sequence[_Row]) -> Landed:
        if not rows:
            return Landed()
        time_columns.hold(tx, [row.expense.resource for row in rows])
        known = expenses.load(tx, [row.expense.id for row in rows], lock=True)
        new = [row for row in rows if row.expense.id not in known]
        differing = [
            row
            for row in rows
            if row.raw.id is not None
            and row.expense.id in known
            and _said(row.expense) != _said(known[row.expense.id].expense)
        ]
        open = [row for row in differing if known[row.expense.id].expense.state in OPEN]
        added = [_kept(tx, acting, row) for row in new]
        changed = [_changed(known[row.expense.id], row) for row in open]
        expenses.add(tx, added)
        expenses.save(tx, changed)
        errors, warnings = self._settled(tx, acting, [*added, *changed])
        return Landed(
            added=len(new),
            changed=len(open),
            same=len(rows) - len(new) - len(differing),
            locked=len(differing) - len(open),
            errors=errors,
            warnings=warnings,
        )

    def _settled(self, tx: Tx, acting: Acting, kept: Sequence[Kept]) -> tuple[int, int]:
        """Judge what was touched, and hand in what has no error."""
        if not kept:
            return 0, 0
        now = database_time(tx)
        judged, found = self._judging.judged(tx, kept, now)
        bad = {id for id, some in found.items() if has_error(some)}
        good = [one for one in judged if one.expense.id not in bad]
        expenses.submit(tx, [one.expense.id for one in good], now)
        tell(tx, good, _actor(acting), "expenses.submitted")
        return len(bad), len(found.keys() - bad)


def _matched(raw: RawExpense, matcher: Matcher, alike: Counter[str]) -> _Row:
    """Raises `NoMatch`."""
    person = matcher.person(raw.person, None)
    delivery = matcher.engagement(raw.engagement)
    package = matcher.task(delivery, raw.task)
    if raw.id is not None:
        source_id = f"id:{raw.id}"
    else:
        digest = derived("row", *map(repr, astuple(replace(raw, row=0))))
        alike[digest] += 1
        source_id = f"{digest}:{alike[digest]}"
    expense = Expense(
        id=UUID(derived("expense", _SOURCE, source_id)),
        engagement=delivery.engagement,
        task=package.code if package else None,
        resource=person.id,
        day=raw.day,
        category=raw.category,
        quantity=raw.quantity,
        amount=raw.amount or UNKNOWN,
        merchant=raw.merchant,
        note=raw.note,
        billable=raw.billable,
        country=raw.country,
        hours_away=raw.hours_away,
        travel_day=raw.travel_day,
        purchase_order=raw.purchase_order,
        source=_SOURCE,
        source_id=source_id,
    )
    return _Row(raw, delivery, expense)


def _kept(tx: Tx, acting: Acting, row: _Row) -> Kept:
    return Kept(
        expense=row.expense,
        entered_by=_actor(acting),
        entered_at=database_time(tx),
        submitted_at=None,
        decided_by=None,
        decided_at=None,
        period=None,
        region=row.delivery.region,
        legal_entity=row.delivery.legal_entity,
    )


def _sees(acting: Acting, was: Kept) -> bool:
    """Whether whoever sends the file may know of it, and so change it."""
    return acting.principal.sees(region=was.region, legal_entity=was.legal_entity)


def _actor(acting: Acting) -> str:
    return f"{acting.principal.kind}:{acting.id}"


def _changed(was: Kept, row: _Row) -> Kept:
    """As a draft, which is handed in again where it may be. Its receipt stays."""
    old = was.expense
    kept = {"receipt": old.receipt, "state": EntryState.DRAFT, "version": old.version + 1}
    return replace(
        was,
        expense=row.expense.model_copy(update=kept),
        submitted_at=None,
        region=row.delivery.region,
        legal_entity=row.delivery.legal_entity,
    )


def _fault(read: ReadExpenses, raw: RawExpense, ours: str, value: str, rule: str) -> Fault:
    return Fault(raw.row, read.names.get(ours, ours.capitalize()), value[:80], rule)


def _said(expense: Expense) -> tuple[object, ...]:
    return tuple(getattr(expense, name) for name in _SAID)
