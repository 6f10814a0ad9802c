"""Files of time are taken in whole or not at all, once, from whatever wrote them."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timekeeping import acting, judging, kinds, launch, rooms, staff

from fairlead.capabilities.time.csv_cells import DayOrder
from fairlead.capabilities.time.csv_file import MOST_ROWS, read_sheet
from fairlead.capabilities.time.csv_formats import read_rows
from fairlead.capabilities.time.importing import Imports, Report
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Period
from fairlead.errors import InvalidInput
from fairlead.store import assignments, journal, time_entries
from fairlead.store.database import Tx, database_time
from fairlead.store.time_entries import EVERYTHING, Wanted
from fairlead.trust.acting import Acting

EXPORTS = Path(__file__).parent / "exports"
TEMPLATE = """Person,Engagement,Task,Date,Hours,Kind,Narrative
ayo.brandt,TH-1,10,2026-07-06,7.5,work,Mapped the interfaces of carrier 1
Ayo Brandt,ENG-1,Task 20,2026-07-07,7:30,Travel,"Drove to the client, and back again"
"""
TOGGL, HARVEST, CLOCKIFY, KANTATA = (
    (EXPORTS / f"{name}.csv").read_text("utf-8")
    for name in ("toggl", "harvest", "clockify", "kantata")
)


@pytest.fixture
def firm(tx: Tx) -> Tx:
    launch(tx)
    staff(tx, "ayo.brandt")
    return tx


def program() -> Acting:
    """The sample firm's relay may bring in others' time."""
    return Acting.of(rooms().people, rooms().people.principal("event-relay"))


def take(tx: Tx, text: str | bytes, order: DayOrder | None = None) -> Report:
    raw = text if isinstance(text, bytes) else text.encode()
    return Imports(judging(), kinds()).file(tx, program(), raw, order)


def stored(tx: Tx) -> list[dict[str, Any]]:
    return time_entries.listed(tx, EVERYTHING, Wanted(), limit=99)


def test_our_own_template_is_taken(firm: Tx) -> None:
    report = take(firm, TEMPLATE)
    assert (report.format, report.rows, report.minutes, report.faults) == ("fairlead", 2, 900, [])
    assert report.landed.added == 2
    kept = [(r["task"], r["minutes"], r["category"], r["state"], r["role"]) for r in stored(firm)]
    assert kept == [
        ("10", 450, "work", "submitted", "Consultant"),
        ("20", 450, "travel", "submitted", "Consultant"),
    ]
    (event,) = [e for e in journal.of_chain(firm, "eng-1", limit=9) if "imported" in e["type"]]
    assert (event["actor"], event["attributes"]["minutes"]) == ("service:event-relay", 900)


@pytest.mark.parametrize(
    ("text", "format", "expected"),
    [
        pytest.param(
            TOGGL, "toggl",
            [("10", 120, True, "work", 540, 660), ("20", 60, False, "travel", 690, 750)],
            id="toggl",
        ),
        pytest.param(HARVEST, "harvest", [("10", 435, True, "work", None, None)], id="harvest"),
        pytest.param(CLOCKIFY, "clockify", [("10", 75, True, "work", 795, 870)], id="clockify"),
        pytest.param(KANTATA, "kantata", [("10", 90, True, "work", None, None)], id="kantata"),
    ],
)  # fmt: skip
def test_what_other_systems_export_is_recognised_by_its_header(
    firm: Tx, text: str, format: str, expected: list[Any]
) -> None:
    report = take(firm, text)
    assert (report.format, report.faults) == (format, [])
    names = ("task", "minutes", "billable", "category", "begins", "ends")
    found = [tuple(row[name] for name in names) for row in stored(firm)]
    assert sorted(found, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("text", [TEMPLATE, TOGGL, HARVEST, CLOCKIFY, KANTATA])
def test_the_same_file_again_adds_nothing(firm: Tx, text: str) -> None:
    first = take(firm, text)
    before = stored(firm)
    again = take(firm, text)
    assert (again.landed.added, again.landed.changed) == (0, 0)
    assert again.landed.same == first.landed.added
    assert stored(firm) == before


def test_two_equal_rows_are_two_entries(firm: Tx) -> None:
    row = TEMPLATE.splitlines()[1]
    assert take(firm, f"{TEMPLATE}{row}\n").landed.added == 3
    assert take(firm, f"{TEMPLATE}{row}\n{row}\n").landed.added == 1  # a later, longer file


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"\xef\xbb\xbf" + TEMPLATE.encode(), id="utf-8-with-mark"),
        pytest.param(TEMPLATE.encode("utf-16"), id="utf-16"),
        pytest.param(TEMPLATE.encode("utf-16-le"), id="utf-16-without-mark"),
        pytest.param(TEMPLATE.replace("Drove", "Fuhr über").encode("latin-1"), id="latin-1"),
        pytest.param(TEMPLATE.replace("\n", "\r\n").encode(), id="windows-lines"),
        pytest.param(
            TEMPLATE.replace(", and", " and").replace(",", ";").replace("7.5", "7,5").encode(),
            id="semicolons-and-decimal-comma",
        ),
        pytest.param(TEMPLATE.replace("7.5", "7.500000000000001").encode(), id="digits-of-a-float"),
        pytest.param(TEMPLATE.replace("2026-07-06", "06.07.2026").encode(), id="dotted-days"),
        pytest.param(TEMPLATE.replace("\n", "\n\n").encode(), id="empty-rows"),
    ],
)
def test_files_come_as_spreadsheets_write_them(firm: Tx, raw: bytes) -> None:
    report = take(firm, raw)
    assert (report.landed.added, report.minutes, report.faults) == (2, 900, [])


def test_each_fault_is_named_and_nothing_is_taken(firm: Tx) -> None:
    text = """Person,Engagement,Task,Date,Hours,Kind,Billable
