"""An invoice in print, as a preview: the ledger makes the document that the client is sent."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.capabilities import paper as on_paper
from fairlead.capabilities.billing.paper import InvoicePaper
from fairlead.capabilities.paper import BODY, LINE, TEXT, TITLE, Paper, file_words, grid, note, text
from fairlead.domain.rules.packet_words import day
from fairlead.domain.values import Money, minor_units, total

#: So many lines are printed, which takes about two seconds of computing; the rest are one line
#: with their sum. The pages and the API have them all.
MOST_LINES = 300


def pdf_of(paper: InvoicePaper) -> bytes:
    """As it is given: whoever asks has seen to what its reader may see."""
    sheet = on_paper.paper(
        f"{paper.reference}. {paper.note}",
        f"{paper.title} {paper.number or paper.reference}",
        paper.model_dump_json(),
        paper.made_at,
    )
    sheet.set_font(TEXT, "B", TITLE)
    named = paper.number or ("preview" if paper.estimated else paper.reference)
    text(sheet, f"{paper.title} {named}", 8)
    note(sheet, paper.note)
    sheet.ln(3)
    _beside(
        sheet,
        [
            ("From", paper.sender),
            ("To", paper.client),
            ("Reference", paper.references),
        ],
    )
    sheet.ln(3)
    facts = [
        ("Number", paper.number or "when it is posted"),
        ("Date", day(paper.dated_on)),
        ("Due", paper.due),
        *([("Supplied", paper.supplied)] if paper.supplied else []),
    ]
    grid(sheet, (), facts, (1, 4))
    sheet.ln(4)
    code = paper.net.currency
    rows = [
        (line.description, line.evidence, _quantity(line.quantity), line.unit,
         _figure(line.price), _figure(line.amount))
        for line in paper.lines[:MOST_LINES]
    ]  # fmt: skip
    if rest := paper.lines[MOST_LINES:]:
        more = f"{len(rest):,} more lines; the page of {paper.reference} has all"
        rows.append((more, "", "", "", "", _figure(total((r.amount for r in rest), code))))
    heads = ("Item", "Evidence", "Qty", "Unit", f"Price, {code}", f"Amount, {code}")
    grid(sheet, heads, rows, (3.2, 2, 0.8, 0.8, 1.3, 1.5), {2, 4, 5})
    sheet.ln(2)
    estimate = ", estimate" if paper.estimated and paper.tax is not None else ""
    tax = "when it is posted" if paper.tax is None else _figure(paper.tax)
    to_pay = "when it is posted" if paper.total is None else _figure(paper.total)
    sums = [("Net", _figure(paper.net)), (f"{paper.tax_words}{estimate}", tax),
            (f"To pay{estimate}", to_pay)]  # fmt: skip
    grid(sheet, (), sums, (4, 1.5), {0, 1})
    if paper.tax_note:
        sheet.ln(2)
        note(sheet, paper.tax_note)
    return bytes(sheet.output())


def file_name(paper: InvoicePaper) -> str:
    """`BIL-1001.pdf`."""
    return f"{file_words(paper.reference)}.pdf"


def _beside(sheet: Paper, blocks: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Columns of a few lines each, with a head."""
    sheet.set_font(TEXT, size=BODY)
    deepest = max(len(lines) for _, lines in blocks)
    rows = [
        tuple(lines[at] if at < len(lines) else "" for _, lines in blocks) for at in range(deepest)
    ]
    grid(sheet, tuple(head for head, _ in blocks), rows, tuple(1 for _ in blocks))
    sheet.ln(LINE / 2)


def _figure(money: Money) -> str:
    """`1,234.50`, with the places that it needs: prices an hour may have more than the currency."""
    exponent = -int(money.amount.normalize().as_tuple().exponent)
    places = max(minor_units(money.currency), min(exponent, 8))
    return f"{money.amount:,.{places}f}"


def _quantity(value: object) -> str:
    return f"{value:,f}"
