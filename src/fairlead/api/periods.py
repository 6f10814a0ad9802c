"""Months of our companies: what waits in them, closing them and opening them again."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, Filter, Id, Reason
from fairlead.capabilities.time import periods as capability
from fairlead.capabilities.time.periods import AskedFor
from fairlead.domain.values import Value
from fairlead.store import periods
from fairlead.store.database import Tx
from fairlead.store.periods import Move, State
from fairlead.trust.acting import Acting


class MoveView(Value):
    id: str
    legal_entity: str
    month: date  #: its first day
    wanted: State
    carry: bool
    reason: str
    state: Literal["asked", "done", "withdrawn"]
    asked_by: str
    asked_at: At
    decided_by: str | None
    decided_at: At | None


class PeriodView(Value):
    legal_entity: str
    month: date
    state: State
    closed_by: str | None  #: who decided; another asked
    closed_at: At | None
    submitted: int  #: entries that wait for approval
    unsubmitted: int  #: drafts, and what was returned
    booking: int  #: batches of the company on their way to the ledger
    move: str | None  #: a request that is still to be decided on
    wanted: State | None
    asked_by: str | None


class Periods(Value):
    items: tuple[PeriodView, ...]


class AskPeriod(Value):
    legal_entity: Annotated[StrictStr, Field(min_length=1, max_length=100)]
    month: Day  #: its first day
    wanted: State
    carry: StrictBool = False  #: close although something waits
    reason: Reason = ""


def add(router: Router) -> None:
    tag = "periods"
    router.get("/periods", list_periods, Periods, tag=tag)
    router.command("POST", "/periods/ask", ask_period, MoveView, tag=tag, status=201)
    router.command("POST", "/period-moves/{id}/confirm", confirm_period, MoveView, tag=tag)
    router.command("POST", "/period-moves/{id}/withdraw", withdraw_period, MoveView, tag=tag)


def list_periods(
    parts: Parts, caller: Caller, legal_entity: Filter = None, limit: Limit = 50
) -> Periods:
    """Months that were ever asked about, newest first; any other is open."""
    if caller.regions is not None:
        return Periods(items=())
    with reading_tx(parts) as tx:
        rows = periods.listed(tx, caller.legal_entities, entity=legal_entity, limit=limit)
        waiting = periods.waiting_in(tx, [(row["legal_entity"], row["month"]) for row in rows])
        found = [
            {
                **{name: row[name] for name in PeriodView.model_fields if name in row},
                **waiting[row["legal_entity"], row["month"]],
            }
            for row in rows
        ]
    return Periods(items=tuple(PeriodView.model_validate(one) for one in found))


def ask_period(parts: Parts, caller: Caller, command: Commanding, wanted: AskPeriod) -> Response:
    """Ask for a month to be closed, or opened again; somebody else decides."""

    def act(tx: Tx) -> Outcome:
        asked = AskedFor(
            wanted.legal_entity, wanted.month, wanted.wanted, wanted.carry, wanted.reason
        )
        acting = Acting.of(parts.people, caller)
        move = capability.ask(tx, acting, parts.companies, asked, parts.billing.days)
        return Outcome(_view(move), status=201)

    return command.carry_out(act)


def confirm_period(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Close or open the month, as somebody else asked."""

    def act(tx: Tx) -> Outcome:
        return Outcome(_view(capability.confirm(tx, Acting.of(parts.people, caller), id)))

    return command.carry_out(act)


def withdraw_period(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Take a request back that nobody has decided on."""

    def act(tx: Tx) -> Outcome:
        return Outcome(_view(capability.withdraw(tx, Acting.of(parts.people, caller), id)))

    return command.carry_out(act)


def _view(move: Move) -> MoveView:
    return MoveView.model_validate(vars(move))
