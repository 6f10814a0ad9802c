"""A part of a deal with a place, an entity and a price of its own (F023)."""

from __future__ import annotations

from datetime import date

from fairlead.domain.model import Entity
from fairlead.domain.model.contract import BillingTerm, ContractType
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.values import Country, Money, Name


class Phase(Entity):
    """What it leaves out is the deal's."""

    name: Name
    value: Money
    region: str | None = None
    country: Country | None = None  #: of delivery
    legal_entity: str | None = None  #: code of the company of ours that books and invoices it
    contract_type: ContractType | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    billing_terms: tuple[BillingTerm, ...] = ()
    roles: tuple[RoleDemand, ...] = ()
