"""A playbook is joined with its variants and made ready to run."""

import json
from itertools import permutations

import jsonschema
import pytest
from playbook_definitions import TEXT, VARIANT, a_bare_variant, a_playbook, a_variant

from fairlead.errors import InvalidDefinition
from fairlead.flow import schema
from fairlead.flow.durations import parse, surely_within
from fairlead.flow.playbook import Compiled, Control, Kind, compile, select
from fairlead.flow.playbook_yaml import load_playbook, load_variant, read
from fairlead.flow.variant_rules import contradictions


def after(compiled: Compiled, name: str) -> set[str]:
    return set(compiled.by_name[name].after)


def test_every_default_is_filled_in() -> None:
    compiled = compile(a_playbook())
    gate, launch = compiled.by_name["commercial_data"], compiled.by_name["launch"]

    assert (
        gate.kind,
        gate.uses,
        gate.owner,
        str(gate.within),
        gate.control,
    ) == (Kind.GATE, "commercial_data", "sales-operations", "PT8H", Control.ENTERPRISE)
    assert (
        str(launch.within),
        launch.on_refusal,
        launch.by and launch.by.policy,
        launch.stage,
        launch.stage_index,
    ) == ("P1D", "decline", "launch-approval", "Launch", 1)
    assert compiled.by_name["match_client"].owner == "finance-operations"


def test_a_stage_follows_the_whole_stage_before_and_after_replaces_that() -> None:
    compiled = compile(a_playbook())

    assert set() == after(compiled, "commercial_data")
    assert {"commercial_data", "match_client"} == after(compiled, "launch")
    assert {"launch", "collect_po"} == after(compiled, "countersigned")
    assert {"launch"} == after(compiled, "open_books")


def test_conditions_of_stage_and_step_both_count() -> None:
    text = TEXT.replace("{wait: cool_off, for: P2D}", "{wait: cool_off, for: P2D, unless: has_po}")

    cool_off = compile(load_playbook(text)).by_name["cool_off"]

    assert (cool_off.when, cool_off.unless) == (("needs_handover",), ("has_po",))


def test_only_what_somebody_waits_for_has_an_sla() -> None:
    steps = compile(a_playbook(("owner: pmo\n    when:", "owner: pmo\n    within: P9D\n    when:")))

    assert [s.name for s in steps.steps if s.stage == "Handover" and s.within] == ["countersigned"]
    assert str(steps.by_name["cool_off"].lasts) == "P2D"


def test_a_notice_goes_to_a_role() -> None:
    told = compile(a_playbook()).by_name["delivery_lead"]

    assert (told.uses, told.by and told.by.role) == ("engagement_launched", "delivery_lead")


def test_a_stored_one_comes_back_the_same_and_keeps_its_digest() -> None:
    compiled = compile(a_playbook(), [a_variant()])

    again = Compiled.from_json(compiled.to_json())

    assert compiled == again
    assert compiled.to_json() == again.to_json()


def test_one_stored_by_an_older_release_still_loads() -> None:
    stored = json.loads(compile(a_playbook()).to_json())
    for step in stored["steps"]:
        for grown_since in ("on_refusal", "skippable", "event", "lasts"):
            del step[grown_since]

    assert stored["digest"] == Compiled.from_json(json.dumps(stored)).digest


def test_the_digest_follows_from_the_meaning_and_nothing_else() -> None:
    same = compile(load_playbook("# a remark\n" + TEXT.replace("P2D", "P02D")))
    other = compile(a_playbook(("within: P1D", "within: P2D")))

    assert compile(a_playbook()).digest == same.digest
    assert compile(a_playbook()).digest != other.digest


# Variants --------------------------------------------------------------------------------------


def test_a_variant_adds_tightens_changes_and_removes() -> None:
    compiled = compile(a_playbook(), [a_variant()])

    assert compiled.variants == ("dach@1",)
    assert compiled.by_name["works_council"].owner == "pmo"  # its stage's
    assert "works_council" in after(compiled, "countersigned")
    assert str(compiled.by_name["launch"].within) == "PT4H"
    assert str(compiled.by_name["collect_po"].within) == "P4D"
    assert "cool_off" not in compiled.by_name


