"""What a gate, condition, notice or action is called with, and what an action gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.calendar import BusinessCalendar
from fairlead.domain.values import ExternalRef, Money
from fairlead.flow.playbook import Step
from fairlead.policy.tables import Decision
from fairlead.store.database import Tx
from fairlead.store.journal import Relation
from fairlead.store.runs import RunRow

Subject = Any  #: what a run is about; only the subject's own room looks inside


class Subjects(Protocol):
    """How the engine handles one type of subject without knowing what it is."""

    def load(self, tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, Subject]: ...

    def save(self, tx: Tx, subjects: Sequence[Subject]) -> None: ...

    def facts(self, subject: Subject) -> Mapping[str, str | None]:
        """By which variants and systems are chosen: region, country, contract_type…"""
        ...

    def title(self, subject: Subject) -> str: ...

    def at_stake(self, subject: Subject) -> Money | None:
        """The money that waits when it waits."""
        ...

    def involved(self, subject: Subject) -> tuple[str, ...]:
        """People who asked for it or gave its data; they may not approve it (F215)."""
        ...

    def shown(self, subject: Subject) -> dict[str, Any]:
        """What an approver is shown; the approval holds for exactly this."""
        ...

    def objects(self, subject: Subject) -> Sequence[Relation]:
        """What its events are about, in the terms of OCEL 2.0."""
        ...


@dataclass(frozen=True)
class Hooks:
    """What the engine asks of the rooms around it. `bootstrap` fills it in."""

    subjects: Mapping[str, Subjects]
    ask: Callable[[str, Call], Decision]
    """Asks the named policy about a call's subject, for an approval that names a policy."""
    route: Callable[[str, Mapping[str, str | None]], str]
    """Port and facts → the system that serves them. Raises `InvalidDefinition` if none does."""
    calendar: Callable[[Mapping[str, str | None]], BusinessCalendar]


@dataclass
class Said:
    """What a call said besides its result; stored in the transaction of the step."""

    decisions: list[Decision] = field(default_factory=list[Decision])
    events: list[tuple[str, Mapping[str, Any]]] = field(
        default_factory=list[tuple[str, Mapping[str, Any]]]
    )
    sent: list[tuple[str, Mapping[str, Any]]] = field(
        default_factory=list[tuple[str, Mapping[str, Any]]]
    )


@dataclass(frozen=True)
class Call:
    """One call of a registered function. Time comes from here, never from a clock."""

    run: RunRow
    step: Step
    subject: Subject
    results: Mapping[str, Mapping[str, Any]]  #: of steps that are done, by name
    now: datetime  #: UTC, of the database
    said: Said

    @property
    def input(self) -> Mapping[str, Any]:
        """What the run was started with."""
        return self.run.input

    def note(self, decision: Decision) -> Decision:
        """Keep a decision for ever, with this step."""
        self.said.decisions.append(decision)
        return decision

    def tell(self, event: str, **attributes: Any) -> None:
        """Add an event to the subject's log."""
        self.said.events.append((event, attributes))

    def send(self, event: str, **data: Any) -> None:
        """Put a message into our own inbox, with the end of this step: taken in once, after the
        commit, as one from outside would be. This is how a run speaks to other runs."""
        self.said.sent.append((event, data))


@dataclass(frozen=True)
class Done:
    """What an action gives back: its result, and how it changes the subject.

    `change` is applied to the subject as it is when the step ends, which may be later than the
    action saw it.
    """

    result: dict[str, Any] = field(default_factory=dict[str, Any])
    change: Callable[[Subject], Subject] | None = None


class NeedsPerson(Exception):
    """An action cannot decide: a person must choose among what `difference` shows."""

    def __init__(self, *, title: str, detail: str, remedy: str, difference: Any) -> None:
        super().__init__(title)
        self.title, self.detail, self.remedy = title, detail, remedy
        self.difference = difference


class OutwardCall(Protocol):
    """What an action with `on` is called with, besides what every call has."""

    run: RunRow
    step: Step
    subject: Subject
    results: Mapping[str, Mapping[str, Any]]
    now: datetime
    port: Any  #: the adapter
    system: str  #: where it acts
    answer: Mapping[str, Any]  #: what a person chose, after `NeedsPerson`; else empty

    def note(self, decision: Decision) -> Decision: ...

    def tell(self, event: str, **attributes: Any) -> None: ...

    def send(self, event: str, **data: Any) -> None: ...

    def keep(self, content: bytes, media_type: str) -> str:
        """Store bytes for a later step, which may reach another system; their SHA-256 in hex."""
        ...

    def kept(self, digest: str) -> bytes:
        """What `keep` stored. Raises `NotFound`."""
        ...

    def alone(self, name: str) -> AbstractContextManager[None]:
        """Nobody else does what goes by this name meanwhile, over all workers.

        Raises `Busy` where somebody does; the step is tried again shortly.
        """
        ...

    def unsettled(self, key: EffectKey) -> bool:
        """Whether an earlier call under this key may have done something nobody knows of yet.

        Then `once` comes first: it finds out, so that the effect does not stay unknown.
        """
        ...

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
        """Make one thing happen once outside, through crashes and lost answers.

        The effect's key is run, step, occurrence and `part` (where a step does several), or
        `key` where the thing is shared between runs, as a client is.
        """
        ...
