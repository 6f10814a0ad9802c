"""What is set up in the project system and the ledger."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from fairlead.domain.model import Entity
from fairlead.domain.model.tax import TaxTreatment
from fairlead.domain.values import ExternalRef, Hours, Money, Name, Value


class WorkPackage(Value):
    """One element of the work breakdown structure."""

    code: str  #: unique in its project, such as `10`
    name: Name
    hours: Hours  #: budgeted
    starts_on: date
    ends_on: date
    billable: bool = True


class MilestoneMark(Value):
    """A milestone as the project system is to show it."""

    number: int
    name: Name
    due_on: date


class Progress(StrEnum):
    """How far a milestone is, as project systems tell it."""

    NOT_STARTED = "not_started"
    STARTED = "started"
    COMPLETED = "completed"


class MilestoneReading(Value):
    """A milestone as the project system shows it now."""

    ref: ExternalRef
    key: str | None  #: ours, by which it was made; null: a person made it
    progress: Progress | None  #: null: in no state that we know


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
    parent_code: str | None = None  #: of the project that this is a part of
    billing_method: str | None = None  #: policy `revenue-method`: `milestone`, `recurring`…
    revenue_method: str | None = None
    """How revenue is recognised (F015), in the policy's words: `over_time_by_cost`…"""
    cap: Money | None = None  #: the most that may be billed; null: no cap
    tax: TaxTreatment | None = None
    time_policy: str | None = None  #: id of the rules that time on it is held to (F022)
    expense_policy: str | None = None


class ProjectReading(Entity):
    """A project as a system holds it now; null where the system says nothing of it."""

    ref: ExternalRef
    name: Name
    starts_on: date | None = None
    ends_on: date | None = None
    budget: Money | None = None
    closed: bool = False


class ProjectChanges(Value):
    """What is to be set on a project. What is null stays as it is."""

    name: Name | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    budget: Money | None = None
