"""What `Procurement` promises. Every adapter subclasses this; none overrides a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.requisition import HeldRequisition, Requisition
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import SystemRefused
from fairlead.ports.procurement import Procurement


def a_key(longest: bool = False) -> EffectKey:
    """As the engine builds them, of up to 200 characters."""
    key = f"th/engagement:{uuid4()}/~requisition.1/create"
    return EffectKey(key.ljust(200, "x") if longest else key)


def a_requisition(cost: Money | None = None, **changes: object) -> Requisition:
    values: dict[str, object] = {
        "code": f"TH-{uuid4().hex[:8]}/1",
        "project_code": "TH-2038",
        "description": "Penetration test of the client portal",
        "role": "Security tester",
        "hours": Decimal("37.5"),
        "cost": cost or Money(amount=Decimal("4200.00"), currency="EUR"),
        "needed_on": date(2026, 4, 1),
        **changes,
    }
    return Requisition.model_validate(values)


def names(found: Sequence[Vendor]) -> set[str]:
    return {vendor.name for vendor in found}


class ProcurementContract(ABC):
    """Each test begins with a system in which there are no vendors and requisitions yet."""

    rows_in_a_page: int  #: of what `procurement` answers `vendors` from

    @abstractmethod
    def procurement(self) -> Procurement: ...

    @abstractmethod
    def given_vendor(
        self,
        name: str,
        *,
        approved: bool = True,
        inactive: bool = False,
        tax_id: str | None = None,
        country: str | None = None,
    ) -> ExternalRef:
        """A person adds a vendor in that system."""

    @abstractmethod
    def given_project(self) -> ExternalRef:
        """A project that is set up in the same system."""

    @abstractmethod
    def requisitions(self) -> int:
        """How many requisitions there are."""

    @abstractmethod
    def asked_for(self, requisition: ExternalRef) -> list[tuple[str, str | None, Money]]:
        """Of each of its lines: id of the project, id of the vendor, and the amount."""

    # Reaching it, and finding by key

    def test_ping_answers(self) -> None:
        self.procurement().ping()

    def test_nothing_is_found_under_an_unknown_key(self) -> None:
        assert self.procurement().find_requisition(a_key()) is None

    @pytest.mark.parametrize("longest", [False, True], ids=["usual-key", "key-of-200-characters"])
    def test_what_was_created_is_found_by_its_key(self, longest: bool) -> None:
        procurement, key = self.procurement(), a_key(longest)

        made = procurement.create_requisition(
            a_requisition(), project=self.given_project(), key=key
        )

        assert made == procurement.find_requisition(key)

    def test_requisitions_are_told_as_they_are_and_not_where_they_are_no_more(self) -> None:
        procurement, wanted = self.procurement(), a_requisition()
        made = procurement.create_requisition(wanted, project=self.given_project(), key=a_key())
        gone = made.model_copy(update={"id": "987654321"})

        told = procurement.requisitions([gone, made])

        assert told == [HeldRequisition(ref=made, cost=wanted.cost)]
        assert procurement.requisitions([]) == []

    def test_keys_that_differ_at_the_end_are_told_apart(self) -> None:
        procurement, long = self.procurement(), a_key(longest=True)[:-1]
        first, second = EffectKey(f"{long}1"), EffectKey(f"{long}2")

        made = procurement.create_requisition(
            a_requisition(), project=self.given_project(), key=first
        )

        assert made == procurement.find_requisition(first)
        assert procurement.find_requisition(second) is None

    def test_creating_twice_under_one_key_leaves_one_requisition(self) -> None:
        procurement, project, key = self.procurement(), self.given_project(), a_key()
        requisition = a_requisition()

        made = [procurement.create_requisition(requisition, project=project, key=key) for _ in "12"]

        assert (made[0], 1) == (made[1], self.requisitions())
        assert [(project.id, None, requisition.cost)] == self.asked_for(made[0])

    # What it holds

    def test_a_requisition_is_tied_to_project_and_vendor(self) -> None:
        project, other = self.given_project(), self.given_project()
        vendor = self.given_vendor("Redoubt Security GmbH")
        requisition = a_requisition(vendor=vendor)

        made = self.procurement().create_requisition(requisition, project=other, key=a_key())

        assert project != other
        assert [(other.id, vendor.id, requisition.cost)] == self.asked_for(made)

    @pytest.mark.parametrize(
        ("amount", "currency"),
        [
            pytest.param("0.01", "EUR", id="EUR-a-cent"),
            pytest.param("9999999999999.99", "USD", id="USD-more-than-a-float-holds"),
            pytest.param("1000001", "JPY", id="JPY-no-decimals"),
            pytest.param("10.005", "BHD", id="BHD-three-decimals"),
        ],
    )
    def test_amounts_arrive_exactly(self, amount: str, currency: str) -> None:
        cost = Money(amount=Decimal(amount), currency=currency)

        made = self.procurement().create_requisition(
            a_requisition(cost), project=self.given_project(), key=a_key()
        )

        assert [cost] == [line[2] for line in self.asked_for(made)]

    def test_long_descriptions_and_roles_are_taken(self) -> None:
        long = ("Ünïcøde 🚀 'x' 100%_" * 60)[:1000]
        requisition = a_requisition(description=long, role=long)

        made = self.procurement().create_requisition(
            requisition, project=self.given_project(), key=a_key()
        )

        assert [requisition.cost] == [line[2] for line in self.asked_for(made)]

    @pytest.mark.parametrize("wrong", ["project", "vendor"])
    def test_what_is_not_there_cannot_be_tied_to(self, wrong: str) -> None:
        project, vendor = self.given_project(), self.given_vendor("Redoubt Security GmbH")
        unknown = {"id": "987654321"}
        if wrong == "project":
            project = project.model_copy(update=unknown)
        else:
            vendor = vendor.model_copy(update=unknown)

        with pytest.raises(SystemRefused):
            self.procurement().create_requisition(
                a_requisition(vendor=vendor), project=project, key=a_key()
            )

        assert self.requisitions() == 0

    def test_a_vendor_of_another_system_is_refused(self) -> None:
        vendor = self.given_vendor("Redoubt Security GmbH").model_copy(update={"system": "other"})
        project = self.given_project()

        with pytest.raises(SystemRefused, match="other"):
            self.procurement().create_requisition(
                a_requisition(vendor=vendor), project=project, key=a_key()
            )

        assert self.requisitions() == 0

    # Vendors

    @pytest.mark.parametrize(
        ("held", "asked"),
        [
            pytest.param("Müller Prüftechnik GmbH", "Mueller", id="umlaut-asked-as-two"),
            pytest.param("MUELLER AG", "Müller Prüftechnik GmbH", id="two-letters-for-umlaut"),
            pytest.param("Pena S.L.", "Peña, S.A.", id="accents-lost-there"),
            pytest.param("The Redoubt Group plc", "Redoubt Limited", id="article-and-legal-form"),
            pytest.param("Nordic Redoubt AB", "Redoubt", id="not-the-first-word-there"),
            pytest.param("100% O'Hara_", "100% O'Hara_", id="signs"),
        ],
    )
    def test_a_vendor_is_found_in_any_spelling(self, held: str, asked: str) -> None:
        self.given_vendor(held)
        self.given_vendor("Quite Another AG")

        assert {held} == names(self.procurement().vendors(asked))

    def test_a_word_inside_another_is_no_vendor(self) -> None:
        self.given_vendor("Marconi SpA")

        assert list(self.procurement().vendors("Arco")) == []

    def test_vendors_of_every_page_are_told(self) -> None:
        expected = {f"Redoubt {nr}" for nr in range(2 * self.rows_in_a_page + 1)}
        for name in expected:
            self.given_vendor(name)

        assert expected == names(self.procurement().vendors("Redoubt AG"))

    @pytest.mark.parametrize(
        ("approved", "inactive", "may_order"),
        [(True, False, True), (False, False, False), (True, True, False)],
        ids=["approved", "not-approved", "approved-but-inactive"],
    )
    def test_a_vendor_says_whether_we_may_order(
        self, approved: bool, inactive: bool, may_order: bool
    ) -> None:
        self.given_vendor("Redoubt AG", approved=approved, inactive=inactive)

        assert [may_order] == [one.approved for one in self.procurement().vendors("Redoubt")]

    def test_a_vendor_tells_its_country_and_tax_id(self) -> None:
        ref = self.given_vendor("Redoubt AG", tax_id="DE123456788", country="DE")

        expected = Vendor(
            ref=ref, name="Redoubt AG", country="DE", tax_id="DE123456788", approved=True
        )
        assert [expected] == list(self.procurement().vendors("Redoubt"))
