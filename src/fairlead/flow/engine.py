"""A worker process: DBOS carries the wake-ups, the rows carry the work.

Work lies in rows: ready runs, ready outward steps, inbox messages, polls. A *drain* is a short
DBOS workflow that takes the rows of one queue until none is ready. Wake-ups are DBOS workflows on
one durable queue, deduplicated per drain and slot, so at most `slots` drains of a queue run over
all workers, and a system is never called by more at once than it allows. What a drain does is
safe to do again, because each row is taken and ended in its own transaction; so a drain of a dead
worker is simply resumed by a living one.

Liveness is a session lock in PostgreSQL: a worker lives as long as its session does. It needs no
clock, and a worker that is only slow is never robbed.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, Protocol

import psycopg
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from fairlead.errors import Busy
from fairlead.flow.bells import Bells
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.flow.seams import seam
from fairlead.flow.wakeups import APPLICATION, APPLICATION_VERSION, QUEUE, SCHEMA, WORKFLOW, WakeUps
from fairlead.store import runs, workers
from fairlead.store.database import Database

log = logging.getLogger(__name__)

_PULSE_S = 0.5
_GATHER_S = 0.002  # a small burst costs as much as a large one: let a few more runs come in
_LINGER_S = 4.0  # a drain waits so long for more before it ends
_LONGEST_DRAIN_S = 45.0
_HUNG_AFTER_S = 120.0  # a session that lives but says nothing for so long is ended
_LOOK_BACK_S = 2.0  # how often a worker asks what it took without knowing


class Took(IntEnum):
    """What a drain found when it looked for work."""

    NOTHING = 0
    SOME = 1  #: and it can keep up alone
    PLENTY = 2  #: others may help


class Drain(Protocol):
    """The work of one queue."""

    slots: int  #: how many at once, over all workers

    def work(self, queue: str, ledger: Ledger) -> Took:
        """Do a piece of what is ready."""
        ...


@dataclass(frozen=True)
class Housekeeping:
    """Something that each worker looks after now and then; it must be safe to do twice."""

    every_s: float
    do: Callable[[], None]


_running: Engine | None = None  # DBOS itself is one per process, and so is what its workflow runs


@DBOS.workflow(name=WORKFLOW)
def _drain(queue: str, slot: int) -> int:
    """How many pieces of work were done. Carried on by any worker at any time."""
    if _running is None:
        return 0
    return _running.carry(str(DBOS.workflow_id), queue, slot)


class Engine:
    """One worker. Its identity is made at start, so no copy of its configuration can share it."""

    def __init__(
        self,
        db: Database,
        drains: Callable[[str], Drain | None],
        housekeeping: list[Housekeeping],
        returned: Callable[[list[str]], None],
        threads: int = 32,
    ) -> None:
        """`drains`: queue name → its work. `returned(dead)`: give back these workers' rows."""
        self.id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._db, self._drains, self._threads = db, drains, threads
        self._housekeeping, self._returned = housekeeping, returned
        self._bells, self._stop = Bells(), threading.Event()
        self._local: dict[str, int] = {}  # queue → drains that run here
        self._asked: dict[str, float] = {}  # queue → not asked for again before (monotonic)
        self._wakeups = WakeUps(db)
        self._carried: set[str] = set()  # wake-ups that run here
        self._unheard: set[str] = set()  # those that are ours, it is said, and do not
        self._look_back_at = 0.0
        self._lock = threading.Lock()
        self._lock_of_life = secrets.randbits(62)

    # starting and stopping

    def start(self) -> None:
        """Launch DBOS and the threads. Returns when the worker takes work."""
        global _running
        _running = self
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._db.url.replace(
                "postgresql://", "postgresql+psycopg://", 1
            ),
            "dbos_system_schema": SCHEMA,
            "application_version": APPLICATION_VERSION,
            "executor_id": self.id,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "sys_db_pool_size": 5,
            "max_executor_threads": self._threads * 2,
            "db_engine_kwargs": {"hide_parameters": True, "pool_pre_ping": False},
        }
        with self._db.lock_connection() as once:  # one process at a time prepares DBOS's schema
            _wait_for_turn(once)
            DBOS(config=config)
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=self._threads, polling_interval_sec=0.25)
        ready = threading.Event()
        for target in (lambda: self._pulse(ready), self._listen):
            threading.Thread(target=target, daemon=True).start()
        ready.wait(30)

    def stop(self) -> None:
        """Finish what is in hand and leave; other workers take the rest."""
        global _running
        self._stop.set()
        self._bells.ring_all()
        DBOS.destroy(workflow_completion_timeout_sec=20)
        _running = None

    # draining

    def carry(self, wakeup: str, queue: str, slot: int) -> int:
        """Drain, and be known to be at it."""
        with self._lock:
            self._carried.add(wakeup)
        try:
            return self.drain(queue, slot)
        finally:
            with self._lock:
                self._carried.discard(wakeup)

    def drain(self, queue: str, slot: int) -> int:
        drain = self._drains(queue)
        if drain is None:
            return 0
        with self._lock:
            self._local[queue] = self._local.get(queue, 0) + 1
        try:
            with LockSession(self._db) as session:
                return self._until_empty(queue, slot, drain, Ledger(self._db, session))
        except Busy as away:
            log.warning("drain of %s stopped: %s", queue, away)
            return 0
        finally:
            with self._lock:
                self._local[queue] -= 1

    def _until_empty(self, queue: str, slot: int, drain: Drain, ledger: Ledger) -> int:
        done, end = 0, time.monotonic() + _LONGEST_DRAIN_S
        while not self._stop.is_set() and time.monotonic() < end:
            heard = self._bells.heard(queue)
            took = drain.work(queue, ledger)
            if took:
                done += 1
                if took is Took.PLENTY and slot + 1 < drain.slots:
                    self._ask_for(queue, slot + 1)
            elif slot or not self._bells.wait(queue, heard, _LINGER_S):
                break  # only the first drain of a queue waits for more
        return done

    def _wake(self, queue: str) -> None:
        """There is work on a queue: ring here, or have a drain started somewhere."""
        self._bells.ring(queue)
        with self._lock:
            here = self._local.get(queue, 0)
        if not here:
            self._ask_for(queue, 0)

    def _ask_for(self, queue: str, slot: int) -> None:
        drain = self._drains(queue)
        if drain is None or self._stop.is_set():
            return
        name, now = f"{queue}#{slot}", time.monotonic()
        with self._lock:
            if self._asked.get(name, 0) > now:
                return
            self._asked[name] = now + 0.2
        if not self._wakeups.ask(queue, slot):
            with self._lock:
                self._asked[name] = now + 1.0  # somebody has it
        seam("woken")

    # listening and looking after

    def _listen(self) -> None:
        """Hear of new work the moment its transaction commits."""
        while not self._stop.is_set():
            with (
                suppress(Busy, psycopg.OperationalError),
                self._db.lock_connection() as session,
            ):
                session.execute("LISTEN fairlead")
                while not self._stop.is_set():
                    for notice in session.notifies(timeout=1.0):
                        self._hear(notice.payload)
            self._stop.wait(0.5)

    def _hear(self, queue: str) -> None:
        try:
            self._wake(queue)
        except Exception as failed:  # the pulse finds the work again
            log.warning("could not wake %s: %s", queue, failed)

    def _pulse(self, ready: threading.Event) -> None:
        """The lock of life, and everything that must not hang on one message."""
        due = dict.fromkeys(range(len(self._housekeeping)), 0.0)
        while not self._stop.is_set():
            try:
                with self._db.lock_connection() as session:
                    self._join(session)
                    ready.set()
                    while not self._stop.is_set():
                        if not workers.beat(session, self.id):
                            self._join(session)  # buried by who saw us between two sessions
                        self._take_over()
                        self._look_back()
                        for number, chore in enumerate(self._housekeeping):
                            if due[number] <= time.monotonic():
                                due[number] = time.monotonic() + chore.every_s
                                chore.do()
                        with self._db.transaction() as tx:
                            waiting = runs.ready_queues(tx)
                        for queue in waiting:
                            self._wake(queue)
                        self._stop.wait(_PULSE_S)
            except Exception as failed:  # the database is away: everything waits for it
                log.warning("pulse: %s: %s", type(failed).__name__, failed)
                self._stop.wait(1.0)

    def _join(self, session: psycopg.Connection[Any]) -> None:
        workers.join(
            session,
            id=self.id,
            lock=self._lock_of_life,
            host=socket.gethostname(),
            pid=os.getpid(),
        )

    def _take_over(self) -> None:
        """Carry on what dead workers had. Whoever dies here is followed by another."""
        with self._db.transaction() as tx:
            hung = workers.end_hung(tx, self.id, _HUNG_AFTER_S)
            dead = sorted({*workers.dead(tx, self.id), *hung})
        if not dead:
            return
        log.warning("taking over from %s", ", ".join(dead))
        self._returned(dead)
        self._wakeups.offer_again(self._wakeups.claimed_by(dead))
        with self._db.transaction() as tx:
            workers.bury(tx, dead)

    def _look_back(self) -> None:
        """Offer again what we took without knowing: the database was lost after it had noted that
        we took a wake-up and before it could say so, or before it noted that we ended one. Nobody
        else would start another of its slot."""
        if time.monotonic() < self._look_back_at:
            return
        self._look_back_at = time.monotonic() + _LOOK_BACK_S
        claimed = set(self._wakeups.claimed_by([self.id]))
        with self._lock:
            unheard = claimed - self._carried
        lost = unheard & self._unheard  # a look earlier too: not merely about to begin or to end
        self._unheard = unheard - lost
        if lost:
            log.warning("offering again %d wake-ups that nobody carries", len(lost))
            self._wakeups.offer_again(sorted(lost))


def _wait_for_turn(session: psycopg.Connection[Any]) -> None:
    """Asks again and again: a statement that waits holds a snapshot, and an index that DBOS
    builds concurrently would wait for that."""
    while True:
        row = session.execute(
            "SELECT pg_try_advisory_lock(hashtextextended('fairlead launch', 1)) AS mine"
        ).fetchone()
        if row and row["mine"]:
            return
        time.sleep(0.05)


def forget_old_wakeups(db: Database, older_than: timedelta = timedelta(hours=1)) -> None:
    WakeUps(db).forget(datetime.now(UTC) - older_than)


class RunsDrain:
    """Advances ready runs, a batch a transaction."""

    slots = 4

    def __init__(self, db: Database, advance: Callable[[Any, int], int], batch: int = 16) -> None:
        self._db, self._advance, self._batch = db, advance, batch

    def work(self, queue: str, ledger: Ledger) -> Took:
        with self._db.transaction() as tx:
            taken = self._advance(tx, self._batch)
        seam("burst stored")
        if taken == self._batch:
            return Took.PLENTY
        if not taken:
            return Took.NOTHING
        time.sleep(_GATHER_S)
        return Took.SOME
