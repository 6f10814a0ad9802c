"""Closing a month of a company, and opening it again: one asks, another decides.

What is approved after the close is booked in the next open month (`domain.rules.period`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import uuid4

from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.time.events import MONTH_CLOSED, say
from fairlead.domain.rules.period import month_of
from fairlead.domain.rules.project_setup import add_months
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem
from fairlead.store import deputies, journal, periods
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.periods import Move, State
from fairlead.trust.acting import Acting


@dataclass(frozen=True)
class AskedFor:
    legal_entity: str
    month: date  #: its first day
    wanted: State
    carry: bool = False  #: close although something waits: it is booked in the next open month
    reason: str = ""


def ask(
    tx: Tx, acting: Acting, companies: frozenset[str], wanted: AskedFor, days: CompanyDays
) -> Move:
    """`companies`: codes of all of ours; `days`: by which a month is over.

    Raises `NotFound` for one that they do not see, `InvalidInput`, `IllegalMove` (it is so already,
    was asked before, or something waits).
    """
    entity, month = wanted.legal_entity, wanted.month
    _must_see(acting, entity if entity in companies else None)
    now = database_time(tx)
    problems: list[Problem] = []
    if month != month_of(month) or month.year < 2000:
        problems.append(Problem("/month", "is the first day of a month"))
    elif wanted.wanted == "closed" and add_months(month, 1) > days.on(now, entity):
        problems.append(Problem("/month", "is over before it is closed"))
    if wanted.wanted == "open" and not wanted.reason.strip():
        problems.append(Problem("/reason", "is required to open a month again"))
    if problems:
        raise InvalidInput("This cannot be asked for.", problems)
    periods.alone(tx, entity)
    _must_become(tx, wanted)
    if periods.asked(tx, entity, month):
        raise IllegalMove(f"{month:%Y-%m} of {entity}", "asked about already", wanted.wanted)
    periods.begin(tx, entity, month)
    new = Move(
        id=str(uuid4()),
        legal_entity=entity,
        month=month,
        wanted=wanted.wanted,
        carry=wanted.carry,
        reason=wanted.reason.strip(),
        state="asked",
        asked_by=acting.id,
        asked_at=now,
    )
    periods.ask(tx, new)
    _tell(tx, acting, new, "period.asked", now, {})
    return new


def confirm(tx: Tx, acting: Acting, id: str) -> Move:
    """Decide: the month is as was asked for from now on.

    Raises `NotFound`, `NotAllowed` (who asked, or whose duties meet theirs over a deputy),
    `IllegalMove` (decided before, or something waits by now).
    """
    found = _found(tx, acting, id)
    now = database_time(tx)
    partners = deputies.partners(tx, acting.id, since=found.asked_at.date(), today=now.date())
    if found.asked_by in {acting.id, *partners.names}:
        raise NotAllowed("Whoever asked for it, their deputy and whose deputy they are cannot.")
    periods.alone(tx, found.legal_entity)
    wanted = AskedFor(found.legal_entity, found.month, found.wanted, found.carry, found.reason)
    waiting = _must_become(tx, wanted)
    periods.become(tx, found.legal_entity, found.month, found.wanted, by=acting.id, at=now)
    periods.end(tx, id, "done", by=acting.id, at=now)
    type = "period.closed" if found.wanted == "closed" else "period.opened"
    _tell(tx, acting, found, type, now, waiting)
    if found.wanted == "closed":
        data = {"legal_entity": found.legal_entity, "month": found.month.isoformat()}
        say(tx, MONTH_CLOSED, f"{found.legal_entity}/{found.month:%Y-%m}/{id}", data)
    return _read(tx, id)


def withdraw(tx: Tx, acting: Acting, id: str) -> Move:
    """Take it back before it is decided on; whoever may ask may. Raises `NotFound`,
    `IllegalMove`."""
    found = _found(tx, acting, id)
    now = database_time(tx)
    periods.end(tx, id, "withdrawn", by=acting.id, at=now)
    _tell(tx, acting, found, "period.withdrawn", now, {})
    return _read(tx, id)


def _must_become(tx: Tx, wanted: AskedFor) -> Mapping[str, int]:
    """What waits in it. Raises `IllegalMove`."""
    entity, month = wanted.legal_entity, wanted.month
    called = f"{month:%Y-%m} of {entity}"
    if periods.state(tx, entity, month) == wanted.wanted:
        raise IllegalMove(called, f"{wanted.wanted} already", wanted.wanted)
    if wanted.wanted == "open":
        return {}
    waiting = periods.waiting(tx, entity, month)
    if any(waiting.values()) and not wanted.carry:
        what = (
            f"open (entries that wait for approval: {waiting['submitted']}, that are not handed "
            f"in: {waiting['unsubmitted']}; batches on their way to the ledger: "
            f"{waiting['booking']}), and nothing is carried"
        )
        raise IllegalMove(called, what, "closed")
    return waiting


def _found(tx: Tx, acting: Acting, id: str) -> Move:
    """One that is still to be decided on, locked."""
    found = periods.move(tx, id)
    _must_see(acting, found.legal_entity if found else None)
    assert found is not None
    if found.state != "asked":
        raise IllegalMove("The request", found.state, "decided on")
    return found


def _read(tx: Tx, id: str) -> Move:
    found = periods.move(tx, id)
    assert found is not None
    return found


def _must_see(acting: Acting, entity: str | None) -> None:
    """Raises `NotFound`. A company is in no region: a limit of regions hides it."""
    who = acting.principal
    if entity is None or not who.sees(region=None, legal_entity=entity):
        raise NotFound("There is no such period.")


def _tell(
    tx: Tx,
    acting: Acting,
    move: Move,
    type: str,
    now: datetime,
    waiting: Mapping[str, int],
) -> None:
    event = Event(
        chain=f"period:{move.legal_entity}",
        type=type,
        at=now,
        actor=f"person:{acting.id}",
        attributes={
            "legal_entity": move.legal_entity,
            "month": f"{move.month:%Y-%m}",
            "wanted": move.wanted,
            "carry": move.carry,
            "reason": move.reason,
            **waiting,
        },
        objects=[(f"{move.legal_entity}/{move.month:%Y-%m}", "period", "of")],
    )
    journal.append(tx, [event])
