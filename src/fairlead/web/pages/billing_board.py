"""The lanes of the board: what is blocked, ready, drafted, released and posted, as cards (F081).

One that is ready in part stands among the blocked with the rest. Sums are per currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from fairlead.domain.model.invoice import InvoiceState
from fairlead.domain.rules.billing_readiness import Blocker, Readiness
from fairlead.domain.values import Money
from fairlead.store import readiness_board
from fairlead.store.invoices import Sees
from fairlead.web.addresses import Address
from fairlead.web.formats import MONTHS, Tone, count, words
from fairlead.web.pages.billing_words import CHECKS, what_of
from fairlead.web.visit import Visit, role_words
from fairlead.web.who_else import name_of

PATH = "/billing"
LANES: Mapping[str, str] = {
    "blocked": "Blocked",
    "ready": "Ready",
    "drafted": "Drafted",
    "released": "Released",
    "posted": "Posted",
}
#: Older than this the board is said to be: nobody keeps it.
_STALE_S = 30 * 60
_MOST_WHY = 3


@dataclass(frozen=True)
class Why:
    tone: Tone
    icon: str
    text: str


@dataclass(frozen=True)
class Card:
    key: str  #: number of the engagement, or reference of the invoice
    lane: str
    href: str
    client: str
    what: str
    amount: Money
    age: str
    why: tuple[Why, ...]
    more: int  #: reasons that are not told here


@dataclass(frozen=True)
class Lane:
    name: str
    label: str
    count: int
    totals: tuple[Money, ...]
    cards: tuple[Card, ...]
    empty: str
    all: str | None  #: address of all of them, where they are not all shown

    @property
    def tone(self) -> str:
        return {"blocked": "bad", "released": "warn"}.get(self.name, "") if self.count else ""


_EMPTY: Mapping[str, str] = {
    "blocked": "Nothing is held up.",
    "ready": "What is approved and priced comes here by itself.",
    "drafted": "Nothing waits for review or release.",
    "released": "Nothing is on its way to the ledger.",
    "posted": "Nothing is posted and unpaid.",
}


def sees(visit: Visit) -> Sees:
    return Sees(regions=visit.who.regions, entities=visit.who.legal_entities)


class Board:
    """Three queries, whatever is on it."""

    def __init__(self, visit: Visit) -> None:
        self._visit, self._sees = visit, sees(visit)
        entity = visit.query("entity", longest=40)
        known = {one.code for one in visit.parts.firm.legal_entities}
        self.entity = entity if entity in known else None
        self.address = Address(PATH, {"entity": self.entity} if self.entity else {})
        self.card = visit.query("card", longest=40) or None

    @property
    def today(self) -> date | None:
        """In the company whose board it is, or in all; null: it is not the same day in all."""
        companies = [one.code for one in self._visit.parts.firm.legal_entities]
        days = self._visit.parts.billing.days
        shown = [self.entity] if self.entity else companies
        found = {days.on(self._visit.now, company) for company in shown}
        return found.pop() if len(found) == 1 else None

    @property
    def here(self) -> str:
        return self.address.but(card=self.card)

    @cached_property
    def _sums(self) -> list[dict[str, Any]]:
        return readiness_board.sums(self._visit.tx, self._sees, self._visit.now)

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        visit = self._visit
        rows = readiness_board.ready(visit.tx, self._sees, self.entity)
        cards = [self._ready(row) for row in rows]
        drafted = readiness_board.invoices(visit.tx, self._sees, self.entity, visit.now)
        cards += [self._invoice(row) for row in drafted]
        return tuple(
            self._lane(name, label, tuple(card for card in cards if card.lane == name))
            for name, label in LANES.items()
        )

    def _lane(self, name: str, label: str, cards: tuple[Card, ...]) -> Lane:
        mine = [row for row in self._shown if row["lane"] == name]
        by: dict[str, Decimal] = {}
        for row in mine:
            by[row["currency"]] = by.get(row["currency"], Decimal(0)) + row["amount"]
        number = sum(row["count"] for row in mine)
        rest = None
        if number > len(cards):
            rest = f"{PATH}.csv{self.address.query}"
            if name not in ("blocked", "ready"):
                rest = Address(f"{PATH}/invoices", self.address.set).but(state=name)
        return Lane(
            name=name,
            label=label,
            count=number,
            totals=tuple(
                Money(amount=amount, currency=code)
                for code, amount in sorted(by.items(), key=lambda one: self._familiar(one[0]))
                if amount
            ),
            cards=cards,
            empty=_EMPTY[name],
            all=rest,
        )

    def _familiar(self, currency: str) -> tuple[bool, str]:
        """The currencies of our own companies first."""
        ours = {one.currency for one in self._visit.parts.firm.legal_entities}
        return currency not in ours, currency

    @property
    def _shown(self) -> list[dict[str, Any]]:
        return [row for row in self._sums if self.entity in (None, row["legal_entity"])]

    @property
    def ready(self) -> int:
        return sum(row["count"] for row in self._shown if row["lane"] == "ready")

    @property
    def tabs(self) -> tuple[tuple[str, str, int | None, bool], ...]:
        """Companies of ours that the reader sees: those with something on the board, and the one
        that is chosen."""
        there = {row["legal_entity"] for row in self._sums} | {self.entity}
        codes = [o.code for o in self._visit.parts.firm.legal_entities if o.code in there]
        if len(codes) < 2 and self.entity is None:
            return ()
        return (
            ("All entities", self.address.but(entity=None), None, self.entity is None),
            *((code, self.address.but(entity=code), None, code == self.entity) for code in codes),
        )

    @property
    def sub(self) -> str:
        """`November 2026, as of 15:40`."""
        clock = self._visit.clock
        month = f"{MONTHS[clock.today.month - 1]} {clock.today.year}"
        if self.as_of is None:
            return month
        return f"{month}, as of {clock.moment(self.as_of).removeprefix('today ')}"

    @cached_property
    def as_of(self) -> datetime | None:
        """When the oldest card of what is blocked or ready was worked out."""
        times = [row["computed_at"] for row in self._shown if row["computed_at"] is not None]
        return min(times, default=None)

    @property
    def is_stale(self) -> bool:
        at = self.as_of
        return at is not None and (self._visit.now - at).total_seconds() > _STALE_S

    @property
    def is_empty(self) -> bool:
        return not self._sums

    @property
    def first(self) -> str | None:
        """What is shown where the address chooses nothing."""
        cards = [card for lane in self.lanes for card in lane.cards]
        return cards[0].key if cards else None

    def _ready(self, row: Mapping[str, Any]) -> Card:
        found = Readiness.model_validate(row["body"])
        blocked = row["lane"] == "blocked"
        if blocked:
            why = tuple(blocker_why(self._visit, one) for one in found.blockers)
            since = row["since"]
        else:
            passed = len(CHECKS) - len({one.code for one in found.blockers})
            text = f"{passed} of {len(CHECKS)} checks passed"
            why = (Why("idle" if found.blockers else "ok", "s-ok", text),)
            since = row["ready_since"]
        return Card(
            key=row["number"],
            lane=row["lane"],
            href=self.address.but(card=row["number"]),
            client=row["client_name"],
            what=found.name,
            amount=found.held if blocked else found.ready,
            age=self._age(since),
            why=why[:_MOST_WHY],
            more=max(0, len(why) - _MOST_WHY),
        )

    def _invoice(self, row: Mapping[str, Any]) -> Card:
        return Card(
            key=row["reference"],
            lane=row["lane"],
            href=self.address.but(card=row["reference"]),
            client=row["client_name"],
            what=what_of(row),
            amount=Money(amount=row["net"], currency=row["currency"]),
            age=self._age(
                row["posted_at"] or row["released_at"] or row["reviewed_at"] or row["proposed_at"]
            ),
            why=(invoice_why(self._visit, row),),
            more=0,
        )

    def _age(self, since: datetime | None) -> str:
        if since is None:
            return ""
        return self._visit.clock.ago(since).removesuffix(" old")


def blocker_why(visit: Visit, one: Blocker) -> Why:
    """`3 entries of time wait for approval: Delivery operations`."""
    late = one.expected_on is not None and one.expected_on < visit.clock.today
    soon = one.expected_on is not None and not late
    words_of = f"{one.words[:1].upper()}{one.words[1:]}: {words(one.team)}"
    return Why("warn" if soon else "bad", "s-wait" if soon else "s-block", words_of)


def invoice_why(visit: Visit, row: Mapping[str, Any]) -> Why:
    """What one waits for, and whose turn it is."""
    clock = visit.clock
    match row["state"]:
        case InvoiceState.PROPOSED:
            return Why("warn", "s-wait", f"Review: finance. Drafted by {_by(visit, row)}")
        case InvoiceState.REVIEWED:
            text = f"Release: controller. Reviewed by {name_of(visit, row['reviewed_by'])}"
            return Why("warn", "s-wait", text)
        case InvoiceState.RELEASED if row["trouble"]:
            return Why("bad", "s-bad", f"{row['trouble']}: {words(row['trouble_team'])}")
        case InvoiceState.RELEASED if row["waits_for"]:
            return Why("warn", "s-wait", f"Second word: {role_words(row['waits_for']).lower()}")
        case InvoiceState.RELEASED:
            return Why("run", "s-run", "On its way to the ledger")
        case InvoiceState.PAID:
            return Why("ok", "s-ok", f"Paid {clock.day(row['paid_at'])}")
        case _:
            return _due(visit, row)


def _due(visit: Visit, row: Mapping[str, Any]) -> Why:
    if row["due_on"] is None:
        return Why("idle", "s-idle", "Posted; no due date told")
    days = (visit.clock.today - row["due_on"]).days
    if days > 0:
        return Why("bad", "s-bad", f"{count(days, 'day')} overdue")
    return Why("idle", "s-idle", f"Due {visit.clock.day(row['due_on'])}")


def _by(visit: Visit, row: Mapping[str, Any]) -> str:
    return name_of(visit, row["proposed_by"])
