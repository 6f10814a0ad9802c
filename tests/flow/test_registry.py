"""The registry refuses what nobody could run, and helps whoever misspells a name."""

import pytest

from fairlead.errors import InvalidDefinition
from fairlead.flow.registry import Registry


def make_project() -> None:
    """Make the project."""


def close_project() -> None: ...


def test_an_action_is_found_with_its_terms() -> None:
    registry = Registry()

    registered = registry.action("make_project", on="projects", undo="close_project", safe="key")(
        make_project
    )
    found = registry.get_action("make_project")

    assert registered is make_project
    assert (make_project, "projects", "close_project", "key", "Make the project.") == (
        found.fn,
        found.on,
        found.undo,
        found.safe,
        found.doc,
    )


@pytest.mark.parametrize("safe", [None, "", "  "])
def test_an_outward_action_says_why_repeating_is_safe(safe: str | None) -> None:
    with pytest.raises(InvalidDefinition, match="make_project acts on projects"):
        Registry().action("make_project", on="projects", safe=safe)


def test_a_local_action_needs_no_such_reason() -> None:
    with pytest.raises(InvalidDefinition, match="local"):
        Registry().action("decline", safe="because")


@pytest.mark.parametrize("kind", ["action", "gate", "condition", "notice"])
def test_an_unknown_name_is_refused_with_the_nearest(kind: str) -> None:
    registry = Registry()
    getattr(registry, kind)("commercial_data")(make_project)

    with pytest.raises(InvalidDefinition, match=f"no {kind} .*did you mean commercial_data"):
        getattr(registry, f"get_{kind}")("comercial_data")


@pytest.mark.parametrize("kind", ["action", "gate", "condition", "notice"])
def test_a_name_stands_for_one_function(kind: str) -> None:
    registry, other = Registry(), Registry()
    getattr(registry, kind)("twice")(make_project)
    getattr(other, kind)("twice")(close_project)

    with pytest.raises(InvalidDefinition, match="two functions"):
        getattr(registry, kind)("twice")(close_project)
    with pytest.raises(InvalidDefinition, match="close_project"):
        registry.include(other)


def test_registries_are_joined_and_share_nothing() -> None:
    one, other = Registry(), Registry()
    other.gate("ready")(make_project)

    one.include(other)

    assert list(one.gates) == ["ready"]
    assert dict(Registry().gates) == {}


@pytest.mark.parametrize(
    ("on", "fault"),
    [
        pytest.param(None, "acts on nothing outside", id="undone-here-only"),
        pytest.param("ledger", "acts on ledger", id="undone-elsewhere"),
        pytest.param("projects", None, id="undone-where-it-was-done"),
    ],
)
def test_what_undoes_an_action_acts_on_the_same_port(on: str | None, fault: str | None) -> None:
    registry = Registry()
    registry.action("make", on="projects", undo="unmake", safe="key")(make_project)
    registry.action("unmake", on=on, safe="key" if on else None)(close_project)

    assert (fault is None) == (registry.faults() == [])
    assert all(fault in told for told in registry.faults() if fault)


def test_an_undo_that_nobody_registered_is_told() -> None:
    registry = Registry()
    registry.action("make", on="projects", undo="unmake", safe="key")(make_project)

    assert "unmake, which is not registered" in registry.faults()[0]
