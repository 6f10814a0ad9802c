"""Asking systems what changed: finds what no webhook told (F150)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fairlead.domain.ids import derived
from fairlead.errors import SystemTrouble
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger
from fairlead.flow.seams import seam
from fairlead.ports.contracts import Contracts
from fairlead.ports.crm import Crm
from fairlead.ports.documents import Documents
from fairlead.store import inbox, systems
from fairlead.store.database import Database, database_time

#: How far back the first poll of a system looks.
_FIRST_LOOK = timedelta(days=30)


@dataclass(frozen=True)
class Word:
    """Word of one change: of what kind, of which record, and at which revision."""

    kind: str  #: of the message in the inbox: `change`, `agreement` or `document`
    name: str  #: what the id is called in its body
    id: str
    revision: str


@dataclass(frozen=True)
class Page:
    words: tuple[Word, ...]
    next_cursor: str | None
    watermark: datetime


#: (since, cursor) → a page of what changed.
Asks = Callable[[datetime, str | None], Page]
#: since → where the next pass starts, once all of this one is stored.
Lands = Callable[[datetime], datetime]


def asks_crm(crm: Crm) -> Asks:
    def ask(since: datetime, cursor: str | None) -> Page:
        page = crm.changed_since(since, cursor)
        words = [Word("change", "opportunity", c.opportunity, c.revision) for c in page.changes]
        return Page(tuple(words), page.next_cursor, page.watermark)

    return ask


def asks_contracts(contracts: Contracts) -> Asks:
    def ask(since: datetime, cursor: str | None) -> Page:
        page = contracts.changed_since(since, cursor)
        words = [Word("agreement", "agreement", c.agreement, c.revision) for c in page.changes]
        return Page(tuple(words), page.next_cursor, page.watermark)

    return ask


def asks_documents(documents: Documents) -> Asks:
    def ask(since: datetime, cursor: str | None) -> Page:
        page = documents.changed_since(since, cursor)
        words = [Word("document", "document", c.document, c.revision) for c in page.changes]
        return Page(tuple(words), page.next_cursor, page.watermark)

    return ask


class PollDrain:
    """Polls one system when it is due. Fulfils `flow.engine.Drain`."""

    slots = 1

    def __init__(
        self,
        db: Database,
        asks: Callable[[], Iterable[Asks]],
        every: timedelta,
        lands: Callable[[], Iterable[Lands]] = tuple,
    ) -> None:
        """`asks`: what the system is asked; it fulfils one port or more. `lands`: what is taken in
        at once, where there may be too much for a message each."""
        self._db, self._asks, self._every, self._lands = db, asks, every, lands

    def work(self, queue: str, ledger: Ledger) -> Took:
        """One complete pass. A pass that breaks off leaves the watermark where it was."""
        system = queue.removeprefix("poll:")
        with self._db.transaction() as tx:
            mine, since = systems.take_poll(tx, system, self._every)
            began = database_time(tx)
            since = since or began - _FIRST_LOOK
        if not mine:
            return Took.NOTHING
        try:
            marks = [self._whole_pass(system, ask, since) for ask in self._asks()]
            marks += [land(since) for land in self._lands()]
            with self._db.transaction() as tx:
                systems.polled(tx, system, min(marks), began)
        except SystemTrouble:
            return Took.NOTHING  # the breaker has noted it; the next poll starts at the same place
        return Took.SOME

    def _whole_pass(self, system: str, ask: Asks, since: datetime) -> datetime:
        cursor: str | None = None
        while True:
            page = ask(since, cursor)
            self._store(system, page)
            seam("poll: page stored")
            cursor = page.next_cursor
            if cursor is None:
                return page.watermark

    def _store(self, system: str, page: Page) -> None:
        with self._db.transaction() as tx:
            for word in page.words:
                inbox.put(
                    tx,
                    source=system,
                    message=f"{word.kind}:{word.id}@{word.revision}",
                    kind=word.kind,
                    queue=system,
                    correlation=derived("change", system, word.id, word.revision),
                    headers={},
                    body=json.dumps({word.name: word.id}).encode(),
                )
