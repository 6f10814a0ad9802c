"""The canonical events that the handoff understands, and the data that each must carry (F150)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import Utc, Value

CLOSED_WON = "opportunity.closed_won"

_Id = Annotated[str, Field(min_length=1, max_length=200)]


class ClosedWon(Value):
    """A deal is won. Either where it can be read, or the deal itself."""

    system: _Id | None = None  #: id of the CRM, as in `systems.yaml`
    opportunity: _Id | None = None  #: its id there
    deal: Opportunity | None = None  #: for a CRM that we have no connector to

    @model_validator(mode="after")
    def _one_of_two(self) -> ClosedWon:
        referred = self.system is not None and self.opportunity is not None
        if referred == (self.deal is not None):
            raise ValueError("give system and opportunity, or deal")
        return self


class StatusChanged(Value):
    """Something happened on an engagement that others act on."""

    engagement: _Id  #: its id or number
    reference: Annotated[str, Field(max_length=200)] | None = None  #: the sender's own
    happened_at: Utc | None = None  #: null: when the event says


#: Type → the model of its data. `POST /api/v1/events` accepts exactly these.
EVENTS: dict[str, type[Value]] = {
    CLOSED_WON: ClosedWon,
    "contract.signed": StatusChanged,
    "project.approved": StatusChanged,
    "timesheet.completed": StatusChanged,
    "milestone.accepted": StatusChanged,
    "invoice.released": StatusChanged,
}
