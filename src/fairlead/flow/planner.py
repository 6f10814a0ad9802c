"""What a run does next: a pure function of its playbook and the states of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fairlead.flow.playbook import Compiled, Kind, Step
from fairlead.flow.states import ENDED, PASSED, StepState

Holds = Callable[[str], bool]  #: does the named condition hold for the run's subject now?


@dataclass(frozen=True)
class Plan:
    start: tuple[Step, ...] = ()
    skip: tuple[tuple[Step, str], ...] = ()  #: with the reason
    finished: bool = False  #: every step has passed
    refused: Step | None = None  #: an approval was refused; the run is taken back


def plan(playbook: Compiled, states: Mapping[str, StepState], holds: Holds) -> Plan:
    """The steps that can start or be skipped now.

    A step can start once all steps that it comes after have passed. A step without an entry in
    `states` has not begun; a gate that is `blocked` is looked at again.
    """
    start: list[Step] = []
    skip: list[tuple[Step, str]] = []
    finished = True
    for step in playbook.steps:
        state = states.get(step.name)
        if state in PASSED:
            continue
        finished = False
        if state == StepState.REFUSED and step.kind is Kind.APPROVAL:
            return Plan(refused=step)
        if state is None:
            if all(states.get(before) in PASSED for before in step.after):
                reason = _left_out(step, holds)
                if reason:
                    skip.append((step, reason))
                else:
                    start.append(step)
        elif state == StepState.BLOCKED:
            start.append(step)
    return Plan(start=tuple(start), skip=tuple(skip), finished=finished)


def _left_out(step: Step, holds: Holds) -> str | None:
    for name in step.when:
        if not holds(name):
            return f"not needed: {name.replace('_', ' ')} does not hold"
    for name in step.unless:
        if holds(name):
            return f"not needed: {name.replace('_', ' ')} holds"
    return None


UNDO = "undo-"  #: a step that takes back another is named after it


@dataclass(frozen=True)
class Undo:
    of: Step
    action: str


@dataclass(frozen=True)
class UndoPlan:
    cancel: tuple[str, ...] = ()  #: names of open steps that nothing outside depends on
    start: Undo | None = None  #: the next to take back: the last done first
    finished: bool = False


def plan_undo(
    playbook: Compiled,
    states: Mapping[str, StepState],
    tried: Mapping[str, bool],
    done_in_order: Sequence[str],
    undo_of: Callable[[str], str | None],
) -> UndoPlan:
    """How to take back what a refused or cancelled run did outside, last first.

    `tried`: for each open outward step, whether a call may have left us; such a step is carried
    to its end first, so that it is known what there is to take back. `done_in_order`: names of
    finished steps, oldest first. `undo_of`: an action's name → the action that takes it back.
    An undo that is `blocked` was parked and is to be begun again.
    """
    cancel = tuple(
        name
        for name, state in states.items()
        if state not in ENDED and not name.startswith(UNDO) and not tried.get(name, False)
    )
    again = {
        name
        for name, state in states.items()
        if name.startswith(UNDO) and state == StepState.BLOCKED
    }
    if any(state not in ENDED and name not in {*cancel, *again} for name, state in states.items()):
        return UndoPlan(cancel=cancel)  # something is still under way
    for name in reversed(done_in_order):
        step = playbook.by_name.get(name)
        if step is None or step.kind is not Kind.ACTION or states[name] != StepState.DONE:
            continue
        action = undo_of(step.uses)
        if action is not None and (UNDO + name not in states or UNDO + name in again):
            return UndoPlan(cancel=cancel, start=Undo(step, action))
    return UndoPlan(cancel=cancel, finished=True)
