"""What somebody may book time and expenses on: what they work on, or may see."""

from __future__ import annotations

from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.store import assignments, deliveries
from fairlead.store.database import Tx
from fairlead.trust.acting import Acting
from fairlead.trust.roles import Permission


def bookable(
    tx: Tx, acting: Acting, who: ResourceRecord, name: str
) -> tuple[Delivery, list[Assignment]] | None:
    """The launched engagement of this id, number or project code, and the person's assignments to
    it. Null also for one that they neither work on nor may see: it is as one that there is not."""
    found = deliveries.load(tx, sorted({*deliveries.find(tx, [name]), name}))
    delivery = next(iter(found.values()), None)
    if delivery is None:
        return None
    held = assignments.listed(
        tx, engagement=delivery.engagement, resource=who.id, own=who.id, limit=200
    )
    sees = acting.principal.may(Permission.ENGAGEMENTS_READ) and acting.principal.sees(
        region=delivery.region, legal_entity=delivery.legal_entity
    )
    return (delivery, held) if held or sees else None
