"""An invoice as it stands in the store: its digest, and the model that the ledger is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.invoice import Invoice, InvoiceKind, InvoiceLine, LineKind
from fairlead.domain.rules.billing_amounts import RATE_SCALE, to_minor
from fairlead.domain.rules.billing_digest import digest, item_words
from fairlead.domain.values import Money, minor_units
from fairlead.store import invoice_items, invoices
from fairlead.store.database import Tx

#: What is released besides lines and items.
_HEADER = (
    "reference", "engagement_id", "kind", "credits", "client_name", "legal_entity", "currency",
    "purchase_order", "payment_days", "dated_on", "starts_on", "ends_on",
)  # fmt: skip


def header_of(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: row[name] for name in _HEADER}
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in told.items()
    }


def line_of(row: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A line in whole numbers, for the digest."""
    return {
        "line": row["line"],
        "kind": row["kind"],
        "description": row["description"],
        "hundredths": int(row["quantity"].scaleb(2)),
        "unit": row["unit"],
        "price": int(row["unit_price"].scaleb(RATE_SCALE)),
        "amount": to_minor(row["amount"], currency),
        "tax_code": row["tax_code"],
        "clause": row["clause"],
    }


def item_of(row: Mapping[str, Any], currency: str) -> str:
    """An item in whole numbers, for the digest."""
    rate: Decimal | None = row["rate"]
    amount, discount, capped, drawn = (
        to_minor(row[name] or Decimal(0), currency)
        for name in ("amount", "discount", "capped", "drawn")
    )
    return item_words(
        row["kind"],
        str(row["item_id"]),
        row["line"],
        row["minutes"],
        None if rate is None else int(rate.scaleb(RATE_SCALE)),
        (amount, discount, capped, drawn),
    )


def digest_of(tx: Tx, row: Mapping[str, Any]) -> str:
    """Of what is stored now."""
    lines = invoices.lines(tx, [row["id"]])[row["id"]]
    return digest(
        header_of(row),
        [line_of(line, row["currency"]) for line in lines],
        [item_of(item, row["currency"]) for item in invoice_items.of_invoice(tx, row["id"])],
    )


def invoice_of(row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> Invoice:
    """As the ledger is asked to make it."""
    currency = row["currency"]
    return Invoice(
        id=row["id"],
        reference=row["reference"],
        engagement=EngagementId(row["engagement_id"]),
        kind=InvoiceKind(row["kind"]),
        credits=row["credits"],
        legal_entity=row["legal_entity"],
        subsidiary=row["subsidiary"],
        currency=currency,
        purchase_order=row["purchase_order"],
        payment_days=row["payment_days"],
        dated_on=row["dated_on"],
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        lines=tuple(
            InvoiceLine(
                number=line["line"],
                kind=LineKind(line["kind"]),
                description=line["description"],
                quantity=plain(line["quantity"], 0),
                unit=line["unit"],
                unit_price=_money(line["unit_price"], currency),
                amount=_money(line["amount"], currency),
                tax_code=line["tax_code"],
                clause=line["clause"],
            )
            for line in lines
        ),
    )


def plain(value: Decimal, decimals: int) -> Decimal:
    """With so many decimals, or more where it has more; the store pads to eight."""
    exponent = min(int(value.normalize().as_tuple().exponent), -decimals)
    return value.quantize(Decimal(1).scaleb(exponent))


def _money(value: Decimal, currency: str) -> Money:
    return Money(amount=plain(value, minor_units(currency)), currency=currency)
