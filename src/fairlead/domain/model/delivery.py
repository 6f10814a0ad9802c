"""What work on a launched engagement is held to, and how it is billed.

It is set at launch; what changes it afterwards is a change of the contract.
"""

from __future__ import annotations

from datetime import date

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.tax import TaxTreatment
from fairlead.domain.values import Country, Currency, ExternalRef, Money, Name


class Delivery(Entity):
    """One engagement that people work on. A deal in parts has one for each part."""

    engagement: EngagementId
    number: str  #: `ENG-2038`
    code: str  #: of its project: `TH-2038`
    name: Name
    client_name: Name
    refs: dict[str, ExternalRef] = Field(default_factory=dict[str, ExternalRef])
    """Its records in other systems: `client`, `ledger_project`, `psa_project`…"""
    region: str
    country: Country | None = None  #: of delivery
    legal_entity: str  #: code of the company of ours that books and invoices it
    subsidiary: str  #: that company's id in the ledger
    contract_type: ContractType
    contract_number: str | None = None
    billing_method: str  #: policy `revenue-method`: `milestone`, `time_and_materials`, `recurring`…
    revenue_method: str  #: in the policy's words: `over_time_by_cost`…
    currency: Currency
    value: Money  #: of the contract, changes included
    cap: Money | None = None  #: the most that may be billed; null: no cap
    budget_minutes: int = Field(ge=0)
    payment_days: int = Field(ge=0, le=365)
    purchase_order: str | None = None
    purchase_order_limit: Money | None = None  #: the most that it pays for; null: no limit
    tax: TaxTreatment | None = None
    time_policy: str | None = None  #: id of the rules that time on it is held to (F022)
    expense_policy: str | None = None
    starts_on: date
    ends_on: date
    packages: tuple[WorkPackage, ...]  #: what time is booked on
    version: int = 1
