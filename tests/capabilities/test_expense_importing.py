"""Files of expenses are taken in whole or not at all, once; what has no error is to approve."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from timekeeping import acting, kinds, launch, rooms, staff

from fairlead.capabilities.time.csv_file import Sheet
from fairlead.capabilities.time.expense_file import MOST_ROWS, read_expenses
from fairlead.capabilities.time.expense_importing import ExpenseImports, Report
from fairlead.capabilities.time.expenses import Expenses
from fairlead.domain.values import Money
from fairlead.errors import InvalidInput
from fairlead.store import expenses, findings, journal
from fairlead.store.database import Tx
from fairlead.store.expenses import Kept, Wanted
from fairlead.trust.acting import Acting

HEADER = "Person,Engagement,Task,Date,Category,Quantity,Amount,Currency,Merchant,Note,Id"
TAXI = "ayo.brandt,TH-1,10,2026-07-06,taxi,,9.50,EUR,Taxi Nord,To the client,t-1"
DRIVE = "Ayo Brandt,ENG-1,,06.07.2026,Mileage,320,,,,To Hamburg and back,m-1"
DINNER = "ayo.brandt,TH-1,10,2026-07-07,meals,,248.00,EUR,Alsterhaus,With the client,d-1"


@pytest.fixture
def firm(tx: Tx) -> Tx:
    launch(tx, expense_policy="DE-TRAVEL")
    staff(tx, "ayo.brandt")
    return tx


def program() -> Acting:
    return Acting.of(rooms().people, rooms().people.principal("event-relay"))


def take(tx: Tx, *rows: str, header: str = HEADER) -> Report:
    imports = ExpenseImports(rooms().policies, rooms().calendars, kinds())
    return imports.file(tx, program(), "\n".join([header, *rows]).encode(), None)


def stored(tx: Tx) -> list[Kept]:
    rows = expenses.page(tx, Wanted(), after=None, limit=99)
    return sorted(map(expenses.kept, rows), key=lambda one: one.expense.source_id)


def test_what_has_no_error_waits_and_the_rest_are_drafts_of_who_spent_it(firm: Tx) -> None:
    landed = take(firm, TAXI, DRIVE, DINNER).landed

    dinner, drive, taxi = stored(firm)
    assert (landed.added, landed.errors) == (3, 1)
    assert (dinner.expense.state, dinner.submitted_at) == ("draft", None)
    assert (drive.expense.state, taxi.expense.state) == ("submitted", "submitted")
    assert {one.expense.resource for one in stored(firm)} == {"ayo.brandt"}
    assert {one.entered_by for one in stored(firm)} == {"service:event-relay"}
    said = findings.of(firm, "expense", [dinner.expense.id])[dinner.expense.id]
    assert any("receipt" in one.value or "receipt" in one.remedy for one in said)


def test_a_distance_comes_to_what_the_firm_pays_for_it(firm: Tx) -> None:
    take(firm, DRIVE)

    (drive,) = stored(firm)
    assert drive.expense.amount == Money(amount=Decimal("96.00"), currency="EUR")
    assert drive.expense.claimed == drive.expense.amount


def test_the_same_file_again_adds_nothing(firm: Tx) -> None:
    unnamed = TAXI.removesuffix("t-1")
    take(firm, TAXI, DRIVE, unnamed, unnamed)
    landed = take(firm, TAXI, DRIVE, unnamed, unnamed).landed

    assert (landed.added, landed.changed, landed.same) == (0, 0, 4)
    assert len(stored(firm)) == 4


def test_a_row_with_an_id_is_changed_by_a_later_file_until_it_is_approved(firm: Tx) -> None:
    take(firm, TAXI)
    dearer = TAXI.replace("9.50", '"11,50"')

    landed = take(firm, dearer).landed
    (taxi,) = stored(firm)
    assert (landed.changed, taxi.expense.state) == (1, "submitted")
    assert taxi.expense.amount.amount == Decimal("11.50")

    firm.execute(
        "UPDATE expenses SET state = 'approved', period = '2026-07-01', decided_by = 'person:x', "
        "decided_at = clock_timestamp()"
    )
    landed = take(firm, TAXI).landed
    assert (landed.changed, landed.locked) == (0, 1)
    assert stored(firm)[0].expense.amount.amount == Decimal("11.50")


def test_who_spent_it_adds_the_receipt_and_hands_it_in(firm: Tx) -> None:
    take(firm, DINNER)
    (dinner,) = stored(firm)
    own = Expenses(rooms().policies, rooms().calendars)

    own.attach(firm, acting(), dinner.expense.id, b"%PDF-1.7 receipt", dinner.expense.version)
    take(firm, DINNER)  # again, which changes nothing of it

    assert stored(firm)[0].expense.receipt is not None


FAULTS = {
    "somebody unknown": (TAXI.replace("ayo.brandt", "nobody"), "Person", "is a person who books"),
    "no engagement": (TAXI.replace("TH-1", "TH-9"), "Engagement", "is a launched engagement"),
    "no task": (TAXI.replace(",10,", ",77,"), "Task", "is a task of TH-1"),
    "no category": (TAXI.replace("taxi", "yacht"), "Category", "is one of "),
    "thousands": (TAXI.replace("9.50", '"1,234"'), "Amount", "without signs between thousands"),
    "too exact": (TAXI.replace("9.50", "9.505"), "Amount", "at most 2 decimals in EUR"),
    "yen in parts": (TAXI.replace("9.50,EUR", "9.50,JPY"), "Amount", "at most 0 decimals in JPY"),
    "nothing": (TAXI.replace("9.50", "0"), "Amount", "is more than zero"),
    "less than nothing": (TAXI.replace("9.50", "-9.50"), "Amount", "is a number such as"),
    "too much": (TAXI.replace("9.50", "100000001"), "Amount", "at most 100,000,000"),
    "no number": (TAXI.replace("9.50", "NaN"), "Amount", "is a number such as"),
    "no currency": (TAXI.replace("EUR", ""), "Currency", "is an ISO 4217 code"),
    "no amount": (TAXI.replace("9.50,EUR", ","), "Amount", "is needed"),
    "a day that is none": (TAXI.replace("2026-07-06", "2026-02-30"), "Date", "is a day such as"),
    "either day": (TAXI.replace("2026-07-06", "03/04/2026"), "Date", "day or month first"),
    "no quantity": (DRIVE.replace("320", "1e400"), "Quantity", "is a number above zero"),
}


@pytest.mark.parametrize(("row", "column", "rule"), FAULTS.values(), ids=FAULTS.keys())
def test_one_fault_keeps_the_whole_file_out(firm: Tx, row: str, column: str, rule: str) -> None:
    report = take(firm, DINNER, row)

    (fault,) = report.faults
    assert (fault.row, fault.column) == (3, column)
    assert rule in fault.rule
    assert stored(firm) == []


def test_an_id_comes_once_in_a_file(firm: Tx) -> None:
    report = take(firm, TAXI, TAXI)

    assert [(one.row, one.column, one.rule) for one in report.faults] == [
        (2, "Id", "comes once"),
        (3, "Id", "comes once"),
    ]


def test_a_program_of_another_company_cannot_take_an_expense_over_by_its_id(firm: Tx) -> None:
    take(firm, TAXI)
    launch(firm, 2, legal_entity="TH-LTD", expense_policy="DE-TRAVEL")
    only = {"legal_entities": frozenset({"TH-LTD"})}
    limited = Acting(program().principal.model_copy(update=only), None)
    imports = ExpenseImports(rooms().policies, rooms().calendars, kinds())
    theirs = TAXI.replace("TH-1", "TH-2").replace("9.50", "99.50")

    report = imports.file(firm, limited, f"{HEADER}\n{theirs}".encode(), None)

    assert [(one.column, one.rule) for one in report.faults] == [("Id", "is not taken yet")]
    assert stored(firm)[0].expense.amount.amount == Decimal("9.50")
    assert stored(firm)[0].expense.engagement == "eng-1"


def test_the_log_says_once_for_each_engagement_what_was_handed_in(firm: Tx) -> None:
    take(firm, TAXI, DRIVE)

    told = journal.of_chain(firm, "eng-1", limit=99)
    handed_in = [one for one in told if one["type"] == "expenses.submitted"]
    assert [(one["actor"], one["attributes"]["count"]) for one in handed_in] == [
        ("service:event-relay", 2)
    ]


@pytest.mark.parametrize(
    ("header", "rule"),
    [
        ("Person,Engagement,Date,Amount", "our own: Person, Engagement, Task, Date, Category"),
        (HEADER + ",Amount", "the column Amount comes once"),
    ],
)
def test_another_header_is_refused_with_ours(firm: Tx, header: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        take(firm, TAXI, header=header)
    assert rule in refused.value.problems[0].rule


def test_a_larger_file_is_refused() -> None:
    header = tuple(HEADER.split(","))
    sheet = Sheet(header, (tuple(TAXI.split(",")),) * (MOST_ROWS + 1), ",")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_expenses(sheet, None)


@settings(max_examples=60)
@given(st.lists(st.text(max_size=12), min_size=11, max_size=11))
def test_whatever_stands_in_the_cells_is_read_or_named_as_a_fault(cells: list[str]) -> None:
    read = read_expenses(Sheet(tuple(HEADER.split(",")), (tuple(cells),), ","), None)
    assert len(read.rows) + bool(read.faults) == 1
