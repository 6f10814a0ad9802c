"""What a client is asked to pay, or given back. The ERP numbers, taxes and posts it (F084)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field, model_validator

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.values import Currency, Exact, ExternalRef, Money, Name, Text, Value, total


class InvoiceKind(StrEnum):
    INVOICE = "invoice"
    CREDIT = "credit"  #: takes an invoice back, in whole or in part; its amounts are negative
    WRITE_OFF = "write_off"  #: gives up items for good; comes to zero, and no ERP hears of it


class InvoiceState(StrEnum):
    PROPOSED = "proposed"
    REVIEWED = "reviewed"
    RELEASED = "released"  #: by somebody else than the proposer; the ERP is told
    POSTED = "posted"  #: the ERP has numbered, taxed and posted it
    PAID = "paid"
    DISCARDED = "discarded"  #: before its release; what it held is free again


#: Legal moves. What was released is taken back by a credit, never by an edit.
INVOICE_MOVES: frozenset[tuple[InvoiceState, InvoiceState]] = frozenset(
    {
        (InvoiceState.PROPOSED, InvoiceState.REVIEWED),
        (InvoiceState.PROPOSED, InvoiceState.DISCARDED),
        (InvoiceState.REVIEWED, InvoiceState.PROPOSED),
        (InvoiceState.REVIEWED, InvoiceState.RELEASED),
        (InvoiceState.REVIEWED, InvoiceState.DISCARDED),
        (InvoiceState.RELEASED, InvoiceState.REVIEWED),  # refused by whoever must agree, too
        (InvoiceState.RELEASED, InvoiceState.POSTED),
        (InvoiceState.POSTED, InvoiceState.PAID),
        (InvoiceState.PAID, InvoiceState.POSTED),  # a payment was taken back
    }
)


class ItemKind(StrEnum):
    """What an invoice is made of."""

    TIME = "time"
    EXPENSE = "expense"
    MILESTONE = "milestone"
    CHARGE = "charge"


class LineKind(StrEnum):
    TIME = "time"
    EXPENSE = "expense"
    MILESTONE = "milestone"
    FEE = "fee"
    DISCOUNT = "discount"
    RETAINER = "retainer"  #: what was paid beforehand is drawn down
    ROUNDING = "rounding"


class InvoiceItem(Value):
    """One entry, expense, milestone or charge, and its share of a line."""

    kind: ItemKind
    item: UUID
    minutes: int | None = None  #: of time
    rate: Money | None = None  #: per hour, of time
    rate_source: Text | None = None
    amount: Money
    discount: Money | None = None  #: its share of it, zero or less on an invoice; null: none
    capped: Money | None = None  #: its share of what is beyond the cap
    drawn: Money | None = None  #: its share of what a retainer pays


class InvoiceLine(Value):
    number: int = Field(ge=1)
    kind: LineKind
    description: Name
    quantity: Exact
    unit: str  #: `hour`, `piece`, `month`…
    unit_price: Money
    amount: Money  #: rounded to the currency's minor unit
    tax_code: str | None = None  #: as the ledger calls it
    clause: Text | None = None


class Invoice(Entity):
    """As it is released, and as the ERP is asked to make it.

    `amount`s are without tax. All are in `currency`; those of a credit are negative.
    """

    id: str
    reference: str  #: ours, unique: `BIL-1001`
    engagement: EngagementId
    kind: InvoiceKind
    credits: str | None = None  #: id of the invoice that a credit takes back
    legal_entity: str  #: code of the company of ours that invoices
    subsidiary: str  #: that company's id in the ledger
    currency: Currency
    purchase_order: str | None = None
    payment_days: int = Field(ge=0, le=365)
    dated_on: date
    starts_on: date | None = None  #: first day of what it bills
    ends_on: date | None = None
    lines: tuple[InvoiceLine, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_one_currency(self) -> Invoice:
        for line in self.lines:
            if {line.amount.currency, line.unit_price.currency} != {self.currency}:
                raise ValueError(f"line {line.number} is not in {self.currency}")
        return self

    @property
    def net(self) -> Money:
        return total((line.amount for line in self.lines), self.currency)


class LedgerInvoiceState(StrEnum):
    DRAFT = "draft"
    POSTED = "posted"
    PAID = "paid"
    VOID = "void"


class Payment(Value):
    ref: str  #: of the payment in the ERP
    paid_on: date
    amount: Money  #: of it that pays this invoice


class LedgerInvoice(Entity):
    """An invoice or credit note as the ERP holds it now. The amounts of a credit are negative."""

    ref: ExternalRef
    reference: str | None  #: ours, where the ERP keeps it
    purchase_order: str | None = None  #: the client's, likewise
    state: LedgerInvoiceState
    number: str | None = None  #: null: not numbered yet
    net: Money
    tax: Money
    total: Money
    dated_on: date | None = None
    due_on: date | None = None
    payments: tuple[Payment, ...] = ()
