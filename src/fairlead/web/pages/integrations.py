"""The systems that Fairlead works with: health, queues, effects and messages (F116, F178)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.config import SystemConfig
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem, StaleVersion
from fairlead.store.exception_board import Apart, Board
from fairlead.store.system_board import EffectFilters, SystemBoard, effect_key
from fairlead.trust.roles import Permission
from fairlead.web import addresses, facts, payloads
from fairlead.web.addresses import Address, Chip, Option, Picker
from fairlead.web.formats import Tone, words
from fairlead.web.forms import Form
from fairlead.web.listing import PAGE, Listing, cursor_of
from fairlead.web.nav import Entry
from fairlead.web.pages import exception_pane, integration_systems
from fairlead.web.pages.exceptions import DecidedNote
from fairlead.web.pages.integration_systems import System, visible
from fairlead.web.parts import ConnectorSheet
from fairlead.web.routing import command, page
from fairlead.web.visit import Toast, Visit
from fairlead.web.who_else import name_of
from fairlead.work import systems
from fairlead.work.words import ExceptionAction

PATH = "/integrations"
ENTRY = Entry(
    group="Govern",
    label="Integrations",
    path=PATH,
    icon="plug",
    needs=Permission.SYSTEMS_READ,
    key="n",
)

_LAST_MESSAGES = 20_000  #: over how many of them the states are counted
_LONGEST_REASON = 2000
_EFFECT_STATES = ("intended", "confirmed", "refused", "unknown")
_MESSAGE_STATES = ("ready", "running", "done", "ignored", "parked")
EFFECT_TONES: Mapping[str, Tone] = {
    "intended": "run",
    "confirmed": "ok",
    "refused": "bad",
    "unknown": "warn",
}
MESSAGE_TONES: Mapping[str, Tone] = {
    "ready": "run",
    "running": "run",
    "done": "ok",
    "ignored": "idle",
    "parked": "bad",
}


@dataclass(frozen=True)
class Past:
    what: str
    who: str
    at: datetime
    said: str


@dataclass(frozen=True)
class Apartness:
    """A difference, in short."""

    number: str
    field: str
    owner: str
    owner_value: str
    follower: str
    follower_value: str
    first_seen_at: datetime


class Overview:
    """Each part is read when it is printed."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._board = SystemBoard(visit.tx, visit.scope)

    @cached_property
    def systems(self) -> tuple[System, ...]:
        return integration_systems.read(self._visit, self._board)

    @property
    def unwell(self) -> tuple[System, ...]:
        order: Mapping[Tone, int] = {"bad": 0, "warn": 1}
        bad = [one for one in self.systems if one.health.tone in order]
        return tuple(sorted(bad, key=lambda one: order[one.health.tone]))

    @cached_property
    def dead(self) -> list[dict[str, Any]]:
        return self._board.dead_letters(None, before=None, limit=8)

    @cached_property
    def workers(self) -> list[dict[str, Any]]:
        return self._board.workers()

    @property
    def alive(self) -> int:
        return sum(worker["alive"] for worker in self.workers)

    @cached_property
    def differences(self) -> tuple[Apartness, ...]:
        if not self._visit.who.may(Permission.EXCEPTIONS_READ):
            return ()
        rows = Board(self._visit.tx, self._visit.scope).differences(Apart(), after=None, limit=6)
        return tuple(
            Apartness(
                row["number"],
                facts.field_words(row["field"]),
                facts.code(row["owner"]),
                facts.shown(row["owner_value"]),
                facts.code(row["system"]),
                facts.shown(row["system_value"]),
                row["first_seen_at"],
            )
            for row in rows
        )


@dataclass(frozen=True)
class Owned:
    """A field, and which port holds it how: owns, gets (is written to) or nothing."""

    field: str
    holders: tuple[str, ...]
    from_state: str
    rule: str


@dataclass(frozen=True)
class IntegrationsPage:
    view: Overview
    ownership: Ownership
    holders: tuple[str, ...]
    owned: tuple[Owned, ...]
    oob: bool = False


