"""A deal's terms become a project, a billing schedule and requests, to the cent and the hour."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deals import a_contract, a_deal, a_term, billed, money
from fairlead.domain.gates import Clear
from fairlead.domain.model.billing_schedule import BillingSchedule
from fairlead.domain.model.contract import BillingTerm
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.project import Dimensions, Project
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.project_setup import (
    PackageTemplate,
    ProjectTemplate,
    RoleTemplate,
    Unbillable,
    add_months,
    billing_schedule,
    project,
    staffing_requests,
)
from fairlead.domain.rules.readiness import contract_gaps
from fairlead.domain.values import Money, total


def schedule(deal: Opportunity) -> BillingSchedule:
    made = billing_schedule(deal, code="TH-1")
    assert deal.value is not None
    assert total((line.amount for line in made.lines), made.currency) == deal.value.rounded()
    assert [line.number for line in made.lines] == list(range(1, len(made.lines) + 1))
    assert [line.due_on for line in made.lines] == sorted(line.due_on for line in made.lines)
    assert all(line.amount.amount >= 0 for line in made.lines)
    assert all(line.amount == line.amount.rounded() for line in made.lines)
    return made


def lines(deal: Opportunity) -> list[tuple[str, str, str]]:
    return [(ln.name, str(ln.amount.amount), str(ln.due_on)) for ln in schedule(deal).lines]


# billing


def test_shares_are_of_the_whole_fee_and_the_cent_goes_to_one_of_them() -> None:
    deal = billed(
        a_term("Blueprint", share="0.333", due_on=date(2027, 3, 31)),
        a_term("Test", share="0.333", due_on=date(2027, 7, 31)),
        a_term("Go live", share="0.334", due_on=date(2027, 8, 31)),
        value="433333.33",
    )

    assert lines(deal) == [
        ("Blueprint", "144300.00", "2027-03-31"),
        ("Test", "144300.00", "2027-07-31"),
        ("Go live", "144733.33", "2027-08-31"),
    ]


def test_amounts_stay_as_agreed_and_shares_take_what_they_say() -> None:
    deal = billed(
        a_term("Deposit", amount="10000.50"),
        a_term("Rest", share="0.75", due_on=date(2027, 5, 1)),
        value="40002.00",
    )

    assert lines(deal) == [
        ("Deposit", "10000.50", "2026-12-01"),
        ("Rest", "30001.50", "2027-05-01"),
    ]


def test_a_recurring_term_takes_what_is_not_billed_otherwise() -> None:
    deal = billed(
        a_term("Set-up", amount="10000"),
        a_term("Onboarding", share="0.1"),
        a_term("Monthly fee", every_months=1),
        ends_on=date(2027, 3, 1),
    )

    assert lines(deal) == [
        ("Set-up", "10000", "2026-12-01"),
        ("Onboarding", "9000.00", "2026-12-01"),
        ("Monthly fee 1", "17750.00", "2026-12-01"),
        ("Monthly fee 2", "17750.00", "2027-01-01"),
        ("Monthly fee 3", "17750.00", "2027-02-01"),
        ("Monthly fee 4", "17750.00", "2027-03-01"),
    ]


def test_a_recurring_amount_is_that_of_each_instalment() -> None:
    deal = billed(
        a_term("Fee", amount="10000", every_months=2),
        a_term("Licence", every_months=6),
        ends_on=date(2027, 6, 30),
    )

    assert [amount for name, amount, _ in lines(deal) if name.startswith("Fee")] == ["10000"] * 4
    assert [a for name, a, _ in lines(deal) if name.startswith("Licence")] == ["25000.00"] * 2


def test_the_31st_becomes_the_last_day_and_does_not_creep() -> None:
    deal = billed(
        a_term("Fee", every_months=1, due_on=date(2027, 12, 31)),
        starts_on=date(2027, 12, 31),
        ends_on=date(2028, 4, 30),
    )

    assert [due for _, _, due in lines(deal)] == [
        "2027-12-31",
        "2028-01-31",
        "2028-02-29",
        "2028-03-31",
        "2028-04-30",
    ]


def test_more_instalments_than_cents() -> None:
    deal = billed(a_term("Fee", every_months=1), value="0.03", ends_on=date(2027, 8, 31))

    assert [amount for _, amount, _ in lines(deal)] == ["0.01"] * 3 + ["0.00"] * 6


def test_a_currency_without_decimals_gets_none() -> None:
    deal = billed(a_term("Fee", every_months=4), value="100", currency="JPY")

    assert [amount for _, amount, _ in lines(deal)] == ["34", "33", "33"]


def test_without_terms_the_whole_fee_is_due_when_the_work_ends() -> None:
    assert lines(a_deal()) == [("Fee of 00001001", "90000.00", "2027-08-31")]


def test_a_share_of_many_digits_beside_a_recurring_term() -> None:
    deal = billed(a_term("A", share="0.08333333"), a_term("Fee", every_months=12), value="0.10")

    assert lines(deal) == [("A", "0.01", "2026-12-01"), ("Fee 1", "0.09", "2026-12-01")]


def test_payment_days_and_name_are_those_of_the_contract_and_the_deal() -> None:
    made = schedule(a_deal(contract=a_contract(payment_days=0)))

    assert (made.payment_days, made.code, made.name) == (0, "TH-1", "Warehouse cloud migration")


def test_the_longest_names_make_a_schedule() -> None:
    deal = billed(a_term("x" * 1000, every_months=1), name="y" * 1000)

    assert len(schedule(deal).lines) == 9


def test_terms_that_do_not_add_up_make_no_schedule() -> None:
    with pytest.raises(Unbillable, match=r"EUR 45,000\.00, not to EUR 90,000\.00"):
        billing_schedule(billed(a_term(share="0.5")), code="TH-1")


days = st.dates(date(2026, 11, 1), date(2029, 12, 31))
moneys = st.decimals(-10, 1000, places=3).map(money)


@st.composite
def terms(draw: st.DrawFn) -> BillingTerm:
    return BillingTerm(
        name=draw(st.sampled_from(["Fee", "Design"])),
        share=draw(st.none() | st.sampled_from([Decimal(n) / 12 for n in (1, 3, 6, 12)])
                   .map(lambda share: share.quantize(Decimal("0.00000001")))),
        amount=draw(st.none() | moneys),
        due_on=draw(st.none() | days),
        every_months=draw(st.none() | st.integers(1, 12)),
    )  # fmt: skip


@st.composite
def deals(draw: st.DrawFn) -> Opportunity:
    """Mostly nonsense; often enough terms that are derived from the value, so that some fit."""
    value = draw(st.decimals(-1, 1000, places=draw(st.integers(0, 3))))
    own = draw(st.lists(terms(), max_size=4))
    if draw(st.booleans()) and value > 0:
        part = draw(st.sampled_from(["0.1", "0.25", "0.333", "0.5", "1"]))
        fixed = (value * Decimal(part)).quantize(Decimal("0.01"))
        own = [a_term("Part", amount=money(fixed), due_on=draw(st.none() | days))]
        own += draw(
            st.sampled_from(
                [
                    [a_term("Rest", amount=money(value - fixed))],
                    [a_term("Rest", every_months=draw(st.integers(1, 12)))],
                    [a_term("Rest", share=str(1 - Decimal(part)))] if part != "1" else [],
                    [],
                ]
            )
        )
    start, end = draw(days), draw(days)
    return billed(*own, value=str(value), starts_on=start, ends_on=end)


@settings(deadline=None, max_examples=400)  # most are nonsense
@given(deals())
def test_what_passes_the_gate_can_be_billed_to_the_cent(deal: Opportunity) -> None:
    if isinstance(contract_gaps(deal), Clear):
        schedule(deal)


@given(
    st.integers(1, 10**9),
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.sampled_from(["JPY", "EUR", "KWD"]),
)
def test_any_shares_of_a_whole_pass_the_gate_and_add_up(
    units: int, weights: list[int], currency: str
) -> None:
    value = Money(amount=Decimal(units), currency=currency)
    whole = Decimal(sum(weights))
    shares = [(Decimal(w) / whole).quantize(Decimal("0.000001")) for w in weights[:-1]]
    shares.append(1 - sum(shares, Decimal(0)))
    deal = a_deal(
        value=value,
        contract=a_contract(
            billing_terms=tuple(BillingTerm(name="Part", share=share) for share in shares)
        ),
    )

    assert isinstance(contract_gaps(deal), Clear)
    assert len(schedule(deal).lines) == len(weights)


@given(days, st.integers(0, 240))
def test_months_later_is_the_same_day_or_the_last_of_that_month(day: date, months: int) -> None:
    later = add_months(day, months)

    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


# project and staffing

DIMENSIONS = Dimensions(
    legal_entity="TH-GMBH", subsidiary="2", practice="1", region="1", cost_centre="11"
)


def a_template(*efforts: str, **changes: Any) -> ProjectTemplate:
    efforts = efforts or ("0.2", "0.55", "0.25")
    packages = tuple(
        PackageTemplate(
            code=f"{number}0",
            name=f"Package {number}",
            effort=Decimal(effort),
            from_share=Decimal(0),
            to_share=Decimal(1),
        )
        for number, effort in enumerate(efforts, 1)
    )
    roles = (
        RoleTemplate(role="Engagement Lead", effort=Decimal("0.25")),
        RoleTemplate(role="Consultant", effort=Decimal("0.75")),
    )
    given: dict[str, Any] = {
        "id": "cloud",
        "packages": packages,
        "roles": roles,
        "budget_rate": Decimal(150),
    }
    return ProjectTemplate.model_validate(given | changes)


def made(deal: Opportunity, template: ProjectTemplate) -> Project:
    return project(deal, code="TH-1", template=template, dimensions=DIMENSIONS, rate_card=None)


def test_the_project_carries_the_deal_and_the_templates_structure() -> None:
    found = made(a_deal(), a_template())

    assert (found.code, found.template, found.budget) == ("TH-1", "cloud", money("90000"))
    assert (found.starts_on, found.ends_on) == (date(2026, 12, 1), date(2027, 8, 31))
    assert [(p.code, p.hours) for p in found.work_packages] == [
        ("10", 120),
        ("20", 330),
        ("30", 150),
    ]


def test_hours_that_were_sold_go_before_what_the_value_would_buy() -> None:
    deal = a_deal(roles=(RoleDemand(role="Architect", hours=Decimal("10.5")),))

    assert made(deal, a_template()).hours == Decimal("10.5")
    assert made(a_deal(), a_template()).hours == 600


@given(
    st.decimals(0, 5000, places=2),
    st.lists(st.integers(0, 20), min_size=1, max_size=7).filter(any),
)
def test_hours_of_packages_add_up_and_none_is_negative(hours: Decimal, efforts: list[int]) -> None:
    whole = Decimal(sum(efforts))
    shares = [(Decimal(e) / whole).quantize(Decimal("0.0001")) for e in efforts[:-1]]
    rest = 1 - sum(shares, Decimal(0))
    assume(rest >= 0)
    deal = a_deal(roles=(RoleDemand(role="Architect", hours=hours),))
    found = made(deal, a_template(*map(str, [*shares, rest])))

    assert sum(package.hours for package in found.work_packages) == found.hours
    assert all(package.hours >= 0 for package in found.work_packages)


def test_work_packages_lie_where_the_template_says_and_inside_the_project() -> None:
    packages = (
        PackageTemplate(code="10", name="A", effort=Decimal("0.5"), from_share=Decimal(0),
                        to_share=Decimal("0.5")),
        PackageTemplate(code="20", name="B", effort=Decimal("0.5"), from_share=Decimal("0.5"),
                        to_share=Decimal(1)),
    )  # fmt: skip
    deal = a_deal(starts_on=date(2027, 1, 1), ends_on=date(2027, 1, 11))

    first, second = made(deal, a_template(packages=packages)).work_packages

    assert (first.starts_on, first.ends_on) == (date(2027, 1, 1), date(2027, 1, 6))
    assert (second.starts_on, second.ends_on) == (date(2027, 1, 6), date(2027, 1, 11))


def test_each_role_that_was_sold_is_asked_for_as_it_was_sold() -> None:
    roles = (
        RoleDemand(role="Architect", hours=Decimal(10), rate=money("220"), location="Ulm"),
        RoleDemand(role="Nobody", hours=Decimal(0)),
        RoleDemand(role="Consultant", hours=Decimal(5)),
    )

    found = staffing_requests(a_deal(roles=roles), code="TH-1", template=a_template())

    assert [(r.code, r.role, r.hours) for r in found] == [
        ("TH-1-R1", "Architect", 10),
        ("TH-1-R3", "Consultant", 5),
    ]
    assert (found[0].rate, found[0].location) == (money("220"), "Ulm")


@pytest.mark.parametrize("roles", [(), (RoleDemand(role="Nobody", hours=Decimal(0)),)])
def test_without_hours_sold_the_templates_roles_are_asked_for(roles: Any) -> None:
    found = staffing_requests(a_deal(roles=roles), code="TH-1", template=a_template())

    assert [(r.role, r.hours) for r in found] == [("Engagement Lead", 150), ("Consultant", 450)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget_rate": Decimal(0)}, "greater than 0"),
        ({"roles": (RoleTemplate(role="All", effort=Decimal("0.9")),)}, "roles of cloud"),
        ({"packages": a_template().packages[:2]}, "packages of cloud"),
    ],
)
def test_a_template_that_would_lose_hours_is_refused(changes: Any, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        a_template(**changes)
