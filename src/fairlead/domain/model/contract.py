"""What was signed: who, from when to when, how it is billed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from fairlead.domain.model import Entity
from fairlead.domain.values import Exact, ExternalRef, Money, Name, Period, Text, Value


class ContractStatus(StrEnum):
    DRAFT = "draft"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"  #: the statement of work is agreed; signatures are to come
    SIGNED = "signed"  #: by both sides; work may be set up
    CANCELLED = "cancelled"


class ContractType(StrEnum):
    FIXED_FEE = "fixed_fee"
    TIME_AND_MATERIALS = "time_and_materials"
    MILESTONE = "milestone"
    PHASED = "phased"
    MANAGED_SERVICE = "managed_service"


class BillingTerm(Value):
    """One structured term: a part of the fee, and what makes it due.

    Either `share` or `amount` is given. The day is the given one, or follows from the trigger.
    """

    name: Name
    share: Exact | None = Field(default=None, gt=0, le=1)  #: of the contract value; 0.3 means 30 %
    amount: Money | None = None
    due_on: date | None = None  #: null: on the engagement's start (or monthly from it)
    every_months: int | None = Field(default=None, ge=1, le=12)  #: recurring until the end


class Clause(Value):
    """A clause that the contract repository tells apart, such as a liability cap."""

    code: str  #: the repository's own, such as `liability`
    title: Name
    text: Text = ""
    standard: bool = True  #: false: it departs from the firm's own wording


class Contract(Entity):
    ref: ExternalRef
    number: str
    status: ContractStatus
    signed_on: date | None = None
    period: Period | None = None
    value: Money | None = None
    payment_days: int | None = Field(default=None, ge=0, le=365)  #: net days after the invoice
    purchase_order: str | None = None  #: the client's number, where it demands one
    billing_terms: tuple[BillingTerm, ...] = ()
    cap: Money | None = None  #: the most that time and materials may come to; null: no cap
    clauses: tuple[Clause, ...] = ()
    agreement: str | None = None
    """Its id in the contract or signature system that the deal's facts route to (an envelope)."""
