"""Revenue, wired: what it needs of the firm, and its work in a worker."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.capabilities.handoff.firm import Calendars
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.revenue.rates import DayRates
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.policy.tables import Policies


def reckons(policies: Policies, entities: Iterable[LegalEntity], calendars: Calendars) -> Reckons:
    """A company's days are those of the calendar of its country."""
    zones = {
        entity.code: calendars.of(region=None, country=entity.country).zone for entity in entities
    }
    return Reckons(policies=policies, zones=zones, exchange=DayRates)
