"""A run moves to a newer version only where it has done what that version would have (F110)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from small_world import AGREE, LABEL, SEND, Act, Parcel, Parcels, Person, World, playbook

from fairlead.domain.values import ExternalRef
from fairlead.errors import IllegalMove, InvalidInput, NotFound
from fairlead.flow.grammar import Playbook, Variant
from fairlead.flow.library import Library
from fairlead.flow.migrate import Fits, Misfit, migrate_run, plan_migration
from fairlead.flow.playbook import compile
from fairlead.flow.states import StepState
from fairlead.store.database import Database
from fairlead.work.answers import answer_task

Stage = Sequence[Mapping[str, Any]]

GATE = {"gate": "weighed"}
ASK_MORE = {"approval": "ask_more", "by": {"role": "approver"}}
ARRIVAL = {"wait": "arrival", "event": "parcel.arrived"}
HEAVY_LABEL = {**LABEL, "when": "heavy"}


def version(number: int, *stages: Stage) -> Playbook:
    return playbook(*stages).model_copy(update={"version": number})


def fit(old: Sequence[Stage], new: Sequence[Stage], **states: str) -> Fits | Misfit:
    return plan_migration(
        compile(version(1, *old)),
        compile(version(2, *new)),
        {name: StepState(state) for name, state in states.items()},
    )


@pytest.mark.parametrize(
    ("old", "new", "states", "skip"),
    [
        pytest.param(
            [[GATE], [SEND]], [[GATE], [SEND], [AGREE]], {"weighed": "done", "send": "ready"}, (),
            id="a-step-is-added-at-the-end",
        ),
        pytest.param(
            [[GATE], [SEND]], [[GATE], [AGREE], [SEND]], {"weighed": "done"}, (),
            id="a-step-is-added-before-what-has-not-begun",
        ),
        pytest.param(
            [[GATE], [SEND], [AGREE]], [[GATE], [SEND]], {"weighed": "done", "send": "done"}, (),
            id="what-has-not-begun-is-dropped",
        ),
        pytest.param(
            [[SEND]], [[{**LABEL, "skippable": True}], [SEND]], {"send": "running"}, ("label",),
            id="a-skippable-step-comes-too-late",
        ),
        pytest.param(
            [[HEAVY_LABEL], [SEND]], [[SEND]], {"label": "skipped", "send": "done"}, (),
            id="what-was-left-out-is-gone",
        ),
        pytest.param(
            [[HEAVY_LABEL], [SEND]], [[HEAVY_LABEL], [SEND]], {"label": "skipped"}, (),
            id="what-was-left-out-is-left-out-on-the-same-condition",
        ),
        pytest.param(
            [[AGREE]], [[{**AGREE, "by": {"role": "director"}}]], {"agree": "done"}, (),
            id="an-answered-approval-is-another-roles-now",
        ),
        pytest.param(
            [[GATE], [SEND]], [[GATE], [SEND], [AGREE]], {"weighed": "blocked", "send": "done"}, (),
            id="a-gate-that-is-looked-at-again",
        ),
        pytest.param(
            [[SEND]], [[SEND], [AGREE]], {"send": "done", "label": "skipped"}, (),
            id="a-trace-of-a-version-before",
        ),
    ],
)  # fmt: skip
def test_a_run_that_did_nothing_else_fits(
    old: Sequence[Stage], new: Sequence[Stage], states: dict[str, str], skip: tuple[str, ...]
) -> None:
    assert fit(old, new, **states) == Fits(skip=skip)


@pytest.mark.parametrize(
    ("old", "new", "states", "because"),
    [
        pytest.param(
            [[GATE], [SEND]], [[SEND]], {"weighed": "done"},
            "weighed has begun, and is not in version 2", id="what-has-begun-is-gone",
        ),
        pytest.param(
            [[{**SEND, "name": "out"}]], [[{**SEND, "action": "send_in_two", "name": "out"}]],
            {"out": "ready"},
            "out has begun as send, and is send_in_two now", id="it-uses-another-action",
        ),
        pytest.param(
            [[{**LABEL, "name": "it"}]], [[{"gate": "weighed", "name": "it"}]], {"it": "done"},
            "it has begun as action, and is gate now", id="it-is-of-another-kind",
        ),
        pytest.param(
            [[LABEL]], [[{**LABEL, "on": "carrier"}]], {"label": "done"},
            "label has begun as local, and is carrier now", id="it-is-on-another-port",
        ),
        pytest.param(
            [[SEND]], [[AGREE], [SEND]], {"send": "ready"},
            "agree comes before send, which has begun, and may not be skipped",
            id="an-approval-would-come-too-late",
        ),
        pytest.param(
            [[SEND]], [[{**LABEL, "skippable": True, "control": "enterprise"}], [SEND]],
            {"send": "ready"},
            "label comes before send, which has begun, and may not be skipped",
            id="a-skippable-control-would-come-too-late",
        ),
        pytest.param(
            [[LABEL], [SEND]], [[AGREE], [LABEL], [SEND]], {"label": "done", "send": "skipped"},
            "agree comes before label, which has begun, and may not be skipped",
            id="an-approval-would-come-too-late-at-a-distance",
        ),
        pytest.param(
            [[AGREE, LABEL]], [[AGREE], [LABEL]], {"agree": "waiting", "label": "done"},
            "agree comes before label now: let it end first", id="what-is-open-should-be-over",
        ),
        pytest.param(
            [[AGREE]], [[{**AGREE, "by": {"role": "director"}}]], {"agree": "waiting"},
            "agree is open, and who is asked has changed: let it end first",
            id="an-open-approval-is-another-roles-now",
        ),
        pytest.param(
            [[ARRIVAL]], [[{**ARRIVAL, "event": "parcel.returned"}]], {"arrival": "waiting"},
            "arrival is open, and the event has changed: let it end first",
            id="an-open-wait-is-for-another-event",
        ),
        pytest.param(
            [[HEAVY_LABEL], [SEND]], [[LABEL], [SEND]], {"label": "skipped"},
            "label was left out, and version 2 might not leave it out",
            id="what-was-left-out-is-needed-now",
        ),
    ],
)  # fmt: skip
def test_a_run_that_did_something_else_does_not_fit_and_is_told_why(
    old: Sequence[Stage], new: Sequence[Stage], states: dict[str, str], because: str
) -> None:
    found = fit(old, new, **states)

    assert isinstance(found, Misfit)
    assert because in found.because


def test_every_reason_is_told_at_once() -> None:
    found = fit([[GATE, LABEL], [SEND]], [[AGREE], [SEND]], weighed="done", label="done")

    assert found == Misfit(
        because=(
            "weighed has begun, and is not in version 2",
            "label has begun, and is not in version 2",
        )
    )


def test_a_run_of_another_playbook_does_not_fit() -> None:
    other = playbook([LABEL]).model_copy(update={"playbook": "other"})

    assert isinstance(plan_migration(compile(playbook([LABEL])), compile(other), {}), Misfit)


# with rows


def migrate(world: World, run: str, *playbooks: Playbook, variants: Sequence[Variant] = ()) -> None:
    """What these playbooks are, is what the firm runs from now on."""
    world.library.playbooks = [*world.library.playbooks, *playbooks]
    world.library.variants = variants
    with world.db.transaction() as tx:
        migrate_run(tx, world.library, {"parcel": Parcels()}, run, by="ana", reason="as agreed")


def test_a_migrated_run_goes_on_in_the_new_version_and_it_is_on_record(db: Database) -> None:
    world = World(db, version(1, [SEND], [AGREE]))
    moved, stays = world.start(Parcel("p-1")), world.start(Parcel("p-2"))
    world.settle()
    added = {**LABEL, "skippable": True}

    migrate(world, moved, version(2, [added], [SEND], [AGREE], [{**LABEL, "name": "seal"}]))
    world.settle()
    for task in world.rows("tasks", state="open"):
        with db.transaction() as tx:
            answer_task(tx, task["id"], Person(), approved=True, reason="", version=None)
    world.settle()

    assert world.states(moved) == {
        "send": "done", "agree": "done", "label": "skipped", "seal": "done",
    }  # fmt: skip
    assert world.states(stays) == {"send": "done", "agree": "done"}
    assert sorted(world.carrier.done()) == ["send p-1", "send p-2"], "nothing is sent a second time"
    (event,) = world.rows("events", type="run.migrated")
    assert event["actor"] == "person:ana"
    assert event["attributes"] == {
        "playbook": "send-parcel", "from_version": 1, "from_variants": [], "to_version": 2,
        "to_variants": [], "skipped": ["label"], "reason": "as agreed",
    }  # fmt: skip


def test_a_step_that_only_the_new_version_has_begins_at_once(db: Database) -> None:
    world = World(db, version(1, [{**ARRIVAL}]))
    run = world.start(Parcel("p-1"))
    world.settle()

    migrate(world, run, version(2, [ARRIVAL, LABEL]))
    world.settle()

    assert world.states(run) == {"arrival": "waiting", "label": "done"}


def test_the_variants_that_fit_come_along(db: Database) -> None:
    world = World(db, version(1, [AGREE]))
    run = world.start(Parcel("p-1"))
    world.settle()
    variants = [
        Variant.model_validate(
            {
                "variant_of": "send-parcel",
                "variant": region.lower(),
                "version": 1,
                "owner": "desk",
                "when": {"region": region},
                "add": [{"action": "label", "name": region.lower(), "stage": "Stage 1",
                         "owner": "desk", "within": "PT8H"}],
            }
        )
        for region in ("EMEA", "AMER")
    ]  # fmt: skip

    migrate(world, run, version(2, [AGREE]), variants=variants)
    world.settle()

    assert world.states(run) == {"agree": "waiting", "emea": "done"}
    (event,) = world.rows("events", type="run.migrated")
    assert event["attributes"]["to_variants"] == ["emea@1"]


def test_a_run_that_does_not_fit_stays_and_every_misfit_is_named(db: Database) -> None:
    world = World(db, version(1, [LABEL], [AGREE]))
    run = world.start(Parcel("p-1"))
    world.settle()
    before = world.run(run)

    with pytest.raises(InvalidInput) as refused:
        migrate(world, run, version(2, [ASK_MORE], [SEND], [AGREE]))

    assert [problem.rule for problem in refused.value.problems] == [
        "label has begun, and is not in version 2",
        "ask_more comes before agree, which has begun, and may not be skipped",
        "send comes before agree, which has begun, and may not be skipped",
    ]
    assert world.run(run) == before
    assert not world.rows("events", type="run.migrated")


def test_a_run_on_the_newest_version_is_not_migrated_again(db: Database) -> None:
    world = World(db, version(1, [AGREE]))
    run = world.start(Parcel("p-1"))
    world.settle()
    migrate(world, run, version(2, [AGREE], [LABEL]))

    with pytest.raises(IllegalMove, match="on version 2, the newest"):
        migrate(world, run)


def test_a_run_is_not_moved_back(db: Database) -> None:
    world = World(db, version(2, [AGREE]))
    run = world.start(Parcel("p-1"))
    world.library = Library([version(1, [AGREE])])

    with pytest.raises(IllegalMove, match="newer than ours"):
        migrate(world, run)


def test_only_an_active_run_is_migrated(db: Database) -> None:
    world = World(db, version(1, [LABEL]))
    run = world.start(Parcel("p-1"))
    world.settle()

    with pytest.raises(IllegalMove, match="completed"):
        migrate(world, run, version(2, [LABEL], [SEND]))
    with pytest.raises(NotFound):
        migrate(world, "no-such-run")


def test_a_run_whose_playbook_is_gone_is_not_migrated(db: Database) -> None:
    world = World(db, version(1, [AGREE]))
    run = world.start(Parcel("p-1"))
    world.library = Library([])

    with pytest.raises(InvalidInput, match="no playbook send-parcel any more"):
        migrate(world, run)


def test_an_outward_step_that_a_worker_has_is_carried_to_its_end(db: Database) -> None:
    """A worker takes the step under the old version and ends it under the new one."""
    world = World(db, version(1, [SEND]))
    run = world.start(Parcel("p-1"))
    world.advance()

    def migrated_meanwhile(act: Act) -> ExternalRef:
        migrate(world, run, version(2, [SEND], [LABEL]))
        return act()

    world.carrier.faults.append(migrated_meanwhile)
    world.carry_out()
    world.settle()

    assert world.states(run) == {"send": "done", "label": "done"}
    assert world.carrier.done() == ["send p-1"]
