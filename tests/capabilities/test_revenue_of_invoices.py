"""Whatever billing invoices, credits or gives up, revenue ends where the invoices end."""

from __future__ import annotations

from datetime import date

import pytest
from books import DAYS, TODAY, Books, acting, eur, policies
from test_billing_documents import release, row
from test_revenue_months import pounds

from fairlead.capabilities.billing.crediting import credit, write_off
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.revenue.reckoning import Figures, figures
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.model.revenue import Position
from fairlead.domain.rules.revenue import recognise
from fairlead.store.database import Tx

FINANCE = "tomasz.wojcik"


@pytest.fixture
def books(tx: Tx) -> Books:
    return Books(tx)


def position(books: Books, on: date = TODAY) -> Position:
    found = figures(books.tx, [books.id], on, days=DAYS, exchange=pounds)[books.id]
    assert isinstance(found, Figures)
    return recognise(found.revenue).position


def bill(books: Books) -> str:
    """Propose, release and post what there is."""
    ((id, _, _),) = books.propose().invoices
    post(books, id)
    return id


def post(books: Books, id: str) -> None:
    release(books, id)
    books.tx.execute("UPDATE invoices SET state = 'posted' WHERE id = %s", [id])


def take_back(books: Books, id: str, **what: object) -> None:
    made = credit(books.tx, row(books, id)["reference"], acting(FINANCE), reason="agreed",
                  dated_on=TODAY, days=DAYS, **what)  # type: ignore[arg-type]  # fmt: skip
    post(books, made["id"])


def test_unbilled_work_is_worth_what_it_is_then_invoiced_for(books: Books) -> None:
    books.open()
    for minutes in (7, 13, 50, 61, 61, 119):
        books.time(minutes)
    books.expense("33.33")
    before = position(books)
    bill(books)
    after = position(books)

    assert before.wip == before.accrued == before.earned == after.earned == after.billed
    assert (after.wip.amount, after.deferred.amount) == (0, 0)


def test_beyond_the_cap_nothing_is_earned_before_or_after_it_is_invoiced(books: Books) -> None:
    books.open(cap=eur(500))
    for _ in range(5):
        books.time(60)
    before = position(books)
    bill(books)

    assert before.earned == eur("500.00")
    assert position(books).earned == position(books).billed == eur("500.00")


def test_a_retainer_is_deferred_and_drawn_down_by_work(books: Books) -> None:
    books.open()
    books.charge("1000", kind=ChargeKind.RETAINER)
    bill(books)
    assert position(books).deferred == eur("1000.00")
    books.time(240)
    assert position(books).deferred == eur("400.00")
    bill(books)

    assert (position(books).earned, position(books).deferred) == (eur("600.00"), eur("400.00"))


def test_what_is_credited_in_whole_is_unbilled_again(books: Books) -> None:
    books.open()
    books.time(60)
    books.time(30)
    id = bill(books)
    take_back(books, id)
    after = position(books)

    assert (after.earned, after.billed, after.wip) == (eur("225.00"), eur("0.00"), eur("225.00"))
    bill(books)
    assert position(books).wip.amount == 0


def test_a_price_that_is_credited_in_part_is_given_up(books: Books) -> None:
    books.open()
    entry = books.time(60)
    id = bill(books)
    take_back(books, id, amounts={("time", str(entry)): eur("30.00")})

    assert position(books).earned == position(books).billed == eur("120.00")


@pytest.mark.parametrize("method", ["point_in_time", "over_time_by_effort"])
def test_a_milestone_credited_in_part_costs_revenue_whatever_the_method(
    books: Books, method: str
) -> None:
    books.open(
        billing_method="milestone", revenue_method=method, value=eur(5000), budget_minutes=60
    )
    milestone = books.milestone("5000")
    books.time(60)
    id = bill(books)
    assert position(books).earned == position(books).billed == eur("5000.00")
    take_back(books, id, amounts={("milestone", str(milestone)): eur("500.00")})

    assert position(books).earned == position(books).billed == eur("4500.00")


def test_what_is_written_off_is_never_earned(books: Books) -> None:
    books.open()
    books.time(60)
    given_up = books.time(60)
    made = write_off(books.tx, books.id, acting(FINANCE), Proposing(policies(), DAYS),
                     [str(given_up)], reason="agreed", dated_on=TODAY)  # fmt: skip
    ((id, _, _),) = made.invoices
    post(books, id)

    assert position(books).earned == eur("150.00")
    bill(books)
    assert position(books).wip.amount == position(books).deferred.amount == 0


def test_an_entry_that_is_taken_back_after_its_invoice_takes_its_revenue_along(
    books: Books,
) -> None:
    books.open()
    entry = books.time(60)
    books.time(60)
    bill(books)
    books.take_back(entry)
    between = position(books)

    assert (between.earned, between.deferred) == (eur("150.00"), eur("150.00"))


def test_a_rate_that_changes_counts_from_its_day(books: Books) -> None:
    books.open()
    books.rate("200", date(2026, 11, 1))
    books.time(60, date(2026, 10, 31))
    books.time(60, date(2026, 11, 1))
    before = position(books)
    bill(books)

    assert before.earned == position(books).billed == eur("350.00")
