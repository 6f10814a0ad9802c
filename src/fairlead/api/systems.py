"""Outside systems: how they are, what waits for them, and pausing one."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.parts import AppParts
from fairlead.api.reading import reading, views
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, found, money
from fairlead.config import SystemConfig
from fairlead.domain.values import Money, Value
from fairlead.store.database import Tx
from fairlead.store.systems import SystemRow
from fairlead.store.views import Views
from fairlead.trust.principals import Principal
from fairlead.work import systems


class Budget(Value):
    """Set for it here; null: as its connector declares."""

    per_second: float | None
    at_once: int | None


class Waiting(Value):
    """Steps that are ready for the system or in it, in the regions that the caller sees."""

    steps: int
    engagements: int
    money: tuple[Money, ...]  #: the value of those engagements, per currency


class SystemView(Value):
    id: str
    connector: str
    enabled: bool
    ports: tuple[str, ...]
    breaker: Literal["closed", "open"]
    reason: str | None  #: why the breaker is open
    opened_at: At | None
    next_probe_at: At | None
    not_before: At | None  #: it asked us to stay away until then
    draining: bool  #: the backlog of an outage is being worked off
    paused_by: str | None
    polled_to: At | None  #: every change up to then is in the inbox
    last_ok_at: At | None
    waiting: Waiting
    budget: Budget


class SystemList(Value):
    items: tuple[SystemView, ...]


def add(router: Router) -> None:
    router.get("/systems", list_systems, SystemList, tag="systems")
    router.command("POST", "/systems/{id}/pause", pause_system, SystemView, tag="systems")
    router.command("POST", "/systems/{id}/resume", resume_system, SystemView, tag="systems")


def list_systems(parts: Parts, caller: Caller) -> SystemList:
    """Every system that serves a region which the caller sees."""
    with reading(parts, caller) as seen:
        return SystemList(items=_all(seen, parts, caller))


def pause_system(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Give it no work until somebody resumes it."""
    return command.carry_out(lambda tx: _turn(tx, parts, caller, id, paused=True))


def resume_system(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Let what waits for it go on."""
    return command.carry_out(lambda tx: _turn(tx, parts, caller, id, paused=False))


def _turn(tx: Tx, parts: AppParts, caller: Principal, id: str, *, paused: bool) -> Outcome:
    seen = views(tx, caller)
    found(next((one for one in _all(seen, parts, caller) if one.id == id), None), "system")
    turn = systems.pause if paused else systems.resume
    turn(tx, parts.systems.get(id), caller)
    return Outcome(next(one for one in _all(seen, parts, caller) if one.id == id))


def _all(seen: Views, parts: AppParts, caller: Principal) -> tuple[SystemView, ...]:
    rows = {row.id: row for row in seen.systems()}
    waiting = _waiting(seen)
    return tuple(
        _view(system, rows[system.id], waiting.get(system.id))
        for system in parts.systems.all()
        if system.id in rows and systems.is_visible(system, caller)
    )


def _waiting(seen: Views) -> dict[str, Waiting]:
    found: dict[str, Waiting] = {}
    for row in seen.waiting():
        before = found.get(row["system"], _NOTHING)
        amount = money(row, "value")
        found[row["system"]] = Waiting(
            steps=before.steps + row["steps"],
            engagements=before.engagements + row["engagements"],
            money=before.money + ((amount,) if amount and amount.amount != Decimal(0) else ()),
        )
    return found


_NOTHING = Waiting(steps=0, engagements=0, money=())


def _view(system: SystemConfig, row: SystemRow, waiting: Waiting | None) -> SystemView:
    return SystemView(
        id=system.id,
        connector=system.connector,
        enabled=system.enabled,
        ports=tuple(dict.fromkeys(serves.port for serves in system.serves)),
        breaker="open" if row.breaker == "open" else "closed",
        reason=row.reason,
        opened_at=row.opened_at,
        next_probe_at=row.probe_at,
        not_before=row.not_before,
        draining=row.draining,
        paused_by=row.paused_by,
        polled_to=row.polled_to,
        last_ok_at=row.last_ok_at,
        waiting=waiting or _NOTHING,
        budget=Budget(per_second=system.rate.per_second, at_once=system.rate.at_once),
    )
