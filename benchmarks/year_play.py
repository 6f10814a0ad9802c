"""All that happens in the year, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import year_end
import year_money
import year_start
import year_work
from year_state import Year, end_of


def play(year: Year) -> None:
    for name, does in steps(year):
        with year.phase(name):
            does()


def steps(year: Year) -> Iterator[tuple[str, Callable[[], None]]]:
    """By phase."""
    yield "deals to engagements", partial(year_start.launch, year)
    yield "staffing", partial(year_start.staff, year)
    for number, month in enumerate(year.months):
        end = end_of(month)
        yield "entering time", partial(year_work.enter_time, year, month)
        yield "entering time", partial(year_work.enter_late, year, number)
        yield "entering expenses", partial(year_work.enter_expenses, year, month)
        yield "approving", partial(year_work.approve_all, year)
        yield "reading back", partial(year_work.read_back, year, month)
        yield "corrections", partial(year_work.take_back_some, year)
        yield "approving", partial(year_work.approve_all, year)
        yield "reading back", partial(year_work.read_back, year, month)
        yield "milestones and fees", partial(year_money.accept_milestones, year, end)
        yield "terms and holds", partial(year_money.change_terms, year, number, month)
        yield "credits", partial(year_money.give_credits, year, number, end)
        yield "billing", partial(year_money.bill_month, year, end)
        yield "payments", partial(year_money.pay_some, year, end)
        yield "revenue", partial(year_money.recognise_month, year, month, end)
        yield "the close", partial(year_money.close_month, year, number)
    yield "the end", partial(year_end.compare_documents, year)
    yield "the end", partial(year_end.compare_milestones, year)
    yield "the end", partial(year_end.compare_ledgers, year)
    yield "the end", partial(year_end.compare_payroll, year)
    yield "the end", partial(year_end.compare_leaks, year)
    if year.postings:
        yield "reconciliation", partial(year_end.spoil_and_reconcile, year)
