"""An outward step ends in a way that its row tells, whatever the other side or a worker does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from small_world import LABEL, SEND, SYSTEM, Act, Carrier, Parcel, Repeatable, World, playbook

from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.flow import outward
from fairlead.store import runs, systems
from fairlead.store.database import Database, database_time

STORY = playbook([SEND], [LABEL])
DOWN = SystemUnavailable(SYSTEM, "down")
LIMIT: int = vars(outward)["_TRIES"]
CRASHES: int = vars(outward)["_CRASHES"]


def started(db: Database, **options: Any) -> tuple[World, str]:
    """A parcel that waits to be sent."""
    world = World(db, STORY, **options)
    run = world.start(Parcel("p-1"))
    world.advance()
    return world, run


def pause_s(world: World, run: str) -> float:
    """How long the step waits before its next attempt."""
    with world.db.transaction() as tx:
        left = (world.step(run, "send").ready_at or database_time(tx)) - database_time(tx)
    return left.total_seconds()


def test_what_is_sent_lets_its_run_go_on(db: Database) -> None:
    world, run = started(db)
    world.settle()

    assert world.run(run).state == "completed"
    assert world.step(run, "send").result == {"ref": f"{SYSTEM}/waybill/1"}
    assert world.outward.in_flight == set()


def test_an_outage_is_tried_again_after_ever_longer_pauses(db: Database) -> None:
    world, run = started(db)
    world.carrier.faults.extend([world.carrier.raises(DOWN)] * 4)
    pauses: list[float] = []
    for _ in range(4):
        world.hurry()
        assert world.carry_out()
        pauses.append(pause_s(world, run))
    too_early = world.carry_out()

    assert not too_early
    assert world.step(run, "send").attempt == 4
    for number, pause in enumerate(pauses):
        assert 0.7 * 0.5 * 2**number < pause < 1.3 * 0.5 * 2**number


def test_a_request_to_wait_is_obeyed_and_is_no_try(db: Database) -> None:
    world, run = started(db)
    wait = Throttled(SYSTEM, "", retry_after=timedelta(seconds=30))
    world.carrier.faults.append(world.carrier.raises(wait))
    world.carry_out()
    step = world.step(run, "send")

    assert (step.state, step.attempt) == ("ready", 0)
    assert 29 < pause_s(world, run) <= 30
    assert not world.carry_out()


@pytest.mark.parametrize(
    ("trouble", "cause_class"),
    [
        pytest.param(DOWN, "outage", id="out-of-reach"),
        pytest.param(AnswerLost(SYSTEM, "reset"), "unknown_outcome", id="answers-lost"),
    ],
)
def test_after_its_tries_it_is_parked_for_a_person(
    db: Database, trouble: SystemTrouble, cause_class: str
) -> None:
    world, run = started(db)
    world.carrier.faults.extend([world.carrier.raises(trouble)] * LIMIT)
    for _ in range(LIMIT - 1):
        world.carry_out()
        world.hurry()
    before = world.step(run, "send").state
    world.carry_out()

    (found,) = world.rows("exceptions")
    assert (before, world.step(run, "send").state) == ("ready", "failed")
    assert (found["class"], found["system"], found["amount"]) == (cause_class, SYSTEM, 100)


@pytest.mark.parametrize(
    ("trouble", "cause_class"),
    [
        pytest.param(SystemRefused(SYSTEM, "no such street"), "refused_by_system", id="refused"),
        pytest.param(EffectConflict(SYSTEM, "it is heavier"), "conflict", id="conflict"),
        pytest.param(KeyError("street"), "defect", id="our-defect"),
    ],
)
def test_what_no_repeat_can_mend_is_parked_at_once(
    db: Database, trouble: Exception, cause_class: str
) -> None:
    world, run = started(db)
    world.carrier.faults.append(world.carrier.raises(trouble))
    world.carry_out()

    (found,) = world.rows("exceptions")
    assert (world.step(run, "send").state, world.carrier.calls) == ("failed", 1)
    assert (found["class"], found["actions"][0]) == (cause_class, "retry")
    assert str(trouble) in found["detail"]
    (told,) = world.rows("events", type="exception.opened")
    assert [found["id"], "exception", "opened"] in told["objects"]


def test_a_parked_step_is_taken_up_again_and_done_once(db: Database) -> None:
    world, run = started(db)
    world.carrier.faults.append(world.carrier.raises(SystemRefused(SYSTEM, "no such street")))
    world.carry_out()
    with db.transaction() as tx:
        runs.revive_step(tx, run, "send", 1, because="retried by ana")
    world.settle()

    assert world.run(run).state == "completed"
    assert world.carrier.done() == ["send p-1"]


def test_waiting_to_be_sure_is_no_try(db: Database) -> None:
    world, run = started(db, repeatable=Repeatable(1, timedelta(hours=1)))
    world.carrier.faults.append(world.carrier.commits_late)
    for _ in range(LIMIT + 3):
        world.carry_out()
        world.hurry()
    waiting = world.step(run, "send")
    world.carrier.land()
    world.settle()

    assert (waiting.state, waiting.attempt) == ("ready", 1)
    assert "we wait to be sure" in (waiting.because or "")
    assert (world.carrier.done(), world.carrier.calls) == (["send p-1"], 1)
    assert world.run(run).state == "completed"


def test_a_step_that_ends_its_workers_is_parked_after_five(db: Database) -> None:
    world, run = started(db)
    good = world.start(Parcel("p-2"))
    world.advance()

    for number in range(CRASHES):  # each takes it and dies
        with db.transaction() as tx:
            row = runs.claim_step(tx, SYSTEM, f"dead-{number}")
            assert row is not None
            assert row.run_id == run
        with db.transaction() as tx:
            runs.give_back(tx, [f"dead-{number}"])
    world.settle()

    (found,) = world.rows("exceptions")
    assert world.step(run, "send").state == "failed"
    assert (found["class"], found["team"]) == ("defect", "integration-operations")
    assert world.run(good).state == "completed"
    assert world.carrier.done() == ["send p-2"]


def test_crashes_that_are_not_in_a_row_park_nothing(db: Database) -> None:
    world, run = started(db)
    for number in range(CRASHES + 2):
        with db.transaction() as tx:
            assert runs.claim_step(tx, SYSTEM, f"dead-{number}") is not None
        with db.transaction() as tx:
            runs.give_back(tx, [f"dead-{number}"])
        world.carrier.faults.append(world.carrier.raises(Throttled(SYSTEM, "")))
        world.carry_out()
        world.hurry()

    assert world.step(run, "send").state == "ready"
    assert world.step(run, "send").crashes == 0


def test_the_end_of_an_attempt_that_was_taken_for_dead_is_dropped(db: Database) -> None:
    """It is still on its way when another worker takes the step over and finishes it."""
    world, run = started(db)
    other = world.as_worker("worker-2")
    taken_over: list[bool] = []

    def is_taken_for_dead(act: Act) -> ExternalRef:
        ref = act()
        with db.transaction() as tx:
            runs.give_back(tx, ["worker-1"])
        taken_over.append(world.carry_out(other))  # finds the first still at it: Busy
        return ref

    world.carrier.faults.append(is_taken_for_dead)
    world.carry_out()
    dropped = world.step(run, "send")
    world.hurry()
    world.carry_out(other)
    world.settle()

    assert taken_over == [True]
    assert (dropped.state, dropped.worker, dropped.result) == ("ready", None, None)
    assert world.carrier.done() == ["send p-1"]
    assert world.event_types("p-1").count("run.completed") == 1


def test_a_step_that_its_worker_forgot_is_given_back(db: Database) -> None:
    world, run = started(db)
    with db.transaction() as tx:
        assert runs.claim_step(tx, SYSTEM, "worker-1") is not None
    with db.transaction() as tx:
        kept = runs.give_back_forgotten(tx, "worker-1", [(run, "send", 1)])
    with db.transaction() as tx:
        freed = runs.give_back_forgotten(tx, "worker-1", [])
    world.settle()

    assert (kept, freed) == (set(), {SYSTEM})
    assert world.run(run).state == "completed"


def test_a_living_workers_steps_are_left_to_it(db: Database) -> None:
    world, run = started(db)
    with db.transaction() as tx:
        tx.execute(
            "INSERT INTO workers (id, lock, backend, host, pid, started_at, beat_at) "
            "VALUES ('worker-9', 9, 9, 'here', 9, now(), now())"
        )
        assert runs.claim_step(tx, SYSTEM, "worker-9") is not None
    with db.transaction() as tx:
        assert runs.give_back(tx, ["worker-1"]) == set()

    assert world.step(run, "send").worker == "worker-9"


def test_the_steps_of_a_worker_that_nobody_knows_go_back(db: Database) -> None:
    world, run = started(db)
    with db.transaction() as tx:
        assert runs.claim_step(tx, SYSTEM, "from-a-restored-backup") is not None
    with db.transaction() as tx:
        assert runs.give_back(tx, []) == {SYSTEM}

    assert world.step(run, "send").state == "ready"


def test_nothing_is_taken_for_a_system_that_is_down_paused_or_asked_us_to_wait(
    db: Database,
) -> None:
    world, _ = started(db)
    with db.transaction() as tx:
        systems.pause(tx, SYSTEM, "ana")
    paused = world.carry_out()
    with db.transaction() as tx:
        systems.pause(tx, SYSTEM, None)
        systems.hold_off(tx, SYSTEM, timedelta(minutes=1))
    held = world.carry_out()
    with db.transaction() as tx:
        tx.execute("UPDATE systems SET not_before = NULL")
        systems.open_breaker(tx, SYSTEM, "down")
    broken = world.carry_out()
    probed = world.carry_out(probe=True)

    assert (paused, held, broken, probed) == (False, False, False, True)


def test_a_probe_that_fails_is_no_try(db: Database) -> None:
    world, run = started(db)
    world.carrier.faults.extend([world.carrier.raises(DOWN)] * (LIMIT + 1))
    for _ in range(LIMIT + 1):
        world.carry_out(probe=True)

    assert (world.step(run, "send").state, world.step(run, "send").attempt) == ("ready", 0)


def test_a_step_that_began_earlier_goes_first_also_after_it_had_to_wait(db: Database) -> None:
    world, _ = started(db)
    world.carrier.faults.append(world.carrier.raises(DOWN))
    world.carry_out()
    world.start(Parcel("p-2"))
    world.advance()
    world.hurry()
    world.carry_out()
    world.carry_out()

    assert world.carrier.done() == ["send p-1", "send p-2"]


def test_a_choice_that_only_a_person_can_make_is_asked_for(db: Database) -> None:
    world = World(db, playbook([{"action": "choose_route", "on": "carrier"}]))
    run = world.start(Parcel("p-1"))
    world.settle()
    (found,) = world.rows("exceptions")
    with db.transaction() as tx:
        answer = {"answer": {"choice": "sea"}}
        runs.revive_step(tx, run, "choose_route", 1, because="chosen", result=answer)
    world.settle()

    assert (found["class"], found["actions"]) == ("needs_decision", ["choose", "assign"])
    assert found["difference"] == {"candidates": [{"id": "sea"}, {"id": "air"}]}
    assert world.step(run, "choose_route").result == {"route": "sea"}


def test_the_carrier_of_these_tests_keeps_a_key_unique_only_where_it_says_so() -> None:
    sloppy, strict = Carrier(), Carrier(unique=True)
    for carrier in (sloppy, strict):
        for _ in range(2):
            carrier.do(_KEY, "sent")

    assert (sloppy.done(), strict.done()) == (["sent", "sent"], ["sent"])


_KEY = EffectKey("key")