def test_a_new_stage_stands_between_two() -> None:
    text = a_bare_variant(
        "add:\n"
        "  - {new_stage: Check, after: Readiness, task: ask, by: {role: pmo}, within: P1D,"
        " owner: a}\n"
        "  - {stage: Check, task: ask_again, by: {role: pmo}, within: P1D, owner: a}"
    )
    compiled = compile(a_playbook(), [load_variant(text)])

    assert {"commercial_data", "match_client"} == after(compiled, "ask")
    assert {"ask", "ask_again"} == after(compiled, "launch")
    assert sorted({step.stage_index for step in compiled.steps}) == [0, 1, 2, 3]


def test_what_followed_a_removed_step_follows_what_that_followed() -> None:
    playbook = a_playbook(("after: [launch]", "after: [cool_off]"))

    compiled = compile(playbook, [load_variant(a_bare_variant("remove: [cool_off]"))])

    assert {"launch", "collect_po"} == after(compiled, "open_books")


def test_an_emptied_stage_is_passed_over() -> None:
    text = TEXT.replace("      - {gate: commercial_data, control: enterprise}\n", "")
    emptied = a_bare_variant("remove: [match_client]")

    launch = compile(load_playbook(text), [load_variant(emptied)]).by_name["launch"]

    assert (set(), 0) == (set(launch.after), launch.stage_index)


def test_the_order_in_which_variants_are_given_does_not_matter() -> None:
    variants = [
        a_variant(),
        load_variant(
            a_bare_variant("add: [{stage: Launch, task: extra, by: {role: pmo}}]", "other")
        ),
        load_variant(a_bare_variant("tighten: {launch: {within: PT2H, after: [collect_po]}}", "z")),
    ]
    digests = {compile(a_playbook(), order).digest for order in permutations(variants)}
    compiled = compile(a_playbook(), variants)

    assert len(digests) == 1
    assert str(compiled.by_name["launch"].within) == "PT2H"  # the tighter of two
    assert {"commercial_data", "match_client", "collect_po"} == after(compiled, "launch")


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        pytest.param("remove: [launch]", "cannot be removed", id="removes"),
        pytest.param("change: {launch: {within: P2D}}", "not shorter", id="longer"),
        pytest.param("change: {launch: {skippable: true}}", "skippable", id="skippable"),
        pytest.param("change: {launch: {when: has_po}}", "behind a condition", id="when"),
        pytest.param("change: {launch: {unless: has_po}}", "behind a condition", id="unless"),
        pytest.param("change: {launch: {control: local}}", "unmarked", id="unmarks"),
        pytest.param("change: {launch: {by: {role: pmo}}}", "`by` cannot", id="another-approver"),
        pytest.param("change: {launch: {owner: pmo}}", "`owner` cannot", id="another-owner"),
        pytest.param("change: {launch: {after: []}}", "`after` cannot", id="sooner"),
        pytest.param("tighten: {launch: {within: P2D}}", "does not tighten", id="tightens-longer"),
        pytest.param("change: {open_books: {after: []}}", "cannot go ahead of", id="overtakes"),
        pytest.param(
            "add: [{stage: Launch, task: launch, by: {role: pmo}}]",
            "two steps launch",
            id="shadows",
        ),
    ],
)
def test_a_variant_cannot_weaken_an_enterprise_control(rest: str, told: str) -> None:
    with pytest.raises(InvalidDefinition, match=told) as refused:
        compile(a_playbook(), [load_variant(a_bare_variant(rest))])

    assert "launch" in str(refused.value)


