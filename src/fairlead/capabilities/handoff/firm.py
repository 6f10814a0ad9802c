"""What a firm sets for its handoffs: its companies, templates and naming, in `firm.yaml`."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from fairlead.config import read
from fairlead.domain.model.calendar import BusinessCalendar, Hours
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.domain.model.rate_card import Rate, RateCard
from fairlead.domain.rules.calendar import holidays_of
from fairlead.domain.rules.project_setup import ProjectTemplate
from fairlead.domain.rules.tax_table import ServiceKind
from fairlead.domain.values import Country, Currency, ExternalRef, Name, Period, Value
from fairlead.errors import InvalidDefinition
from fairlead.trust.roles import Role
from fairlead.work.escalation import Team


class CalendarConfig(Value):
    name: str
    zone: str  #: IANA
    weekly: dict[str, tuple[Hours, ...]]
    holidays: Country | None = None  #: whose public holidays are days off; null: none
    regions: tuple[str, ...] = ()  #: for which it is the calendar
    countries: tuple[Country, ...] = ()  #: goes before the region's


class Workspace(Value):
    """Who is let into the folder and the channel of an engagement, besides its seller."""

    roles: tuple[Role, ...] = (Role.PMO_LEAD,)


class ApprovedCard(Value):
    """Prices that may be sold without asking, from a day on (F013)."""

    name: Name
    owner: str  #: the team that answers for it
    currency: Currency
    valid: Period
    rates: tuple[Rate, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_currency(self) -> ApprovedCard:
        for rate in self.rates:
            if rate.per_hour.currency != self.currency:
                raise ValueError(f"the rate of {rate.role} is not in {self.currency}")
        return self

    def card(self) -> RateCard:
        ref = ExternalRef(system="fairlead", kind="rate_card", id=self.name)
        return RateCard(
            ref=ref, name=self.name, currency=self.currency, valid=self.valid, rates=self.rates
        )


class _RatesFile(Value):
    cards: tuple[ApprovedCard, ...] = ()


class Firm(Value):
    name: Name
    project_codes: str = Field(pattern=r"^[A-Z][A-Z0-9]{0,7}$")  #: `TH` gives TH-2038
    legal_entities: tuple[LegalEntity, ...] = Field(min_length=1)
    templates: tuple[ProjectTemplate, ...] = Field(min_length=1)
    rate_cards: dict[str, str] = Field(default_factory=dict[str, str])
    """Region and currency, as `EMEA EUR` → the approved rate card in the project system."""
    teams: dict[str, Team]  #: who works for a team, and who hears when it is late
    calendars: tuple[CalendarConfig, ...] = Field(min_length=1)  #: the first is the fallback
    workspace: Workspace = Workspace()
    hosted_service_lines: frozenset[str] = frozenset()
    """Service lines that tax law takes for data processing, not for people's work."""
    approved: tuple[ApprovedCard, ...] = ()  #: of `rates.yaml`

    def service_kind(self, service_line: str | None) -> ServiceKind:
        hosted = service_line in self.hosted_service_lines
        return ServiceKind.HOSTED if hosted else ServiceKind.PROFESSIONAL

    @property
    def approved_rates(self) -> tuple[RateCard, ...]:
        return tuple(card.card() for card in self.approved)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions in which the firm delivers: those that have a calendar."""
        return tuple(region for calendar in self.calendars for region in calendar.regions)

    def legal_entity(self, code: str) -> LegalEntity:
        """Raises `InvalidDefinition` naming what there is."""
        for entity in self.legal_entities:
            if entity.code == code:
                return entity
        known = ", ".join(entity.code for entity in self.legal_entities)
        raise InvalidDefinition(f"No legal entity of ours is called {code}; there is {known}.")

    def template(self, id: str) -> ProjectTemplate:
        """Raises `InvalidDefinition`."""
        for template in self.templates:
            if template.id == id:
                return template
        raise InvalidDefinition(f"There is no project template {id}; see firm.yaml.")

    def rate_card(self, region: str | None, currency: str) -> str | None:
        return self.rate_cards.get(f"{region} {currency}")


class Calendars:
    """The business calendar of each region and country."""

    def __init__(self, configured: tuple[CalendarConfig, ...], years: range) -> None:
        """`years`: for which public holidays are known; a time beyond them is refused."""
        built = [(config, _built(config, years)) for config in configured]
        self._fallback = built[0][1]
        self._regions = {r: calendar for config, calendar in built for r in config.regions}
        self._countries = {c: calendar for config, calendar in built for c in config.countries}
        self._names = {calendar.name: calendar for _, calendar in built}

    def of(self, *, region: str | None, country: str | None) -> BusinessCalendar:
        by_region = self._regions.get(region or "", self._fallback)
        return self._countries.get(country or "", by_region)

    def named(self, name: str) -> BusinessCalendar | None:
        return self._names.get(name)


def _built(config: CalendarConfig, years: range) -> BusinessCalendar:
    days = holidays_of(config.holidays, years) if config.holidays else frozenset[date]()
    return BusinessCalendar(
        name=config.name,
        zone=config.zone,
        weekly=config.weekly,
        holidays=days,
        known_until=date(years[-1], 12, 31),
    )


def load_firm(folder: Path) -> Firm:
    """`firm.yaml`, and `rates.yaml` where there is one. Raises `InvalidDefinition` with every
    fault, by line."""
    firm, rates = read(folder / "firm.yaml", Firm), folder / "rates.yaml"
    if not rates.is_file():
        return firm
    return firm.model_copy(update={"approved": read(rates, _RatesFile).cards})
