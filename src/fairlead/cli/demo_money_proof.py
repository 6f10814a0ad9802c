"""The proof of what was billed, counted in the ledgers' own books.

* Each line of each posted invoice stands in the ledger once, to the cent, and nothing else does.
* Each entry, expense, milestone and charge is in at most one live invoice.
* Of every engagement, what is earned less what is billed equals WIP less deferred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from fairlead.cli.demo_ledger import Ledger, Row, Things, amount, row
from fairlead.cli.demo_money import Money

_LEDGERS = ("netsuite-emea", "netsuite-amer")
_SENT = ("posted", "paid")


def prove_money(money: Money, rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """`rows`: the append-only ledger of the sandbox's systems."""
    proof: list[Row] = []
    sent = [one for one in money.invoices if one["state"] in _SENT and one["ref"]]
    for system in _LEDGERS:
        here = [one for one in sent if one["ref"]["system"] == system]
        proof += _of_ledger(system, here, Ledger(system, rows))
    live = Counter((item["kind"], item["item"]) for item in money.items if item["live"])
    proof.append(row("fairlead", "item in a live invoice", Things(live.keys()), Things(live)))
    mails = Ledger("mail", rows).made("messages")
    asked = Things((client,) for client in money.clients)
    found = Things(
        (client,) for mail in mails for client in money.clients if client in str(mail["to"])
    )
    proof.append(row("mail", "question to a client", asked, found))
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


def _of_ledger(system: str, sent: Sequence[Mapping[str, Any]], ledger: Ledger) -> list[Row]:
    made = ledger.made("invoice")
    lines = [
        (str(one["custbody_fairlead_reference"]), str(line["description"]), amount(line["amount"]))
        for one in made
        for line in one["item"]["items"]
    ]
    return [
        row(
            system,
            "invoice",
            Things((one["reference"],) for one in sent),
            Things((str(one["custbody_fairlead_reference"]),) for one in made),
        ),
        row(
            system,
            "invoice line, to the cent",
            Things(
                (one["reference"], line["description"], amount(line["amount"]["amount"]))
                for one in sent
                for line in one["lines"]
            ),
            Things(lines),
        ),
    ]


def _balances(position: Mapping[str, Any]) -> bool:
    earned, billed, wip, deferred = (
        Decimal(position[name]["amount"]) for name in ("earned", "billed", "wip", "deferred")
    )
    return earned - billed == wip - deferred
