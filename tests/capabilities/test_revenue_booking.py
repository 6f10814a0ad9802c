"""Approved revenue is booked in the ledger, journal by journal, each once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

import pytest
from office import Office

from books_of import Books, a_delivery, cost_rate
from deals import money
from fairlead.capabilities.revenue.approving import approve, propose
from fairlead.capabilities.revenue.months import ask_for_month
from fairlead.capabilities.revenue.working import RevenueDrain, wake
from fairlead.domain.model.revenue_batch import BatchState, RevenueBatch
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.flow.library import Library
from fairlead.store import periods, revenue
from fairlead.store.database import Database, Tx

JAN = date(2026, 1, 1)
T = TypeVar("T")


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "bookkeeping")


def do(office: Office, act: Callable[[Tx], T]) -> T:
    with office.db.transaction() as tx:
        return act(tx)


def compute(office: Office) -> None:
    finance = office.person("tomasz.wojcik").principal
    do(office, lambda tx: ask_for_month(tx, finance, JAN, today=date(2026, 11, 28)))
    drain = RevenueDrain(office.db, office.rooms.reckons)
    with LockSession(office.db) as session:
        while drain.work("revenue", Ledger(office.db, session)) is not Took.NOTHING:
            pass


def book(office: Office) -> RevenueBatch:
    """Propose and approve what was computed, and let the ledger be told."""
    (open_batch,) = office.rows("revenue_batches", state="computed")
    proposed = do(
        office,
        lambda tx: propose(tx, office.person("tomasz.wojcik"), open_batch["id"], version=None),
    )
    assert proposed.digest is not None
    digest = proposed.digest
    library = Library(office.rooms.library.playbooks, office.rooms.library.variants)
    do(
        office,
        lambda tx: approve(
            tx,
            office.person("hanna.lindqvist"),
            proposed.id,
            digest=digest,
            library=library,
            version=None,
        ),
    )
    office.settle()
    return do(office, lambda tx: revenue.batches(tx, [proposed.id]))[proposed.id]


def test_each_engagement_gets_a_balanced_journal_on_its_project(office: Office) -> None:
    def rows(tx: Tx) -> None:
        cost_rate(tx, "60")
        Books(tx, a_delivery("ENG-1")).time("100", date(2026, 1, 20))
        Books(tx, a_delivery("ENG-2")).time("50", date(2026, 1, 20))

    do(office, rows)
    compute(office)
    batch = book(office)

    journals = office.ledgers["netsuite-emea"].of("journal")
    assert [(p.code, p.revenue, project.id) for p, project in journals] == [
        ("TH-ENG-1/2026-01/1", money("12000"), "ENG-1"),
        ("TH-ENG-2/2026-01/1", money("6000"), "ENG-2"),
    ]
    for posting, _ in journals:
        parts = posting.billed.amount + posting.wip.amount - posting.deferred.amount
        assert posting.revenue.amount == parts
    assert batch.state is BatchState.POSTED
    assert all(entry.ref is not None for entry in batch.entries)
    assert {row["state"] for row in office.rows("revenue_entries")} == {"posted"}


def test_a_later_revision_takes_the_booked_one_back_first(office: Office) -> None:
    def rows(tx: Tx) -> None:
        cost_rate(tx, "60")
        Books(tx).time("100", date(2026, 1, 20))

    do(office, rows)
    compute(office)
    book(office)
    do(office, lambda tx: Books(tx).time("50", date(2026, 1, 21)))
    compute(office)
    book(office)

    journals = office.ledgers["netsuite-emea"].of("journal")
    assert [(p.code, p.revenue.amount) for p, _ in journals] == [
        ("TH-ENG-1/2026-01/1", 12_000),
        ("TH-ENG-1/2026-01/2/back", -12_000),
        ("TH-ENG-1/2026-01/2", 18_000),
    ]
    first, second = sorted(office.rows("revenue_entries"), key=lambda row: row["revision"])
    assert (first["state"], second["state"]) == ("replaced", "posted")
    assert first["reversal_ref"]["id"] == "journal-2"
    assert (second["reversal_ref"], second["ref"]["id"]) == (None, "journal-3")


def test_without_a_project_in_the_ledger_somebody_is_asked_and_nothing_is_lost(
    office: Office,
) -> None:
    def rows(tx: Tx) -> None:
        cost_rate(tx, "60")
        Books(tx, a_delivery(refs={})).time("100", date(2026, 1, 20))

    do(office, rows)
    compute(office)
    batch = book(office)

    (asked,) = office.open_exceptions("step:")
    assert "has no project in the ledger" in asked["detail"]
    assert batch.state is BatchState.APPROVED
    assert do(office, lambda tx: periods.waiting(tx, batch.legal_entity, JAN))["booking"] == 1


def test_where_nothing_keeps_books_revenue_is_not_booked_and_its_month_can_close(
    db: Database,
) -> None:
    office = Office(db)

    def rows(tx: Tx) -> None:
        cost_rate(tx, "60")
        Books(tx).time("100", date(2026, 1, 20))

    do(office, rows)
    compute(office)
    batch = book(office)

    (run,) = office.runs("revenue-to-ledger")
    assert (run["state"], batch.state) == ("completed", BatchState.APPROVED)
    assert office.open_exceptions("step:") == []
    assert do(office, lambda tx: periods.waiting(tx, batch.legal_entity, JAN))["booking"] == 0


def test_a_worker_hears_that_a_month_was_asked_for(office: Office) -> None:
    do(office, lambda tx: tx.execute("INSERT INTO leak_sweeps VALUES (current_date, '', 0, now())"))
    with office.db.lock_connection() as session:
        session.execute("LISTEN fairlead")
        wake(office.db)
        assert [n.payload for n in session.notifies(timeout=0.2, stop_after=1)] == []
        finance = office.person("tomasz.wojcik").principal
        do(office, lambda tx: ask_for_month(tx, finance, JAN, today=date(2026, 11, 28)))
        assert [n.payload for n in session.notifies(timeout=5, stop_after=1)] == ["revenue"]
        wake(office.db)
        assert [n.payload for n in session.notifies(timeout=5, stop_after=1)] == ["revenue"]
