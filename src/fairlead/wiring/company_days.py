"""The days of the firm's companies, wired."""

from __future__ import annotations

from collections.abc import Iterable

from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.handoff.firm import Calendars
from fairlead.domain.model.legal_entity import LegalEntity


def company_days(entities: Iterable[LegalEntity], calendars: Calendars) -> CompanyDays:
    """A company's days are those of the calendar of its country."""
    zones = {
        entity.code: calendars.of(region=None, country=entity.country).zone for entity in entities
    }
    return CompanyDays(zones)
