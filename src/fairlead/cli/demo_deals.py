"""The sample deals, and how a seller would put them into the sandbox CRMs.

`sample/deals.yaml` says what is true of each deal, in our words; only this file knows which field
of the CRM holds what, and which fields the seller left blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from fairlead.cli.sample_people import hire
from fairlead.config import SAMPLE, read
from fairlead.domain.model.contract import ContractType
from fairlead.domain.values import Country, Currency, Exact, Hours, Money, Name, Value, total
from fairlead.sandbox.process import SandboxProcess

_CONTRACT_TYPES = {
    ContractType.FIXED_FEE: "Fixed Fee",
    ContractType.TIME_AND_MATERIALS: "Time and Materials",
    ContractType.MILESTONE: "Milestone",
    ContractType.PHASED: "Phased",
    ContractType.MANAGED_SERVICE: "Managed Service",
}
_SELLER = {"Email": "pia.novak@tarn-holloway.example"}
_PER_CENT = Decimal(100)

#: What a seller may leave blank, by our name; each has one field in the CRM (or one list).
_MAY_BE_BLANK = frozenset(
    {
        "starts_on",
        "ends_on",
        "region",
        "service_line",
        "legal_entity",
        "roles",
        "client.tax_id",
        "contract.payment_days",
        "contract.purchase_order",
        "contract.billing_terms",
    }
)


def _money(text: Any) -> Any:
    """`EUR 1200.50`."""
    if not isinstance(text, str):
        return text
    currency, _, amount = text.partition(" ")
    return {"amount": amount, "currency": currency}


_Money = Annotated[Money, BeforeValidator(_money)]


class LedgerClient(Value):
    """A client that a ledger's master holds already."""

    ledger: str
    name: Name
    country: Country
    subsidiary: str


class Before(Value):
    """What the systems hold before the first deal."""

    currencies: dict[str, dict[Currency, str]]  #: ledger → ISO 4217 code → name
    rate_cards: dict[str, Currency]
    ledger_clients: tuple[LedgerClient, ...]


class DealClient(Value):
    name: Name
    country: Country
    city: str
    state: str | None = None  #: where tax depends on it
    tax_id: str | None = None
    web: str | None = None
    tier: Literal["strategic", "standard"] = "standard"
    known_as: str | None = None  #: how the ledger's master spells it, where it is there already


class Term(Value):
    """A part of the fee: a share, an amount, or instalments of what is left."""

    name: Name
    share: Annotated[Exact, Field(gt=0, le=100)] | None = None  #: per cent
    amount: Exact | None = None  #: in the deal's currency
    due_on: date | None = None
    every_months: int | None = None
    instalments: int = 1  #: how many lines it must become, counted on the calendar


class SoldRole(Value):
    role: Name
    hours: Hours
    rate: Exact  #: sold price per hour, in the deal's currency
    location: str | None = None


class Waits(Value):
    step: str
    owner: str


