"""A company of the firm's own group: it contracts, books and invoices."""

from __future__ import annotations

from pydantic import Field, model_validator

from fairlead.domain.model import Entity
from fairlead.domain.model.client import Address
from fairlead.domain.rules.tax_ids import InvalidTaxId, validate_tax_id
from fairlead.domain.values import Country, Currency, Name


class LegalEntity(Entity):
    code: str  #: the firm's own, such as `TH-GMBH`
    name: Name
    country: Country
    currency: Currency  #: its book currency
    ledger_id: str  #: its id in the ledger that serves it (a subsidiary's internal id)
    address: Address = Address()  #: as it stands on invoices
    tax_ids: dict[Country, str] = Field(default_factory=dict[str, str])
    """The country that registered it for its tax → the number, with its prefix where it has one."""

    @model_validator(mode="after")
    def _tax_ids_of_their_countries(self) -> LegalEntity:
        for country, text in self.tax_ids.items():
            found = validate_tax_id(country, text)
            if isinstance(found, InvalidTaxId):
                raise ValueError(f"tax_ids: {found.because}")
        return self

    def tax_id_in(self, country: str) -> str | None:
        """By which it charges the tax of a country; its own country's where it has none there."""
        return self.tax_ids.get(country) or self.tax_ids.get(self.country)
