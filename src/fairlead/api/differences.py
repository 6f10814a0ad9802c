"""What systems say differently of an engagement, and having them compared (F117)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Id, found, money
from fairlead.capabilities.handoff.ourselves import compare_now
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.rules.ownership import OnDifference
from fairlead.domain.values import Money, Value
from fairlead.errors import IllegalMove
from fairlead.store.database import Tx

_Field = Annotated[str | None, Query(pattern=r"^[a-z]+(\.[a-z_]+)+$", max_length=100)]


class DifferenceView(Value):
    engagement_id: str
    engagement_number: str
    field: str  #: such as `project.ends_on`
    owner: str  #: the system that is right
    owner_value: Any
    system: str  #: the one that says something else
    system_value: Any
    region: str | None
    amount: Money | None  #: by which they differ; null where it is not about money
    rule: OnDifference
    first_seen_at: At
    last_seen_at: At


class ComparisonAsked(Value):
    engagement_id: str


def add(router: Router) -> None:
    router.get("/differences", list_differences, Page[DifferenceView], tag="differences")
    router.command(
        "POST",
        "/engagements/{id}/compare",
        compare_engagement,
        ComparisonAsked,
        tag="differences",
        status=202,
    )


def list_differences(
    parts: Parts,
    caller: Caller,
    system: Filter = None,
    field: _Field = None,
    engagement: Filter = None,
    rule: OnDifference | None = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[DifferenceView]:
    """What the last comparison of each engagement found, oldest first.

    `engagement` is an id or a number.
    """
    with reading(parts, caller) as seen:
        rows = seen.differences(
            system=system,
            field=field,
            engagement=engagement,
            rule=rule,
            after=after(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, _view, at="first_seen_at")


def compare_engagement(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Have the systems of a launched engagement compared now, and not only once a day."""

    def act(tx: Tx) -> Outcome:
        row = found(views(tx, caller).engagement(id), "engagement")
        if row["state"] != EngagementState.LAUNCHED:
            raise IllegalMove("The engagement", row["state"], "compared")
        compare_now(tx, EngagementId(row["id"]))
        return Outcome(ComparisonAsked(engagement_id=row["id"]), status=202)

    return command.carry_out(act)


def _view(row: Mapping[str, Any]) -> DifferenceView:
    left = {name: value for name, value in row.items() if name not in ("id", "amount", "currency")}
    return DifferenceView.model_validate({**left, "amount": money(row)})
