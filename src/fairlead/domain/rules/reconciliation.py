"""Two systems' records, held against each other one by one (F076, F117, F163, F277).

A record of ours is found by its key. It is told once, by the first of these that holds: it is not
there (missing, or deleted where it was there before), it is there twice, its amount differs, it is
of somebody else, of another day, on another task, only one side would bill it, its state differs.
What is there and is none of ours is unknown. Nothing is repaired here: a remedy says what a person
can do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from fairlead.domain.model.discrepancy import (
    Absence,
    Discrepancy,
    DiscrepancyKind,
    Kept,
    Record,
)

_K = DiscrepancyKind

_REMEDIES: Mapping[DiscrepancyKind, str] = {
    _K.MISSING: "See the run that was to book it, and have it tried again.",
    _K.DELETED: "Have it restored there, or take it back here if it was wrong.",
    _K.UNKNOWN: "Find who booked it there: enter it here if it is right, else delete it there.",
    _K.TWICE: "Delete there what is too much.",
    _K.AMOUNT: "Have it corrected there, or corrected here by an entry that takes it back.",
    _K.OTHER: "Have it moved there to whom it belongs.",
    _K.STATE: "See which of the two is right, and have the other follow.",
    _K.DAY: "See which day is right, and have the other side follow.",
    _K.PLACE: "See where it belongs: have it moved there, or take it back here and enter it anew.",
    _K.BILLABLE: "See in the contract whether it is billed, and have the other side follow.",
    _K.DOUBLE: "Take back here what is too much.",
    _K.PARKED: "Put right what is named, there or here, and take it in again from the inbox.",
}

_WORDS: Mapping[DiscrepancyKind, str] = {
    _K.OTHER: "of {there} there, of {here} here",
    _K.DAY: "on {there} there, on {here} here",
    _K.PLACE: "on {there} there, on {here} here",
    _K.BILLABLE: "{there} there, {here} here",
    _K.STATE: "{there} there, {here} here",
}


def compare(
    kept: Kept, ours: Sequence[Record], theirs: Iterable[Record]
) -> tuple[Discrepancy, ...]:
    """Every discrepancy, ours first and in their order. `ours` has each key once."""
    there: dict[str, list[Record]] = defaultdict(list)
    for record in theirs:
        there[record.key].append(record)
    found: list[Discrepancy] = []
    for record in ours:
        told = _of_one(kept, record, there.pop(record.key, []))
        if told is not None:
            found.append(told)
    for records in there.values():
        found += [_unknown(kept, record) for record in records]
    return tuple(found)


def _of_one(kept: Kept, ours: Record, theirs: Sequence[Record]) -> Discrepancy | None:
    if not theirs:
        if ours.pending:
            return None
        if ours.absent is not None:
            return _told(kept, ours.absent.kind, ours, (), ours.absent.words)
        was_there = bool(ours.ref)
        kind = _K.DELETED if was_there else _K.MISSING
        words = f"it was there as {ours.ref}, and is no more" if was_there else "it is not there"
        return _told(kept, kind, ours, (), words)
    held = sum((one.amount for one in theirs), Decimal(0))
    if len(theirs) > 1:
        return _told(kept, _K.TWICE, ours, theirs, f"it is there {len(theirs)} times", held)
    (other,) = theirs
    if (other.amount, other.unit) != (ours.amount, ours.unit):
        words = f"{_shown(other)} there, {_shown(ours)} here"
        return _told(kept, _K.AMOUNT, ours, theirs, words, held)
    for kind, here, there in (
        (_K.OTHER, ours.whose or None, other.whose or None),
        (_K.DAY, ours.on if ours.dated else None, other.on if other.dated else None),
        (_K.PLACE, ours.place, other.place),
        (_K.BILLABLE, ours.billable, other.billable),
        (_K.STATE, ours.state or None, other.state or None),
    ):
        if here is not None and there is not None and here != there:
            words = _WORDS[kind].format(there=_said(kind, there), here=_said(kind, here))
            return _told(kept, kind, ours, theirs, words, held)
    return None


def _told(
    kept: Kept,
    kind: DiscrepancyKind,
    ours: Record,
    theirs: Sequence[Record],
    words: str,
    held: Decimal | None = None,
) -> Discrepancy:
    return Discrepancy(
        kept=kept,
        kind=kind,
        key=ours.key,
        refs=tuple(record.ref for record in theirs) or ((ours.ref,) if ours.ref else ()),
        ours=ours.amount,
        theirs=held,
        difference=(held or Decimal(0)) - ours.amount,
        unit=ours.unit,
        on=ours.on,
        whose=ours.whose,
        words=words,
        remedy=_REMEDIES[kind],
    )


def _said(kind: DiscrepancyKind, value: object) -> str:
    if kind is _K.BILLABLE:
        return "billable" if value else "not billable"
    if kind is _K.PLACE:
        return f"task {value}" if value else "no task"
    return str(value)


def _unknown(kept: Kept, theirs: Record) -> Discrepancy:
    named = " under a name of ours that is not approved here" if theirs.key else ""
    absent = theirs.absent or Absence(
        kind=_K.UNKNOWN, words=f"it is there as {theirs.ref}{named}, and not here"
    )
    return Discrepancy(
        kept=kept,
        kind=absent.kind,
        key=theirs.key,
        refs=(theirs.ref,),
        ours=None,
        theirs=theirs.amount,
        difference=theirs.amount,
        unit=theirs.unit,
        on=theirs.on,
        whose=theirs.whose,
        words=absent.words,
        remedy=_REMEDIES[absent.kind],
    )


def _shown(record: Record) -> str:
    amount = f"{record.amount.normalize():f}"
    return f"{amount} h" if record.unit == "hour" else f"{record.unit} {record.amount:,.2f}"
