"""The work of one worker process: a drain per queue, and the housekeeping."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from fairlead.capabilities.billing.keeping import KeepsBoard
from fairlead.capabilities.handoff.deals import Deals
from fairlead.capabilities.handoff.intake import Intake
from fairlead.capabilities.handoff.intake import Systems as IntakeSystems
from fairlead.capabilities.handoff.ourselves import (
    Ourselves,
    ask_for_comparisons,
)
from fairlead.capabilities.payroll.comparing import ask_due as ask_payroll_due
from fairlead.capabilities.reconciliation.comparing import ask_due
from fairlead.capabilities.revenue import working as revenue_working
from fairlead.capabilities.time import recorded
from fairlead.capabilities.time.billing_start import LooksAtReady
from fairlead.capabilities.time.submission import Submission
from fairlead.capabilities.time.validation import ValidationDrain
from fairlead.flow.burst import Bursts
from fairlead.flow.engine import Drain, Engine, Housekeeping, RunsDrain, forget_old_wakeups
from fairlead.flow.intake import InboxDrain
from fairlead.flow.outage import SystemDrain
from fairlead.flow.outward import Outward
from fairlead.store import idempotency, inbox, runs
from fairlead.store.database import Database
from fairlead.trust.audit import checkpoint
from fairlead.wiring.polling import poll_drain
from fairlead.work.alerts import Alerts
from fairlead.work.escalation import Escalation

if TYPE_CHECKING:
    from fairlead.bootstrap import Fairlead


class Worker:
    """The drains of one worker, one per queue."""

    def __init__(self, fairlead: Fairlead) -> None:
        self._fairlead, self._drains = fairlead, dict[str, Drain]()
        self._lock = Lock()
        db, escalation = fairlead.db, self._escalation()
        alerts = Alerts(db, fairlead.policies, fairlead.firm.teams, "integration_operator")
        self.engine = Engine(
            db,
            self._drain,
            [
                Housekeeping(1, self._due_waits),
                Housekeeping(2, escalation.sweep),
                Housekeeping(5, self._forgotten),
                Housekeeping(5, self._compare),
                Housekeeping(5, lambda: revenue_working.wake(db)),
                Housekeeping(2, fairlead.invoice_runs.sweep),
                Housekeeping(5, lambda: KeepsBoard(fairlead.billing.readiness).sweep(db)),
                Housekeeping(60, LooksAtReady(db).sweep),
                Housekeeping(60, alerts.sweep),
                Housekeeping(300, Submission(db, fairlead.policies, fairlead.calendars).sweep),
                Housekeeping(60, self._reconcile),
                Housekeeping(600, self._forget_keys),
                Housekeeping(600, lambda: forget_old_wakeups(db)),
                Housekeeping(600, lambda: _note_checkpoint(db)),
            ],
            self._returned,
        )
        self._outward = Outward(
            db,
            self.engine.id,
            fairlead.hooks,
            fairlead.registry,
            fairlead.library,
            fairlead.reach,
        )
        self._intake = Intake(
            fairlead.library,
            Deals(
                fairlead.library,
                fairlead.policies,
                fairlead.ownership,
                fairlead.contract_system,
            ),
            Ourselves(fairlead.library, fairlead.listeners(fairlead.library)),
            IntakeSystems(
                crm=lambda system: fairlead.reaches[system].port("crm"),
                contracts=lambda system: fairlead.reaches[system].port("contracts"),
                webhooks={
                    id: reach.connector.reads_webhook
                    for id, reach in fairlead.reaches.items()
                    if reach.connector.reads_webhook is not None
                },
            ),
            {
                **fairlead.readers(lambda system: fairlead.reaches[system].port("documents")),
                recorded.KIND: fairlead.recorded.handle,
            },
        )

    def _drain(self, queue: str) -> Drain | None:
        with self._lock:
            if queue not in self._drains:
                made = self._make(queue)
                if made is None:
                    return None
                self._drains[queue] = made
            return self._drains[queue]

    def _make(self, queue: str) -> Drain | None:
        kind, _, name = queue.partition(":")
        fairlead = self._fairlead
        match kind:
            case "runs":
                bursts = Bursts(fairlead.hooks, fairlead.registry, fairlead.library)
                return RunsDrain(fairlead.db, bursts.advance_ready)
            case "system" if name in fairlead.reaches:
                reach = fairlead.reaches[name]
                return SystemDrain(
                    fairlead.db,
                    self._outward,
                    fairlead.outages,
                    reach.passage,
                    reach.ping,
                    reach.at_once,
                )
            case "inbox":
                slots = fairlead.reaches[name].at_once if name in fairlead.reaches else 2
                return InboxDrain(fairlead.db, self.engine.id, self._intake.handle, slots)
            case "revenue":
                return revenue_working.RevenueDrain(fairlead.db, fairlead.reckons)
            case "validations":
                return ValidationDrain(fairlead.db, fairlead.timekeeping.judging)
            case "poll" if name in fairlead.reaches:
                reach = fairlead.reaches[name]
                return poll_drain(
                    fairlead.db, reach.config, reach.port, fairlead.recorded, fairlead.workforce
                )
            case _:
                return None

    def _due_waits(self) -> None:
        with self._fairlead.db.transaction() as tx:
            runs.finish_due_waits(tx)

    def _forget_keys(self) -> None:
        with self._fairlead.db.transaction() as tx:
            idempotency.forget_old(tx)

    def _compare(self) -> None:
        """Have the systems of engagements compared that were not for a day (F117)."""
        with self._fairlead.db.transaction() as tx:
            ask_for_comparisons(tx)

    def _reconcile(self) -> None:
        """Have the records of engagements, and of payroll, compared that were not for a day
        (F277)."""
        with self._fairlead.db.transaction() as tx:
            ask_due(tx)
            ask_payroll_due(tx)

    def _forgotten(self) -> None:
        """Rows that this worker has by the database, but not in hand."""
        reading = [
            id
            for drain in self._drains.values()
            if isinstance(drain, InboxDrain)
            for id in drain.in_flight.copy()
        ]
        with self._fairlead.db.transaction() as tx:
            runs.give_back_forgotten(tx, self.engine.id, list(self._outward.in_flight.copy()))
            inbox.give_back_forgotten(tx, self.engine.id, reading)

    def _returned(self, dead: list[str]) -> None:
        with self._fairlead.db.transaction() as tx:
            runs.give_back(tx, dead)
            inbox.give_back(tx, dead)

    def _escalation(self) -> Escalation:
        return Escalation(self._fairlead.db, self._fairlead.firm.teams, "integration_operator")


def _note_checkpoint(db: Database) -> None:
    """The log's root as it is now; a copy of it kept elsewhere shows later cuts."""
    checkpoint(db)
