"""Readiness, holds, write-offs, runs, and where anything billable stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.invoice_shapes import ItemRef, Name, ProposedView, proposed
from fairlead.api.paging import KeyCursor, Limit, Page, page_of_all
from fairlead.api.reading import reading_tx
from fairlead.api.refusals import InvalidParameters
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, DayFilter, Id, Reason, found, money
from fairlead.capabilities.billing import crediting, lineage, reviewing, running
from fairlead.capabilities.billing.changing import sees
from fairlead.domain.model.invoice import ItemKind
from fairlead.domain.rules.billing_readiness import Readiness
from fairlead.domain.values import Money, Value
from fairlead.errors import InvalidInput, NotFound, Problem
from fairlead.insight.billing import BillingFigures, measure
from fairlead.store import billing_board, billing_holds, billing_runs
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting


class MilestoneReady(Value):
    """One that is not billed yet; it is looked at from its planning on (F091)."""

    id: UUID
    number: int
    name: str
    amount: Money
    due_on: date
    state: str
    evidence: int  #: pieces of it
    ready: bool
    waits_for: str | None  #: in words; null: nothing


class EngagementReadiness(Value):
    readiness: Readiness
    milestones: tuple[MilestoneReady, ...]
    looked_at: date


class PlaceHold(Value):
    engagement: Name
    item: ItemRef | None = None  #: null: the engagement as a whole
    reason: Reason


class LiftHold(Value):
    reason: Reason


class HoldView(Value):
    id: str
    engagement_id: str
    kind: str | None
    item: UUID | None
    reason: str
    placed_by: str
    placed_at: At
    lifted_by: str | None
    lifted_at: At | None
    lifted_because: str | None


class WriteOff(Value):
    engagement: Name
    items: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=1000)]
    reason: Reason
    dated_on: Day | None = None


class StartRun(Value):
    dated_on: Day | None = None  #: null: today, in each company
    until: Day | None = None
    region: Annotated[StrictStr, Field(max_length=100)] | None = None  #: null: all
    legal_entity: Annotated[StrictStr, Field(max_length=100)] | None = None


class RunView(Value):
    id: str
    asked_by: str
    asked_at: At
    dated_on: date | None  #: null: the day on which it was asked for, in each company
    until: date | None  #: null: the day of the invoice
    region: str | None
    legal_entity: str | None
    engagements: int
    done: int
    invoices: int
    items: int
    ended_at: At | None


class RunOutcome(Value):
    engagement_id: str
    number: str
    outcome: str | None  #: null: its turn has not come


class PlaceOfItem(Value):
    """One document that an item was in."""

    invoice_id: str
    reference: str
    number: str | None
    kind: str
    state: str
    proposed_at: At
    released_at: At | None
    line: int
    minutes: int | None
    rate: Money | None
    rate_source: str | None
    amount: Money
    live: bool
    reason: str | None


class ItemHistory(Value):
    kind: ItemKind
    item: UUID
    engagement_id: str
    engagement: str
    day: date
    state: str
    stands: str  #: billed in what, or why not
    documents: tuple[PlaceOfItem, ...]  #: oldest first


def add(router: Router) -> None:
    tag = "billing"
    router.get("/billing/readiness", list_readiness, Page[Readiness], tag=tag)
    router.get(
        "/billing/engagements/{id}/readiness",
        get_engagement_readiness,
        EngagementReadiness,
        tag=tag,
    )
    router.get("/billing/engagements/{id}/holds", list_holds, Page[HoldView], tag=tag)
    router.get("/billing/figures", get_billing_figures, BillingFigures, tag=tag)
    router.get("/billing/items/{id}", get_item, ItemHistory, tag=tag)
    router.get("/billing/invoice-runs/{id}", get_billing_run, RunView, tag=tag)
    router.get("/billing/invoice-runs/{id}/outcomes", list_run_outcomes, Page[RunOutcome], tag=tag)
    router.command("POST", "/billing/holds", place_hold, HoldView, tag=tag, status=201)
    router.command("POST", "/billing/holds/{id}/lift", lift_hold, HoldView, tag=tag)
    router.command("POST", "/billing/write-offs", write_off, ProposedView, tag=tag, status=201)
    router.command("POST", "/billing/invoice-runs", start_billing_run, RunView, tag=tag, status=202)


def list_readiness(
    parts: Parts, caller: Caller, cursor: KeyCursor = None, limit: Limit = 50
) -> Page[Readiness]:
    """How ready each open engagement is, those with most money held first."""
    with reading_tx(parts) as tx:
        found_ = parts.billing.readiness.of(tx, caller)
    found_.sort(key=lambda one: (-one.held.amount, one.engagement))
    ids = [one.engagement for one in found_]
    first = ids.index(cursor) + 1 if cursor in ids else 0
    shown = found_[first : first + limit]
    more = first + limit < len(found_)
    return Page(items=tuple(shown), next=shown[-1].engagement if more else None)


def get_engagement_readiness(parts: Parts, caller: Caller, id: Id) -> EngagementReadiness:
    """How ready one engagement is, and each of its milestones that is not billed."""
    with reading_tx(parts) as tx:
        engagement = reviewing.seen(tx, caller, id)
        (ready,) = parts.billing.readiness.of(tx, caller, [engagement])
        today = parts.billing.days.on(database_time(tx), ready.legal_entity)
        milestones = billing_board.milestones(tx, engagement)
    return EngagementReadiness(
        readiness=ready,
        milestones=tuple(_milestone(row) for row in milestones),
        looked_at=today,
    )


def get_billing_figures(
    parts: Parts, caller: Caller, since: DayFilter = None, until: DayFilter = None
) -> BillingFigures:
    """Cycle times, exceptions, disputes, accuracy, leakage, readiness, backlog, cash, DSO.

    Days are included and in UTC; without them, the last 90.
    """
    with reading_tx(parts) as tx:
        last = until or database_time(tx).date()
        first = since or last - timedelta(days=89)
        if first > last:
            raise InvalidParameters(
                "The days are in order.", [Problem("query:/since", "is not after until")]
            )
        return measure(
            tx,
            parts.billing.readiness.of(tx, caller, on=last),
            first,
            last,
            regions=caller.regions,
            legal_entities=caller.legal_entities,
        )


def list_holds(
    parts: Parts, caller: Caller, id: Id, cursor: KeyCursor = None, limit: Limit = 50
) -> Page[HoldView]:
    """What was held of an engagement, newest first."""
    with reading_tx(parts) as tx:
        rows = billing_holds.of(tx, reviewing.seen(tx, caller, id))
    return page_of_all(rows, cursor, limit, _hold)


def get_item(parts: Parts, caller: Caller, id: Id) -> ItemHistory:
    """Where an entry, expense, milestone or charge was billed, and if not, why."""
    with reading_tx(parts) as tx:
        thing, documents, words = lineage.history(tx, caller, id, parts.billing.days)
    return ItemHistory(
        kind=thing["kind"],
        item=thing["id"],
        engagement_id=thing["engagement_id"],
        engagement=thing["number"],
        day=thing["day"],
        state=thing["state"],
        stands=words,
        documents=tuple(_place(row) for row in documents),
    )


def get_billing_run(parts: Parts, caller: Caller, id: Id) -> RunView:
    """How far an invoice run is."""
    with reading_tx(parts) as tx:
        return RunView(**found(running.seen(tx, caller, id), "run"))


def list_run_outcomes(
    parts: Parts, caller: Caller, id: Id, cursor: KeyCursor = None, limit: Limit = 50
) -> Page[RunOutcome]:
    """What came of each engagement of a run."""
    limits = sees(caller).values()
    with reading_tx(parts) as tx:
        found(running.seen(tx, caller, id), "run")
        rows = billing_runs.outcomes(tx, id, after=cursor, limit=limit + 1, **limits)
    end = rows[limit - 1]["engagement_id"] if len(rows) > limit else None
    return Page(items=tuple(RunOutcome(**row) for row in rows[:limit]), next=end)


def place_hold(parts: Parts, caller: Caller, command: Commanding, wanted: PlaceHold) -> Response:
    """Keep an engagement, or one item of it, from being invoiced."""

    def act(tx: Tx) -> Outcome:
        engagement = reviewing.seen(tx, caller, wanted.engagement)
        item = wanted.item and (str(wanted.item.kind), str(wanted.item.item))
        acting = Acting.of(parts.people, caller)
        id = reviewing.hold(tx, engagement, acting, reason=wanted.reason, item=item)
        return Outcome(_held(tx, engagement, id), status=201)

    return command.carry_out(act)


def lift_hold(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: LiftHold
) -> Response:
    """Let it be invoiced again."""

    def act(tx: Tx) -> Outcome:
        reviewing.lift(tx, id, Acting.of(parts.people, caller), reason=wanted.reason)
        return Outcome(_held(tx, str(billing_holds.engagement_of(tx, id)), id))

    return command.carry_out(act)


def write_off(parts: Parts, caller: Caller, command: Commanding, wanted: WriteOff) -> Response:
    """Draft the giving-up of unbilled items; it is reviewed and released as an invoice is."""

    def act(tx: Tx) -> Outcome:
        made = crediting.write_off(
            tx,
            reviewing.seen(tx, caller, wanted.engagement),
            Acting.of(parts.people, caller),
            parts.billing.proposing,
            [str(item) for item in wanted.items],
            reason=wanted.reason,
            dated_on=wanted.dated_on,
        )
        return Outcome(proposed(made), status=201)

    return command.carry_out(act)


def start_billing_run(
    parts: Parts, caller: Caller, command: Commanding, wanted: StartRun
) -> Response:
    """Have invoices drafted for every open engagement; a worker does it in parts."""

    if wanted.legal_entity is not None and wanted.legal_entity not in parts.companies:
        problem = Problem("/legal_entity", "is the code of a company of ours")
        raise InvalidInput("There is no such company.", [problem])
    if wanted.region is not None and wanted.region not in parts.regions:
        known = ", ".join(sorted(parts.regions))
        problem = Problem("/region", f"is a region that has a calendar in firm.yaml: {known}")
        raise InvalidInput("There is no such region.", [problem])

    def act(tx: Tx) -> Outcome:
        id = running.start_run_of(
            tx,
            Acting.of(parts.people, caller),
            dated_on=wanted.dated_on,
            until=wanted.until,
            region=wanted.region,
            entity=wanted.legal_entity,
        )
        return Outcome(RunView(**found(billing_runs.one(tx, id), "run")), status=202)

    return command.carry_out(act)


def _held(tx: Tx, engagement: str, id: str) -> HoldView:
    for row in billing_holds.of(tx, engagement):
        if row["id"] == id:
            return _hold(row)
    raise NotFound("There is no such hold.")


def _hold(row: Mapping[str, Any]) -> HoldView:
    same = set(HoldView.model_fields) - {"item"}
    return HoldView(**{name: row[name] for name in same}, item=row["item_id"])


def _milestone(row: Mapping[str, Any]) -> MilestoneReady:
    ready = row["state"] == "accepted"
    waits = None if ready else ("acceptance" if row["state"] == "submitted" else "submission")
    if waits and not row["evidence"]:
        waits = f"evidence and {waits}"
    same = ("id", "number", "name", "due_on", "state", "evidence")
    return MilestoneReady(
        **{name: row[name] for name in same},
        amount=found(money(row), "amount"),
        ready=ready,
        waits_for=waits,
    )


def _place(row: Mapping[str, Any]) -> PlaceOfItem:
    same = set(PlaceOfItem.model_fields) - {"rate", "amount"}
    rate = money(row, "rate") if row["kind"] != "credit" and row["minutes"] is not None else None
    return PlaceOfItem(
        **{name: row[name] for name in same}, rate=rate, amount=found(money(row), "amount")
    )
