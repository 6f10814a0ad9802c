"""Records and their ledger."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Thread

import pytest

from fairlead.sandbox.books import Books, DuplicateKey, Order, Origin, as_of, origin


def test_a_record_comes_back_digit_for_digit() -> None:
    books = Books("s")
    made = books.create("invoice", {"amount": Decimal("1200.50"), "name": "Zoë"}, key="k")

    found = books.read("invoice", made.id)

    assert found is not None
    assert found == made
    assert str(found.body["amount"]) == "1200.50"
    assert (found.key, found.version, found.created_at.tzinfo) == ("k", 1, UTC)


def test_what_is_handed_out_is_not_what_is_kept() -> None:
    books = Books("s")
    body = {"lines": [1]}
    made = books.create("invoice", body)
    body["lines"].append(2)
    made.body["lines"].append(3)
    books.list("invoice")[0].body["lines"].append(4)

    assert books.list("invoice")[0].body == {"lines": [1]}


def test_a_key_is_taken_once_where_it_is_unique() -> None:
    books = Books("s")
    first = books.create("invoice", {}, key="k", unique_key=True)
    with pytest.raises(DuplicateKey):
        books.create("invoice", {}, key="k", unique_key=True)
    other = books.create("invoice", {}, key="other")
    with pytest.raises(DuplicateKey):
        books.update("invoice", other.id, {}, key="k", unique_key=True)
    books.update("invoice", first.id, {"paid": True}, key="k", unique_key=True)

    assert [first.id] == [one.id for one in books.find("invoice", key="k")]
    assert len(books.ledger()) == 3


def test_a_key_that_is_not_unique_finds_all_of_its_records() -> None:
    books = Books("s")
    ids = [books.create("task", {"n": n}, key="k").id for n in range(3)]
    books.create("other", {}, key="k")

    assert ids == [one.id for one in books.find("task", key="k")]


def test_changes_are_laid_over_or_put_in_place() -> None:
    books = Books("s")
    made = books.create("task", {"a": 1, "b": 2})

    assert books.update("task", made.id, {"b": 3}).body == {"a": 1, "b": 3}
    assert books.update("task", made.id, {"c": 4}, replace=True).body == {"c": 4}
    assert books.list("task")[0].version == 3
    with pytest.raises(KeyError):
        books.update("task", "999", {})


def test_a_removed_record_is_gone_from_every_search() -> None:
    books = Books("s")
    made = books.create("task", {}, key="k")
    books.remove("task", made.id)

    assert books.read("task", made.id) is None
    assert [] == books.find("task", key="k") == books.list("task")
    with pytest.raises(KeyError):
        books.remove("task", made.id)


def test_the_ledger_says_what_was_done_by_which_call() -> None:
    books = Books("s")
    came_from = origin.set(Origin("POST", "/things", "run-7"))
    made = books.create("task", {"a": 1}, key="k")
    origin.reset(came_from)
    books.update("task", made.id, {"a": 2})
    books.remove("task", made.id)

    rows = books.ledger()

    assert [row["operation"] for row in rows] == ["create", "update", "delete"]
    assert [row["body"] for row in rows] == [{"a": 1}, {"a": 2}, {"a": 2}]
    assert [row["correlation"] for row in rows] == ["run-7", "", ""]
    assert tuple(rows[0][name] for name in ("method", "path", "key", "system")) == (
        "POST",
        "/things",
        "k",
        "s",
    )


def test_nobody_changes_the_ledger(tmp_path: Path) -> None:
    books = Books("s", tmp_path / "s.sqlite")
    books.create("task", {})
    books.close()
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute("UPDATE ledger SET id = 'x'")
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute("DELETE FROM ledger")


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path) -> None:
    books = Books("s", tmp_path / "s.sqlite")
    kept = books.create("task", {"a": 1}, key="before")

    def half_done() -> None:
        with books.transaction():
            books.create("task", {}, key="new")
            books.update("task", kept.id, {"a": 2}, key="after")
            books.remove("task", kept.id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_done()

    for seen in (books, Books("s", tmp_path / "s.sqlite")):
        assert [kept] == seen.list("task") == seen.find("task", key="before")
        assert seen.find("task", key="new") + seen.find("task", key="after") == []
        assert len(seen.ledger()) == 1


def test_books_go_on_where_they_left_off(tmp_path: Path) -> None:
    first = Books("s", tmp_path / "s.sqlite")
    made = first.create("task", {"a": Decimal("0.10")}, key="k")
    first.close()
    again = Books("s", tmp_path / "s.sqlite")

    assert [made] == again.find("task", key="k")
    assert again.create("task", {}).id == "2"
    assert [row["seq"] for row in again.ledger()] == [1, 2]


def test_systems_that_share_an_order_have_one_ledger_order() -> None:
    order = Order()
    one, two = Books("one", order=order), Books("two", order=order)
    one.create("task", {})
    two.create("task", {})
    one.create("task", {})

    assert [row["seq"] for row in one.ledger()] == [1, 3]
    assert [row["seq"] for row in two.ledger()] == [2]


def test_a_stale_read_sees_the_past_and_writes_see_the_present() -> None:
    books = Books("s")
    old = books.create("task", {"a": 1}, key="k")
    moment = datetime.now(UTC)
    books.update("task", old.id, {"a": 2})
    new = books.create("task", {}, key="k")

    behind = as_of.set(moment)
    try:
        assert [old] == books.list("task") == books.find("task", key="k")
        assert books.read("task", new.id) is None
        with pytest.raises(DuplicateKey):
            books.create("task", {}, key="k", unique_key=True)
        books.remove("task", old.id)
        assert [old] == books.list("task")
    finally:
        as_of.reset(behind)

    assert [new] == books.list("task")


def test_threads_that_race_for_a_key_make_one_record() -> None:
    books = Books("s")
    refused: list[str] = []

    def race() -> None:
        for n in range(50):
            try:
                books.create("task", {}, key=str(n), unique_key=True)
            except DuplicateKey as duplicate:
                refused.append(str(duplicate))

    threads = [Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(books.list("task")), len(refused), len(books.ledger())) == (50, 150, 50)
    assert len({one.id for one in books.list("task")}) == 50
