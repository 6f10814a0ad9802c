"""What a worker does for revenue: it carries on jobs, and once a day looks for what leaks."""

from __future__ import annotations

from fairlead.capabilities.revenue.leakage import sweep_on
from fairlead.capabilities.revenue.months import QUEUE, Reckons, carry_on
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger
from fairlead.store import leaks, revenue_jobs, runs
from fairlead.store.database import Database, database_time


class RevenueDrain:
    """Computes what was asked for, a chunk a transaction (`flow.engine.Drain`)."""

    slots = 1  #: months are computed in the order in which they were asked for

    def __init__(self, db: Database, reckons: Reckons) -> None:
        self._db, self._reckons = db, reckons

    def work(self, queue: str, ledger: Ledger) -> Took:
        with self._db.transaction() as tx:
            busy = carry_on(tx, self._reckons) or sweep_on(tx, self._reckons)
        return Took.SOME if busy else Took.NOTHING


def wake(db: Database) -> None:
    """Have jobs carried on that nobody is at, and the day's sweep."""
    with db.transaction() as tx:
        if revenue_jobs.wait(tx) or leaks.sweep_is_due(tx, database_time(tx).date()):
            runs.notify(tx, QUEUE)
