"""What the engine asks of people, as values: a task, an exception, a message."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from fairlead.domain.gates import Gap
from fairlead.domain.values import Money


class CauseClass(StrEnum):
    MISSING_DATA = "missing_data"  #: a gate names gaps
    REFUSED_BY_SYSTEM = "refused_by_system"  #: another system said no
    UNKNOWN_OUTCOME = "unknown_outcome"  #: perhaps done; it cannot be found out by itself
    CONFLICT = "conflict"  #: another system holds something else under our reference
    NEEDS_DECISION = "needs_decision"  #: a rule asks for a person, as for two clients that match
    OUTAGE = "outage"  #: a system is down; everything that needs it waits
    UNREADABLE = "unreadable"  #: a message that we cannot read: a dead letter
    DELAY = "delay"  #: a queue ages, people do not answer, or calls keep failing (F116)
    CONFIGURATION = "configuration"  #: our own set-up does not cover the case
    DEFECT = "defect"  #: our own code failed


class ExceptionAction(StrEnum):
    RETRY = "retry"  #: try the same again; never makes a second effect
    SUPPLY = "supply"  #: give the values that are missing
    CHOOSE = "choose"  #: pick one of the candidates, or say that none is it
    SKIP = "skip"  #: go on without the step, where the playbook allows it
    OVERRIDE = "override"  #: go on although the gate is closed; needs authority and a reason
    ASSIGN = "assign"  #: give it to a person
    DISMISS = "dismiss"  #: a dead letter that is not worth replaying


@dataclass(frozen=True)
class NewTask:
    """Something that a person must answer before a step can go on."""

    run_id: str
    step: str
    occurrence: int
    kind: Literal["approval", "task"]
    subject_id: str
    region: str | None
    title: str
    role: str
    excluded: tuple[str, ...]
    amount: Money | None
    shown: dict[str, Any]
    because: str | None
    decision_id: str | None
    opened_at: datetime
    due_at: datetime | None


@dataclass(frozen=True)
class NewException:
    """Something that cannot go on without a person. The same cause is one exception (F112)."""

    cause: str  #: what it is about; while one is open, the same cause adds to its count
    cause_class: CauseClass
    team: str
    title: str
    detail: str
    remedy: str
    opened_at: datetime
    actions: tuple[ExceptionAction, ...]
    due_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    payload: Any = None  #: what was said, cut and without secrets
    difference: Any = None  #: what was expected against what is there
    system: str | None = None
    run_id: str | None = None
    step: str | None = None
    occurrence: int | None = None
    subject_id: str | None = None
    region: str | None = None
    at_risk: Money | None = None


@dataclass(frozen=True)
class Message:
    """Word to the people with a role, in their queue."""

    role: str
    about: str
    text: str
    at: datetime
    subject_id: str | None = None
    region: str | None = None
    once: str | None = field(default=None)  #: said once under this key
