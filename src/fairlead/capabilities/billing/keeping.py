"""The board of billing, kept: readiness is worked out anew where something happened, and now and
then for everything, since fees fall due by the calendar and drafts are told to nobody.

Whoever bills by our pages sees what they did at once: `keep` runs in their transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fairlead.capabilities.billing.readiness import Readiness
from fairlead.capabilities.billing.running import BROKEN
from fairlead.domain.rules.billing_readiness import Readiness as Ready
from fairlead.store import journal
from fairlead.store import readiness_board as board
from fairlead.store.database import Database, Tx, database_time
from fairlead.trust.acting import ITSELF

log = logging.getLogger(__name__)

#: So old is a card at most, whatever was told of its engagement.
MOST_AGE = timedelta(minutes=15)
AT_A_TIME = 250  #: engagements
_EVENTS = 2000  #: that are followed at a time


@dataclass(frozen=True)
class KeepsBoard:
    readiness: Readiness

    def keep(self, tx: Tx, engagements: Sequence[str]) -> None:
        """Work these out as they are in this transaction. What is not launched is left out, and
        so is what cannot be worked out: it keeps nothing else from the board."""
        if not engagements:
            return
        try:
            with tx.transaction():
                self._keep(tx, engagements)
        except BROKEN:
            if len(engagements) == 1:
                log.exception("readiness of %s could not be worked out", engagements[0])
                return
            for id in engagements:
                self.keep(tx, [id])

    def _keep(self, tx: Tx, engagements: Sequence[str]) -> None:
        since = board.lock(tx, engagements)
        now = database_time(tx)
        # it sees all, and what is kept is shown by the reader's own limits
        found = self.readiness.of(tx, ITSELF, engagements)
        board.keep(tx, [_row(one, since.get(one.engagement), now) for one in found])

    def sweep(self, db: Database) -> None:
        """A worker's part: what grew since the last time, then what is too old. Safe to end
        anywhere; what was not kept is looked at again."""
        while self._follow(db):
            pass
        while self._renew(db):
            pass

    def _follow(self, db: Database) -> bool:
        """Whether there may be more."""
        with db.transaction() as tx:
            place = board.place(tx)
            if place is None:
                return False
            rows = board.grew(tx, place, _EVENTS)
            if not rows:
                return False
            chains = sorted({row["chain"] for row in rows})
            for at in range(0, len(chains), AT_A_TIME):
                self.keep(tx, chains[at : at + AT_A_TIME])
            board.move(tx, (rows[-1]["tx"], rows[-1]["seq"]))
            journal.tell(tx, chains)  # open pages were told of the event before this was worked out
        return len(rows) == _EVENTS

    def _renew(self, db: Database) -> bool:
        with db.transaction() as tx:
            before = database_time(tx) - MOST_AGE
            ids = board.old(tx, before, AT_A_TIME)
            self.keep(tx, ids)
        return len(ids) == AT_A_TIME


def _row(one: Ready, ready_since: datetime | None, now: datetime) -> dict[str, Any]:
    begun = [blocker.since for blocker in one.blockers if blocker.since is not None]
    return {
        "engagement_id": one.engagement,
        "number": one.number,
        "client_name": one.client,
        "region": one.region,
        "legal_entity": one.legal_entity,
        "currency": one.ready.currency,
        "ready": one.ready.amount,
        "ready_since": (ready_since or now) if one.ready.amount > 0 else None,
        "blocked": any(blocker.count or blocker.amount.amount > 0 for blocker in one.blockers),
        "held": one.held.amount,
        "since": min(begun, default=None),
        "body": one.model_dump(mode="json"),
        "computed_at": now,
    }
