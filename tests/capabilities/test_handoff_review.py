"""What a rule cannot say yes to is asked of the person whom a policy names, and of nobody else."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from office import Office

from deals import a_client, a_contract, a_deal, money
from fairlead.domain.model.contract import Clause, ContractStatus, ContractType
from fairlead.domain.model.engagement import EngagementState
from fairlead.domain.model.opportunity import OpportunityStage
from fairlead.domain.model.resource import Absence, Resource
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import ExternalRef, Period
from fairlead.errors import NotAllowed, NotFound, SystemUnavailable
from fairlead.store.database import Database
from fairlead.work.words import ExceptionAction

LATER = "2026-11-02T12:00:01.000Z"
LATER_STILL = "2026-11-02T12:00:02.000Z"


def consultants(rate: str | None, hours: str = "390", currency: str = "EUR") -> dict[str, Any]:
    """The approved price of a consultant is EUR 140."""
    price = money(rate, currency) if rate else None
    return {"roles": (RoleDemand(role="Consultant", hours=Decimal(hours), rate=price),)}


def departing(code: str = "liability") -> Clause:
    return Clause(code=code, title="Liability", text="Without any limit.", standard=False)


def asked(office: Office) -> dict[str, str]:
    """Step → role, of what waits for a person."""
    return {task["step"]: task["role"] for task in office.rows("tasks", state="open")}


def win(office: Office, **deal: Any) -> None:
    office.win(a_deal(**deal))
    office.settle()


def test_a_standard_deal_asks_nobody(office: Office) -> None:
    standard = Clause(code="liability", title="Liability", text="Up to the fee.")
    win(office, contract=a_contract(clauses=(standard,)), **consultants("140"))

    assert asked(office) == {"hand_over_packet": "sales_operations"}
    for step in ("rate_exception", "legal_review", "country_review", "capacity_review"):
        assert office.step(step) == "skipped"
    assert office.decided("rate-approval") == ["on-card"]
    assert office.decided("clause-review") == ["all-standard"]
    assert office.decided("country-compliance") == ["open"]
    assert office.decided("capacity-warning") == ["enough"]


@pytest.mark.parametrize(
    ("roles", "role", "row"),
    [
        pytest.param(consultants("139"), "pmo_lead", "shallow", id="a-little-below"),
        pytest.param(consultants("119"), "pmo_lead", "shallow", id="15-per-cent"),
        pytest.param(consultants("118.99"), "controller", "deep", id="more-than-15"),
        pytest.param(
            {"roles": (RoleDemand(role="Poet", hours=Decimal(8), rate=money("300")),)},
            "controller",
            "unpriced",
            id="no-approved-price",
        ),
        pytest.param(consultants("140", currency="USD"), "controller", "unpriced", id="in-dollars"),
    ],
)
def test_a_rate_off_the_card_is_asked_of_the_role_that_its_depth_calls_for(
    office: Office, roles: dict[str, Any], role: str, row: str
) -> None:
    win(office, **roles)

    assert asked(office) == {"rate_exception": role}
    assert set(office.decided("rate-approval")) == {row}
    assert office.task()["because"]
    assert office.engagement().state is EngagementState.RECEIVED
    assert not office.rows("effects")


@pytest.mark.parametrize("roles", [consultants("160"), consultants(None)])
def test_a_rate_above_the_card_or_at_the_cards_asks_nobody(
    office: Office, roles: dict[str, Any]
) -> None:
    win(office, **roles)

    assert set(asked(office)) == {"hand_over_packet"}


def test_an_approved_rate_lets_the_set_up_go_on(office: Office) -> None:
    win(office, **consultants("130"))
    office.answer("ines.moreau")

    assert office.engagement().state is EngagementState.IN_SETUP
    assert set(asked(office)) == {"hand_over_packet"}


def test_a_clause_that_is_not_ours_goes_to_legal(office: Office) -> None:
    win(office, contract=a_contract(clauses=(departing(), departing("penalty"))))

    assert asked(office) == {"legal_review": "legal"}
    (decision, *_) = office.rows("decisions", policy="clause-review")
    assert decision["facts"]["codes"] == "liability, penalty"
    assert any(
        "Without any limit" in words for words in office.result("assess")["clauses"]["words"]
    )
    with pytest.raises(NotAllowed):
        office.answer("ines.moreau")
    office.answer("grace.mbeki")
    assert office.engagement().state is EngagementState.IN_SETUP


@pytest.mark.parametrize(
    ("deal", "row"),
    [
        pytest.param({"country": "AE"}, "licence-delivery", id="licence"),
        pytest.param({"country": "RU"}, "embargo-delivery", id="embargo"),
        pytest.param(
            {"client": a_client(country="BY", tax_id=None), "region": "AMER"},
            "embargo-client",
            id="client",
        ),
    ],
)
def test_a_restricted_country_goes_to_compliance(
    office: Office, deal: dict[str, Any], row: str
) -> None:
    win(office, **deal)

    assert asked(office) == {"country_review": "compliance"}
    assert set(office.decided("country-compliance")) == {row}


def test_only_compliance_of_the_deals_region_may_say_yes_to_a_country(office: Office) -> None:
    win(office, country="AE")

    for elsewhere in ("keiko.tanaka", "laura.benitez"):
        with pytest.raises(NotFound, match="no such task"):
            office.answer(elsewhere)
    office.answer("yusuf.demir")
    assert office.engagement().state is EngagementState.IN_SETUP


def test_several_who_must_look_are_asked_side_by_side(office: Office) -> None:
    win(office, country="AE", contract=a_contract(clauses=(departing(),)), **consultants("100"))
    assert asked(office) == {
        "rate_exception": "controller",
        "legal_review": "legal",
        "country_review": "compliance",
    }

    office.answer("hanna.lindqvist", step="rate_exception")
    office.answer("grace.mbeki", step="legal_review")
    assert office.engagement().state is EngagementState.RECEIVED
    office.answer("yusuf.demir", step="country_review")
    assert office.engagement().state is EngagementState.IN_SETUP


def test_one_refusal_declines_the_run_and_nothing_was_set_up(office: Office) -> None:
    win(office, country="AE", contract=a_contract(clauses=(departing(),)))

    office.answer("grace.mbeki", step="legal_review", approved=False, reason="No cap at all.")

    assert office.engagement().state is EngagementState.DECLINED
    assert [run["state"] for run in office.rows("runs")] == ["declined"]
    assert not asked(office)
    assert not office.rows("effects")


def test_whoever_supplied_the_rates_may_not_approve_them(office: Office) -> None:
    win(office, contract_type=ContractType.TIME_AND_MATERIALS, roles=())
    roles = [
        {"role": "Consultant", "hours": "80", "rate": {"amount": "130", "currency": "EUR"}},
    ]
    office.resolve("ines.moreau", ExceptionAction.SUPPLY, {"roles": roles})
    office.settle()

    with pytest.raises(NotAllowed, match="gave its data"):
        office.answer("ines.moreau", step="rate_exception")


# a change while somebody is asked (T2)


def test_a_change_while_an_approval_waits_voids_it_and_asks_anew(office: Office) -> None:
    win(office, **consultants("130"))
    first = office.task("rate_exception")

    office.change(a_deal(revision=LATER, **consultants("110")))
    office.settle()

    second = office.task("rate_exception")
    assert second["id"] != first["id"]
    assert (first["role"], second["role"]) == ("pmo_lead", "controller")
    (voided,) = office.rows("tasks", id=first["id"])
    assert voided["state"] == "cancelled"
    assert [run["state"] for run in office.runs("deal-to-delivery")] == ["cancelled", "active"]
    assert office.engagement().state is EngagementState.RECEIVED


def test_what_was_approved_is_asked_anew_when_the_deal_changes(office: Office) -> None:
    win(office, contract=a_contract(clauses=(departing(),)), **consultants("130"))
    office.answer("ines.moreau", step="rate_exception")

    office.change(
        a_deal(revision=LATER, contract=a_contract(clauses=(departing(),)), **consultants("120"))
    )
    office.settle()

    assert asked(office) == {"rate_exception": "pmo_lead", "legal_review": "legal"}


def test_a_change_that_needs_nobody_any_more_goes_on_by_itself(office: Office) -> None:
    win(office, **consultants("130"))

    office.change(a_deal(revision=LATER, **consultants("140")))
    office.settle()

    assert office.engagement().state is EngagementState.IN_SETUP
    assert set(asked(office)) == {"hand_over_packet"}


def test_a_new_revision_that_says_the_same_leaves_the_question_open(office: Office) -> None:
    win(office, **consultants("130"))
    first = office.task("rate_exception")

    office.change(a_deal(revision=LATER, owner="somebody.else@example.com", **consultants("130")))
    office.settle()

    assert office.task("rate_exception")["id"] == first["id"]


def test_supplied_values_are_kept_when_a_change_asks_anew(office: Office) -> None:
    win(office, starts_on=None, **consultants("130"))
    office.resolve("pia.novak", ExceptionAction.SUPPLY, {"starts_on": "2026-12-01"})
    office.settle()
    assert office.task("rate_exception")

    office.change(a_deal(revision=LATER, starts_on=None, **consultants("129")))
    office.settle()

    assert office.task("rate_exception")
    assert terms(office.engagement()).starts_on == date(2026, 12, 1)
    assert not office.open_exceptions()


def test_a_deal_that_is_lost_while_it_is_reviewed_is_not_set_up_whoever_says_yes(
    office: Office,
) -> None:
    win(office, **consultants("130"))

    office.change(a_deal(revision=LATER, stage=OpportunityStage.LOST, **consultants("130")))
    office.settle()
    office.answer("ines.moreau", step="rate_exception")

    assert office.engagement().state is EngagementState.RECEIVED
    assert office.gaps() == {"stage"}
    assert not office.rows("effects")

    office.change(a_deal(revision=LATER_STILL, **consultants("130")))
    office.settle()
    assert office.engagement().state is EngagementState.IN_SETUP


# people


def a_person(number: int, *roles: str, region: str = "EMEA", hours: str = "40") -> Resource:
    return Resource(
        ref=ExternalRef(system="bamboohr", kind="employee", id=str(number)),
        name=f"Person {number}",
        roles=roles,
        region=region,
        hours_per_week=Decimal(hours),
    )


@pytest.fixture
def staffed(db: Database) -> Office:
    return Office(db, "people")


def test_enough_people_ask_nobody(staffed: Office) -> None:
    staffed.people.staff = [a_person(1, "Consultant")]
    win(staffed, **consultants("140"))

    assert set(asked(staffed)) == {"hand_over_packet"}
    assert Decimal(staffed.result("check_capacity")["short"]) == 0


def test_too_few_people_ask_the_resource_manager(staffed: Office) -> None:
    """390 hours over 39 weeks are ten a week; six are there."""
    staffed.people.staff = [a_person(1, "Consultant", hours="6"), a_person(2, "Poet")]
    win(staffed, **consultants("140"))

    assert asked(staffed) == {"capacity_review": "resource_manager"}
    assert set(staffed.decided("capacity-warning")) == {"short"}
    (words,) = staffed.result("check_capacity")["words"]
    assert words.startswith("Consultant: ")
    staffed.answer("wei.chen")
    assert staffed.engagement().state is EngagementState.IN_SETUP


def test_hardly_anybody_asks_the_pmo_lead(staffed: Office) -> None:
    staffed.people.staff = [a_person(1, "Consultant", region="AMER")]
    win(staffed, **consultants("140"))

    assert asked(staffed) == {"capacity_review": "pmo_lead"}
    assert set(staffed.decided("capacity-warning")) == {"mostly-missing"}


def test_who_is_away_is_not_there(staffed: Office) -> None:
    one = a_person(1, "Consultant")
    staffed.people.staff = [one]
    away = Period(start=date(2026, 12, 1), end=date(2027, 8, 31))
    staffed.people.away = [Absence(resource=one.ref, period=away, kind="Parental leave")]
    win(staffed, **consultants("140"))

    assert asked(staffed) == {"capacity_review": "pmo_lead"}


def test_hours_that_are_promised_to_another_engagement_are_not_there(staffed: Office) -> None:
    staffed.people.staff = [a_person(1, "Consultant", hours="12")]
    win(staffed, id="O1", **consultants("140"))
    assert set(asked(staffed)) == {"hand_over_packet"}

    staffed.win(a_deal(id="O2", **consultants("140")))
    staffed.settle()

    assert asked(staffed)["capacity_review"] == "pmo_lead"


def test_a_review_of_a_likely_deal_says_who_is_short(staffed: Office) -> None:
    staffed.change(
        a_deal(
            stage=OpportunityStage.OPEN,
            probability=Decimal("0.8"),
            contract=a_contract(status=ContractStatus.DRAFT),
            **consultants("140"),
        )
    )
    staffed.settle()

    (notice,) = staffed.rows("notifications", about="demand_weighed")
    assert "312.00 hours" in notice["text"]
    assert "Short: Consultant: 312" in notice["text"]
    assert asked(staffed) == {"delivery_review": "pmo_lead"}


def test_an_hr_system_that_is_down_holds_only_the_question_of_people(staffed: Office) -> None:
    staffed.people.trouble = [SystemUnavailable("bamboohr", "connection refused")]
    staffed.people.staff = [a_person(1, "Consultant")]
    win(staffed, **consultants("140"))
    assert staffed.engagement().state is EngagementState.RECEIVED
    assert not staffed.open_exceptions()

    with staffed.db.transaction() as tx:
        tx.execute("UPDATE steps SET ready_at = clock_timestamp() WHERE state = 'ready'")
    staffed.settle()
    assert staffed.engagement().state is EngagementState.IN_SETUP
