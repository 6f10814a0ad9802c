"""What was worked and may never be billed: totals by engagement, and each finding."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page
from fairlead.api.reading import reading_tx, views
from fairlead.api.router import Router
from fairlead.api.shapes import Filter, Id, found
from fairlead.capabilities.revenue import leakage
from fairlead.domain.model.leakage import AgeBucket, Leak, LeakKind
from fairlead.domain.values import Money, Value
from fairlead.store import leaks
from fairlead.store.database import Tx, database_time

_Cursor = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9._-]{1,100}\|[a-z_]{1,40}\|[a-z-]{1,80}$", description="`next`."),
]


class LeakTotalView(Value):
    """Of one engagement, kind and owner. An item may leak in two ways: do not add up kinds."""

    engagement_id: str
    number: str
    name: str
    kind: LeakKind
    owner: str  #: team
    count: int
    minutes: int
    amount: Money
    unpriced: int  #: findings whose amount nobody can say, for want of an agreed rate
    oldest: date
    aged: dict[AgeBucket, Money]


class LeaksView(Value):
    items: tuple[Leak, ...]  #: oldest day first; at most 1,000


_MOST = 1000


def add(router: Router) -> None:
    tag = "leakage"
    router.get("/leakage", list_leakage, Page[LeakTotalView], tag=tag)
    router.get("/engagements/{id}/leaks", list_engagement_leaks, LeaksView, tag=tag)
    router.command("POST", "/engagements/{id}/leaks", look_for_leaks, LeaksView, tag=tag)


def list_leakage(
    parts: Parts,
    caller: Caller,
    kind: LeakKind | None = None,
    engagement: Filter = None,
    cursor: _Cursor = None,
    limit: Limit = 50,
) -> Page[LeakTotalView]:
    """What leaks now, in order of the engagements' numbers."""
    with reading_tx(parts) as tx:
        rows = leaks.totals(
            tx,
            on=database_time(tx).date(),
            regions=caller.regions,
            legal_entities=caller.legal_entities,
            kind=kind,
            engagement=engagement,
            after=cursor,
            limit=limit + 1,
        )
    shown = tuple(_total(row) for row in rows[:limit])
    end = shown[-1] if len(rows) > limit else None
    return Page(items=shown, next=f"{end.number}|{end.kind}|{end.owner}" if end else None)


def list_engagement_leaks(parts: Parts, caller: Caller, id: Id) -> LeaksView:
    """Each finding of an engagement, as of its last look."""
    with reading_tx(parts) as tx:
        row = found(views(tx, caller).engagement(id), "engagement")
        rows = leaks.of_engagements(tx, [row["id"]])
    return LeaksView(items=tuple(rows[:_MOST]))


def look_for_leaks(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Look at an engagement now, and not only once a day; what was found."""

    def act(tx: Tx) -> Outcome:
        row = found(views(tx, caller).engagement(id), "engagement")
        leakage.look_now(tx, parts.reckons, row["id"])
        return Outcome(LeaksView(items=tuple(leaks.of_engagements(tx, [row["id"]])[:_MOST])))

    return command.carry_out(act)


def _total(row: Mapping[str, Any]) -> LeakTotalView:
    def money(name: str) -> Money:
        return Money(amount=row[name], currency=row["currency"]).rounded()

    plain = ("engagement_id", "number", "name", "kind", "owner", "count", "minutes", "unpriced")
    return LeakTotalView.model_validate(
        {name: row[name] for name in plain}
        | {
            "oldest": row["oldest"],
            "amount": money("amount"),
            "aged": {bucket: money(bucket) for bucket in AgeBucket},
        }
    )
