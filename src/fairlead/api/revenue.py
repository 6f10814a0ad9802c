"""Revenue by engagement and month: what is earned, its batches, and having a month computed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field, StrictStr

from fairlead.api.commands import Commanding, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.reading import reading_tx, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, Reason, found
from fairlead.capabilities.revenue import approving
from fairlead.capabilities.revenue.forecasting import Forecast, forecast
from fairlead.capabilities.revenue.months import ask_for_month
from fairlead.capabilities.revenue.showing import Statement, statement
from fairlead.domain.model.revenue import RevenueFacts, RevenueMethod
from fairlead.domain.model.revenue_batch import BatchState, RevenueBatch, RevenueEntry
from fairlead.domain.values import Money, Value
from fairlead.store import revenue, revenue_jobs
from fairlead.store.database import Tx, database_time
from fairlead.store.revenue_jobs import Job
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal
from fairlead.trust.roles import Permission

_Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
On = Annotated[_Day | None, Query(description="At the end of which day; left out: today.")]


class EntryView(Value):
    """One revision of a month, with what it was worked out from."""

    entry: RevenueEntry
    basis: RevenueFacts | None  #: null: costs are in it, and the caller may not see them


class EntriesView(Value):
    items: tuple[EntryView, ...]


class BatchLine(Value):
    id: str
    legal_entity: str
    region: str
    month: date  #: its first day
    number: int
    state: BatchState
    entries: int
    computed_by: tuple[str, ...]
    computed_at: At
    proposed_by: str | None
    approved_by: str | None
    version: int


class BatchView(Value):
    """`digest` names exactly these figures: it is what an approval is for."""

    batch: RevenueBatch
    totals: dict[str, Money]  #: revenue of the month by currency, with what is taken back


class JobView(Value):
    id: str
    month: date
    asked_by: str
    asked_at: At
    engagements: int  #: computed so far
    expected: int
    changed: int  #: of them, those with new figures
    held: int  #: of them, those that cannot be measured; each has an exception
    ended_at: At | None


class Compute(Value):
    month: _Day  #: any day of it


class Approve(Value):
    digest: Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]


class SendBack(Value):
    reason: Reason


class MakeForecast(Value):
    minutes_left: Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
    reason: Reason


def add(router: Router) -> None:
    tag = "revenue"
    router.get("/engagements/{id}/revenue", get_revenue, Statement, tag=tag)
    router.get("/engagements/{id}/revenue-entries", list_revenue_entries, EntriesView, tag=tag)
    router.command("POST", "/engagements/{id}/forecast", make_forecast, Forecast, tag=tag)
    router.get("/revenue-batches", list_revenue_batches, Page[BatchLine], tag=tag)
    router.get("/revenue-batches/{id}", get_revenue_batch, BatchView, tag=tag, etag=True)
    for word, call in (
        ("propose", propose_revenue),
        ("approve", approve_revenue),
        ("send-back", send_back_revenue),
    ):
        router.command(
            "POST", f"/revenue-batches/{{id}}/{word}", call, BatchView,
            tag=tag, versioned=True,
        )  # fmt: skip
    router.command("POST", "/revenue-jobs", compute_revenue, JobView, tag=tag, status=202)
    router.get("/revenue-jobs/{id}", get_revenue_job, JobView, tag=tag)


def get_revenue(parts: Parts, caller: Caller, id: Id, on: On = None) -> Statement:
    """What an engagement has earned, billed and costs; without costs for who may not see them."""
    with reading_tx(parts) as tx:
        row = found(views(tx, caller).engagement(id), "engagement")
        costs = caller.may(Permission.COSTS_READ)
        told = statement(tx, row["id"], parts.reckons, costs=costs, on=on)
    return found(told, "engagement with books")


def list_revenue_entries(parts: Parts, caller: Caller, id: Id) -> EntriesView:
    """Every revision of every month, newest month first."""
    with reading_tx(parts) as tx:
        row = found(views(tx, caller).engagement(id), "engagement")
        entries = revenue.of_engagement(tx, row["id"])
    return EntriesView(items=tuple(_entry(caller, entry, basis) for entry, basis in entries))


def make_forecast(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: MakeForecast
) -> Response:
    """Say what is left to do; it counts from today on."""

    def act(tx: Tx) -> Outcome:
        row = found(views(tx, caller).engagement(id), "engagement")
        return Outcome(
            forecast(
                tx,
                Acting.of(parts.people, caller),
                row["id"],
                minutes_left=wanted.minutes_left,
                reason=wanted.reason,
                days=parts.reckons.days,
            )
        )

    return command.carry_out(act)


def list_revenue_batches(
    parts: Parts,
    caller: Caller,
    state: BatchState | None = None,
    month: Annotated[date | None, Query(description="Its first day.")] = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[BatchLine]:
    """Months by company and region, those computed last first."""
    with reading_tx(parts) as tx:
        rows = revenue.page(
            tx,
            regions=_some(caller.regions),
            legal_entities=_some(caller.legal_entities),
            state=state,
            month=month,
            after=after(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, _line, at="computed_at")


def get_revenue_batch(parts: Parts, caller: Caller, response: Response, id: Id) -> BatchView:
    """One month of a company and region, with each engagement's figures."""
    with reading_tx(parts) as tx:
        batch = revenue.batches(tx, [id]).get(id)
    seen = batch if batch is not None and _sees(caller, batch) else None
    batch = found(seen, "revenue")
    response.headers["ETag"] = etag_of(batch.version)
    return _view(batch)


