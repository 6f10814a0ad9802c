"""Nothing goes from delivery to finance, or from finance to reporting, that lacks something."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest
from office import firm

from deals import a_deal, money
from fairlead.domain.gates import Blocked, Clear
from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.phase import Phase
from fairlead.domain.values import ExternalRef
from fairlead.flow.calls import Call, Said

NOW = datetime(2026, 11, 20, tzinfo=UTC)
PLANNED = {
    "tax": {"code": "DE-STANDARD"},
    "billing_method": "milestone",
    "revenue_method": "over_time_by_cost",
    "dimensions": {
        "legal_entity": "TH-GMBH",
        "practice": "1",
        "region": "1",
        "cost_centre": "11",
    },
}
REFS = ("client", "ledger_project", "billing_schedule")


def look(gate: str, engagement: Engagement, planned: dict[str, Any]) -> Clear | Blocked:
    nothing = cast(Any, None)
    results = {"plan_setup": planned}
    call = Call(nothing, nothing, engagement, results, NOW, Said())
    return firm().registry.get_gate(gate).fn(call)


def an_engagement(*refs: str, **deal: Any) -> Engagement:
    return Engagement(
        id=EngagementId("e1"),
        number="ENG-1",
        state=EngagementState.IN_SETUP,
        deal=a_deal(**deal),
        refs={name: ExternalRef(system="netsuite-emea", kind="x", id=name) for name in refs},
        opened_at=NOW,
    )


def problems(answer: Clear | Blocked) -> list[str]:
    assert isinstance(answer, Blocked)
    assert all(gap.owner == "finance-operations" and gap.remedy for gap in answer.gaps)
    assert not any(gap.suppliable for gap in answer.gaps)
    return [gap.problem for gap in answer.gaps]


def test_what_has_everything_goes_on() -> None:
    whole = an_engagement(*REFS)

    assert isinstance(look("finance_can_bill", whole, PLANNED), Clear)
    assert isinstance(look("reporting_is_complete", whole, PLANNED), Clear)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("client", "the client in the ledger is missing"),
        ("ledger_project", "the project in the ledger is missing"),
        ("billing_schedule", "the billing schedule is missing"),
    ],
)
def test_finance_cannot_bill_without_a_record(missing: str, named: str) -> None:
    there = an_engagement(*(name for name in REFS if name != missing))

    assert problems(look("finance_can_bill", there, PLANNED)) == [named]


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("tax", "the tax treatment is missing"),
        ("billing_method", "the billing method is missing"),
    ],
)
def test_finance_cannot_bill_without_a_rule(missing: str, named: str) -> None:
    planned = {name: value for name, value in PLANNED.items() if name != missing}

    assert problems(look("finance_can_bill", an_engagement(*REFS), planned)) == [named]


def test_all_that_finance_lacks_is_named_at_once() -> None:
    assert len(problems(look("finance_can_bill", an_engagement(), {}))) == 5


def test_a_deal_in_parts_is_billed_in_its_parts() -> None:
    phases = (Phase(name="One", value=money("90000")),)
    whole = an_engagement("client", "ledger_project", phases=phases)

    assert isinstance(look("finance_can_bill", whole, PLANNED), Clear)


@pytest.mark.parametrize("missing", ["legal_entity", "practice", "region", "cost_centre"])
def test_reporting_lacks_a_dimension(missing: str) -> None:
    given = cast("dict[str, str]", PLANNED["dimensions"])
    planned = PLANNED | {"dimensions": {**given, missing: ""}}

    words = missing.replace("_", " ")
    assert problems(look("reporting_is_complete", an_engagement(*REFS), planned)) == [
        f"the dimension {words} is missing"
    ]


def test_reporting_lacks_the_revenue_method() -> None:
    planned = {name: value for name, value in PLANNED.items() if name != "revenue_method"}

    assert problems(look("reporting_is_complete", an_engagement(*REFS), planned)) == [
        "the revenue method is missing"
    ]
