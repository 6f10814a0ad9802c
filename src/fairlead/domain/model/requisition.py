"""Buying the work of others: what a deal needs, and the request that procurement gets (F045)."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Hours, Money, Name, Value


class SubcontractNeed(Value):
    """Work that the deal leaves to another firm."""

    role: Name
    hours: Hours
    cost: Money  #: in all, without tax
    vendor: Name | None = None  #: as the seller calls it; null: procurement chooses
    location: str | None = None


class HeldRequisition(Entity):
    """What the procurement system keeps of a requisition."""

    ref: ExternalRef
    cost: Money  #: of all its lines, without tax


class Requisition(Entity):
    """A purchase requisition, tied to project and budget (F047)."""

    code: str  #: ours, unique: the project's code and a number
    project_code: str
    description: Name
    vendor: ExternalRef | None = None  #: null: procurement chooses
    role: Name
    hours: Hours
    cost: Money  #: in all, without tax
    needed_on: date
