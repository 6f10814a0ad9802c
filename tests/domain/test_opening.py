"""What a launched engagement is worked on and billed by follows from what was signed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deals import NOON, a_contract, a_deal, a_term, money
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.charge import ChargeKind
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.project import Dimensions
from fairlead.domain.model.rate_card import Rate, RateCard
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.opening import AS_WORKED, Opening, opening
from fairlead.domain.rules.project_setup import (
    PackageTemplate,
    ProjectTemplate,
    RoleTemplate,
    project,
)
from fairlead.domain.values import ExternalRef, Period, total

TEMPLATE = ProjectTemplate(
    id="t",
    packages=(
        PackageTemplate(
            code="10", name="All", effort=Decimal(1), from_share=Decimal(0), to_share=Decimal(1)
        ),
    ),
    roles=(RoleTemplate(role="Consultant", effort=Decimal(1)),),
    budget_rate=Decimal(150),
)
WHERE = Dimensions(
    legal_entity="TH-GMBH", subsidiary="2", practice="1", region="1", cost_centre="1"
)


def opened(
    deal: Opportunity, billing_method: str = "milestone", cards: tuple[RateCard, ...] = ()
) -> Opening:
    engagement = Engagement(
        id=EngagementId("e-1"),
        number="ENG-2001",
        state=EngagementState.AWAITING_LAUNCH,
        deal=deal,
        opened_at=NOON,
    )
    made = project(deal, code="TH-2001", template=TEMPLATE, dimensions=WHERE, rate_card=None)
    methods = {"billing_method": billing_method, "revenue_method": "point_in_time"}
    return opening(engagement, made.model_copy(update=methods), cards)


def a_card(name: str, start: date, *rates: tuple[str, str, str | None]) -> RateCard:
    return RateCard(
        ref=ExternalRef(system="firm", kind="rate_card", id=name),
        name=name,
        currency="EUR",
        valid=Period(start=start),
        rates=tuple(
            Rate(role=role, per_hour=money(price), region=region) for role, price, region in rates
        ),
    )


def in_terms(*terms: Any, **changes: Any) -> Opportunity:
    return a_deal(contract=a_contract(billing_terms=terms), **changes)


def test_each_term_that_is_due_once_is_a_milestone_with_its_clause() -> None:
    found = opened(
        in_terms(
            a_term("Design", share="0.3", due_on=date(2027, 3, 1)),
            a_term("Go live", share="0.7", due_on=date(2027, 8, 31)),
        )
    )

    assert [(m.number, m.name, m.amount, m.due_on) for m in found.milestones] == [
        (1, "Design", money("27000.00"), date(2027, 3, 1)),
        (2, "Go live", money("63000.00"), date(2027, 8, 31)),
    ]
    assert [m.clause for m in found.milestones] == ["00001001, Design", "00001001, Go live"]
    assert found.charges == ()


def test_a_contract_without_terms_has_its_whole_fee_as_one_milestone_at_the_end() -> None:
    (milestone,) = opened(in_terms()).milestones

    assert (milestone.amount, milestone.due_on) == (money("90000.00"), date(2027, 8, 31))


def test_a_recurring_fee_is_a_charge_for_each_period_of_its_service() -> None:
    found = opened(
        in_terms(
            a_term("Onboarding", amount="6000", due_on=date(2026, 12, 15)),
            a_term("Monthly fee", every_months=3),
            contract_type=ContractType.MANAGED_SERVICE,
        ),
        "recurring",
    )

    assert found.milestones == ()
    recurring, fee = ChargeKind.RECURRING, money("28000.00")
    assert [(c.kind, c.name, c.amount, c.period) for c in found.charges] == [
        (recurring, "Monthly fee 1", fee, _until("2026-12-01", "2027-02-28")),
        (ChargeKind.SCHEDULED, "Onboarding", money("6000"), None),
        (recurring, "Monthly fee 2", fee, _until("2027-03-01", "2027-05-31")),
        (recurring, "Monthly fee 3", fee, _until("2027-06-01", "2027-08-31")),
    ]


def test_work_that_is_billed_as_worked_has_no_fee_by_date_and_the_sold_prices() -> None:
    sold = RoleDemand(role="Consultant", hours=Decimal(100), rate=money("135"))
    found = opened(
        in_terms(roles=(sold,), contract_type=ContractType.TIME_AND_MATERIALS),
        AS_WORKED,
        (a_card("Europe 2026", date(2026, 1, 1), ("Consultant", "140", None)),),
    )

    assert (found.milestones, found.charges) == ((), ())
    (rate,) = found.rates
    assert (rate.role, rate.per_hour, rate.valid_from) == (
        "Consultant",
        money("135"),
        date(2026, 12, 1),
    )
    assert rate.source == "contract 00001001"
    assert found.delivery.budget_minutes == 6000


def test_a_role_without_a_sold_price_follows_the_cards_from_the_day_that_each_begins() -> None:
    cards = (
        a_card("Europe 2026", date(2026, 1, 1), ("Tester", "100", None), ("Lead", "200", "EMEA")),
        a_card("Europe 2027", date(2027, 1, 1), ("Tester", "110", None), ("Lead", "190", None)),
        a_card("Europe 2028", date(2028, 1, 1), ("Tester", "120", None)),
    )

    found = opened(in_terms(), cards=cards).rates

    assert [(r.role, r.valid_from, r.per_hour, r.source) for r in found] == [
        # the region's own price goes before the newer one for every region
        ("Lead", date(2026, 12, 1), money("200"), "card Europe 2026"),
        ("Tester", date(2026, 12, 1), money("100"), "card Europe 2026"),
        ("Tester", date(2027, 1, 1), money("110"), "card Europe 2027"),
    ]


def test_a_role_that_was_sold_at_two_prices_gets_none() -> None:
    roles = tuple(
        RoleDemand(role="Consultant", hours=Decimal(10), rate=money(price))
        for price in ("135", "150")
    )
    card = a_card("Europe 2026", date(2026, 1, 1), ("Consultant", "140", None))

    assert opened(in_terms(roles=roles), AS_WORKED, (card,)).rates == ()


@given(
    shares=st.lists(st.integers(1, 50), min_size=1, max_size=6),
    value=st.integers(1, 10**9).map(lambda cents: Decimal(cents) / 100),
)
def test_milestones_add_up_to_the_contract_to_the_cent(shares: list[int], value: Decimal) -> None:
    whole = sum(shares)
    terms = tuple(
        a_term(f"Part {n}", share=str((Decimal(share) / whole).quantize(Decimal("0.00000001"))))
        for n, share in enumerate(shares[:-1], 1)
    )
    rest = 1 - sum((term.share or Decimal(0) for term in terms), Decimal(0))
    deal = in_terms(*terms, a_term("Rest", share=str(rest)), value=money(value))

    assert total((m.amount for m in opened(deal).milestones), "EUR") == money(value)


def _until(start: str, end: str) -> Period:
    return Period(start=date.fromisoformat(start), end=date.fromisoformat(end))
