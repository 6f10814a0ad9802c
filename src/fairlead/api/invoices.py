"""Invoices, credits and write-offs: drafting, reviewing, releasing, and what they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

from fastapi import Query
from starlette.responses import Response

from fairlead.api.commands import Command, Commanding, IfMatch, Outcome, etag_of
from fairlead.api.guard import Caller, Parts
from fairlead.api.invoice_shapes import (
    CreditInvoice,
    DiscardInvoice,
    ExcludeItems,
    InvoiceDetail,
    InvoiceView,
    ItemCursor,
    ItemView,
    ProposedInvoices,
    ProposedView,
    ProposeInvoices,
    ReviewInvoice,
    detail,
    fields,
    item_shown,
    proposed,
)
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import Filter, Id, found
from fairlead.capabilities.billing import crediting, reviewing
from fairlead.capabilities.billing.changing import sees
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.errors import InvalidInput, Problem
from fairlead.store import billing_lineage, invoices
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal


def add(router: Router) -> None:
    tag = "invoices"
    router.get("/invoices", list_invoices, Page[InvoiceView], tag=tag)
    router.get("/invoices/{id}", get_invoice, InvoiceDetail, tag=tag, etag=True)
    router.get("/invoices/{id}/items", list_invoice_items, Page[ItemView], tag=tag)
    router.command("POST", "/invoices/propose", propose_invoices, ProposedInvoices, tag=tag)
    for path, call in (
        ("review", review_invoice),
        ("discard", discard_invoice),
        ("release", release_invoice),
        ("send", send_invoice),
        ("credit", credit_invoice),
    ):
        router.command(
            "POST", f"/invoices/{{id}}/{path}", call, InvoiceDetail, tag=tag, versioned=True
        )
    router.command(
        "POST", "/invoices/{id}/exclude", exclude_items, ProposedView, tag=tag, versioned=True
    )


def list_invoices(
    parts: Parts,
    caller: Caller,
    state: InvoiceState | None = None,
    kind: InvoiceKind | None = None,
    engagement: Filter = None,
    cursor: TimeCursor = None,
    limit: Limit = 50,
) -> Page[InvoiceView]:
    """Invoices, credits and write-offs, newest first. `engagement` is an id or a number."""
    with reading_tx(parts) as tx:
        rows = invoices.listed(
            tx,
            sees(caller),
            state=state,
            kind=kind,
            engagement=engagement,
            after=after(cursor),
            limit=limit + 1,
        )
    return page(rows, limit, lambda row: InvoiceView(**fields(row)), at="proposed_at")


def get_invoice(parts: Parts, caller: Caller, response: Response, id: Id) -> InvoiceDetail:
    """One of them with its lines, by its id or our reference."""
    with reading_tx(parts) as tx:
        shown = detail(tx, found(invoices.find(tx, sees(caller), id), "invoice"))
    response.headers["ETag"] = etag_of(shown.version)
    return shown


def list_invoice_items(
    parts: Parts,
    caller: Caller,
    id: Id,
    line: Annotated[int | None, Query(ge=1, le=1_000_000)] = None,
    cursor: ItemCursor = None,
    limit: Limit = 50,
) -> Page[ItemView]:
    """What it, or one line of it, is made of: rates, approvals, clauses and evidence."""
    kind, _, item = (cursor or "").partition(".")
    with reading_tx(parts) as tx:
        invoice = found(invoices.find(tx, sees(caller), id), "invoice")
        behind = (kind, item) if cursor else None
        rows = billing_lineage.items(tx, invoice, line=line, after=behind, limit=limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    end = None if last is None else f"{last['kind']}.{last['item_id']}"
    return Page(items=tuple(item_shown(row) for row in rows[:limit]), next=end)


def propose_invoices(
    parts: Parts, caller: Caller, command: Commanding, wanted: ProposeInvoices
) -> Response:
    """Draft what is ready of some engagements; for many, start a run."""

    def act(tx: Tx) -> Outcome:
        seen = _seen(tx, caller, wanted.engagements)
        made = parts.billing.proposing.propose(
            tx,
            seen,
            Acting.of(parts.people, caller),
            dated_on=wanted.dated_on,
            until=wanted.until,
            only=None if wanted.items is None else [str(item) for item in wanted.items],
        )
        return Outcome(ProposedInvoices(engagements=tuple(proposed(made[id]) for id in seen)))

    return command.carry_out(act)


def review_invoice(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: ReviewInvoice,
    if_match: IfMatch = None,
) -> Response:
    """Say that it was looked at, as the digest names it."""
    return _changed(
        parts,
        caller,
        command,
        lambda tx, acting, version: reviewing.review(
            tx, id, acting, digest=wanted.digest, version=version
        ),
    )


def discard_invoice(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: DiscardInvoice,
    if_match: IfMatch = None,
) -> Response:
    """Give a draft up; what it held is free again."""
    return _changed(
        parts,
        caller,
        command,
        lambda tx, acting, version: reviewing.discard(
            tx, id, acting, reason=wanted.reason, version=version
        ),
    )


def release_invoice(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: ReviewInvoice,
    if_match: IfMatch = None,
) -> Response:
    """Let it go out, as it was reviewed: within one's limit, and never one's own."""
    return _changed(
        parts,
        caller,
        command,
        lambda tx, acting, version: parts.billing.releasing.release(
            tx, id, acting, digest=wanted.digest, version=version
        ),
    )


def send_invoice(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Carry a released one to the ledger again, where its run was ended; it is made once."""
    return _changed(
        parts,
        caller,
        command,
        lambda tx, acting, _: parts.billing.releasing.send_again(tx, id, acting),
    )


