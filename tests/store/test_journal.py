"""The log has no gaps, passes nobody over, and is written with the change or not at all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest

from fairlead.domain.chain import START, link
from fairlead.store import journal
from fairlead.store.database import Database, Tx
from fairlead.store.journal import Event

AT = datetime(2026, 7, 1, 9, 30, 0, 123456, UTC)


def event(chain: str, n: int = 0, **attributes: Any) -> Event:
    return Event(
        chain=chain, type="step.done", at=AT, actor="fairlead", attributes={"n": n} | attributes
    )


def positions(db: Database, chain: str) -> list[int]:
    with db.transaction() as tx:
        return [row["position"] for row in journal.of_chain(tx, chain, limit=10_000)]


def test_chains_have_no_gap_and_no_fork_under_eight_writers(db: Database) -> None:
    chains = ("a", "b", "c")
    start = Barrier(8)

    def write(writer: int) -> None:
        start.wait(10)
        for n in range(12):
            with db.transaction() as tx:
                journal.append(tx, [event(chains[(writer + n + k) % 3], n) for k in range(2)])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    with db.transaction() as tx:
        rows, heads = list(journal.everything(tx)), journal.heads(tx)
    head: dict[str, tuple[int, bytes]] = {}
    for row in rows:
        length, before = head.get(row["chain"], (0, START))
        covered = {name: row[name] for name in journal.hashed(event("x"), 1)}
        assert row["position"] == length + 1
        assert link(before, covered) == bytes(row["hash"])
        head[row["chain"]] = (length + 1, bytes(row["hash"]))
    assert len(rows) == 8 * 12 * 2
    assert heads == [(chain, *head[chain]) for chain in chains]


def test_an_event_is_there_with_its_change_or_not_at_all(db: Database) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def change(name: str, *, dies: bool) -> None:
        with db.transaction() as tx:
            tx.execute("INSERT INTO systems (id) VALUES (%s)", [name])
            journal.append(tx, [event(name)])
            if dies:
                raise Killed

    with pytest.raises(Killed):
        change("one", dies=True)
    change("two", dies=False)

    assert (positions(db, "one"), positions(db, "two")) == ([], [1])
    with db.transaction() as tx:
        assert [row["id"] for row in tx.execute("SELECT id FROM systems")] == ["two"]


def read_on(db: Database, after: tuple[int, int], regions: Sequence[str] | None = None) -> Any:
    with db.transaction() as tx:
        rows = journal.feed(tx, after=after, limit=100, regions=regions)
    return [row["chain"] for row in rows], (
        (int(rows[-1]["tx"]), rows[-1]["seq"]) if rows else after
    )


def read_until(
    db: Database, after: tuple[int, int], count: int, regions: Sequence[str] | None = None
) -> Any:
    """Reads on until so many were told. The feed waits for the oldest transaction of the whole
    server, which other tests share: so a moment may pass."""
    told: list[str] = []
    end = time.monotonic() + 20
    while len(told) < count and time.monotonic() < end:
        found, after = read_on(db, after, regions)
        told += found
    return told, after


def test_the_feed_never_passes_over_a_transaction_that_commits_late(db: Database) -> None:
    with db.transaction() as late:
        journal.append(late, [event("late")])  # has its number, and is not yet seen
        with db.transaction() as early:
            journal.append(early, [event("early")])
        meanwhile, cursor = read_on(db, (0, 0))
    afterwards, cursor = read_until(db, cursor, 2)
    at_the_end, _ = read_on(db, cursor)

    assert meanwhile == []
    assert afterwards == ["late", "early"]
    assert at_the_end == []


def test_the_feed_gives_every_event_once_while_many_write(db: Database) -> None:
    start = Barrier(5)

    def write(writer: int) -> None:
        start.wait(10)
        for n in range(25):
            with db.transaction() as tx:
                journal.append(tx, [event(f"{writer}-{n}")])

    seen: list[str] = []
    cursor = (0, 0)
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, writer) for writer in range(4)]
        start.wait(10)
        while not all(one.done() for one in writing):
            found, cursor = read_on(db, cursor)
            seen += found
    found, cursor = read_until(db, cursor, 100 - len(seen))
    seen += found

    assert read_on(db, cursor)[0] == []
    assert sorted(seen) == sorted(f"{writer}-{n}" for writer in range(4) for n in range(25))


def test_the_feed_shows_a_reader_only_the_regions_that_are_given(db: Database) -> None:
    with db.transaction() as tx:
        for region in ("EMEA", "AMER", None):
            at = Event(chain=str(region), type="x", at=AT, actor="fairlead", region=region)
            journal.append(tx, [at])

    assert read_until(db, (0, 0), 3)[0] == ["EMEA", "AMER", "None"]
    assert read_on(db, (0, 0), ["EMEA"])[0] == ["EMEA"]
    assert read_on(db, (0, 0), [])[0] == []


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"text": 'Ünïcode \u2028 \U0001f600 "quoted" \\ /'}, id="text"),
        pytest.param({"n": 2**63, "m": -1, "yes": True, "none": None}, id="numbers"),
        pytest.param({"b": {"z": 1, "a": [1, "2", None]}, "a": []}, id="nested"),
        pytest.param({"at": "2026-07-01T09:30:00Z", "empty": ""}, id="like-a-time"),
    ],
)
def test_an_event_reads_back_exactly_as_it_was_hashed(tx: Tx, attributes: dict[str, Any]) -> None:
    told = Event(
        chain="exact", type="x", at=AT, actor="person:ana", attributes=attributes,
        objects=[("o", "order", "of")], correlation="c", region="EMEA",
    )  # fmt: skip
    journal.append(tx, [told])

    (row,) = journal.of_chain(tx, "exact", limit=1)
    assert link(START, {name: row[name] for name in journal.hashed(told, 1)}) == row["hash"]


@pytest.mark.parametrize("number", [0.1, 1e22, [1, {"a": 2.0}]])
def test_a_number_that_might_read_back_otherwise_is_refused(tx: Tx, number: Any) -> None:
    with pytest.raises(ValueError, match="float cannot stand in an event"):
        journal.append(tx, [event("float", number=number)])
