"""Taking back what was invoiced, in whole or in part, and giving up what was not (F086, N4).

A credit names the items that it takes back. Its own amounts are what earlier credits, and what
takes an item back elsewhere, have left: nothing can be credited twice. An item that is credited in
whole may be billed again once the credit is released; a part of its price may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from fairlead.capabilities.billing.changing import locked, tell
from fairlead.capabilities.billing.documents import header_of
from fairlead.capabilities.billing.proposing import Proposed, Proposing, line_row, proposed_event
from fairlead.capabilities.billing.reviewing import must_say_why, must_see
from fairlead.capabilities.company_days import CompanyDays
from fairlead.domain.model.invoice import InvoiceKind, InvoiceState
from fairlead.domain.rules.billing_amounts import RATE_SCALE, of_minor, to_minor
from fairlead.domain.rules.billing_digest import digest, item_words
from fairlead.domain.values import Money, minor_units
from fairlead.errors import IllegalMove, InvalidInput, Problem
from fairlead.store import billing_work, invoice_items, invoices
from fairlead.store import journal as log
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting

Key = tuple[str, str]  #: kind and id of an item
_PARTS = ("amount", "discount", "capped", "drawn")
#: A reduction of the credited line → what the line of the credit is called.
_REDUCTIONS = {"discount": "Discount", "capped": "Beyond the agreed cap", "drawn": "Retainer"}


def credit(
    tx: Tx,
    name: str,
    acting: Acting,
    *,
    reason: str,
    dated_on: date | None,
    days: CompanyDays,
    items: Sequence[Key] | None = None,
    amounts: Mapping[Key, Money] | None = None,
    version: int | None = None,
) -> dict[str, Any]:
    """Propose a credit: of all that is left, of these `items`, or of `amounts` on items.

    `dated_on`: null is today in its company, by `days`.
    Raises `NotFound`, `IllegalMove` for what was not released and for an item in whole of which
    another credit is not released yet, and `InvalidInput` for items that
    are not in it or of which less is left, for a retainer that has been drawn, and for what comes
    to more than nothing, as items do that take others back.
    """
    must_say_why(reason)
    row = locked(tx, name, acting, version)
    if row["kind"] == InvoiceKind.CREDIT or row["released_at"] is None:
        raise IllegalMove(row["reference"], f"a {row['state']} {row['kind']}", "credited")
    left = {(one["kind"], str(one["item_id"])): one for one in invoice_items.left(tx, row["id"])}
    currency = row["currency"]
    if amounts is not None:
        taken = _parts(left, amounts, currency)
    else:
        taken = _whole(left, items, currency)
    _must_keep_drawn(tx, row, taken)
    now = database_time(tx)
    (reference,) = invoices.references(tx, 1)
    originals = {line["line"]: line for line in invoices.lines(tx, [row["id"]])[row["id"]]}
    made = _Credit(row, originals, left, taken)
    _must_give_back(made.net, currency)
    header: dict[str, Any] = {
        **{name: row[name] for name in _LIKE_THE_ORIGINAL},
        "id": invoices.id_of(reference),
        "reference": reference,
        "kind": InvoiceKind.CREDIT,
        "credits": row["id"],
        "state": InvoiceState.PROPOSED,
        "net": of_minor(made.net, currency).amount,
        "work": of_minor(made.work, currency).amount,
        "drawn": of_minor(made.drawn, currency).amount,
        "dated_on": dated_on or days.on(now, row["legal_entity"]),
        "proposed_by": acting.id,
        "proposed_at": now,
        "reason": reason,
        "version": 1,
    }
    lines = made.lines()
    header["digest"] = digest(header_of(header), lines, made.words())
    invoices.add(tx, [header], [line_row(header["id"], line, currency) for line in lines])
    invoice_items.add_credited(tx, made.item_rows(header["id"]))
    log.append(tx, [proposed_event(header, len(taken), acting, now)])
    tell(tx, row, "credit_proposed", acting, now, credit=reference, reason=reason)
    return invoices.load(tx, [header["id"]])[header["id"]]


_LIKE_THE_ORIGINAL = (
    "engagement_id", "client_name", "legal_entity", "region", "currency", "terms",
    "purchase_order", "payment_days", "starts_on", "ends_on",
)  # fmt: skip

#: Of an item: what is taken back (amount, discount, capped, drawn), and whether it is freed.
_Taken = tuple[tuple[int, int, int, int], bool]


def _whole(
    left: Mapping[Key, Mapping[str, Any]], items: Sequence[Key] | None, currency: str
) -> dict[Key, _Taken]:
    """All that is left of these items. One that a live item takes back has nothing to free, and
    one that another credit is about to take back in part waits for that."""
    wanted = list(left) if items is None else list(dict.fromkeys(items))
    _must_be_inside(left, wanted)
    found: dict[Key, _Taken] = {}
    for key in wanted:
        one = left[key]
        parts = _minor(one, currency)
        if not one["live"] or ((one["reversed"] or one["credited"]) and not any(parts)):
            if items is not None:
                why = f"taken back by {one['reversed']}" if one["reversed"] else "credited"
                raise IllegalMove(f"{key[0]} {key[1]}", why, "credited again")
            continue
        if one["open_credit"]:  # were that discarded, a part of what is freed would stay billed
            raise IllegalMove(
                f"{key[0]} {key[1]}", f"being credited by {one['open_credit']}", "credited in whole"
            )
        amount, discount, capped, drawn = parts
        found[key] = ((-amount, -discount, -capped, -drawn), one["reversed"] is None)
    if not found:
        raise InvalidInput(
            "Nothing is left to credit.", [Problem("/items", "must have something left")]
        )
    return found


def _parts(
    left: Mapping[Key, Mapping[str, Any]], amounts: Mapping[Key, Money], currency: str
) -> dict[Key, _Taken]:
    if not amounts:
        problem = Problem("/amounts", "must have an item, with how much of it is credited")
        raise InvalidInput("Nothing is said to be credited.", [problem])
    _must_be_inside(left, list(amounts))
    found: dict[Key, _Taken] = {}
    for key, money in amounts.items():
        net = sum(_minor(left[key], currency))
        amount = to_minor(money.amount, currency)
        if money.currency != currency or of_minor(amount, currency).amount != money.amount:
            raise InvalidInput(
                f"{key[0]} {key[1]} is credited in {currency}, in whole minor units.",
                [Problem("/amounts", f"must be in {currency}")],
            )
        if not 0 < amount <= net:
            of_it = of_minor(net, currency)
            raise InvalidInput(
                f"Of {key[0]} {key[1]} {of_it} is left.",
                [Problem("/amounts", "must be more than zero and at most what is left")],
            )
        found[key] = ((-amount, 0, 0, 0), False)
    return found


def _must_be_inside(left: Mapping[Key, object], wanted: Sequence[Key]) -> None:
    if strange := [key for key in wanted if key not in left]:
        told = ", ".join(f"{kind} {item}" for kind, item in strange[:20])
        raise InvalidInput(
            f"The invoice does not have {told}.",
            [Problem("/items", "must be items of this invoice")],
        )


def _minor(one: Mapping[str, Any], currency: str) -> tuple[int, int, int, int]:
    amount, discount, capped, drawn = (to_minor(one[name], currency) for name in _PARTS)
    return amount, discount, capped, drawn


def _must_keep_drawn(tx: Tx, row: Mapping[str, Any], taken: Mapping[Key, _Taken]) -> None:
    """What a retainer has paid for cannot be given back as well. Raises `InvalidInput`."""
    charges = [key[1] for key in taken if key[0] == "charge"]
    if not charges:
        return
    found = tx.execute(
        "SELECT id FROM charges WHERE id = ANY(%s) AND kind = 'retainer'", [charges]
    ).fetchall()
    back = -sum(sum(taken["charge", str(one["id"])][0]) for one in found)
    if not found or row["state"] == InvoiceState.RELEASED:  # not posted: nothing is drawn of it
        return
    balance = billing_work.so_far(tx, [row["engagement_id"]])[row["engagement_id"]]["retainer"]
    if of_minor(back, row["currency"]).amount > balance:
        kept = Money(amount=balance, currency=row["currency"])
        raise InvalidInput(
            f"Of the retainer {kept} is left; what it has paid for cannot be given back.",
            [Problem("/items", "must be covered by what is left of the retainer")],
        )


def _must_give_back(net: int, currency: str) -> None:
    """A credit charges nothing: ledgers refuse it. Raises `InvalidInput`."""
    if net > 0:
        raise InvalidInput(
            f"The credit would charge {of_minor(net, currency)}: of its items, those that are below"
            " zero outweigh the others. Credit them with what they were set off against.",
            [Problem("/items", "must come to zero or less")],
        )


class _Credit:
    """The lines and items of one credit, from what it takes back."""

    def __init__(
        self,
        row: Mapping[str, Any],
        originals: Mapping[int, Mapping[str, Any]],
        left: Mapping[Key, Mapping[str, Any]],
        taken: Mapping[Key, _Taken],
    ) -> None:
        """`originals`: the lines of the invoice, by number."""
        self._row, self._originals = row, originals
        self._left, self._taken = left, taken
        self._line_of: dict[Key, int] = {}
        sums = [sum(parts[place] for parts, _ in taken.values()) for place in range(4)]
        self.net, self.drawn = sum(sums), sums[3]
        self.work = sum(
            sum(parts[:3]) for key, (parts, _) in taken.items() if key[0] in ("time", "expense")
        )

    def lines(self) -> list[dict[str, Any]]:
        """One for each line of the invoice of which something is taken back, and one for each
        kind of reduction that goes with it."""
        by_line: dict[int, int] = {}
        for key, (parts, _) in self._taken.items():
            line = self._left[key]["line"]
            by_line[line] = by_line.get(line, 0) + parts[0]
        made: list[dict[str, Any]] = []
        numbers: dict[int, int] = {}
        for line, amount in sorted(by_line.items()):
            numbers[line] = len(made) + 1
            like = self._originals[line]
            words = f"line {line}, {like['description']}"
            made.append(self._piece(len(made) + 1, like["kind"], words, amount, like))
        self._line_of = {key: numbers[self._left[key]["line"]] for key in self._taken}
        like = self._originals[min(numbers)]
        for place, (name, words) in enumerate(_REDUCTIONS.items(), 1):
            amount = sum(parts[place] for parts, _ in self._taken.values())
            if amount:
                kind = "retainer" if name == "drawn" else "discount"
                made.append(self._piece(len(made) + 1, kind, words, amount, like))
        return made

    def _piece(
        self, number: int, kind: str, words: str, amount: int, like: Mapping[str, Any]
    ) -> dict[str, Any]:
        scale = 10 ** (RATE_SCALE - minor_units(self._row["currency"]))
        return {
            "line": number,
            "kind": kind,
            "description": f"Credit of {self._row['reference']}: {words}"[:1000],
            "hundredths": 100,
            "unit": "piece",
            "price": amount * scale,
            "amount": amount,
            "tax_code": like["tax_code"],
            "clause": like["clause"],
        }

    def words(self) -> list[str]:
        """The items for the digest. The lines are made first."""
        return [
            item_words(key[0], key[1], self._line_of[key], self._minutes(key), None, parts)
            for key, (parts, _) in self._taken.items()
        ]

    def _minutes(self, key: Key) -> int | None:
        minutes: int | None = self._left[key]["minutes"]
        return -minutes if minutes is not None and self._taken[key][1] else None

    def item_rows(self, id: str) -> list[dict[str, Any]]:
        currency = self._row["currency"]
        return [
            {
                "invoice_id": id,
                "kind": key[0],
                "item_id": key[1],
                "line": self._line_of[key],
                "minutes": self._minutes(key),
                "rate": None,
                "rate_source": None,
                **{
                    name: of_minor(part, currency).amount if part or name == "amount" else None
                    for name, part in zip(_PARTS, parts, strict=True)
                },
                "live": False,
                "frees": frees,
            }
            for key, (parts, frees) in self._taken.items()
        ]


def write_off(
    tx: Tx,
    engagement: str,
    acting: Acting,
    proposing: Proposing,
    items: Sequence[str],
    *,
    reason: str,
    dated_on: date | None,
) -> Proposed:
    """Propose to give up unbilled items for good: a document that comes to zero and stays with us.

    It is reviewed and released as an invoice is; `dated_on`: null is today in its company.
    Raises `NotFound`, and `InvalidInput` for items that cannot be billed, so need not be given
    up.
    """
    must_say_why(reason)
    must_see(tx, engagement, acting)
    return proposing.give_up(tx, engagement, acting, items, reason=reason, dated_on=dated_on)
