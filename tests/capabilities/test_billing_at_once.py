"""Several people bill one engagement at the same moment, on real PostgreSQL: what they come to
together is what they could have come to one after the other."""

from __future__ import annotations

import contextlib
import itertools
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, LiteralString

from books import CONTROLLER, DAYS, FINANCE, TODAY, Books, acting, eur, policies
from office import firm

from fairlead.capabilities.billing.crediting import credit, write_off
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.rates import decide_rate, propose_rate
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.billing.reviewing import discard, review
from fairlead.errors import (
    AlreadyBilled,
    Busy,
    Held,
    IllegalMove,
    InvalidInput,
    NotAllowed,
    StaleVersion,
)
from fairlead.flow.library import Library
from fairlead.store import invoices
from fairlead.store.database import Database, Tx

CAP, ENTRIES, HOURLY = Decimal(2000), 24, Decimal(150)
Act = Callable[[Tx], object]
REFUSED = (AlreadyBilled, Busy, Held, IllegalMove, InvalidInput, NotAllowed, StaleVersion)

# Of each item, what the client is asked for over all documents that stand, and whether it is live
# or about to be credited.
_CLAIMS = """
SELECT i.item_id, bool_or(i.live) AS live,
       bool_or(v.kind = 'credit' AND v.released_at IS NULL) AS open,
       sum(i.amount + coalesce(i.discount, 0) + coalesce(i.capped, 0)) AS claim
FROM invoice_items i JOIN invoices v ON v.id = i.invoice_id WHERE v.state <> 'discarded'
GROUP BY i.item_id
"""
_OVER_CREDITED = """
SELECT v.reference FROM invoices v JOIN invoices c ON c.credits = v.id AND c.state <> 'discarded'
GROUP BY v.id, v.reference, v.net HAVING v.net + sum(c.net) < 0
"""
_DRAFTS = "SELECT id FROM invoices WHERE state IN ('proposed', 'reviewed') ORDER BY reference"
_BILLED = """
SELECT id FROM invoices WHERE kind = 'invoice' AND released_at IS NOT NULL ORDER BY reference
"""
_WORK = """
SELECT sum(work) AS work FROM invoices
WHERE state <> 'discarded' AND (kind = 'invoice' OR released_at IS NOT NULL)
"""


