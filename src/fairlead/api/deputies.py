"""Who approves in whose stead while they are away, and who manages an engagement."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.reading import reading_tx
from fairlead.api.router import Router
from fairlead.api.shapes import At, Day, Id, PersonId
from fairlead.capabilities.time.deputising import Deputising
from fairlead.domain.values import Value
from fairlead.store import deputies
from fairlead.store.database import Tx, database_time
from fairlead.store.deputies import Deputy
from fairlead.trust.acting import Acting


class DeputyView(Value):
    id: str
    person: str  #: in whose stead
    deputy: str
    starts_on: date
    ends_on: date  #: the last day
    named_by: str
    named_at: At
    ended_at: At | None  #: before its last day


class Deputies(Value):
    items: tuple[DeputyView, ...]


class NameDeputy(Value):
    deputy: PersonId
    starts_on: Day
    ends_on: Day  #: the last day


class NameManager(Value):
    person: PersonId


class ManagerNamed(Value):
    engagement_id: str
    person: str


def add(router: Router) -> None:
    tag = "time"
    router.get("/deputies", list_deputies, Deputies, tag=tag)
    router.command("POST", "/deputies", name_deputy, DeputyView, tag=tag, status=201)
    router.command("DELETE", "/deputies/{id}", end_deputy, DeputyView, tag=tag)
    router.command("POST", "/engagements/{id}/manager", name_manager, ManagerNamed, tag=tag)


def list_deputies(parts: Parts, caller: Caller) -> Deputies:
    """Those that the caller is in, on either side, and that hold or will."""
    with reading_tx(parts) as tx:
        found = deputies.of(tx, caller.id, database_time(tx).date())
    return Deputies(items=tuple(_view(one) for one in found))


def name_deputy(parts: Parts, caller: Caller, command: Commanding, wanted: NameDeputy) -> Response:
    """Have somebody approve in one's stead on these days, both included."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        new = Deputising(parts.people).name(
            tx, acting, wanted.deputy, wanted.starts_on, wanted.ends_on
        )
        return Outcome(_view(new), status=201)

    return command.carry_out(act)


def end_deputy(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Release a deputy before the last day."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        return Outcome(_view(Deputising(parts.people).end(tx, acting, id)))

    return command.carry_out(act)


def name_manager(
    parts: Parts, caller: Caller, command: Commanding, id: Id, wanted: NameManager
) -> Response:
    """Say who manages a launched engagement, by its id or number."""

    def act(tx: Tx) -> Outcome:
        acting = Acting.of(parts.people, caller)
        Deputising(parts.people).manage(tx, acting, id, wanted.person)
        return Outcome(ManagerNamed(engagement_id=id, person=wanted.person))

    return command.carry_out(act)


def _view(one: Deputy) -> DeputyView:
    return DeputyView(**vars(one))
