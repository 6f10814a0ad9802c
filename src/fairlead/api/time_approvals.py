"""Approving time and expenses: what waits, all that is clean at once, the rest one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field, StrictInt, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.expenses import FindingView
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, DayFilter, Filter, money
from fairlead.capabilities.time.approving import Approving, ItemKey, Wanted
from fairlead.capabilities.time.correcting import Correcting
from fairlead.domain.model.finding import Finding
from fairlead.domain.values import Money, Value
from fairlead.errors import InvalidInput, Problem
from fairlead.store import approvals, findings
from fairlead.store.approvals import Done, Kind, Selection
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting

_MOST = 1000
_Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]
_Why = Annotated[StrictStr, Field(min_length=1, max_length=2000)]


class WaitingGroup(Value):
    """What waits on one engagement for one week."""

    engagement_id: str
    number: str
    name: str
    week: date  #: its Monday
    clean: int  #: approved by one command
    flagged: int  #: each needs a look, and a reason of its own
    barred: int  #: of the caller's own hand: somebody else approves these
    people: int
    minutes: int
    expenses: Money
    oldest_at: At  #: since when the first of them waits
    digest: str  #: of all this as it is now: who approves it may say so


class WaitingItem(Value):
    kind: Kind
    id: UUID
    engagement_id: str
    number: str
    resource: str
    name: str | None
    day: date
    category: str
    billable: bool
    minutes: int | None  #: of time
    claimed: Money | None  #: of an expense, in the engagement's currency
    reverses: UUID | None  #: the entry that it takes back
    reason: str | None
    entered_by: str
    submitted_at: At
    version: int  #: who decides on it may say that they saw this one
    barred: bool  #: of the caller's own hand
    wrong: bool  #: it has an error: it can only be returned
    findings: tuple[FindingView, ...]


class ItemRef(Value):
    kind: Kind
    id: UUID
    version: Annotated[StrictInt, Field(ge=1)] | None = None
    """As it was shown: 409 where it has changed since."""


class Reasoned(ItemRef):
    reason: _Why  #: why it is right although a rule warns of it


class ApproveWork(Value):
    """All that waits for the caller of an engagement or a week, or of `items`; one is given."""

    engagement: _Name | None = None  #: id, number or project code
    week: Day | None = None  #: its Monday
    resource: _Name | None = None
    items: tuple[ItemRef, ...] | None = Field(default=None, max_length=_MOST)  #: only these
    reasons: tuple[Reasoned, ...] = Field(default=(), max_length=_MOST)
    digest: _Name | None = None
    """Of the group, with `engagement` and `week`: 409 where that week has changed since."""


class ApprovedGroup(Value):
    kind: Kind
    engagement_id: str
    week: date
    count: int
    minutes: int
    late: int  #: booked in the next open month, because their own is closed


class WorkApproved(Value):
    approved: tuple[ApprovedGroup, ...]
    apart: tuple[WaitingItem, ...]  #: what was asked for and still waits, 200 at most


class ReturnWork(Value):
    items: tuple[ItemRef, ...] = Field(min_length=1, max_length=_MOST)
    reason: _Why  #: what is to be changed


class WorkReturned(Value):
    count: int


class Correct(ItemRef):
    reason: _Why


class Corrected(Value):
    id: UUID  #: of the entry that takes it back; it waits for approval


def add(router: Router) -> None:
    tag = "time"
    router.get("/time-approvals", list_waiting_work, Page[WaitingGroup], tag=tag)
    router.get("/time-approvals/items", list_waiting_items, Page[WaitingItem], tag=tag)
    router.command("POST", "/time-approvals/approve", approve_work, WorkApproved, tag=tag)
    router.command("POST", "/time-approvals/return", return_work, WorkReturned, tag=tag)
    router.command("POST", "/corrections", correct_work, Corrected, tag=tag, status=201)


def list_waiting_work(
    parts: Parts, caller: Caller, cursor: TimeCursor = None, limit: Limit = 50
) -> Page[WaitingGroup]:
    """What waits for the caller, by week and engagement, oldest first."""
    with reading_tx(parts) as tx:
        remit = Approving(parts.people).remit(tx, Acting.of(parts.people, caller))
        now = database_time(tx)
        rows = approvals.groups(tx, remit, now, after=after(cursor), limit=limit + 1)
    return page(rows, limit, _group, at="at", id="engagement_id")


def list_waiting_items(
    parts: Parts,
    caller: Caller,
    engagement: Filter = None,
    week: DayFilter = None,
    resource: Filter = None,
    apart: Annotated[bool, Query(description="Only what needs a look by itself.")] = False,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[WaitingItem]:
    """Each entry that waits, with what the rules say of it, as it was submitted."""
    with reading_tx(parts) as tx:
        acting = Acting.of(parts.people, caller)
        remit = Approving(parts.people).remit(tx, acting, engagement)
        rows = approvals.items(
            tx,
            remit,
            Selection(week=week, resource=resource),
            database_time(tx),
            after=after(cursor),
            apart=apart,
            limit=limit + 1,
        )
        said = _said(tx, rows)
    return page(rows, limit, lambda row: _item(row, said), at="submitted_at")


def approve_work(
    parts: Parts, caller: Caller, command: Commanding, wanted: ApproveWork
) -> Response:
    """Approve all that is clean, and what is flagged with a reason of its own."""

    def act(tx: Tx) -> Outcome:
        items = None if wanted.items is None else _keys(wanted.items)
        asked = Wanted(
            engagement=wanted.engagement,
            week=wanted.week,
            resource=wanted.resource,
            items=items,
            reasons={(one.kind, one.id): one.reason for one in wanted.reasons},
            digest=wanted.digest,
            versions=_versions(wanted.items or ()) | _versions(wanted.reasons),
        )
        if wanted.engagement is None and wanted.week is None and not items:
            raise InvalidInput(
                "Say what is approved.", [Problem("", "engagement, week or items: one is given")]
            )
        done = Approving(parts.people).approve(tx, Acting.of(parts.people, caller), asked)
        said = _said(tx, done.apart)
        return Outcome(
            WorkApproved(
                approved=tuple(_approved(one) for one in done.done),
                apart=tuple(_item(row, said) for row in done.apart),
            )
        )

    return command.carry_out(act)


def return_work(parts: Parts, caller: Caller, command: Commanding, wanted: ReturnWork) -> Response:
    """Send these back to be changed, all or none."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        items = _keys(wanted.items)
        versions = _versions(wanted.items)
        done = Approving(parts.people).send_back(tx, acting, items, wanted.reason, versions)
        return Outcome(WorkReturned(count=sum(one.count for one in done)))

    return command.carry_out(act)


