"""A deal as the CRM tells it. Anything may be missing; the readiness gate says what is."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from fairlead.domain.model import Entity
from fairlead.domain.model.client import Client
from fairlead.domain.model.contract import Contract, ContractType
from fairlead.domain.model.phase import Phase
from fairlead.domain.model.quote import Quote
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.values import ExternalRef, Money, Name, Ratio, Utc


class OpportunityStage(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Opportunity(Entity):
    ref: ExternalRef
    revision: str  #: grows with each change in the CRM; compares as text (its own time stamp)
    modified_at: Utc
    name: Name
    stage: OpportunityStage
    stage_name: str | None = None  #: as the CRM calls it, such as `Proposal`
    probability: Ratio | None = None
    client: Client | None = None
    value: Money | None = None
    closes_on: date | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    region: str | None = None  #: the firm's own: `EMEA`, `AMER`, `APAC`
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")  #: of delivery, ISO 3166-1
    service_line: str | None = None
    contract_type: ContractType | None = None
    client_tier: str | None = None
    legal_entity: str | None = None  #: code of the company of ours that contracts
    owner: str | None = None  #: the seller, as the CRM names them (an e-mail address)
    contract: Contract | None = None
    roles: tuple[RoleDemand, ...] = ()
    quote: Quote | None = None
    phases: tuple[Phase, ...] = ()  #: empty: the deal is one piece
    subcontracting: tuple[SubcontractNeed, ...] = ()
