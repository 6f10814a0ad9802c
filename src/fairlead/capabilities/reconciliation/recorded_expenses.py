"""The expenses that a project system keeps, against those that are here (F075, F163, F277).

None is taken in from there, so that no id tells which is which: one there is the one here of the
same person, day and amount. What is only here is no business of that system's.
"""

from __future__ import annotations

from fairlead.capabilities.reconciliation.books import Book, Sides, Told
from fairlead.domain.model.discrepancy import Kept, Record
from fairlead.domain.model.recorded_expense import RecordedExpense
from fairlead.domain.rules.recorded_work import Entry, sides
from fairlead.store import recorded_work, resources
from fairlead.store.database import Tx

PROJECT_EXPENSES = "project-expenses"


def _sides(tx: Tx, told: Told) -> Sides:
    kept = [RecordedExpense.model_validate(one) for one in told.said]
    known = _addresses(tx, kept)
    theirs = [
        Record(
            key="",
            ref=one.ref.id,
            amount=one.amount.amount,
            unit=one.amount.currency,
            on=one.day,
            whose=known.get((one.email or "").lower()) or known.get(one.person.lower(), ""),
        )
        for one in kept
        if one.amount.amount
    ]
    currencies = {one.unit for one in theirs}
    ours: list[Entry] = []
    for row in recorded_work.expenses(tx, told.delivery.engagement):
        # as it was paid, where that currency is kept there; else as it is claimed
        amount, unit = row["amount"], row["currency"]
        if unit not in currencies and row["claimed"] is not None:
            amount, unit = row["claimed"], told.delivery.currency
        record = Record(
            key=row["key"],
            ref="",
            amount=amount,
            unit=unit,
            on=row["day"],
            whose=row["whose"],
        )
        ours.append(Entry(record=record, note=row["note"]))
    return Sides(*sides(ours, theirs))


def _addresses(tx: Tx, kept: list[RecordedExpense]) -> dict[str, str]:
    """Address or name there, in small letters → what the person goes by here. A name that two
    people have is nobody's."""
    names = {name for one in kept for name in (one.person, one.email) if name}
    found: dict[str, str] = {}
    for record in resources.named(tx, sorted(names)):
        whose = (record.email or record.id).lower()
        for name in filter(None, (record.email, record.name, record.id)):
            here = found.setdefault(name.lower(), whose)
            if here != whose:
                found[name.lower()] = ""
    return found


BOOK = Book(Kept.EXPENSE, _sides)
