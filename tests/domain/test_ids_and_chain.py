"""Ids follow from what they name; the chain of events shows every change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.domain.chain import START, link, root_of
from fairlead.domain.ids import derived

texts = st.lists(st.text(max_size=5), min_size=1, max_size=5)


@given(texts, texts)
def test_an_id_is_the_same_for_the_same_thing_and_for_no_other(
    one: list[str], other: list[str]
) -> None:
    assert (derived(*one) == derived(*other)) == (one == other)


def test_an_id_is_the_same_in_every_release() -> None:
    assert (
        derived("engagement", "salesforce-emea", "006A") == "f48a7b95-343b-5149-8d53-482266bdcfed"
    )
    assert derived("a", "bc") != derived("ab", "c")


def test_a_link_depends_on_what_came_before_and_on_every_field() -> None:
    event = {"type": "launched", "attributes": {"code": "TH-1"}}

    first = link(START, event)

    assert first == link(START, dict(reversed(event.items())))
    assert len({first, link(first, event), link(START, event | {"type": "declined"})}) == 3


def test_one_moment_is_one_link_in_any_zone() -> None:
    at = datetime(2026, 11, 2, 12, tzinfo=UTC)
    there = at.astimezone(timezone(timedelta(hours=9)))

    assert link(START, {"at": at}) == link(START, {"at": there})


def test_what_would_not_read_back_as_it_was_cannot_stand_in_an_event() -> None:
    with pytest.raises(ValueError, match="set"):
        link(START, {"parts": {1, 2}})


HEADS = [("a", 2, b"x" * 32), ("b", 1, b"y" * 32)]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param([("a", 1, b"x" * 32), HEADS[1]], id="cut"),
        pytest.param([("a", 2, b"z" * 32), HEADS[1]], id="hashed-again"),
        pytest.param(HEADS[:1], id="removed"),
        pytest.param([*HEADS, ("c", 1, b"z" * 32)], id="added"),
        pytest.param([("aa", 2, b"x" * 32), HEADS[1]], id="renamed"),
    ],
)
def test_the_root_shows_what_was_done_to_a_chain(changed: list[tuple[str, int, bytes]]) -> None:
    assert root_of(changed) != root_of(HEADS)


def test_the_root_does_not_depend_on_the_order_in_which_chains_are_told() -> None:
    assert root_of(HEADS) == root_of(HEADS[::-1])
