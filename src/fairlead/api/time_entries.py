"""Time: entering one's own, handing in a week; lists and sums for who may see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from fairlead.api.commands import Command, Commanding, IfMatch, Outcome, etag_of
from fairlead.api.expenses import Deleted, FindingView, uuid_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, DayFilter, Filter, Id
from fairlead.capabilities.time.entering import Entered, TimeInput, Week
from fairlead.capabilities.time.whose import resource_of
from fairlead.domain.model.finding import Finding
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Value
from fairlead.errors import NotAllowed, NotFound
from fairlead.store import deliveries, findings, time_entries
from fairlead.store.database import Tx
from fairlead.store.time_entries import Sees, Wanted
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission

_MOST_SUMS = 5000
_Whose = Annotated[bool, Query(description="Only the caller's own; else all that they may see.")]
_Day = Annotated[date | None, Query()]
_Cursor = Annotated[
    str | None,
    Query(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-([01][0-9]|2[0-8])\.[0-9a-f-]{36}$"
        r"|^[0-9]{4}-(0[13-9]|1[0-2])-(29|30)\.[0-9a-f-]{36}$"
        r"|^[0-9]{4}-(0[13578]|1[02])-31\.[0-9a-f-]{36}$"
        r"|^[0-9]{2}([02468][048]|[13579][26])-02-29\.[0-9a-f-]{36}$",
        description="`next` of a page.",
    ),
]


class TimeEntryView(Value):
    id: UUID
    engagement_id: str
    task: str | None
    resource: str
    day: date  #: where they worked
    minutes: int  #: negative: it takes another entry back
    role: str  #: labour category
    category: str  #: kind of time
    billable: bool
    narrative: str
    begins: int | None  #: minutes from local midnight
    ends: int | None
    state: EntryState
    period: date | None  #: first day of the month that it is booked in; from approval on
    source: str
    reverses: UUID | None
    reason: str | None
    entered_by: str
    entered_at: At
    submitted_at: At | None
    decided_by: str | None
    decided_at: At | None
    findings: tuple[FindingView, ...]
    version: int


class WeekOf(Value):
    day: Day  #: any day of the week


class WeekView(Value):
    resource: str
    monday: date
    minutes: int
    entries: tuple[TimeEntryView, ...]


class TimeSum(Value):
    key: str | None  #: of what it is grouped by
    state: EntryState
    billable: bool
    minutes: int
    entries: int


class TimeSums(Value):
    items: tuple[TimeSum, ...]


def add(router: Router) -> None:
    tag = "time"
    router.get("/time-entries", list_time_entries, Page[TimeEntryView], tag=tag)
    router.get("/time-entries/{id}", get_time_entry, TimeEntryView, tag=tag, etag=True)
    router.get("/time-sums", sum_time_entries, TimeSums, tag=tag)
    router.get("/time-week", get_time_week, WeekView, tag=tag)
    router.command("POST", "/time-entries", enter_time, TimeEntryView, tag=tag, status=201)
    router.command(
        "POST", "/time-entries/{id}/change", change_time, TimeEntryView,
        tag=tag, versioned=True, also=(428,),
    )  # fmt: skip
    router.command(
        "DELETE", "/time-entries/{id}", delete_time, Deleted,
        tag=tag, versioned=True, also=(428,),
    )  # fmt: skip
    router.command("POST", "/time-week/submit", submit_week, WeekView, tag=tag)
    router.command("POST", "/time-week/recall", recall_week, WeekView, tag=tag)


def list_time_entries(
    parts: Parts,
    caller: Caller,
    mine: _Whose = True,
    engagement: Filter = None,
    resource: Filter = None,
    task: Filter = None,
    state: EntryState | None = None,
    since: _Day = None,
    until: _Day = None,
    cursor: _Cursor = None,
    limit: Limit = 50,
) -> Page[TimeEntryView]:
    """Entries by day, oldest first. `engagement` is an id, a number or a project code."""
    with reading_tx(parts) as tx:
        sees = seeing(tx, parts, caller, mine)
        wanted = _wanted(tx, engagement, resource, task, state, since, until)
        rows = time_entries.listed(tx, sees, wanted, after=_after(cursor), limit=limit + 1)
        said = findings.of(tx, "time", [row["id"] for row in rows])
    end = f"{rows[limit - 1]['day']}.{rows[limit - 1]['id']}" if len(rows) > limit else None
    return Page(items=tuple(_view(row, said) for row in rows[:limit]), next=end)


def sum_time_entries(
    parts: Parts,
    caller: Caller,
    mine: _Whose = True,
    by: Literal["engagement", "task", "resource", "day", "category", "role"] = "engagement",
    engagement: Filter = None,
    resource: Filter = None,
    task: Filter = None,
    state: EntryState | None = None,
    since: _Day = None,
    until: _Day = None,
) -> TimeSums:
    """Minutes and numbers of entries, by state and whether they are billable."""
    with reading_tx(parts) as tx:
        sees = seeing(tx, parts, caller, mine)
        wanted = _wanted(tx, engagement, resource, task, state, since, until)
        rows = time_entries.sums(tx, sees, wanted, by=by, limit=_MOST_SUMS)
    column = time_entries.GROUPS[by]
    return TimeSums(
        items=tuple(
            TimeSum(
                key=None if row[column] is None else str(row[column]),
                state=row["state"],
                billable=row["billable"],
                minutes=row["minutes"],
                entries=row["entries"],
            )
            for row in rows
        )
    )


def get_time_entry(parts: Parts, caller: Caller, response: Response, id: Id) -> TimeEntryView:
    """One entry, with what the rules say of it."""
    which = uuid_of(id, "entry")
    with reading_tx(parts) as tx:
        row = next(iter(time_entries.rows_of(tx, [which])), None)
        sees = _sees(tx, parts, caller)
        if row is None or not _may_see(sees, row):
            raise NotFound("There is no such entry.")
        said = findings.of(tx, "time", [which])
    response.headers["ETag"] = etag_of(row["version"])
    return _view(row, said)


def get_time_week(parts: Parts, caller: Caller, day: DayFilter = None) -> WeekView:
    """One's own week in which `day` is, with what the rules say of each entry. Without: today,
    where they work."""
    with reading_tx(parts) as tx:
        who = resource_of(tx, Acting.of(parts.people, caller))
        day = day or parts.times.today(tx, who)
        return _week(parts.times.week(tx, who, day - timedelta(day.weekday())))


def enter_time(parts: Parts, caller: Caller, command: Commanding, wanted: TimeInput) -> Response:
    """Enter a draft of one's own. It is judged at once; what is left out follows from the
    assignment."""

    def act(tx: Tx) -> Outcome:
        done = parts.times.enter(tx, Acting.of(parts.people, caller), wanted)
        return _outcome(done, status=201)

    return command.carry_out(act)


def change_time(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: TimeInput,
    if_match: IfMatch = None,
) -> Response:
    """Say all of a draft, or of one that was returned, anew."""

    def act(tx: Tx) -> Outcome:
        acting, which = Acting.of(parts.people, caller), uuid_of(id, "entry")
        return _outcome(parts.times.change(tx, acting, which, wanted, _required(command)))

    return command.carry_out(act)


def delete_time(
    parts: Parts, caller: Caller, command: Commanding, id: Id, if_match: IfMatch = None
) -> Response:
    """Delete a draft, or one that was returned."""

    def act(tx: Tx) -> Outcome:
        acting, which = Acting.of(parts.people, caller), uuid_of(id, "entry")
        parts.times.delete(tx, acting, which, _required(command))
        return Outcome(Deleted(id=which))

    return command.carry_out(act)


def submit_week(parts: Parts, caller: Caller, command: Commanding, wanted: WeekOf) -> Response:
    """Hand in one's own week. While an entry has an error, nothing is handed in."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        return Outcome(_week(parts.times.submit(tx, acting, wanted.day)))

    return command.carry_out(act)


