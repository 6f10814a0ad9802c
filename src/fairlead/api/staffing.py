"""People who book time, and what they are assigned to."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import Field, StrictInt
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import Filter
from fairlead.api.time_entries import seeing
from fairlead.capabilities.time.staffing import set_assignments, set_resources
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.values import Country, Name, Period, Value
from fairlead.errors import InvalidInput, Problem
from fairlead.store import assignments, deliveries, resources
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

_MOST_AT_ONCE = 1000
_Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@~-]{0,199}$")]
_Cursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@~-]{0,199}$", description="`next` of a page."),
]
_Whose = Annotated[bool, Query(description="Only the caller's own; else all that they may see.")]


class ResourceInput(Value):
    """A person, as the HR system or resource management says; all of it is set."""

    id: _Key
    name: Name
    email: Annotated[str, Field(max_length=320)] | None = None
    region: Annotated[str, Field(max_length=80)] | None = None
    country: Country | None = None
    calendar: Annotated[str, Field(max_length=80)] | None = None
    legal_entity: Annotated[str, Field(max_length=80)] | None = None
    minutes_per_week: Annotated[StrictInt, Field(ge=0, le=10_080)] = 2400
    manager: _Key | None = None
    roles: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    starts_on: date | None = None
    ends_on: date | None = None


class SetResources(Value):
    resources: Annotated[tuple[ResourceInput, ...], Field(min_length=1, max_length=_MOST_AT_ONCE)]


class ResourceView(ResourceInput):
    source: str
    version: int


class AssignmentInput(Value):
    """Who may book on what, as what, from when to when; all of it is set."""

    id: _Key
    engagement: Annotated[str, Field(min_length=1, max_length=200)]  #: id, number or project code
    resource: _Key
    role: Name  #: labour category
    task: Annotated[str, Field(max_length=100)] | None = None  #: null: any
    starts_on: date
    ends_on: date
    minutes: Annotated[StrictInt, Field(ge=0, le=100_000_000)] | None = None


class SetAssignments(Value):
    assignments: Annotated[
        tuple[AssignmentInput, ...], Field(min_length=1, max_length=_MOST_AT_ONCE)
    ]


class AssignmentView(Value):
    id: str
    engagement_id: str
    resource: str
    role: str
    task: str | None
    starts_on: date
    ends_on: date | None
    minutes: int | None
    source: str
    version: int


class Changed(Value):
    """The ids of those of which something new was said."""

    changed: tuple[str, ...]


def add(router: Router) -> None:
    tag = "staffing"
    router.get("/resources", list_resources, Page[ResourceView], tag=tag)
    router.command("POST", "/resources", put_resources, Changed, tag=tag)
    router.get("/assignments", list_assignments, Page[AssignmentView], tag=tag)
    router.command("POST", "/assignments", put_assignments, Changed, tag=tag)


def list_resources(
    parts: Parts, caller: Caller, cursor: _Cursor = None, limit: Limit = 50
) -> Page[ResourceView]:
    """People who book time, by id."""
    with reading_tx(parts) as tx:
        found = resources.listed(
            tx,
            regions=caller.regions,
            entities=caller.legal_entities,
            after=cursor,
            limit=limit + 1,
        )
    end = found[limit - 1].id if len(found) > limit else None
    views = [ResourceView.model_validate(one.model_dump()) for one in found[:limit]]
    return Page(items=tuple(views), next=end)


def put_resources(
    parts: Parts, caller: Caller, command: Commanding, wanted: SetResources
) -> Response:
    """Add people, or set all that is said of them."""

    def act(tx: Tx) -> Outcome:
        records = [ResourceRecord(**one.model_dump(), source="") for one in wanted.resources]
        acting = Acting.of(parts.people, caller)
        return Outcome(Changed(changed=tuple(set_resources(tx, acting, records))))

    return command.carry_out(act)


def list_assignments(
    parts: Parts,
    caller: Caller,
    mine: _Whose = True,
    engagement: Filter = None,
    resource: Filter = None,
    cursor: _Cursor = None,
    limit: Limit = 50,
) -> Page[AssignmentView]:
    """Assignments, by id. `engagement` is an id, a number or a project code."""
    with reading_tx(parts) as tx:
        sees = seeing(tx, parts, caller, mine)
        if engagement is not None:
            engagement = next(iter(deliveries.find(tx, [engagement])), engagement)
        found = assignments.listed(
            tx,
            engagement=engagement,
            resource=resource,
            own=sees.own,
            others=sees.others,
            regions=sees.regions,
            entities=sees.entities,
            after=cursor,
            limit=limit + 1,
        )
    end = found[limit - 1].id if len(found) > limit else None
    return Page(items=tuple(_assignment(one) for one in found[:limit]), next=end)


def put_assignments(
    parts: Parts, caller: Caller, command: Commanding, wanted: SetAssignments
) -> Response:
    """Add assignments, or set them anew."""

    def act(tx: Tx) -> Outcome:
        problems = [
            Problem(f"/assignments/{n}/ends_on", "is not before the first day")
            for n, one in enumerate(wanted.assignments)
            if one.ends_on < one.starts_on
        ]
        if problems:
            raise InvalidInput("These assignments cannot be taken.", problems)
        made = [_made(tx, one) for one in wanted.assignments]
        acting = Acting.of(parts.people, caller)
        return Outcome(Changed(changed=tuple(set_assignments(tx, acting, made))))

    return command.carry_out(act)


def _made(tx: Tx, one: AssignmentInput) -> Assignment:
    known = next(iter(deliveries.find(tx, [one.engagement])), one.engagement)
    return Assignment(
        id=one.id,
        engagement=EngagementId(known),
        resource=one.resource,
        role=one.role,
        task=one.task,
        period=Period(start=one.starts_on, end=one.ends_on),
        minutes=one.minutes,
        source="",
    )


def _assignment(one: Assignment) -> AssignmentView:
    return AssignmentView(
        id=one.id,
        engagement_id=one.engagement,
        resource=one.resource,
        role=one.role,
        task=one.task,
        starts_on=one.period.start,
        ends_on=one.period.end,
        minutes=one.minutes,
        source=one.source,
        version=one.version,
    )
