"""Where an engagement stands on its line."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from fairlead.capabilities.handoff.line import (
    LineFacts,
    LineStage,
    StageName,
    StepFact,
    Waits,
    line_of,
    now_at,
    stage_of,
)
from fairlead.domain.model.calendar import WEEKDAYS, BusinessCalendar, Hours
from fairlead.domain.model.engagement import EngagementState

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  #: a Wednesday
OPENED = NOW - timedelta(days=2)


def step(name: str, state: str, stage: str = "Set up", **more: Any) -> StepFact:
    ended = NOW - timedelta(hours=1) if state in ("done", "skipped", "refused") else None
    made = StepFact(
        run_id="r",
        playbook="deal-to-delivery",
        stage=stage,
        name=name,
        kind="action",
        state=state,
        owner="delivery-operations",
        started_at=NOW - timedelta(hours=3),
        ended_at=ended,
    )
    return replace(made, **more)


def facts(state: EngagementState = EngagementState.IN_SETUP, **more: Any) -> LineFacts:
    made = LineFacts(state=state, opened_at=OPENED)
    return replace(made, **more)


def states(known: LineFacts) -> dict[str, str]:
    return {stage.name: stage.state for stage in line_of(known, now=NOW)}


def stage(known: LineFacts, name: StageName, **more: Any) -> LineStage:
    found = line_of(known, now=NOW, **more)
    return found[list(StageName).index(name)]


@pytest.mark.parametrize("state", list(EngagementState))
def test_a_line_has_eight_stages_in_every_state_of_an_engagement(state: EngagementState) -> None:
    assert [one.name for one in line_of(facts(state), now=NOW)] == list(StageName)


def test_a_deal_that_just_came_in_is_done_as_a_deal_and_nothing_else_has_begun() -> None:
    found = states(facts(EngagementState.RECEIVED))

    assert found.pop("Deal") == "done"
    assert set(found.values()) == {"idle"}


def test_before_the_deal_is_won_its_own_stage_runs() -> None:
    assert states(facts(EngagementState.IN_REVIEW))["Deal"] == "run"


def test_a_gate_that_names_gaps_blocks_readiness() -> None:
    known = facts(
        EngagementState.RECEIVED,
        steps=(
            step("contract_signed", "done", "Readiness", kind="gate"),
            step("commercial_data", "blocked", "Readiness", kind="gate"),
        ),
    )

    assert states(known)["Readiness"] == "bad"
    assert now_at(line_of(known, now=NOW)).name == "Readiness"


def test_an_approval_makes_the_set_up_wait_and_names_who_has_it() -> None:
    task = Waits(
        id="t",
        kind="approval",
        title="Launch",
        opened_at=OPENED,
        run_id="r",
        step="launch_approval",
        role="pmo_lead",
    )
    known = facts(
        EngagementState.AWAITING_LAUNCH,
        steps=(step("launch_approval", "waiting", "Launch", kind="approval"),),
        waits=(task,),
    )

    found = stage(known, StageName.SETUP)

    assert (found.state, found.owner, found.waits) == ("warn", "pmo_lead", (task,))


def test_the_most_urgent_of_what_waits_comes_first() -> None:
    late = Waits(id="a", kind="task", title="", opened_at=OPENED, due_at=NOW)
    soon = replace(late, id="b", due_at=NOW - timedelta(hours=1))
    whenever = replace(late, id="c", due_at=None)
    known = facts(waits=(whenever, late, soon), steps=(step("plan_setup", "ready", "Plan"),))

    assert [one.id for one in stage(known, StageName.SETUP).waits] == ["b", "a", "c"]


def test_an_exception_of_no_run_blocks_the_stage_at_which_the_engagement_stands() -> None:
    apart = Waits(id="x", kind="exception", title="They differ", opened_at=OPENED, team="finance")

    assert states(facts(EngagementState.LAUNCHED, waits=(apart,)))["Delivery"] == "bad"


def test_a_launched_engagement_runs_by_its_dates() -> None:
    known = facts(
        EngagementState.LAUNCHED,
        launched_at=OPENED,
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 3, 13),
        steps=(step("create_psa_project", "done"), step("request_staffing", "done", "Fill")),
    )

    found = states(known)

    assert stage(known, StageName.DELIVERY).progress == 25
    assert [found[name] for name in ("Deal", "Readiness", "Setup", "Staffing", "Delivery")] == [
        "done",
        "done",
        "done",
        "done",
        "run",
    ]


def test_delivery_is_not_late_by_the_notices_at_its_start() -> None:
    told = step("mail_launch", "done", "Tell", due_at=NOW - timedelta(days=1))
    known = facts(EngagementState.LAUNCHED, launched_at=OPENED, steps=(told,))

    assert stage(known, StageName.DELIVERY).used is None


def test_a_stage_none_of_whose_steps_was_needed_is_skipped() -> None:
    known = facts(EngagementState.LAUNCHED, steps=(step("request_staffing", "skipped", "Fill"),))

    assert states(known)["Staffing"] == "skip"


def test_a_change_of_the_contract_stands_in_its_own_stage() -> None:
    change = step("accept_change", "waiting", "Decide", kind="approval", playbook="contract-change")

    assert states(facts(EngagementState.LAUNCHED, steps=(change,)))["Change"] == "warn"


def test_what_never_came_is_skipped_where_the_engagement_is_over() -> None:
    found = states(facts(EngagementState.CANCELLED, steps=(step("plan_setup", "done", "Plan"),)))

    assert (found["Setup"], found["Delivery"], found["Review"]) == ("done", "skip", "skip")


def test_elapsed_time_is_told_against_the_due_time_of_the_last_step() -> None:
    known = facts(
        steps=(
            step("create_psa_project", "running", due_at=NOW - timedelta(hours=2)),
            step("create_folder", "skipped", due_at=NOW + timedelta(days=9)),
            step("create_ledger_project", "running", due_at=NOW - timedelta(hours=1)),
        )
    )

    found = stage(known, StageName.SETUP)

    assert (found.elapsed, found.limit) == (timedelta(hours=3), timedelta(hours=2))
    assert found.used == 150


def test_nights_do_not_count_where_there_is_a_calendar() -> None:
    day = (Hours(opens=time(9), closes=time(17)),)
    calendar = BusinessCalendar(
        name="office",
        zone="UTC",
        weekly=dict.fromkeys(WEEKDAYS[:5], day),
        known_until=date(2026, 12, 31),
    )
    yesterday = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)
    known = facts(steps=(step("plan_setup", "ready", started_at=yesterday, due_at=NOW),))

    assert stage(known, StageName.SETUP, calendar=calendar).elapsed == timedelta(hours=5)


def test_a_step_of_a_playbook_that_nobody_named_counts_as_set_up() -> None:
    assert stage_of(step("anything", "ready", "Own stage", playbook="own")) is StageName.SETUP
