"""What an outage means for people: one exception while it lasts, one word when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from fairlead.domain.values import Money
from fairlead.errors import SystemTrouble
from fairlead.flow.engine import Took
from fairlead.flow.ledger import Ledger
from fairlead.flow.outward import Outward
from fairlead.flow.passage import Passage
from fairlead.store import exceptions, journal, notifications, systems
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.journal import Event
from fairlead.work.words import CauseClass, ExceptionAction, Message, NewException

_TEAM, _ROLE = "integration-operations", "integration_operator"


class Outages:
    """Opens and closes breakers, and tells who must know (F170, F174)."""

    def __init__(self, db: Database, sla: timedelta = timedelta(hours=1)) -> None:
        """`sla`: by when somebody must have looked, in clock time: outages do not wait."""
        self._db, self._sla = db, sla

    def went_down(self, system: str, reason: str) -> None:
        """Said by every worker that sees it; taken once."""
        with self._db.transaction() as tx:
            if not systems.open_breaker(tx, system, reason):
                return
            now = database_time(tx)
            waiting = systems.waiting(tx, system)
            detail = (
                f"{reason} Everything that needs {system} waits; nothing is lost, and the rest "
                f"goes on. {_counted(waiting)}"
            )
            exceptions.open_one(
                tx,
                NewException(
                    cause=f"outage:{system}",
                    cause_class=CauseClass.OUTAGE,
                    team=_TEAM,
                    title=f"{system} does not answer",
                    detail=detail,
                    remedy="See to the system. It is asked again by itself, and goes on in order.",
                    opened_at=now,
                    due_at=now + self._sla,
                    actions=(ExceptionAction.ASSIGN,),
                    system=system,
                    at_risk=_largest(waiting),
                ),
            )
            self._tell(tx, system, "system.down", f"{system} does not answer: {reason}")

    def came_back(self, system: str) -> None:
        """A probe was answered: what waits goes on, oldest first."""
        with self._db.transaction() as tx:
            if not systems.close_breaker(tx, system):
                return
            exceptions.settle(tx, [f"outage:{system}"], database_time(tx))
            waiting = systems.waiting(tx, system)
            self._tell(tx, system, "system.back", f"{system} answers again. {_counted(waiting)}")
            tx.execute("SELECT pg_notify('fairlead', %s)", [f"system:{system}"])
            tx.execute("SELECT pg_notify('fairlead', %s)", [f"inbox:{system}"])

    def drained(self, system: str) -> None:
        """Nothing that the outage held up is left; said once."""
        with self._db.transaction() as tx:
            if systems.mark_drained(tx, system):
                self._tell(tx, system, "system.drained", f"The backlog of {system} is gone.")

    @staticmethod
    def _tell(tx: Tx, system: str, type: str, text: str) -> None:
        now = database_time(tx)
        notifications.add(tx, [Message(role=_ROLE, about=type, text=text, at=now)])
        journal.append(
            tx,
            [
                Event(
                    chain=f"system:{system}",
                    type=type,
                    at=now,
                    actor="fairlead",
                    attributes={"system": system, "text": text},
                    objects=[(system, "system", "about")],
                )
            ],
        )


#: Asks a system whether it is there; raises `SystemTrouble` if not.
Ping = Callable[[], None]


class SystemDrain:
    """The outward steps of one system. Fulfils `flow.engine.Drain`."""

    def __init__(
        self,
        db: Database,
        outward: Outward,
        outages: Outages,
        passage: Passage,
        ping: Ping,
        slots: int,
    ) -> None:
        self._db, self._outward, self._outages = db, outward, outages
        self._passage, self._ping, self.slots = passage, ping, slots

    def work(self, queue: str, ledger: Ledger) -> Took:
        system = queue.removeprefix("system:")
        with self._db.transaction() as tx:
            row = systems.get(tx, system)
        if row is None:
            return Took.NOTHING
        if row.breaker == "open":
            return Took.SOME if self._probe(system, ledger) else Took.NOTHING
        if self._outward.carry_out_one(system, ledger):
            return Took.PLENTY
        if row.draining:
            self._outages.drained(system)
        return Took.NOTHING

    def _probe(self, system: str, ledger: Ledger) -> bool:
        """Ask again with the oldest step that waits, or with a ping where none does."""
        with self._db.transaction() as tx:
            if not systems.claim_probe(tx, system):
                return False
        with self._passage.watched() as answered:
            if not self._outward.carry_out_one(system, ledger, probe=True):
                try:
                    self._ping()
                except SystemTrouble:
                    return False
            if not answered():
                return False
        self._passage.healthy_again()
        self._outages.came_back(system)
        return True


def _counted(waiting: list[systems.Waiting]) -> str:
    engagements = sum(one.engagements for one in waiting)
    if not engagements:
        return "No engagement waits for it yet."
    money = ", ".join(str(one.value) for one in waiting if one.value is not None)
    words = "1 engagement waits" if engagements == 1 else f"{engagements} engagements wait"
    return f"{words} for it" + (f", worth {money}." if money else ".")


def _largest(waiting: list[systems.Waiting]) -> Money | None:
    """Amounts in different currencies are not added: the largest stands for the rest."""
    return next((one.value for one in waiting if one.value is not None), None)
