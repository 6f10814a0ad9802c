"""What a run does next follows from its playbook and the states of its steps, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from small_world import AGREE, LABEL, SEND, playbook

from fairlead.flow.planner import plan, plan_undo
from fairlead.flow.playbook import Compiled, compile
from fairlead.flow.states import StepState

READY, RUNNING, WAITING = StepState.READY, StepState.RUNNING, StepState.WAITING
BLOCKED, FAILED, DONE = StepState.BLOCKED, StepState.FAILED, StepState.DONE
SKIPPED, REFUSED, CANCELLED = StepState.SKIPPED, StepState.REFUSED, StepState.CANCELLED

INSURE = {"action": "send", "on": "carrier", "name": "insure", "when": "heavy"}
STORY = compile(playbook([{"gate": "weighed"}], [SEND, INSURE], [AGREE], [LABEL]))
SENT = compile(playbook([SEND], [{**SEND, "name": "invoice"}], [AGREE]))


def started(states: Mapping[str, StepState], *holds: str, story: Compiled = STORY) -> list[str]:
    return [step.name for step in plan(story, states, lambda name: name in holds).start]


def test_steps_of_a_stage_begin_side_by_side_after_the_stage_before() -> None:
    assert started({}, "heavy") == ["weighed"]
    assert started({"weighed": DONE}, "heavy") == ["send", "insure"]
    assert started({"weighed": DONE, "send": DONE, "insure": RUNNING}, "heavy") == []
    assert started({"weighed": DONE, "send": DONE, "insure": DONE}, "heavy") == ["agree"]


def test_a_condition_that_does_not_hold_skips_and_says_why() -> None:
    planned = plan(STORY, {"weighed": DONE}, lambda name: False)

    assert [step.name for step in planned.start] == ["send"]
    assert [(step.name, why) for step, why in planned.skip] == [
        ("insure", "not needed: heavy does not hold")
    ]


def test_unless_is_the_other_way_round() -> None:
    story = compile(playbook([{**LABEL, "unless": "heavy"}], [AGREE]))

    assert started({}, story=story) == ["label"]
    assert plan(story, {}, lambda name: True).skip[0][1] == "not needed: heavy holds"


def test_a_condition_is_not_asked_before_its_step_could_begin() -> None:
    asked: list[str] = []

    def holds(name: str) -> bool:
        asked.append(name)
        return True

    plan(STORY, {}, holds)

    assert asked == []


def test_a_skipped_step_counts_as_finished_for_those_after() -> None:
    assert started({"weighed": DONE, "send": DONE, "insure": SKIPPED}) == ["agree"]


def test_a_closed_gate_is_looked_at_again() -> None:
    assert started({"weighed": BLOCKED}) == ["weighed"]


@pytest.mark.parametrize("state", [READY, RUNNING, WAITING, FAILED])
def test_what_is_under_way_or_parked_is_not_begun_again(state: StepState) -> None:
    planned = plan(STORY, {"weighed": state}, lambda name: True)

    assert (planned.start, planned.skip, planned.finished) == ((), (), False)


def test_a_run_is_finished_when_every_step_has_passed() -> None:
    passed = {"weighed": DONE, "send": DONE, "insure": SKIPPED, "agree": DONE}

    assert not plan(STORY, passed, lambda name: True).finished
    assert plan(STORY, {**passed, "label": DONE}, lambda name: True).finished


def test_a_refused_approval_goes_before_everything_else() -> None:
    planned = plan(STORY, {"weighed": BLOCKED, "agree": REFUSED}, lambda name: True)

    assert planned.refused is not None
    assert planned.refused.name == "agree"
    assert (planned.start, planned.skip) == ((), ())


# taking back


def undo(
    states: Mapping[str, StepState], done: Sequence[str] = (), tried: Sequence[str] = ()
) -> tuple[list[str], str | None, bool]:
    """What is cancelled, what is taken back next, and whether that was all."""
    planned = plan_undo(
        SENT,
        states,
        {name: name in tried for name in states},
        done,
        {"send": "recall"}.get,
    )
    next_one = f"{planned.start.action} {planned.start.of.name}" if planned.start else None
    return sorted(planned.cancel), next_one, planned.finished


def test_what_was_done_last_is_taken_back_first() -> None:
    states = {"send": DONE, "invoice": DONE, "agree": REFUSED}
    done = ["send", "invoice"]

    assert undo(states, done) == ([], "recall invoice", False)
    states["undo-invoice"] = RUNNING
    assert undo(states, done) == ([], None, False)
    states["undo-invoice"] = DONE
    assert undo(states, [*done, "undo-invoice"]) == ([], "recall send", False)
    states["undo-send"] = DONE
    assert undo(states, done) == ([], None, True)


def test_the_order_is_that_in_which_they_ended_not_that_of_the_playbook() -> None:
    assert undo({"send": DONE, "invoice": DONE}, ["invoice", "send"])[1] == "recall send"


def test_what_nobody_began_outside_is_cancelled() -> None:
    assert undo({"send": READY, "agree": WAITING}) == (["agree", "send"], None, True)


def test_an_attempt_in_flight_is_carried_to_its_end_before_anything_is_taken_back() -> None:
    states = {"send": DONE, "invoice": RUNNING, "agree": WAITING}

    assert undo(states, ["send"], tried=["invoice"]) == (["agree"], None, False)
    states |= {"invoice": DONE, "agree": CANCELLED}
    assert undo(states, ["send", "invoice"]) == ([], "recall invoice", False)


def test_what_takes_back_is_never_cancelled_itself() -> None:
    assert undo({"send": DONE, "undo-send": READY}, ["send"]) == ([], None, False)
    assert undo({"send": DONE, "undo-send": FAILED}, ["send"]) == ([], None, False)


def test_taking_back_that_was_parked_is_begun_again() -> None:
    assert undo({"send": DONE, "undo-send": BLOCKED}, ["send"]) == ([], "recall send", False)


def test_what_nothing_takes_back_stays() -> None:
    planned = plan_undo(SENT, {"send": DONE}, {}, ["send"], lambda action: None)

    assert planned.finished
