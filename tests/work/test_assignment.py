"""A task is given to somebody who may answer it, by somebody who may say so (F107)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.flow.small_world import Parcel, World, playbook

from fairlead.errors import (
    FairleadError,
    IllegalMove,
    InvalidInput,
    NotAllowed,
    NotFound,
    StaleVersion,
)
from fairlead.store import tasks
from fairlead.store.database import Database
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People, Person
from fairlead.trust.roles import Role
from fairlead.work.answers import answer_task
from fairlead.work.assignment import assign_task

LEAD, SELLER = frozenset({Role.PMO_LEAD}), frozenset({Role.SALES_OPERATIONS})
AMER = frozenset({"AMER"})
PEOPLE = People(
    [
        Person(id="lea", name="Lea", roles=LEAD),
        Person(id="ben", name="Ben", roles=LEAD, approval_limits={"EUR": Decimal(1000)}),
        Person(id="amy", name="Amy", roles=LEAD, regions=AMER),
        Person(id="olu", name="Olu", email="Olu@Example.com", roles=LEAD),
        Person(id="away", name="Away", roles=LEAD, active=False),
        Person(id="sal", name="Sal", roles=SELLER),
    ]
)
AGREE = {"approval": "agree", "by": {"role": "pmo_lead"}}
PACK = {"task": "pack", "by": {"role": "pmo_lead"}}


def acting(person: str) -> Acting:
    return Acting.of(PEOPLE, PEOPLE.principal(person))


def asked(db: Database, step: dict[str, Any] = AGREE) -> tuple[World, str]:
    """A world with one task open, which Olu asked for."""
    world = World(db, playbook([step]))
    world.start(Parcel("p-1", asked_by="olu@example.com"))
    world.advance()
    (task,) = world.rows("tasks")
    return world, task["id"]


def give(
    db: Database, id: str, to: str, by: str = "lea", version: int | None = None
) -> dict[str, Any]:
    with db.transaction() as tx:
        return assign_task(tx, PEOPLE, id, acting(by), to, version)


def test_a_task_that_is_given_to_somebody_is_theirs_and_it_is_on_record(db: Database) -> None:
    world, id = asked(db)

    told = give(db, id, "ben")

    (row,) = world.rows("tasks")
    assert (told["assignee"], told["version"]) == (row["assignee"], row["version"]) == ("ben", 2)
    (event,) = world.rows("events", type="approval.assigned")
    assert (event["actor"], event["attributes"]["to"], event["region"]) == (
        "person:lea", "ben", "EMEA",
    )  # fmt: skip
    with pytest.raises(NotAllowed, match="given to ben"), db.transaction() as tx:
        answer_task(tx, id, acting("lea"), approved=True, reason="", version=None)
    with db.transaction() as tx:
        answer_task(tx, id, acting("ben"), approved=True, reason="", version=None)


@pytest.mark.parametrize(
    "to",
    [
        pytest.param("sal", id="without-the-role"),
        pytest.param("amy", id="who-does-not-see-the-region"),
        pytest.param("away", id="who-is-not-at-work"),
        pytest.param("olu", id="who-asked-for-it-by-another-name"),
        pytest.param("nobody", id="who-is-not-there"),
    ],
)
def test_nobody_is_given_what_they_could_not_answer(db: Database, to: str) -> None:
    world, id = asked(db)

    with pytest.raises(InvalidInput, match="could not answer"):
        give(db, id, to)

    (row,) = world.rows("tasks")
    assert (row["assignee"], row["version"]) == (None, 1)


def test_who_asked_for_it_may_be_given_a_task_that_is_no_approval(db: Database) -> None:
    _, id = asked(db, PACK)

    assert give(db, id, "olu")["assignee"] == "olu"


@pytest.mark.parametrize(
    ("by", "version", "error"),
    [
        pytest.param("amy", None, NotFound, id="who-does-not-see-it"),
        pytest.param("lea", 7, StaleVersion, id="who-read-another-version"),
    ],
)
def test_who_may_not_give_it_is_refused(
    db: Database, by: str, version: int | None, error: type[FairleadError]
) -> None:
    _, id = asked(db)

    with pytest.raises(error):
        give(db, id, "ben", by, version)


def test_it_is_taken_from_somebody_only_by_a_holder_of_its_role(db: Database) -> None:
    _, id = asked(db)
    assert give(db, id, "ben", by="sal")["assignee"] == "ben"

    with pytest.raises(NotAllowed, match="holder of its role"):
        give(db, id, "lea", by="sal")
    assert give(db, id, "lea", by="lea")["assignee"] == "lea"


def test_what_is_answered_is_given_to_nobody(db: Database) -> None:
    _, id = asked(db)
    with db.transaction() as tx:
        answer_task(tx, id, acting("ben"), approved=True, reason="", version=None)

    with pytest.raises(IllegalMove):
        give(db, id, "lea")


def test_there_is_no_such_task(db: Database) -> None:
    asked(db)

    with pytest.raises(NotFound):
        give(db, tasks.task_id("no-run", "agree", 1), "ben")
