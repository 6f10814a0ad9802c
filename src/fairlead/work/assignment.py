"""Giving an open task to one person: who may be given it, and who may take it from whom (F107)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem, StaleVersion
from fairlead.store import journal, runs, tasks
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People
from fairlead.trust.roles import Role
from fairlead.work.answers import Answerer


def assign_task(
    tx: Tx, people: People, id: str, answerer: Answerer, person: str, version: int | None
) -> dict[str, Any]:
    """Give it to `person`, an id of people.yaml. The task as it is now.

    Raises `NotFound`, `IllegalMove` (answered before), `StaleVersion` (`version` is not what it
    was), `InvalidInput` (they could not answer it), `NotAllowed` (it is somebody else's).
    """
    task = tasks.lock(tx, id)
    if task is None or not answerer.sees(task["region"]):
        raise NotFound("There is no such task.")
    if task["state"] != "open":
        raise IllegalMove("The task", task["state"], "assigned")
    if version is not None and version != task["version"]:
        raise StaleVersion("The task was changed since you read it. Read it again.")
    if not _could_answer(people, task, person):
        raise InvalidInput(
            "This person could not answer it.",
            [Problem("/person", f"is at work, has the role {task['role']}, and may answer it")],
        )
    if task["assignee"] not in (None, answerer.id) and task["role"] not in answerer.roles:
        raise NotAllowed("Only a holder of its role may take it from whom it was given to.")
    tasks.assign(tx, id, person)
    journal.append(
        tx,
        [
            Event(
                chain=task["subject_id"],
                type=f"{task['kind']}.assigned",
                at=database_time(tx),
                actor=f"person:{answerer.id}",
                attributes={"step": task["step"], "to": person},
                objects=[(task["run_id"], "run", "of"), (id, "task", "assigned")],
                correlation=runs.get(tx, task["run_id"]).correlation,
                region=task["region"],
            )
        ],
    )
    return {**task, "assignee": person, "version": task["version"] + 1}


def _could_answer(people: People, task: Mapping[str, Any], person: str) -> bool:
    held_by = people.holding(Role(task["role"]), region=task["region"])
    whom = next((one for one in held_by if one.id == person), None)
    if whom is None:
        return False
    excluded = {name.casefold() for name in task["excluded"]}
    names = Acting.of(people, whom.principal()).aliases()
    return task["kind"] != "approval" or not names & excluded
