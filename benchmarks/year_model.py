"""What a firm's work must be billed and earned at, worked out without Fairlead.

Written from the rules in docs/billing.md and docs/revenue.md, in plain Python; it imports nothing
of the product, so that a mistake there is no mistake here. Amounts are `Decimal` in the currency's
minor unit; days are those of the entries. One engagement is one `Account`; all that was approved
is added to it, and `bill` says what an invoice must have, item by item.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

ZERO = Decimal(0)
_WORK = ("expense", "time")


def half_up(amount: Decimal, places: int) -> Decimal:
    """To so many places, half away from zero."""
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


@dataclass
class Parts:
    """What an item is billed at: its price, and what is taken off it."""

    amount: Decimal = ZERO
    discount: Decimal = ZERO
    capped: Decimal = ZERO
    drawn: Decimal = ZERO

    @property
    def work(self) -> Decimal:
        """What counts against a cap: a retainer that pays for it is no reduction."""
        return self.amount + self.discount + self.capped

    @property
    def net(self) -> Decimal:
        return self.work + self.drawn

    def plus(self, other: Parts) -> Parts:
        return Parts(*(a + b for a, b in zip(self.told(), other.told(), strict=True)))

    def negative(self) -> Parts:
        return Parts(*(-part for part in self.told()))

    def told(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        return self.amount, self.discount, self.capped, self.drawn


@dataclass
class Item:
    """Approved work, an expense, a milestone or a fee."""

    kind: str  #: time, expense, milestone or charge
    id: str
    day: date
    minutes: int = 0
    role: str = ""
    resource: str = ""
    cost: Decimal = ZERO  #: of an expense or fee, without mark-up
    retainer: bool = False
    billable: bool = True
    reverses: str | None = None
    period: date | None = None  #: first day of the month that it is booked in
    live_in: str | None = None  #: our name of the invoice that has it now
    left: Parts | None = None  #: what it is billed at, less credits; of one that was billed
    held: bool = False
    written_off: bool = False
    given: Decimal = ZERO  #: of its price, credited for good


@dataclass
class Terms:
    currency: str
    places: int
    as_worked: bool
    split: bool = False  #: an invoice for each month
    mark_up: Decimal = ZERO
    discount: Decimal = ZERO
    discount_from: Decimal = ZERO
    cap: Decimal | None = None


@dataclass
class Account:
    """One engagement's books."""

    name: str
    terms: Terms
    rates: dict[str, list[tuple[date, Decimal]]]  #: role → (from, per hour), oldest first
    items: dict[str, Item] = field(default_factory=dict[str, Item])
    billed: list[tuple[date, Decimal]] = field(default_factory=list[tuple[date, Decimal]])
    work: Decimal = ZERO  #: billed against the cap
    retainer: Decimal = ZERO  #: left of it

    def add(self, item: Item) -> None:
        assert item.id not in self.items, f"{item.id} is there twice"
        self.items[item.id] = item

    def price(self, item: Item) -> Decimal:
        """Before any reduction."""
        if item.kind == "time":
            rate = [rate for start, rate in self.rates[item.role] if start <= item.day][-1]
            return half_up(Decimal(item.minutes) * rate / 60, self.terms.places)
        if item.kind == "expense":
            return half_up(item.cost * (1 + self.terms.mark_up), self.terms.places)
        return item.cost

    def _taken_back(self) -> set[str]:
        return {item.reverses for item in self.items.values() if item.reverses}

    def _fresh(self, until: date, dated_on: date) -> list[Item]:
        gone = self._taken_back()
        return [
            item
            for item in self.items.values()
            if item.live_in is None
            and not item.held
            and item.billable
            and item.reverses is None
            and item.id not in gone
            and (item.kind != "time" or self.terms.as_worked)
            and (item.day <= (until if item.kind in _WORK else dated_on))
        ]

    def bill(self, until: date, dated_on: date) -> dict[str, dict[str, Parts]]:
        """What must be invoiced: by invoice (a month, or all), by item. Nothing is booked yet."""
        found: list[tuple[str, Item, Parts]] = []
        last = ""
        for item in self._fresh(until, dated_on):
            period = f"{item.day:%Y-%m}" if self.terms.split else ""
            last = max(last, period)
            found.append((period, item, Parts(self.price(item))))
        back: list[tuple[str, Item, Parts]] = []
        for item in self.items.values():
            if item.reverses is None or item.live_in is not None or item.day > until:
                continue
            original = self.items[item.reverses]
            if original.live_in is None or original.left is None or original.written_off:
                continue
            period = last or (f"{item.day:%Y-%m}" if self.terms.split else "")
            back.append((period, item, original.left.negative()))
        self._discount(found)
        kept = self._cap(found, back)
        self._draw(kept)
        invoices: dict[str, dict[str, Parts]] = defaultdict(dict)
        for period, item, parts in [*kept, *back]:
            invoices[period][item.id] = parts
        return {
            period: items
            for period, items in invoices.items()
            if sum((parts.net for parts in items.values()), ZERO) >= 0
        }

    def _discount(self, found: list[tuple[str, Item, Parts]]) -> None:
        volume: dict[str, Decimal] = defaultdict(Decimal)
        for period, item, parts in found:
            if item.kind in _WORK:
                volume[period] += parts.amount
        for period, item, parts in found:
            if item.kind in _WORK and volume[period] >= self.terms.discount_from:
                parts.discount = -half_up(parts.amount * self.terms.discount, self.terms.places)

    def _cap(
        self, found: list[tuple[str, Item, Parts]], back: list[tuple[str, Item, Parts]]
    ) -> list[tuple[str, Item, Parts]]:
        if self.terms.cap is None:
            return found
        room = self.terms.cap - self.work - sum((p.work for _, _, p in back), ZERO)
        kept: list[tuple[str, Item, Parts]] = []
        for period, item, parts in sorted(found, key=_order):
            if item.kind in _WORK:
                if room <= 0:
                    continue  # beyond the cap: it stays unbilled
                room -= parts.net
                if room < 0:
                    parts.capped = room
            kept.append((period, item, parts))
        return kept

    def _draw(self, found: list[tuple[str, Item, Parts]]) -> None:
        left = self.retainer
        for _, item, parts in sorted(found, key=_order):
            if item.kind in _WORK and left > 0 and parts.net > 0:
                parts.drawn = -min(parts.net, left)
                left += parts.drawn

    def book(self, invoice: str, dated_on: date, items: dict[str, Parts]) -> None:
        """It was released and posted."""
        for id, parts in items.items():
            item = self.items[id]
            item.live_in, item.left = invoice, parts
            if item.kind in _WORK:
                self.work += parts.work
            self.retainer += parts.drawn + (parts.net if item.retainer else ZERO)
            if item.reverses:  # nothing is left of either
                item.left = self.items[item.reverses].left = Parts()
        self.billed.append((dated_on, sum((parts.net for parts in items.values()), ZERO)))

    def credit(self, dated_on: date, taken: dict[str, Decimal | None]) -> Decimal:
        """Book a credit: of items in whole (null), which are free again, or of amounts."""
        net = ZERO
        for id, amount in taken.items():
            item = self.items[id]
            assert item.left is not None
            parts = item.left if amount is None else Parts(amount)
            net -= parts.net
            if item.kind in _WORK:
                self.work -= parts.work
            self.retainer -= parts.drawn
            if amount is None:
                item.live_in, item.left = None, None
            else:
                item.left = item.left.plus(parts.negative())
                item.given += amount
        self.billed.append((dated_on, net))
        return net

    def give_up(self, ids: list[str]) -> None:
        """Written off: in a document that comes to nothing."""
        for id in ids:
            item = self.items[id]
            item.live_in, item.left, item.written_off = "write-off", Parts(), True

    def billed_by(self, on: date) -> Decimal:
        return sum((net for day, net in self.billed if day <= on), ZERO)

    def earned_as_invoiced(self, on: date) -> Decimal:
        """By the right to invoice: what is in invoices as it is there, the rest at its rate."""
        total = ZERO
        for item in self.items.values():
            if item.retainer:
                continue
            late = item.period is not None and item.period > on
            if item.kind in _WORK and (item.day > on or late or not item.billable):
                continue
            if item.live_in is not None:
                total += item.left.work if item.left else ZERO
            elif item.kind == "time":
                total += self.price(item)
            elif item.kind == "expense":
                total += item.cost
        return total if self.terms.cap is None else min(total, self.terms.cap)

    def minutes_by(self, on: date) -> int:
        """Approved and booked by then, billable or not."""
        return sum(
            item.minutes
            for item in self.items.values()
            if item.kind == "time" and item.day <= on and (item.period or on) <= on
        )


def _order(row: tuple[str, Item, Parts]) -> tuple[date, str, str]:
    return row[1].day, row[1].kind, row[1].id


def by_share(price: Decimal, done: int, total: int, places: int) -> Decimal:
    """So much of a price as of the whole is done, rounded half to even."""
    exact = Fraction(price) * done / total
    return Decimal(round(exact * 10**places)).scaleb(-places)


def straight_line(price: Decimal, starts_on: date, ends_on: date, on: date, places: int) -> Decimal:
    """Even over the days of a service, both ends counted."""
    whole = (ends_on - starts_on).days + 1
    return by_share(price, min(max((on - starts_on).days + 1, 0), whole), whole, places)
