"""Who is there is held against who is needed, week by week."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import a_deal
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.capacity import (
    CapacityAnswer,
    Demand,
    capacity,
    demand_of,
    facts_of,
)
from fairlead.domain.values import ExternalRef, Period

MONDAY = date(2027, 1, 11)
WEEK = timedelta(days=7)


def ref(name: str) -> ExternalRef:
    return ExternalRef(system="workday", kind="worker", id=name)


def a_person(name: str, *roles: str, hours: str = "40", **changes: Any) -> Resource:
    given_: dict[str, Any] = {
        "ref": ref(name),
        "name": name,
        "roles": roles or ("Consultant",),
        "region": "EMEA",
        "hours_per_week": Decimal(hours),
    }
    return Resource.model_validate(given_ | changes)


def wanted(hours: str, role: str = "Consultant", weeks: int = 1) -> Demand:
    end = MONDAY + weeks * WEEK - timedelta(days=3)  # the Friday
    return Demand(role=role, hours=Decimal(hours), starts_on=MONDAY, ends_on=end)


def by_week(answer: CapacityAnswer) -> dict[date, tuple[Decimal, Decimal]]:
    return {week.week: (week.needed, week.short) for week in answer.weeks}


def test_enough_people_leave_nothing_short() -> None:
    answer = capacity([wanted("80", weeks=2)], [a_person("Ana")])

    assert (answer.needed, answer.short, answer.words) == (80, 0, ())
    assert facts_of(answer).weeks_until_short == -1
    assert answer.roles[0].covered == 1


def test_a_shortage_names_its_role_hours_and_first_week() -> None:
    away = Absence(
        resource=ref("Ana"), period=Period(start=MONDAY + WEEK, end=MONDAY + WEEK), kind="leave"
    )

    answer = capacity([wanted("80", weeks=2)], [a_person("Ana")], [away])
    facts = facts_of(answer)

    assert answer.words == ("Consultant: 8 of 80 hours short, from the week of 2027-01-18",)
    assert answer.roles[0].covered == Decimal("0.9")
    assert (facts.shortfall, facts.short_hours, facts.short_roles) == (Decimal("0.1"), 8, 1)
    assert facts.weeks_until_short == 1


def test_work_is_spread_over_the_days_on_which_people_work() -> None:
    demand = Demand(
        role="Consultant",
        hours=Decimal(70),
        starts_on=date(2027, 1, 14),  # a Thursday
        ends_on=date(2027, 1, 24),  # a Sunday
    )

    found = by_week(capacity([demand], []))

    assert found == {MONDAY: (20, 20), MONDAY + WEEK: (50, 50)}


def test_a_public_holiday_takes_from_supply_and_moves_demand() -> None:
    answer = capacity([wanted("80", weeks=2)], [a_person("Ana")], days_off={MONDAY})

    assert by_week(answer) == {
        MONDAY: (Decimal("35.56"), Decimal("3.56")),
        MONDAY + WEEK: (Decimal("44.44"), Decimal("4.44")),
    }


def test_work_without_any_working_day_is_short_on_its_first() -> None:
    saturday = date(2027, 1, 16)
    demand = Demand(role="Consultant", hours=Decimal(5), starts_on=saturday, ends_on=saturday)

    assert capacity([demand], []).short == 5


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"active": False}, id="inactive"),
        pytest.param({"region": "APAC"}, id="elsewhere"),
        pytest.param({"roles": ("Test Lead",)}, id="another-role"),
        pytest.param({"ends_on": MONDAY - timedelta(days=1)}, id="has-left"),
        pytest.param({"starts_on": MONDAY + WEEK}, id="not-yet-here"),
        pytest.param({"hours_per_week": Decimal(0)}, id="no-hours"),
    ],
)
def test_who_is_not_there_covers_nothing(changes: dict[str, Any]) -> None:
    answer = capacity([wanted("10")], [a_person("Ana", **changes)], region="EMEA")

    assert answer.short == 10


def test_a_person_with_two_roles_is_counted_once() -> None:
    demand = [wanted("40"), wanted("40", "Test Lead")]

    assert capacity(demand, [a_person("Ana", "Consultant", "Test Lead")]).short == 40


def test_people_are_moved_to_where_only_they_can_help() -> None:
    people = [a_person("Ana", "Consultant", "Test Lead"), a_person("Bo", "Consultant")]

    assert capacity([wanted("40"), wanted("40", "Test Lead")], people).short == 0


def test_what_is_promised_already_goes_first() -> None:
    people = [a_person("Ana", "Consultant", "Test Lead"), a_person("Bo", "Consultant")]

    answer = capacity([wanted("60")], people, committed={"test lead": Decimal(40)})

    assert answer.short == 20


def test_a_deal_counts_as_far_as_it_is_likely() -> None:
    deal = a_deal(
        roles=(RoleDemand(role="Consultant", hours=Decimal(100)),), probability=Decimal("0.4")
    )

    assert demand_of(deal)[0].hours == 100
    assert demand_of(deal, weighted=True)[0].hours == 40
    assert demand_of(a_deal(probability=None, roles=deal.roles), weighted=True)[0].hours == 100


def test_a_deal_without_roles_takes_what_it_is_given_and_without_dates_nothing() -> None:
    asked = [("Test Lead", Decimal(8))]

    assert demand_of(a_deal(), asked)[0].role == "Test Lead"
    assert demand_of(a_deal(starts_on=None), asked) == ()


ROLES = ("Consultant", "Test Lead", "Architect")
hours = st.decimals("0", "120", places=2)
people = st.lists(st.tuples(st.sets(st.sampled_from(ROLES), min_size=1), hours), max_size=5)
demands = st.lists(
    st.tuples(st.sampled_from(ROLES), hours, st.integers(0, 20), st.integers(0, 40)),
    max_size=4,
)


def staffed(rows: list[tuple[set[str], Decimal]]) -> list[Resource]:
    return [
        a_person(f"P{n}", *sorted(roles), hours=str(amount))
        for n, (roles, amount) in enumerate(rows)
    ]


def demanded(rows: list[tuple[str, Decimal, int, int]]) -> list[Demand]:
    return [
        Demand(
            role=role,
            hours=amount,
            starts_on=MONDAY + timedelta(days=first),
            ends_on=MONDAY + timedelta(days=first + length),
        )
        for role, amount, first, length in rows
    ]


@given(demands, people, st.tuples(st.sets(st.sampled_from(ROLES), min_size=1), hours), hours)
def test_one_more_person_never_makes_it_shorter(
    rows: list[tuple[str, Decimal, int, int]],
    team: list[tuple[set[str], Decimal]],
    extra: tuple[set[str], Decimal],
    promised: Decimal,
) -> None:
    committed = {"Test Lead": promised}
    before = capacity(demanded(rows), staffed(team), committed=committed)
    after = capacity(demanded(rows), staffed([*team, extra]), committed=committed)

    assert after.short <= before.short


@given(demands, people)
def test_every_hour_that_is_needed_is_in_some_week(
    rows: list[tuple[str, Decimal, int, int]], team: list[tuple[set[str], Decimal]]
) -> None:
    answer = capacity(demanded(rows), staffed(team))

    assert answer.needed == sum((amount for _, amount, _, _ in rows), Decimal(0))
    assert 0 <= answer.short <= answer.needed
    assert answer.needed - answer.short == sum(week.covered for week in answer.weeks)


@given(demands, people, hours)
def test_more_that_is_promised_never_covers_more(
    rows: list[tuple[str, Decimal, int, int]],
    team: list[tuple[set[str], Decimal]],
    promised: Decimal,
) -> None:
    free = capacity(demanded(rows), staffed(team))
    bound = capacity(demanded(rows), staffed(team), committed={"Consultant": promised})

    assert bound.short >= free.short