@dataclass(frozen=True)
class SystemPage:
    system: System
    sheet: ConnectorSheet | None
    settings: tuple[tuple[str, str], ...]
    secrets: tuple[tuple[str, bool], ...]
    history: tuple[Past, ...]
    dead: Sequence[Mapping[str, Any]]


class EffectList(Listing[tuple[str, ...]]):
    """The effects that fit, newest first."""

    def __init__(self, visit: Visit) -> None:
        allowed = {
            "system": [one.id for one in visible(visit)],
            "state": _EFFECT_STATES,
        }
        found = {name: visit.query(name, longest=100) for name in ("system", "state", "operation")}
        kept = {n: v for n, v in found.items() if v and (n not in allowed or v in allowed[n])}
        self._filters = EffectFilters(**kept)
        after = addresses.read_timed(cursor_of(visit), 2)
        super().__init__(visit, Address(f"{PATH}/effects", kept), after)

    def _read(self, limit: int) -> list[dict[str, Any]]:
        board = SystemBoard(self._visit.tx, self._visit.scope)
        return board.effects(self._filters, after=self._after, limit=limit)

    def _ends(self, row: Mapping[str, Any]) -> str:
        return addresses.cursor(effect_key(row))

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        return self._rows

    @property
    def chips(self) -> tuple[Chip, ...]:
        return _chips(self.address)

    @property
    def pickers(self) -> tuple[Picker, ...]:
        known = [one.id for one in visible(self._visit)]
        sheets = [self._visit.parts.connectors.get(system) for system in known]
        operations = {
            o.name for sheet in sheets if sheet for o in sheet.operations if o.level is not None
        }
        return _pickers(
            self.address,
            {"system": known, "state": _EFFECT_STATES, "operation": sorted(operations)},
        )


class MessageList(Listing[int]):
    """The messages that fit, newest first."""

    def __init__(self, visit: Visit) -> None:
        given = {"queue": visit.query("queue", longest=100), "state": visit.query("state")}
        states = _MESSAGE_STATES
        kept = {n: v for n, v in given.items() if v and (n != "state" or v in states)}
        self._board = SystemBoard(visit.tx, visit.scope)
        end = visit.query("after", longest=18)
        after = int(end) if end.isascii() and end.isdigit() else None
        super().__init__(visit, Address(f"{PATH}/messages", kept), after)

    @property
    def is_open(self) -> bool:
        """Only to readers without a limit: a message has no region before it is understood."""
        return self._visit.who.regions is None and self._visit.who.legal_entities is None

    def _read(self, limit: int) -> list[dict[str, Any]]:
        return self._board.messages(
            queue=self.address.set.get("queue"),
            state=self.address.set.get("state"),
            before=self._after,
            limit=limit,
        )

    def _ends(self, row: Mapping[str, Any]) -> str:
        return str(row["id"])

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        return self._rows

    @cached_property
    def counts(self) -> list[dict[str, Any]]:
        return self._board.message_counts(_LAST_MESSAGES)

    @cached_property
    def dead(self) -> list[dict[str, Any]]:
        return self._board.dead_letters(self.address.set.get("queue"), before=None, limit=PAGE)

    @property
    def chips(self) -> tuple[Chip, ...]:
        return _chips(self.address)

    @property
    def pickers(self) -> tuple[Picker, ...]:
        known = [one.id for one in visible(self._visit)]
        return _pickers(self.address, {"queue": known, "state": _MESSAGE_STATES})


@dataclass(frozen=True)
class EffectsPage:
    list: EffectList
    tones: Mapping[str, Tone]


@dataclass(frozen=True)
class MessagesPage:
    list: MessageList
    tones: Mapping[str, Tone]
    oob: bool = False


@dataclass(frozen=True)
class EffectPage:
    effect: Mapping[str, Any]
    request: tuple[str, ...]
    answer: str | None
    tone: Tone
    level: int | None
    find: str | None


