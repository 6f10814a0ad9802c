"""The proof of what was billed, counted in the ledgers' own books.

* Each line of each posted invoice stands in the ledger once, to the cent, and nothing else does.
* What the ledger billed is the sum of the entries, expenses, milestones and charges behind it, to
  the cent; its number, tax and total, and what is paid of it, are those that we tell.
* Each entry, expense, milestone and charge is in at most one live invoice.
* Each person's approved hours of a closed month stand in payroll on one time sheet, and are paid.
* Of every engagement, what is earned less what is billed equals WIP less deferred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from fairlead.cli.demo_ledger import Billed, Ledger, Row, Things, amount, row
from fairlead.cli.demo_money import Money

_LEDGERS = ("netsuite-emea", "netsuite-amer")
_SENT = ("posted", "paid")


def prove_money(
    money: Money, rows: Sequence[Mapping[str, Any]], tryton: Billed | None = None
) -> list[Row]:
    """`rows`: the append-only ledger of the sandbox's systems. `tryton`: what the one ERP holds
    that stands in place of the sandbox's two."""
    proof: list[Row] = []
    sent = [one for one in money.invoices if one["state"] in _SENT and one["ref"]]
    held = (
        {"tryton": tryton}
        if tryton is not None
        else {system: _netsuite(Ledger(system, rows)) for system in _LEDGERS}
    )
    for system, billed in held.items():
        here = [one for one in sent if one["ref"]["system"] == system]
        proof += _compared(system, here, money.items, billed)
    live = Counter((item["kind"], item["item"]) for item in money.items if item["live"])
    proof.append(row("fairlead", "item in a live invoice", Things(live.keys()), Things(live)))
    mails = Ledger("mail", rows).made("messages")
    asked = Things((client,) for client in money.clients)
    found = Things(
        (client,) for mail in mails for client in money.clients if client in str(mail["to"])
    )
    proof.append(row("mail", "question to a client", asked, found))
    proof.append(row("xero-uk", "hours of a person, paid", _hours(money.paid.items()), _paid(rows)))
    told = [one for one in money.statements if one["position"]]
    proof.append(
        row(
            "fairlead",
            "earned - billed = WIP - deferred",
            Things((one["number"],) for one in told),
            Things((one["number"],) for one in told if _balances(one["position"])),
        )
    )
    return proof


def _hours(paid: Iterable[tuple[str, Decimal]]) -> Things:
    return Things((email, amount(hours)) for email, hours in paid)


def _paid(rows: Sequence[Mapping[str, Any]]) -> Things:
    """Time sheets that came over the API, and that a pay run has taken."""
    payroll = Ledger("xero-uk", rows)
    who = {id: str(body["email"]) for id, body in payroll.all("employees").items()}
    return _hours(
        (who[one["employeeID"]], Decimal(one["totalHours"]))
        for one in payroll.made("timesheets")
        if one["status"] == "Completed"
    )


def _netsuite(ledger: Ledger) -> Billed:
    made = ledger.made("invoice")
    return Billed(
        invoices=Things((str(one["custbody_fairlead_reference"]),) for one in made),
        lines=Things(
            (
                str(one["custbody_fairlead_reference"]),
                str(line["description"]),
                amount(line["amount"]),
            )
            for one in made
            for line in one["item"]["items"]
        ),
        nets=Things((str(one["custbody_fairlead_reference"]), _net(one)) for one in made),
        totals=Things(
            (
                str(one["custbody_fairlead_reference"]),
                str(one["tranId"]),
                amount(one["taxTotal"]),
                amount(one["total"]),
            )
            for one in made
        ),
        paid=Things(
            (str(one["custbody_fairlead_reference"]), amount(one["amountPaid"]))
            for one in made
            if one["amountPaid"]
        ),
    )


def _net(invoice: Mapping[str, Any]) -> str:
    return amount(Decimal(invoice["total"]) - Decimal(invoice["taxTotal"]))


def _compared(
    system: str,
    sent: Sequence[Mapping[str, Any]],
    items: Sequence[Mapping[str, Any]],
    held: Billed,
) -> list[Row]:
    sums = {str(one["reference"]): Decimal(0) for one in sent}
    for item in items:
        if item["invoice"] in sums:
            sums[item["invoice"]] += _billed(item)
    totals = Things(
        (one["reference"], one["number"], *(amount(one[of]["amount"]) for of in ("tax", "total")))
        for one in sent
    )
    lines = Things(
        (one["reference"], line["description"], amount(line["amount"]["amount"]))
        for one in sent
        for line in one["lines"]
    )
    paid = Things(
        (one["reference"], amount(one["paid"]["amount"]))
        for one in sent
        if one["paid"] and Decimal(one["paid"]["amount"])
    )
    return [
        row(system, "invoice", Things((one["reference"],) for one in sent), held.invoices),
        row(system, "invoice line, to the cent", lines, held.lines),
        row(
            system,
            "invoice = billing events, to the cent",
            Things((reference, amount(net)) for reference, net in sums.items()),
            held.nets,
        ),
        row(system, "invoice number, tax and total", totals, held.totals),
        row(system, "what is paid of an invoice", paid, held.paid),
    ]


def _billed(item: Mapping[str, Any]) -> Decimal:
    """What an item comes to: after its discount, what is beyond a cap, and what is drawn."""
    parts = (item[name] for name in ("amount", "discount", "capped", "drawn"))
    return sum((Decimal(part["amount"]) for part in parts if part), Decimal(0))


def _balances(position: Mapping[str, Any]) -> bool:
    earned, billed, wip, deferred = (
        Decimal(position[name]["amount"]) for name in ("earned", "billed", "wip", "deferred")
    )
    return earned - billed == wip - deferred
