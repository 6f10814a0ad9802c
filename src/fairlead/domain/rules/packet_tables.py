"""The tables of a packet: rates, schedule, roles, clauses, documents, parts, work of others."""

from __future__ import annotations

from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules import packet_words as words
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.rules.packet import Cell, Column, Table
from fairlead.domain.rules.packet_fields import STATES, Sources
from fairlead.domain.rules.project_setup import Unbillable, billing_lines
from fairlead.domain.values import Hours, Money


def tables(sources: Sources) -> dict[str, tuple[Table, ...]]:
    """Section → its tables."""
    deal = terms(sources.engagement)
    return {
        "contract": (_clauses(deal),),
        "rates": (_rates(deal),),
        "billing": (_schedule(deal),),
        "staffing": (_roles(deal),),
        "documents": (_filed(sources),),
        "parts": (_parts(sources),),
        "dependencies": (_work_of_others(deal),),
    }


def _texts(*texts: str) -> tuple[Cell, ...]:
    return tuple(Cell(text=text) for text in texts)


def _clauses(deal: Opportunity) -> Table:
    clauses = deal.contract.clauses if deal.contract else ()
    return Table(
        name="clauses",
        label="Clauses",
        columns=(Column(label="Code"), Column(label="Clause"), Column(label="Wording")),
        rows=tuple(
            _texts(one.code, one.title, "our own" if one.standard else "departs from our own")
            for one in clauses
        ),
        empty="The contract names no clauses.",
    )


def _rates(deal: Opportunity) -> Table:
    return Table(
        name="rates",
        label="Rates",
        columns=(
            Column(label="Role"),
            Column(label="Hours", figures=True),
            Column(label="Rate", figures=True),
            Column(label="Fee", figures=True),
        ),
        rows=tuple(
            _texts(role.role, words.hours(role.hours), *_priced(role.rate, role.hours))
            for role in deal.roles
        ),
        empty="The deal names no roles; the template of its service line does.",
    )


def _priced(rate: Money | None, hours: Hours) -> tuple[str, str]:
    if rate is None:
        return "of the card", "of the card"
    fee = Money(amount=round(rate.amount * hours, 4), currency=rate.currency)
    return str(rate), str(fee.rounded())


def _schedule(deal: Opportunity) -> Table:
    rows: tuple[tuple[Cell, ...], ...] = ()
    empty = "The schedule follows from contract, value and dates; one of them is missing."
    if deal.phases:
        empty = "Each part has a schedule of its own."
    elif deal.contract and deal.value and deal.starts_on and deal.ends_on:
        try:
            rows = tuple(
                _texts(str(number), name, words.day(due), str(amount))
                for number, (name, amount, due) in enumerate(billing_lines(deal), 1)
            )
        except Unbillable as because:
            empty = f"There is no schedule: {because}."
    return Table(
        name="schedule",
        label="Billing schedule",
        columns=(
            Column(label="No."),
            Column(label="Part of the fee"),
            Column(label="Due"),
            Column(label="Amount", figures=True),
        ),
        rows=rows,
        empty=empty,
    )


def _roles(deal: Opportunity) -> Table:
    return Table(
        name="roles",
        label="Roles",
        columns=(
            Column(label="Role"),
            Column(label="Place"),
            Column(label="Hours", figures=True),
        ),
        rows=tuple(
            _texts(role.role, role.location or "not said", words.hours(role.hours))
            for role in deal.roles
        ),
        empty="The deal names no roles; the template of its service line does.",
    )


def _filed(sources: Sources) -> Table:
    return Table(
        name="documents",
        label="Filed documents",
        columns=(
            Column(label="Document"),
            Column(label="Kind"),
            Column(label="Filed"),
            Column(label="Retention"),
            Column(label="Where"),
        ),
        rows=tuple(
            (
                Cell(text=one.name, link=one.url),
                *_texts(
                    words.plain(one.kind),
                    words.day(one.filed_at.date()),
                    one.retention or "no class",
                    one.ref.system,
                ),
            )
            for one in sources.engagement.documents
        ),
        empty="Nothing is filed yet.",
    )


def _parts(sources: Sources) -> Table:
    return Table(
        name="parts",
        label="Parts",
        columns=(
            Column(label="Number"),
            Column(label="Name"),
            Column(label="State"),
            Column(label="Value", figures=True),
        ),
        rows=tuple(
            (
                Cell(
                    text=part.number or "not yours to see",
                    link=f"/engagements/{part.number}" if part.number else None,
                ),
                *_texts(
                    part.name or f"Part {part.position}",
                    STATES[part.state],
                    str(part.value) if part.value else "no amount",
                ),
            )
            for part in sources.parts
        ),
        empty="It is one piece.",
    )


def _work_of_others(deal: Opportunity) -> Table:
    return Table(
        name="subcontracting",
        label="Work of others",
        columns=(
            Column(label="Role"),
            Column(label="Vendor"),
            Column(label="Hours", figures=True),
            Column(label="Cost", figures=True, costs=True),
        ),
        rows=tuple(
            _texts(
                need.role,
                need.vendor or "procurement chooses",
                words.hours(need.hours),
                str(need.cost),
            )
            for need in deal.subcontracting
        ),
        empty="Nothing is bought from others.",
    )
