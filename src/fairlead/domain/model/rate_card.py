"""Approved prices of roles, by region, with the dates on which they hold."""

from __future__ import annotations

from fairlead.domain.model import Entity
from fairlead.domain.values import Currency, ExternalRef, Money, Name, Period, Value


class Rate(Value):
    role: Name
    region: str | None = None  #: null: every region
    per_hour: Money


class RateCard(Entity):
    ref: ExternalRef
    name: Name
    currency: Currency
    valid: Period
    rates: tuple[Rate, ...] = ()