def propose_revenue(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Ask for approval of the figures as they are."""
    version = command.version(required=False)
    acting = Acting.of(parts.people, caller)
    return command.carry_out(
        lambda tx: _outcome(approving.propose(tx, acting, id, version=version))
    )


def approve_revenue(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: Approve
) -> Response:
    """Approve exactly the figures that the digest names; the ledger is told. Never one's own."""
    version = command.version(required=False)
    acting = Acting.of(parts.people, caller)
    return command.carry_out(
        lambda tx: _outcome(
            approving.approve(
                tx, acting, id, digest=wanted.digest, library=parts.library, version=version
            )
        )
    )


def send_back_revenue(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: SendBack
) -> Response:
    """Do not approve it, and say why."""
    version = command.version(required=False)
    acting = Acting.of(parts.people, caller)
    return command.carry_out(
        lambda tx: _outcome(
            approving.send_back(tx, acting, id, reason=wanted.reason, version=version)
        )
    )


def compute_revenue(parts: Parts, caller: Caller, command: Commanding, wanted: Compute) -> Response:
    """Have a month that is over computed; a worker does it, and the job says how far it is."""

    def act(tx: Tx) -> Outcome:
        today = parts.reckons.days.first_of(database_time(tx), caller.legal_entities)
        return Outcome(_job(ask_for_month(tx, caller, wanted.month, today=today)), status=202)

    return command.carry_out(act)


def get_revenue_job(parts: Parts, caller: Caller, id: Id) -> JobView:
    """How far the computing of a month is."""
    with reading_tx(parts) as tx:
        job = revenue_jobs.get(tx, id)
    return _job(found(job if job is not None and _covers(caller, job) else None, "job"))


def _entry(caller: Principal, entry: RevenueEntry, basis: Mapping[str, Any]) -> EntryView:
    open_to = entry.method is not RevenueMethod.OVER_TIME_BY_COST
    shown = open_to or caller.may(Permission.COSTS_READ)
    return EntryView(entry=entry, basis=RevenueFacts.model_validate(basis) if shown else None)


def _line(row: Mapping[str, Any]) -> BatchLine:
    return BatchLine(
        **{name: row[name] for name in BatchLine.model_fields if name != "computed_by"},
        computed_by=tuple(row["computed_by"]),
    )


def _view(batch: RevenueBatch) -> BatchView:
    return BatchView(batch=batch, totals=batch.totals)


def _outcome(batch: RevenueBatch) -> Outcome:
    return Outcome(_view(batch), version=batch.version)


def _job(job: Job) -> JobView:
    return JobView(**{name: getattr(job, name) for name in JobView.model_fields})


def _sees(caller: Principal, batch: RevenueBatch) -> bool:
    return caller.sees(region=batch.region or None, legal_entity=batch.legal_entity)


def _covers(caller: Principal, job: Job) -> bool:
    """A job tells how many engagements there are: it is for who may see all of them."""
    return _within(job.regions, caller.regions) and _within(
        job.legal_entities, caller.legal_entities
    )


def _within(of: list[str] | None, limit: frozenset[str] | None) -> bool:
    return limit is None or (of is not None and set(of) <= limit)


def _some(limit: frozenset[str] | None) -> list[str] | None:
    return None if limit is None else sorted(limit)
