"""What `Ledger` promises. Every adapter subclasses this; none overrides a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.model.client import Address, Client, ClientChanges
from fairlead.domain.model.project import (
    Dimensions,
    Project,
    ProjectChanges,
    ProjectReading,
    WorkPackage,
)
from fairlead.domain.model.tax import TaxKind, TaxTreatment
from fairlead.domain.values import ExternalRef, Money, total
from fairlead.errors import SystemRefused
from fairlead.ports.ledger import Ledger

START = date(2026, 3, 2)
ELSEWHERE = ExternalRef(system="crm", kind="account", id="001")


def a_key(longest: bool = False) -> EffectKey:
    """As the engine builds them, of up to 200 characters."""
    key = f"th/engagement:{uuid4()}/~setup.1/create"
    return EffectKey(key.ljust(200, "x") if longest else key)


def a_client(name: str = "Halden Werke GmbH", **changes: object) -> Client:
    return Client.model_validate({"ref": ELSEWHERE, "name": name, **changes})


def money(amount: str, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def names(found: Sequence[Client]) -> set[str]:
    return {client.name for client in found}


HOME = Address(street="Hafenstraße 1", city="Köln", region="NRW", postal_code="50667", country="DE")
REVERSE_CHARGE = TaxTreatment(
    kind=TaxKind.REVERSE_CHARGE, code="RC-EU", rate=Decimal("0.19"), country="DE",
    client_tax_id="FR40303265045", basis="Directive 2006/112/EC, art. 196",
)  # fmt: skip


class Examples:
    """Things to write, with ids of segments that the ledger knows."""

    subsidiary: str
    practice: str
    region: str
    cost_centre: str

    def a_project(self, *, budget: Money | None = None, **changes: object) -> Project:
        packages = tuple(
            WorkPackage(
                code=code, name=name, hours=Decimal("80.5"), starts_on=START,
                ends_on=START + timedelta(days=30), billable=code != "30",
            )
            for code, name in (("10", "Design"), ("20", "Build – Köln 100%"), ("30", "Travel"))
        )  # fmt: skip
        values: dict[str, object] = {
            "code": f"TH-{uuid4().hex[:8]}",
            "name": "Ledger renewal",
            "template": "fixed-fee",
            "contract_type": "milestone",
            "dimensions": Dimensions(
                legal_entity="TH-GMBH", subsidiary=self.subsidiary, practice=self.practice,
                region=self.region, cost_centre=self.cost_centre,
            ),
            "budget": budget or money("120000.00"),
            "hours": Decimal("241.5"),
            "starts_on": START,
            "ends_on": START + timedelta(days=90),
            "work_packages": packages,
            **changes,
        }  # fmt: skip
        return Project.model_validate(values)

    def a_schedule(self, *amounts: Money) -> BillingSchedule:
        lines = tuple(
            BillingLine(
                number=nr, name=f"Part {nr}", amount=amount, due_on=START + timedelta(days=30 * nr)
            )
            for nr, amount in enumerate(amounts, start=1)
        )
        return BillingSchedule(
            code=f"TH-{uuid4().hex[:8]}", name="Ledger renewal", currency=amounts[0].currency,
            lines=lines, payment_days=30,
        )  # fmt: skip

    def a_client_there(self, ledger: Ledger) -> ExternalRef:
        return ledger.create_client(
            a_client(currency="EUR"), subsidiary=self.subsidiary, key=a_key()
        )

    def a_project_there(self, ledger: Ledger, *, currency: str = "EUR") -> ExternalRef:
        project = self.a_project(budget=money("1000", currency))
        return ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())


class LedgerContract(Examples, ABC):
    """Each test begins with a ledger in which there are no clients yet."""

    rows_in_a_page: int  #: of what `ledger` answers `candidates` from

    @abstractmethod
    def ledger(self) -> Ledger: ...

    @abstractmethod
    def given_client(self, name: str, *, tax_id: str | None = None, inactive: bool = False) -> None:
        """A person adds a client in that system."""

    @abstractmethod
    def held(self, what: str) -> int:
        """How many records there are: of `client`, `project`, `work_package` or `schedule`."""

    @abstractmethod
    def parent_of(self, project: ExternalRef) -> str:
        """Id of the record that the project hangs on: its client, or another project."""

    @abstractmethod
    def scheduled(self, schedule: ExternalRef) -> list[tuple[date, Decimal]]:
        """The days and amounts that the system holds, in order."""

    @abstractmethod
    def budgeted(self, project: ExternalRef) -> tuple[Decimal, str]:
        """Amount and currency of a project's budget."""

    # Reaching it

    def test_ping_answers(self) -> None:
        self.ledger().ping()

    # Finding by key

    def test_nothing_is_found_under_an_unknown_key(self) -> None:
        ledger = self.ledger()

        assert ledger.find_client(a_key()) is None
        assert ledger.find_project(a_key()) is None
        assert ledger.find_schedule(a_key()) is None

    @pytest.mark.parametrize("longest", [False, True], ids=["usual-key", "key-of-200-characters"])
    def test_what_was_created_is_found_by_its_key(self, longest: bool) -> None:
        ledger = self.ledger()
        for_client, for_project, for_schedule = (a_key(longest) for _ in range(3))

        client = ledger.create_client(a_client(), subsidiary=self.subsidiary, key=for_client)
        project = ledger.create_project(self.a_project(), client=client, key=for_project)
        schedule = ledger.create_schedule(
            self.a_schedule(money("5")), project=project, key=for_schedule
        )

        assert client == ledger.find_client(for_client)
        assert project == ledger.find_project(for_project)
        assert schedule == ledger.find_schedule(for_schedule)

    def test_keys_that_differ_at_the_end_are_told_apart(self) -> None:
        ledger, long = self.ledger(), a_key(longest=True)[:-1]
        first, second = EffectKey(f"{long}1"), EffectKey(f"{long}2")

        made = ledger.create_client(a_client(), subsidiary=self.subsidiary, key=first)

        assert made == ledger.find_client(first)
        assert ledger.find_client(second) is None

    # Repeating

    def test_creating_twice_under_one_key_leaves_one_record(self) -> None:
        ledger, key = self.ledger(), a_key()
        client, project = a_client(), self.a_project()
        before = {what: self.held(what) for what in ("client", "project", "work_package")}

        at = [ledger.create_client(client, subsidiary=self.subsidiary, key=key) for _ in "12"]
        made = [ledger.create_project(project, client=at[0], key=key) for _ in "12"]

        assert at[0] == at[1]
        assert made[0] == made[1]
        after = {what: self.held(what) - before[what] for what in before}
        assert after == {"client": 1, "project": 1, "work_package": 3}

    def test_a_repeated_schedule_has_each_amount_once(self) -> None:
        ledger, key = self.ledger(), a_key()
        project, schedule = self.a_project_there(ledger), self.a_schedule(money("7"), money("8"))
        before = self.held("schedule")

        made = [ledger.create_schedule(schedule, project=project, key=key) for _ in "12"]

        assert made[0] == made[1]
        assert self.held("schedule") - before == 1
        assert [Decimal(7), Decimal(8)] == [amount for _, amount in self.scheduled(made[0])]

    # Amounts

    @pytest.mark.parametrize(
        "amounts",
        [
            pytest.param([money("33333.34"), money("33333.33"), money("0.01")], id="EUR-cents"),
            pytest.param([money("9999999999999.99")], id="EUR-more-than-a-float-holds"),
            pytest.param([money("1000001", "JPY"), money("1", "JPY")], id="JPY-no-decimals"),
            pytest.param([money("10.005", "BHD"), money("0.001", "BHD")], id="BHD-three-decimals"),
        ],
    )
    def test_amounts_arrive_exactly(self, amounts: list[Money]) -> None:
        ledger = self.ledger()
        budget = total(amounts, amounts[0].currency)
        project = ledger.create_project(
            self.a_project(budget=budget), client=self.a_client_there(ledger), key=a_key()
        )
        schedule = self.a_schedule(*amounts)

        made = ledger.create_schedule(schedule, project=project, key=a_key())

        expected = [(line.due_on, line.amount.amount) for line in schedule.lines]
        assert expected == self.scheduled(made)
        assert (budget.amount, budget.currency) == self.budgeted(project)

    # Names

    @pytest.mark.parametrize(
        "name",
        [
            pytest.param('O\'Hara & Söhne "Nord" GmbH', id="quotes"),
            pytest.param("100% Halden_Werke", id="wildcards"),
            pytest.param("Halden'; DROP TABLE customer; --", id="an-injection"),
            pytest.param("Halden \\ Werke\\", id="backslashes"),
            pytest.param("北海道電力株式会社", id="no-latin-letter"),
            pytest.param("🚀🚢", id="emoji-only"),
            pytest.param("%_'", id="signs-only"),
            pytest.param("%'", id="percent-sign"),
            pytest.param("Halden " + "Ü" * 293, id="300-characters"),
        ],
    )
    def test_a_client_of_any_name_comes_back_whole(self, name: str) -> None:
        ledger = self.ledger()
        self.given_client("D'Another plc")

        made = ledger.create_client(a_client(name), subsidiary=self.subsidiary, key=a_key())

        assert [(made, name)] == [(one.ref, one.name) for one in ledger.candidates(a_client(name))]

    def test_projects_and_packages_take_long_names(self) -> None:
        ledger, key, long = self.ledger(), a_key(), "Ünïcøde 🚀 'x' 100%_" * 15
        package = self.a_project().work_packages[0].model_copy(update={"name": long})
        project = self.a_project(name=long, work_packages=(package,))

        made = ledger.create_project(project, client=self.a_client_there(ledger), key=key)

        assert made == ledger.find_project(key)

    # Candidates

    @pytest.mark.parametrize(
        ("held", "asked"),
        [
            pytest.param("Müller Maschinenbau GmbH", "Mueller AG", id="umlaut-asked-as-two"),
            pytest.param("MUELLER AG", "Müller Maschinenbau GmbH", id="two-letters-for-umlaut"),
            pytest.param("Muller & Co", "Müller", id="umlaut-lost"),
            pytest.param("Straßen Bau AG", "Strassen-Bau Aktiengesellschaft", id="sharp-s"),
            pytest.param("Société Générale", "societe generale SA", id="accents-not-typed"),
            pytest.param("Pena S.L.", "Peña, S.A.", id="accents-lost-there"),
            pytest.param("The Halden Group plc", "Halden Limited", id="article-and-legal-form"),
            pytest.param("Halden Ltd", "HALDEN INC.", id="capitals"),
            pytest.param("Nordic Halden AB", "Halden", id="not-the-first-word-there"),
        ],
    )
    def test_a_client_is_a_candidate_in_any_spelling(self, held: str, asked: str) -> None:
        self.given_client(held)
        self.given_client("Quite Another AG")

        assert {held} == names(self.ledger().candidates(a_client(asked)))

    @pytest.mark.parametrize("written", ["DE123456789", "DE 123 456 789", "de-123.456.789"])
    def test_the_same_tax_id_makes_a_candidate_of_any_name(self, written: str) -> None:
        self.given_client("Formerly Otherwise KG", tax_id="DE 123456789")
        self.given_client("Quite Another AG", tax_id="DE999999999")

        found = self.ledger().candidates(a_client("Halden", tax_id=written))

        assert {"Formerly Otherwise KG"} == names(found)

    @pytest.mark.parametrize(
        ("held", "asked"),
        [
            pytest.param("123456789", "DE123456789", id="prefix-only-asked"),
            pytest.param("DE123456789", "123456789", id="prefix-only-there"),
        ],
    )
    def test_the_prefix_of_a_tax_id_may_be_missing(self, held: str, asked: str) -> None:
        self.given_client("Formerly Otherwise KG", tax_id=held)
        client = a_client("Halden", tax_id=asked, address=Address(country="DE"))

        assert {"Formerly Otherwise KG"} == names(self.ledger().candidates(client))

    def test_a_word_inside_another_is_no_candidate(self) -> None:
        self.given_client("Marconi SpA")

        assert list(self.ledger().candidates(a_client("Arco"))) == []

    def test_an_inactive_client_is_a_candidate_that_says_so(self) -> None:
        self.given_client("Halden Ltd", inactive=True)

        assert [one.inactive for one in self.ledger().candidates(a_client("Halden"))] == [True]

    def test_candidates_of_every_page_are_told(self) -> None:
        expected = {f"Halden {nr}" for nr in range(2 * self.rows_in_a_page + 1)}
        for name in expected:
            self.given_client(name)

        assert expected == names(self.ledger().candidates(a_client("Halden AG")))

    def test_a_client_tells_what_it_was_created_with(self) -> None:
        ledger = self.ledger()
        client = a_client(
            tax_id="DE811569869", domain="halden.example", currency="EUR", tier="strategic",
            address=HOME, parent="Nordstern Holding",
        )  # fmt: skip

        made = ledger.create_client(client, subsidiary=self.subsidiary, key=a_key())

        expected = client.model_copy(update={"ref": made})
        assert [expected] == list(ledger.candidates(client))
        assert expected == ledger.client(made)

    def test_a_client_tells_the_head_of_its_group(self) -> None:
        self.given_client("Nordstern Hafen Holding AG")
        self.given_client("Nordstern Reederei AG")
        client = a_client("Halden Werke GmbH", parent="NORDSTERN HAFEN HOLDING AG")

        made = self.ledger().create_client(client, subsidiary=self.subsidiary, key=a_key())

        told = [(one.ref, one.parent) for one in self.ledger().candidates(client)]
        assert told == [(made, "Nordstern Hafen Holding AG")]

    # Reading and changing a client

    def test_an_unknown_client_is_none(self) -> None:
        ledger = self.ledger()
        unknown = self.a_client_there(ledger).model_copy(update={"id": "987654321"})

        assert ledger.client(unknown) is None
        assert ledger.find_client_updated(unknown, ClientChanges(name="X"), key=a_key()) is None

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"name": "Halden & Söhne SE"}, id="name"),
            pytest.param({"name": "Halden " + "Ü" * 293}, id="name-of-300-characters"),
            pytest.param({"tax_id": "DE999999999"}, id="tax-id"),
            pytest.param({"domain": "halden-neu.example"}, id="domain"),
            pytest.param(
                {"address": Address(street="Kai 2", city="Kiel", country="DE")}, id="address"
            ),
            pytest.param({"address": Address(country="FR")}, id="address-of-a-country-alone"),
            pytest.param(
                {"name": "Halden SE", "domain": "h.example", "address": Address(city="Ulm")},
                id="several",
            ),
        ],
    )
    @pytest.mark.parametrize("address", [HOME, Address()], ids=["has-address", "has-none"])
    def test_only_what_is_given_changes_in_a_client(
        self, address: Address, changes: dict[str, object]
    ) -> None:
        ledger, wanted = self.ledger(), ClientChanges.model_validate(changes)
        before = a_client(
            tax_id="DE811569869", domain="halden.example", currency="EUR", tier="strategic",
            address=address, parent="Nordstern Holding",
        )  # fmt: skip
        made = ledger.create_client(before, subsidiary=self.subsidiary, key=a_key())

        assert ledger.find_client_updated(made, wanted, key=a_key()) is None
        for _ in "12":
            assert made == ledger.update_client(made, wanted, key=a_key())

        assert before.model_copy(update={"ref": made, **changes}) == ledger.client(made)
        assert made == ledger.find_client_updated(made, wanted, key=a_key())

    def test_a_client_that_is_not_there_cannot_be_changed(self) -> None:
        ledger = self.ledger()
        unknown = self.a_client_there(ledger).model_copy(update={"id": "987654321"})

        for changes in (ClientChanges(name="X"), ClientChanges(address=HOME)):
            with pytest.raises(SystemRefused):
                ledger.update_client(unknown, changes, key=a_key())

    # Reading and changing a project

    def test_a_project_tells_what_it_was_created_with(self) -> None:
        ledger = self.ledger()
        project = self.a_project(name=("Ünïcøde " * 20).strip())

        made = ledger.create_project(project, client=self.a_client_there(ledger), key=a_key())

        expected = ProjectReading(
            ref=made, name=project.name, starts_on=project.starts_on, ends_on=project.ends_on,
            budget=project.budget, closed=False,
        )  # fmt: skip
        assert expected == ledger.project(made)
        ledger.close_project(made, key=a_key())
        assert expected.model_copy(update={"closed": True}) == ledger.project(made)

    def test_an_unknown_project_is_none(self) -> None:
        ledger = self.ledger()
        unknown = self.a_project_there(ledger).model_copy(update={"id": "987654321"})

        assert ledger.project(unknown) is None
        assert ledger.find_project_updated(unknown, ProjectChanges(name="X"), key=a_key()) is None

    @pytest.mark.parametrize(
        "changes",
        [
            pytest.param({"name": "Ledger renewal, part 2"}, id="name"),
            pytest.param({"name": "Ünïcøde 🚀 'x' 100%_" * 15}, id="long-name"),
            pytest.param({"starts_on": date(2026, 3, 9)}, id="start"),
            pytest.param({"ends_on": date(2026, 12, 31)}, id="end"),
            pytest.param({"budget": money("9999999999999.99")}, id="budget"),
            pytest.param({"budget": money("1.00"), "ends_on": date(2027, 1, 31)}, id="several"),
        ],
    )
    def test_only_what_is_given_changes_in_a_project(self, changes: dict[str, object]) -> None:
        ledger, wanted = self.ledger(), ProjectChanges.model_validate(changes)
        made = self.a_project_there(ledger)
        before = ledger.project(made)
        assert before is not None

        assert ledger.find_project_updated(made, wanted, key=a_key()) is None
        for _ in "12":
            assert made == ledger.update_project(made, wanted, key=a_key())

        assert before.model_copy(update=changes) == ledger.project(made)
        assert made == ledger.find_project_updated(made, wanted, key=a_key())

    def test_a_budget_in_another_currency_is_refused(self) -> None:
        ledger = self.ledger()
        made = self.a_project_there(ledger, currency="EUR")
        before = ledger.project(made)
        changes = ProjectChanges(name="Another", budget=money("5", "GBP"))

        with pytest.raises(SystemRefused, match="GBP"):
            ledger.update_project(made, changes, key=a_key())

        assert before == ledger.project(made)

    def test_a_changed_project_is_still_found_by_its_key(self) -> None:
        ledger, key = self.ledger(), a_key()
        made = ledger.create_project(self.a_project(), client=self.a_client_there(ledger), key=key)

        ledger.update_project(made, ProjectChanges(name="Another"), key=a_key())

        assert made == ledger.find_project(key)

    # Projects of several parts, with everything that sets them up

    def test_a_part_hangs_on_the_project_that_it_belongs_to(self) -> None:
        ledger, key = self.ledger(), a_key()
        client = self.a_client_there(ledger)
        whole = ledger.create_project(self.a_project(), client=client, key=a_key())

        part = self.a_project(parent_code="TH-2038")
        made = [ledger.create_project(part, client=client, key=key, parent=whole) for _ in "12"]

        assert (made[0], made[0]) == (made[1], ledger.find_project(key))
        assert (client.id, whole.id) == (self.parent_of(whole), self.parent_of(made[0]))

    def test_a_project_takes_all_that_sets_it_up(self) -> None:
        ledger, key = self.ledger(), a_key()
        project = self.a_project(
            billing_method="recurring", revenue_method="over_time_by_cost",
            cap=money("150000.00"), tax=REVERSE_CHARGE, time_policy="weekly", expense_policy="eu",
        )  # fmt: skip

        made = ledger.create_project(project, client=self.a_client_there(ledger), key=key)

        assert made == ledger.find_project(key)

    def test_a_cap_in_another_currency_is_refused(self) -> None:
        ledger = self.ledger()
        client, before = self.a_client_there(ledger), self.held("project")
        project = self.a_project(cap=money("5", "GBP"))

        with pytest.raises(SystemRefused, match="GBP"):
            ledger.create_project(project, client=client, key=a_key())

        assert before == self.held("project")

    # Closing

    def test_closing_is_seen_and_may_be_repeated(self) -> None:
        ledger, key = self.ledger(), a_key()
        project = self.a_project_there(ledger)

        assert ledger.find_closed(project, key=key) is None
        assert project == ledger.close_project(project, key=key)
        assert project == ledger.close_project(project, key=key)
        assert project == ledger.find_closed(project, key=key)

    def test_a_closed_project_is_still_found_by_its_key(self) -> None:
        ledger, key = self.ledger(), a_key()
        project = ledger.create_project(
            self.a_project(), client=self.a_client_there(ledger), key=key
        )

        ledger.close_project(project, key=a_key())

        assert project == ledger.find_project(key)
