"""What came from the system that recorded it agrees with it, however it was corrected here."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.model.discrepancy import DiscrepancyKind, Kept, Record
from fairlead.domain.rules.reconciliation import compare
from fairlead.domain.rules.recorded_work import Entry, sides

K = DiscrepancyKind
DAY = date(2026, 11, 2)


def record(key: str, ref: str = "", amount: int = 8, day: int = 0, **more: Any) -> Record:
    values: dict[str, Any] = {
        "key": key,
        "ref": ref,
        "amount": Decimal(amount),
        "unit": "hour",
        "on": DAY + timedelta(day),
        "dated": True,
        "whose": "ayo@x.example",
        "place": "10",
        "billable": True,
    }
    return Record.model_validate({**values, **more})


#: Of one entry: its hours and day there, and what became of it here.
WORK = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.integers(0, 3),
        st.sampled_from(["came", "corrected", "deleted", "by hand", "only here"]),
    ),
    max_size=12,
)


@given(WORK)
def test_where_both_sides_follow_each_other_there_is_no_difference(
    work: list[tuple[int, int, str]],
) -> None:
    entries: list[Entry] = []
    theirs: list[Record] = []
    for number, (amount, day, fate) in enumerate(work):
        key, ref, note = f"k{number}", f"t{number}", f"Note {number}."
        new = Entry(record=record(f"w{number}", amount=amount, day=day), note=f"Anew {number}.")
        if fate in ("came", "corrected"):
            theirs.append(record(key, ref, amount, day))
        match fate:
            case "came":
                entries.append(Entry(record=record(key, ref, amount, day), note=note))
            case "corrected":  # here by an entry that takes back, and a new one
                was = record(key, ref, amount + 1, day + 1, whose="li@x.example")
                entries.append(Entry(record=was, note=note, taken_back=True))
                entries += [new] if amount else []
            case "deleted":
                entries.append(Entry(record=record(key, ref), note=note, taken_back=True))
            case "by hand":  # it could not be taken in
                theirs += [record("", ref, amount, day)] if amount else []
                entries += [new] if amount else []
            case _:
                entries.append(Entry(record=record(f"o{number}", amount=40), note=note))

    ours, there = sides(entries, theirs)

    assert compare(Kept.TIME, ours, there) == ()


@given(WORK, st.integers(0, 11), st.sampled_from(["hours", "person", "day", "task", "billable"]))
def test_one_change_there_is_found_and_nothing_else(
    work: list[tuple[int, int, str]], at: int, what: str
) -> None:
    theirs = [record(f"k{n}", f"t{n}", amount, day) for n, (amount, day, _) in enumerate(work)]
    entries = [Entry(record=one, note=f"Note {one.ref}.") for one in theirs]
    if not theirs:
        return
    at %= len(theirs)
    kind, change = {
        "hours": (K.AMOUNT, {"amount": theirs[at].amount + 1}),
        "person": (K.OTHER, {"whose": "li@x.example"}),
        "day": (K.DAY, {"on": DAY - timedelta(1)}),
        "task": (K.PLACE, {"place": "20"}),
        "billable": (K.BILLABLE, {"billable": False}),
    }[what]
    theirs[at] = theirs[at].model_copy(update=change)

    ours, there = sides(entries, theirs)

    assert [(one.kind, one.refs) for one in compare(Kept.TIME, ours, there)] == [
        (kind, (theirs[at].ref,))
    ]


def test_each_new_entry_stands_for_one_that_was_taken_back() -> None:
    entries = [
        Entry(record=record("k1", "t1", 5), taken_back=True),
        Entry(record=record("k2", "t2", 5), taken_back=True),
        Entry(record=record("w1", amount=6)),
    ]
    theirs = [record("k1", "t1", 6), record("k2", "t2", 6)]

    found = compare(Kept.TIME, *sides(entries, theirs))

    assert [(one.kind, one.ours, one.theirs) for one in found] == [(K.AMOUNT, 0, 6)]


def test_two_entries_of_one_day_are_paired_by_their_task() -> None:
    entries = [
        Entry(record=record("w1", place="10")),
        Entry(record=record("w2", place="20")),
    ]
    theirs = [record("", "t2", place="20"), record("", "t1", place="10")]

    assert compare(Kept.TIME, *sides(entries, theirs)) == ()
