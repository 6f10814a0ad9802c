"""Work that is left to other firms becomes requisitions, tied to project and approved vendor."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from office import Office

from deals import a_deal, money
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.values import ExternalRef
from fairlead.store.database import Database
from fairlead.work.words import ExceptionAction

LEDGER = "netsuite-emea"


@pytest.fixture
def office(db: Database) -> Office:
    return Office(db, "procurement")


def a_vendor(id: str, name: str, *, approved: bool = True) -> Vendor:
    ref = ExternalRef(system=LEDGER, kind="vendor", id=id)
    return Vendor(ref=ref, name=name, country="DE", approved=approved)


def a_need(vendor: str | None = "Brandt Netzwerke GmbH", **changes: Any) -> SubcontractNeed:
    given: dict[str, Any] = {
        "role": "Network engineer",
        "hours": Decimal(120),
        "cost": money("12000"),
        "vendor": vendor,
    }
    return SubcontractNeed.model_validate(given | changes)


def set_up(office: Office, *needs: SubcontractNeed, vendors: tuple[Vendor, ...] = ()) -> list[Any]:
    """The requisitions that were made, each with the project that it is tied to."""
    office.ledgers[LEDGER].suppliers = list(vendors)
    office.win(a_deal(subcontracting=needs))
    office.settle()
    return office.ledgers[LEDGER].of("requisition")


def test_a_requisition_is_tied_to_project_and_approved_vendor(office: Office) -> None:
    made = set_up(
        office, a_need(), vendors=(a_vendor("7", "BRANDT Netzwerke"), a_vendor("8", "Brandt AG"))
    )

    known = office.engagement()
    ((requisition, project),) = made
    assert project == known.refs["ledger_project"]
    assert (requisition.code, requisition.project_code) == (
        f"{known.project_code}-P1",
        known.project_code,
    )
    assert requisition.vendor
    assert requisition.vendor.id == "7"
    assert (requisition.role, requisition.hours, requisition.cost, requisition.needed_on) == (
        "Network engineer",
        Decimal(120),
        money("12000"),
        known.deal.starts_on,
    )
    assert office.engagement().refs["ledger_project"]


def test_each_need_is_a_requisition_of_its_own(office: Office) -> None:
    made = set_up(office, a_need(None), a_need(None, role="Tester", cost=money("500")))

    assert [(r.code[-3:], r.role, r.vendor) for r, _ in made] == [
        ("-P1", "Network engineer", None),
        ("-P2", "Tester", None),
    ]


def test_a_deal_that_leaves_nothing_to_others_buys_nothing(office: Office) -> None:
    assert set_up(office) == []
    assert office.step("create_requisitions") == "skipped"


@pytest.mark.parametrize(
    ("vendors", "says"),
    [
        pytest.param((), "no approved vendor", id="none"),
        pytest.param(
            (a_vendor("7", "Brandt Netzwerke GmbH", approved=False),),
            "no approved vendor",
            id="not-approved",
        ),
        pytest.param(
            (a_vendor("7", "Brandt Netzwerke GmbH"), a_vendor("8", "Brandt Netzwerke")),
            "more than one approved vendor",
            id="two",
        ),
        pytest.param((a_vendor("7", "Brandt Brunnenbau"),), "no approved vendor", id="another"),
    ],
)
def test_where_it_is_not_plain_which_vendor_a_person_says(
    office: Office, vendors: tuple[Vendor, ...], says: str
) -> None:
    made = set_up(office, a_need(None, role="Tester"), a_need(), vendors=vendors)

    assert [requisition.role for requisition, _ in made] == ["Tester"]  # what is plain
    (found,) = office.open_exceptions()
    assert (found["class"], found["team"]) == ("needs_decision", "procurement")
    assert says in found["detail"]
    assert [c["id"] for c in found["difference"]["candidates"]] == [v.ref.id for v in vendors]


def test_a_person_chooses_one_of_two_vendors(office: Office) -> None:
    two = (a_vendor("7", "Brandt Netzwerke GmbH"), a_vendor("8", "Brandt Netzwerke"))
    set_up(office, a_need(), vendors=two)

    office.resolve("samir.patel", ExceptionAction.CHOOSE, {"choice": "8"})
    office.settle()

    ((requisition, _),) = office.ledgers[LEDGER].of("requisition")
    assert requisition.vendor.id == "8"
    assert office.task("hand_over_packet")


def test_a_person_leaves_the_vendor_to_procurement(office: Office) -> None:
    set_up(office, a_need())

    office.resolve("samir.patel", ExceptionAction.CHOOSE, {"choice": "none"})
    office.settle()

    ((requisition, _),) = office.ledgers[LEDGER].of("requisition")
    assert requisition.vendor is None


def test_a_vendor_that_was_chosen_and_approved_since_is_ordered_from(office: Office) -> None:
    set_up(office, a_need(), vendors=(a_vendor("7", "Brandt Netzwerke", approved=False),))
    office.ledgers[LEDGER].suppliers = [a_vendor("7", "Brandt Netzwerke")]

    office.resolve("samir.patel", ExceptionAction.CHOOSE, {"choice": "7"})
    office.settle()

    ((requisition, _),) = office.ledgers[LEDGER].of("requisition")
    assert requisition.vendor.id == "7"


def test_a_vendor_that_is_chosen_before_it_is_approved_is_asked_about_again(
    office: Office,
) -> None:
    set_up(office, a_need(), vendors=(a_vendor("7", "Brandt Netzwerke", approved=False),))

    office.resolve("samir.patel", ExceptionAction.CHOOSE, {"choice": "7"})
    office.settle()

    assert not office.ledgers[LEDGER].of("requisition")
    (found,) = office.open_exceptions()
    assert "no approved vendor" in found["detail"]


def test_a_choice_for_one_need_is_no_choice_for_another(office: Office) -> None:
    vendors = (a_vendor("7", "Brandt Netzwerke", approved=False), a_vendor("9", "Ohm Elektrik"))
    set_up(office, a_need(), a_need("Ohm Elektrik", role="Electrician"), vendors=vendors)

    office.resolve("samir.patel", ExceptionAction.CHOOSE, {"choice": "none"})
    office.settle()

    made = office.ledgers[LEDGER].of("requisition")
    assert [r.vendor and r.vendor.id for r, _ in made] == [None, "9"]


def test_two_needs_that_are_not_plain_are_asked_about_one_after_the_other(office: Office) -> None:
    vendors = (
        a_vendor("7", "Brandt Netzwerke GmbH"),
        a_vendor("8", "Brandt Netzwerke"),
        a_vendor("9", "Ohm Elektrik GmbH"),
        a_vendor("10", "Ohm Elektrik"),
    )
    set_up(office, a_need(), a_need("Ohm Elektrik", role="Electrician"), vendors=vendors)

    for choice in ("8", "9"):
        office.resolve("samir.patel", ExceptionAction.CHOOSE, {"choice": choice})
        office.settle()

    made = office.ledgers[LEDGER].of("requisition")
    assert [(r.role, r.vendor.id) for r, _ in made] == [
        ("Network engineer", "8"),
        ("Electrician", "9"),
    ]
    assert office.task("hand_over_packet")


def test_a_firm_that_buys_work_and_has_no_system_for_it_is_told_so(db: Database) -> None:
    office = Office(db)
    office.win(a_deal(subcontracting=(a_need(),)))
    office.settle()

    (found,) = office.open_exceptions()
    assert (found["class"], found["step"]) == ("configuration", "create_requisitions")
