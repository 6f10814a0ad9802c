"""Resolving an exception once, in one place, and letting the work go on (F111 to F113)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem, StaleVersion
from fairlead.store import exceptions, inbox, journal, runs
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.store.runs import RunRow
from fairlead.work.answers import Answerer
from fairlead.work.words import CauseClass, ExceptionAction

#: Takes supplied values into the run's subject: (tx, run, gaps, values, person's id).
Supply = Callable[[Tx, RunRow, list[dict[str, Any]], Mapping[str, Any], str], None]

#: What only some roles may do besides working on exceptions of their own team.
_AUTHORITY: Mapping[ExceptionAction, frozenset[str]] = {
    ExceptionAction.OVERRIDE: frozenset({"pmo_lead", "controller"}),
    ExceptionAction.SKIP: frozenset({"pmo_lead", "controller", "integration_operator"}),
}
#: Who may replay or dismiss a message that could not be taken in.
_DEAD_LETTERS = frozenset({"integration_operator", "controller"})
_NEEDS_REASON = frozenset({ExceptionAction.OVERRIDE, ExceptionAction.SKIP, ExceptionAction.DISMISS})


def roles_for(cause_class: str, action: ExceptionAction) -> frozenset[str] | None:
    """Roles one of which the action needs; null: whoever may work on exceptions."""
    if cause_class == CauseClass.UNREADABLE:
        return None if action == ExceptionAction.ASSIGN else _DEAD_LETTERS
    return _AUTHORITY.get(action)


def needs_reason(action: ExceptionAction) -> bool:
    return action in _NEEDS_REASON


class Exceptions:
    """What people do with exceptions."""

    def __init__(self, supply: Mapping[str, Supply]) -> None:
        """`supply`: by type of subject, how values that were missing are taken in."""
        self._supply = supply

    def resolve(
        self,
        tx: Tx,
        id: str,
        answerer: Answerer,
        action: ExceptionAction,
        *,
        values: Mapping[str, Any],
        reason: str,
        version: int | None,
    ) -> dict[str, Any]:
        """Act on an exception. It is resolved, or (after `supply`) looked at again by its gate.

        Raises `NotFound`, `NotAllowed`, `IllegalMove` (resolved, or not an action that it has),
        `StaleVersion`, `InvalidInput` (a value or the reason is missing or breaks a rule).
        """
        run, found = self._locked(tx, id, answerer, version)
        if action == ExceptionAction.ASSIGN:
            raise InvalidInput(
                "Assign it with its own request.", [Problem("/action", "assign is /assign")]
            )
        if str(action) not in found["actions"]:
            allowed = ", ".join(found["actions"])
            raise IllegalMove(f"This exception (which allows {allowed})", "open", action)
        needed = roles_for(found["class"], action)
        if needed is not None and not needed & answerer.roles:
            words = " or ".join(sorted(role.replace("_", " ") for role in needed))
            raise NotAllowed(f"To {action} needs the role {words}.")
        if needs_reason(action) and not reason.strip():
            raise InvalidInput(
                f"To {action} needs a reason.", [Problem("/reason", f"is required to {action}")]
            )
        ended = self._act(tx, run, found, action, values, reason, answerer)
        now = database_time(tx)
        if ended:
            exceptions.resolve(tx, id, action, by=answerer.id, reason=reason or None, at=now)
        journal.append(
            tx,
            [
                Event(
                    chain=_chain(found),
                    type=f"exception.{action}",
                    at=now,
                    actor=f"person:{answerer.id}",
                    attributes={
                        "cause": found["cause"],
                        "class": found["class"],
                        "reason": reason,
                        "fields": sorted(values),
                    },
                    objects=[(id, "exception", "resolved"), *_of_run(found)],
                    correlation=run.correlation if run else None,
                    region=found["region"],
                )
            ],
        )
        return exceptions.lock(tx, id) or found

    def assign(
        self, tx: Tx, id: str, answerer: Answerer, person: str | None, *, version: int | None
    ) -> dict[str, Any]:
        """Give it to a person, or (null) back to its team. Raises as `resolve` does."""
        run, found = self._locked(tx, id, answerer, version)
        exceptions.assign(tx, id, person)
        journal.append(
            tx,
            [
                Event(
                    chain=_chain(found),
                    type="exception.assigned",
                    at=database_time(tx),
                    actor=f"person:{answerer.id}",
                    attributes={"cause": found["cause"], "to": person or found["team"]},
                    objects=[(id, "exception", "assigned"), *_of_run(found)],
                    correlation=run.correlation if run else None,
                    region=found["region"],
                )
            ],
        )
        return exceptions.lock(tx, id) or found

    def _locked(
        self, tx: Tx, id: str, answerer: Answerer, version: int | None
    ) -> tuple[RunRow | None, dict[str, Any]]:
        """The run first: bursts lock in the same order."""
        peek = tx.execute("SELECT run_id FROM exceptions WHERE id = %s", [id]).fetchone()
        if peek is None:
            raise NotFound("There is no such exception.")
        run = runs.lock(tx, peek["run_id"]) if peek["run_id"] else None
        found = exceptions.lock(tx, id)
        if found is None or not answerer.sees(found["region"]):
            raise NotFound("There is no such exception.")
        if found["state"] != "open":
            raise IllegalMove("The exception", found["state"], "changed")
        if version is not None and version != found["version"]:
            raise StaleVersion("The exception was changed since you read it. Read it again.")
        return run, found

    def _act(
        self,
        tx: Tx,
        run: RunRow | None,
        found: dict[str, Any],
        action: ExceptionAction,
        values: Mapping[str, Any],
        reason: str,
        answerer: Answerer,
    ) -> bool:
        """Whether the exception is resolved by this alone."""
        if run is None:
            return self._act_on_message(tx, found, action)
        step = (found["run_id"], found["step"], found["occurrence"])
        by = f"by {answerer.id}" + (f": {reason}" if reason else "")
        match action:
            case ExceptionAction.SUPPLY:
                self._take_in(tx, run, found, values, answerer)
                return False
            case ExceptionAction.RETRY:
                runs.revive_step(tx, *step, because=f"retried {by}")
            case ExceptionAction.CHOOSE:
                choice = _choice(found["difference"], values)
                runs.revive_step(tx, *step, because=f"chosen {by}", result={"answer": choice})
            case ExceptionAction.SKIP:
                runs.end_step(tx, *step, state="skipped", result=None, because=f"skipped {by}")
                runs.wake(tx, [run.id])
            case _:
                if answerer.aliases() & self._gave(tx, found):
                    raise NotAllowed("Whoever supplied a value cannot override its gate.")
                runs.end_step(
                    tx,
                    *step,
                    state="done",
                    result={"overridden_by": answerer.id, "reason": reason},
                    because=f"overridden {by}",
                )
                runs.wake(tx, [run.id])
        return True

    def _take_in(
        self,
        tx: Tx,
        run: RunRow,
        found: dict[str, Any],
        values: Mapping[str, Any],
        answerer: Answerer,
    ) -> None:
        open_fields = {gap["field"] for gap in found["gaps"] if gap["suppliable"]}
        problems = [
            Problem(f"/values/{field.replace('~', '~0').replace('/', '~1')}", "is not missing")
            for field in values
            if field not in open_fields
        ]
        if not values:
            problems = [Problem("/values", f"give {', '.join(sorted(open_fields))}")]
        if problems:
            raise InvalidInput("These values were not asked for.", problems)
        self._supply[run.subject_type](tx, run, found["gaps"], values, answerer.id)
        runs.wake(tx, [run.id])

    def _act_on_message(self, tx: Tx, found: dict[str, Any], action: ExceptionAction) -> bool:
        """A dead letter has no run yet: read it again, or let it be."""
        if found["class"] == CauseClass.UNREADABLE and action == ExceptionAction.RETRY:
            inbox.replay(tx, int(found["cause"].rpartition(":")[2]))
        return True

    @staticmethod
    def _gave(tx: Tx, found: dict[str, Any]) -> frozenset[str]:
        """People who supplied values to this exception."""
        rows = tx.execute(
            "SELECT DISTINCT actor FROM events WHERE chain = %s AND type = 'exception.supply'",
            [found["subject_id"]],
        ).fetchall()
        return frozenset(row["actor"].removeprefix("person:") for row in rows)


def _chain(found: Mapping[str, Any]) -> str:
    """The log that it is told in: of what it is about, of its system, or of the queues."""
    system = f"system:{found['system']}" if found["system"] else "queues"
    return found["subject_id"] or system


def _of_run(found: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    return [(found["run_id"], "run", "of")] if found["run_id"] else []


def _choice(difference: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """One of the candidates that were shown, or none of them."""
    shown = cast("list[dict[str, Any]]", (difference or {}).get("candidates", []))
    candidates = [str(candidate["id"]) for candidate in shown]
    chosen = values.get("choice")
    if set(values) != {"choice"} or (chosen != "none" and chosen not in candidates):
        raise InvalidInput(
            "Choose one of the candidates, or none.",
            [Problem("/values/choice", f"one of {', '.join([*candidates, 'none'])}"[:200])],
        )
    return {"choice": chosen}