def at_once(db: Database, acts: list[Act]) -> list[object]:
    """What came of each: what it gave, or how it was refused. Any other trouble is raised."""
    came: list[object] = [None] * len(acts)
    ready = threading.Barrier(len(acts))

    def do(number: int, act: Act) -> None:
        ready.wait()
        try:
            with db.transaction() as tx:
                came[number] = act(tx)
        except Exception as trouble:
            came[number] = trouble

    threads = [threading.Thread(target=do, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in came:
        if isinstance(one, Exception) and not isinstance(one, REFUSED):
            raise one
    return came


def propose(tx: Tx) -> object:
    made = Proposing(policies(), DAYS).propose(
        tx, ["E1"], acting(FINANCE), dated_on=TODAY, until=TODAY
    )
    return made["E1"].invoices


def releasing(id: str) -> Act:
    """Review it, where nobody has, and release it."""
    rooms = firm()
    library = Library(rooms.library.playbooks, rooms.library.variants)

    def act(tx: Tx) -> object:
        digest = invoices.load(tx, [id])[id]["digest"]
        with contextlib.suppress(IllegalMove):
            review(tx, id, acting(FINANCE), digest=digest)
        return Releasing(policies(), library).release(tx, id, acting(CONTROLLER), digest=digest)

    return act


def crediting(id: str, **more: Any) -> Act:
    def act(tx: Tx) -> object:
        return credit(tx, id, acting(FINANCE), reason="Agreed.", dated_on=TODAY, days=DAYS, **more)

    return act


def discarding(id: str) -> Act:
    return lambda tx: discard(tx, id, acting(FINANCE), reason="No.")


def bill(db: Database, minutes: int = 60, **opened: Any) -> tuple[str, str]:
    """A released invoice over one entry: its id, the entry's."""
    with db.transaction() as tx:
        books = Books(tx)
        books.open(**opened)
        entry = books.time(minutes)
        ((id, _, _),) = books.propose().invoices
        releasing(id)(tx)
    return id, str(entry)


def refusals(came: list[object]) -> int:
    return sum(isinstance(one, Exception) for one in came)


def test_an_invoice_that_many_credit_at_once_is_credited_once(db: Database) -> None:
    id, _ = bill(db)

    came = at_once(db, [crediting(id)] * 5)

    assert refusals(came) == 4


def test_parts_that_many_credit_at_once_are_no_more_than_the_whole(db: Database) -> None:
    id, entry = bill(db)
    part = {("time", entry): eur("60")}

    came = at_once(db, [crediting(id, amounts=part)] * 5)

    assert refusals(came) == 3  # 150 has room for two of 60


def test_an_invoice_that_many_release_at_once_goes_out_once(db: Database) -> None:
    with db.transaction() as tx:
        books = Books(tx)
        books.open()
        books.time(60)
        ((id, _, _),) = books.propose().invoices

    came = at_once(db, [releasing(id)] * 5)

    assert refusals(came) == 4
    with db.transaction() as tx:
        runs = tx.execute("SELECT id FROM runs WHERE subject_id = %s", [id]).fetchall()
    assert len(runs) == 1


def test_an_item_is_billed_or_given_up_and_not_both(db: Database) -> None:
    with db.transaction() as tx:
        books = Books(tx)
        books.open()
        entry = str(books.time(60))

    def give_up(tx: Tx) -> object:
        return write_off(
            tx,
            "E1",
            acting(FINANCE),
            Proposing(policies(), DAYS),
            [entry],
            reason="x",
            dated_on=TODAY,
        )

    at_once(db, [propose, give_up, propose, give_up])

    with db.transaction() as tx:
        rows = tx.execute("SELECT kind FROM invoices WHERE state <> 'discarded'").fetchall()
    assert len(rows) == 1


def test_a_cap_holds_for_those_who_bill_at_once_at_changing_rates(db: Database) -> None:
    chance = random.Random(7)
    days = itertools.count(1)
    with db.transaction() as tx:
        books = Books(tx)
        books.open(cap=eur(str(CAP)))
        for number in range(ENTRIES):
            books.time(60, TODAY - timedelta(days=number))

    def one_of(query: LiteralString) -> str | None:
        with db.transaction() as tx:
            rows = tx.execute(query).fetchall()
        return chance.choice(rows)["id"] if rows else None

    def change_rate(tx: Tx) -> object:
        per_hour = eur(chance.choice([90, 150, 210]))
        row = propose_rate(
            tx, "E1", acting(FINANCE), role="Consultant", resource=None,
            valid_from=TODAY - timedelta(days=next(days)), per_hour=per_hour, reason="Agreed.",
        )  # fmt: skip
        return decide_rate(tx, row["id"], acting(CONTROLLER), approved=True)

    def something() -> Act:
        draft = one_of(_DRAFTS)
        billed = one_of(_BILLED)
        acts: list[Act] = [propose, propose, change_rate]
        if draft is not None:
            acts += [releasing(draft), releasing(draft), discarding(draft)]
        if billed is not None:
            acts += [crediting(billed)] * 2
        return chance.choice(acts)

    for _ in range(10):
        at_once(db, [something() for _ in range(4)])
        with db.transaction() as tx:
            claims = tx.execute(_CLAIMS).fetchall()
            over = tx.execute(_OVER_CREDITED).fetchall()
            work = tx.execute(_WORK).fetchone()
        assert over == []
        assert work is not None
        assert (work["work"] or 0) <= CAP
        for one in claims:
            assert 0 <= one["claim"] <= 210
            assert one["live"] or one["open"] or one["claim"] == 0
