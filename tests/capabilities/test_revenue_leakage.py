"""What was worked for and may never be asked for is found, added up, and told of once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from books_of import Books, a_delivery
from deals import money
from fairlead.capabilities import revenue as room
from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.revenue.leakage import look, sweep_on
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.revenue.rates import DayRates
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.leakage import Leak, LeakKind
from fairlead.domain.rules.leakage import totals
from fairlead.policy.publish import load_all
from fairlead.store import leaks
from fairlead.store.database import Tx, database_time

POLICIES = load_all([Path(room.__file__).parent / "policies"])
NOW = datetime(2026, 6, 30, 8, tzinfo=UTC)
OLD, NEW = date(2026, 3, 2), date(2026, 6, 15)
K = LeakKind


@pytest.fixture
def books(tx: Tx) -> Books:
    made = Books(
        tx,
        a_delivery(
            contract_type=ContractType.TIME_AND_MATERIALS,
            billing_method="as_worked",
            revenue_method="as_invoiced",
        ),
    )
    made.bill_rate("150")
    return made


def leaking(books: Books, *, now: datetime = NOW) -> dict[LeakKind, list[Leak]]:
    rows = [row for row in leaks.chunk(books.tx, "", 10) if row["engagement_id"] == books.id]
    look(books.tx, POLICIES, rows, now)
    found: dict[LeakKind, list[Leak]] = {}
    for leak in leaks.of_engagements(books.tx, [books.id]):
        found.setdefault(leak.kind, []).append(leak)
    return found


def told(tx: Tx) -> list[dict[str, Any]]:
    return tx.execute("SELECT * FROM exceptions ORDER BY opened_at").fetchall()


def test_billable_hours_that_are_left_unbilled_are_totalled(books: Books) -> None:
    books.time("10", OLD)
    books.time("4", OLD, billable=False)
    books.time("8", NEW)  # not old enough
    billed = books.time("6", OLD)
    books.invoice(OLD, [("time", billed, "900")])

    (leak,) = leaking(books)[K.UNBILLED_TIME]
    assert (leak.amount, leak.minutes) == (money("1500"), 600)
    (total,) = totals([leak], NOW.date(), "EUR")
    assert total.aged["over 90"] == money("1500")  # type: ignore[index]


@pytest.mark.parametrize(
    ("currency", "rate", "each"),
    [("EUR", "143.35", "47.78"), ("JPY", "19502", "6501"), ("KWD", "143.35", "47.783")],
)
def test_each_entry_leaks_at_what_an_invoice_would_have_it_for(
    tx: Tx, currency: str, rate: str, each: str
) -> None:
    books = Books(
        tx,
        a_delivery(
            currency=currency,
            contract_type=ContractType.TIME_AND_MATERIALS,
            billing_method="as_worked",
            revenue_method="as_invoiced",
        ),
    )
    books.bill_rate(rate)
    for _ in range(3):
        books.time("0.333334", OLD)  # 20 minutes

    found = leaking(books)[K.UNBILLED_TIME]

    assert [leak.amount for leak in found] == [money(each, currency)] * 3
    (total,) = totals(found, NOW.date(), currency)
    assert total.amount == money(str(Decimal(each) * 3), currency)


def test_an_expense_that_nobody_billed_is_missed(books: Books) -> None:
    books.expense("310.40", OLD)
    books.expense("99", OLD, billable=False)

    (leak,) = leaking(books)[K.MISSED_EXPENSE]
    assert leak.amount == money("310.40")


def test_an_entry_that_was_taken_back_leaks_no_more(books: Books) -> None:
    id = books.time("10", OLD)
    assert K.UNBILLED_TIME in leaking(books)
    books.time("-10", OLD, reverses=id)

    assert leaking(books) == {}


def test_what_is_gone_comes_back_as_new(books: Books) -> None:
    id = books.time("10", OLD)
    leaking(books)
    books.invoice(NEW, [("time", id, "1500")])
    assert leaking(books, now=NOW + timedelta(days=1)) == {}
    books.free(id)
    leaking(books, now=NOW + timedelta(days=2))

    (row,) = books.tx.execute("SELECT * FROM leaks").fetchall()
    assert row["gone_at"] is None
    assert row["first_seen_at"] == NOW + timedelta(days=2)


def test_work_beyond_what_was_sold_is_named(books: Books) -> None:
    books.time("1", NEW, task=None)
    books.time("1", date(2026, 7, 1))
    books.time("1", NEW)

    said = {leak.why for leak in leaking(books)[K.BEYOND_SCOPE]}
    assert said == {
        "booked on no work package of the contract",
        "worked after the end of the engagement",
    }


def test_a_package_over_its_budget_leaks_by_what_is_over(books: Books) -> None:
    books.tx.execute("UPDATE work_packages SET minutes = 600")
    books.time("8", NEW)
    books.time("8", date(2026, 6, 16))

    (leak,) = leaking(books)[K.BEYOND_SCOPE]
    assert (leak.minutes, leak.amount) == (360, money("900"))


def test_time_that_comes_after_its_days_were_invoiced_is_late(books: Books) -> None:
    first = books.time("5", date(2026, 6, 1))
    books.invoice(date(2026, 6, 20), [("time", first, "750")])
    books.time("3", date(2026, 6, 2), entered_at=datetime(2026, 6, 25, tzinfo=UTC))

    (leak,) = leaking(books)[K.LATE_ENTRY]
    assert leak.amount == money("450")


def test_what_was_credited_for_good_is_written_off(books: Books) -> None:
    id = books.time("10", OLD)
    bill = books.invoice(OLD, [("time", id, "1500")])
    books.invoice(NEW, [("time", id, "-300")], kind="credit", credits=bill)
    books.tx.execute("UPDATE invoice_items SET frees = false WHERE amount < 0")

    (leak,) = leaking(books)[K.WRITE_OFF]
    assert leak.amount == money("300")


def test_work_of_a_role_without_a_rate_is_found_though_nobody_can_say_its_worth(
    books: Books,
) -> None:
    books.time("10", OLD, role="Test Lead")

    (leak,) = leaking(books)[K.UNBILLED_TIME]
    assert leak.amount is None


def test_much_is_told_of_once_and_settles_by_itself(books: Books) -> None:
    tx = books.tx
    ids = [books.time("10", OLD) for _ in range(4)]
    leaking(books)
    leaking(books, now=NOW + timedelta(days=1))

    (one,) = told(tx)
    assert (one["team"], one["amount"], one["times"]) == ("finance-operations", 6_000, 1)
    assert "EUR 6,000.00 approved time is not invoiced" in one["title"]
    books.invoice(NEW, [("time", id, "1500") for id in ids])
    leaking(books, now=NOW + timedelta(days=2))
    assert [row["state"] for row in told(tx)] == ["resolved"]


def test_what_a_person_let_be_is_told_again_only_once_it_is_twice_as_much(books: Books) -> None:
    tx = books.tx
    for _ in range(4):
        books.time("10", OLD)
    leaking(books)
    tx.execute("UPDATE exceptions SET state = 'resolved', resolved_by = 'tomasz.wojcik'")
    books.time("10", OLD)
    leaking(books, now=NOW + timedelta(days=1))
    assert len(told(tx)) == 1
    for _ in range(3):
        books.time("10", OLD)
    leaking(books, now=NOW + timedelta(days=2))
    assert [row["amount"] for row in told(tx)] == [6_000, 12_000]


def test_little_is_found_and_nobody_is_told(books: Books) -> None:
    books.time("10", OLD)

    assert K.UNBILLED_TIME in leaking(books)
    assert told(books.tx) == []


def test_the_day_is_swept_once_chunk_by_chunk_and_terms_are_noted(tx: Tx) -> None:
    for number in range(3):
        Books(tx, a_delivery(f"ENG-{number}"))

    reckons = Reckons(policies=POLICIES, days=CompanyDays({}), exchange=DayRates)
    assert [sweep_on(tx, reckons, at_a_time=2) for _ in range(3)] == [True, True, False]
    noted = tx.execute("SELECT price FROM contract_terms").fetchall()
    assert [row["price"] for row in noted] == [Decimal(120_000)] * 3
    assert not leaks.sweep_is_due(tx, database_time(tx).date())
