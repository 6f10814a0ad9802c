"""What billing must come to, said a second time and plainly: one item after the other, in decimals.

It knows nothing of tables, of statements over sets or of whole minor units, so that it does not
share a mistake with what it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")
_NOTHING = (Decimal(0), Decimal(0), Decimal(0))

Parts = tuple[Decimal, Decimal, Decimal]  #: amount, discount, what is capped


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


@dataclass
class Entry:
    id: str
    day: date
    minutes: int
    role: str
    approved: bool = False
    reverses: str | None = None


@dataclass
class Document:
    id: str
    kind: str
    items: dict[str, Parts]
    credits: str | None = None
    frees: frozenset[str] = frozenset()
    state: str = "proposed"

    @property
    def stands(self) -> bool:
        return self.state != "discarded"

    @property
    def net(self) -> Decimal:
        return sum((sum(parts, Decimal(0)) for parts in self.items.values()), Decimal(0))


@dataclass
class Model:
    discount: Decimal  #: of what comes to `discount_from` or more
    discount_from: Decimal
    cap: Decimal | None = None
    rates: dict[str, list[tuple[date, Decimal]]] = field(
        default_factory=dict[str, list[tuple[date, Decimal]]]
    )
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    documents: dict[str, Document] = field(default_factory=dict[str, Document])
    live: dict[str, str] = field(default_factory=dict[str, str])  #: item → its invoice

    def rate(self, entry: Entry) -> Decimal | None:
        found = [
            rate for since, rate in sorted(self.rates.get(entry.role, ())) if since <= entry.day
        ]
        return found[-1] if found else None

    def reversal(self, id: str) -> Entry | None:
        return next((e for e in self.entries.values() if e.reverses == id), None)

    def left(self, id: str) -> Parts:
        """What is left of a live item: as billed, with credits and what takes it back."""
        invoice = self.live[id]
        parts = [self.documents[invoice].items[id]]
        parts += [
            d.items[id]
            for d in self.documents.values()
            if d.credits == invoice and d.stands and id in d.items
        ]
        taker = self.reversal(id)
        if taker is not None and taker.id in self.live:
            parts.append(self.left(taker.id))
        return _sum(parts)

    def claim(self, id: str) -> Decimal:
        """What the client is asked for an entry and whatever takes it back, over all documents."""
        taker = self.reversal(id)
        ids = {id, *([taker.id] if taker else [])}
        return sum(
            (
                sum(d.items[i], Decimal(0))
                for d in self.documents.values()
                if d.stands
                for i in ids & d.items.keys()
            ),
            Decimal(0),
        )

    @property
    def work(self) -> Decimal:
        """What counts against the cap."""
        return sum(
            (
                d.net
                for d in self.documents.values()
                if d.stands and (d.kind == "invoice" or d.state == "released")
            ),
            Decimal(0),
        )

    def proposal(self) -> dict[str, Parts]:
        """The items of the invoice that a proposal makes now, with their amounts."""
        fresh: dict[str, Parts] = {}
        fixed: dict[str, Parts] = {}
        for entry in self.entries.values():
            if not entry.approved or entry.id in self.live:
                continue
            if entry.reverses is None:
                rate = self.rate(entry)
                if self.reversal(entry.id) is None and rate is not None:
                    fresh[entry.id] = (cents(entry.minutes * rate / 60), Decimal(0), Decimal(0))
            elif self._is_billed(entry.reverses):
                amount, discount, capped = self.left(entry.reverses)
                fixed[entry.id] = (-amount, -discount, -capped)
        if sum((amount for amount, _, _ in fresh.values()), Decimal(0)) >= self.discount_from:
            fresh = {
                id: (amount, -cents(amount * self.discount), Decimal(0))
                for id, (amount, _, _) in fresh.items()
            }
        found = self._within_cap(fresh, fixed)
        return found if sum(sum(parts) for parts in found.values()) >= 0 else {}

    def _is_billed(self, id: str) -> bool:
        if id not in self.live:
            return False
        invoice = self.documents[self.live[id]]
        on_its_way = any(
            d.kind == "credit" and d.state in ("proposed", "reviewed") and id in d.items
            for d in self.documents.values()
        )
        return invoice.state == "released" and not on_its_way

    def _within_cap(self, fresh: dict[str, Parts], fixed: dict[str, Parts]) -> dict[str, Parts]:
        if self.cap is None:
            return fresh | fixed
        room = self.cap - self.work
        every = fresh | fixed
        room -= sum((sum(p) for p in every.values() if sum(p) < 0), Decimal(0))
        kept = {id: p for id, p in every.items() if sum(p) <= 0}
        for id in sorted(every.keys() - kept.keys(), key=lambda i: (self.entries[i].day, i)):
            if room <= 0:
                continue
            amount, discount, capped = every[id]
            beyond = max(Decimal(0), sum(every[id], Decimal(0)) - room)
            kept[id] = (amount, discount, -beyond if beyond else capped)
            room -= sum(every[id])
        return kept

    def whole(
        self, invoice: str, wanted: set[str] | None = None
    ) -> tuple[dict[str, Parts], set[str]]:
        """What a credit of these items (null: all) takes back, and which of them it frees."""
        items: dict[str, Parts] = {}
        frees: set[str] = set()
        for id in self.documents[invoice].items:
            if self.live.get(id) != invoice or (wanted is not None and id not in wanted):
                continue
            amount, discount, capped = self.left(id)
            credited = any(
                d.credits == invoice and d.stands and id in d.items for d in self.documents.values()
            )
            taker = self.reversal(id)
            reversed_ = taker is not None and taker.id in self.live
            if (credited or reversed_) and not any((amount, discount, capped)):
                continue
            items[id] = (-amount, -discount, -capped)
            if not reversed_:
                frees.add(id)
        return items, frees

    def is_being_credited(self, items: set[str]) -> bool:
        """Is there a credit of one of them that is not released yet?"""
        return any(
            d.kind == "credit" and d.state in ("proposed", "reviewed") and items & d.items.keys()
            for d in self.documents.values()
        )

    def add(self, document: Document) -> None:
        self.documents[document.id] = document
        if document.kind == "invoice":
            self.live |= dict.fromkeys(document.items, document.id)

    def discard(self, id: str) -> None:
        self.documents[id].state = "discarded"
        self.live = {item: invoice for item, invoice in self.live.items() if invoice != id}

    def release(self, id: str) -> None:
        document = self.documents[id]
        document.state = "released"
        for item in document.frees:
            taker = self.reversal(item)
            if taker is None or taker.id not in self.live:
                self.live.pop(item, None)

    def is_outdated(self, id: str) -> bool:
        document = self.documents[id]
        return document.kind == "invoice" and any(self.reversal(i) for i in document.items)


def _sum(parts: list[Parts]) -> Parts:
    amount, discount, capped = _NOTHING
    for one in parts:
        amount, discount, capped = amount + one[0], discount + one[1], capped + one[2]
    return amount, discount, capped