def recall_week(parts: Parts, caller: Caller, command: Commanding, wanted: WeekOf) -> Response:
    """Take back what nobody has decided on yet of one's own week: it is a draft again."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        return Outcome(_week(parts.times.take_back(tx, acting, wanted.day)))

    return command.carry_out(act)


def seeing(tx: Tx, parts: AppParts, caller: Principal, mine: bool) -> Sees:
    """Raises `NotAllowed` for others' without the permission, and for one's own of nobody."""
    if mine:
        return Sees(own=resource_of(tx, Acting.of(parts.people, caller)).id)
    caller.must(Permission.TIME_READ)
    return _sees(tx, parts, caller)


def _sees(tx: Tx, parts: AppParts, caller: Principal) -> Sees:
    try:
        own = resource_of(tx, Acting.of(parts.people, caller)).id
    except NotAllowed:
        own = None
    return Sees(own, caller.may(Permission.TIME_READ), caller.regions, caller.legal_entities)


def _may_see(sees: Sees, row: Mapping[str, Any]) -> bool:
    return row["resource_id"] == sees.own or (
        sees.others
        and (sees.regions is None or row["region"] in sees.regions)
        and (sees.entities is None or row["legal_entity"] in sees.entities)
    )


def _wanted(
    tx: Tx,
    engagement: str | None,
    resource: str | None,
    task: str | None,
    state: EntryState | None,
    since: date | None,
    until: date | None,
) -> Wanted:
    if engagement is not None:
        engagement = next(iter(deliveries.find(tx, [engagement])), engagement)
    return Wanted(engagement, resource, task, state, since, until)


def _after(cursor: str | None) -> tuple[date, UUID] | None:
    if cursor is None:
        return None
    day, _, id = cursor.partition(".")
    return date.fromisoformat(day), uuid_of(id, "page")


def _required(command: Command) -> int:
    version = command.version(required=True)
    assert version is not None
    return version


def _outcome(done: Entered, status: int = 200) -> Outcome:
    view = _view(done.row, {done.row["id"]: done.findings})
    return Outcome(view, status=status, version=view.version)


def _week(week: Week) -> WeekView:
    return WeekView(
        resource=week.resource.id,
        monday=week.monday,
        minutes=sum(row["minutes"] for row in week.rows),
        entries=tuple(_view(row, week.findings) for row in week.rows),
    )


def _view(row: Mapping[str, Any], said: Mapping[UUID, Sequence[Finding]]) -> TimeEntryView:
    hidden = ("resource_id", "source_id", "region", "legal_entity")
    shown = {name: value for name, value in row.items() if name not in hidden}
    return TimeEntryView(
        **shown,
        resource=row["resource_id"],
        findings=tuple(
            FindingView(rule=f.rule, severity=f.severity, value=f.value, remedy=f.remedy)
            for f in said.get(row["id"], ())
        ),
    )
