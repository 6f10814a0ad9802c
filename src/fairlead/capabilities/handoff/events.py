"""The canonical events that the handoff understands, and the data that each must carry (F150)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import Utc, Value

CLOSED_WON = "opportunity.closed_won"
SOW_APPROVED = "sow.approved"
CONTRACT_SIGNED = "contract.signed"

#: What our own rooms say to each other, through the inbox; nobody outside can.
IN_REVIEW = "opportunity.in_review"
CHANGED = "opportunity.changed"
SET_UP = "engagement.set_up"
COMPARE = "engagement.compare"
REOPENED = "packet.reopened"
PART_OPENED = "part.opened"
PART_MOVED = "part.moved"
PARTS_READY = "parts.ready"
PARTS_RELEASED = "part.released"
PARTS_DROPPED = "part.dropped"
LAUNCHED = "delivery.launched"
CONTRACT_CHANGED = "contract.changed"  #: approved, and taken in
INTERNAL = frozenset(
    {
        IN_REVIEW,
        CHANGED,
        SET_UP,
        COMPARE,
        REOPENED,
        PART_OPENED,
        PART_MOVED,
        PARTS_READY,
        PARTS_RELEASED,
        PARTS_DROPPED,
        LAUNCHED,
        CONTRACT_CHANGED,
    }
)

_Id = Annotated[str, Field(min_length=1, max_length=200)]


class DealTold(Value):
    """A deal has come so far. Either where it can be read, or the deal itself."""

    system: _Id | None = None  #: id of the CRM, as in `systems.yaml`
    opportunity: _Id | None = None  #: its id there
    deal: Opportunity | None = None  #: for a CRM that we have no connector to

    @model_validator(mode="after")
    def _one_of_two(self) -> DealTold:
        referred = self.system is not None and self.opportunity is not None
        if referred == (self.deal is not None):
            raise ValueError("give system and opportunity, or deal")
        return self


class ClosedWon(DealTold):
    """A deal is won."""


class SowApproved(DealTold):
    """The statement of work is agreed with the client, whether or not the deal is closed (F003)."""


class StatusChanged(Value):
    """Something happened on an engagement that others act on."""

    engagement: _Id  #: its id or number
    reference: Annotated[str, Field(max_length=200)] | None = None  #: the sender's own
    happened_at: Utc | None = None  #: null: when the event says


#: Type → the model of its data. `POST /api/v1/events` accepts exactly these.
EVENTS: dict[str, type[Value]] = {
    CLOSED_WON: ClosedWon,
    SOW_APPROVED: SowApproved,
    CONTRACT_SIGNED: StatusChanged,
    "project.approved": StatusChanged,
    "timesheet.completed": StatusChanged,
    "milestone.accepted": StatusChanged,
    "invoice.released": StatusChanged,
}
