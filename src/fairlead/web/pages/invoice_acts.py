"""What this reader may do with an invoice; what they may not, with the reason and whom to ask.

It only says beforehand what the command says anyhow: `capabilities.billing` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from fairlead.domain.model.dispute import DisputeCause
from fairlead.domain.model.invoice import INVOICE_MOVES, InvoiceKind, InvoiceState
from fairlead.domain.values import Money
from fairlead.store import invoice_hands, invoice_views
from fairlead.trust.principals import Person
from fairlead.trust.roles import Permission
from fairlead.web.formats import money_text, words
from fairlead.web.pages.billing_board import sees
from fairlead.web.visit import Visit
from fairlead.web.who_else import ask

#: Limits count over so many days, as in `capabilities.billing.releasing`.
WINDOW = timedelta(days=30)


@dataclass(frozen=True)
class Act:
    """One thing to do. `closed`: why this reader may not."""

    name: str
    label: str
    icon: str
    follows: str
    reason: bool = False  #: must be given
    primary: bool = False
    closed: str | None = None


@dataclass(frozen=True)
class Acts:
    acts: tuple[Act, ...]
    causes: tuple[tuple[str, str], ...]  #: of a dispute

    @property
    def open(self) -> tuple[Act, ...]:
        return tuple(act for act in self.acts if act.closed is None)

    @property
    def closed(self) -> tuple[Act, ...]:
        return tuple(act for act in self.acts if act.closed is not None)

    def has(self, name: str) -> bool:
        return any(act.name == name for act in self.open)


def read(visit: Visit, name: str) -> dict[str, Any] | None:
    """The invoice by id or reference, as the reader sees it."""
    since = visit.now - WINDOW
    return invoice_views.one(visit.tx, sees(visit), name, me=visit.who.id, since=since)


def acts_of(visit: Visit, row: Mapping[str, Any]) -> Acts:
    """`row`: of `read`. Asks one query, and only where the reader could release it."""
    state, kind = InvoiceState(row["state"]), InvoiceKind(row["kind"])
    found: list[Act] = []
    proposes = _closed(visit, row, Permission.BILLING_PROPOSE)
    if state is InvoiceState.PROPOSED:
        found.append(
            Act("review", "Review", "check", "It was looked at as it stands, and waits for release "
                "by another person.", primary=True, closed=proposes)
        )  # fmt: skip
    if state is InvoiceState.REVIEWED:
        found.append(
            Act("release", "Release", "arrow-r", _follows(kind), primary=True,
                closed=_release_closed(visit, row))
        )  # fmt: skip
    if (state, InvoiceState.DISCARDED) in INVOICE_MOVES:
        found.append(
            Act("discard", "Discard", "x", "It is given up; what it held may be drafted again.",
                reason=True, closed=proposes)
        )  # fmt: skip
    if row["released_at"] is not None and kind is not InvoiceKind.CREDIT:
        found.append(
            Act("credit", "Credit", "replay", "A credit of all that is left is drafted; it is "
                "reviewed and released as an invoice is.", reason=True, closed=proposes)
        )  # fmt: skip
    if row["released_at"] is not None and kind is InvoiceKind.INVOICE:
        found.append(
            Act("dispute", "Dispute", "octagon", "What the client does not accept is recorded with "
                "its cause.", reason=True, closed=proposes)
        )  # fmt: skip
    if state is InvoiceState.RELEASED and row["run_id"] is None:
        closed = _closed(visit, row, Permission.BILLING_RELEASE)
        found.append(
            Act("send", "Send again", "retry", "Another run carries it to the ledger; what was "
                "done is found, not repeated.", closed=closed)
        )  # fmt: skip
    causes = tuple((str(cause), words(cause)) for cause in DisputeCause)
    return Acts(tuple(found), causes)


def _follows(kind: InvoiceKind) -> str:
    if kind is InvoiceKind.WRITE_OFF:
        return "What it names is given up for good; the client hears nothing."
    return "It may go out: a run carries it to the ledger, which numbers, taxes and posts it."


def _closed(visit: Visit, row: Mapping[str, Any], permission: Permission) -> str | None:
    if visit.who.may(permission):
        return None
    who = "Finance only" if permission is Permission.BILLING_PROPOSE else "Controller only"
    return f"{who}. {ask(_able(visit, row, permission))}"


def _release_closed(visit: Visit, row: Mapping[str, Any]) -> str | None:
    closed = _closed(visit, row, Permission.BILLING_RELEASE)
    if closed is not None:
        return closed
    others = _able(visit, row, Permission.BILLING_RELEASE)
    if visit.acting.aliases() & {
        who.casefold() for who in invoice_hands.hands(visit.tx, row["id"])
    }:
        mine = row["proposed_by"] == visit.who.id
        why = "you proposed it" if mine else "you did, entered or approved its work"
        return f"Not by you: {why}. {ask(others)}"
    total = row["my_released"] + at_stake(row)
    if not visit.acting.may_commit(total, row["currency"]):
        told = money_text(Money(amount=total, currency=row["currency"]), cents=True)
        return (
            f"Over your limit: {told}, with what you released for this engagement in 30 days. "
            f"{ask(others)}"
        )
    return None


def at_stake(row: Mapping[str, Any]) -> Decimal:
    """As `capabilities.billing.releasing` counts it."""
    amount = row["items_amount"] if row["kind"] == InvoiceKind.WRITE_OFF else row["net"]
    return abs(amount)


def _able(visit: Visit, row: Mapping[str, Any], permission: Permission) -> list[Person]:
    """Others who have the permission for its region and company."""
    found: list[Person] = []
    for person in visit.parts.people.all():
        principal = person.principal()
        sees_it = principal.sees(region=row["region"], legal_entity=row["legal_entity"])
        if person.active and person.id != visit.who.id and principal.may(permission) and sees_it:
            found.append(person)
    return found
