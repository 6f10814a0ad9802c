"""Deals for tests: complete, and different only where a test says so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from fairlead.domain.model.client import Address, Client
from fairlead.domain.model.contract import BillingTerm, Contract, ContractStatus, ContractType
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.values import ExternalRef, Money, Period

CRM = "salesforce-emea"
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def money(amount: str | Decimal, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def a_client(name: str = "Kestrel Logistik GmbH", **changes: Any) -> Client:
    country = changes.pop("country", "DE")
    id = changes.pop("id", "A1")
    given: dict[str, Any] = {
        "ref": ExternalRef(system=changes.pop("system", CRM), kind="account", id=id),
        "name": name,
        "address": Address(country=country),
        "tax_id": "DE811234565",
        "currency": "EUR",
    }
    return Client.model_validate(given | changes)


def a_term(name: str = "Go live", **changes: Any) -> BillingTerm:
    if "amount" in changes and not isinstance(changes["amount"], Money):
        changes["amount"] = money(changes["amount"])
    if "share" in changes:
        changes["share"] = Decimal(changes["share"])
    return BillingTerm(name=name, **changes)


def a_contract(**changes: Any) -> Contract:
    given: dict[str, Any] = {
        "ref": ExternalRef(system=CRM, kind="contract", id="C1"),
        "number": "00001001",
        "status": ContractStatus.SIGNED,
        "signed_on": date(2026, 10, 20),
        "period": Period(start=date(2026, 11, 1), end=date(2029, 12, 31)),
        "payment_days": 30,
        "purchase_order": "PO-77",
    }
    return Contract.model_validate(given | changes)


def a_deal(**changes: Any) -> Opportunity:
    """A won milestone deal of EUR 90,000, ready for its set-up."""
    given: dict[str, Any] = {
        "ref": ExternalRef(system=CRM, kind="opportunity", id=changes.pop("id", "O1")),
        "revision": changes.pop("revision", "2026-11-02T12:00:00.000Z"),
        "modified_at": NOON,
        "name": "Warehouse cloud migration",
        "stage": OpportunityStage.WON,
        "client": a_client(),
        "value": money("90000"),
        "starts_on": date(2026, 12, 1),
        "ends_on": date(2027, 8, 31),
        "region": "EMEA",
        "country": "DE",
        "service_line": "Cloud engineering",
        "contract_type": ContractType.FIXED_FEE,
        "client_tier": "standard",
        "legal_entity": "TH-GMBH",
        "owner": "pia.novak@tarn-holloway.example",
        "contract": a_contract(),
    }
    return Opportunity.model_validate(given | changes)


def billed(*terms: BillingTerm, value: str = "90000", currency: str = "EUR", **changes: Any) -> Any:
    """A deal whose contract has these billing terms."""
    contract = a_contract(billing_terms=terms)
    return a_deal(contract=contract, value=money(value, currency), **changes)
