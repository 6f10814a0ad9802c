"""Carrying out one outward step: take it, call its action, and take the end into its run.

No transaction is open while another system is called. However the call ends, the step's row says
what comes next: done, tried again later, looked up, or parked with an exception for a person.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fairlead.domain.ids import EffectKey
from fairlead.domain.rules.calendar import add_business_time
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    Busy,
    DatabaseAway,
    EffectConflict,
    FairleadError,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.flow.burst import Bursts, Finished, at_stake
from fairlead.flow.calls import Call, Done, Hooks, NeedsPerson, Said
from fairlead.flow.changes import Changes
from fairlead.flow.ledger import Intent, Ledger, Repeatable, StillSettling
from fairlead.flow.library import Library
from fairlead.flow.planner import UNDO
from fairlead.flow.playbook import Compiled, Step
from fairlead.flow.registry import Registry
from fairlead.flow.seams import seam
from fairlead.flow.states import StepState
from fairlead.policy.tables import Decision
from fairlead.store import blobs, runs
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.runs import RunRow, StepRow
from fairlead.trace import correlation
from fairlead.work.words import CauseClass, ExceptionAction, NewException

log = logging.getLogger(__name__)
_spread = random.SystemRandom()

#: After so many tries that changed nothing a person is asked. Waiting for an outage, for a rate
#: limit or for a settle window is no try.
_TRIES = 20
#: A step whose worker died so often in a row is taken for the cause, and parked.
_CRASHES = 5


@dataclass(frozen=True)
class Reached:
    """One configured system as the engine uses it."""

    id: str
    port: Callable[[str], Any]  #: port name → adapter
    writes: Callable[[str], Repeatable]  #: `<port>.<operation>` → how a repeat is recognised


class OutwardCall:
    """What an outward action is called with; see `calls.OutwardCall`."""

    def __init__(
        self, db: Database, call: Call, row: StepRow, system: Reached, ledger: Ledger, port: str
    ) -> None:
        self.run, self.step, self.subject = call.run, call.step, call.subject
        self.results, self.now, self.said = call.results, call.now, call.said
        self.port, self.system = system.port(port), system.id
        self.answer: Mapping[str, Any] = (row.result or {}).get("answer", {})
        self._db, self._row, self._reached, self._ledger = db, row, system, ledger

    def note(self, decision: Decision) -> Decision:
        self.said.decisions.append(decision)
        return decision

    def tell(self, event: str, **attributes: Any) -> None:
        self.said.events.append((event, attributes))

    def send(self, event: str, **data: Any) -> None:
        self.said.sent.append((event, data))

    def keep(self, content: bytes, media_type: str) -> str:
        with self._db.transaction() as tx:
            return blobs.keep(tx, content, media_type)

    def kept(self, digest: str) -> bytes:
        with self._db.transaction() as tx:
            return blobs.kept(tx, digest)

    def alone(self, name: str) -> AbstractContextManager[None]:
        return self._ledger.only_writer(EffectKey(name))

    def unsettled(self, key: EffectKey) -> bool:
        return self._ledger.unsettled(key)

    def once(
        self,
        operation: str,
        *,
        request: Mapping[str, Any],
        call: Callable[[EffectKey], ExternalRef],
        find: Callable[[EffectKey], ExternalRef | None] | None,
        part: str = "",
        key: EffectKey | None = None,
    ) -> ExternalRef:
        own = f"{self.run.id}/{self._row.name}/{self._row.occurrence}" + (
            f"/{part}" if part else ""
        )
        intent = Intent(
            key=key or EffectKey(own),
            run_id=self.run.id,
            step=self._row.name,
            occurrence=self._row.occurrence,
            subject_id=self.run.subject_id,
            system=self.system,
            operation=operation,
            request=request,
            correlation=self.run.correlation,
            region=self.run.region,
        )
        return self._ledger.once(intent, self._reached.writes(operation), call=call, find=find)


class Outward:
    """Carries out outward steps of any system; one object for all threads of a worker."""

    def __init__(
        self,
        db: Database,
        worker: str,
        hooks: Hooks,
        registry: Registry,
        playbooks: Library,
        reach: Callable[[str], Reached],
    ) -> None:
        self._db, self._worker, self._hooks = db, worker, hooks
        self._registry, self._playbooks, self._reach = registry, playbooks, reach
        self._bursts = Bursts(hooks, registry, playbooks)
        self.in_flight: set[tuple[str, str, int]] = set()

    def carry_out_one(self, system: str, ledger: Ledger, *, probe: bool = False) -> bool:
        """Take one step of `system` and carry it out; False: there was none to take."""
        row: StepRow | None = None
        try:
            with self._db.transaction() as tx:
                row = runs.claim_step(tx, system, self._worker, probe=probe)
                if row is None:
                    return False
                self.in_flight.add(row.key)  # before the commit, or it might look forgotten
                run, call, step = self._prepare(tx, row)
            seam(f"{row.name}: taken")
            if row.crashes > _CRASHES:
                self._park_crasher(run, step, row)
                return True
            correlation.set(run.correlation)
            self._attempt(system, ledger, run, call, step, row, probe=probe)
        finally:
            if row is not None:
                self.in_flight.discard(row.key)
        return True

    def _prepare(self, tx: Tx, row: StepRow) -> tuple[RunRow, Call, Step]:
        run = runs.get(tx, row.run_id)
        rows = runs.steps_of(tx, [row.run_id])[row.run_id]
        results = {r.name: r.result or {} for r in rows if r.ended_at is not None}
        subjects = self._hooks.subjects[run.subject_type]
        subject = subjects.load(tx, [run.subject_id], lock=False)[run.subject_id]
        step = self._definition(self._playbooks.get(tx, run.digest), row.name)
        return run, Call(run, step, subject, results, database_time(tx), Said()), step

    def _definition(self, playbook: Compiled, name: str) -> Step:
        if not name.startswith(UNDO):
            return playbook.by_name[name]
        step = playbook.by_name[name.removeprefix(UNDO)]
        undo = self._registry.get_action(step.uses).undo
        return step.model_copy(update={"name": name, "uses": undo})

    def _attempt(
        self,
        system: str,
        ledger: Ledger,
        run: RunRow,
        call: Call,
        step: Step,
        row: StepRow,
        *,
        probe: bool,
    ) -> None:
        assert step.on is not None
        try:
            action = self._registry.get_action(step.uses)
            outward = OutwardCall(self._db, call, row, self._reach(system), ledger, step.on)
            done: Done = action.fn(outward)
        except (Busy, DatabaseAway) as held:
            self._later(row, timedelta(milliseconds=300), str(held), counts=False)
        except StillSettling as settling:
            left = settling.retry_after or timedelta(0)
            wait = min(left, _growing(row.attempt, first_s=0.5, most_s=15))
            self._later(row, wait, str(settling), counts=False)
        except Throttled as wait:
            pause = wait.retry_after or timedelta(seconds=2)
            self._later(row, pause, str(wait), counts=False)
        except (SystemRefused, EffectConflict) as refused:
            self._park_trouble(run, step, row, refused)
        except SystemTrouble as trouble:
            if row.attempt >= _TRIES and not probe:
                self._park_trouble(run, step, row, trouble)
            else:
                wait = trouble.retry_after or _growing(row.attempt, first_s=0.5, most_s=20)
                self._later(row, wait, str(trouble), counts=not probe)
        except NeedsPerson as needs:
            self._park(
                run,
                step,
                row,
                cause_class=CauseClass.NEEDS_DECISION,
                title=needs.title,
                detail=needs.detail,
                remedy=needs.remedy,
                actions=(ExceptionAction.CHOOSE, ExceptionAction.ASSIGN),
                difference=needs.difference,
            )
        except Exception as defect:
            log.error("step %s of run %s failed", row.name, run.id, exc_info=defect)
            configured = isinstance(defect, FairleadError)
            self._park(
                run,
                step,
                row,
                cause_class=CauseClass.CONFIGURATION if configured else CauseClass.DEFECT,
                title=f"{_words(row.name)} stopped: {self._title(run, call)}",
                detail=str(defect)[:500] or type(defect).__name__,
                remedy="Correct what the detail names, then retry; what is done is not done again.",
                actions=(ExceptionAction.RETRY, ExceptionAction.ASSIGN),
                team=None if configured else "integration-operations",
            )
        else:
            seam(f"{row.name}: done, not stored")
            self._finish(
                row,
                Finished(row.name, row.occurrence, StepState.DONE, done, said=call.said),
            )
            seam(f"{row.name}: stored")

    # how an attempt ends

    def _finish(self, row: StepRow, finished: Finished) -> None:
        with self._db.transaction() as tx:
            run = runs.lock(tx, row.run_id)
            if run is not None and runs.still_mine(tx, row):
                self._bursts.finish(tx, run, finished)

    def _later(self, row: StepRow, wait: timedelta, because: str, *, counts: bool) -> None:
        with self._db.transaction() as tx:
            runs.put_back(tx, row, wait, because[:500], counts=counts)

    def _park_crasher(self, run: RunRow, step: Step, row: StepRow) -> None:
        self._park(
            run,
            step,
            row,
            cause_class=CauseClass.DEFECT,
            title=f"{_words(row.name)} has ended its worker {_CRASHES} times",
            detail="Each worker that took this step died during it. It is parked so that the "
            "others go on.",
            remedy="Look at the workers' logs for this run's correlation id; retry after the fix.",
            actions=(ExceptionAction.RETRY, ExceptionAction.ASSIGN),
            team="integration-operations",
        )

    def _park_trouble(self, run: RunRow, step: Step, row: StepRow, trouble: SystemTrouble) -> None:
        if isinstance(trouble, EffectConflict):
            cause_class, remedy = (
                CauseClass.CONFLICT,
                ("Compare the record there with ours. Correct the one that is wrong, then retry."),
            )
        elif isinstance(trouble, SystemRefused):
            cause_class, remedy = (
                CauseClass.REFUSED_BY_SYSTEM,
                ("Correct the value that it names, here or there, then retry."),
            )
        else:
            cause_class = (
                CauseClass.OUTAGE
                if isinstance(trouble, SystemUnavailable)
                else CauseClass.UNKNOWN_OUTCOME
            )
            remedy = f"See why {trouble.system} keeps failing this call, then retry."
        self._park(
            run,
            step,
            row,
            cause_class=cause_class,
            title=f"{trouble.system}: {_words(row.name)} did not go through",
            detail=str(trouble)[:1000],
            remedy=remedy,
            actions=(ExceptionAction.RETRY, ExceptionAction.ASSIGN),
            payload=trouble.payload,
        )

    def _park(
        self,
        run: RunRow,
        step: Step,
        row: StepRow,
        *,
        cause_class: CauseClass,
        title: str,
        detail: str,
        remedy: str,
        actions: tuple[ExceptionAction, ...],
        team: str | None = None,
        payload: Any = None,
        difference: Any = None,
    ) -> None:
        """Stop the step; a person acts on the exception, and only its run waits."""
        with self._db.transaction() as tx:
            locked = runs.lock(tx, row.run_id)
            if locked is None or not runs.still_mine(tx, row):
                return
            now = database_time(tx)
            subjects = self._hooks.subjects[run.subject_type]
            subject = subjects.load(tx, [run.subject_id], lock=False)[run.subject_id]
            changes = Changes(now=now, hooks=self._hooks)
            changes.subjects[run.subject_type, run.subject_id] = subject
            row.state, row.because, row.worker = StepState.FAILED, detail[:500], None
            changes.step(row)
            skip = (ExceptionAction.SKIP,) if step.skippable else ()
            changes.exception(
                run,
                NewException(
                    cause=f"step:{run.id}:{row.name}:{row.occurrence}",
                    cause_class=cause_class,
                    team=team or step.owner,
                    title=title,
                    detail=detail,
                    remedy=remedy,
                    opened_at=now,
                    actions=actions + skip,
                    due_at=self._due(subjects.facts(subject), step, now),
                    payload=payload,
                    difference=difference,
                    system=row.system,
                    run_id=run.id,
                    step=row.name,
                    occurrence=row.occurrence,
                    subject_id=run.subject_id,
                    region=run.region,
                    at_risk=at_stake(run, subjects, subject),
                ),
            )
            changes.write(tx)

    def _due(self, facts: Mapping[str, str | None], step: Step, now: datetime) -> datetime | None:
        if step.within is None:
            return None
        return add_business_time(now, step.within, self._hooks.calendar(facts))

    def _title(self, run: RunRow, call: Call) -> str:
        return self._hooks.subjects[run.subject_type].title(call.subject)


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _growing(attempt: int, *, first_s: float, most_s: float) -> timedelta:
    """Twice as long each time, spread over half as much again, so that nobody storms."""
    base = min(first_s * 2 ** min(attempt - 1, 16), most_s)
    return timedelta(seconds=base * _spread.uniform(0.75, 1.25))
