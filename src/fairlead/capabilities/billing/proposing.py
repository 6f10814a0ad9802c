"""Proposing invoices: from all that is ready of some engagements to drafts that hold it.

One transaction, deliveries locked first and in one order, so that two who propose the same come
one after the other; the index over live items answers whoever gets past that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import polars as pl

from fairlead.capabilities.billing.documents import header_of
from fairlead.capabilities.billing.terms import Terms
from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.domain.rules.billing_amounts import RATE_SCALE, of_minor, to_minor
from fairlead.domain.rules.billing_blockers import BlockerCode, Stop, beyond_order, stops
from fairlead.domain.rules.billing_digest import digest
from fairlead.domain.rules.billing_proposal import ENGAGEMENTS, Proposal, propose
from fairlead.domain.rules.billing_terms import Demand, InvoicingTerms, Split
from fairlead.domain.values import Money, minor_units
from fairlead.errors import InvalidInput, NotFound, Problem
from fairlead.policy.tables import Policies
from fairlead.store import (
    billing_lineage,
    billing_standing,
    billing_work,
    deliveries,
    invoice_items,
    invoices,
    journal,
)
from fairlead.store.billing_work import Asked
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting

_LINE_KINDS = {"cap": "discount"}  #: what a line is called in the model, where it differs


@dataclass
class Proposed:
    """What came of one engagement."""

    engagement: str
    invoices: list[tuple[str, str, Money]] = field(default_factory=list[tuple[str, str, Money]])
    """(id, reference, net) of each."""
    items: int = 0
    held: Counter[str] = field(default_factory=Counter[str])  #: reason → how many items
    stops: tuple[Stop, ...] = ()  #: what holds the engagement as a whole

    @property
    def words(self) -> str:
        if self.stops:
            return "; ".join(stop.words for stop in self.stops)
        made = ", ".join(f"{reference} over {net}" for _, reference, net in self.invoices)
        left = ", ".join(f"{count} {code}" for code, count in sorted(self.held.items()))
        return "; ".join(filter(None, [made or "nothing to invoice", left and f"held: {left}"]))


@dataclass(frozen=True)
class _Ready:
    delivery: Delivery
    terms: InvoicingTerms
    order_left: Decimal | None  #: of its purchase order; null: no limit


@dataclass(frozen=True)
class _Drafting:
    """What is drafted, by whom and when."""

    kind: InvoiceKind
    acting: Acting
    dated_on: date
    now: datetime
    reason: str | None = None


class Proposing:
    def __init__(self, policies: Policies, days: CompanyDays) -> None:
        self._policies, self._days = policies, days

    def propose(
        self,
        tx: Tx,
        engagements: Sequence[str],
        acting: Acting,
        *,
        dated_on: date | None,
        until: date | None,
        only: Sequence[str] | None = None,
        asked_at: datetime | None = None,
    ) -> dict[str, Proposed]:
        """Draft what is ready of these engagements, up to the day `until`.

        `dated_on`: null is the day on which it was asked for (`asked_at`, null: now) in the company
        that invoices. `until`: null is the invoice's day. `only`: of these items. What holds an
        engagement as a whole, and who may not bill it (they approved or entered its work, or asked
        for its rates), is told, not raised: the others go on. Raises `InvalidInput` naming each of
        `only` that is no item of theirs, and `AlreadyBilled` where another holds an item after all.
        """
        now = database_time(tx)
        locked = deliveries.load(tx, engagements, lock=True)
        if only is not None:
            _must_be_of(tx, list(locked), only)
        of_day: dict[date, dict[str, Delivery]] = {}
        for id, delivery in locked.items():
            day = dated_on or self._days.on(asked_at or now, delivery.legal_entity)
            of_day.setdefault(day, {})[id] = delivery
        found: dict[str, Proposed] = {}
        for day, some in of_day.items():
            found |= self._propose(tx, some, acting, day, until or day, only, now)
        return {id: found[id] for id in locked}

    def _propose(
        self,
        tx: Tx,
        locked: Mapping[str, Delivery],
        acting: Acting,
        dated_on: date,
        until: date,
        only: Sequence[str] | None,
        now: datetime,
    ) -> dict[str, Proposed]:
        outcomes = {id: Proposed(id) for id in locked}
        so_far = billing_work.so_far(tx, list(locked))
        ready = self._ready(tx, locked, so_far, outcomes, acting, dated_on, until, now)
        if not ready:
            return outcomes
        asked = [
            Asked(
                engagement=id,
                minor_units=minor_units(one.delivery.currency),
                group_by=one.terms.group_by,
                needs_receipts=one.terms.receipts is Demand.REQUIRED,
            )
            for id, one in ready.items()
        ]
        table = _table(ready, so_far)
        zones = self._zones([one.delivery for one in ready.values()])
        work = billing_work.read(
            tx, asked, table, zones=zones, dated_on=dated_on, until=until, only=only
        )
        made = propose(work)
        order = list(ready.values())
        made = self._within_orders(made, order, outcomes)
        for number, because in made.held.select("e", "because").iter_rows():
            outcomes[order[int(number)].delivery.engagement].held[because] += 1
        drafting = _Drafting(InvoiceKind.INVOICE, acting, dated_on, now)
        self._write(tx, made, order, outcomes, drafting)
        return outcomes

    def preview(self, tx: Tx, engagement: str) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """What a proposal would draft today of an engagement, whatever holds it: the header and
        lines of each, as the store would have them, with how many `items` each line has. Nothing is
        written, and what a purchase order pays for does not count. Raises `NotFound`."""
        found = deliveries.load(tx, [engagement])
        if engagement not in found:
            raise NotFound("There is no such engagement.")
        delivery, now = found[engagement], database_time(tx)
        today = self._days.on(now, delivery.legal_entity)
        (standing,) = billing_standing.standing(tx, [engagement], today)
        one = _Ready(delivery, Terms(self._policies, now).of(standing), None)
        asked = Asked(
            engagement=engagement,
            minor_units=minor_units(delivery.currency),
            group_by=one.terms.group_by,
            needs_receipts=one.terms.receipts is Demand.REQUIRED,
        )
        table = _table({engagement: one}, billing_work.so_far(tx, [engagement]))
        zones = self._zones([delivery])
        made = propose(
            billing_work.read(tx, [asked], table, zones=zones, dated_on=today, until=today)
        )
        counts = made.items.group_by("period", "line").len("items")
        lines = made.lines.join(counts, on=["period", "line"], how="left", nulls_equal=True)
        previews: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
        for row in made.invoices.sort("period").iter_rows(named=True):
            header = {
                "net": of_minor(row["net"], delivery.currency).amount,
                "dated_on": today,
                "starts_on": row["starts_on"],
                "ends_on": row["ends_on"],
            }
            mine = lines.filter(pl.col("period").eq_missing(row["period"])).sort("line")
            raw = list(mine.iter_rows(named=True))
            told = zip(_worded(raw, delivery), raw, strict=True)
            previews.append(
                (
                    header,
                    [
                        {**line_row("", line, delivery.currency), "items": one["items"]}
                        for line, one in told
                    ],
                )
            )
        return previews

    def give_up(
        self,
        tx: Tx,
        engagement: str,
        acting: Acting,
        items: Sequence[str],
        *,
        reason: str,
        dated_on: date | None,
    ) -> Proposed:
        """Draft a write-off of these unbilled items of an engagement that the caller has locked.

        `dated_on`: null is today in its company. Held items are among those that can be given up,
        and no cap, discount or retainer counts. Raises `InvalidInput` naming items that could not
        be billed anyhow.
        """
        now = database_time(tx)
        delivery = deliveries.load(tx, [engagement])[engagement]
        dated_on = dated_on or self._days.on(now, delivery.legal_entity)
        (standing,) = billing_standing.standing(tx, [engagement], dated_on)
        plain = {"split": Split.NONE, "discount": Decimal(0), "expense_mark_up": Decimal(0)}
        terms = Terms(self._policies, now).of(standing).model_copy(update=plain)
        one = _Ready(delivery.model_copy(update={"cap": None}), terms, None)
        units = minor_units(delivery.currency)
        work = billing_work.read(
            tx,
            [Asked(engagement=engagement, minor_units=units, group_by=terms.group_by)],
            _table({engagement: one}, {engagement: {"work": Decimal(0), "retainer": Decimal(0)}}),
            zones=self._zones([delivery]),
            dated_on=date.max,
            until=date.max,
            only=items,
            with_held=True,
        )
        made = propose(work)
        if strange := sorted(set(items) - set(made.items["item"])):
            raise InvalidInput(
                f"These are not unbilled items with a price: {', '.join(strange[:20])}.",
                [Problem("/items", "must be items of this engagement that could be invoiced")],
            )
        outcomes = {engagement: Proposed(engagement)}
        drafting = _Drafting(InvoiceKind.WRITE_OFF, acting, dated_on, now, reason)
        self._write(tx, _to_nothing(made, units), [one], outcomes, drafting)
        return outcomes[engagement]

    def _zones(self, of: Sequence[Delivery]) -> list[str]:
        return [self._days.zone(delivery.legal_entity) for delivery in of]

    def _ready(
        self,
        tx: Tx,
        locked: Mapping[str, Delivery],
        so_far: Mapping[str, Mapping[str, Any]],
        outcomes: Mapping[str, Proposed],
        acting: Acting,
        dated_on: date,
        until: date,
        now: datetime,
    ) -> dict[str, _Ready]:
        terms = Terms(self._policies, now)
        hands = billing_work.hands(tx, list(locked), until)
        found: dict[str, _Ready] = {}
        for row in billing_standing.standing(tx, list(locked), dated_on):
            id = row["engagement_id"]
            outcome, of_client = outcomes[id], terms.of(row)
            outcome.stops = stops(row, of_client, dated_on)
            if acting.aliases() & {who.casefold() for who in hands.get(id, ())}:
                words = f"{acting.id} approved its work or asked for its prices, so may not bill it"
                outcome.stops += (Stop(code=BlockerCode.HOLD, words=words),)
            if not outcome.stops:
                limit = row["order_limit"]
                left = None if limit is None else limit - so_far[id]["on_order"]
                found[id] = _Ready(locked[id], of_client, left)
        return found

    def _within_orders(
        self, made: Proposal, order: Sequence[_Ready], outcomes: Mapping[str, Proposed]
    ) -> Proposal:
        """Without the engagements whose purchase order does not pay for all of it."""
        beyond: list[int] = []
        nets = made.invoices.group_by("e").agg(pl.col("net").sum())
        for number, net in nets.iter_rows():
            one = order[int(number)]
            amount = of_minor(net, one.delivery.currency)
            over = beyond_order(amount.amount, Decimal(0), one.order_left)
            if over is None:
                continue
            beyond.append(number)
            missing = Money(amount=over, currency=one.delivery.currency)
            words = f"purchase order {one.delivery.purchase_order} is short of {missing}"
            outcomes[one.delivery.engagement].stops = (
                Stop(code=BlockerCode.ORDER_EXHAUSTED, words=words),
            )
        if not beyond:
            return made
        inside = ~pl.col("e").is_in(beyond)
        return Proposal(
            made.invoices.filter(inside),
            made.lines.filter(inside),
            made.items.filter(inside),
            made.held.filter(inside),
        )

    def _write(
        self,
        tx: Tx,
        made: Proposal,
        order: Sequence[_Ready],
        outcomes: Mapping[str, Proposed],
        drafting: _Drafting,
    ) -> None:
        references = invoices.references(tx, made.invoices.height)
        numbered = made.invoices.with_columns(
            reference=pl.Series(references, dtype=pl.String),
            invoice_id=pl.Series([invoices.id_of(r) for r in references], dtype=pl.String),
        )
        keys = numbered.select("e", "period", "invoice_id")
        items = made.items.join(keys, on=["e", "period"], nulls_equal=True, maintain_order="left")
        lines = made.lines.join(keys, on=["e", "period"], nulls_equal=True, maintain_order="left")
        words = item_digests(items)
        rows: list[dict[str, Any]] = []
        line_rows: list[dict[str, Any]] = []
        events: list[Event] = []
        of_invoice = _grouped(lines)
        for row in numbered.iter_rows(named=True):
            one = order[int(row["e"])]
            invoice = _header(row, one, drafting)
            told = _worded(of_invoice[row["invoice_id"]], one.delivery)
            invoice["digest"] = digest(header_of(invoice), told, words[row["invoice_id"]])
            rows.append(invoice)
            line_rows += [line_row(row["invoice_id"], line, one.delivery.currency) for line in told]
            net = of_minor(row["net"], one.delivery.currency)
            outcome = outcomes[one.delivery.engagement]
            outcome.invoices.append((invoice["id"], invoice["reference"], net))
            outcome.items += row["items"]
            events.append(proposed_event(invoice, row["items"], drafting.acting, drafting.now))
        invoices.add(tx, rows, line_rows)
        minor = pl.Series([minor_units(one.delivery.currency) for one in order], dtype=pl.Int64)
        for units in sorted(set(minor)):
            part = items.filter(pl.lit(minor).gather(pl.col("e")) == units)
            invoice_items.add(tx, part, units)
        journal.append(tx, events)


def _must_be_of(tx: Tx, engagements: Sequence[str], items: Sequence[str]) -> None:
    """Raises `InvalidInput` naming each that is none of theirs."""
    known = billing_lineage.of_engagements(tx, engagements, items)
    strange = [(at, item) for at, item in enumerate(items) if item not in known]
    if strange:
        told = ", ".join(item for _, item in strange[:20])
        rule = "must be an entry, expense, milestone or charge of these engagements"
        raise InvalidInput(
            f"These are no items of these engagements: {told}.",
            [Problem(f"/items/{at}", rule) for at, _ in strange],
        )


def _table(ready: Mapping[str, _Ready], so_far: Mapping[str, Mapping[str, Any]]) -> pl.DataFrame:
    """`billing_proposal.ENGAGEMENTS` of them, in their order."""
    scale = 10**RATE_SCALE
    rows: list[tuple[Any, ...]] = []
    for id, one in ready.items():
        currency, cap = one.delivery.currency, one.delivery.cap
        billed = so_far[id]
        rows.append(
            (
                minor_units(currency),
                str(one.terms.group_by),
                one.terms.split is Split.MONTH,
                int(one.terms.expense_mark_up * scale),
                int(one.terms.discount * scale),
                to_minor(one.terms.discount_from, currency),
                None if cap is None else to_minor(cap.amount - billed["work"], currency),
                max(0, to_minor(billed["retainer"], currency)),
            )
        )
    return pl.DataFrame(rows, schema=ENGAGEMENTS, orient="row")


def _to_nothing(made: Proposal, units: int) -> Proposal:
    """With a last line that takes it all off."""
    last = made.lines.group_by("e", "period").agg(pl.col("line").max() + 1, -pl.col("amount").sum())
    off = last.select(
        "e",
        "period",
        "line",
        kind=pl.lit("discount"),
        description=pl.lit("Written off"),
        hundredths=pl.lit(100, dtype=pl.Int64),
        unit=pl.lit("piece"),
        price=pl.col("amount").cast(pl.Int128) * 10 ** (RATE_SCALE - units),
        amount="amount",
        clause=pl.lit(None, dtype=pl.String),
    )
    nothing, none = pl.lit(0, dtype=pl.Int64), pl.lit(None, dtype=pl.Int64)
    return Proposal(
        made.invoices.with_columns(net=nothing, work=nothing, drawn=nothing),
        pl.concat([made.lines, off], how="diagonal_relaxed"),
        made.items.with_columns(discount=-pl.col("amount"), capped=none, drawn=none),
        made.held,
    )


def _header(row: Mapping[str, Any], one: _Ready, drafting: _Drafting) -> dict[str, Any]:
    delivery, currency = one.delivery, one.delivery.currency
    return {
        "id": row["invoice_id"],
        "reference": row["reference"],
        "engagement_id": delivery.engagement,
        "kind": drafting.kind,
        "credits": None,
        "state": InvoiceState.PROPOSED,
        "client_name": delivery.client_name,
        "legal_entity": delivery.legal_entity,
        "region": delivery.region or None,
        "currency": currency,
        "net": of_minor(row["net"], currency).amount,
        "work": of_minor(row["work"], currency).amount,
        "drawn": of_minor(row["drawn"], currency).amount,
        "terms": one.terms.model_dump_json(),
        "purchase_order": delivery.purchase_order,
        "payment_days": delivery.payment_days,
        "dated_on": drafting.dated_on,
        "starts_on": row["starts_on"],
        "ends_on": row["ends_on"],
        "proposed_by": drafting.acting.id,
        "proposed_at": drafting.now,
        "reason": drafting.reason,
        "version": 1,
    }


def _grouped(lines: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines.iter_rows(named=True):
        found.setdefault(line["invoice_id"], []).append(line)
    return found


def _worded(lines: Sequence[Mapping[str, Any]], delivery: Delivery) -> list[dict[str, Any]]:
    """Lines in whole numbers, with the tax code that the engagement's treatment gives them."""
    code = delivery.tax.code if delivery.tax else None
    names = ("line", "description", "hundredths", "unit", "price", "amount", "clause")
    return [
        {
            **{name: line[name] for name in names},
            "kind": _LINE_KINDS.get(line["kind"], line["kind"]),
            "tax_code": code,
        }
        for line in lines
    ]


