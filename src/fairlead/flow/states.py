"""The states of runs, steps and effects, one sentence each, and the groups that matter."""

from __future__ import annotations

from enum import StrEnum


class StepState(StrEnum):
    READY = "ready"  #: outward; a worker may take it at `ready_at`
    RUNNING = "running"  #: outward; a worker has it
    WAITING = "waiting"  #: for a person, an event or a time
    BLOCKED = "blocked"  #: a gate names gaps; looked at again whenever the run is woken
    FAILED = "failed"  #: parked with an exception; a person must act
    DONE = "done"
    SKIPPED = "skipped"  #: its condition did not hold, or a person skipped it
    REFUSED = "refused"  #: a person said no
    CANCELLED = "cancelled"  #: the run ended first


#: What comes after may start.
PASSED = frozenset({StepState.DONE, StepState.SKIPPED})
#: Nothing will change it any more.
ENDED = PASSED | {StepState.REFUSED, StepState.CANCELLED}


class RunState(StrEnum):
    ACTIVE = "active"
    UNDOING = "undoing"  #: refused or cancelled; what was done outside is being taken back
    COMPLETED = "completed"
    DECLINED = "declined"  #: an approval was refused
    CANCELLED = "cancelled"


class EffectState(StrEnum):
    INTENDED = "intended"  #: committed before the call; surely not done
    CONFIRMED = "confirmed"
    REFUSED = "refused"  #: the other system said no; nothing was done
    UNKNOWN = "unknown"  #: perhaps done; will be looked up
