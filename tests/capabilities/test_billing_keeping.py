"""The board of billing is kept: what happened shows, whoever did it, and nothing is passed over."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from books import DAYS, FINANCE, Books, acting, policies

from fairlead.capabilities.billing.keeping import MOST_AGE, KeepsBoard
from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.reviewing import hold
from fairlead.store import journal, readiness_board
from fairlead.store.database import Database, Tx
from fairlead.store.invoices import Sees
from fairlead.store.journal import Event

KEEPS = KeepsBoard(Readiness(policies(), DAYS))


@pytest.fixture
def books(tx: Tx) -> Books:
    books = Books(tx)
    books.open()
    return books


def row(books: Books) -> dict[str, Any]:
    KEEPS.keep(books.tx, [books.id])
    (found,) = books.rows("readiness_board")
    return found


def lanes(tx: Tx) -> dict[str, tuple[int, Decimal]]:
    rows = readiness_board.sums(tx, Sees(), datetime.now(UTC))
    return {one["lane"]: (one["count"], one["amount"]) for one in rows}


def test_an_engagement_without_work_is_in_no_lane(books: Books) -> None:
    found = row(books)

    assert (found["ready"], found["ready_since"], found["blocked"]) == (0, None, False)
    assert lanes(books.tx) == {}


def test_what_is_ready_in_part_stands_in_both_lanes(books: Books) -> None:
    books.time(60)
    books.time(120, state="submitted")

    found = row(books)

    assert (found["ready"], found["held"], found["blocked"]) == (150, 300, True)
    assert lanes(books.tx) == {"ready": (1, 150), "blocked": (1, 300)}


def test_what_has_no_price_blocks_though_no_amount_is_known(books: Books) -> None:
    books.time(60, role="Architect")

    assert row(books)["blocked"]


def test_since_when_it_is_ready_is_kept_until_it_is_billed(books: Books) -> None:
    books.time(60)
    row(books)
    long_ago = datetime(2026, 11, 1, tzinfo=UTC)
    books.tx.execute("UPDATE readiness_board SET ready_since = %s", [long_ago])
    books.time(60)
    assert row(books)["ready_since"] == long_ago

    books.propose()

    assert row(books)["ready_since"] is None
    assert lanes(books.tx) == {"drafted": (1, 300)}


def test_a_hold_moves_all_of_it_to_the_blocked(books: Books) -> None:
    books.time(60)
    hold(books.tx, books.id, acting(FINANCE), reason="The client asked to wait.")

    found = row(books)

    assert (found["ready"], found["held"]) == (0, 150)
    assert found["since"] is not None


def test_whoever_sees_another_company_has_an_empty_board(books: Books) -> None:
    books.time(60)
    row(books)

    other = Sees(entities=frozenset({"TH-INC"}))
    assert readiness_board.sums(books.tx, other, datetime.now(UTC)) == []
    assert readiness_board.ready(books.tx, other, None) == []
    assert readiness_board.one(books.tx, other, "ENG-E1") is None


def test_figures_that_no_sum_holds_keep_no_other_from_the_board(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "fairlead.capabilities.billing.keeping")
    with db.transaction() as tx:
        absurd = Books(tx, "E0")
        absurd.open(billing_method="milestone")
        for number in (1, 2):
            absurd.milestone("9999999999999999", number=number)
        books = Books(tx)
        books.open()
        books.time(60)

    KEEPS.sweep(db)

    assert kept(db) == Decimal(150)


def may_be_followed(db: Database) -> None:
    """Transactions of other tests on the same server hold back what is followed until they end."""
    over = "SELECT bool_and(tx < pg_snapshot_xmin(pg_current_snapshot())) AS over FROM events"
    for _ in range(600):
        with db.transaction() as tx:
            row = tx.execute(over).fetchone()
        if row is not None and row["over"]:
            return
        time.sleep(0.05)
    pytest.fail("some transaction stayed open for half a minute")


def test_a_worker_follows_what_happened_and_renews_what_is_old(db: Database) -> None:
    with db.transaction() as tx:
        books = Books(tx)
        books.open()
        books.time(60)
    KEEPS.sweep(db)
    assert kept(db) == Decimal(150)

    with db.transaction() as tx:
        more = Books(tx)
        [more.new_id() for _ in range(9)]
        more.time(60)
    KEEPS.sweep(db)
    assert kept(db) == Decimal(150)  # nobody told of it

    with db.transaction() as tx:
        journal.append(tx, [Event("E1", "time.approved", datetime.now(UTC), "fairlead")])
    may_be_followed(db)
    KEEPS.sweep(db)
    assert kept(db) == Decimal(300)

    with db.transaction() as tx:
        Books(tx).expense("50")
        tx.execute("UPDATE readiness_board SET computed_at = computed_at - %s", [MOST_AGE])
    KEEPS.sweep(db)
    assert kept(db) == Decimal(350)


def test_two_workers_follow_the_events_once(db: Database) -> None:
    with db.transaction() as tx:
        books = Books(tx)
        books.open()
        journal.append(tx, [Event("E1", "engagement.launched", datetime.now(UTC), "fairlead")])
    KEEPS.sweep(db)
    with db.transaction() as one:
        assert readiness_board.place(one) is not None
        with db.transaction() as other:
            assert readiness_board.place(other) is None


def kept(db: Database) -> Decimal:
    with db.transaction() as tx:
        row = tx.execute("SELECT ready FROM readiness_board WHERE engagement_id = 'E1'").fetchone()
    assert row is not None
    return row["ready"]
