"""What may be done with a proposal: look at it, hold or exclude what does not belong, discard.

A proposal is never edited otherwise: what is excluded is held with a reason, and the rest is
proposed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID, uuid4

from fairlead.capabilities.billing.changing import locked, must_move, sees, tell
from fairlead.capabilities.billing.documents import digest_of
from fairlead.capabilities.billing.proposing import Proposed, Proposing
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.store import (
    billing_holds,
    billing_lineage,
    billing_standing,
    deliveries,
    invoice_items,
    invoices,
)
from fairlead.store import journal as log
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import Principal


def review(
    tx: Tx, name: str, acting: Acting, *, digest: str, version: int | None = None
) -> dict[str, object]:
    """Say that it was looked at as it stands, which `digest` names.

    Raises `NotFound`, `IllegalMove`, and `StaleVersion` where it is another by now.
    """
    row = locked(tx, name, acting, version)
    if row["state"] != InvoiceState.PROPOSED:  # one that is released comes back by its run alone
        raise IllegalMove(row["reference"], row["state"], InvoiceState.REVIEWED)
    must_be(tx, row, digest)
    now = database_time(tx)
    invoices.change(
        tx, row["id"], state=InvoiceState.REVIEWED, reviewed_by=acting.id, reviewed_at=now
    )
    tell(tx, row, "reviewed", acting, now, digest=digest)
    return invoices.load(tx, [row["id"]])[row["id"]]


def must_be(tx: Tx, row: dict[str, object], digest: str) -> None:
    """What stands in the store is what was looked at. Raises `StaleVersion`."""
    if digest != row["digest"] or digest != digest_of(tx, row):
        raise StaleVersion("The digest names another state of this invoice. Read it again.")


def discard(
    tx: Tx, name: str, acting: Acting, *, reason: str, version: int | None = None
) -> dict[str, object]:
    """Give a proposal up; what it held is free again. Raises `NotFound`, `IllegalMove`."""
    must_say_why(reason)
    row = locked(tx, name, acting, version)
    must_move(row, InvoiceState.DISCARDED)
    _discard(tx, row, acting, reason)
    return invoices.load(tx, [row["id"]])[row["id"]]


def _discard(tx: Tx, row: dict[str, object], acting: Acting, reason: str) -> None:
    invoices.change(tx, str(row["id"]), state=InvoiceState.DISCARDED, reason=reason)
    freed = invoice_items.free(tx, str(row["id"]))
    tell(tx, row, "discarded", acting, database_time(tx), reason=reason, freed=freed)


def exclude(
    tx: Tx,
    name: str,
    acting: Acting,
    proposing: Proposing,
    items: Sequence[tuple[str, str]],
    *,
    reason: str,
    version: int | None = None,
) -> Proposed:
    """Hold these items of a proposal with the reason, discard it, and propose the rest anew.

    Raises `NotFound`, `IllegalMove`, and `InvalidInput` for items that are not in it.
    """
    must_say_why(reason)
    row = locked(tx, name, acting, version)
    must_move(row, InvoiceState.DISCARDED)
    if row["kind"] != InvoiceKind.INVOICE:
        raise IllegalMove(row["reference"], f"a {row['kind']}", "made without some items")
    inside = {(one["kind"], str(one["item_id"])) for one in invoice_items.of_invoice(tx, row["id"])}
    if strange := [key for key in items if key not in inside]:
        told = ", ".join(f"{kind} {item}" for kind, item in strange[:20])
        raise InvalidInput(
            f"{row['reference']} does not have {told}.",
            [Problem("/items", "must be items of this invoice")],
        )
    for kind, item in items:
        hold(tx, row["engagement_id"], acting, reason=reason, item=(kind, item))
    left = [item for _, item in sorted(inside - set(items))]
    _discard(tx, row, acting, f"made anew without {len(items)} items: {reason}")
    if not left:
        return Proposed(row["engagement_id"])
    until: date = max(row["ends_on"] or row["dated_on"], row["dated_on"])
    made = proposing.propose(
        tx, [row["engagement_id"]], acting, dated_on=row["dated_on"], until=until, only=left
    )
    return made[row["engagement_id"]]


def hold(
    tx: Tx,
    engagement: str,
    acting: Acting,
    *,
    reason: str,
    item: tuple[str, str] | None = None,
) -> str:
    """Keep an engagement, or one item of it, from being proposed; the hold's id.

    Raises `NotFound`, `InvalidInput` for an item that is none of the engagement, and
    `IllegalMove` where it is held already, or was invoiced.
    """
    must_say_why(reason)
    must_see(tx, engagement, acting)
    if item is not None:
        _must_be_open(tx, engagement, item, acting)
    now, id = database_time(tx), str(uuid4())
    kind, item_id = item or (None, None)
    placed = billing_holds.place(
        tx, id, engagement, kind=kind, item=item_id, reason=reason, by=acting.id, at=now
    )
    if not placed:
        what = "The engagement" if item is None else f"{kind} {item_id}"
        raise IllegalMove(what, "held", "held again")
    _tell(tx, engagement, "billing.held", acting, kind=kind, item=item_id, reason=reason)
    return id


def _must_be_open(tx: Tx, engagement: str, item: tuple[str, str], acting: Acting) -> None:
    kind, id = item
    thing = billing_lineage.thing(tx, UUID(id), sees(acting.principal).values())
    if thing is None or (thing["kind"], thing["engagement_id"]) != (kind, engagement):
        raise InvalidInput(
            f"The engagement has no {kind} {id}.",
            [Problem("/item/item", "must be an item of this engagement")],
        )
    invoice = invoice_items.billed_by(tx, kind, id)
    if invoice is not None:
        raise IllegalMove(f"{kind} {id}", f"invoiced by {invoice}", "held; credit it")


def lift(tx: Tx, id: str, acting: Acting, *, reason: str) -> None:
    """End a hold. Raises `NotFound`."""
    must_say_why(reason)
    engagement = billing_holds.engagement_of(tx, id)
    if engagement is None:
        raise NotFound("There is no such hold.")
    must_see(tx, engagement, acting, "hold")
    row = billing_holds.lift(tx, id, reason=reason, by=acting.id, at=database_time(tx))
    if row is None:
        raise IllegalMove("The hold", "lifted", "lifted")
    item = row["item_id"] and str(row["item_id"])
    _tell(tx, engagement, "billing.let_go", acting, kind=row["kind"], item=item, reason=reason)


def seen(tx: Tx, reader: Principal, name: str) -> str:
    """The id of a launched engagement by its id or number. Raises `NotFound`."""
    ids = [name, *deliveries.find(tx, [name])]
    rows = billing_standing.standing(tx, ids, database_time(tx).date(), **sees(reader).values())
    if not rows:
        raise NotFound("There is no such engagement, or it is not launched.")
    return rows[0]["engagement_id"]


def must_see(tx: Tx, engagement: str, acting: Acting, what: str = "engagement") -> None:
    """Locks the engagement for billing. Raises `NotFound`, of `what` was asked for."""
    limits = sees(acting.principal).values()
    seen = billing_standing.standing(tx, [engagement], database_time(tx).date(), **limits)
    if not seen or not deliveries.load(tx, [engagement], lock=True):
        raise NotFound(f"There is no such {what}.")


def must_say_why(reason: str) -> None:
    """Raises `InvalidInput`."""
    if not reason.strip():
        raise InvalidInput("This needs a reason.", [Problem("/reason", "is required")])


def _tell(tx: Tx, engagement: str, type: str, acting: Acting, **attributes: str | None) -> None:
    delivery = deliveries.load(tx, [engagement])[engagement]
    log.append(
        tx,
        [
            Event(
                chain=engagement,
                type=type,
                at=database_time(tx),
                actor=f"person:{acting.id}",
                attributes={name: value for name, value in attributes.items() if value},
                objects=[(engagement, "engagement", "engagement")],
                region=delivery.region or None,
            )
        ],
    )