class Deal(Value):
    """One deal as it is in truth, and what becomes of it in the demo."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]{2,40}$")
    crm: Literal["salesforce-emea", "salesforce-amer"]
    client: str
    name: Name  #: unique over all deals: it is how the proof tells their records apart
    region: Literal["EMEA", "AMER", "APAC"]
    country: Country
    legal_entity: str
    service_line: str
    contract_type: ContractType
    template: str  #: the template of firm.yaml from which its project must be built
    value: _Money
    starts_on: date
    ends_on: date
    payment_days: int
    purchase_order: str | None = None
    terms: tuple[Term, ...] = ()
    roles: tuple[SoldRole, ...] = ()
    contract: Literal["signed", "signed_later"] = "signed"
    contract_says: _Money | None = None  #: where the contract disagrees with the deal
    told: Literal["once", "repeated", "late", "never"] = "once"
    """How its webhooks come: once, five times, the first after the last, or not at all."""
    blank: tuple[str, ...] = ()
    supplied_by: str | None = None  #: who fills the blanks; null: nobody does
    chosen_by: str | None = None  #: who says which of several ledger clients it is
    ends_as: Literal["launched", "declined", "awaiting_launch", "waiting"] = "launched"
    refused_because: str | None = None
    waits: Waits | None = None

    @property
    def ledger(self) -> str:
        """Which ledger serves it."""
        return "netsuite-amer" if self.region == "AMER" else "netsuite-emea"

    @property
    def is_set_up(self) -> bool:
        """Whether it passes the readiness gates, so that anything may be made for it."""
        return self.ends_as != "waiting"

    @property
    def lines(self) -> int:
        """How many lines its billing schedule must have."""
        return sum(term.instalments for term in self.terms) or 1

    @model_validator(mode="after")
    def _holds_together(self) -> Deal:
        if unknown := sorted(set(self.blank) - _MAY_BE_BLANK):
            raise ValueError(f"{unknown[0]} cannot be left blank here")
        if self.supplied_by and not self.blank:
            raise ValueError("nothing is blank, so nobody supplies anything")
        if (self.ends_as in ("waiting", "awaiting_launch")) != (self.waits is not None):
            raise ValueError("`waits` says what a deal waits for that stays open")
        if (self.ends_as == "declined") != (self.refused_because is not None):
            raise ValueError("`refused_because` is said where a launch is declined")
        if not any(term.every_months for term in self.terms) and self.terms:
            shares = sum((term.share for term in self.terms if term.share), Decimal(0))
            fixed = total(
                (self._in_currency(term.amount) for term in self.terms if term.amount),
                self.value.currency,
            )
            if self.value.amount * shares / _PER_CENT + fixed.amount != self.value.amount:
                raise ValueError("its billing terms do not add up to its value")
        return self

    def _in_currency(self, amount: Decimal) -> Money:
        return Money(amount=amount, currency=self.value.currency)


class _Defaults(Value):
    starts_on: date
    ends_on: date
    payment_days: int


class Book(Value):
    """All sample deals, and what was there before them."""

    before: Before
    clients: dict[str, DealClient]
    defaults: _Defaults
    deals: tuple[Deal, ...]

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        book = cast("dict[str, Any]", raw)
        deals = cast("list[dict[str, Any]]", book.get("deals", []))
        return {**book, "deals": [{**book.get("defaults", {}), **deal} for deal in deals]}

    @model_validator(mode="after")
    def _told_apart(self) -> Book:
        for what in ("id", "name"):
            values = [getattr(deal, what) for deal in self.deals]
            if twice := sorted({value for value in values if values.count(value) > 1}):
                raise ValueError(f"two deals have the {what} {twice[0]}")
        if unknown := sorted({deal.client for deal in self.deals} - set(self.clients)):
            raise ValueError(f"there is no client {unknown[0]}")
        return self

    @cached_property
    def by_name(self) -> Mapping[str, Deal]:
        return {deal.name: deal for deal in self.deals}

    def client(self, deal: Deal) -> DealClient:
        return self.clients[deal.client]


def load_deals(folder: Path = SAMPLE) -> Book:
    """`deals.yaml` of the folder. Raises `InvalidDefinition` with every fault, by line."""
    return read(folder / "deals.yaml", Book)


def reference(deal: Deal, *, won: bool) -> str:
    """What the seller notes on the deal; it is in each of its webhooks, so faults can aim."""
    return f"{'Won' if won else 'New'}. Ref {deal.id}."


def prepare(sandbox: SandboxProcess, before: Before) -> None:
    """Put there what the systems hold before the first deal; what is there already stays alone."""
    hire(sandbox)
    for ledger, currencies in before.currencies.items():
        known = {record["body"]["symbol"] for record in sandbox.records(ledger, "currency")}
        for code, name in currencies.items():
            if code not in known:
                sandbox.plant(ledger, "currency", {"name": name, "symbol": code})
    cards = {(r["body"]["currency"], r["body"].get("title")) for r in _cards(sandbox)}
    for title, currency in before.rate_cards.items():
        if (currency, title) not in cards:
            sandbox.plant("kantata", "rate_cards", {"title": title, "currency": currency})
    for client in before.ledger_clients:
        if not sandbox.records(client.ledger, "customer", companyName=client.name):
            address = {
                "defaultBilling": True,
                "addressBookAddress": {"country": {"id": client.country}},
            }
            body = {
                "companyName": client.name,
                "subsidiary": {"id": client.subsidiary},
                "addressBook": {"items": [address]},
            }
            sandbox.plant(client.ledger, "customer", body)


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

    def win(self, deal: Deal) -> None:
        """Enter the deal as it grows in a CRM: account, contract, deal, lines; then it is won."""
        contract = self._contracts[deal.id] = self._contract(deal)
        created = self._plant(deal, "Opportunity", {**_opportunity(deal), "ContractId": contract})
        if "roles" not in deal.blank:
            for role in deal.roles:
                self._plant(deal, "OpportunityLineItem", _line(deal, role, created))
        change = {"StageName": "Closed Won", "Description": reference(deal, won=True)}
        self._sandbox.amend(deal.crm, "Opportunity", created, change)

    def sign(self, deal: Deal) -> None:
        """The client signs at last."""
        change = {"Status": "Activated", "CustomerSignedDate": "2026-11-20"}
        self._sandbox.amend(deal.crm, "Contract", self._contracts[deal.id], change)

    def _contract(self, deal: Deal) -> str:
        """The contract with its billing terms; its id."""
        id = self._plant(deal, "Contract", _contract(deal))
        if "contract.billing_terms" not in deal.blank:
            for term in deal.terms:
                self._plant(deal, "Billing_Term__c", _term(deal, term, id))
        return id

    def _account(self, deal: Deal) -> str:
        place = (deal.crm, deal.client)
        if place not in self._accounts:
            body = _account(self._book.client(deal), deal)
            self._accounts[place] = self._sandbox.plant(deal.crm, "Account", body)["id"]
        return self._accounts[place]

    def _plant(self, deal: Deal, kind: str, body: dict[str, Any]) -> str:
        if kind in ("Contract", "Opportunity"):
            body = {**body, "AccountId": self._account(deal)}
        full = {"CurrencyIsoCode": deal.value.currency, **body}
        return str(self._sandbox.plant(deal.crm, kind, full)["id"])


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
            "CustomerSignedDate": "2026-10-30" if signed else None,
            "StartDate": "2026-11-01",
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
            "CloseDate": "2026-11-20",
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


def _line(deal: Deal, role: SoldRole, opportunity: str) -> dict[str, Any]:
    return _told(
        {
            "OpportunityId": opportunity,
            "Product2": {"Name": role.role},
            "Quantity": role.hours,
            "UnitPrice": role.rate,
            "Delivery_Location__c": role.location,
        }
    )


def _term(deal: Deal, term: Term, contract: str) -> dict[str, Any]:
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
