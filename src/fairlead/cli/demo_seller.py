"""How a seller puts the sample deals into the sandbox's systems, and how the client signs them.

Only this file knows which field of which system holds what, and which the seller left blank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairlead.cli.demo_deals import (
    Before,
    Book,
    Bought,
    Deal,
    DealClient,
    DealPhase,
    OwnWords,
    SoldRole,
    Term,
)
from fairlead.cli.sample_people import hire
from fairlead.domain.model.contract import ContractType
from fairlead.sandbox.process import SandboxProcess

_CONTRACT_TYPES = {
    ContractType.FIXED_FEE: "Fixed Fee",
    ContractType.TIME_AND_MATERIALS: "Time and Materials",
    ContractType.MILESTONE: "Milestone",
    ContractType.PHASED: "Phased",
    ContractType.MANAGED_SERVICE: "Managed Service",
}
_SELLER = {"Email": "pia.novak@tarn-holloway.example"}
_SIGNATURES = "docusign"
_LIKELY = 70  #: per cent; from there delivery looks at a deal


def reference(deal: Deal, *, won: bool) -> str:
    """What the seller notes on the deal; it is in each of its webhooks, so faults can aim."""
    return f"{'Won' if won else 'New'}. Ref {deal.id}."


def prepare(sandbox: SandboxProcess, before: Before) -> None:
    """Put there what the systems hold before the first deal; what is there already stays alone.

    What is said of ledgers is left out where the sandbox plays none.
    """
    hire(sandbox)
    played = {system.id for system in sandbox.world.systems}
    for ledger, currencies in before.currencies.items():
        if ledger not in played:
            continue
        known = {record["body"]["symbol"] for record in sandbox.records(ledger, "currency")}
        for code, name in currencies.items():
            if code not in known:
                sandbox.plant(ledger, "currency", {"name": name, "symbol": code})
    cards = {(r["body"]["currency"], r["body"].get("title")) for r in _cards(sandbox)}
    for title, currency in before.rate_cards.items():
        if (currency, title) not in cards:
            sandbox.plant("kantata", "rate_cards", {"title": title, "currency": currency})
    for client in before.ledger_clients:
        if client.ledger not in played:
            continue
        body = _company(client.name, client.country, client.subsidiary)
        _once(sandbox, client.ledger, "customer", body)
    for vendor in before.ledger_vendors:
        if vendor.ledger not in played:
            continue
        body = _company(vendor.name, vendor.country, vendor.subsidiary)
        approved = {"custentity_fairlead_vendor_approved": vendor.approved}
        _once(sandbox, vendor.ledger, "vendor", {**body, **approved})


def _once(sandbox: SandboxProcess, ledger: str, kind: str, body: dict[str, Any]) -> None:
    if not sandbox.records(ledger, kind, companyName=body["companyName"]):
        sandbox.plant(ledger, kind, body)


def _company(name: str, country: str, subsidiary: str) -> dict[str, Any]:
    address = {"defaultBilling": True, "addressBookAddress": {"country": {"id": country}}}
    return {
        "companyName": name,
        "subsidiary": {"id": subsidiary},
        "addressBook": {"items": [address]},
    }


def _cards(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    """Rate cards with the title of their set."""
    titles = {r["id"]: r["body"]["title"] for r in sandbox.records("kantata", "rate_card_sets")}
    return [
        {"body": {**record["body"], "title": titles.get(str(record["body"]["rate_card_set_id"]))}}
        for record in sandbox.records("kantata", "rate_cards")
    ]


class Seller:
    """Enters deals into the CRMs. Accounts are shared by the deals of one client and CRM."""

    def __init__(self, sandbox: SandboxProcess, book: Book) -> None:
        self._sandbox, self._book = sandbox, book
        self._accounts: dict[tuple[str, str], str] = {}
        self._contracts: dict[str, str] = {}
        self._deals: dict[str, str] = {}
        self._quotes: dict[str, str] = {}
        self._envelopes: dict[str, str] = {}

    def win(self, deal: Deal) -> None:
        """Enter the deal as it grows in a CRM; then it is won."""
        self.offer(deal)
        self.close(deal)

    def offer(self, deal: Deal) -> None:
        """All but the win: account, contract, deal and its lists, quote, envelope. Who reads the
        deal meanwhile finds no contract on it, so that nothing begins with half of it."""
        made = self._plant(deal, "Contract", _contract(deal))
        contract = self._contracts[deal.id] = str(made["id"])
        id = self._deals[deal.id] = str(self._plant(deal, "Opportunity", _opportunity(deal))["id"])
        for phase in deal.phases:
            part = str(self._plant(deal, "Engagement_Phase__c", _phase(deal, phase, id))["id"])
            self._lists(deal, id, contract, phase.roles, phase.terms, Phase__c=part)
        self._lists(deal, id, contract, *_told_lists(deal))
        for need in deal.buys:
            self._plant(deal, "Subcontract_Need__c", _need(need, id))
        for clause in deal.clauses:
            self._plant(deal, "Contract_Clause__c", _clause(clause, contract))
        if deal.quote:
            self._offer_quote(deal, id)
        if deal.envelope:
            self._send_envelope(deal, str(made["body"]["ContractNumber"]))
        if deal.reviewed_first:
            likely = {"Probability": _LIKELY, "ContractId": contract}
            self._sandbox.amend(deal.crm, "Opportunity", id, likely)

    def close(self, deal: Deal) -> None:
        """It is won."""
        change = {
            "StageName": "Closed Won",
            "Description": reference(deal, won=True),
            "ContractId": self._contracts[deal.id],
        }
        self._sandbox.amend(deal.crm, "Opportunity", self._deals[deal.id], change)

    def sign(self, deal: Deal) -> None:
        """The client accepts the quote and signs, at last: in the signature service, which tells
        of it itself, or on paper, which the seller notes in the CRM."""
        if deal.quote == "accepted_later":
            self._sandbox.amend(deal.crm, "Quote", self._quotes[deal.id], {"Status": "Accepted"})
        if deal.envelope:
            done = {"status": "completed"}
            self._sandbox.amend(_SIGNATURES, "envelopes", self._envelopes[deal.id], done)
        else:
            signed_on = deal.signed_late_on.isoformat()
            change = {"Status": "Activated", "CustomerSignedDate": signed_on}
            self._sandbox.amend(deal.crm, "Contract", self._contracts[deal.id], change)

    def _lists(
        self,
        deal: Deal,
        id: str,
        contract: str,
        roles: Iterable[SoldRole],
        terms: Iterable[Term],
        **of: str,
    ) -> None:
        for role in roles:
            self._plant(deal, "OpportunityLineItem", {**_line(role, id), **of})
        for term in terms:
            self._plant(deal, "Billing_Term__c", {**_term(term, contract), **of})

    def _offer_quote(self, deal: Deal, id: str) -> None:
        body = {
            "Name": f"Offer: {deal.name}",
            "OpportunityId": id,
            "Status": "Accepted" if deal.quote == "accepted" else "Presented",
            "TotalPrice": deal.value.amount,
        }
        quote = self._quotes[deal.id] = str(self._plant(deal, "Quote", body)["id"])
        for product, price in _priced(deal).items():
            line = {"Product2": {"Name": product}, "Quantity": 1, "UnitPrice": price}
            self._plant(deal, "QuoteLineItem", {"QuoteId": quote, **line})
        self._sandbox.amend(deal.crm, "Opportunity", id, {"SyncedQuoteId": quote})

    def _send_envelope(self, deal: Deal, number: str) -> None:
        body = {
            "emailSubject": f"Statement of work: {deal.name}",
            "customFields": {
                "Contract Number": number,
                "Contract Value": format(deal.value.amount, "f"),
                "Contract Currency": deal.value.currency,
                "Fairlead CRM": deal.crm,
                "Fairlead Opportunity": self._deals[deal.id],
            },
            "recipients": {
                "signers": [
                    {"name": "Client's signatory", "email": f"signs@{deal.client}.example"},
                    {"name": "Hanna Lindqvist", "email": "hanna.lindqvist@tarn-holloway.example"},
                ]
            },
            "documents": [{"name": f"SOW {deal.id}.pdf", "text": f"{deal.name}: {deal.value}"}],
        }
        sent = self._sandbox.plant(_SIGNATURES, "envelopes", body)["id"]
        envelope = self._envelopes[deal.id] = str(sent)
        linked = {"Agreement_Id__c": envelope}
        self._sandbox.amend(deal.crm, "Contract", self._contracts[deal.id], linked)
        if deal.contract == "signed":
            self._sandbox.amend(_SIGNATURES, "envelopes", envelope, {"status": "completed"})

    def _account(self, deal: Deal) -> str:
        place = (deal.crm, deal.client)
        if place not in self._accounts:
            body = _account(self._book.client(deal), deal)
            self._accounts[place] = self._sandbox.plant(deal.crm, "Account", body)["id"]
        return self._accounts[place]

    def _plant(self, deal: Deal, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        if kind in ("Contract", "Opportunity"):
            body = {**body, "AccountId": self._account(deal)}
        full = {"CurrencyIsoCode": deal.value.currency, **body}
        return self._sandbox.plant(deal.crm, kind, full)


def plant_deals(sandbox: SandboxProcess, book: Book) -> int:
    """Prepare the systems and win every deal that is not in its CRM yet; how many were new.

    Once per data directory: what is there is found by its name in the CRM's own records.
    """
    prepare(sandbox, book.before)
    seller = Seller(sandbox, book)
    new = [
        deal
        for deal in book.deals
        if not sandbox.records(deal.crm, "Opportunity", Name=deal.name, StageName="Closed Won")
    ]
    for deal in new:
        seller.win(deal)
    return len(new)


# our words → the CRM's


def _account(client: DealClient, deal: Deal) -> dict[str, Any]:
    return _told(
        {
            "Name": client.name,
            "BillingCountryCode": client.country,
            "BillingCity": client.city,
            "BillingState": client.state,
            "Tax_Id__c": None if "client.tax_id" in deal.blank else client.tax_id,
            "Website": f"https://{client.web}" if client.web else None,
            "Client_Tier__c": client.tier,
            "CurrencyIsoCode": deal.value.currency,
        }
    )


def _contract(deal: Deal) -> dict[str, Any]:
    signed = deal.contract == "signed"
    return _told(
        {
            "Status": "Activated" if signed else "In Approval Process",
            "CustomerSignedDate": deal.signed_on.isoformat() if signed else None,
            "StartDate": deal.contract_from.isoformat(),
            "EndDate": "2029-12-31",
            "Contract_Value__c": (deal.contract_says or deal.value).amount,
            "CurrencyIsoCode": (deal.contract_says or deal.value).currency,
            "Payment_Days__c": _unless_blank(deal, "contract.payment_days", deal.payment_days),
            "Purchase_Order__c": _unless_blank(
                deal, "contract.purchase_order", deal.purchase_order
            ),
        }
    )


def _opportunity(deal: Deal) -> dict[str, Any]:
    return _told(
        {
            "Name": deal.name,
            "Description": reference(deal, won=False),
            "StageName": "Negotiation/Review",
            "CloseDate": deal.closes_on.isoformat(),
            "Amount": deal.value.amount,
            "Project_Start__c": _unless_blank(deal, "starts_on", deal.starts_on.isoformat()),
            "Project_End__c": _unless_blank(deal, "ends_on", deal.ends_on.isoformat()),
            "Region__c": _unless_blank(deal, "region", deal.region),
            "Delivery_Country__c": deal.country,
            "Service_Line__c": _unless_blank(deal, "service_line", deal.service_line),
            "Contract_Type__c": _CONTRACT_TYPES[deal.contract_type],
            "Legal_Entity__c": _unless_blank(deal, "legal_entity", deal.legal_entity),
            "Owner": _SELLER,
        }
    )


def _told_lists(deal: Deal) -> tuple[tuple[SoldRole, ...], tuple[Term, ...]]:
    """Roles and billing terms of the deal that the seller did not leave out."""
    roles = () if "roles" in deal.blank else deal.roles
    return roles, () if "contract.billing_terms" in deal.blank else deal.terms


def _priced(deal: Deal) -> Mapping[str, Any]:
    """The lines of the offer: a price for each phase, or one for all."""
    return {phase.name: phase.value for phase in deal.phases} or {deal.name: deal.value.amount}


def _phase(deal: Deal, phase: DealPhase, opportunity: str) -> dict[str, Any]:
    kind = phase.contract_type
    return _told(
        {
            "Name": phase.name,
            "Opportunity__c": opportunity,
            "Value__c": phase.value,
            "Region__c": phase.region,
            "Delivery_Country__c": phase.country,
            "Legal_Entity__c": phase.legal_entity,
            "Contract_Type__c": _CONTRACT_TYPES[kind] if kind else None,
            "Phase_Start__c": phase.starts_on.isoformat() if phase.starts_on else None,
            "Phase_End__c": phase.ends_on.isoformat() if phase.ends_on else None,
        }
    )


def _need(need: Bought, opportunity: str) -> dict[str, Any]:
    return _told(
        {
            "Opportunity__c": opportunity,
            "Role__c": need.role,
            "Hours__c": need.hours,
            "Cost__c": need.cost,
            "Vendor__c": need.vendor,
        }
    )


def _clause(clause: OwnWords, contract: str) -> dict[str, Any]:
    return {
        "Contract__c": contract,
        "Code__c": clause.code,
        "Name": clause.title,
        "Clause_Text__c": clause.text,
        "Standard__c": False,
    }


def _line(role: SoldRole, opportunity: str) -> dict[str, Any]:
    return _told(
        {
            "OpportunityId": opportunity,
            "Product2": {"Name": role.role},
            "Quantity": role.hours,
            "UnitPrice": role.rate,
            "Delivery_Location__c": role.location,
        }
    )


def _term(term: Term, contract: str) -> dict[str, Any]:
    return _told(
        {
            "Contract__c": contract,
            "Name": term.name,
            "Share_Percent__c": term.share,
            "Amount__c": term.amount,
            "Due_Date__c": term.due_on.isoformat() if term.due_on else None,
            "Every_Months__c": term.every_months,
        }
    )


def _unless_blank(deal: Deal, field: str, value: Any) -> Any:
    return None if field in deal.blank else value


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the seller does not say."""
    return {name: value for name, value in fields.items() if value is not None}
