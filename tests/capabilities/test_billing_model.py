"""Whatever people do with entries, invoices and credits: no cent is billed twice, and none lost.

Random histories on real PostgreSQL are held against a model that knows none of it; and several
threads that propose the same engagement at once get each item once between them.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Generator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from billing_model import Document, Entry, Model, Parts, cents
from books import CONTROLLER, DAYS, FINANCE, TODAY, Books, acting, eur
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from office import firm

from fairlead.capabilities.billing.crediting import credit
from fairlead.capabilities.billing.proposing import Proposing
from fairlead.capabilities.billing.releasing import Releasing
from fairlead.capabilities.billing.reviewing import discard, review
from fairlead.domain.values import Money
from fairlead.errors import Busy, Held, IllegalMove, InvalidInput
from fairlead.flow.library import Library
from fairlead.policy.tables import Policies, parse
from fairlead.store import deliveries, invoices
from fairlead.store.database import Database, Tx

DISCOUNT, FROM = Decimal("0.0333"), Decimal(400)
FIRST = date(2026, 10, 1)


def with_discount() -> Policies:
    """The firm's policies, with a discount by volume for everybody."""
    others = [policy for policy in firm().policies if policy.name != "invoicing-terms"]
    graph = json.loads(json.dumps(firm().policies.versions("invoicing-terms")[-1].graph))
    header = firm().policies.versions("invoicing-terms")[-1].header.model_dump(mode="json")
    for node in graph["nodes"]:
        for row in node.get("content", {}).get("rules", ()):
            row["discount"], row["discount_from"], row["split"] = str(DISCOUNT), str(FROM), "'none'"
    text = json.dumps({**graph, "fairlead": header})
    return Policies([*others, parse(text, "test.json")])


