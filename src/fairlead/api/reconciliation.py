"""Our records against those of other systems: last comparisons, what differs, comparing now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, after_uuid, page
from fairlead.api.reading import limits_of, reading_tx, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Filter, Id, found
from fairlead.capabilities.reconciliation.comparing import compare_as_asked
from fairlead.domain.model.discrepancy import DiscrepancyKind, Kept
from fairlead.domain.values import Exact, Value
from fairlead.store import reconciliations as store
from fairlead.store.database import Tx


class DiscrepancyView(Value):
    id: UUID
    engagement_id: str
    engagement_number: str
    system: str
    kept: Kept
    kind: DiscrepancyKind
    key: str  #: of our record; empty where it is none of ours
    refs: tuple[str, ...]  #: ids of the records there
    ours: Exact | None
    theirs: Exact | None
    difference: Exact  #: theirs less ours
    unit: str  #: `hour`, or a currency
    day: date | None
    whose: str
    words: str
    remedy: str
    first_seen_at: At
    last_seen_at: At


class ReconciliationView(Value):
    engagement_id: str
    engagement_number: str
    system: str
    kept: Kept
    ours: int  #: how many records we keep
    theirs: int
    our_sum: Exact  #: in `unit`
    their_sum: Exact
    unit: str
    discrepancies: int
    compared_at: At


class ReconciliationAsked(Value):
    engagement_id: str


def add(router: Router) -> None:
    tag = "reconciliation"
    router.get("/discrepancies", list_discrepancies, Page[DiscrepancyView], tag=tag)
    router.get("/reconciliations", list_reconciliations, Page[ReconciliationView], tag=tag)
    router.command(
        "POST",
        "/engagements/{id}/reconcile",
        reconcile_engagement,
        ReconciliationAsked,
        tag=tag,
        status=202,
    )


def list_discrepancies(
    parts: Parts,
    caller: Caller,
    engagement: Filter = None,
    system: Filter = None,
    kept: Kept | None = None,
    kind: DiscrepancyKind | None = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[DiscrepancyView]:
    """What differs, record by record, oldest first.

    `engagement` is an id, a number or a project code.
    """
    at, id = after_uuid(cursor) or (None, None)
    with reading_tx(parts) as tx:
        rows = store.discrepancies(
            tx,
            limits_of(caller),
            engagement=engagement,
            system=system,
            kept=kept,
            kind=kind,
            at=at,
            id=id,
            limit=limit + 1,
        )
    return page(rows, limit, _discrepancy, at="first_seen_at")


def list_reconciliations(
    parts: Parts,
    caller: Caller,
    engagement: Filter = None,
    system: Filter = None,
    kept: Kept | None = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[ReconciliationView]:
    """The last complete comparison of each engagement, system and kind of record, with counts and
    sums of both sides; longest ago first."""
    at, id = after(cursor) or (None, None)
    with reading_tx(parts) as tx:
        rows = store.reconciliations(
            tx,
            limits_of(caller),
            engagement=engagement,
            system=system,
            kept=kept,
            at=at,
            id=id,
            limit=limit + 1,
        )
    return page(rows, limit, _reconciliation, at="compared_at", id="place")


def reconcile_engagement(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Have the records of a launched engagement compared now, and not only once a day."""

    def act(tx: Tx) -> Outcome:
        row = found(views(tx, caller).engagement(id), "engagement")
        compare_as_asked(tx, row)
        return Outcome(ReconciliationAsked(engagement_id=row["id"]), status=202)

    return command.carry_out(act)


def _discrepancy(row: Mapping[str, Any]) -> DiscrepancyView:
    return _shaped(DiscrepancyView, row)


def _reconciliation(row: Mapping[str, Any]) -> ReconciliationView:
    return _shaped(ReconciliationView, row)


def _shaped(model: type[Any], row: Mapping[str, Any]) -> Any:
    fields = {name: row[name] for name in model.model_fields if name in row}
    return model.model_validate({**fields, "engagement_number": row["number"]})
