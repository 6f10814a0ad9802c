"""How each outside system is, in words and figures. Pure but for the reads of `SystemBoard`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.config import SystemConfig
from fairlead.domain.values import Money
from fairlead.store.system_board import SystemBoard
from fairlead.web import formats, payloads
from fairlead.web.formats import Tone, listed
from fairlead.web.visit import Visit
from fairlead.web.who_else import name_of
from fairlead.work import systems

_DEGRADED = Decimal("0.05")  #: of the effects of a day; from here on a system is not healthy


@dataclass(frozen=True)
class Health:
    tone: Tone
    word: str
    because: str


@dataclass(frozen=True)
class Waits:
    """Steps and engagements that wait for a system, and their money per currency."""

    steps: int = 0
    engagements: int = 0
    money: tuple[Money, ...] = ()


@dataclass(frozen=True)
class System:
    id: str
    title: str
    ports: tuple[str, ...]
    regions: str | None  #: null: everywhere
    health: Health
    circuit: str
    circuit_tone: Tone
    probe_at: datetime | None
    paused_by: str | None
    not_before: datetime | None
    draining: bool
    queued: int
    running: int
    unread: int
    oldest: datetime | None
    answered_at: datetime | None
    polled_to: datetime | None
    poll_at: datetime | None
    is_polled: bool
    tells_us: bool  #: it sends webhooks
    confirmed: int
    refused: int
    unknown: int
    intended: int
    budget_left: int | None  #: of a second's calls, in per cent; null: no limit of ours
    per_second: float | None
    at_once: int
    dead: int
    waits: Waits
    may_operate: bool

    @property
    def effects(self) -> int:
        return self.confirmed + self.refused + self.unknown + self.intended

    @property
    def error_rate(self) -> str:
        tried = self.confirmed + self.refused + self.unknown
        if not tried:
            return "none tried"
        return formats.percent(Decimal(self.refused + self.unknown) / tried)


def visible(visit: Visit) -> list[SystemConfig]:
    """Those that are configured and serve a region which the reader sees."""
    return [s for s in visit.parts.systems.all() if systems.is_visible(s, visit.who)]


def read(visit: Visit, board: SystemBoard) -> tuple[System, ...]:
    """In the order of systems.yaml. Two queries, however many there are."""
    configs = {system.id: system for system in visible(visit)}
    rows = {row["id"]: row for row in board.systems(configs, visit.now)}
    waiting = _waiting(visit)
    return tuple(
        _system(visit, config, rows[id], waiting.get(id, Waits()))
        for id, config in configs.items()
        if id in rows
    )


def _system(visit: Visit, config: SystemConfig, row: Mapping[str, Any], waits: Waits) -> System:
    sheet = visit.parts.connectors.get(config.id)
    per_second = config.rate.per_second or (sheet.per_second if sheet else None)
    regions = systems.regions_of(config)
    is_down = row["breaker"] == "open"
    ages = [age for age in (row["oldest"], row["unread_oldest"]) if age is not None]
    return System(
        id=config.id,
        title=sheet.title if sheet else formats.words(config.connector),
        ports=tuple(
            dict.fromkeys(
                "CRM" if serves.port == "crm" else serves.port for serves in config.serves
            )
        ),
        regions=None if regions is None else listed(sorted(regions)),
        health=_health(visit, row),
        circuit="Open" if is_down else "Closed",
        circuit_tone="bad" if is_down else "ok",
        probe_at=row["probe_at"],
        paused_by=name_of(visit, row["paused_by"]) if row["paused_by"] else None,
        not_before=_ahead(visit, row),
        draining=row["draining"],
        queued=row["queued"],
        running=row["running"],
        unread=row["unread"],
        oldest=min(ages, default=None),
        answered_at=row["answered_at"],
        polled_to=row["polled_to"],
        poll_at=row["poll_at"],
        is_polled=row["poll_at"] is not None,
        tells_us=bool(config.webhook_secrets),
        confirmed=row["confirmed"],
        refused=row["refused"],
        unknown=row["unknown"],
        intended=row["intended"],
        budget_left=_budget(visit.now, row, per_second),
        per_second=per_second,
        at_once=config.rate.at_once or (sheet.at_once if sheet else 4),
        dead=row["dead"],
        waits=waits,
        may_operate=systems.may_operate(config, visit.who),
    )


def _health(visit: Visit, row: Mapping[str, Any]) -> Health:
    """The worst first: a system that a person paused is asked for nothing, whatever else it is."""
    clock = visit.clock
    if row["paused_by"]:
        return Health("warn", "Paused", f"{name_of(visit, row['paused_by'])} paused it.")
    if row["breaker"] == "open":
        since = f" since {clock.moment(row['opened_at'])}" if row["opened_at"] else ""
        return Health("bad", "Down", f"{payloads.plain(row['reason'] or 'No answer')}{since}.")
    if (until := _ahead(visit, row)) is not None:
        return Health("warn", "Asked us to wait", f"Until {clock.time(until)}.")
    if row["draining"]:
        return Health("run", "Catching up", "What an outage held up is worked off, oldest first.")
    tried = row["confirmed"] + row["refused"] + row["unknown"]
    failed = row["refused"] + row["unknown"]
    if tried and Decimal(failed) / tried >= _DEGRADED:
        return Health(
            "warn", "Degraded", f"{failed} of {tried} effects in 24 h did not go through."
        )
    return Health("ok", "Healthy", "")


def _ahead(visit: Visit, row: Mapping[str, Any]) -> datetime | None:
    until = row["not_before"]
    return until if until is not None and until > visit.now else None


def _budget(now: datetime, row: Mapping[str, Any], per_second: float | None) -> int | None:
    """The bucket holds one second's worth, at least one call, and fills up with time."""
    if per_second is None:
        return None
    most = max(per_second, 1.0)
    if row["tokens"] is None:
        return 100
    passed = max(timedelta(0), now - row["tokens_at"]).total_seconds()
    return formats.meter(min(most, row["tokens"] + per_second * passed) / most * 100)


def _waiting(visit: Visit) -> dict[str, Waits]:
    found: dict[str, Waits] = {}
    for row in visit.views.waiting():
        before = found.get(row["system"], Waits())
        value = row["value"]
        more = (Money(amount=value, currency=row["currency"]),) if value and row["currency"] else ()
        found[row["system"]] = Waits(
            before.steps + row["steps"],
            before.engagements + row["engagements"],
            before.money + more,
        )
    return found
