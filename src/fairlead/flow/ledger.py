"""The effect ledger: one thing happens once outside, through crashes and lost answers.

The protocol, in the order in which a worker carries it out:

1. The intent is committed before anything is sent (`intended`).
2. One writer per key: a session lock in PostgreSQL, held until the outcome is stored, which ends
   with the worker's session however the worker ends.
3. Whatever may have left us before is looked up first. Found: adopted. Not found: not repeated
   before the settle window has passed since the last try, because it may still land.
4. The try is committed (`unknown`), then the call is made, with no transaction open.
5. The outcome is stored: `confirmed` with the reference, `refused`, `unknown`, or `intended`
   again where the call surely did nothing.

What the other side offers to recognise a repeat decides step 3. It always looks first; then a
native idempotency key (L3) or a unique external id (L2) makes an immediate repeat safe, because
the other side takes both calls for one; a searchable reference (L1) needs the settle window; and
where there is nothing (L0) a person is asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, LiteralString, Protocol, Self

import psycopg
from psycopg.rows import DictRow

from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, Busy, EffectConflict, SystemTrouble
from fairlead.flow.seams import seam
from fairlead.store import effects, journal
from fairlead.store.bulk import plain
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.effects import EffectRow
from fairlead.store.journal import Event, Relation


class Repeatable(Protocol):
    """What a connector declares of one operation (`connectors.kit.declaration.Writes`)."""

    @property
    def level(self) -> int: ...

    @property
    def settle(self) -> timedelta: ...

    @property
    def repeats(self) -> int:
        """At level 0: how many tries there may have been before a person must look."""
        ...


@dataclass(frozen=True)
class Intent:
    """What is to happen. `key` is a function of the business object and its revision."""

    key: EffectKey
    run_id: str
    step: str
    occurrence: int
    subject_id: str
    system: str
    operation: str
    request: Mapping[str, Any]
    correlation: str
    region: str | None

    @property
    def digest(self) -> str:
        text = json.dumps(self.request, sort_keys=True, default=plain, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


class Locks(Protocol):
    """A database session of one's own, whose end releases its advisory locks."""

    @property
    def closed(self) -> bool: ...

    def begin(self) -> None:
        """Nothing is locked now: a session that has gone is replaced by another."""
        ...

    def execute(self, query: LiteralString, params: Sequence[Any]) -> psycopg.Cursor[DictRow]: ...


class LockSession:
    """`Locks` that are opened when the first is taken: most drains never need one."""

    def __init__(self, db: Database) -> None:
        self._db, self._exit = db, ExitStack()
        self._session: psycopg.Connection[DictRow] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._exit.close()

    @property
    def closed(self) -> bool:
        return self._session is None or self._session.closed

    def begin(self) -> None:
        if self._session is not None and self._session.closed:
            self._session = None

    def execute(self, query: LiteralString, params: Sequence[Any]) -> psycopg.Cursor[DictRow]:
        if self._session is None:
            self._session = self._exit.enter_context(self._db.lock_connection())
        return self._session.execute(query, params)


