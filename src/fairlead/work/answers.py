"""Answering a task or an approval: who may, and what follows (F105, F107, F214, F215)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from fairlead.domain.values import Value
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem, StaleVersion
from fairlead.store import deputies, journal, runs, tasks
from fairlead.store.database import Tx, database_time
from fairlead.store.deputies import Partners
from fairlead.store.journal import Event


class Answer(Value):
    """What a person says to a waiting step. It grows by fields with a default, for ever."""

    approved: bool
    by: str  #: the person's id
    reason: str = ""


class Answerer(Protocol):
    """What must be known of who answers (`trust.principals.Principal` has it)."""

    @property
    def id(self) -> str: ...

    @property
    def roles(self) -> frozenset[str]: ...

    def aliases(self) -> frozenset[str]:
        """Every name under which the person may stand on a record: id, e-mail addresses."""
        ...

    def may_commit(self, amount: Decimal, currency: str) -> bool:
        """Within the person's approval limit?"""
        ...

    def sees(self, region: str | None) -> bool: ...


class Bar(StrEnum):
    """Why somebody may not answer a task."""

    ROLE = "role"  #: it asks a role that they do not have
    GIVEN = "given"  #: it was given to another
    OWN = "own"  #: of an approval: they asked for it, or gave its data
    LIMIT = "limit"  #: of an approval: it is over what they may commit


def barred(
    task: Mapping[str, Any], answerer: Answerer, partners: Partners | None = None
) -> Bar | None:
    """The first reason why not; null where they may. `task`: a row of it.

    `partners`: a deputy answers what was given to whom they stand for; and what one of two who
    are each other's deputies asked for, the other does not approve.
    """
    shared = partners or Partners()
    if not {task["role"], task["fallback_role"]} & answerer.roles:
        return Bar.ROLE
    if task["assignee"] and task["assignee"] not in answerer.aliases() | shared.stood_for:
        return Bar.GIVEN
    if task["kind"] != "approval":
        return None
    own = answerer.aliases() | shared.names
    if own & {name.casefold() for name in task["excluded"]}:
        return Bar.OWN
    if task["amount"] is not None and not answerer.may_commit(task["amount"], task["currency"]):
        return Bar.LIMIT
    return None


def answer_task(
    tx: Tx, id: str, answerer: Answerer, *, approved: bool, reason: str, version: int | None
) -> dict[str, Any]:
    """Take the answer, and let the run go on. The task as it is now.

    Raises `NotFound`, `NotAllowed` (not the role, asked for it or gave its data, over the limit),
    `IllegalMove` (answered before), `StaleVersion` (`version` is not what it was), `InvalidInput`
    (a refusal without a reason, or of a task).
    """
    found = tx.execute("SELECT run_id FROM tasks WHERE id = %s", [id]).fetchone()
    if found is None:
        raise NotFound("There is no such task.")
    run = runs.lock(tx, found["run_id"])  # the run first: bursts lock in the same order
    task = tasks.lock(tx, id)
    if run is None or task is None or not answerer.sees(task["region"]):
        raise NotFound("There is no such task.")
    now = database_time(tx)
    since = task["opened_at"].date()
    _may(task, answerer, deputies.partners(tx, answerer.id, since=since, today=now.date()))
    if task["state"] != "open":
        raise IllegalMove("The task", task["state"], "approved" if approved else "refused")
    if version is not None and version != task["version"]:
        raise StaleVersion("The task was changed since you read it. Read it again.")
    if not approved and task["kind"] != "approval":
        raise InvalidInput(
            "A task can only be done; nothing follows from refusing it.",
            [Problem("/approved", "must be true for a task")],
        )
    if not approved and not reason.strip():
        raise InvalidInput(
            "A refusal needs a reason.", [Problem("/reason", "is required to refuse")]
        )
    approval = task["kind"] == "approval"
    state = ("approved" if approval else "done") if approved else "refused"
    tasks.answer(tx, id, state, by=answerer.id, reason=reason or None, at=now)
    answer = Answer(approved=approved, by=answerer.id, reason=reason)
    runs.end_step(
        tx,
        task["run_id"],
        task["step"],
        task["occurrence"],
        state="done" if approved else "refused",
        result=answer.model_dump(),
        because=f"{state} by {answerer.id}" + (f": {reason}" if reason else ""),
    )
    journal.append(
        tx,
        [
            Event(
                chain=task["subject_id"],
                type=f"{task['kind']}.{state}",
                at=now,
                actor=f"person:{answerer.id}",
                attributes={"step": task["step"], "role": task["role"], "reason": reason},
                objects=[(task["run_id"], "run", "of"), (id, "task", "answered")],
                correlation=run.correlation,
                region=task["region"],
            )
        ],
    )
    runs.wake(tx, [task["run_id"]])
    return {**task, "state": state, "answered_by": answerer.id, "version": task["version"] + 1}


def _may(task: Mapping[str, Any], answerer: Answerer, partners: Partners) -> None:
    match barred(task, answerer, partners):
        case None:
            return
        case Bar.ROLE:
            why = f"This needs the role {task['role'].replace('_', ' ')}."
        case Bar.GIVEN:
            why = f"This was given to {task['assignee']}."
        case Bar.OWN:
            why = "Whoever asked for it or gave its data, and their deputies, cannot approve it."
        case Bar.LIMIT:
            why = f"{task['currency']} {task['amount']:,.2f} is over your approval limit."
    raise NotAllowed(why)