def line_row(invoice: str, line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """A row of `invoice_lines`, from whole numbers."""
    return {
        "invoice_id": invoice,
        "line": line["line"],
        "kind": line["kind"],
        "description": line["description"],
        "quantity": Decimal(line["hundredths"]).scaleb(-2),
        "unit": line["unit"],
        "unit_price": Decimal(line["price"]).scaleb(-RATE_SCALE),
        "amount": of_minor(line["amount"], currency).amount,
        "tax_code": line["tax_code"],
        "clause": line["clause"],
    }


def item_digests(items: pl.DataFrame) -> dict[str, list[str]]:
    """By invoice: its items in the words of the digest."""

    def told(name: str) -> pl.Expr:
        return pl.col(name).cast(pl.String).fill_null("")

    def number(name: str) -> pl.Expr:
        return pl.col(name).fill_null(0).cast(pl.String)

    text = pl.concat_str(
        pl.col("kind"), pl.col("item"), told("line"), told("minutes"), told("rate"),
        *(number(name) for name in ("amount", "discount", "capped", "drawn")), separator="/",
    )  # fmt: skip
    by = items.group_by("invoice_id").agg(text.alias("told"))
    return cast("dict[str, list[str]]", dict(by.iter_rows()))


def proposed_event(invoice: Mapping[str, Any], items: int, acting: Acting, now: datetime) -> Event:
    return Event(
        chain=invoice["engagement_id"],
        type=f"{invoice['kind']}.proposed",
        at=now,
        actor=acting.actor,
        attributes={
            "reference": invoice["reference"],
            "net": format(invoice["net"], "f"),
            "currency": invoice["currency"],
            "items": items,
            "digest": invoice["digest"],
        },
        objects=[
            (invoice["engagement_id"], "engagement", "engagement"),
            (invoice["id"], "invoice", "proposed"),
        ],
        region=invoice["region"],
    )
