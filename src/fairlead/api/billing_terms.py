"""What an engagement is billed by: rates, fees that fall due, and the client's purchase order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StrictBool, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.invoice_shapes import Name
from fairlead.api.paging import KeyCursor, Limit, Page, page_of_all
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, Id, Reason, found, money
from fairlead.capabilities.billing import charging, ordering, rates, reviewing
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.values import Money, Period, Value
from fairlead.errors import InvalidInput, Problem
from fairlead.store import bill_rates, charges
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting

_Words = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class ProposeRate(Value):
    engagement: Name
    role: Annotated[StrictStr, Field(min_length=1, max_length=200)]
    resource: Annotated[StrictStr, Field(max_length=200)] | None = None  #: null: the role's
    valid_from: Day
    per_hour: Money
    reason: Reason


class DecideRate(Value):
    approved: StrictBool
    reason: Reason = ""


class RateChangeView(Value):
    id: str
    engagement_id: str
    role: str
    resource: str | None
    valid_from: date
    per_hour: Money
    reason: str
    state: str
    proposed_by: str
    proposed_at: At
    decided_by: str | None
    decided_at: At | None


class RateView(Value):
    role: str
    resource: str | None  #: a person's own; null: the role's
    valid_from: date
    per_hour: Money
    source: str


class RatesView(Value):
    rates: tuple[RateView, ...]
    changes: tuple[RateChangeView, ...]


class AddCharge(Value):
    """A recurring fee has the amount of a whole month, and the days of the service; part months
    are prorated by days."""

    engagement: Name
    kind: ChargeKind
    name: _Words
    amount: Money
    due_on: Day | None = None  #: of what is due once
    starts_on: Day | None = None  #: of the service that it pays for
    ends_on: Day | None = None
    clause: Annotated[StrictStr, Field(max_length=200)] | None = None
    source: _Words  #: the contract or change order that it comes from


class CancelCharge(Value):
    reason: Reason


class ChargeView(Value):
    id: UUID
    kind: ChargeKind
    name: str
    due_on: date
    starts_on: date | None
    ends_on: date | None
    amount: Money
    clause: str | None
    source: str
    made_by: str | None  #: null: the contract, at launch
    cancelled_at: At | None
    billed: bool


class SetOrder(Value):
    engagement: Name
    number: _Words
    limit: Money | None = None  #: the most that it pays for; null: no limit
    reason: Reason


class OrderView(Value):
    engagement_id: str
    number: str | None
    limit: Money | None


def add(router: Router) -> None:
    tag = "billing"
    router.get("/billing/engagements/{id}/rates", get_rates, RatesView, tag=tag)
    router.get("/billing/engagements/{id}/charges", list_charges, Page[ChargeView], tag=tag)
    router.command("POST", "/billing/rates", propose_rate, RateChangeView, tag=tag, status=201)
    router.command("POST", "/billing/rates/{id}/decide", decide_rate, RateChangeView, tag=tag)
    router.command("POST", "/billing/charges", add_charge, Page[ChargeView], tag=tag, status=201)
    router.command("POST", "/billing/charges/{id}/cancel", cancel_charge, Page[ChargeView], tag=tag)
    router.command("POST", "/billing/purchase-orders", set_purchase_order, OrderView, tag=tag)


def get_rates(parts: Parts, caller: Caller, id: Id) -> RatesView:
    """What an hour is billed at, by date, and who asked for other rates."""
    with reading_tx(parts) as tx:
        engagement = reviewing.seen(tx, caller, id)
        known, changes = bill_rates.of(tx, engagement), bill_rates.changes(tx, engagement)
    return RatesView(
        rates=tuple(
            RateView(
                role=row["role"],
                resource=row["resource_id"] or None,
                valid_from=row["valid_from"],
                per_hour=_per_hour(row),
                source=row["source"],
            )
            for row in known
        ),
        changes=tuple(_change(row) for row in changes),
    )


def propose_rate(
    parts: Parts, caller: Caller, command: Commanding, wanted: ProposeRate
) -> Response:
    """Ask for a rate from a day on; somebody else approves it."""

    def act(tx: Tx) -> Outcome:
        row = rates.propose_rate(
            tx,
            reviewing.seen(tx, caller, wanted.engagement),
            Acting.of(parts.people, caller),
            role=wanted.role,
            resource=wanted.resource,
            valid_from=wanted.valid_from,
            per_hour=wanted.per_hour,
            reason=wanted.reason,
        )
        return Outcome(_change(row), status=201)

    return command.carry_out(act)


def decide_rate(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: DecideRate
) -> Response:
    """Approve or refuse a rate that somebody else asked for."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        row = rates.decide_rate(tx, id, acting, approved=wanted.approved, reason=wanted.reason)
        return Outcome(_change(row))

    return command.carry_out(act)


