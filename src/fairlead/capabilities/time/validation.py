"""Judging many entries at once: in parts, with progress, carried on after any interruption.

A part is the people whose entries make up about `_PART`: it is judged and its findings are kept,
with how far the whole is, in one transaction. Whoever dies in between has done nothing of it, and
the next worker goes on where it was. To judge again says the same.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field, model_validator

from fairlead.capabilities.time.judging import Judging, Spending
from fairlead.domain.model.time_entry import EntryState
from fairlead.domain.values import Value
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger
from fairlead.flow.seams import seam
from fairlead.store import deliveries, journal, runs, time_validations
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.time_columns import Judged
from fairlead.store.time_entries import Sees
from fairlead.trust.acting import Acting

#: The queue of a worker on which it is carried.
QUEUE = "validations"
_PART = 100_000  #: entries that are judged in one transaction, about
_HELPING = 50  #: people that are looked at together
_LONGEST = 366 * 2  #: days


class Scope(Value):
    """Which entries are judged: those of some days, that nobody has approved yet."""

    first: date
    last: date
    states: Annotated[tuple[EntryState, ...], Field(min_length=1)] = (
        EntryState.DRAFT,
        EntryState.RETURNED,
        EntryState.SUBMITTED,
    )
    engagement: str | None = None  #: id, number or project code; null: all
    legal_entity: str | None = None  #: that invoices; null: all

    @model_validator(mode="after")
    def _can_be_judged(self) -> Scope:
        if not 2000 <= self.first.year <= self.last.year < 2100:
            raise ValueError("first and last are days of this century")
        if not 0 <= (self.last - self.first).days < _LONGEST:
            raise ValueError(f"last is not before first, and at most {_LONGEST} days are judged")
        if EntryState.APPROVED in self.states:
            raise ValueError("what was approved is not judged again")
        return self

    def judged(self) -> Judged:
        return Judged(
            first=self.first,
            last=self.last,
            states=[state.value for state in self.states],
            engagement=self.engagement,
            entity=self.legal_entity,
        )


def ask(tx: Tx, acting: Acting, scope: Scope) -> dict[str, Any]:
    """Have entries judged by a worker. Raises `InvalidInput` for an engagement that the caller
    does not see; who sees only some regions or companies must name one."""
    scope = _named(tx, acting, scope)
    id, now = str(uuid4()), database_time(tx)
    entries = time_validations.count(tx, scope.judged())
    by = f"{acting.principal.kind}:{acting.id}"
    time_validations.ask(tx, id, scope.model_dump(mode="json"), entries=entries, by=by, at=now)
    runs.notify(tx, QUEUE)
    _note(tx, id, "asked", by, {"entries": entries})
    row = time_validations.get(tx, id)
    assert row is not None
    return row


def cancel(tx: Tx, acting: Acting, id: str) -> dict[str, Any]:
    """What is judged stays judged; the rest is left as it was. Raises `NotFound`, `IllegalMove`."""
    principal = acting.principal
    sees = Sees(None, True, principal.regions, principal.legal_entities)
    known = time_validations.get(tx, id, sees)
    if known is None:
        raise NotFound("There is no such validation.")
    row = time_validations.end(tx, id, "cancelled", database_time(tx))
    if row is None:
        raise IllegalMove("The validation", known["state"], "cancelled")
    _note(tx, id, "cancelled", f"{acting.principal.kind}:{acting.id}", {"judged": row["judged"]})
    return row


class ValidationDrain:
    """Carries validations, oldest first, a part at a time. Fulfils `flow.engine.Drain`."""

    slots = 1

    def __init__(self, db: Database, judging: Judging, part: int = _PART) -> None:
        self._db, self._judging, self._part = db, judging, part
        self._spending: tuple[str, Spending] | None = None  # of the one that is carried

    def work(self, queue: str, ledger: Ledger) -> Took:
        with self._db.transaction() as tx:
            # a part takes seconds; what it reads may take longer than a page may
            tx.execute("SET LOCAL statement_timeout = '10min'")
            job = time_validations.take(tx)
            if job is None:
                return Took.NOTHING
            self._carry(tx, job)
        seam("validation: part stored")
        return Took.SOME

    def _carry(self, tx: Tx, job: dict[str, Any]) -> None:
        scope = Scope.model_validate(job["scope"]).judged()
        people = self._next(tx, scope, job["after"])
        if not people:
            row = time_validations.end(tx, job["id"], "done", database_time(tx))
            assert row is not None
            counts = {name: row[name] for name in ("judged", "errors", "warnings")}
            _note(tx, job["id"], "done", "fairlead", counts)
            self._spending = None
            return
        judged, found = self._judging.judge(
            tx, people, scope, spending=self._spent(tx, job["id"], scope)
        )
        errors = int((found["severity"] == "error").sum())
        time_validations.progress(
            tx,
            job["id"],
            judged=judged,
            errors=errors,
            warnings=found.height - errors,
            after=people[-1],
        )

    def _next(self, tx: Tx, scope: Judged, after: str | None) -> list[str]:
        """Those who come next, in small helpings: counting their entries costs as reading them."""
        chosen, entries = list[str](), 0
        while True:
            helping = time_validations.people(tx, scope, after=after, limit=_HELPING)
            for after, n in helping:
                if entries >= self._part:
                    return chosen
                chosen.append(after)
                entries += n
            if len(helping) < _HELPING:
                return chosen

    def _spent(self, tx: Tx, job: str, scope: Judged) -> Spending:
        """Of all engagements in scope, once: parts share them."""
        if self._spending is None or self._spending[0] != job:
            found = Spending.of(tx, time_validations.engagements(tx, scope))
            self._spending = (job, found)
        return self._spending[1]


def _named(tx: Tx, acting: Acting, scope: Scope) -> Scope:
    principal = acting.principal
    if scope.engagement is None:
        if principal.regions is None and principal.legal_entities is None:
            return scope
        rule = "names one engagement: you do not see all"
        raise InvalidInput("This cannot be validated.", [Problem("/engagement", rule)])
    names = {*deliveries.find(tx, [scope.engagement]), scope.engagement}
    for id, delivery in deliveries.load(tx, sorted(names)).items():
        if principal.sees(region=delivery.region, legal_entity=delivery.legal_entity):
            return scope.model_copy(update={"engagement": id})
    rule = "is a launched engagement that you see"
    raise InvalidInput("This cannot be validated.", [Problem("/engagement", rule)])


def _note(tx: Tx, id: str, what: str, actor: str, attributes: dict[str, int]) -> None:
    event = Event(
        chain="validations",
        type=f"time.validation_{what}",
        at=database_time(tx),
        actor=actor,
        attributes=attributes,
        objects=[(id, "validation", what)],
    )
    journal.append(tx, [event])
