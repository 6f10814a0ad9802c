"""Who may approve time and expenses of an engagement."""

from __future__ import annotations

import pytest

from fairlead.domain.rules.approval import Hand, Line, approves_as

NAMED = Line(engagement="e-1", region="EMEA", legal_entity="DE01", manager="lea")
OPEN = NAMED.model_copy(update={"manager": None})


def hand(
    id: str, *, leads: bool = False, manages: bool = False, region: str | None = "EMEA"
) -> Hand:
    regions = None if region is None else frozenset({region})
    return Hand(id=id, leads=leads, manages=manages, regions=regions)


@pytest.mark.parametrize(
    ("who", "line", "may"),
    [
        pytest.param(hand("lea", manages=True), NAMED, True, id="the-manager-who-was-named"),
        pytest.param(hand("max", manages=True), NAMED, False, id="another-manager"),
        pytest.param(hand("max", manages=True), OPEN, True, id="a-manager-where-none-was-named"),
        pytest.param(
            hand("max", manages=True, region="AMER"), OPEN, False, id="a-manager-of-elsewhere"
        ),
        pytest.param(hand("ines", leads=True), NAMED, True, id="a-lead"),
        pytest.param(hand("ines", leads=True, region=None), NAMED, True, id="a-lead-of-all"),
        pytest.param(
            hand("dwayne", leads=True, region="AMER"), NAMED, False, id="a-lead-elsewhere"
        ),
        pytest.param(hand("ayo"), OPEN, False, id="a-consultant"),
    ],
)
def test_the_manager_approves_and_the_lead_may(who: Hand, line: Line, may: bool) -> None:
    assert approves_as(who, [], line) == (who.id if may else None)


def test_a_deputy_approves_what_the_manager_would_and_no_more() -> None:
    deputy = hand("max", manages=True)

    assert approves_as(deputy, [hand("lea", manages=True)], NAMED) == "lea"
    assert approves_as(deputy, [hand("tom", manages=True)], NAMED) is None


def test_a_deputy_who_does_not_see_the_engagement_does_not_approve_it() -> None:
    deputy = hand("max", manages=True, region="AMER")

    assert approves_as(deputy, [hand("lea", manages=True)], NAMED) is None


def test_a_company_is_a_limit_like_a_region() -> None:
    of_ltd = Hand(id="ines", leads=True, manages=False, legal_entities=frozenset({"GB01"}))

    assert approves_as(of_ltd, [], NAMED) is None
