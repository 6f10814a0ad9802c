"""What an invoice says to whoever reads it: whom, for what, at which price, and what stands behind.

Until the ledger has numbered and taxed it, it is a preview: its tax is what the treatment of the
engagement comes to (F084).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fairlead.capabilities.billing.documents import plain
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.rules.billing_amounts import of_minor, to_minor
from fairlead.domain.rules.packet_words import count, day, percent
from fairlead.domain.values import Exact, Money, Value, minor_units

_NUMBERED = (InvoiceState.POSTED, InvoiceState.PAID)
_TAX_WORDS: Mapping[TaxKind, str] = {
    TaxKind.REVERSE_CHARGE: "Tax, reverse charge",
    TaxKind.EXPORT: "Tax, outside its scope",
    TaxKind.DOMESTIC_EXEMPT: "Tax, exempt",
}
#: What law wants said where the client is not charged tax: Directive 2006/112/EC, art. 226 (11) and
#: (11a); the United Kingdom's VAT Regulations 1995, reg. 14 (1) (r) likewise.
_TAX_NOTES: Mapping[TaxKind, str] = {
    TaxKind.REVERSE_CHARGE: "Reverse charge: the customer accounts for the tax",
    TaxKind.EXPORT: "Outside the scope of tax, or at no rate",
    TaxKind.DOMESTIC_EXEMPT: "Exempt from tax",
}
_TITLES: Mapping[InvoiceKind, str] = {
    InvoiceKind.INVOICE: "Invoice",
    InvoiceKind.CREDIT: "Credit note",
    InvoiceKind.WRITE_OFF: "Write-off",
}
NO_TAX_DOCUMENT = "Not a tax document until posted"


class PaperLine(Value):
    number: int
    kind: str
    description: str
    quantity: Exact
    unit: str
    price: Money
    amount: Money
    clause: str | None
    evidence: str  #: what stands behind it, in words
    items: int


class InvoicePaper(Value):
    """Amounts are in one currency; those of a credit are negative."""

    title: str
    reference: str  #: ours
    number: str | None  #: the ledger's; null: it has none yet
    made_at: datetime
    dated_on: date
    due: str  #: day, or how many days after
    supplied: str | None = None  #: first and last day of what it is for
    sender: tuple[str, ...]
    client: tuple[str, ...]
    references: tuple[str, ...]
    lines: tuple[PaperLine, ...]
    net: Money
    tax_words: str
    tax: Money | None  #: null: only the ledger can say
    total: Money | None
    estimated: bool  #: tax and total are not the ledger's
    tax_note: str | None = None  #: why none is charged

    @property
    def note(self) -> str:
        """What it is, where it is no invoice for the tax office."""
        if self.title == _TITLES[InvoiceKind.WRITE_OFF]:
            return "Stays with us: the client is sent nothing"
        return (
            NO_TAX_DOCUMENT if self.estimated else "Posted by the ledger, which keeps the original"
        )


def paper_of(
    row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], entity: LegalEntity | None
) -> InvoicePaper:
    """`row` and `lines`: of `store.invoice_views`. `entity`: of ours; null: not known any more."""
    currency = row["currency"]
    net = _money(row["net"], currency)
    treatment = TaxTreatment.model_validate(row["treatment"]) if row["treatment"] else None
    tax = tax_estimate(net, treatment)
    total = None if tax is None else net + tax
    ledger_tax: Decimal | None = row["tax"] if row["state"] in _NUMBERED else None
    ours = treatment
    if ledger_tax is not None:
        if tax is None or tax.amount != ledger_tax:
            ours = None  # the ledger taxed it otherwise, so its rate is not ours to tell
        tax = _money(ledger_tax, currency)
        total = net + tax
    return InvoicePaper(
        title=_TITLES[InvoiceKind(row["kind"])],
        reference=row["reference"],
        number=row["number"],
        made_at=row["proposed_at"],
        dated_on=row["dated_on"],
        due=_due(row),
        supplied=_days(row["starts_on"], row["ends_on"]),
        sender=sender_of(entity, row["legal_entity"], treatment),
        client=client_of(row["client"], row["client_name"], treatment),
        references=_references(row),
        lines=tuple(_line(line, currency) for line in lines),
        net=net,
        tax_words=tax_words(ours),
        tax=tax,
        total=total,
        estimated=ledger_tax is None,
        tax_note=tax_note(ours),
    )


def preview_of(
    row: Mapping[str, Any],
    header: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    entity: LegalEntity | None,
    *,
    now: datetime,
) -> InvoicePaper:
    """Of what `Proposing.preview` says; `row`: of `store.readiness_board`."""
    drafted = {
        "reference": "at draft", "number": None, "state": InvoiceState.PROPOSED, "due_on": None,
        "kind": InvoiceKind.INVOICE, "credits_reference": None,
        "proposed_at": now, "engagement": row["number"],
    }  # fmt: skip
    return paper_of({**row, **header, **drafted}, lines, entity)


def tax_estimate(net: Money, treatment: TaxTreatment | None) -> Money | None:
    """Net by the rate of the treatment, half up; null where no treatment is known."""
    if treatment is None:
        return None
    rate = treatment.rate if treatment.kind is TaxKind.STANDARD else Decimal(0)
    return of_minor(to_minor(net.amount * rate, net.currency), net.currency)


def tax_words(treatment: TaxTreatment | None) -> str:
    """`VAT 19 %`, by the treatment: what it is called differs by country, so `Tax`."""
    if treatment is None:
        return "Tax, as the ledger says"
    if treatment.kind is TaxKind.STANDARD:
        return f"Tax {percent(treatment.rate)}"
    return _TAX_WORDS[treatment.kind]


def tax_note(treatment: TaxTreatment | None) -> str | None:
    """Why no tax is charged, with the law that it rests on; null where it is."""
    note = None if treatment is None else _TAX_NOTES.get(treatment.kind)
    return note and treatment and f"{note} ({treatment.basis})."


def sender_of(
    entity: LegalEntity | None, code: str, treatment: TaxTreatment | None
) -> tuple[str, ...]:
    """Name, address, and the number under which it charges the tax or would. What the firm has not
    set is left out."""
    if entity is None:
        return (code,)
    at = entity.address.model_dump()
    charged = treatment is not None and treatment.kind is TaxKind.STANDARD
    place = treatment.country if treatment is not None and charged else entity.country
    tax_id = entity.tax_id_in(place)
    where = _where({**at, "country": at["country"] or entity.country})
    return tuple(filter(None, [entity.name, at["street"], where, tax_id and f"Tax id {tax_id}"]))


def client_of(
    client: Mapping[str, Any] | None, name: str, treatment: TaxTreatment | None
) -> tuple[str, ...]:
    """The lines of an address, as the deal brought it; the tax id as it was validated where it
    decides the tax."""
    told = client or {}
    at: Mapping[str, Any] = told.get("address") or {}
    tax_id = (treatment and treatment.client_tax_id) or told.get("tax_id")
    lines = [name, at.get("street"), _where(at), tax_id and f"Tax id {tax_id}"]
    return tuple(filter(None, lines))


def _where(at: Mapping[str, Any]) -> str:
    """`80999 München, DE`."""
    place = " ".join(filter(None, [at.get("postal_code"), at.get("city")]))
    return ", ".join(filter(None, [place, at.get("region"), at.get("country")]))


def _days(first: date | None, last: date | None) -> str | None:
    if first is None or last is None:
        return None
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _references(row: Mapping[str, Any]) -> tuple[str, ...]:
    order, contract = row["purchase_order"], row["contract_number"]
    told = [
        row["reference"],
        f"{row['engagement']}, {row['project_code']}",
        f"Purchase order {order}" if order else None,
        f"Contract {contract}" if contract else None,
        f"Takes back {row['credits_number'] or row['credits_reference']}"
        if row["credits_reference"]
        else None,
    ]
    return tuple(filter(None, told))


def _due(row: Mapping[str, Any]) -> str:
    if row["due_on"] is not None:
        return day(row["due_on"])
    return f"{count(row['payment_days'], 'day')} after posting"


def _line(line: Mapping[str, Any], currency: str) -> PaperLine:
    return PaperLine(
        number=line["line"],
        kind=line["kind"],
        description=line["description"],
        quantity=plain(line["quantity"], 0),
        unit=line["unit"],
        price=_money(line["unit_price"], currency),
        amount=_money(line["amount"], currency),
        clause=line["clause"],
        evidence=_evidence(line),
        items=line["items"] or 0,
    )


def _evidence(line: Mapping[str, Any]) -> str:
    """`12 entries of 3 people`, `14 of 15 receipts`, `Milestone 3, 2 documents`. Of what is not
    drafted yet only the items are counted."""
    items, kind = line["items"] or 0, line["kind"]
    if kind == "time" and items:
        entries = "1 entry" if items == 1 else f"{items:,} entries"
        people = line.get("people")
        return entries if not people else f"{entries} of {_people(people)}"
    if kind == "expense" and items:
        receipts = line.get("receipts")
        if receipts is None or receipts == items:
            return count(items, "expense" if receipts is None else "receipt")
        return f"{receipts} of {items} receipts"
    if line.get("milestone") is not None:
        proof = count(line["evidence"], "document") if line["evidence"] else "no document"
        return f"Milestone {line['milestone']}, {proof}"
    return line["clause"] or "the contract"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _money(value: Decimal, currency: str) -> Money:
    return Money(amount=plain(value, minor_units(currency)), currency=currency)