def credit_invoice(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: CreditInvoice,
    if_match: IfMatch = None,
) -> Response:
    """Draft a credit: of all that is left, of some items, or of amounts on items."""
    if wanted.items is not None and wanted.amounts is not None:
        raise InvalidInput(
            "Give items or amounts.", [Problem("/amounts", "is not given with items")]
        )
    items = None if wanted.items is None else [(str(i.kind), str(i.item)) for i in wanted.items]
    amounts = (
        None
        if wanted.amounts is None
        else {(str(one.kind), str(one.item)): one.amount for one in wanted.amounts}
    )
    return _changed(
        parts,
        caller,
        command,
        lambda tx, acting, version: crediting.credit(
            tx,
            id,
            acting,
            reason=wanted.reason,
            dated_on=wanted.dated_on,
            days=parts.billing.days,
            items=items,
            amounts=amounts,
            version=version,
        ),
    )


def exclude_items(
    parts: Parts,
    caller: Caller,
    command: Commanding,
    id: Id,
    wanted: ExcludeItems,
    if_match: IfMatch = None,
) -> Response:
    """Hold items of a draft with the reason, and draft the rest anew."""

    def act(tx: Tx) -> Outcome:
        made = reviewing.exclude(
            tx,
            id,
            Acting.of(parts.people, caller),
            parts.billing.proposing,
            [(str(one.kind), str(one.item)) for one in wanted.items],
            reason=wanted.reason,
            version=command.version(required=False),
        )
        return Outcome(proposed(made))

    return command.carry_out(act)


def _changed(
    parts: AppParts,
    caller: Principal,
    command: Command,
    change: Callable[[Tx, Acting, int | None], Mapping[str, Any]],
) -> Response:
    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        row = change(tx, acting, command.version(required=False))
        shown = detail(tx, str(row["id"]))
        return Outcome(shown, version=shown.version)

    return command.carry_out(act)


def _seen(tx: Tx, caller: Principal, engagements: Sequence[str]) -> list[str]:
    """Their ids, by id or number. Raises `NotFound` where one is not there to see."""
    return [reviewing.seen(tx, caller, name) for name in dict.fromkeys(engagements)]
