"""The sample deals: what is true of each, and what becomes of it in the demo.

`sample/deals.yaml` has deals of every kind; `sample/stories.yaml` has those whose whole way is
told, with phases, quotes, envelopes and work of others. Both are in our words: `demo_seller` knows
which field of which system holds what.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, model_validator

from fairlead.config import SAMPLE, read
from fairlead.domain.model.contract import ContractType
from fairlead.domain.rules.project_setup import add_months
from fairlead.domain.values import Country, Currency, Exact, Hours, Money, Name, Value

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


class LedgerVendor(Value):
    """A firm that a ledger's vendor master holds."""

    ledger: str
    name: Name
    country: Country
    subsidiary: str
    approved: bool = True


class Before(Value):
    """What the systems hold before the first deal."""

    currencies: dict[str, dict[Currency, str]]  #: ledger → ISO 4217 code → name
    rate_cards: dict[str, Currency]
    ledger_clients: tuple[LedgerClient, ...]
    ledger_vendors: tuple[LedgerVendor, ...] = ()


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


class Bought(Value):
    """Work that the deal leaves to another firm."""

    role: Name
    hours: Hours
    cost: Exact  #: in all, in the deal's currency
    vendor: Name | None = None  #: as the seller calls it; null: procurement chooses later
    bought_from: Name | None = None  #: as the ledger calls it
    chosen_by: str | None = None  #: who says which of several vendors it is


class OwnWords(Value):
    """A clause that is not in our own wording."""

    code: str
    title: Name
    text: str


class DealPhase(Value):
    """A part with a place, a company of ours and a price of its own, in the deal's currency."""

    name: Name
    value: Exact
    region: Literal["EMEA", "AMER", "APAC"]
    country: Country
    legal_entity: str
    contract_type: ContractType | None = None  #: null: the deal's
    template: str
    tax: str  #: the code of the one tax treatment that the law calls for
    starts_on: date | None = None
    ends_on: date | None = None
    terms: tuple[Term, ...] = ()
    roles: tuple[SoldRole, ...] = ()

    @property
    def ledger(self) -> str:
        """Which ledger serves it."""
        return ledger_of(self.region)


class Waits(Value):
    step: str
    owner: str


def ledger_of(region: str) -> str:
    return "netsuite-amer" if region == "AMER" else "netsuite-emea"


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
    contract_from: date
    signed_on: date
    signed_late_on: date  #: by the client, where that comes after the win
    closes_on: date  #: as the seller expects
    payment_days: int
    purchase_order: str | None = None
    terms: tuple[Term, ...] = ()
    roles: tuple[SoldRole, ...] = ()
    tax: str | None = None  #: the code of the one tax treatment; null: nothing is ever set up
    story: str | None = None  #: of which told way it is
    contract: Literal["signed", "signed_later"] = "signed"
    envelope: bool = False  #: it is signed at the signature service, not only noted in the CRM
    retention: str | None = None  #: the class under which its statement of work must be filed
    quote: Literal["accepted", "accepted_later"] | None = None
    phases: tuple[DealPhase, ...] = ()
    buys: tuple[Bought, ...] = ()
    clauses: tuple[OwnWords, ...] = ()
    reviewed_first: bool = False  #: it is likely before it is won, and delivery looks at it then
    judged: dict[str, str] = Field(default_factory=dict[str, str])
    """Approval that a rule calls for, beside that of the launch → the role that must give it."""
    contract_says: _Money | None = None  #: where the contract disagrees with the deal
    told: Literal["once", "repeated", "late", "never"] = "once"
    """How its webhooks come: once, five times, the first after the last, or not at all."""
    blank: tuple[str, ...] = ()
    supplied_by: str | None = None
    """Who fills the blanks; `owners`: whoever owns each; null: nobody does."""
    chosen_by: str | None = None  #: who says which of several ledger clients it is
    ends_as: Literal["launched", "declined", "awaiting_launch", "waiting"] = "launched"
    refused_because: str | None = None
    waits: Waits | None = None

    @property
    def ledger(self) -> str:
        """Which ledger serves it."""
        return ledger_of(self.region)

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
        if self.is_set_up != (self.tax is not None):
            raise ValueError("`tax` is said of every deal that is set up, and of no other")
        if self.envelope != (self.retention is not None):
            raise ValueError("`retention` is said where a statement of work is signed and filed")
        if not self.phases and not _add_up(self.terms, self.value.amount):
            raise ValueError("its billing terms do not add up to its value")
        if self.phases and sum(phase.value for phase in self.phases) != self.value.amount:
            raise ValueError("its phases do not add up to its value")
        for phase in self.phases:
            if not _add_up(phase.terms, phase.value):
                raise ValueError(f"the billing terms of {phase.name} do not add up to its value")
        return self


def _add_up(terms: tuple[Term, ...], value: Decimal) -> bool:
    """Where nothing recurs, shares and amounts are the whole."""
    if not terms or any(term.every_months for term in terms):
        return True
    shares = sum((term.share for term in terms if term.share), Decimal(0))
    fixed = sum((term.amount for term in terms if term.amount), Decimal(0))
    return value * shares / _PER_CENT + fixed == value


class _Defaults(Value):
    starts_on: date
    ends_on: date
    contract_from: date
    signed_on: date
    signed_late_on: date
    closes_on: date
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

    def with_deals(self, deals: tuple[Deal, ...]) -> Book:
        """The same firm with other deals."""
        return Book.model_validate({**self.model_dump(), "deals": [d.model_dump() for d in deals]})

    def begun(self, today: date) -> Book:
        """The same deals, moved by whole months so that work has gone on for some weeks today."""
        begin = today - _WORKED
        start = self.defaults.starts_on
        months = (begin.year - start.year) * 12 + begin.month - start.month
        return Book.model_validate(_moved(self.model_dump(), months))


#: For so long at least, and a month more at most, work has gone on in `Book.begun`.
_WORKED = timedelta(weeks=5)


def _moved(raw: Any, months: int) -> Any:
    """Every day in it, so many months later (earlier where negative)."""
    if isinstance(raw, date):
        return add_months(raw, months)
    if isinstance(raw, dict):
        return {k: _moved(v, months) for k, v in cast("dict[str, Any]", raw).items()}
    if isinstance(raw, list | tuple):
        return [_moved(one, months) for one in cast("list[Any]", raw)]
    return raw


class _More(Value):
    """`stories.yaml`: read beside the deals, and added to them."""

    ledger_vendors: tuple[LedgerVendor, ...]
    clients: dict[str, DealClient]
    deals: tuple[dict[str, Any], ...]


def load_deals(folder: Path = SAMPLE) -> Book:
    """All deals of the folder. Raises `InvalidDefinition` with every fault, by line."""
    book, more = read(folder / "deals.yaml", Book), read(folder / "stories.yaml", _More)
    stories = Book.model_validate(
        {
            "before": book.before.model_copy(update={"ledger_vendors": more.ledger_vendors}),
            "clients": {**book.clients, **more.clients},
            "defaults": book.defaults.model_dump(),
            "deals": more.deals,
        }
    )
    return stories.with_deals(book.deals + stories.deals)
