"""A run advances in bursts: everything that one changes is stored, or nothing is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from small_world import AGREE, CALENDAR, LABEL, SEND, SYSTEM, Parcel, Person, World, playbook

from fairlead.domain.model.calendar import Duration
from fairlead.domain.rules.calendar import add_business_time
from fairlead.errors import SystemUnavailable, Throttled
from fairlead.flow.start import start_run
from fairlead.store import journal, runs
from fairlead.store.database import Database
from fairlead.work.answers import answer_task

STORY = playbook([{"gate": "weighed"}, LABEL], [SEND], [AGREE], [{"wait": "arrival", "for": "P2D"}])
TABLES = ("runs", "steps", "tasks", "exceptions", "events", "chains", "decisions", "parcels")


def answer(world: World, *, approved: bool, reason: str = "") -> None:
    """The open task is answered by somebody who may."""
    (task,) = world.rows("tasks", state="open")
    with world.db.transaction() as tx:
        answer_task(tx, task["id"], Person(), approved=approved, reason=reason, version=None)


def test_a_run_goes_as_far_as_it_can_in_one_burst(db: Database) -> None:
    world = World(db, STORY)
    run = world.start(Parcel("p-1"))

    assert world.advance() == 1
    assert world.states(run) == {"weighed": "done", "label": "done", "send": "ready"}
    assert world.parcel("p-1").labels == ("label",)
    assert world.advance() == 0, "it waits for the carrier, not for us"


def test_a_whole_story_is_told_in_order(db: Database) -> None:
    world = World(db, STORY)
    run = world.start(Parcel("p-1"))
    world.settle()
    answer(world, approved=True)
    world.settle()
    with db.transaction() as tx:
        tx.execute("UPDATE steps SET ready_at = clock_timestamp() WHERE state = 'waiting'")
        runs.finish_due_waits(tx)
    world.settle()

    assert world.run(run).state == "completed"
    assert world.event_types("p-1") == [
        "run.started", "step.done", "parcel.labelled", "step.done", "step.ready",
        "effect.confirmed", "step.done", "approval.opened", "approval.approved", "step.waiting",
        "run.completed",
    ]  # fmt: skip


@pytest.mark.parametrize("at", ["save_steps", "save_runs", "journal"])
def test_a_burst_that_fails_in_the_middle_leaves_nothing_half_saved(
    db: Database, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    world = World(db, STORY)
    world.start(Parcel("p-1"))
    world.start(Parcel("p-2", grams=None))
    before = {table: world.rows(table) for table in TABLES}
    module: Any = journal if at == "journal" else runs
    name = "append" if at == "journal" else at
    real = getattr(module, name)

    def fails_after(*values: Any) -> None:
        real(*values)
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, fails_after)
        with pytest.raises(RuntimeError):
            world.advance()

    assert {table: world.rows(table) for table in TABLES} == before
    assert world.advance() == 2


def test_a_defect_of_ours_parks_only_its_run(db: Database) -> None:
    world = World(db, playbook([{"gate": "weighed"}], [LABEL]))
    bad, good = world.start(Parcel("p-1", grams=-1)), world.start(Parcel("p-2"))

    assert world.advance() == 2

    (found,) = world.rows("exceptions")
    assert world.states(bad) == {"weighed": "failed"}
    assert (found["class"], found["run_id"], found["detail"]) == (
        "defect", bad, "the scales are broken",
    )  # fmt: skip
    assert world.run(good).state == "completed"


def test_an_action_that_fails_changes_nothing_of_the_subject(db: Database) -> None:
    world = World(db, playbook([LABEL, {"action": "break_down"}]))
    run = world.start(Parcel("p-1"))
    world.advance()

    assert world.states(run) == {"label": "done", "break_down": "failed"}
    assert world.parcel("p-1").labels == ("label",)
    assert "parcel.labelled" in world.event_types("p-1")


def test_a_closed_gate_is_one_exception_however_often_it_is_looked_at(db: Database) -> None:
    world = World(db, playbook([{"gate": "weighed"}], [LABEL]))
    run = world.start(Parcel("p-1", grams=None))
    for _ in range(3):
        world.advance()
        with db.transaction() as tx:
            runs.wake(tx, [run])

    (found,) = world.rows("exceptions")
    assert (found["state"], found["times"], found["class"], found["team"]) == (
        "open", 1, "missing_data", "desk",
    )  # fmt: skip
    assert found["gaps"][0]["field"] == "grams"
    assert found["actions"] == ["supply", "assign", "override"]
    assert (found["amount"], found["currency"]) == (100, "EUR")


def test_a_gate_that_opens_ends_its_exception_by_itself(db: Database) -> None:
    world = World(db, playbook([{"gate": "weighed"}], [LABEL]))
    run = world.start(Parcel("p-1", grams=None))
    world.advance()
    with db.transaction() as tx:
        world.hooks.subjects["parcel"].save(tx, [Parcel("p-1", grams=300)])
        runs.wake(tx, [run])
    world.advance()

    (found,) = world.rows("exceptions")
    assert (found["state"], found["resolution"]) == ("resolved", "by itself")
    assert world.run(run).state == "completed"


def test_a_condition_that_does_not_hold_skips_with_its_reason(db: Database) -> None:
    light = {"action": "label", "name": "as_heavy", "when": "heavy"}
    world = World(db, playbook([light], [LABEL]))
    run = world.start(Parcel("p-1"))
    world.advance()

    skipped = world.step(run, "as_heavy")
    assert (skipped.state, skipped.because) == ("skipped", "not needed: heavy does not hold")
    assert world.parcel("p-1").labels == ("label",)


def test_an_approval_shows_what_it_is_about_and_whom_it_shuts_out(db: Database) -> None:
    world = World(db, playbook([{"approval": "agree", "by": {"policy": "who-agrees"}}]))
    world.start(Parcel("p-1", worth="5000"))
    world.advance()

    (task,) = world.rows("tasks")
    (decision,) = world.rows("decisions", id=task["decision_id"])
    assert (task["role"], task["because"]) == ("director", "worth EUR 5000")
    assert task["excluded"] == ["olu@example.com"]
    assert (task["amount"], task["currency"], task["shown"]["worth"]) == (5000, "EUR", "5000")
    assert (decision["row"], decision["step"]) == ("director", "agree")


def test_a_refusal_declines_and_takes_back_what_was_done_last_first(db: Database) -> None:
    second = {**SEND, "name": "send_invoice"}
    world = World(db, playbook([SEND], [second], [AGREE], on_refusal={"action": "note_refusal"}))
    run = world.start(Parcel("p-1"))
    world.settle()
    answer(world, approved=False, reason="the wrong address")
    world.settle()

    assert world.run(run).state == "declined"
    assert world.carrier.done() == [
        "send p-1", "send_invoice p-1", "undo-send_invoice p-1", "undo-send p-1",
    ]  # fmt: skip
    assert world.parcel("p-1").labels == ("refused",)
    assert world.event_types("p-1")[-1] == "run.declined"


def test_what_was_done_here_is_taken_back_too_and_the_run_ends(db: Database) -> None:
    world = World(db, playbook([LABEL], [SEND], [AGREE]))
    run = world.start(Parcel("p-1"))
    world.settle()
    assert world.parcel("p-1").labels == ("label",)
    answer(world, approved=False, reason="no")
    world.settle()

    assert world.run(run).state == "declined"
    assert world.parcel("p-1").labels == ()


def test_a_cancelled_run_closes_what_waits_and_takes_nothing_back_that_was_not_tried(
    db: Database,
) -> None:
    world = World(db, playbook([{"gate": "weighed"}, AGREE, SEND]))
    run = world.start(Parcel("p-1", grams=None))
    world.advance()
    world.cancel(run)
    world.settle()

    assert world.run(run).state == "cancelled"
    assert set(world.states(run).values()) == {"cancelled"}
    assert [row["state"] for row in world.rows("tasks")] == ["cancelled"]
    assert [row["state"] for row in world.rows("exceptions")] == ["resolved"]
    assert world.carrier.calls == 0


def test_an_attempt_in_flight_is_carried_to_its_end_before_it_is_taken_back(db: Database) -> None:
    world = World(db, playbook([SEND], [LABEL]))
    world.carrier.faults.append(world.carrier.loses_answer)
    run = world.start(Parcel("p-1"))
    world.advance()
    world.carry_out()
    world.cancel(run)
    world.advance()
    waiting = world.run(run).state
    world.hurry()
    world.settle()

    assert waiting == "undoing"
    assert world.run(run).state == "cancelled"
    assert world.carrier.done() == ["send p-1", "undo-send p-1"]


def test_a_probe_that_may_have_done_something_is_taken_back(db: Database) -> None:
    """A probe of an outage is not counted as a try."""
    world = World(db, playbook([SEND], [LABEL]))
    world.carrier.faults.append(world.carrier.loses_answer)
    run = world.start(Parcel("p-1"))
    world.advance()
    world.carry_out(probe=True)
    world.cancel(run)
    world.settle()

    assert world.run(run).state == "cancelled"
    assert world.carrier.done() == ["send p-1", "undo-send p-1"]


def test_a_step_that_did_half_and_then_had_to_wait_is_taken_back(db: Database) -> None:
    """Waiting for a rate limit is not counted as a try."""
    world = World(db, playbook([{**SEND, "action": "send_in_two"}], [LABEL]))
    world.carrier.faults.extend([None, world.carrier.raises(Throttled(SYSTEM, ""))])
    run = world.start(Parcel("p-1"))
    world.advance()
    world.carry_out()
    world.cancel(run)
    world.hurry()
    world.settle()

    assert world.run(run).state == "cancelled"
    assert world.carrier.done() == ["first of p-1", "second of p-1", "undo-send_in_two p-1"]


def test_a_step_that_surely_did_nothing_is_not_carried_on_once_its_run_is_cancelled(
    db: Database,
) -> None:
    world = World(db, playbook([SEND]))
    world.carrier.faults.append(world.carrier.raises(SystemUnavailable(SYSTEM, "down")))
    run = world.start(Parcel("p-1"))
    world.advance()
    world.carry_out()
    world.cancel(run)
    world.settle()

    assert world.states(run) == {"send": "cancelled"}
    assert world.run(run).state == "cancelled"


def test_taking_back_that_failed_goes_on_after_it_was_retried(db: Database) -> None:
    world = World(db, playbook([SEND], [AGREE]))
    run = world.start(Parcel("p-1"))
    world.settle()
    with db.transaction() as tx:
        world.hooks.subjects["parcel"].save(tx, [Parcel("p-1", region="APAC")])
    answer(world, approved=False, reason="no")
    world.settle()
    stuck = world.states(run)["undo-send"], world.run(run).state
    with db.transaction() as tx:
        world.hooks.subjects["parcel"].save(tx, [Parcel("p-1")])
        runs.revive_step(tx, run, "undo-send", 1, because="retried")
    world.settle()

    assert stuck == ("failed", "undoing")
    assert world.carrier.done() == ["send p-1", "undo-send p-1"]
    assert world.run(run).state == "declined"


def test_a_timer_ends_by_itself_and_wakes_its_run_once(db: Database) -> None:
    world = World(db, playbook([{"wait": "pause", "for": "P1D"}], [LABEL]))
    run = world.start(Parcel("p-1"))
    world.advance()
    with db.transaction() as tx:
        too_early = runs.finish_due_waits(tx)
        tx.execute("UPDATE steps SET ready_at = clock_timestamp() WHERE name = 'pause'")
    with db.transaction() as tx:
        due = runs.finish_due_waits(tx)
    with db.transaction() as tx:
        again = runs.finish_due_waits(tx)
    world.advance()

    assert (too_early, due, again) == (0, 1, 0)
    assert world.step(run, "pause").because == "its time has come"
    assert world.run(run).state == "completed"


def test_times_are_counted_in_open_hours_from_the_clock_of_the_database(db: Database) -> None:
    world = World(db, playbook([{"wait": "pause", "for": "P2D"}, AGREE]))
    run = world.start(Parcel("p-1"))
    world.advance()

    pause, agree = world.step(run, "pause"), world.step(run, "agree")
    (task,) = world.rows("tasks")
    assert abs(datetime.now(UTC) - agree.started_at) < timedelta(seconds=30)
    assert pause.ready_at == add_business_time(pause.started_at, Duration(days=2), CALENDAR)
    assert agree.due_at == add_business_time(agree.started_at, Duration(minutes=480), CALENDAR)
    assert task["due_at"] == agree.due_at


def test_a_message_is_said_once(db: Database) -> None:
    notify = {"notify": "approver", "about": "on_its_way"}
    world = World(db, playbook([notify], [AGREE]))
    run = world.start(Parcel("p-1"))
    world.advance()
    with db.transaction() as tx:
        runs.wake(tx, [run])
    world.advance()

    (said,) = world.rows("notifications")
    assert (said["role"], said["text"]) == ("approver", "p-1 is on its way")


def test_no_route_is_our_set_up_and_parks_the_run_until_it_is_corrected(db: Database) -> None:
    world = World(db, playbook([SEND]))
    run = world.start(Parcel("p-1", region="APAC"))
    world.advance()
    (found,) = world.rows("exceptions")
    with db.transaction() as tx:
        world.hooks.subjects["parcel"].save(tx, [Parcel("p-1")])
        runs.revive_step(tx, run, "send", 1, because="retried")
    world.settle()

    assert found["class"] == "configuration"
    assert "No system serves carrier in APAC" in found["detail"]
    assert world.run(run).state == "completed"


def test_a_run_is_started_once_whoever_says_so(db: Database) -> None:
    world = World(db, STORY)
    world.start(Parcel("p-1"))
    with db.transaction() as tx:
        again = start_run(
            tx, world.library, STORY, subject_id="p-1", facts={"region": "EMEA"},
            correlation="other", input={},
        )  # fmt: skip

    assert again is None
    assert world.event_types("p-1") == ["run.started"]


def test_two_bursts_at_once_never_advance_one_run_twice(db: Database) -> None:
    world = World(db, playbook([LABEL]))
    for number in range(20):
        world.start(Parcel(f"p-{number}"))

    with db.transaction() as one, db.transaction() as other:
        first = world.bursts.advance_ready(one, 12)
        second = world.bursts.advance_ready(other, 12)

    assert (first, second) == (12, 8)
    assert all(len(row["body"]["labels"]) == 1 for row in world.rows("parcels"))