def _change(row: Mapping[str, Any]) -> RateChangeView:
    same = set(RateChangeView.model_fields) - {"resource", "per_hour"}
    return RateChangeView(
        **{name: row[name] for name in same},
        resource=row["resource_id"] or None,
        per_hour=_per_hour(row),
    )


def _per_hour(row: Mapping[str, Any]) -> Money:
    return found(money(row, "per_hour"), "rate")


def list_charges(
    parts: Parts, caller: Caller, id: Id, cursor: KeyCursor = None, limit: Limit = 50
) -> Page[ChargeView]:
    """Fees of an engagement, the first due first."""
    with reading_tx(parts) as tx:
        rows = charges.of(tx, reviewing.seen(tx, caller, id))
    return page_of_all(rows, cursor, limit, _charge)


def add_charge(parts: Parts, caller: Caller, command: Commanding, wanted: AddCharge) -> Response:
    """Add a fee that was agreed after the launch; who adds it does not bill it."""
    if wanted.ends_on and not wanted.starts_on:
        raise InvalidInput("Give both days.", [Problem("/starts_on", "is needed with ends_on")])
    if wanted.starts_on and wanted.ends_on and wanted.ends_on < wanted.starts_on:
        raise InvalidInput("The days are in order.", [Problem("/ends_on", "is after starts_on")])

    def act(tx: Tx) -> Outcome:
        engagement = reviewing.seen(tx, caller, wanted.engagement)
        served = wanted.starts_on and Period(start=wanted.starts_on, end=wanted.ends_on)
        charging.add_charge(
            tx,
            engagement,
            Acting.of(parts.people, caller),
            kind=wanted.kind,
            name=wanted.name,
            amount=wanted.amount,
            source=wanted.source,
            due_on=wanted.due_on,
            period=served,
            clause=wanted.clause,
        )
        return Outcome(_charges(tx, engagement), status=201)

    return command.carry_out(act)


def cancel_charge(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: CancelCharge
) -> Response:
    """Take back a fee that is not billed."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        engagement = charging.cancel_charge(tx, id, acting, reason=wanted.reason)
        return Outcome(_charges(tx, engagement))

    return command.carry_out(act)


def set_purchase_order(
    parts: Parts, caller: Caller, command: Commanding, wanted: SetOrder
) -> Response:
    """The client's order, on which what is proposed from now on is billed."""

    def act(tx: Tx) -> Outcome:
        changed = ordering.set_order(
            tx,
            reviewing.seen(tx, caller, wanted.engagement),
            Acting.of(parts.people, caller),
            number=wanted.number,
            limit=wanted.limit,
            reason=wanted.reason,
        )
        return Outcome(
            OrderView(
                engagement_id=changed.engagement,
                number=changed.purchase_order,
                limit=changed.purchase_order_limit,
            )
        )

    return command.carry_out(act)


def _charges(tx: Tx, engagement: str) -> Page[ChargeView]:
    """All of them, as a command answers."""
    return Page(items=tuple(_charge(row) for row in charges.of(tx, engagement)))


def _charge(row: Mapping[str, Any]) -> ChargeView:
    same = set(ChargeView.model_fields) - {"amount"}
    return ChargeView(**{name: row[name] for name in same}, amount=found(money(row), "amount"))
