"""Reading the inbox: each message once, in its own transaction, whatever it turns out to be."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from datetime import timedelta

from fairlead.errors import (
    Busy,
    FairleadError,
    InvalidInput,
    NotFound,
    SystemTrouble,
    Throttled,
)
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger
from fairlead.flow.seams import seam
from fairlead.store import exceptions, inbox
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.inbox import Message
from fairlead.trace import correlation
from fairlead.work.words import CauseClass, ExceptionAction, NewException

log = logging.getLogger(__name__)
_spread = random.SystemRandom()

#: Reads a message without a transaction; gives what then takes it in, in one (tx → outcome).
Handler = Callable[[Message], Callable[[Tx], str]]

_TRIES = 12
_CRASHES = 5
_TEAM = "integration-operations"


class Unknown(NotFound):
    """A message about something that we have not heard of yet: it may only be early."""


class InboxDrain:
    """The messages of one queue. Fulfils `flow.engine.Drain`."""

    def __init__(self, db: Database, worker: str, handle: Handler, slots: int) -> None:
        self._db, self._worker, self._handle, self.slots = db, worker, handle, slots
        self.in_flight: set[int] = set()

    def work(self, queue: str, ledger: Ledger) -> Took:
        message: Message | None = None
        try:
            with self._db.transaction() as tx:
                message = inbox.claim(tx, queue.removeprefix("inbox:"), self._worker)
                if message is None:
                    return Took.NOTHING
                self.in_flight.add(message.id)  # before the commit, or it might look forgotten
            seam("message: taken")
            self._read(message)
        finally:
            if message is not None:
                self.in_flight.discard(message.id)
        return Took.PLENTY

    def _read(self, message: Message) -> None:
        correlation.set(message.correlation)
        if message.crashes > _CRASHES:
            self._park(message, f"Each worker that read it died, {_CRASHES} times.")
            return
        try:
            take_in = self._handle(message)
            seam("message: read")
            with self._db.transaction() as tx:
                outcome = take_in(tx)
                inbox.end(tx, message, "done", outcome)
            seam("message: taken in")
        except Busy as held:
            self._later(message, timedelta(milliseconds=300), held, counts=False)
        except Throttled as wait:
            self._later(message, wait.retry_after or timedelta(seconds=2), wait, counts=False)
        except (SystemTrouble, Unknown) as trouble:
            if message.attempt >= _TRIES or (
                isinstance(trouble, SystemTrouble) and not trouble.retry
            ):
                self._park(message, str(trouble))
            else:
                asked = trouble.retry_after if isinstance(trouble, SystemTrouble) else None
                self._later(message, asked or _growing(message.attempt), trouble, counts=True)
        except InvalidInput as strange:
            rules = "; ".join(f"{p.pointer}: {p.rule}" for p in strange.problems)
            self._park(message, f"{strange.detail} {rules}".strip())
        except FairleadError as refused:
            self._park(message, str(refused))
        except Exception as defect:
            log.error("message %s of %s failed", message.id, message.source, exc_info=defect)
            self._park(message, f"{type(defect).__name__}: {defect}")

    def _later(
        self, message: Message, wait: timedelta, because: Exception, *, counts: bool
    ) -> None:
        with self._db.transaction() as tx:
            inbox.put_back(tx, message, wait, str(because), counts=counts)

    def _park(self, message: Message, reason: str) -> None:
        """A dead letter: kept with its reason, for a person to replay or dismiss (F154)."""
        with self._db.transaction() as tx:
            if not inbox.end(tx, message, "parked", reason):
                return
            exceptions.open_one(
                tx,
                NewException(
                    cause=f"message:{message.source}:{message.id}",
                    cause_class=CauseClass.UNREADABLE,
                    team=_TEAM,
                    title=f"A {message.kind} from {message.source} cannot be taken in",
                    detail=reason[:1000],
                    remedy="Mend its sender or our mapping, then retry; or dismiss it.",
                    opened_at=database_time(tx),
                    actions=(
                        ExceptionAction.RETRY,
                        ExceptionAction.DISMISS,
                        ExceptionAction.ASSIGN,
                    ),
                    payload={"message": message.message, "length": len(message.body)},
                    system=message.source,
                ),
            )


def _growing(attempt: int) -> timedelta:
    """Spread, so that messages that failed together do not come back together."""
    base = min(0.5 * 2 ** min(attempt - 1, 16), 60)
    return timedelta(seconds=base * _spread.uniform(0.75, 1.25))
