"""Our records of work, as the system that they came from should keep them (F076, F163).

What was approved here is never edited: it is taken back, and entered anew where something else is
right. So an entry that was taken back is right there when it is gone, or when it says there what
was entered anew here. What was only ever entered here is none of that system's, except where it
says again what came from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from fairlead.domain.model.discrepancy import Absence, DiscrepancyKind, Record
from fairlead.domain.values import Value


class Entry(Value):
    """One entry of ours. `record.ref`: its id in that system, empty where it was entered here."""

    record: Record
    note: str = ""  #: what was said of the work
    taken_back: bool = False  #: another entry takes it back, and is approved


def sides(
    entries: Sequence[Entry], theirs: Sequence[Record]
) -> tuple[tuple[Record, ...], tuple[Record, ...]]:
    """What `compare` holds against each other: ours, with what is here twice last, and theirs.

    Each of `theirs` has its id there as its `ref`, and the key of ours where it came here. What is
    gone on both sides is on neither.
    """
    there = {record.ref: record for record in theirs}
    entered = [one.record for one in entries if not one.record.ref and not one.taken_back]
    ours: dict[str, Record] = {}
    twice: list[Record] = []
    for one in entries:
        ref = one.record.ref
        if not ref:
            continue
        if ref in ours:
            if not one.taken_back:
                twice.append(_beside(one.record, ref))
        elif not one.taken_back:
            ours[ref] = one.record
        elif ref in there and there[ref].amount:
            new = _take(entered, there[ref])
            ours[ref] = (
                one.record.model_copy(update={"amount": Decimal(0)})
                if new is None
                else new.model_copy(update={"key": one.record.key, "ref": ref})
            )
    for ref, record in there.items():  # what was entered here because it did not come
        if not record.key and (new := _take(entered, record)) is not None:
            ours[ref] = new.model_copy(update={"ref": ref})
            there[ref] = record.model_copy(update={"key": new.key})
    said = _by_content(entries)
    left = {record.key for record in entered}
    for one in entries:
        if one.record.key in left and one.note.strip() and (ref := said.get(_content(one))):
            twice.append(_beside(one.record, ref))
    kept = (one for one in there.values() if one.amount or one.ref in ours)
    return (*ours.values(), *twice), tuple(kept)


def _take(entered: list[Record], there: Record) -> Record | None:
    """What was entered here and says the same, on the same task if there is one; once each."""
    alike = [
        one
        for one in entered
        if (one.amount, one.unit, one.on) == (there.amount, there.unit, there.on)
        and (not there.whose or one.whose == there.whose)
    ]
    if not alike:
        return None
    found = min(alike, key=lambda one: one.place != there.place)
    entered.remove(found)
    return found


def _beside(record: Record, ref: str) -> Record:
    words = f"it is here again, beside the one that came as {ref}"
    absent = Absence(kind=DiscrepancyKind.DOUBLE, words=words)
    # under its own key, and under no id there: that one is the other's
    return record.model_copy(update={"ref": "", "absent": absent})


def _content(one: Entry) -> tuple[object, ...]:
    record = one.record
    return (record.whose, record.on, record.amount, record.unit, record.place, one.note.strip())


def _by_content(entries: Iterable[Entry]) -> Mapping[tuple[object, ...], str]:
    """Of what came: what it says → its id there."""
    found: dict[tuple[object, ...], str] = {}
    for one in entries:
        if one.record.ref and not one.taken_back:
            found.setdefault(_content(one), one.record.ref)
    return found
