"""The linter tells every fault with its line, and no text makes it raise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playbook_definitions import (
    TEXT,
    VARIANT,
    WORDS,
    a_bare_variant,
    a_playbook,
    a_registry,
    a_variant,
    line_of,
    spoilt,
)

from fairlead.errors import InvalidDefinition
from fairlead.flow.lint import lint
from fairlead.flow.playbook import Playbook, Variant, compile
from fairlead.flow.playbook_yaml import MAX_BYTES, load_playbook


def faults(text: str, *known: Playbook | Variant) -> list[str]:
    return [str(fault) for fault in lint(text, WORDS, a_registry(), known)]


def test_sound_files_have_no_faults() -> None:
    assert faults(TEXT) == []
    assert faults(TEXT, a_variant()) == []
    assert faults(VARIANT, a_playbook()) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        pytest.param("gate: c", "gaet: c", "gaet", "did you mean gate?", id="unknown-key"),
        pytest.param("version: 1", "version: one", "version", "whole number", id="type"),
        pytest.param("PT4H", "4 hours", "4 hours", "no duration: write it as", id="duration"),
        pytest.param("gate: c", "gate: k", "gate: k", "no gate kommercial", id="gate"),
        pytest.param("action: match", "action: macth", "macth", "mean match_client", id="action"),
        pytest.param(
            "unless: has_po", "unless: has_poo", "has_poo", "no condition", id="condition"
        ),
        pytest.param("when: needs", "when: wants", "when: wants", "no condition", id="stage-when"),
        pytest.param("about: eng", "about: reng", "about: reng", "no notice", id="notice"),
        pytest.param("launch-approval", "lunch", "policy: lunch", "no policy", id="policy"),
        pytest.param("role: sales", "role: zales", "role: zales", "no role", id="role"),
        pytest.param("notify: del", "notify: zel", "notify: zel", "no role", id="told-role"),
        pytest.param("event: contract", "event: kontract", "kontract", "no event", id="event"),
        pytest.param("starts_on: opp", "starts_on: op", "starts_on", "no event", id="starts-on"),
        pytest.param("owner: pmo", "owner: nobody", "owner: nobody", "no team", id="team"),
        pytest.param(", on: ledger", "", "match_client", "say so with `on: ledger`", id="no-port"),
        pytest.param("on: ledger", "on: crm", "on: crm", "not on crm", id="wrong-port"),
        pytest.param("open_books,", "open_books, on: crm,", "on: crm", "local", id="local-on"),
        pytest.param(
            "{action: decline}",
            "{action: match_client}",
            "{action: match_client}",
            "takes a local action",
            id="outward-refusal",
        ),
        pytest.param(
            "{approval: launch, by: {policy: launch-approval}",
            "{task: launch, by: {role: delivery_lead}",
            "on_refusal",
            "nothing can be refused",
            id="useless-refusal",
        ),
        pytest.param(
            "wait: cool_off",
            "wait: countersigned",
            "wait: countersigned, event",
            "two steps countersigned",
            id="duplicate-name",
        ),
        pytest.param(
            "after: [launch]",
            "after: [lunch]",
            "after: [lunch]",
            "mean launch?",
            id="after-unknown",
        ),
        pytest.param(
            "skippable: true",
            "after: [cool_off]",
            "after: [cool_off]",
            "later stage Handover",
            id="after-later",
        ),
        pytest.param(
            "P2D}\n",
            "P2D, unless: needs_handover}\n",
            "unless: needs_handover",
            "never runs",
            id="needs-both",
        ),
        pytest.param(
            "when: needs_handover",
            "when: needs_handover\n    unless: needs_handover",
            "    unless: needs_handover",
            "never runs",
            id="stage-never-runs",
        ),
        pytest.param(
            "after: [launch]",
            "when: has_po, after: [collect_po]",
            "after: [collect_po]",
            "cannot be reached by way of collect_po",
            id="apart",
        ),
        pytest.param(
            "P10D}", "P10D, on: ledger}", "on: ledger}", "only with action", id="not-here"
        ),
        pytest.param(
            "for: P2D", "within: P2D", "wait: cool_off", "exactly one of `for`", id="wait"
        ),
        pytest.param(
            ", by: {role: sales_operations}",
            "",
            "task: collect_po",
            "needs `by`",
            id="nobody-asked",
        ),
        pytest.param(
            "{role: sales_operations}",
            "{role: sales_operations, policy: launch-approval}",
            "by: {role: sales_operations, p",
            "exactly one of role and policy",
            id="two-by",
        ),
        pytest.param("{gate: c", "{task: x, gate: c", "{task: x", "exactly one of", id="two-verbs"),
        pytest.param(
            "owner: pmo\n    within", "within", "{approval: launch", "nobody answers", id="no-owner"
        ),
        pytest.param(", within: P10D", "", "wait: countersigned", "has no SLA", id="no-sla"),
        pytest.param(
            "version: 1", "version: 1\nversion: 2", "version: 2", "first on line 2", id="key-twice"
        ),
        pytest.param("owner: pmo", "owner: &a pmo", "&a", "anchors", id="anchor"),
        pytest.param("owner: pmo", "owner: !!str pmo", "!!str", "tags", id="tag"),
        pytest.param("owner: pmo", "owner:", "owner:\n", "has no value", id="no-value"),
        pytest.param("stages:", "stages: [", "stages", "no YAML", id="no-yaml"),
    ],
)
def test_a_fault_is_told_on_its_line(old: str, new: str, at: str, told: str) -> None:
    text = spoilt(TEXT, (old, new))

    found = faults(text)

    told_on = [int(fault.split(":")[0]) for fault in found if told in fault]
    if told != "no YAML":  # where a bracket is missing, YAML notices only later
        assert line_of(text, at) in told_on, found
    assert told_on, found


def test_a_circle_is_told_in_order() -> None:
    text = spoilt(
        TEXT,
        ("for: P2D}", "for: P2D, after: [open_books]}"),
        ("P10D}", "P10D, after: [cool_off]}"),
        ("after: [launch]", "after: [countersigned]"),
    )

    [found] = faults(text)

    assert "cool_off → open_books → countersigned → cool_off" in found


def test_every_fault_of_a_file_is_told_and_only_once() -> None:
    text = spoilt(
        TEXT,
        ("gate: c", "gaet: c"),
        ("version: 1", "version: one"),
        ("PT4H", "4 hours"),
        ("has_po", "has_pos"),
        ("after: [launch]", "after: [lunch]"),
        ("owner: pmo\n    within", "onwer: pmo\n    within"),
    )

    found = faults(text)

    assert sorted({int(fault.split(":")[0]) for fault in found}) == [2, 11, 12, 14, 18, 27]
    assert len(found) == 6, found


@pytest.mark.parametrize(
    ("rest", "at", "told"),
    [
        pytest.param("remove: [launch]", "launch]", "launch is an enterprise", id="removes"),
        pytest.param(
            "change:\n  launch:\n    skippable: true", "skippable", "skippable", id="skips"
        ),
        pytest.param("change:\n  launch:\n    when: has_po", "when: has_po", "F102", id="hides"),
        pytest.param("change:\n  launch:\n    control: local", "control", "unmarked", id="unmarks"),
        pytest.param(
            "change:\n  open_books:\n    after: []", "after: []", "go ahead", id="overtakes"
        ),
        pytest.param(
            "tighten: {launch: {within: P9D}}", "tighten", "does not tighten", id="longer"
        ),
        pytest.param(
            "tighten: {launch: {by: {role: x}}}", "tighten", "no key here", id="tighten-by"
        ),
        pytest.param("remove: [cool_of]", "remove", "has no step cool_of", id="unknown-step"),
        pytest.param(
            "change: {launch: {by: {role: x}}}", "change", "there is no role x", id="role"
        ),
        pytest.param(
            "add: [{stage: Lunch, task: x, by: {role: delivery_lead}}]",
            "add",
            "no stage Lunch",
            id="unknown-stage",
        ),
        pytest.param(
            "add: [{task: x, by: {role: delivery_lead}}]", "add", "say where", id="nowhere"
        ),
        pytest.param(
            "add: [{stage: Handover, action: open_books, name: n, unless: needs_handover}]",
            "add",
            "n never runs",
            id="addition-contradicts-its-stage",
        ),
        pytest.param(
            "change:\n  cool_off:\n    after: [open_books]\n  open_books:\n"
            "    after: [launch, cool_off]",
            "    after",
            "wait for one another",
            id="circle",
        ),
    ],
)
def test_a_fault_of_a_variant_is_told_on_its_line(rest: str, at: str, told: str) -> None:
    text = a_bare_variant(rest)

    found = faults(text, a_playbook())

    assert line_of(text, at) in [int(f.split(":")[0]) for f in found if told in f], found


def test_a_variant_of_nothing_known_is_told() -> None:
    text = a_bare_variant("remove: [cool_off]").replace("deal-to", "dael-to")

    assert faults(text, a_playbook()) == [
        "1:1: there is no playbook dael-to-delivery (did you mean deal-to-delivery?)"
    ]


def test_a_contradiction_with_another_variant_is_told_where_both_may_hold() -> None:
    text = a_bare_variant("change:\n  cool_off: {for: P1D}")

    [found] = faults(text, a_playbook(), a_variant())

    assert found.startswith("7:3: contradicts the variant dach")
    assert faults(text.replace("EMEA", "APAC"), a_playbook(), a_variant()) == []
    assert faults(VARIANT, a_playbook(), a_variant()) == []  # its own older version


def test_a_playbook_that_leaves_a_variant_behind_is_told() -> None:
    [found] = faults(spoilt(TEXT, ("wait: cool_off", "wait: cool_down")), a_variant())

    assert "its variant dach does not fit it: deal-to-delivery has no step cool_off" in found


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: &x [1]\nb: *x", id="alias"),
        pytest.param("[" * 5000, id="deep"),
        pytest.param("{a: " * 5000, id="deep-mappings"),
        pytest.param("#" * (MAX_BYTES + 1), id="large"),
        pytest.param("", id="empty"),
        pytest.param("just words", id="words"),
        pytest.param("- a", id="list"),
        pytest.param("{}", id="no-keys"),
        pytest.param("1: 2\n[a]: b\n", id="strange-keys"),
        pytest.param("a: 1\n---\nb: 2", id="two-documents"),
        pytest.param("a: \x00", id="control-character"),
        pytest.param("a: \ud800", id="lone-surrogate"),
        pytest.param("version: 99999999999999999999999999", id="huge-number"),
        pytest.param("playbook: x\nstages: {}", id="wrong-shape"),
        pytest.param("variant: x\ntighten: [a]\nadd: {b: c}\nwhen: 3", id="wrong-variant"),
    ],
)
def test_what_is_no_playbook_is_told(text: str) -> None:
    assert faults(text)


def test_a_word_of_yaml_1_1_is_a_word() -> None:
    text = a_bare_variant("remove: [cool_off]", when="{country: [NO, on, yes]}")

    assert faults(text, a_playbook()) == []


def test_loading_and_compiling_refuse_with_the_line() -> None:
    with pytest.raises(InvalidDefinition, match=r"deal\.yaml:11:10: `gaet`"):
        load_playbook(spoilt(TEXT, ("gate:", "gaet:")), "deal.yaml")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_no_text_makes_it_raise(text: str) -> None:
    lint(text, WORDS, a_registry(), [a_playbook(), a_variant()])


PIECES = [line for line in (TEXT + VARIANT).splitlines(keepends=True) if line.strip()]
SNIPPETS = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "- ",
    "  ",
    "\n",
    "~",
    "after: [x]",
    "true",
    "0",
    "''",
    "!",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A sound file with lines dropped, doubled or moved, and characters put in or taken out."""
    text = draw(st.sampled_from([TEXT, VARIANT]))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at] + text[at + draw(st.integers(1, 30)) :]
            case 1:
                text = text[:at] + draw(st.sampled_from(SNIPPETS)) + text[at:]
            case 2:
                start = text.rfind("\n", 0, at) + 1
                text = text[:start] + draw(st.sampled_from(PIECES)) + text[start:]
            case _:
                lines = text.splitlines(keepends=True)
                if lines:
                    del lines[draw(st.integers(0, len(lines) - 1))]
                text = "".join(lines)
    return text


@settings(max_examples=500, deadline=None)
@given(mutated())
def test_no_spoilt_playbook_makes_it_raise_and_a_sound_one_compiles(text: str) -> None:
    found = lint(text, WORDS, a_registry(), [a_playbook(), a_variant()])

    assert all(1 <= fault.line <= text.count("\n") + 2 for fault in found)
    if not found and "variant_of" not in text:
        assert compile(load_playbook(text)).steps
