"""Who may answer what waits for a person, and that an answer counts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from tests.flow.small_world import AGREE, LABEL, SEND, Parcel, Person, World, playbook

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
from fairlead.work.answers import answer_task

STORY = playbook([AGREE], [SEND])
PACK = {"task": "pack", "by": {"role": "approver"}}


def asked(db: Database, parcel: Parcel | None = None) -> tuple[World, str, str]:
    """A world with one approval open: its run and its task."""
    world = World(db, STORY)
    run = world.start(parcel or Parcel("p-1"))
    world.advance()
    (task,) = world.rows("tasks")
    return world, run, task["id"]


def answer(
    world: World,
    task: str,
    person: Person | None = None,
    *,
    approved: bool = True,
    reason: str = "",
    version: int | None = None,
) -> dict[str, Any]:
    with world.db.transaction() as tx:
        return answer_task(
            tx, task, person or Person(), approved=approved, reason=reason, version=version
        )


def test_an_approval_lets_the_run_go_on_and_is_told(db: Database) -> None:
    world, run, task = asked(db)
    told = answer(world, task, reason="fine")
    world.settle()

    assert (told["state"], told["answered_by"], told["version"]) == ("approved", "ana", 2)
    assert world.run(run).state == "completed"
    assert world.step(run, "agree").because == "approved by ana: fine"
    (event,) = world.rows("events", type="approval.approved")
    assert (event["actor"], event["region"]) == ("person:ana", "EMEA")
    assert [task, "task", "answered"] in event["objects"]


@pytest.mark.parametrize(
    ("person", "parcel", "error", "says"),
    [
        pytest.param(
            Person(roles=frozenset({"desk"})), Parcel("p-1"), NotAllowed, "role approver",
            id="another-role",
        ),
        pytest.param(
            Person(), Parcel("p-1", asked_by="ana@example.com"), NotAllowed, "asked for it",
            id="who-asked-for-it",
        ),
        pytest.param(
            Person(), Parcel("p-1", asked_by="Ana@Example.com"), NotAllowed, "asked for it",
            id="who-asked-for-it-in-other-letters",
        ),
        pytest.param(
            Person(limit=Decimal(100)), Parcel("p-1", worth="100.01"), NotAllowed, "limit",
            id="just-over-the-limit",
        ),
        pytest.param(
            Person(regions=frozenset({"AMER"})), Parcel("p-1"), NotFound, "no such task",
            id="another-region",
        ),
    ],
)  # fmt: skip
def test_who_may_not_answer_is_refused_and_nothing_moves(
    db: Database, person: Person, parcel: Parcel, error: type[FairleadError], says: str
) -> None:
    world, run, task = asked(db, parcel)
    for approved in (True, False):
        with pytest.raises(error, match=says):
            answer(world, task, person, approved=approved, reason="because")
    world.settle()

    assert world.states(run) == {"agree": "waiting"}
    assert world.rows("tasks")[0]["state"] == "open"
    assert not world.rows("events", type="approval.approved")


def test_exactly_the_limit_is_within_it(db: Database) -> None:
    world, _, task = asked(db, Parcel("p-1", worth="100"))

    assert answer(world, task, Person(limit=Decimal(100)))["state"] == "approved"


def test_only_whom_it_was_given_to_may_answer(db: Database) -> None:
    world, _, task = asked(db)
    with db.transaction() as tx:
        tasks.assign(tx, task, "ben@example.com")

    with pytest.raises(NotAllowed, match=r"given to ben@example\.com"):
        answer(world, task)
    assert answer(world, task, Person("ben"))["state"] == "approved"


@pytest.mark.parametrize("again", [True, False])
def test_an_answer_counts_once(db: Database, again: bool) -> None:
    world, run, task = asked(db)
    answer(world, task)
    with pytest.raises(IllegalMove):
        answer(world, task, Person("ben"), approved=again, reason="no")
    world.settle()

    assert world.run(run).state == "completed"
    assert len(world.rows("events", type="approval.approved")) == 1


def test_two_answers_at_once_count_once(db: Database) -> None:
    world, _, task = asked(db)
    start = Barrier(2)

    def one(approved: bool) -> str:
        start.wait(10)
        try:
            return answer(world, task, approved=approved, reason="r")["state"]
        except IllegalMove:
            return "too late"

    with ThreadPoolExecutor(2) as pool:
        ends = sorted(pool.map(one, [True, False]))

    assert "too late" in ends
    assert ends[0] == world.rows("tasks")[0]["state"]


def test_what_changed_since_it_was_read_must_be_read_again(db: Database) -> None:
    world, _, task = asked(db)
    with db.transaction() as tx:
        tasks.assign(tx, task, "ana")

    with pytest.raises(StaleVersion):
        answer(world, task, version=1)
    assert answer(world, task, version=2)["state"] == "approved"


def test_a_refusal_needs_a_reason(db: Database) -> None:
    world, run, task = asked(db)
    with pytest.raises(InvalidInput) as refused:
        answer(world, task, approved=False, reason="  ")

    assert [problem.pointer for problem in refused.value.problems] == ["/reason"]
    assert world.states(run) == {"agree": "waiting"}


def test_a_refusal_ends_the_run(db: Database) -> None:
    world, run, task = asked(db)
    answer(world, task, approved=False, reason="too dear")
    world.settle()

    assert world.run(run).state == "declined"
    assert world.carrier.calls == 0


def test_a_task_that_is_done_lets_its_run_go_on_whoever_asked(db: Database) -> None:
    world = World(db, playbook([PACK], [LABEL]))
    run = world.start(Parcel("p-1", asked_by="ana@example.com"))
    world.advance()
    told = answer(world, world.rows("tasks")[0]["id"])
    world.settle()

    assert told["state"] == "done"
    assert world.run(run).state == "completed"


def test_a_task_cannot_be_refused_because_nothing_would_follow(db: Database) -> None:
    world = World(db, playbook([PACK], [LABEL]))
    run = world.start(Parcel("p-1"))
    world.advance()
    with pytest.raises(InvalidInput) as refused:
        answer(world, world.rows("tasks")[0]["id"], approved=False, reason="no box")
    world.settle()

    assert [problem.pointer for problem in refused.value.problems] == ["/approved"]
    assert world.states(run) == {"pack": "waiting"}


def test_what_is_not_there_is_not_found(db: Database) -> None:
    world, _, _ = asked(db)

    with pytest.raises(NotFound):
        answer(world, "0")


def be_deputy(world: World, person: str, deputy: str, *, days: int = 5) -> None:
    """Of today and some days on; negative: until some days ago."""
    with world.db.transaction() as tx:
        tx.execute(
            "INSERT INTO deputies (id, person, deputy, starts_on, ends_on, named_by, named_at)"
            " VALUES (%s, %s, %s, current_date - 10, current_date + %s, %s, now())",
            [f"{person}-{deputy}", person, deputy, days, person],
        )


@pytest.mark.parametrize(
    ("person", "deputy"),
    [pytest.param("olu", "ana", id="theirs"), pytest.param("ana", "olu", id="ours")],
)
def test_a_deputy_of_who_asked_does_not_approve(db: Database, person: str, deputy: str) -> None:
    world, _, task = asked(db, Parcel("p-1", asked_by="olu"))
    be_deputy(world, person, deputy)

    with pytest.raises(NotAllowed, match="deputies"):
        answer(world, task)
    assert answer(world, task, Person("ben"))["state"] == "approved"


def test_a_deputy_answers_what_was_given_to_whom_they_stand_for(db: Database) -> None:
    world, _, task = asked(db)
    with world.db.transaction() as tx:
        tasks.assign(tx, task, "ben")
    with pytest.raises(NotAllowed, match="given to ben"):
        answer(world, task)

    be_deputy(world, "ben", "ana")

    assert answer(world, task)["answered_by"] == "ana"


def test_a_deputyship_that_is_over_counts_no_more(db: Database) -> None:
    world, _, task = asked(db, Parcel("p-1", asked_by="olu"))
    be_deputy(world, "olu", "ana", days=-1)

    assert answer(world, task)["state"] == "approved"
