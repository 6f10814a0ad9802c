"""Moving a run to the newest version of its playbook, on a person's word, never by itself (F110).

A run keeps the version that it began with. It may be moved where what it has done is what the new
version would have done up to here. So, of the two versions:

* What has begun is there in both, as the same kind of step, using the same gate or action, on the
  same port. A step that was left out may be gone from the new one; where it is there, it must be
  left out on the same conditions, or may be skipped anyway.
* What somebody is asked, or what is waited for, right now is the same in both: the role or policy,
  the event, the length. It keeps the time by which it is due.
* Nothing comes before what has begun that did not before. It could only be done too late: an
  approval after what it was to allow. The one exception is a step that has not begun, may be
  skipped, and is no enterprise control: it is recorded as skipped.

What neither has begun follows the new version: steps are added, dropped and ordered as it says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from fairlead.domain.values import Value
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.flow.calls import Subjects
from fairlead.flow.library import Library
from fairlead.flow.playbook import Compiled, Control, Playbook, Step
from fairlead.flow.states import ENDED, PASSED, RunState, StepState
from fairlead.store import journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.runs import RunRow, StepRow


class Fits(Value):
    skip: tuple[str, ...] = ()  #: steps of the new version that come too late, in its order


class Misfit(Value):
    because: tuple[str, ...]  #: every reason, not the first; shown unchanged to whoever asked


def plan_migration(old: Compiled, new: Compiled, states: Mapping[str, StepState]) -> Fits | Misfit:
    """Can a run whose steps stand like this go on in `new`? Pure.

    `states`: of the steps that have begun, skipped ones among them.
    """
    if (old.name, old.subject) != (new.name, new.subject):
        return Misfit(because=(f"{new.name} is another playbook, or about something else",))
    problems: list[str] = []
    for name, state in states.items():
        # one that neither has was left out in a version before the old one
        was, now = old.by_name.get(name), new.by_name.get(name)
        if state == StepState.SKIPPED:
            problems += _left_out_otherwise(name, was, now, new)
        elif was is None or now is None:
            problems.append(f"{name} has begun, and is not in version {new.version}")
        else:
            problems += _done_otherwise(was, now)
            if state not in ENDED:
                problems += _asked_otherwise(was, now)
    ahead, was_ahead = _ahead(new, states), _ahead(old, states)
    late: list[str] = []
    for step in new.steps:
        if step.name not in ahead:
            continue
        state, begun = states.get(step.name), ahead[step.name]
        if state is None and step.skippable and step.control is not Control.ENTERPRISE:
            late.append(step.name)
        elif state is None:
            problems.append(
                f"{step.name} comes before {begun}, which has begun, and may not be skipped"
            )
        elif state not in PASSED and step.name not in was_ahead:
            problems.append(f"{step.name} comes before {begun} now: let it end first")
    return Misfit(because=tuple(problems)) if problems else Fits(skip=tuple(late))


def _done_otherwise(was: Step, now: Step) -> list[str]:
    pairs = ((was.kind, now.kind), (was.uses, now.uses), (was.on, now.on))
    return [
        f"{was.name} has begun as {before or 'local'}, and is {after or 'local'} now"
        for before, after in pairs
        if before != after
    ]


def _asked_otherwise(was: Step, now: Step) -> list[str]:
    pairs = (
        ("who is asked", was.by, now.by),
        ("the event", was.event, now.event),
        ("how long", was.lasts, now.lasts),
    )
    return [
        f"{was.name} is open, and {what} has changed: let it end first"
        for what, before, after in pairs
        if before != after
    ]


def _left_out_otherwise(name: str, was: Step | None, now: Step | None, new: Compiled) -> list[str]:
    if now is None or now.skippable:
        return []
    if was is not None and (was.kind, was.uses, was.on, was.when, was.unless) == (
        now.kind, now.uses, now.on, now.when, now.unless,
    ):  # fmt: skip
        return []
    return [f"{name} was left out, and version {new.version} might not leave it out"]


def _ahead(playbook: Compiled, states: Mapping[str, StepState]) -> dict[str, str]:
    """Steps that come before one that has begun, at whatever distance → the name of that one."""
    found: dict[str, str] = {}
    todo = deque((name, name) for name in states if name in playbook.by_name)
    while todo:
        name, begun = todo.popleft()
        for before in playbook.by_name[name].after:
            if before not in found:
                found[before] = begun
                todo.append((before, begun))
    return found


def migrate_run(
    tx: Tx,
    library: Library,
    subjects: Mapping[str, Subjects],
    run_id: str,
    /,
    *,
    by: str,
    reason: str,
) -> None:
    """Move one run to the newest version of its playbook, with the variants that fit its subject.

    `by`: the person's id. Raises `NotFound`, `IllegalMove` (the run is ending or has ended, or
    follows the newest version), `InvalidInput` naming each misfit.
    """
    run = runs.lock(tx, run_id)
    if run is None:
        raise NotFound("There is no such run.")
    if run.state != RunState.ACTIVE:
        raise IllegalMove("The run", run.state, "migrated")
    old = library.get(tx, run.digest)
    new = library.fit(tx, _newest(library, run.playbook), _facts(tx, subjects, run))
    if new.digest == old.digest:
        raise IllegalMove("The run", f"on version {old.version}, the newest", "migrated")
    if new.version < old.version:
        raise IllegalMove("The run", f"on version {old.version}, newer than ours", "migrated")
    rows = runs.steps_of(tx, [run_id])[run_id]
    fit = plan_migration(old, new, {row.name: StepState(row.state) for row in rows})
    if isinstance(fit, Misfit):
        raise InvalidInput(
            f"The run does not fit version {new.version} of {new.name}.",
            [Problem("", problem) for problem in fit.because],
        )
    _move(tx, run, old, new, fit.skip, by=by, reason=reason)


def _newest(library: Library, name: str) -> Playbook:
    versions = [playbook for playbook in library.playbooks if playbook.playbook == name]
    if not versions:
        raise InvalidInput(
            f"There is no playbook {name} any more.",
            [Problem("", f"the playbook {name} is among those that are run")],
        )
    return max(versions, key=lambda playbook: playbook.version)


def _facts(tx: Tx, subjects: Mapping[str, Subjects], run: RunRow) -> Mapping[str, str | None]:
    of_type = subjects[run.subject_type]
    return of_type.facts(of_type.load(tx, [run.subject_id], lock=False)[run.subject_id])


def _move(
    tx: Tx,
    run: RunRow,
    old: Compiled,
    new: Compiled,
    skip: Sequence[str],
    *,
    by: str,
    reason: str,
) -> None:
    now = database_time(tx)
    runs.save_steps(
        tx,
        [
            StepRow(
                run_id=run.id,
                name=name,
                kind=new.by_name[name].kind,
                state=StepState.SKIPPED,
                owner=new.by_name[name].owner,
                started_at=now,
                ended_at=now,
                because=f"the run was past it when {by} moved it to version {new.version}",
            )
            for name in skip
        ],
    )
    run.digest = new.digest
    runs.save_runs(tx, [run])
    journal.append(
        tx,
        [
            Event(
                chain=run.subject_id,
                type="run.migrated",
                at=now,
                actor=f"person:{by}",
                attributes={
                    "playbook": new.name,
                    "from_version": old.version,
                    "from_variants": list(old.variants),
                    "to_version": new.version,
                    "to_variants": list(new.variants),
                    "skipped": list(skip),
                    "reason": reason,
                },
                objects=[(run.id, "run", "of")],
                correlation=run.correlation,
                region=run.region,
            )
        ],
    )
    runs.wake(tx, [run.id])
