"""Weeks in which time is due, and how soon people hand in and approve."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.expenses import Whose
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, DayFilter, Reason
from fairlead.capabilities.time import submission
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.values import Value
from fairlead.errors import InvalidInput, Problem
from fairlead.insight.timeliness import Timeliness, measure
from fairlead.store import timesheets
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission

_LONGEST = timedelta(days=732)


class TimesheetView(Value):
    resource: str
    name: str
    week: date  #: its Monday
    state: Literal["open", "submitted", "closed"]
    minutes: int  #: handed in
    due_at: At
    submitted_at: At | None
    reminded_at: At | None
    escalated_at: At | None
    declared: str | None  #: why it is complete although less was worked


class DeclareWeek(Value):
    week: Day  #: its Monday
    reason: Reason


class WeekDeclared(Value):
    week: date


def add(router: Router) -> None:
    tag = "time"
    router.get("/timesheets", list_timesheets, Page[TimesheetView], tag=tag)
    router.command("POST", "/timesheets/declare", declare_week, WeekDeclared, tag=tag)
    router.get("/time-figures", get_time_figures, Timeliness, tag=tag)


def list_timesheets(
    parts: Parts,
    caller: Caller,
    mine: Whose = True,
    week: DayFilter = None,
    late: Annotated[bool, Query(description="Only what is due and not handed in.")] = False,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[TimesheetView]:
    """Weeks in which time is due, newest first."""
    with reading_tx(parts) as tx:
        if mine:
            own, regions, entities = resource_of(tx, Acting.of(parts.people, caller)).id, None, None
        else:
            caller.must(Permission.TIME_READ)
            own, regions, entities = None, caller.regions, caller.legal_entities
        rows = timesheets.listed(
            tx,
            resource=own,
            regions=regions,
            entities=entities,
            week=week,
            late=late,
            after=after(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, _view, at="at", id="resource_id")


def declare_week(
    parts: Parts, caller: Caller, command: Commanding, wanted: DeclareWeek
) -> Response:
    """One's own week is complete although less was worked than is contracted."""

    def act(tx: Tx) -> Outcome:
        submission.declare(tx, Acting.of(parts.people, caller), wanted.week, wanted.reason)
        return Outcome(WeekDeclared(week=wanted.week))

    return command.carry_out(act)


def get_time_figures(
    parts: Parts, caller: Caller, since: DayFilter = None, until: DayFilter = None
) -> Timeliness:
    """How soon time and expenses are handed in and approved, by region. The last 90 days, unless
    days are given; they are UTC, both included."""
    with reading_tx(parts) as tx:
        last = until or database_time(tx).date()
        first = since or last - timedelta(days=90)
        if not first <= last <= first + _LONGEST:
            problem = Problem("query:/until", "is not before since, and at most two years later")
            raise InvalidInput("These days cannot be measured.", [problem])
        return measure(
            tx, first, last, regions=caller.regions, legal_entities=caller.legal_entities
        )


def _view(row: Mapping[str, Any]) -> TimesheetView:
    left = {name: row[name] for name in TimesheetView.model_fields if name in row}
    return TimesheetView.model_validate({**left, "resource": row["resource_id"]})