nobody,TH-1,10,2026-07-06,1,,
ayo.brandt,TH-9,10,2026-07-06,1,,
ayo.brandt,TH-1,77,2026-07-06,1,,
ayo.brandt,TH-1,10,2026-02-30,1,,
ayo.brandt,TH-1,10,03/04/2026,1,,
ayo.brandt,TH-1,10,2026-07-06,25,,
ayo.brandt,TH-1,10,2026-07-06,,,
ayo.brandt,TH-1,10,2026-07-06,1,golf,
ayo.brandt,TH-1,10,2026-07-06,1,,perhaps
ayo.brandt,TH-1,10,2026-07-06,1,,
"""
    report = take(firm, text)
    assert [(f.row, f.column, f.value, f.rule) for f in report.faults] == [
        (2, "Person", "nobody", "is a person who books time, by id, address or name"),
        (3, "Engagement", "TH-9", "is a launched engagement, by code, number or name"),
        (4, "Task", "77", "is a task of TH-1, by code or name"),
        (5, "Date", "2026-02-30", "is a day such as 2026-03-02"),
        (6, "Date", "03/04/2026", "could be read with day or month first: say which (`dates`)"),
        (7, "Hours", "25", "is between a minute and a day, as 7.5, 7,5 or 7:30"),
        (8, "Hours", "", "is not empty"),
        (9, "Kind", "golf", "is a kind of time that the firm lists"),
        (10, "Billable", "perhaps", "is yes or no"),
    ]
    assert stored(firm) == []


def test_the_order_of_day_and_month_is_read_off_the_file_or_said(firm: Tx) -> None:
    both = TEMPLATE.replace("2026-07-06", "06/07/2026").replace("2026-07-07", "13/07/2026")
    assert take(firm, both).faults == []
    assert [str(row["day"]) for row in stored(firm)] == ["2026-07-06", "2026-07-13"]
    either = TEMPLATE.replace("2026-07-06", "07/06/2026")
    assert take(firm, either).faults
    assert take(firm, either, DayOrder.MONTH_FIRST).faults == []


def test_names_that_fit_several_are_faults(firm: Tx) -> None:
    launch(firm, 2, name="Ledger migration 1")
    staff(firm, "ayo.b", name="Ayo Brandt")
    text = TEMPLATE.replace("ENG-1", "Ledger migration 1")
    assert {(f.row, f.column) for f in take(firm, text).faults} == {(3, "Person")}
    text = text.replace("Ayo Brandt", "ayo.brandt")
    assert {(f.row, f.column) for f in take(firm, text).faults} == {(3, "Engagement")}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        pytest.param(b"", "has a header and rows", id="empty"),
        pytest.param(b"a,b\n1,2\n", "the header is that of clockify, toggl", id="unknown"),
        pytest.param(
            TEMPLATE.replace("Kind", "Hours").encode(), "the column Hours comes once", id="twice"
        ),
        pytest.param(b"\xff\xfe\x00", "is text in UTF-8, UTF-16 or Latin-1", id="half-a-sign"),
        pytest.param(b'Person,Engagement,Date,Hours\n"a', "is CSV", id="open-quote"),
        pytest.param(
            b"Person,Engagement,Date,Hours\n" + b"a,b,c,1\n" * (MOST_ROWS + 1),
            "has at most 50000 rows", id="too-long",
        ),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused_in_words(tx: Tx, raw: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        take(tx, raw)
    assert words in refused.value.problems[0].rule


def test_what_the_rules_refuse_waits_with_who_worked(firm: Tx) -> None:
    report = take(firm, TEMPLATE.replace("7.5", "7.6"))  # no quarter of an hour
    assert (report.landed.added, report.landed.errors) == (2, 1)
    assert [row["state"] for row in stored(firm)] == ["draft", "submitted"]


def test_an_entry_that_changed_there_changes_here_until_it_is_approved(firm: Tx) -> None:
    take(firm, KANTATA)
    longer = take(firm, KANTATA.replace(",90,", ",105,"))
    assert (longer.landed.changed, longer.landed.added) == (1, 0)
    (row,) = stored(firm)
    assert (row["minutes"], row["state"]) == (105, "submitted")
    time_entries.move(
        firm, [row["id"]], EntryState.APPROVED, froms=[EntryState.SUBMITTED], by="person:lea",
        at=database_time(firm), period=row["day"].replace(day=1),
    )  # fmt: skip
    late = take(firm, KANTATA.replace(",90,", ",120,"))
    assert (late.landed.locked, late.landed.changed) == (1, 0)
    assert stored(firm)[0]["minutes"] == 105


def test_an_id_that_comes_twice_is_a_fault(firm: Tx) -> None:
    report = take(firm, KANTATA + KANTATA.splitlines()[1] + "\n")
    assert [(f.row, f.column, f.rule) for f in report.faults] == [
        (2, "Time Entry ID", "comes once"), (3, "Time Entry ID", "comes once"),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.takes(17)
def test_fifty_thousand_rows_are_one_file(firm: Tx) -> None:
    people = [f"p{n}" for n in range(200)]
    staff(firm, *people)
    rows = [
        f"p{n % 200},TH-1,10,2026-0{1 + n // 200 % 6}-{1 + n // 1200 % 28:02},0:15,,"
        f"Mapped the interfaces of carrier {n}"
        for n in range(MOST_ROWS)
    ]
    text = "Person,Engagement,Task,Date,Hours,Kind,Narrative\n" + "\n".join(rows)
    begun = time.process_time()
    assert take(firm, text).landed.added == MOST_ROWS
    assert take(firm, text).landed.same == MOST_ROWS
    assert time.process_time() - begun < 60


def test_one_who_changes_roles_keeps_what_was_imported(firm: Tx) -> None:
    """The id of a row follows from the file alone, not from what it was matched with."""
    take(firm, TEMPLATE)
    promoted = Assignment(
        id="eng-1/ayo.brandt", engagement=EngagementId("eng-1"), resource="ayo.brandt",
        role="Architect", period=Period(start=stored(firm)[0]["day"], end=stored(firm)[1]["day"]),
        source="x",
    )  # fmt: skip
    assignments.upsert(firm, [promoted])
    again = take(firm, TEMPLATE)
    assert (again.landed.added, again.landed.changed, again.landed.same) == (0, 0, 2)


def test_what_was_returned_and_corrected_there_is_handed_in_again(firm: Tx) -> None:
    take(firm, KANTATA)
    (row,) = stored(firm)
    time_entries.move(
        firm, [row["id"]], EntryState.RETURNED, froms=[EntryState.SUBMITTED], by="person:lea",
        at=database_time(firm), reason="Which interfaces?",
    )  # fmt: skip
    assert take(firm, KANTATA).landed.same == 1
    assert stored(firm)[0]["state"] == "returned"
    take(firm, KANTATA.replace("interfaces of a", "invoices of the"))
    assert (stored(firm)[0]["state"], stored(firm)[0]["reason"]) == ("submitted", None)


def test_who_sees_no_such_region_imports_nothing_into_it(firm: Tx) -> None:
    limited = acting("dwayne.carter")
    report = Imports(judging(), kinds()).file(firm, limited, TEMPLATE.encode(), None)
    assert {fault.column for fault in report.faults} == {"Engagement"}


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda t: TEMPLATE.encode() + t.encode())
)
def test_no_file_breaks_the_reader(raw: bytes) -> None:
    with suppress(InvalidInput):
        read_rows(read_sheet(raw), None)


def test_a_program_of_another_company_cannot_take_an_entry_over_by_its_id(firm: Tx) -> None:
    launch(firm, 2, legal_entity="TH-LTD")
    staff(firm, "ayo.brandt", engagement="eng-2")
    header = "Person,Engagement,Task,Date,Hours,Narrative,Id\n"
    row = "ayo.brandt,TH-1,10,2026-07-06,7.5,Mapped the interfaces of carrier 1,a-1\n"
    take(firm, header + row)
    only = {"legal_entities": frozenset({"TH-LTD"})}
    limited = Acting(program().principal.model_copy(update=only), None)
    theirs = (header + row.replace("TH-1", "TH-2").replace("7.5", "1")).encode()

    report = Imports(judging(), kinds()).file(firm, limited, theirs, None)

    assert [(one.column, one.rule) for one in report.faults] == [("Id", "is not taken yet")]
    (entry,) = stored(firm)
    assert (entry["engagement_id"], entry["minutes"]) == ("eng-1", 450)