class Ledger:
    """One worker thread's way to the effect ledger, with its own session for locks."""

    def __init__(self, db: Database, locks: Locks) -> None:
        self._db, self._locks = db, locks
        self._held = 0  # locks; with the session they would all be lost

    def once(
        self,
        intent: Intent,
        repeatable: Repeatable,
        *,
        call: Callable[[EffectKey], ExternalRef],
        find: Callable[[EffectKey], ExternalRef | None] | None,
    ) -> ExternalRef:
        """The reference of the one thing that was done. Raises a `SystemTrouble` or `Busy`."""
        with self.only_writer(intent.key):
            row = self._intend(intent)
            seam(f"{intent.operation}: intended")
            if row.reference is not None and row.state == "confirmed":
                return row.reference
            if row.digest != intent.digest and row.tried_at is not None:
                raise EffectConflict(
                    intent.system,
                    f"The content of {intent.operation} changed after it was first meant; "
                    "a changed object is a new revision.",
                )
            ref = self._look_up(intent, row, repeatable, find) if row.tried_at else None
            return self._adopt(intent, ref) if ref else self._call(intent, row, call)

    def unsettled(self, key: EffectKey) -> bool:
        """Whether an earlier call under this key may have done something nobody knows of yet."""
        with self._db.transaction() as tx:
            return effects.unsettled(tx, key)

    def _look_up(
        self,
        intent: Intent,
        row: EffectRow,
        repeatable: Repeatable,
        find: Callable[[EffectKey], ExternalRef | None] | None,
    ) -> ExternalRef | None:
        """What an earlier try did. None: surely nothing, and nothing can land any more."""
        assert row.tried_at is not None
        if repeatable.level == 0 and row.attempts > repeatable.repeats:
            raise EffectConflict(
                intent.system,
                f"It is not known whether {intent.operation} was done, and it offers no way to "
                "look. Look there, then say what you found.",
            )
        if find is not None and repeatable.level > 0:
            ref = find(intent.key)
            seam(f"{intent.operation}: looked up")
            if ref is not None:
                return ref
        if repeatable.level < 2:
            left = row.tried_at + repeatable.settle - row.now
            if left > timedelta(0):
                raise StillSettling(intent.system, left)
        return None

    def _call(
        self, intent: Intent, row: EffectRow, call: Callable[[EffectKey], ExternalRef]
    ) -> ExternalRef:
        with self._db.transaction() as tx:
            effects.try_now(tx, intent.key)
        seam(f"{intent.operation}: about to call")
        try:
            ref = call(intent.key)
        except SystemTrouble as trouble:
            seam(f"{intent.operation}: failed, not stored")
            self._leave(intent, row, trouble)
            raise
        seam(f"{intent.operation}: called, not confirmed")
        return self._adopt(intent, ref)

    def _adopt(self, intent: Intent, ref: ExternalRef) -> ExternalRef:
        with self._db.transaction() as tx:
            effects.confirm(tx, intent.key, ref)
            self._tell(tx, intent, "effect.confirmed", [(str(ref), ref.kind, "made")])
        seam(f"{intent.operation}: confirmed")
        return ref

    def _leave(self, intent: Intent, row: EffectRow, trouble: SystemTrouble) -> None:
        """A call that surely did nothing leaves only what an earlier one may still do."""
        with self._db.transaction() as tx:
            if trouble.leaves == "unknown":
                effects.leave_unknown(tx, intent.key, str(trouble))
            elif trouble.leaves == "refused" or row.tried_at is None:
                effects.leave_undone(tx, intent.key, trouble.leaves, str(trouble))
            else:
                effects.leave_as_tried(tx, intent.key, row.tried_at, str(trouble))
            if trouble.leaves != "intended":
                self._tell(tx, intent, f"effect.{trouble.leaves}", [])

    def _tell(self, tx: Tx, intent: Intent, type: str, objects: Sequence[Relation]) -> None:
        journal.append(
            tx,
            [
                Event(
                    chain=intent.subject_id,
                    type=type,
                    at=database_time(tx),
                    actor=f"system:{intent.system}",
                    attributes={"operation": intent.operation, "key": intent.key},
                    objects=[(intent.run_id, "run", "of"), *objects],
                    correlation=intent.correlation,
                    region=intent.region,
                )
            ],
        )

    def _intend(self, intent: Intent) -> EffectRow:
        with self._db.transaction() as tx:
            return effects.intend(
                tx,
                key=intent.key,
                run_id=intent.run_id,
                step=intent.step,
                occurrence=intent.occurrence,
                subject_id=intent.subject_id,
                system=intent.system,
                operation=intent.operation,
                digest=intent.digest,
                request=json.loads(json.dumps(intent.request, default=plain)),
            )

    @contextmanager
    def only_writer(self, key: EffectKey) -> Generator[None]:
        """Raises `Busy` where another worker is at the same effect."""
        with self._db_errors():
            if not self._held:
                self._locks.begin()
            row = self._locks.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 7)) AS mine", [key]
            ).fetchone()
        if not row or not row["mine"]:
            raise Busy(f"Another worker is carrying out {key}.")
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._locks.closed:
                with self._db_errors():
                    self._locks.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 7))", [key])

    @contextmanager
    def _db_errors(self) -> Generator[None]:
        try:
            yield
        except psycopg.OperationalError as away:
            raise Busy("The lock session to the database is gone.") from away


class StillSettling(AnswerLost):
    """An earlier call may still land: looked up, not there yet, and too early to repeat."""

    means = "has not shown what an earlier call did; it may still land, so we wait to be sure."

    def __init__(self, system: str, left: timedelta) -> None:
        super().__init__(system, "", retry_after=left)
