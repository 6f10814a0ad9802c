"""How the API tells of invoices, their lines and their items."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import Field, StrictStr

from fairlead.api.shapes import At, Day, Reason, Ref, found, money
from fairlead.capabilities.billing.proposing import Proposed
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState, ItemKind
from fairlead.domain.values import Exact, Money, Value
from fairlead.store import invoices
from fairlead.store.database import Tx

Digest = Annotated[StrictStr, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}$")]
ItemCursor = Annotated[
    str | None,
    Query(pattern=r"^(time|expense|milestone|charge)\.[0-9a-f-]{36}$", description="`next`."),
]


class LineView(Value):
    line: int
    kind: str
    description: str
    quantity: Exact
    unit: str
    unit_price: Money
    amount: Money
    tax_code: str | None
    clause: str | None  #: of the contract


class InvoiceView(Value):
    id: str
    reference: str  #: ours
    number: str | None  #: of the ledger; null: not posted yet
    kind: InvoiceKind
    state: InvoiceState
    engagement_id: str
    engagement: str  #: its number
    client: str
    legal_entity: str
    region: str | None
    net: Money  #: without tax; negative for a credit
    tax: Money | None  #: as the ledger computed it
    total: Money | None
    paid: Money | None
    purchase_order: str | None
    dated_on: date
    starts_on: date | None
    ends_on: date | None
    due_on: date | None
    credits: str | None  #: reference of the invoice that it takes back
    proposed_by: str
    proposed_at: At
    reviewed_by: str | None
    released_by: str | None
    released_at: At | None  #: null while another's word is wanted
    posted_at: At | None
    paid_at: At | None
    reason: str | None
    digest: str  #: of terms, lines and items; a review and a release name it
    version: int


class PaymentView(Value):
    ref: str
    paid_on: date
    amount: Money


class InvoiceDetail(InvoiceView):
    lines: tuple[LineView, ...]
    terms: str | None  #: of invoicing by which it was made, as JSON
    ref: Ref | None  #: in the ledger
    payments: tuple[PaymentView, ...]
    credited_by: tuple[str, ...]  #: references of its credits


class ItemView(Value):
    """What a line is made of, who answers for it, and what proves it (F085)."""

    kind: ItemKind
    item: UUID
    line: int
    day: date | None
    resource: str | None
    task: str | None
    role: str | None
    words: str | None
    minutes: int | None
    rate: Money | None  #: per hour
    mark_up: Exact | None  #: of an expense; 0.05 is 5 %
    rate_source: str | None
    amount: Money
    discount: Money | None
    capped: Money | None
    drawn: Money | None
    live: bool
    reverses: UUID | None
    entered_by: str | None
    approved_by: str | None
    approved_at: At | None
    clause: str | None
    source: str | None
    receipt: str | None  #: digest of the file
    accepted: str | None  #: digest of what the client accepted
    evidence: tuple[str, ...]


class ItemRef(Value):
    kind: ItemKind
    item: UUID


class ItemAmount(ItemRef):
    amount: Money


class ProposeInvoices(Value):
    engagements: Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
    dated_on: Day | None = None  #: null: today, in the company of each
    until: Day | None = None  #: last day of work; null: the invoice's
    items: tuple[UUID, ...] | None = None  #: null: all that is ready


class ReviewInvoice(Value):
    digest: Digest  #: of what was looked at


class DiscardInvoice(Value):
    reason: Reason


class ExcludeItems(Value):
    items: Annotated[tuple[ItemRef, ...], Field(min_length=1, max_length=1000)]
    reason: Reason


class CreditInvoice(Value):
    """All that is left of it, or of `items`, or `amounts` on items."""

    reason: Reason
    dated_on: Day | None = None  #: null: today, in its company
    items: Annotated[tuple[ItemRef, ...], Field(max_length=1000)] | None = None
    amounts: Annotated[tuple[ItemAmount, ...], Field(max_length=1000)] | None = None


class Drafted(Value):
    id: str
    reference: str
    net: Money


class ProposedView(Value):
    """What came of one engagement."""

    engagement: str
    invoices: tuple[Drafted, ...]
    items: int
    held: dict[str, int]  #: reason → how many items stay unbilled
    stopped: tuple[str, ...]  #: what holds it as a whole


class ProposedInvoices(Value):
    engagements: tuple[ProposedView, ...]


def proposed(made: Proposed) -> ProposedView:
    return ProposedView(
        engagement=made.engagement,
        invoices=tuple(Drafted(id=i, reference=r, net=net) for i, r, net in made.invoices),
        items=made.items,
        held=dict(made.held),
        stopped=tuple(stop.words for stop in made.stops),
    )


def detail(tx: Tx, id: str) -> InvoiceDetail:
    row = invoices.load(tx, [id])[id]
    currency = row["currency"]
    return InvoiceDetail(
        **fields(row),
        lines=tuple(
            LineView(
                **{
                    name: line[name]
                    for name in ("line", "kind", "description", "unit", "tax_code", "clause")
                },
                quantity=line["quantity"].normalize() + 0,
                unit_price=_money(line["unit_price"], currency),
                amount=_money(line["amount"], currency),
            )
            for line in invoices.lines(tx, [id])[id]
        ),
        terms=row["terms"],
        ref=None if row["ref"] is None else Ref.model_validate(row["ref"]),
        payments=tuple(
            PaymentView(ref=p["ref"], paid_on=p["paid_on"], amount=_money(p["amount"], currency))
            for p in invoices.payments(tx, id)
        ),
        credited_by=tuple(credit["reference"] for credit in invoices.credits_of(tx, id)),
    )


def fields(row: Mapping[str, Any]) -> dict[str, Any]:
    same = (
        "id", "reference", "number", "kind", "state", "engagement_id", "engagement",
        "legal_entity", "region", "purchase_order", "dated_on", "starts_on", "ends_on", "due_on",
        "proposed_by", "proposed_at", "reviewed_by", "released_by", "released_at", "posted_at",
        "paid_at", "reason", "digest", "version",
    )  # fmt: skip
    return {
        **{name: row[name] for name in same},
        **{name: money(row, name) for name in ("net", "tax", "total", "paid")},
        "client": row["client_name"],
        "credits": row["credits_reference"],
    }


def item_shown(row: Mapping[str, Any]) -> ItemView:
    same = (
        "kind", "line", "day", "resource", "task", "role", "words", "minutes", "rate_source",
        "live", "reverses", "entered_by", "approved_by", "approved_at", "clause", "source",
        "receipt", "accepted",
    )  # fmt: skip
    is_time = row["kind"] == ItemKind.TIME
    rate = row["rate"]
    amounts: dict[str, Any] = {
        name: money(row, name) for name in ("amount", "discount", "capped", "drawn")
    }
    return ItemView(
        **{name: row[name] for name in same},
        item=row["item_id"],
        rate=money(row, "rate") if is_time else None,
        mark_up=None if is_time or rate is None else rate.normalize() + 0,
        **amounts,
        evidence=tuple(row["evidence"] or ()),
    )


def _money(amount: Any, currency: str) -> Money:
    return found(money({"amount": amount, "currency": currency}), "amount")
