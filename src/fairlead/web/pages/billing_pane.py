"""What is beside the board: one card with its preview, why it waits, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fairlead.capabilities.billing.paper import InvoicePaper, paper_of, preview_of
from fairlead.domain.rules.billing_readiness import Readiness
from fairlead.domain.values import Money
from fairlead.store import invoice_views, readiness_board
from fairlead.trust.roles import Permission
from fairlead.web.formats import Tone, words
from fairlead.web.pages import invoice_acts
from fairlead.web.pages.billing_board import Why, invoice_why, sees
from fairlead.web.pages.billing_words import CHECKS, KINDS, STATES, settled_at
from fairlead.web.pages.invoice_acts import Acts
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of


@dataclass(frozen=True)
class Check:
    """One that is not passed, with who settles it and where."""

    title: str
    words: str
    tone: Tone
    icon: str
    amount: Money
    team: str
    people: str
    remedy: str
    expected: date | None
    href: str


@dataclass(frozen=True)
class Held:
    id: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class ReadyPane:
    """Of an engagement that has something to bill."""

    number: str
    client: str
    name: str
    ready: Money
    held: Money
    percent: int | None
    ready_on: date | None
    checks: tuple[Check, ...]
    passed: tuple[str, ...]
    hold: Held | None
    computed_at: datetime
    may: bool  #: draft, hold, lift
    today: date

    @property
    def total(self) -> int:
        return len(self.checks) + len(self.passed)


@dataclass(frozen=True)
class InvoicePane:
    id: str
    reference: str
    version: int
    digest: str
    kind: str
    state: str
    tone: Tone
    engagement: str
    paper: InvoicePaper
    why: Why
    steps: tuple[tuple[str, str, datetime], ...]  #: what was done, by whom, when
    reason: str | None
    acts: Acts


def invoice_pane(visit: Visit, name: str) -> InvoicePane | None:
    """Null where there is none to see. Three queries at most."""
    row = invoice_acts.read(visit, name)
    if row is None:
        return None
    lines = invoice_views.lines(visit.tx, row["id"])
    label, tone = STATES[row["state"]]
    return InvoicePane(
        id=row["id"],
        reference=row["reference"],
        version=row["version"],
        digest=row["digest"],
        kind=KINDS[row["kind"]],
        state=label,
        tone=tone,
        engagement=row["engagement"],
        paper=paper_of(row, lines, visit.parts.billing.entity(row["legal_entity"])),
        why=invoice_why(visit, row),
        steps=steps_of(visit, row),
        reason=row["reason"],
        acts=invoice_acts.acts_of(visit, row),
    )


def steps_of(visit: Visit, row: Mapping[str, Any]) -> tuple[tuple[str, str, datetime], ...]:
    """`Drafted`, `Reviewed`, `Released`, `Posted`, `Paid`: those that were taken."""
    taken = (
        ("Drafted", row["proposed_by"], row["proposed_at"]),
        ("Reviewed", row["reviewed_by"], row["reviewed_at"]),
        ("Released", row["released_by"], row["released_at"]),
        ("Posted", "fairlead", row["posted_at"]),
        ("Paid", "fairlead", row["paid_at"]),
    )
    return tuple((what, name_of(visit, who), at) for what, who, at in taken if at is not None)


def ready_pane(visit: Visit, number: str) -> ReadyPane | None:
    """Null where there is no such engagement to see. One query."""
    row = readiness_board.one(visit.tx, sees(visit), number)
    if row is None:
        return None
    found = Readiness.model_validate(row["body"])
    failed = {blocker.code for blocker in found.blockers}
    return ReadyPane(
        number=row["number"],
        client=row["client_name"],
        name=found.name,
        ready=found.ready,
        held=found.held,
        percent=found.percent,
        ready_on=found.ready_on,
        checks=tuple(
            Check(
                title=CHECKS[one.code],
                words=f"{one.words[:1].upper()}{one.words[1:]}",
                tone="bad" if one.expected_on is None else "warn",
                icon="s-block" if one.expected_on is None else "s-wait",
                amount=one.amount,
                team=words(one.team),
                people=", ".join(_named(visit, one.people)),
                remedy=one.remedy,
                expected=one.expected_on,
                href=settled_at(one.code, row["number"]),
            )
            for one in found.blockers
        ),
        passed=tuple(text for code, text in CHECKS.items() if code not in failed),
        hold=Held(row["hold_id"], row["hold"], name_of(visit, row["held_by"]), row["held_at"])
        if row["hold_id"]
        else None,
        computed_at=row["computed_at"],
        may=visit.who.may(Permission.BILLING_PROPOSE),
        today=visit.clock.today,
    )


def preview(visit: Visit, number: str) -> tuple[InvoicePaper, ...] | None:
    """What drafting it today would make; null where there is no such engagement to see."""
    row = readiness_board.one(visit.tx, sees(visit), number)
    if row is None:
        return None
    made = visit.parts.billing.proposing.preview(visit.tx, row["engagement_id"])
    entity = visit.parts.billing.entity(row["legal_entity"])
    return tuple(preview_of(row, header, lines, entity, now=visit.now) for header, lines in made)


def _named(visit: Visit, people: Sequence[str]) -> list[str]:
    return [name_of(visit, who) for who in people]