def test_a_control_may_be_answered_sooner_and_marked() -> None:
    text = a_bare_variant(
        "change: {launch: {within: PT4H}}\ntighten: {collect_po: {control: enterprise}}"
    )
    compiled = compile(a_playbook(), [load_variant(text)])

    assert str(compiled.by_name["launch"].within) == "PT4H"
    assert compiled.by_name["collect_po"].control == Control.ENTERPRISE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("remove: [cool_off]", "change: {cool_off: {for: P1D}}", id="remove-change"),
        pytest.param("remove: [cool_off]", "tighten: {cool_off: {control: enterprise}}", id="keep"),
        pytest.param(
            "change: {collect_po: {within: P3D}}",
            "change: {collect_po: {within: P4D}}",
            id="values",
        ),
        pytest.param(
            "change: {collect_po: {skippable: false}}",
            "tighten: {collect_po: {control: enterprise}}",
            id="edits-what-becomes-a-control",
        ),
        pytest.param(
            "add: [{stage: Launch, task: x, by: {role: pmo}}]",
            "add: [{stage: Readiness, task: x, by: {role: pmo}}]",
            id="same-name",
        ),
        pytest.param(
            "add: [{stage: Handover, action: open_more, after: [cool_off]}]",
            "remove: [cool_off]",
            id="waits-for-what-is-removed",
        ),
    ],
)
def test_variants_that_contradict_cannot_be_combined(one: str, other: str) -> None:
    pair = [load_variant(a_bare_variant(one, "a")), load_variant(a_bare_variant(other, "b"))]
    apart = [pair[0], load_variant(a_bare_variant(other, "b", "{region: APAC}"))]

    for order in (pair, pair[::-1]):
        with pytest.raises(InvalidDefinition, match="contradicts the variant a"):
            compile(a_playbook(), order)
    assert list(contradictions(*apart)) == []  # no subject is in both regions


def test_variants_are_selected_by_facts_and_an_unknown_fact_selects_none() -> None:
    world = load_variant(a_bare_variant("remove: [cool_off]", "a-world"))
    both = [a_variant(), world]

    assert [v.variant for v in select(both, {"region": "EMEA", "country": "DE"})] == [
        "a-world",
        "dach",
    ]
    assert [v.variant for v in select(both, {"region": "EMEA", "country": None})] == ["a-world"]
    assert select(both, {"country": "DE"}) == []


# Durations and the schema ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["P2D", "PT8H", "PT90M", "P1DT4H", "PT1H30M"])
def test_a_duration_is_read_and_written(text: str) -> None:
    assert parse(text) == parse(str(parse(text)))


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P0D", "P1W", "P1M", "PT5S", "2 days", "P-1D", "P1DT", "P٣D", "P99999D"]
)
def test_what_is_no_business_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse(text)


@pytest.mark.parametrize(
    ("shorter", "longer", "expected"),
    [
        ("P1D", "P1D", True),
        ("P1D", "P2D", True),
        ("PT4H", "P1D", True),  # no business day is shorter
        ("PT8H", "P1D", False),  # depends on the calendar
        ("P1D", "PT8H", False),
        ("P1D", "PT24H", True),
    ],
)
def test_days_and_hours_compare_only_where_every_calendar_agrees(
    shorter: str, longer: str, expected: bool
) -> None:
    assert expected == surely_within(parse(shorter), parse(longer))


def test_the_schema_in_the_package_is_that_of_the_models() -> None:
    packaged = schema.FILE.read_text()

    assert schema.schema_text() == packaged, "run: python -m fairlead.flow.schema"


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        pytest.param(TEXT, True, id="playbook"),
        pytest.param(VARIANT, True, id="variant"),
        pytest.param(TEXT.replace("gate:", "gaet:"), False, id="unknown-key"),
        pytest.param(TEXT.replace("{gate: ", "{task: a, gate: "), False, id="two-verbs"),
        pytest.param(TEXT.replace("PT8H", "8 hours"), False, id="duration"),
    ],
)
def test_an_editor_sees_the_same_shape(text: str, sound: bool) -> None:
    data = read(text).data
    validator = jsonschema.Draft202012Validator(schema.schema())

    jsonschema.Draft202012Validator.check_schema(schema.schema())
    assert sound == validator.is_valid(data)