class Histories(RuleBasedStateMachine):
    """One engagement, in a transaction that is rolled back."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self._open = contextlib.ExitStack()
        self.tx = self._open.enter_context(_undone(self.database))
        self.books = Books(self.tx)
        self.books.open()
        self.model = Model(DISCOUNT, FROM)
        self.model.rates["Consultant"] = [(date(2026, 1, 1), Decimal(150))]
        rooms = firm()
        policies = with_discount()
        self.proposing = Proposing(policies, DAYS)
        library = Library(rooms.library.playbooks, rooms.library.variants)
        self.releasing = Releasing(policies, library)

    def teardown(self) -> None:
        self._open.close()

    # what happens

    @rule(
        minutes=st.integers(1, 600),
        days=st.integers(0, 40),
        role=st.sampled_from(["Consultant", "Consultant", "Architect"]),
        approved=st.booleans(),
    )
    def work(self, minutes: int, days: int, role: str, approved: bool) -> None:
        on = FIRST + timedelta(days=days)
        state = "approved" if approved else "submitted"
        id = str(self.books.time(minutes, on, role=role, state=state))
        self.model.entries[id] = Entry(id, on, minutes, role, approved)

    @precondition(lambda self: any(not e.approved for e in self.model.entries.values()))
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        waiting = [id for id, e in self.model.entries.items() if not e.approved]
        id = data.draw(st.sampled_from(waiting))
        self.tx.execute(
            "UPDATE time_entries SET state = 'approved', decided_by = 'lea.fontaine' WHERE id = %s",
            [id],
        )
        self.model.entries[id].approved = True

    def _can_be_taken_back(self) -> list[str]:
        return [
            id
            for id, e in self.model.entries.items()
            if e.approved and e.reverses is None and self.model.reversal(id) is None
        ]

    @precondition(lambda self: self._can_be_taken_back())
    @rule(data=st.data(), approved=st.booleans())
    def take_back(self, data: st.DataObject, approved: bool) -> None:
        self.take_back_one(data.draw(st.sampled_from(self._can_be_taken_back())), approved)

    def take_back_one(self, id: str, approved: bool) -> None:
        taken = self.model.entries[id]
        state = "approved" if approved else "submitted"
        other = str(self.books.take_back(UUID(id), state=state))
        self.model.entries[other] = Entry(
            other, taken.day, -taken.minutes, taken.role, approved, reverses=id
        )

    @rule(per_hour=st.integers(5000, 30000), days=st.integers(-5, 40), role=st.booleans())
    def change_rate(self, per_hour: int, days: int, role: bool) -> None:
        name, since = ("Consultant" if role else "Architect"), FIRST + timedelta(days=days)
        known = self.model.rates.setdefault(name, [])
        if any(day == since for day, _ in known):
            return
        rate = Decimal(per_hour).scaleb(-2)
        self.books.rate(str(rate), since, role=name)
        known.append((since, rate))

    @rule(cap=st.none() | st.none() | st.integers(0, 20000))
    def change_cap(self, cap: int | None) -> None:
        delivery = deliveries.load(self.tx, ["E1"], lock=True)["E1"]
        limit = None if cap is None else eur(cap)
        deliveries.save(self.tx, delivery.model_copy(update={"cap": limit}))
        self.model.cap = None if cap is None else Decimal(cap)

    @rule()
    def propose(self) -> None:
        expected = self.model.proposal()
        made = self.proposing.propose(
            self.tx, ["E1"], acting(FINANCE), dated_on=TODAY, until=TODAY
        )["E1"]
        assert len(made.invoices) == (1 if expected else 0), (made.words, expected)
        for id, _, net in made.invoices:
            assert self._items(id) == expected
            document = Document(id, "invoice", expected)
            assert net.amount == document.net
            self.model.add(document)

    def those(self, *states: str, kind: str | None = None) -> list[str]:
        return [
            d.id
            for d in self.model.documents.values()
            if d.state in states and kind in (None, d.kind)
        ]

    @precondition(lambda self: self.those("proposed", "reviewed"))
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.those("proposed", "reviewed")))
        discard(self.tx, id, acting(FINANCE), reason="No.")
        self.model.discard(id)

    @precondition(lambda self: self.those("proposed", "reviewed"))
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.release_one(data.draw(st.sampled_from(self.those("proposed", "reviewed"))))

    def release_one(self, id: str) -> None:
        digest = invoices.load(self.tx, [id])[id]["digest"]
        if self.model.documents[id].state == "proposed":
            review(self.tx, id, acting(FINANCE), digest=digest)
            self.model.documents[id].state = "reviewed"
        outdated = self.model.is_outdated(id)
        with pytest.raises(Held) if outdated else contextlib.nullcontext():
            self.releasing.release(self.tx, id, acting(CONTROLLER), digest=digest)
        if not outdated:
            self.model.release(id)

    @precondition(lambda self: self.those("reviewed", "released"))
    @rule(data=st.data())
    def review_again(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.those("reviewed", "released")))
        digest = invoices.load(self.tx, [id])[id]["digest"]
        with pytest.raises(IllegalMove):
            review(self.tx, id, acting(FINANCE), digest=digest)

    # histories that matter and that chance alone seldom makes

    @rule(minutes=st.lists(st.integers(1, 600), min_size=1, max_size=3))
    def bill_some_work(self, minutes: list[int]) -> None:
        for number, some in enumerate(minutes):
            self.work(some, number, "Consultant", True)
        self.propose()
        for id in self.those("proposed", kind="invoice"):
            self.release_one(id)

    def _billed(self) -> list[str]:
        return [
            id
            for id in self._can_be_taken_back()
            if id in self.model.live
            and self.model.documents[self.model.live[id]].state == "released"
        ]

    @precondition(lambda self: self._billed())
    @rule(data=st.data(), part=st.integers(0, 99), through=st.booleans())
    def take_back_what_is_billed(self, data: st.DataObject, part: int, through: bool) -> None:
        id = data.draw(st.sampled_from(self._billed()))
        if part and sum(self.model.left(id)) > 0:
            self.credit_part_of(self.model.live[id], id, part)
            if through:
                self.release_one(self.those("proposed", kind="credit")[-1])
        self.take_back_one(id, True)
        self.work(600, 30, "Consultant", True)
        self.propose()
        if through:
            for invoice in self.those("proposed", kind="invoice"):
                self.release_one(invoice)

    @precondition(lambda self: self.those("released", kind="invoice"))
    @rule(data=st.data())
    def credit_in_whole_and_release(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(self.those("released", kind="invoice")))
        every, frees = self.model.whole(id)
        if every and not self.model.is_being_credited(set(every)):
            made = self.credit_of(id)
            self.added(made, id, every, frees)
            self.release_one(made)

    @precondition(lambda self: self.those("released", kind="invoice"))
    @rule(data=st.data(), some=st.booleans())
    def credit(self, data: st.DataObject, some: bool) -> None:
        id = data.draw(st.sampled_from(self.those("released", kind="invoice")))
        every, frees = self.model.whole(id)
        keys = sorted(every)
        wanted = None
        if some and keys:
            wanted = set(data.draw(st.lists(st.sampled_from(keys), min_size=1, unique=True)))
            every, frees = self.model.whole(id, wanted)
        items = None if wanted is None else [("time", item) for item in sorted(wanted)]
        if not every:
            with pytest.raises(InvalidInput):
                self.credit_of(id, items=items)
            return
        if self.model.is_being_credited(set(every)):
            with pytest.raises(IllegalMove):
                self.credit_of(id, items=items)
            return
        if sum((sum(parts) for parts in every.values()), Decimal(0)) > 0:
            with pytest.raises(InvalidInput, match="would charge"):
                self.credit_of(id, items=items)
            return
        self.added(self.credit_of(id, items=items), id, every, frees)

    @precondition(lambda self: self.those("released", kind="invoice"))
    @rule(data=st.data(), share=st.integers(1, 100))
    def credit_a_part(self, data: st.DataObject, share: int) -> None:
        id = data.draw(st.sampled_from(self.those("released", kind="invoice")))
        left = {
            item: sum(self.model.left(item), Decimal(0))
            for item in self.model.documents[id].items
            if self.model.live.get(item) == id
        }
        some = sorted(item for item, net in left.items() if net > 0)
        if not some:
            return
        self.credit_part_of(id, data.draw(st.sampled_from(some)), share)

    def credit_part_of(self, id: str, item: str, share: int) -> None:
        left = sum(self.model.left(item), Decimal(0))
        amount = max(Decimal("0.01"), cents(left * share / 100))
        made = self.credit_of(id, amounts={("time", item): Money(amount=amount, currency="EUR")})
        self.added(made, id, {item: (-amount, Decimal(0), Decimal(0))}, set())

    def credit_of(self, id: str, **more: Any) -> str:
        return credit(
            self.tx, id, acting(FINANCE), reason="Agreed.", dated_on=TODAY, days=DAYS, **more
        )["id"]

    def added(self, made: str, of: str, items: dict[str, Parts], frees: set[str]) -> None:
        assert self._items(made) == items
        self.model.add(Document(made, "credit", items, credits=of, frees=frozenset(frees)))

    # what must hold, whatever happened

    @invariant()
    def each_item_is_in_one_live_invoice_at_most(self) -> None:
        rows = self.tx.execute(
            "SELECT item_id, invoice_id FROM invoice_items WHERE live"
        ).fetchall()
        live = {str(row["item_id"]): row["invoice_id"] for row in rows}
        assert len(live) == len(rows)
        assert live == self.model.live

    @invariant()
    def no_cent_is_billed_twice_or_lost(self) -> None:
        for id, entry in self.model.entries.items():
            if entry.reverses is not None:
                continue
            claim = self.model.claim(id)
            if id in self.model.live:
                assert claim == sum(self.model.left(id))
            else:
                open_credit = any(
                    d.kind == "credit" and d.state in ("proposed", "reviewed") and id in d.items
                    for d in self.model.documents.values()
                )
                assert claim == 0 or open_credit

    @invariant()
    def amounts_add_up(self) -> None:
        rows = self.tx.execute(
            """
            SELECT v.id, v.net, v.state, (SELECT sum(amount) FROM invoice_lines l
                WHERE l.invoice_id = v.id) AS lines,
              (SELECT sum(i.amount + coalesce(i.discount, 0) + coalesce(i.capped, 0)
                + coalesce(i.drawn, 0)) FROM invoice_items i WHERE i.invoice_id = v.id) AS items
            FROM invoices v
            """
        ).fetchall()
        assert {row["id"] for row in rows} == self.model.documents.keys()
        for row in rows:
            assert row["net"] == row["lines"] == row["items"]
            assert row["net"] == self.model.documents[row["id"]].net

    def _items(self, invoice: str) -> dict[str, Parts]:
        rows = self.tx.execute(
            "SELECT item_id, amount, discount, capped FROM invoice_items WHERE invoice_id = %s",
            [invoice],
        ).fetchall()
        return {
            str(row["item_id"]): (
                row["amount"], row["discount"] or Decimal(0), row["capped"] or Decimal(0)
            )
            for row in rows
        }  # fmt: skip


@contextlib.contextmanager
def _undone(db: Database) -> Generator[Tx]:
    class Undone(Exception):
        pass

    with contextlib.suppress(Undone), db.transaction() as tx:
        yield tx
        raise Undone


def _play(db: Database, examples: int, steps: int) -> None:
    machine = type("Histories", (Histories,), {"database": db})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        ),
    )


def test_no_cent_is_billed_twice_or_lost(module_db: Database) -> None:
    _play(module_db, 6, 20)


@pytest.mark.slow
@pytest.mark.takes(28)
def test_no_cent_is_billed_twice_or_lost_in_long_histories(module_db: Database) -> None:
    _play(module_db, 60, 40)


def test_threads_that_propose_the_same_engagement_bill_each_item_once(db: Database) -> None:
    with db.transaction() as tx:
        books = Books(tx)
        books.open()
        entries = {books.time(minutes) for minutes in range(1, 61)}
    made: list[str] = []
    ready = threading.Barrier(6)

    def propose() -> None:
        ready.wait()
        for _ in range(3):
            with contextlib.suppress(Busy):
                with db.transaction() as tx:
                    found = Proposing(firm().policies, DAYS).propose(
                        tx, ["E1"], acting(FINANCE), dated_on=TODAY, until=TODAY
                    )
                made.extend(reference for _, reference, _ in found["E1"].invoices)

    threads = [threading.Thread(target=propose) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with db.transaction() as tx:
        rows = tx.execute("SELECT item_id FROM invoice_items WHERE live").fetchall()
    assert len(made) == 1
    assert Counter(row["item_id"] for row in rows) == Counter(entries)
