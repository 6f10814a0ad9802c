"""What a playbook may name: actions, gates, conditions and notices, by name.

There is no global registry: each capability builds one, `bootstrap` joins them with `include`,
and the runner and the linter are handed the result.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from fairlead.errors import InvalidDefinition

Fn = TypeVar("Fn", bound=Callable[..., Any])


@dataclass(frozen=True)
class Action:
    """Does one thing. With `on` it does it in an outside system, through the effect ledger."""

    name: str
    fn: Callable[..., Any]
    on: str | None = None  #: the port that it needs; null: local, inside our own transaction
    undo: str | None = None  #: the action that takes it back; null: nothing does
    safe: str | None = None  #: why repeating is safe; never null for an outward action
    doc: str = ""


@dataclass(frozen=True)
class Gate:
    """Says whether something is true yet, and if not, everything that is missing."""

    name: str
    fn: Callable[..., Any]
    doc: str = ""


@dataclass(frozen=True)
class Condition:
    """Answers yes or no about the subject: `when` and `unless` name it."""

    name: str
    fn: Callable[..., Any]
    doc: str = ""


@dataclass(frozen=True)
class Notice:
    """Words a message about the subject: `about` names it."""

    name: str
    fn: Callable[..., Any]
    doc: str = ""


class Registry:
    """Names and the functions behind them. A name stands for one function of its kind."""

    def __init__(self) -> None:
        self._actions: dict[str, Action] = {}
        self._gates: dict[str, Gate] = {}
        self._conditions: dict[str, Condition] = {}
        self._notices: dict[str, Notice] = {}

    @property
    def actions(self) -> Mapping[str, Action]:
        return MappingProxyType(self._actions)

    @property
    def gates(self) -> Mapping[str, Gate]:
        return MappingProxyType(self._gates)

    @property
    def conditions(self) -> Mapping[str, Condition]:
        return MappingProxyType(self._conditions)

    @property
    def notices(self) -> Mapping[str, Notice]:
        return MappingProxyType(self._notices)

    def action(
        self, name: str, *, on: str | None = None, undo: str | None = None, safe: str | None = None
    ) -> Callable[[Fn], Fn]:
        """Register an action. Outward ones (`on` a port) must say why repeating is `safe`.

        Raises InvalidDefinition where the reason is missing or the name is taken.
        """
        if on is not None and not (safe or "").strip():
            raise InvalidDefinition(
                f"The action {name} acts on {on}: say with safe='…' why repeating it does no harm."
            )
        if on is None and safe is not None:
            raise InvalidDefinition(
                f"The action {name} is local, so its transaction makes repeating safe: "
                "leave out safe, or name the port that it acts on."
            )

        def register(fn: Fn) -> Fn:
            _add(self._actions, "action", Action(name, fn, on, undo, safe, _doc(fn)))
            return fn

        return register

    def gate(self, name: str) -> Callable[[Fn], Fn]:
        """Register a gate. Raises InvalidDefinition where the name is taken."""

        def register(fn: Fn) -> Fn:
            _add(self._gates, "gate", Gate(name, fn, _doc(fn)))
            return fn

        return register

    def condition(self, name: str) -> Callable[[Fn], Fn]:
        """Register a condition. Raises InvalidDefinition where the name is taken."""

        def register(fn: Fn) -> Fn:
            _add(self._conditions, "condition", Condition(name, fn, _doc(fn)))
            return fn

        return register

    def notice(self, name: str) -> Callable[[Fn], Fn]:
        """Register a notice. Raises InvalidDefinition where the name is taken."""

        def register(fn: Fn) -> Fn:
            _add(self._notices, "notice", Notice(name, fn, _doc(fn)))
            return fn

        return register

    def get_action(self, name: str) -> Action:
        """Raises InvalidDefinition, with near matches; so do the three below."""
        return _look_up(self._actions, "action", name)

    def get_gate(self, name: str) -> Gate:
        return _look_up(self._gates, "gate", name)

    def get_condition(self, name: str) -> Condition:
        return _look_up(self._conditions, "condition", name)

    def get_notice(self, name: str) -> Notice:
        return _look_up(self._notices, "notice", name)

    def include(self, other: Registry) -> None:
        """Take in all that another registry has. Raises InvalidDefinition where a name is taken."""
        for action in other._actions.values():
            _add(self._actions, "action", action)
        for gate in other._gates.values():
            _add(self._gates, "gate", gate)
        for condition in other._conditions.values():
            _add(self._conditions, "condition", condition)
        for notice in other._notices.values():
            _add(self._notices, "notice", notice)

    def faults(self) -> list[str]:
        """What only the whole registry can tell: every `undo` is an action on the same port."""
        told: list[str] = []
        for action in self._actions.values():
            if action.undo is None:
                continue
            undo = self._actions.get(action.undo)
            if undo is None:
                told.append(
                    f"The action {action.name} is undone by {action.undo}, which is not registered"
                    f"{did_you_mean(action.undo, self._actions)}."
                )
            elif undo.on != action.on:
                told.append(
                    f"The action {action.name} acts on {action.on or 'nothing outside'}, but what "
                    f"undoes it, {undo.name}, acts on {undo.on or 'nothing outside'}."
                )
        return told


_Entry = TypeVar("_Entry", Action, Gate, Condition, Notice)


def _add(entries: dict[str, _Entry], kind: str, entry: _Entry) -> None:
    if entry.name in entries:
        raise InvalidDefinition(
            f"There are two functions for the {kind} {entry.name}: "
            f"{_where(entries[entry.name].fn)} and {_where(entry.fn)}. Rename one."
        )
    entries[entry.name] = entry


def _look_up(entries: Mapping[str, _Entry], kind: str, name: str) -> _Entry:
    if name in entries:
        return entries[name]
    raise InvalidDefinition(f"There is no {kind} {name}{did_you_mean(name, entries)}.")


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that somebody may have meant, the likeliest first."""
    return difflib.get_close_matches(name[:200], list(known), n=3, cutoff=0.6)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Words for the nearest known names, with a space before them; nothing where none is near."""
    near = nearest(name, known)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def _doc(fn: Callable[..., Any]) -> str:
    return inspect.getdoc(fn) or ""


def _where(fn: Callable[..., Any]) -> str:
    return f"{fn.__module__}.{getattr(fn, '__qualname__', type(fn).__name__)}"
