"""When which part of the fee is to be invoiced: structured, never narrative."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.values import Currency, Money, Name, Value


class BillingLine(Value):
    number: int  #: from 1, in order of the due day
    name: Name
    amount: Money
    due_on: date


class BillingSchedule(Entity):
    """Its lines add up to the contract's value, to the minor unit."""

    code: str  #: ours, unique: the project's code
    name: Name
    currency: Currency
    lines: tuple[BillingLine, ...]
    payment_days: int
