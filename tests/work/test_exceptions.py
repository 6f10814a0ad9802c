"""An exception is resolved once, by whom it concerns, and the work goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.flow.small_world import (
    LABEL,
    SEND,
    SYSTEM,
    Parcel,
    Parcels,
    Person,
    World,
    playbook,
)

from fairlead.errors import (
    FairleadError,
    IllegalMove,
    InvalidInput,
    NotAllowed,
    NotFound,
    StaleVersion,
    SystemRefused,
)
from fairlead.store import exceptions, inbox
from fairlead.store.database import Database, Tx, database_time
from fairlead.store.runs import RunRow
from fairlead.work.exceptions import Exceptions
from fairlead.work.words import CauseClass, ExceptionAction, NewException

SUPPLY, RETRY, SKIP = ExceptionAction.SUPPLY, ExceptionAction.RETRY, ExceptionAction.SKIP
OVERRIDE, CHOOSE = ExceptionAction.OVERRIDE, ExceptionAction.CHOOSE
LEAD = Person("leo", frozenset({"pmo_lead"}))


def _take_in(
    tx: Tx, run: RunRow, gaps: list[dict[str, Any]], values: Mapping[str, Any], person: str
) -> None:
    parcel = Parcels().load(tx, [run.subject_id], lock=True)[run.subject_id]
    Parcels().save(tx, [replace(parcel, **values)])


def _lose(
    tx: Tx, run: RunRow, gaps: list[dict[str, Any]], values: Mapping[str, Any], person: str
) -> None:
    """Takes nothing in, so that the gate stays closed."""


DESK = Exceptions({"parcel": _take_in})


def blocked(db: Database, **step: Any) -> tuple[World, str, str]:
    """A world with a parcel that was not weighed: its run and its exception."""
    world = World(db, playbook([{"gate": "weighed", **step}], [LABEL]))
    run = world.start(Parcel("p-1", grams=None))
    world.advance()
    (found,) = world.rows("exceptions")
    return world, run, found["id"]


def act(
    world: World,
    id: str,
    action: ExceptionAction,
    person: Person | None = None,
    *,
    reason: str = "",
    version: int | None = None,
    **values: Any,
) -> dict[str, Any]:
    with world.db.transaction() as tx:
        return DESK.resolve(
            tx, id, person or Person(), action, values=values, reason=reason, version=version
        )


def test_a_supplied_value_opens_the_gate_which_ends_the_exception(db: Database) -> None:
    world, run, id = blocked(db)
    told = act(world, id, SUPPLY, grams=300)
    world.settle()

    (found,) = world.rows("exceptions")
    assert told["state"] == "open", "only its gate can say that all is there"
    assert (found["state"], found["resolution"]) == ("resolved", "supply")
    assert found["resolved_by"] == "ana", "who gave it settled it, not the gate"
    assert world.run(run).state == "completed"
    (event,) = world.rows("events", type="exception.supply")
    assert (event["actor"], event["attributes"]["fields"]) == ("person:ana", ["grams"])


@pytest.mark.parametrize("values", [{}, {"worth": "0"}, {"grams": 1, "worth": "0"}])
def test_only_what_is_missing_can_be_supplied(db: Database, values: dict[str, Any]) -> None:
    world, run, id = blocked(db)
    with pytest.raises(InvalidInput):
        act(world, id, SUPPLY, **values)
    world.settle()

    assert world.states(run) == {"weighed": "blocked"}
    assert world.parcel("p-1") == Parcel("p-1", grams=None)


def test_who_has_authority_may_go_on_although_the_gate_is_closed(db: Database) -> None:
    world, run, id = blocked(db)
    act(world, id, OVERRIDE, LEAD, reason="the carrier weighs it")
    world.settle()

    assert world.run(run).state == "completed"
    assert world.step(run, "weighed").because == "overridden by leo: the carrier weighs it"
    assert world.rows("exceptions")[0]["resolved_by"] == "leo"


@pytest.mark.parametrize(
    ("action", "person", "reason", "error"),
    [
        pytest.param(OVERRIDE, Person(), "r", NotAllowed, id="override-without-authority"),
        pytest.param(OVERRIDE, LEAD, " ", InvalidInput, id="override-without-a-reason"),
        pytest.param(SKIP, LEAD, "r", IllegalMove, id="skip-what-is-not-skippable"),
        pytest.param(RETRY, LEAD, "r", IllegalMove, id="retry-what-only-waits"),
        pytest.param(ExceptionAction.ASSIGN, LEAD, "r", InvalidInput, id="assign-has-its-own"),
        pytest.param(
            SUPPLY, Person(regions=frozenset({"AMER"})), "", NotFound, id="another-region"
        ),
    ],
)
def test_what_may_not_be_done_is_refused_and_nothing_moves(
    db: Database, action: ExceptionAction, person: Person, reason: str, error: type[FairleadError]
) -> None:
    world, run, id = blocked(db)
    with pytest.raises(error):
        act(world, id, action, person, reason=reason)
    world.settle()

    assert world.states(run) == {"weighed": "blocked"}
    assert world.rows("exceptions")[0]["state"] == "open"


def test_who_gave_a_value_cannot_override_its_gate(db: Database) -> None:
    world, run, id = blocked(db)
    with db.transaction() as tx:
        Exceptions({"parcel": _lose}).resolve(
            tx, id, LEAD, SUPPLY, values={"grams": 1}, reason="", version=None
        )
    world.settle()

    with pytest.raises(NotAllowed, match="cannot override"):
        act(world, id, OVERRIDE, LEAD, reason="r")
    act(world, id, OVERRIDE, replace(LEAD, id="lea"), reason="r")
    world.settle()
    assert world.run(run).state == "completed"


def test_a_skippable_step_may_be_skipped_with_a_reason(db: Database) -> None:
    world, run, id = blocked(db, skippable=True)
    act(world, id, SKIP, LEAD, reason="not needed here")
    world.settle()

    assert world.states(run) == {"weighed": "skipped", "label": "done"}


def refused(db: Database) -> tuple[World, str, str]:
    """A world with a parcel that the carrier refused."""
    world = World(db, playbook([SEND]))
    world.carrier.faults.append(world.carrier.raises(SystemRefused(SYSTEM, "no such street")))
    run = world.start(Parcel("p-1"))
    world.settle()
    (found,) = world.rows("exceptions")
    return world, run, found["id"]


def test_a_retry_takes_the_step_up_again_and_makes_one_effect(db: Database) -> None:
    world, run, id = refused(db)
    told = act(world, id, RETRY, reason="the street was built")
    world.settle()

    assert (told["state"], told["resolution"], told["resolved_by"]) == ("resolved", "retry", "ana")
    assert world.run(run).state == "completed"
    assert world.carrier.done() == ["send p-1"]


def test_an_exception_is_resolved_once(db: Database) -> None:
    world, _, id = refused(db)
    act(world, id, RETRY)

    with pytest.raises(IllegalMove):
        act(world, id, RETRY)
    assert len(world.rows("events", type="exception.retry")) == 1


def test_the_same_trouble_again_is_a_new_exception_after_the_old_was_resolved(
    db: Database,
) -> None:
    world, run, id = refused(db)
    world.carrier.faults.append(world.carrier.raises(SystemRefused(SYSTEM, "still none")))
    act(world, id, RETRY)
    world.settle()

    states = sorted(row["state"] for row in world.rows("exceptions"))
    assert states == ["open", "resolved"]
    assert world.states(run) == {"send": "failed"}


def test_a_person_chooses_among_what_was_shown(db: Database) -> None:
    world = World(db, playbook([{"action": "choose_route", "on": "carrier"}]))
    run = world.start(Parcel("p-1"))
    world.settle()
    (found,) = world.rows("exceptions")

    answers: list[dict[str, Any]] = [{"choice": "road"}, {}, {"choice": "sea", "more": 1}]
    for wrong in answers:
        with pytest.raises(InvalidInput, match="Choose one"):
            act(world, found["id"], CHOOSE, **wrong)
    act(world, found["id"], CHOOSE, choice="air")
    world.settle()

    assert world.step(run, "choose_route").result == {"route": "air"}
    assert world.run(run).state == "completed"


def test_what_changed_since_it_was_read_must_be_read_again(db: Database) -> None:
    world, _, id = refused(db)
    with db.transaction() as tx:
        given = DESK.assign(tx, id, Person(), "ben", version=1)
    assert (given["assignee"], given["version"]) == ("ben", 2)

    with pytest.raises(StaleVersion):
        act(world, id, RETRY, version=1)
    assert act(world, id, RETRY, version=2)["state"] == "resolved"


@pytest.mark.parametrize("role", ["integration_operator", "controller"])
def test_a_dead_letter_is_replayed_by_who_has_the_authority_only(db: Database, role: str) -> None:
    with db.transaction() as tx:
        put = inbox.put(
            tx, source="crm-1", message="m-1", kind="webhook", queue="crm-1",
            correlation="c", headers={}, body=b"?",
        )  # fmt: skip
        tx.execute("UPDATE inbox SET state = 'parked'")
        found = NewException(
            cause=f"message:crm-1:{put.id}", cause_class=CauseClass.UNREADABLE,
            team="integration-operations", title="It cannot be read", detail="why",
            remedy="mend it", opened_at=database_time(tx), actions=(RETRY,), system="crm-1",
        )  # fmt: skip
        id = exceptions.open_one(tx, found)

    def retry(person: Person) -> None:
        with db.transaction() as tx:
            DESK.resolve(tx, id, person, RETRY, values={}, reason="", version=None)

    with pytest.raises(NotAllowed):
        retry(LEAD)
    retry(Person("omar", frozenset({role})))

    with db.transaction() as tx:
        row = tx.execute("SELECT state FROM inbox").fetchone()
    assert row == {"state": "ready"}
