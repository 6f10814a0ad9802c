"""What payroll holds and has paid, beside the hours that were sent (F076, F127, F277)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, after_uuid, page
from fairlead.api.reading import limits_of, reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, Filter
from fairlead.capabilities.payroll.comparing import compare_as_asked
from fairlead.domain.model.discrepancy import DiscrepancyKind, Kept
from fairlead.domain.rules.period import month_of
from fairlead.domain.values import Exact, Value
from fairlead.store import payroll_views
from fairlead.store.database import Tx

_Month = Annotated[Day | None, Query(description="Any day of the month that was paid; else all.")]


class PayrollComparison(Value):
    """The last time that a company's month was held against its payroll."""

    employer: str
    month: date
    system: str
    kept: Kept  #: `payroll`: what it holds; `paid`: what it has paid
    ours: int  #: people and kinds that were sent, and are approved there
    theirs: int
    our_hours: Exact
    their_hours: Exact
    discrepancies: int
    compared_at: At


class PayrollDiscrepancy(Value):
    """What payroll keeps otherwise of one person, month and kind of pay."""

    id: UUID
    employer: str
    month: date
    system: str
    kept: Kept
    kind: DiscrepancyKind
    key: str  #: resource and kind of pay
    refs: tuple[str, ...]  #: ids of time sheets and payslips there
    ours: Exact | None  #: hours
    theirs: Exact | None
    difference: Exact  #: theirs less ours
    whose: str  #: e-mail address
    words: str
    remedy: str
    first_seen_at: At
    last_seen_at: At


class ComparePayroll(Value):
    legal_entity: Annotated[StrictStr, Field(min_length=1, max_length=100)]  #: that employs
    month: Day  #: any day of it


class PayrollAsked(Value):
    employer: str
    month: date


def add(router: Router) -> None:
    tag = "time"
    router.get("/payroll-comparisons", list_payroll_comparisons, Page[PayrollComparison], tag=tag)
    router.get(
        "/payroll-discrepancies", list_payroll_discrepancies, Page[PayrollDiscrepancy], tag=tag
    )
    router.command(
        "POST", "/payroll-comparisons", compare_payroll, PayrollAsked, tag=tag, status=202
    )


def compare_payroll(
    parts: Parts, caller: Caller, command: Commanding, wanted: ComparePayroll
) -> Response:
    """Have a month compared with its payroll now, and not only once a day."""

    def act(tx: Tx) -> Outcome:
        month = month_of(wanted.month)
        compare_as_asked(tx, caller, wanted.legal_entity, month)
        return Outcome(PayrollAsked(employer=wanted.legal_entity, month=month), status=202)

    return command.carry_out(act)


def list_payroll_comparisons(
    parts: Parts,
    caller: Caller,
    month: _Month = None,
    employer: Filter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[PayrollComparison]:
    """The last comparison of each company's month with its payroll, with counts and sums of both
    sides; longest ago first."""
    at, id = after(cursor) or (None, None)
    with reading_tx(parts) as tx:
        rows = payroll_views.comparisons(
            tx,
            limits_of(caller),
            month=_first(month),
            employer=employer,
            at=at,
            id=id,
            limit=limit + 1,
        )
    return page(rows, limit, _comparison, at="compared_at", id="place")


def list_payroll_discrepancies(
    parts: Parts,
    caller: Caller,
    month: _Month = None,
    employer: Filter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[PayrollDiscrepancy]:
    """What payroll holds or has paid otherwise than it was sent, oldest first."""
    at, id = after_uuid(cursor) or (None, None)
    with reading_tx(parts) as tx:
        rows = payroll_views.discrepancies(
            tx,
            limits_of(caller),
            month=_first(month),
            employer=employer,
            at=at,
            id=id,
            limit=limit + 1,
        )
    return page(rows, limit, PayrollDiscrepancy.model_validate, at="first_seen_at")


def _first(month: date | None) -> date | None:
    return None if month is None else month_of(month)


def _comparison(row: Mapping[str, Any]) -> PayrollComparison:
    left = {name: row[name] for name in PayrollComparison.model_fields if name in row}
    return PayrollComparison.model_validate(
        {**left, "our_hours": row["our_sum"], "their_hours": row["their_sum"]}
    )
