"""Workers are processes, and processes die, stop and come back. Their work does not mind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql
from small_world import LABEL, SEND, SYSTEM, Act, Carrier, FileBook, Parcel, World, playbook

from fairlead.domain.values import ExternalRef
from fairlead.flow.engine import Drain, Engine, Housekeeping, RunsDrain
from fairlead.flow.outage import Outages, SystemDrain
from fairlead.flow.passage import Passage
from fairlead.flow.wakeups import WakeUps
from fairlead.store import runs
from fairlead.store.database import Database

pytestmark = pytest.mark.takes(4)

STORY = playbook([SEND], [LABEL])
PICKLE = ("gAJ", "gAN", "gAS", "gAW")  #: protocols 2 to 5, in base64
PATIENCE_S = 15.0  #: within this another worker has finished what a dead one had
_spawning = multiprocessing.get_context("spawn")


@dataclass
class Worker:
    """A worker process, started from the same configuration as any other."""

    process: BaseProcess
    events: Connection  #: what it tells: `ready`, `calling`, `pulse`; takes `go on` in a call

    def hears(self, what: str, timeout_s: float = 30) -> None:
        """Until it tells `what`."""
        end = time.monotonic() + timeout_s
        while self.events.poll(max(end - time.monotonic(), 0)):
            if self.events.recv() == what:
                return
        raise AssertionError(f"the worker did not tell {what!r} in {timeout_s} s")

    def signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


def work(url: str, book: Path, events: Connection, holds: str | None) -> None:
    """The worker's process. `holds`: its first call waits `before` or `after` it is done there."""
    os.environ["DBOS__VMID"] = "copied"  # as from a copied environment
    db = Database(url)
    carrier = Carrier(FileBook(book))

    def hold() -> None:
        events.send("calling")
        while events.recv() != "go on":
            continue

    def held(act: Act) -> ExternalRef:
        if holds == "before":
            hold()
        ref = act()
        if holds == "after":
            hold()
        return ref

    if holds:
        carrier.faults.append(held)
    world = World(db, STORY, carrier=carrier)
    to_all: dict[str, Drain] = {"runs": RunsDrain(db, world.bursts.advance_ready)}

    def returned(dead: list[str]) -> None:
        with db.transaction() as tx:
            for system in runs.give_back(tx, dead):
                runs.notify(tx, f"system:{system}")

    chores = [Housekeeping(0, lambda: events.send("pulse"))]
    engine = Engine(db, to_all.get, chores, returned)
    outages = Outages(db)
    outward = world.as_worker(engine.id)
    passage = Passage(db, SYSTEM, None, outages.went_down)
    to_all[f"system:{SYSTEM}"] = SystemDrain(db, outward, outages, passage, lambda: None, 4)
    engine.start()
    events.send("ready")
    signal.pause()  # the test ends it


