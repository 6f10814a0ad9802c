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
    for month, name, does in steps(year):
        with year.phase(name, month):
            does()


def steps(year: Year) -> Iterator[tuple[str, str, Callable[[], None]]]:
    """Month, phase, and what happens in it."""
    yield "before", "deals to engagements", partial(year_start.launch, year)
    yield "before", "staffing", partial(year_start.staff, year)
    for number, month in enumerate(year.months):
        end, name = end_of(month), f"{month:%Y-%m}"
        yield name, "entering time", partial(year_work.enter_time, year, month)
        yield name, "entering time", partial(year_work.enter_late, year, number)
        yield name, "entering expenses", partial(year_work.enter_expenses, year, month)
        yield name, "approving", partial(year_work.approve_all, year)
        yield name, "reading back", partial(year_work.read_back, year, month)
        yield name, "corrections", partial(year_work.take_back_some, year)
        yield name, "approving", partial(year_work.approve_all, year)
        yield name, "reading back", partial(year_work.read_back, year, month)
        yield name, "milestones and fees", partial(year_money.accept_milestones, year, end)
        yield name, "terms and holds", partial(year_money.change_terms, year, number, month)
        yield name, "credits", partial(year_money.give_credits, year, number, end)
        yield name, "billing", partial(year_money.bill_month, year, end)
        yield name, "payments", partial(year_money.pay_some, year, end)
        yield name, "revenue", partial(year_money.recognise_month, year, month, end)
        yield name, "the close", partial(year_money.close_month, year, number)
    yield "after", "the end", partial(year_end.compare_documents, year)
    yield "after", "the end", partial(year_end.compare_milestones, year)
    yield "after", "the end", partial(year_end.compare_ledgers, year)
    yield "after", "the end", partial(year_end.compare_payroll, year)
    yield "after", "the end", partial(year_end.compare_leaks, year)
    if year.postings:
        yield "after", "reconciliation", partial(year_end.spoil_and_reconcile, year)
