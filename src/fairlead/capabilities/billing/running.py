"""Proposing for many engagements: a job in parts, each a transaction, carried on by any worker."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import uuid4

import polars as pl
import psycopg

from fairlead.capabilities.billing.proposing import Proposing
from fairlead.errors import AlreadyBilled, NotAllowed, NotFound
from fairlead.store import billing_runs
from fairlead.store.database import Database, Tx, database_time
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People, Principal
from fairlead.trust.roles import Permission

log = logging.getLogger(__name__)

#: So many engagements at a time: their locks are held for about a second.
AT_A_TIME = 250
#: What figures that no sum holds come to, in the database or in the rules.
BROKEN = (psycopg.DataError, ArithmeticError, ValueError, pl.exceptions.PolarsError)


def start_run_of(
    tx: Tx,
    acting: Acting,
    *,
    dated_on: date | None,
    until: date | None,
    region: str | None,
    entity: str | None,
) -> str:
    """Have invoices proposed for every open engagement of a region and company; the run's id.

    `dated_on`: null is today, in each company. `until`: null is the invoice's day.
    """
    reader, id = acting.principal, str(uuid4())
    billing_runs.start(
        tx,
        id,
        by=acting.id,
        at=database_time(tx),
        dated_on=dated_on,
        until=until,
        region=region,
        entity=entity,
        regions=None if reader.regions is None else list(reader.regions),
        entities=None if reader.legal_entities is None else list(reader.legal_entities),
    )
    return id


def seen(tx: Tx, reader: Principal, id: str) -> dict[str, Any] | None:
    """One's own run, or one over what one sees; null where there is none."""
    run = billing_runs.one(tx, id)
    if run is None or run["asked_by"] == reader.id:
        return run
    return run if reader.sees(region=run["region"], legal_entity=run["legal_entity"]) else None


class ProposesRuns:
    """A worker's part in it."""

    def __init__(self, db: Database, people: People, proposing: Proposing) -> None:
        self._db, self._people, self._proposing = db, people, proposing

    def sweep(self) -> None:
        """Work off all that is left of every run. Safe to end anywhere, and by several at once."""
        while self.part():
            pass

    def part(self, at_a_time: int = AT_A_TIME) -> bool:
        """The next engagements of a run, in one transaction; False: none is left to take."""
        with self._db.transaction() as tx:
            run = billing_runs.take(tx, at_a_time)
            if run is None:
                return False
            ids: list[str] = run["ids"] or []
            outcomes, invoices, items = self._proposed(tx, run, ids)
            billing_runs.note(tx, run["id"], outcomes, invoices=invoices, items=items)
        return True

    def _proposed(
        self, tx: Tx, run: Mapping[str, Any], ids: list[str]
    ) -> tuple[dict[str, str], int, int]:
        """What came of each; where one is taken meanwhile, each is tried by itself."""
        try:
            with tx.transaction():
                return self._together(tx, run, ids)
        except (NotAllowed, NotFound) as gone:  # whoever asked for it may not do so any more
            return dict.fromkeys(ids, str(gone)), 0, 0
        except AlreadyBilled as taken:
            if len(ids) == 1:
                return {ids[0]: str(taken)}, 0, 0
        except BROKEN:  # one that cannot be worked out stops neither this run nor those behind it
            if len(ids) == 1:
                log.exception("invoices of %s could not be worked out", ids[0])
                return {ids[0]: "could not be worked out; the worker's log says why"}, 0, 0
        parts = [self._proposed(tx, run, [id]) for id in ids]
        said = {id: outcome for part, _, _ in parts for id, outcome in part.items()}
        return said, sum(part[1] for part in parts), sum(part[2] for part in parts)

    def _together(
        self, tx: Tx, run: Mapping[str, Any], ids: list[str]
    ) -> tuple[dict[str, str], int, int]:
        principal = self._people.principal(str(run["asked_by"]))
        principal.must(Permission.BILLING_PROPOSE)
        acting = Acting.of(self._people, principal)
        made = self._proposing.propose(
            tx,
            ids,
            acting,
            dated_on=run["dated_on"],
            until=run["until"],
            asked_at=run["asked_at"],
        )
        outcomes = {id: made[id].words if id in made else "not launched" for id in ids}
        return (
            outcomes,
            sum(len(one.invoices) for one in made.values()),
            sum(one.items for one in made.values()),
        )