class Firm:
    """A database, a carrier's book, and workers that come and go."""

    def __init__(self, db: Database, book: Path) -> None:
        self.db, self._path = db, book
        self.world = World(db, STORY)
        self.book = FileBook(book)
        self.workers: list[Worker] = []

    def hire(self, holds: str | None = None) -> Worker:
        ours, theirs = _spawning.Pipe()
        process = _spawning.Process(
            target=work, args=(self.db.url, self._path, theirs, holds), daemon=True
        )
        process.start()
        theirs.close()
        worker = Worker(process, ours)
        self.workers.append(worker)
        return worker

    def until(self, holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
        """Looks again whenever a worker is told of something, and now and then."""
        end = time.monotonic() + timeout_s
        with self.db.lock_connection() as session:
            session.execute("LISTEN fairlead")
            while not holds():
                assert time.monotonic() < end, "it did not happen in time"
                list(session.notifies(timeout=0.5, stop_after=1))

    def finished(self, run: str) -> Callable[[], bool]:
        return lambda: self.world.run(run).state == "completed"

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.db.transaction() as tx:
            return tx.execute(query.encode()).fetchall()

    def tables_of_dbos(self) -> list[list[dict[str, Any]]]:
        with self.db.transaction() as tx:
            names = tx.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'dbos'")
            return [
                tx.execute(
                    sql.SQL("SELECT * FROM {}").format(sql.Identifier("dbos", row["tablename"]))
                ).fetchall()
                for row in names.fetchall()
            ]

    def close(self) -> None:
        for worker in self.workers:
            worker.process.kill()
            worker.process.join(10)


@pytest.fixture
def firm(db: Database, tmp_path: Path) -> Iterator[Firm]:
    firm = Firm(db, tmp_path / "book")
    yield firm
    firm.close()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_a_killed_worker_had_in_hand_is_finished_once_by_another(
    firm: Firm, moment: str
) -> None:
    doomed = firm.hire(holds=moment)
    doomed.hears("ready")
    run = firm.world.start(Parcel("p-1"))
    doomed.hears("calling")
    other = firm.hire()
    other.hears("ready")
    doomed.signal(signal.SIGKILL)

    firm.until(firm.finished(run))

    assert firm.book.entries() == [(f"{run}/send/1", "send p-1")]
    assert firm.world.step(run, "send").attempt == 2


def test_a_worker_that_is_only_stopped_is_not_robbed(firm: Firm) -> None:
    """Both come from a copied configuration; neither identity nor work is shared."""
    slow = firm.hire(holds="before")
    slow.hears("ready")
    run = firm.world.start(Parcel("p-1"))
    slow.hears("calling")
    holder = firm.world.step(run, "send").worker
    other = firm.hire()
    other.hears("ready")
    slow.signal(signal.SIGSTOP)
    for _ in range(5):  # the other has looked for dead workers each time
        other.hears("pulse")
    meanwhile = firm.world.step(run, "send")
    slow.signal(signal.SIGCONT)
    slow.events.send("go on")
    firm.until(firm.finished(run))

    assert (meanwhile.state, meanwhile.worker, meanwhile.attempt) == ("running", holder, 1)
    assert firm.book.entries() == [(f"{run}/send/1", "send p-1")]

    # two identities
    ids = {row["id"] for row in firm.rows("SELECT id FROM workers")}
    assert len(ids) == 2
    executors = firm.rows("SELECT DISTINCT executor_id AS id FROM dbos.workflow_status")
    assert {row["id"] for row in executors} <= {*ids, None}
    assert holder in ids


def test_nothing_that_could_run_as_code_is_kept_in_the_tables_of_dbos(firm: Firm) -> None:
    worker = firm.hire()
    worker.hears("ready")
    run = firm.world.start(Parcel("p-1"))
    firm.until(firm.finished(run))

    formats: set[str] = set()
    for table in firm.tables_of_dbos():
        for row in table:
            formats.add(row.get("serialization") or "none")
            for value in row.values():
                assert not str(value).startswith(PICKLE), row
                assert not (isinstance(value, bytes) and value.startswith(b"\x80")), row
    assert formats == {"none", "portable_json"}


def test_a_wake_up_that_its_worker_took_without_hearing_of_it_holds_nothing_up(firm: Firm) -> None:
    """As when the database is lost after it noted who took it and before it could answer."""
    worker = firm.hire()
    worker.hears("ready")
    worker.signal(signal.SIGSTOP)
    assert WakeUps(firm.db).ask("runs", 0)
    with firm.db.transaction() as tx:
        taken = tx.execute(
            "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = w.id, "
            "started_at_epoch_ms = 0 FROM workers w WHERE status = 'ENQUEUED'"
        ).rowcount
    run = firm.world.start(Parcel("p-1"))
    worker.signal(signal.SIGCONT)

    firm.until(firm.finished(run))

    assert taken == 1
    assert firm.book.entries() == [(f"{run}/send/1", "send p-1")]


def test_a_worker_that_was_buried_while_it_lives_joins_again(firm: Firm) -> None:
    """As when another looks between the end of its old session and the start of its new one."""
    worker = firm.hire()
    worker.hears("ready")
    with firm.db.transaction() as tx:
        tx.execute("DELETE FROM workers")
    for _ in range(2):
        worker.hears("pulse")

    assert len(firm.rows("SELECT id FROM workers")) == 1
