"""One invoice with all that stands behind it: lines, what each is made of, who approved it, which
clause and rate it comes from, and what became of it (F085)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fairlead.capabilities.billing.paper import InvoicePaper, paper_of
from fairlead.domain.values import Money
from fairlead.store import invoice_views
from fairlead.web import deeds
from fairlead.web.formats import Tone, words
from fairlead.web.pages import invoice_acts
from fairlead.web.pages.billing_board import Why, invoice_why
from fairlead.web.pages.billing_pane import steps_of
from fairlead.web.pages.billing_words import KINDS, STATES
from fairlead.web.pages.invoice_acts import Acts
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of

ITEMS = 100  #: of a line, on one page
_TOLD = ("reason", "number", "credit", "cause", "clause", "outcome")  #: of an event, in words


@dataclass(frozen=True)
class Item:
    id: str
    kind: str
    what: str
    day: date | None
    person: str | None
    role: str | None
    hours: Decimal | None
    rate: Money | None
    mark_up: Decimal | None
    source: str  #: where its price comes from
    amount: Money
    less: tuple[tuple[str, Money], ...]  #: discount, cap, retainer
    approved: str
    approved_at: datetime | None
    evidence: str
    stands: str | None  #: where it is by now, if not in this one
    pick: str


@dataclass(frozen=True)
class Past:
    what: str
    who: str
    at: datetime
    said: str


@dataclass(frozen=True)
class Settled:
    """A payment, a credit or a dispute."""

    what: str
    name: str
    day: date
    amount: Money | None
    state: str
    detail: str
    href: str | None


@dataclass(frozen=True)
class Shown:
    id: str
    reference: str
    version: int
    digest: str
    kind: str
    state: str
    tone: Tone
    client: str
    engagement: str
    engagement_name: str
    net: Money
    paper: InvoicePaper
    why: Why
    steps: tuple[tuple[str, str, datetime], ...]
    reason: str | None
    terms: str
    line: int
    line_words: str
    items: tuple[Item, ...]
    next: int | None  #: offset of the next page of items
    offset: int
    history: tuple[Past, ...]
    settled: tuple[Settled, ...]
    run: str | None
    exception: str | None
    acts: Acts
    may_exclude: bool


def read(visit: Visit, name: str, *, line: int, offset: int) -> Shown | None:
    """Null where there is none to see. Six queries at most."""
    row = invoice_acts.read(visit, name)
    if row is None:
        return None
    lines = invoice_views.lines(visit.tx, row["id"])
    numbers = [one["line"] for one in lines]
    shown = line if line in numbers else numbers[0] if numbers else 1
    items = invoice_views.items(visit.tx, row["id"], shown, offset=offset, limit=ITEMS + 1)
    label, tone = STATES[row["state"]]
    currency = row["currency"]
    acts = invoice_acts.acts_of(visit, row)
    return Shown(
        id=row["id"],
        reference=row["reference"],
        version=row["version"],
        digest=row["digest"],
        kind=KINDS[row["kind"]],
        state=label,
        tone=tone,
        client=row["client_name"],
        engagement=row["engagement"],
        engagement_name=row["engagement_name"],
        net=Money(amount=row["net"], currency=currency),
        paper=paper_of(row, lines, visit.parts.billing.entity(row["legal_entity"])),
        why=invoice_why(visit, row),
        steps=steps_of(visit, row),
        reason=row["reason"],
        terms=_terms(row["terms"]),
        line=shown,
        line_words=next((one["description"] for one in lines if one["line"] == shown), ""),
        items=tuple(_item(visit, one, currency) for one in items[:ITEMS]),
        next=offset + ITEMS if len(items) > ITEMS else None,
        offset=offset,
        history=_history(visit, invoice_views.history(visit.tx, row)),
        settled=_settled(visit, invoice_views.settled(visit.tx, row["id"])),
        run=row["run_id"],
        exception=row["exception_id"],
        acts=acts,
        may_exclude=acts.has("discard") and row["kind"] == "invoice",
    )


def _terms(text: str | None) -> str:
    """The policy by which it was made."""
    if text is None:
        return "not kept"
    found = text.partition('"decided_by":"')[2].partition('"')[0]
    return found or "not kept"


def _item(visit: Visit, row: Mapping[str, Any], currency: str) -> Item:
    kind, minutes = row["kind"], row["minutes"]
    is_time = kind == "time"
    return Item(
        id=str(row["item_id"]),
        kind=words(kind),
        what=row["what"] or words(row["role"] or kind),
        day=row["day"],
        person=row["person"]
        or (name_of(visit, row["resource_id"]) if row["resource_id"] else None),
        role=words(row["role"]) if row["role"] else None,
        hours=None if minutes is None else Decimal(minutes) / 60,
        rate=Money(amount=row["rate"], currency=currency) if is_time and row["rate"] else None,
        mark_up=row["rate"] if kind == "expense" and row["rate"] else None,
        source=row["rate_source"] or row["charge_source"] or row["clause"] or "at cost",
        amount=Money(amount=row["amount"], currency=currency),
        less=tuple(
            (label, Money(amount=row[name], currency=currency))
            for name, label in _LESS.items()
            if row[name]
        ),
        approved=name_of(visit, row["decided_by"]) if row["decided_by"] else "the contract",
        approved_at=row["decided_at"],
        evidence=_evidence(row),
        stands=_stands(row),
        pick=f"{kind}:{row['item_id']}",
    )


_LESS = {"discount": "discount", "capped": "beyond the cap", "drawn": "paid by the retainer"}


def _evidence(row: Mapping[str, Any]) -> str:
    match row["kind"]:
        case "expense":
            return "receipt" if row["receipt"] else "no receipt"
        case "milestone":
            number = row["evidence"]
            return f"{number} document{'' if number == 1 else 's'}" if number else "no document"
        case "charge":
            return row["clause"] or "the contract"
        case _:
            return "approved entry"


def _stands(row: Mapping[str, Any]) -> str | None:
    if row["live"]:
        return None
    return f"now in {row['live_in']}" if row["live_in"] else "free again"


def _history(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> tuple[Past, ...]:
    """Newest first."""
    return tuple(
        Past(
            what=_what(row["type"]),
            who=name_of(visit, row["actor"]),
            at=row["at"],
            said=", ".join(
                str(row["attributes"][name]) for name in _TOLD if row["attributes"].get(name)
            ),
        )
        for row in reversed(rows)
    )


def _what(type: str) -> str:
    told = {"proposed": "Drafted", "release_asked": "Released, second word asked"}
    plain = type.rpartition(".")[2]
    return told.get(plain) or deeds.done(type)


def _settled(visit: Visit, rows: Sequence[Mapping[str, Any]]) -> tuple[Settled, ...]:
    del visit
    return tuple(
        Settled(
            what=words(row["what"]),
            name=words(row["name"]) if row["what"] == "dispute" else row["name"],
            day=row["on_day"],
            amount=None
            if row["amount"] is None
            else Money(amount=row["amount"], currency=row["currency"]),
            state=STATES[row["state"]][0] if row["what"] == "credit" else words(row["state"] or ""),
            detail=row["detail"] or "",
            href=f"/billing/invoices/{row['name']}" if row["what"] == "credit" else None,
        )
        for row in rows
    )
