"""What is set up in the project system and the ledger."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.values import Hours, Money, Name, Value


class WorkPackage(Value):
    """One element of the work breakdown structure."""

    code: str  #: unique in its project, such as `10`
    name: Name
    hours: Hours  #: budgeted
    starts_on: date
    ends_on: date
    billable: bool = True


class Dimensions(Value):
    """Where an engagement's money is booked. Ids are those of the ledger that serves it."""

    legal_entity: str  #: our code
    subsidiary: str  #: the entity's id in the ledger
    practice: str
    region: str
    cost_centre: str


class Project(Entity):
    """A project as both the project system and the ledger are to hold it."""

    code: str  #: ours, unique: `TH-2038`; for time capture and expense allocation
    name: Name
    template: str  #: id of the template that it was made from
    contract_type: str
    dimensions: Dimensions
    budget: Money
    hours: Hours
    starts_on: date
    ends_on: date
    work_packages: tuple[WorkPackage, ...]
    rate_card: str | None = None  #: name of the approved card in the project system
