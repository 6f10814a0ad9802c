"""The client's purchase order: its number, and the most that it pays for."""

from __future__ import annotations

from fairlead.capabilities.billing.reviewing import must_say_why, must_see
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.values import Money
from fairlead.errors import InvalidInput, Problem
from fairlead.store import deliveries
from fairlead.store import journal as log
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting


def set_order(
    tx: Tx, engagement: str, acting: Acting, *, number: str, limit: Money | None, reason: str
) -> Delivery:
    """What is proposed from now on is on this order; what was proposed stays on its own.

    Raises `NotFound`, `InvalidInput`.
    """
    must_say_why(reason)
    must_see(tx, engagement, acting)
    delivery = deliveries.load(tx, [engagement], lock=True)[engagement]
    if limit is not None and (limit.currency != delivery.currency or limit.amount <= 0):
        rule = f"must be more than zero, in {delivery.currency}"
        raise InvalidInput("The limit cannot be taken.", [Problem("/limit", rule)])
    changed = delivery.model_copy(
        update={
            "purchase_order": number,
            "purchase_order_limit": limit,
            "version": delivery.version + 1,
        }
    )
    deliveries.save(tx, changed)
    log.append(
        tx,
        [
            Event(
                chain=engagement,
                type="order.set",
                at=database_time(tx),
                actor=f"person:{acting.id}",
                attributes={"number": number, "limit": str(limit or "none"), "reason": reason},
                objects=[(engagement, "engagement", "engagement")],
                region=delivery.region or None,
            )
        ],
    )
    return changed
