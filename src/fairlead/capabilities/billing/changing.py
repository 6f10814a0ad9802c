"""What every command on one invoice does first and last: lock, check the move, tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fairlead.domain.model.invoice import INVOICE_MOVES, InvoiceState
from fairlead.errors import IllegalMove, NotFound, StaleVersion
from fairlead.store import deliveries, invoice_items, invoices, journal
from fairlead.store.database import Tx
from fairlead.store.invoices import Sees
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal


def sees(principal: Principal) -> Sees:
    return Sees(regions=principal.regions, entities=principal.legal_entities)


def locked(
    tx: Tx, name: str, acting: Acting, version: int | None, what: str = "invoice"
) -> dict[str, Any]:
    """An invoice by id or reference, with its engagement locked first.

    Raises `NotFound` (of `what` was asked for) for one that is not there or not theirs to see,
    `StaleVersion`.
    """
    id = invoices.find(tx, sees(acting.principal), name)
    if id is None:
        raise NotFound(f"There is no such {what}.")
    engagement = invoices.load(tx, [id])[id]["engagement_id"]
    deliveries.load(tx, [engagement], lock=True)
    row = invoices.load(tx, [id], lock=True)[id]
    if version is not None and version != row["version"]:
        raise StaleVersion("The invoice was changed since you read it. Read it again.")
    return row


def must_move(row: Mapping[str, Any], to: InvoiceState) -> None:
    """Raises `IllegalMove`."""
    if (InvoiceState(row["state"]), to) not in INVOICE_MOVES:
        unseen = to is InvoiceState.RELEASED and row["state"] == InvoiceState.PROPOSED
        raise IllegalMove(row["reference"], "not reviewed yet" if unseen else row["state"], to)


def event_of(
    row: Mapping[str, Any], type: str, actor: str, at: datetime, **attributes: Any
) -> Event:
    """An event of an invoice, on its engagement's chain. `type`: what happened, in one word."""
    told = {
        "reference": row["reference"],
        "net": format(row["net"], "f"),
        "currency": row["currency"],
        **{name: value for name, value in attributes.items() if value is not None},
    }
    objects = [
        (row["engagement_id"], "engagement", "engagement"),
        (row["id"], "invoice", type),
    ]
    if row["credits"] is not None:
        objects.append((row["credits"], "invoice", "credited"))
    return Event(
        chain=row["engagement_id"],
        type=f"{row['kind']}.{type}",
        at=at,
        actor=actor,
        attributes=told,
        objects=objects,
        region=row["region"],
    )


def tell(
    tx: Tx, row: Mapping[str, Any], type: str, acting: Acting, at: datetime, **attributes: Any
) -> None:
    journal.append(tx, [event_of(row, type, f"person:{acting.id}", at, **attributes)])


def free_credited(tx: Tx, row: Mapping[str, Any]) -> None:
    """Items that a credit takes back in whole may be billed again, but for those that a live item
    takes back already."""
    reversed_by = {
        (left["kind"], left["item_id"])
        for left in invoice_items.left(tx, row["credits"])
        if left["reversed"] is not None
    }
    freed = [
        (item["kind"], str(item["item_id"]))
        for item in invoice_items.of_invoice(tx, row["id"])
        if item["frees"] and (item["kind"], item["item_id"]) not in reversed_by
    ]
    invoice_items.free(tx, row["credits"], freed)
