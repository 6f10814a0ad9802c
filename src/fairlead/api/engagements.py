"""Engagements, and what happened to each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from fairlead.api import decisions, effects, events, runs
from fairlead.api.commands import etag_of
from fairlead.api.decisions import DecisionView
from fairlead.api.effects import EffectView
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import IdCursor, Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading
from fairlead.api.router import Router
from fairlead.api.runs import RunView
from fairlead.api.shapes import At, Filter, Id, found, money
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef, Money, Provenance, Value


class EngagementView(Value):
    id: str
    number: str
    state: EngagementState
    name: str
    client: str | None
    region: str | None
    legal_entity: str | None
    value: Money | None
    project_code: str | None
    opened_at: At
    launched_at: At | None
    version: int


class EngagementDetail(EngagementView):
    deal: Opportunity
    provenance: dict[str, Provenance]  #: per field of `deal`: who said it, and when
    supplied: dict[str, Any]  #: what a person gave because the CRM left it blank
    refs: dict[str, ExternalRef]  #: its records in other systems


def add(router: Router) -> None:
    tag = "engagements"
    router.get("/engagements", list_engagements, Page[EngagementView], tag=tag)
    router.get("/engagements/{id}", get_engagement, EngagementDetail, tag=tag, etag=True)
    router.get("/engagements/{id}/log", get_engagement_log, Page[events.EventOut], tag=tag)
    router.get("/engagements/{id}/runs", list_engagement_runs, Page[RunView], tag=tag)
    router.get(
        "/engagements/{id}/decisions", list_engagement_decisions, Page[DecisionView], tag=tag
    )
    router.get("/engagements/{id}/effects", list_engagement_effects, Page[EffectView], tag=tag)


def list_engagements(
    parts: Parts,
    caller: Caller,
    state: EngagementState | None = None,
    region: Filter = None,
    q: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[EngagementView]:
    """Engagements, newest first. `q` looks in number, name and client."""
    with reading(parts, caller) as views:
        rows = views.engagements(
            state=state, region=region, q=q, after=after(cursor), limit=limit + 1
        )
    return page(rows, limit, _view, at="opened_at")


def get_engagement(parts: Parts, caller: Caller, response: Response, id: Id) -> EngagementDetail:
    """One engagement, by its id or its number."""
    with reading(parts, caller) as views:
        row = found(views.engagement(id), "engagement")
    response.headers["ETag"] = etag_of(row["version"])
    return _detail(row)


def get_engagement_log(
    parts: Parts, caller: Caller, id: Id, cursor: IdCursor = None, limit: Limit = 50
) -> Page[events.EventOut]:
    """What happened to it, oldest first."""
    with reading(parts, caller) as views:
        row = found(views.engagement(id), "engagement")
        rows = views.log(row["id"], after=int(cursor or 0), limit=limit + 1)
    end = str(rows[limit - 1]["position"]) if len(rows) > limit else None
    return Page(items=tuple(events.shown(each) for each in rows[:limit]), next=end)


def list_engagement_runs(
    parts: Parts, caller: Caller, id: Id, cursor: TimeCursor = None, limit: Limit = 50
) -> Page[RunView]:
    """Its runs, newest first."""
    with reading(parts, caller) as views:
        row = found(views.engagement(id), "engagement")
        rows = views.runs(
            state=None, playbook=None, subject=row["id"], after=after(cursor), limit=limit + 1
        )
    return page(rows, limit, runs.shown, at="started_at")


def list_engagement_decisions(
    parts: Parts, caller: Caller, id: Id, cursor: TimeCursor = None, limit: Limit = 50
) -> Page[DecisionView]:
    """What policies decided about it, newest first."""
    with reading(parts, caller) as views:
        row = found(views.engagement(id), "engagement")
        rows = views.decisions(policy=None, subject=row["id"], after=after(cursor), limit=limit + 1)
    return page(rows, limit, decisions.shown_to(caller), at="at")


def list_engagement_effects(
    parts: Parts, caller: Caller, id: Id, cursor: TimeCursor = None, limit: Limit = 50
) -> Page[EffectView]:
    """What was done for it in other systems, newest first."""
    with reading(parts, caller) as views:
        row = found(views.engagement(id), "engagement")
        rows = views.effects(
            state=None, system=None, subject=row["id"], after=after(cursor), limit=limit + 1
        )
    return page(rows, limit, effects.shown, at="intended_at", id="key")


def _view(row: Mapping[str, Any]) -> EngagementView:
    return EngagementView(**_fields(row))


def _detail(row: Mapping[str, Any]) -> EngagementDetail:
    whole = Engagement.model_validate(row["body"])
    return EngagementDetail(
        **_fields(row),
        deal=whole.deal,
        provenance=whole.provenance,
        supplied=whole.supplied,
        refs=whole.refs,
    )


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "number": row["number"],
        "state": row["state"],
        "name": row["name"],
        "client": row["client_name"],
        "region": row["region"],
        "legal_entity": row["legal_entity"],
        "value": money(row, "value"),
        "project_code": row["project_code"],
        "opened_at": row["opened_at"],
        "launched_at": row["launched_at"],
        "version": row["version"],
    }