def routes() -> list[Route]:
    see, operate = Permission.SYSTEMS_READ, Permission.SYSTEMS_OPERATE
    return [
        page(PATH, show, needs=see),
        page(f"{PATH}/effects", effects, needs=Permission.EFFECTS_READ),
        page(f"{PATH}/effects/{{key:path}}", effect, needs=Permission.EFFECTS_READ),
        page(f"{PATH}/messages", messages, needs=see),
        page(f"{PATH}/systems/{{id}}", show_system, needs=see),
        command(f"{PATH}/systems/{{id}}/pause", pause, needs=operate),
        command(f"{PATH}/systems/{{id}}/resume", resume, needs=operate),
        command(f"{PATH}/systems/{{id}}/poll", poll, needs=operate),
        command(f"{PATH}/dead-letters/{{id}}", act_on_dead_letter, needs=operate),
    ]


def show(visit: Visit) -> Response:
    """Every system, who owns which data, what differs, what could not be read."""
    return visit.page("pages/integrations.html", _overview(visit))


def show_system(visit: Visit) -> Response:
    return visit.page("pages/integrations_system.html", _system_page(visit, _config(visit)))


def effects(visit: Visit) -> Response:
    """What was meant to happen in other systems, and what did."""
    return visit.page(
        "pages/integrations_effects.html", EffectsPage(EffectList(visit), EFFECT_TONES)
    )


def effect(visit: Visit) -> Response:
    """One effect: what was asked for, what was answered, what it made."""
    key = visit.request.path_params["key"]
    found = SystemBoard(visit.tx, visit.scope).effect(key)
    if found is None:
        raise NotFound("There is no such effect, or it is of another region.")
    sheet = visit.parts.connectors.get(found["system"])
    named = {one.name: one for one in sheet.operations} if sheet else {}
    operation = named.get(found["operation"])
    context = EffectPage(
        effect=found,
        request=payloads.lines(found["request"]),
        answer=payloads.plain(found["answer"]) if found["answer"] else None,
        tone=EFFECT_TONES.get(found["state"], "idle"),
        level=operation.level if operation else None,
        find=operation.find if operation else None,
    )
    return visit.page("pages/integrations_effect.html", context)


def messages(visit: Visit) -> Response:
    """What came from outside, and what could not be taken in."""
    return visit.page(
        "pages/integrations_messages.html", MessagesPage(MessageList(visit), MESSAGE_TONES)
    )


def pause(visit: Visit, form: Form) -> Response:
    """Give it no work until somebody resumes it; with the reason."""
    system, reason = _config(visit), form.text("reason", longest=_LONGEST_REASON)
    if not reason:
        rule = "says why, for those who find it paused"
        raise InvalidInput("Pausing needs a reason.", [Problem("/reason", rule)])
    systems.pause(visit.tx, system, visit.who, reason)
    return _after_turn(visit, system, f"{system.id} is paused")


def resume(visit: Visit, form: Form) -> Response:
    """Let what waits for it go on."""
    system = _config(visit)
    systems.resume(visit.tx, system, visit.who, form.text("reason", longest=_LONGEST_REASON))
    return _after_turn(visit, system, f"{system.id} goes on")


def poll(visit: Visit, form: Form) -> Response:
    """Ask it for changes at once."""
    system = _config(visit)
    systems.poll_now(visit.tx, system, visit.who)
    return _after_turn(visit, system, f"{system.id} is asked now")


