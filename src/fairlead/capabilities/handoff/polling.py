"""Asking a CRM what changed: finds what no webhook told (F150)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

from fairlead.domain.ids import derived
from fairlead.errors import SystemTrouble
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger
from fairlead.flow.seams import seam
from fairlead.ports.crm import ChangePage, Crm
from fairlead.store import inbox, systems
from fairlead.store.database import Database, database_time

#: How far back the first poll of a system looks.
_FIRST_LOOK = timedelta(days=30)


class PollDrain:
    """Polls systems that are due. Fulfils `flow.engine.Drain`."""

    slots = 1

    def __init__(
        self, db: Database, crm: Callable[[str], Crm], every: Callable[[str], timedelta]
    ) -> None:
        self._db, self._crm, self._every = db, crm, every

    def work(self, queue: str, ledger: Ledger) -> Took:
        """One complete pass. A pass that breaks off leaves the watermark where it was."""
        system = queue.removeprefix("poll:")
        with self._db.transaction() as tx:
            mine, since = systems.take_poll(tx, system, self._every(system))
            since = since or database_time(tx) - _FIRST_LOOK
        if not mine:
            return Took.NOTHING
        try:
            cursor: str | None = None
            while True:
                page = self._crm(system).changed_since(since, cursor)
                self._store(system, page)
                seam("poll: page stored")
                cursor = page.next_cursor
                if cursor is None:
                    break
            with self._db.transaction() as tx:
                systems.polled(tx, system, page.watermark)
        except SystemTrouble:
            return Took.NOTHING  # the breaker has noted it; the next poll starts at the same place
        return Took.SOME

    def _store(self, system: str, page: ChangePage) -> None:
        with self._db.transaction() as tx:
            for change in page.changes:
                inbox.put(
                    tx,
                    source=system,
                    message=f"change:{change.opportunity}@{change.revision}",
                    kind="change",
                    queue=system,
                    correlation=derived("change", system, change.opportunity, change.revision),
                    headers={},
                    body=json.dumps({"opportunity": change.opportunity}).encode(),
                )