def correct_work(parts: Parts, caller: Caller, command: Commanding, wanted: Correct) -> Response:
    """Take back an approved entry: by one of the opposite amount, which is approved as well."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        correcting = Correcting(parts.people)
        back = correcting.take_back(tx, acting, wanted.kind, wanted.id, wanted.reason)
        return Outcome(Corrected(id=back), status=201)

    return command.carry_out(act)


def _keys(items: Sequence[ItemRef]) -> list[ItemKey]:
    return [(one.kind, one.id) for one in items]


def _versions(items: Sequence[ItemRef]) -> dict[ItemKey, int]:
    return {(one.kind, one.id): one.version for one in items if one.version is not None}


_Said = Mapping[tuple[str, UUID], Sequence[Finding]]


def _said(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> _Said:
    kinds: tuple[Kind, ...] = ("time", "expense")
    return {
        (kind, id): said
        for kind in kinds
        for id, said in findings.of(
            tx, kind, [row["id"] for row in rows if row["kind"] == kind]
        ).items()
    }


def _group(row: Mapping[str, Any]) -> WaitingGroup:
    left = {name: row[name] for name in WaitingGroup.model_fields if name in row}
    return WaitingGroup.model_validate({**left, "expenses": money(row)})


def _item(row: Mapping[str, Any], said: _Said) -> WaitingItem:
    left = {name: row[name] for name in WaitingItem.model_fields if name in row}
    found = said.get((row["kind"], row["id"]), ())
    return WaitingItem.model_validate(
        {
            **left,
            "resource": row["resource_id"],
            "claimed": money(row),
            "findings": tuple(
                FindingView(
                    rule=one.rule, severity=one.severity, value=one.value, remedy=one.remedy
                )
                for one in found
            ),
        }
    )


def _approved(one: Done) -> ApprovedGroup:
    assert one.week is not None
    return ApprovedGroup(
        kind=one.kind,
        engagement_id=one.engagement,
        week=one.week,
        count=one.count,
        minutes=one.minutes,
        late=one.late,
    )