def act_on_dead_letter(visit: Visit, form: Form) -> Response:
    """Read it again, or let it be; its exception ends with it."""
    id = visit.request.path_params["id"]
    if Board(visit.tx, visit.scope).one(id) is None:
        raise NotFound("There is no such dead letter.")
    actions = {"retry": ExceptionAction.RETRY, "dismiss": ExceptionAction.DISMISS}
    action = actions.get(form.text("action", longest=20))
    if action is None:
        raise InvalidInput("Say what to do.", [Problem("/action", "is retry or dismiss")])
    try:
        visit.parts.exceptions.resolve(
            visit.tx,
            id,
            visit.acting,
            action,
            values={},
            reason=form.text("reason", longest=_LONGEST_REASON),
            version=form.version,
        )
    except (IllegalMove, StaleVersion):
        if not visit.is_htmx:
            raise
        text = f"{exception_pane.decided(visit, id)} Nothing else was changed."
        note = DecidedNote("Decided by another", text, f"{PATH}/messages")
        answer = visit.page("pages/exceptions_decided.html", {"note": note}, status=409)
        answer.headers["HX-Retarget"], answer.headers["HX-Reswap"] = "#notice", "innerHTML"
        return answer
    if not visit.is_htmx:
        return visit.done(f"{PATH}/messages")
    said = "Read again" if action == ExceptionAction.RETRY else "Dismissed"
    context = MessagesPage(MessageList(visit), MESSAGE_TONES)
    return visit.parts_of(
        "pages/integrations_messages.html", context, "dead_letters", toast=Toast(said)
    )


def _after_turn(visit: Visit, system: SystemConfig, said: str) -> Response:
    if not visit.is_htmx:
        return visit.done(f"{PATH}/systems/{system.id}")
    context = _system_page(visit, system)
    return visit.parts_of(
        "pages/integrations_system.html", context, "system_state", toast=Toast(said)
    )


def _overview(visit: Visit) -> IntegrationsPage:
    fields = visit.parts.ownership.fields
    holders = tuple(
        dict.fromkeys(
            holder for rule in fields for holder in (*rule.owners.values(), *rule.followers)
        )
    )
    owned = tuple(
        Owned(
            facts.field_words(rule.field),
            tuple(
                "owns"
                if holder == list(rule.owners.values())[-1]
                else "first"
                if holder in rule.owners.values()
                else "gets"
                if holder in rule.followers
                else ""
                for holder in holders
            ),
            words(str(list(rule.owners)[-1])),
            "The owner's value wins" if rule.on_difference == "owner_wins" else "A person decides",
        )
        for rule in fields
    )
    codes = tuple(facts.code(holder) for holder in holders)
    return IntegrationsPage(Overview(visit), visit.parts.ownership, codes, owned)


def _system_page(visit: Visit, config: SystemConfig) -> SystemPage:
    board = SystemBoard(visit.tx, visit.scope)
    found = next((s for s in integration_systems.read(visit, board) if s.id == config.id), None)
    if found is None:
        raise NotFound("There is no such system.")
    sheet = visit.parts.connectors.get(config.id)
    return SystemPage(
        system=found,
        sheet=sheet,
        settings=tuple((name, payloads.setting(name, value)) for name, value in sheet.settings)
        if sheet
        else (),
        secrets=tuple(sheet.secrets().items()) if sheet else (),
        history=tuple(_past(visit, event) for event in board.history(config.id, limit=20)),
        dead=board.dead_letters(config.id, before=None, limit=PAGE),
    )


def _config(visit: Visit) -> SystemConfig:
    """Raises `NotFound` for one that is not there or serves other regions only."""
    id = visit.request.path_params["id"]
    found = next((system for system in visible(visit) if system.id == id), None)
    if found is None:
        raise NotFound("There is no such system, or it serves other regions.")
    return found


def _past(visit: Visit, event: Mapping[str, Any]) -> Past:
    actor = str(event["actor"])
    reason = event["attributes"].get("reason") or ""
    who = name_of(visit, actor)
    return Past(words(event["type"].replace(".", " ")), who, event["at"], str(reason))


def _chips(address: Address) -> tuple[Chip, ...]:
    return tuple(
        Chip(name, words(value) if name == "state" else value, address.but(**{name: None}))
        for name, value in address.set.items()
    )


def _pickers(address: Address, known: Mapping[str, Sequence[str]]) -> tuple[Picker, ...]:
    labels = {"queue": "System", "system": "System", "state": "State", "operation": "Operation"}
    return tuple(
        Picker(
            labels[name],
            tuple(
                Option(words(v) if name == "state" else v, address.but(**{name: v})) for v in values
            ),
        )
        for name, values in known.items()
        if name not in address.set and values
    )
