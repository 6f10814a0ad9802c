"""A deal of phases is taken apart into deals that add up to it, or is told why not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deals import a_contract, a_deal, a_term, money
from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.phase import Phase
from fairlead.domain.model.quote import Quote
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.phases import parts_of, phase_gaps
from fairlead.domain.values import ExternalRef, total


def a_phase(name: str, value: str, currency: str = "EUR", **changes: Any) -> Phase:
    return Phase(name=name, value=money(value, currency), **changes)


def phased(*phases: Phase, **changes: Any) -> Opportunity:
    return a_deal(phases=phases, **changes)


def a_role(role: str, hours: str) -> RoleDemand:
    return RoleDemand(role=role, hours=Decimal(hours))


THREE = (
    a_phase("Germany", "50000"),
    a_phase("Britain", "30000", country="GB", legal_entity="TH-LTD"),
    a_phase(
        "Singapore",
        "10000",
        region="APAC",
        country="SG",
        legal_entity="TH-PTE",
        contract_type=ContractType.MILESTONE,
        starts_on=date(2027, 3, 1),
        ends_on=date(2027, 6, 30),
        billing_terms=(a_term("All", share="1"),),
    ),
)


def problems(deal: Opportunity, **rates: str) -> list[str]:
    found = phase_gaps(deal, {currency: Decimal(rate) for currency, rate in rates.items()})
    if isinstance(found, Clear):
        return []
    assert isinstance(found, Blocked)
    assert all(gap.field and gap.owner and gap.remedy for gap in found.gaps)
    return [gap.problem for gap in found.gaps]


def test_each_country_is_a_deal_of_its_own() -> None:
    germany, britain, singapore = parts_of(phased(*THREE))

    assert [part.ref.id for part in (germany, britain, singapore)] == ["O1#1", "O1#2", "O1#3"]
    assert (germany.country, germany.legal_entity, germany.value) == (
        "DE", "TH-GMBH", money("50000"),
    )  # fmt: skip
    assert (britain.country, britain.region, britain.legal_entity) == ("GB", "EMEA", "TH-LTD")
    assert singapore.contract_type is ContractType.MILESTONE
    assert (singapore.starts_on, singapore.ends_on) == (date(2027, 3, 1), date(2027, 6, 30))
    assert singapore.name == "Warehouse cloud migration: Singapore"
    assert singapore.contract
    assert singapore.contract.value == money("10000")
    assert singapore.contract.billing_terms == THREE[2].billing_terms
    assert problems(phased(*THREE)) == []


def test_a_deal_in_one_piece_has_no_parts_and_no_gaps() -> None:
    assert parts_of(a_deal()) == ()
    assert problems(a_deal()) == []


def test_what_is_of_the_whole_deal_is_not_done_once_a_part() -> None:
    quote = Quote(
        ref=ExternalRef(system="crm", kind="quote", id="Q"), number="Q", total=money("90000")
    )
    need = SubcontractNeed(role="Tester", hours=Decimal(5), cost=money("100"))

    for part in parts_of(phased(*THREE, quote=quote, subcontracting=(need,))):
        assert (part.quote, part.subcontracting, part.phases) == (None, (), ())


def test_roles_of_the_deal_are_shared_out_where_no_phase_names_any() -> None:
    parts = parts_of(phased(*THREE, roles=(a_role("Consultant", "100"),)))

    hours = [part.roles[0].hours for part in parts]
    assert hours == [Decimal("55.5"), Decimal("33.25"), Decimal("11.25")]


def test_roles_of_the_phases_are_taken_as_they_are() -> None:
    first = a_phase("One", "60000", roles=(a_role("Consultant", "70"),))
    second = a_phase("Two", "30000", roles=(a_role("Consultant", "30"),))
    deal = phased(first, second, roles=(a_role("Consultant", "100"),))

    assert [part.roles for part in parts_of(deal)] == [first.roles, second.roles]
    assert problems(deal) == []


def test_a_cap_is_shared_out_too() -> None:
    parts = parts_of(phased(*THREE, contract=a_contract(cap=money("100000"))))

    caps = [part.contract.cap for part in parts if part.contract and part.contract.cap]
    assert total(caps, "EUR") == money("100000")


@pytest.mark.parametrize(
    ("deal", "words"),
    [
        pytest.param(
            phased(a_phase("One", "50000"), a_phase("Two", "39999.99")),
            "add up to EUR 89,999.99, the deal is worth EUR 90,000.00",
            id="a-cent-short",
        ),
        pytest.param(
            phased(a_phase("One", "90000"), a_phase("Two", "0")), "Two is worth", id="worth-nothing"
        ),
        pytest.param(
            phased(a_phase("One", "45000"), a_phase("one ", "45000")), "2 phases", id="one-name"
        ),
        pytest.param(
            phased(a_phase("One", "90000", starts_on=date(2026, 11, 30))),
            "before the deal does",
            id="too-soon",
        ),
        pytest.param(
            phased(a_phase("One", "90000", ends_on=date(2027, 9, 1))),
            "after the deal does",
            id="too-late",
        ),
        pytest.param(
            phased(a_phase("One", "90000", starts_on=date(2027, 5, 1), ends_on=date(2027, 4, 1))),
            "before it starts",
            id="backwards",
        ),
        pytest.param(
            phased(a_phase("One", "90000", billing_terms=(a_term(share="0.9"),))),
            "One: the billing terms add up to EUR 81,000.00",
            id="terms",
        ),
        pytest.param(
            phased(
                *THREE[:2],
                a_phase("Three", "10000"),
                contract=a_contract(billing_terms=(a_term(amount="90000"),)),
            ),
            "those of the contract are amounts (Go live EUR 90,000.00)",
            id="amounts-of-the-whole",
        ),
        pytest.param(
            phased(
                a_phase("One", "90000", roles=(a_role("Consultant", "70"),)),
                roles=(a_role("Consultant", "100"),),
            ),
            "70 hours of Consultant, the deal 100",
            id="hours",
        ),
        pytest.param(
            phased(a_phase("One", "45000"), a_phase("Two", "38000", "GBP")),
            "in GBP and the deal is in EUR, without a rate",
            id="currency",
        ),
    ],
)
def test_what_does_not_add_up_is_told(deal: Opportunity, words: str) -> None:
    told = problems(deal)

    assert any(words in problem for problem in told), told


def test_a_phase_in_another_currency_is_exchanged_at_the_rate_that_is_given() -> None:
    deal = phased(a_phase("One", "45000"), a_phase("Two", "38000", "GBP", legal_entity="TH-LTD"))

    assert problems(deal, GBP="1.1842") == []
    assert "add up to EUR 83,000.00" in problems(deal, GBP="1")[0]
    assert parts_of(deal)[1].value == money("38000", "GBP")


def test_a_cap_and_roles_are_not_shared_out_among_currencies() -> None:
    deal = phased(
        a_phase("One", "45000"),
        a_phase("Two", "38000", "GBP"),
        contract=a_contract(cap=money("90000")),
        roles=(a_role("Consultant", "100"),),
    )

    assert [problem.split(" cannot")[0] for problem in problems(deal, GBP="1.1842")] == [
        "the deal's roles",
        "the cap of EUR 90,000.00",
    ]


@given(
    st.lists(st.decimals("0.01", "999999", places=2), min_size=1, max_size=7),
    st.decimals("0", "99999", places=2),
)
def test_the_parts_add_up_to_the_deal(values: list[Decimal], hours: Decimal) -> None:
    worth = money(sum(values, Decimal(0)))
    phases = [a_phase(f"Phase {n}", str(value)) for n, value in enumerate(values)]
    contract = a_contract(cap=worth, billing_terms=(a_term(share="0.3"), a_term(share="0.7")))
    roles = (RoleDemand(role="Consultant", hours=hours),)

    deal = phased(*phases, value=worth, contract=contract, roles=roles)
    parts = parts_of(deal)

    assert total((part.value for part in parts if part.value), "EUR") == worth
    assert sum((role.hours for part in parts for role in part.roles), Decimal(0)) == hours
    assert all(role.hours > 0 for part in parts for role in part.roles)
    assert problems(deal) == []


@given(st.lists(st.decimals("-50", "50", places=1), min_size=1, max_size=5))
def test_nonsense_is_told_and_breaks_nothing(values: list[Decimal]) -> None:
    phases = [a_phase("Phase", str(value)) for value in values]
    deal = phased(*phases, roles=(a_role("Consultant", "10"),))

    assert len(parts_of(deal)) == len(values)
    assert problems(deal)
