"""What clients do not accept of their invoices, with its cause in handoff or contract (F089)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import KeyCursor, Limit, Page, page_of_all
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, Reason, found, money
from fairlead.capabilities.billing import disputing
from fairlead.capabilities.billing.changing import sees
from fairlead.domain.model.dispute import DisputeCause, DisputeOutcome
from fairlead.domain.values import Money, Value
from fairlead.store import disputes, invoices
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting


class OpenDispute(Value):
    cause: DisputeCause
    detail: Reason
    field: Annotated[StrictStr, Field(max_length=200)] | None = None
    """Of deal or contract that it goes back to, such as `contract.cap`."""
    clause: Annotated[StrictStr, Field(max_length=200)] | None = None
    amount: Money | None = None  #: null: all of it


class CloseDispute(Value):
    outcome: DisputeOutcome
    answer: Reason


class DisputeView(Value):
    id: str
    invoice_id: str
    engagement_id: str
    cause: DisputeCause
    field: str | None
    clause: str | None
    detail: str
    amount: Money | None
    opened_by: str
    opened_at: At
    closed_by: str | None
    closed_at: At | None
    outcome: DisputeOutcome | None
    answer: str | None


def add(router: Router) -> None:
    tag = "invoices"
    router.get("/invoices/{id}/disputes", list_disputes, Page[DisputeView], tag=tag)
    router.command(
        "POST", "/invoices/{id}/disputes", open_dispute, DisputeView, tag=tag, status=201
    )
    router.command("POST", "/disputes/{id}/close", close_dispute, DisputeView, tag=tag)


def list_disputes(
    parts: Parts, caller: Caller, id: Id, cursor: KeyCursor = None, limit: Limit = 50
) -> Page[DisputeView]:
    """What the client does not accept of it, oldest first."""
    with reading_tx(parts) as tx:
        invoice = found(invoices.find(tx, sees(caller), id), "invoice")
        rows = disputes.of_invoice(tx, invoice)
    return page_of_all(rows, cursor, limit, _dispute)


def open_dispute(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: OpenDispute
) -> Response:
    """Record what the client does not accept, and what it goes back to (F089)."""

    def act(tx: Tx) -> Outcome:
        row = disputing.dispute(
            tx,
            id,
            Acting.of(parts.people, caller),
            cause=wanted.cause,
            detail=wanted.detail,
            field=wanted.field,
            clause=wanted.clause,
            amount=wanted.amount,
        )
        return Outcome(_dispute(row), status=201)

    return command.carry_out(act)


def close_dispute(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: CloseDispute
) -> Response:
    """Say how a dispute ended."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        row = disputing.close_dispute(tx, id, acting, outcome=wanted.outcome, answer=wanted.answer)
        return Outcome(_dispute(row))

    return command.carry_out(act)


def _dispute(row: Mapping[str, Any]) -> DisputeView:
    same = set(DisputeView.model_fields) - {"amount"}
    return DisputeView(**{name: row[name] for name in same}, amount=money(row))
