"""Approved hours for payroll, and approved work against what the ledger has taken (F075, F076)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query

from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import Day, Filter, money
from fairlead.domain.rules.period import month_of
from fairlead.domain.values import Money, Value
from fairlead.store import work_books
from fairlead.store.database import database_time

_Month = Annotated[
    Day | None, Query(description="Any day of the month that work is booked in; else this month.")
]
_Cursor = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._:~/-]{0,249}$", description="`next`.")
]


class PayrollHours(Value):
    """One person's approved time of one kind, booked in a month."""

    resource: str
    name: str | None
    employer: str | None  #: code of the company that employs them
    month: date
    category: str
    approved_minutes: int  #: for payroll; less what was taken back
    booked_minutes: int  #: of these, taken by the ledger
    sent_minutes: int  #: of these, entered and approved in the payroll system


class WorkBooks(Value):
    """One engagement's approved work, booked in a month."""

    engagement_id: str
    number: str
    month: date
    entries: int
    booked_entries: int  #: taken by the ledger
    minutes: int
    booked_minutes: int
    expenses: int
    booked_expenses: int
    claimed: Money
    booked: Money
    without_receipt: int  #: expenses; per diems and distances need none
    agrees: bool  #: the ledger has taken all


def add(router: Router) -> None:
    tag = "time"
    router.get("/payroll-hours", list_payroll_hours, Page[PayrollHours], tag=tag)
    router.get("/work-reconciliation", list_work_books, Page[WorkBooks], tag=tag)


def list_payroll_hours(
    parts: Parts,
    caller: Caller,
    month: _Month = None,
    employer: Filter = None,
    cursor: _Cursor = None,
    limit: Limit = 50,
) -> Page[PayrollHours]:
    """Approved hours of a month by person and kind, beside what the ledger has taken of them."""
    with reading_tx(parts) as tx:
        first = month_of(month or database_time(tx).date())
        rows = work_books.hours(
            tx,
            first,
            employer=employer,
            regions=caller.regions,
            entities=caller.legal_entities,
            after=cursor,
            limit=limit + 1,
        )
    shown = rows[:limit]
    end = f"{shown[-1]['resource']}/{shown[-1]['category']}" if len(rows) > limit else None
    return Page(items=tuple(_hours(row, first) for row in shown), next=end)


def list_work_books(
    parts: Parts,
    caller: Caller,
    month: _Month = None,
    engagement: Filter = None,
    differing: Annotated[bool, Query(description="Only where the ledger lacks some.")] = False,
    cursor: _Cursor = None,
    limit: Limit = 50,
) -> Page[WorkBooks]:
    """Approved time and expenses of a month against the ledger, by engagement."""
    with reading_tx(parts) as tx:
        first = month_of(month or database_time(tx).date())
        rows = work_books.work(
            tx,
            first,
            engagement=engagement,
            differing=differing,
            regions=caller.regions,
            entities=caller.legal_entities,
            after=cursor,
            limit=limit + 1,
        )
    shown = rows[:limit]
    end = shown[-1]["engagement_id"] if len(rows) > limit else None
    return Page(items=tuple(_work(row, first) for row in shown), next=end)


def _hours(row: Mapping[str, Any], month: date) -> PayrollHours:
    told = ("approved", "booked", "sent")
    left = {name: value for name, value in row.items() if name not in told}
    minutes = {f"{name}_minutes": row[name] for name in told}
    return PayrollHours.model_validate({**left, **minutes, "month": month})


def _work(row: Mapping[str, Any], month: date) -> WorkBooks:
    counts = (row["entries"], row["expenses"])
    left = {name: row[name] for name in WorkBooks.model_fields if name in row}
    return WorkBooks.model_validate(
        {
            **left,
            "month": month,
            "claimed": money(row, "claimed"),
            "booked": money(row, "booked"),
            "agrees": counts == (row["booked_entries"], row["booked_expenses"]),
        }
    )
