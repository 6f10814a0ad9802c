"""What every adapter of the port `projects` must do, against a sandbox over real HTTP.

A vendor's test module subclasses `ProjectsContract` and gives it a `bench`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import (
    Dimensions,
    MilestoneMark,
    Progress,
    Project,
    ProjectChanges,
    ProjectReading,
    WorkPackage,
)
from fairlead.domain.model.recorded_time import RecordedTime
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import EffectConflict, SystemRefused
from fairlead.ports.projects import Projects


@dataclass(frozen=True)
class ShownProject:
    """A project as the other system now holds it."""

    title: str
    client_name: str
    starts_on: date
    ends_on: date
    budget: Money
    closed: bool


@dataclass(frozen=True)
class ShownWork:
    """A work package or a demand for people as the other system now holds it."""

    title: str  #: of a demand: its role
    hours: Decimal
    starts_on: date
    ends_on: date
    billable: bool = True


class Bench(ABC):
    """One system with its adapter, and a look behind the scenes."""

    projects: Projects
    rate_card: str  #: a card that exists in GBP
    role: str  #: a role that exists

    @abstractmethod
    def project(self, ref: ExternalRef) -> ShownProject: ...

    @abstractmethod
    def rules(self, ref: ExternalRef) -> dict[str, str | Money]:
        """What it holds of `RULES`, and `parent_code`; without what it does not have."""

    @abstractmethod
    def work(self, ref: ExternalRef) -> ShownWork: ...

    @abstractmethod
    def count(self, ref: ExternalRef) -> int:
        """How many records of this one's kind there are."""

    @abstractmethod
    def crowd(self, count: int) -> None:
        """Add so many projects, rate cards and roles of other names, with other keys."""

    @abstractmethod
    def record_time(
        self, project: ExternalRef, package: ExternalRef, *, minutes: int, note: str
    ) -> str:
        """Somebody records time on 2026-07-06, as a Consultant; its id there."""

    @abstractmethod
    def correct_time(self, id: str, minutes: int) -> None: ...

    @abstractmethod
    def refuse_time(self, id: str) -> None:
        """Its project needs approval there, and nobody has approved it."""

    @abstractmethod
    def move_time(self, id: str, project: ExternalRef) -> None: ...

    @abstractmethod
    def delete_time(self, id: str) -> None: ...

    @abstractmethod
    def record_expense(self, project: ExternalRef, amount: Decimal) -> str:
        """Somebody records a taxi on 2026-07-06, in the project's currency; its id there."""

    @abstractmethod
    def carry_again(self, ref: ExternalRef, key: EffectKey) -> None:
        """Another record of this one's kind that carries the same key."""


KEY = EffectKey("T-H/handoff/006Au00000XyZ1AAI/2/create_project/1")


def key(number: int) -> EffectKey:
    """Keys of which one begins another: …/1 and …/10."""
    return EffectKey(f"T-H/handoff/006Au00000XyZ1AAI/2/step/{number}")


def a_project(**changes: Any) -> Project:
    values: dict[str, Any] = {
        "code": "TH-2038",
        "name": "Claims platform renewal",
        "template": "t-and-m",
        "contract_type": "time_and_materials",
        "dimensions": Dimensions(
            legal_entity="TH-UK", subsidiary="2", practice="data", region="EMEA", cost_centre="410"
        ),
        "budget": Money(amount=Decimal("184250.00"), currency="GBP"),
        "hours": Decimal("1250.5"),
        "starts_on": date(2026, 3, 2),
        "ends_on": date(2026, 9, 30),
        "work_packages": (),
    }
    return Project.model_validate(values | changes)


#: What a project is held to.
RULES: dict[str, str | Money] = {
    "billing_method": "milestone",
    "revenue_method": "over_time_by_cost",
    "cap": Money(amount=Decimal("200000.50"), currency="GBP"),
    "time_policy": "standard-weekly",
    "expense_policy": "rebillable-at-cost",
}


def a_package(**changes: Any) -> WorkPackage:
    values: dict[str, Any] = {
        "code": "10",
        "name": "Discovery",
        "hours": Decimal("120.25"),
        "starts_on": date(2026, 3, 2),
        "ends_on": date(2026, 4, 3),
    }
    return WorkPackage.model_validate(values | changes)


def a_request(role: str, **changes: Any) -> StaffingRequest:
    values: dict[str, Any] = {
        "code": f"TH-2038-{role}-1",
        "role": role,
        "hours": Decimal("96.5"),
        "starts_on": date(2026, 3, 2),
        "ends_on": date(2026, 5, 29),
        "location": "London",
        "rate": Money(amount=Decimal("142.50"), currency="GBP"),
    }
    return StaffingRequest.model_validate(values | changes)


class ProjectsContract(ABC):
    @pytest.fixture
    @abstractmethod
    def bench(self) -> Bench: ...

    @pytest.fixture
    def made(self, bench: Bench) -> ExternalRef:
        return bench.projects.create_project(a_project(), client_name="Brindle Mutual", key=KEY)

    def test_a_system_that_lets_us_in_answers_a_ping(self, bench: Bench) -> None:
        bench.projects.ping()

    # -- projects ----------------------------------------------------------------------------

    def test_a_project_is_found_again_by_its_key(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.projects.find_project(KEY) == made

    def test_a_key_that_was_never_used_finds_nothing(self, bench: Bench, made: ExternalRef) -> None:
        unused = key(99)
        assert bench.projects.find_project(unused) is None
        assert bench.projects.find_work_package(made, key=unused) is None
        assert bench.projects.find_staffing_request(made, key=unused) is None
        assert bench.projects.find_closed(made, key=unused) is None

    def test_a_project_arrives_as_it_was_sent(self, bench: Bench, made: ExternalRef) -> None:
        shown = bench.project(made)
        assert "TH-2038" in shown.title
        assert "Claims platform renewal" in shown.title
        assert shown.client_name == "Brindle Mutual"
        assert (shown.starts_on, shown.ends_on) == (date(2026, 3, 2), date(2026, 9, 30))
        assert shown.budget == Money(amount=Decimal("184250.00"), currency="GBP")
        assert not shown.closed

    @pytest.mark.parametrize(
        ("amount", "currency"),
        [
            ("0", "GBP"),
            ("0.01", "EUR"),
            ("184250.37", "USD"),
            ("9999999.99", "SGD"),
            ("12500000", "JPY"),
            ("1234.567", "KWD"),
        ],
    )
    def test_a_budget_arrives_to_the_last_digit(
        self, bench: Bench, amount: str, currency: str
    ) -> None:
        budget = Money(amount=Decimal(amount), currency=currency)
        ref = bench.projects.create_project(a_project(budget=budget), client_name="B", key=KEY)
        assert bench.project(ref).budget == budget

    def test_another_key_is_another_project(self, bench: Bench, made: ExternalRef) -> None:
        other = bench.projects.create_project(a_project(), client_name="Brindle", key=key(2))
        assert other != made
        assert bench.projects.find_project(KEY) == made
        assert bench.projects.find_project(key(2)) == other

    def test_keys_that_begin_one_another_are_kept_apart(self, bench: Bench) -> None:
        ten = bench.projects.create_project(a_project(), client_name="B", key=key(10))
        assert bench.projects.find_project(key(1)) is None
        one = bench.projects.create_project(a_project(), client_name="B", key=key(1))
        assert bench.projects.find_project(key(1)) == one
        assert bench.projects.find_project(key(10)) == ten

    def test_keys_that_differ_in_case_are_kept_apart(self, bench: Bench) -> None:
        lower = EffectKey("T-H/handoff/006au00000xyz1aai/2/create_project/1")
        bench.projects.create_project(a_project(), client_name="B", key=lower)
        assert bench.projects.find_project(KEY) is None

    def test_a_key_of_two_hundred_characters_is_found(self, bench: Bench) -> None:
        long = EffectKey("aZ9:/._~-" * 22 + "/1")
        ref = bench.projects.create_project(a_project(), client_name="B", key=long)
        assert bench.projects.find_project(long) == ref
        assert bench.projects.find_project(EffectKey(long[:-1] + "2")) is None

    @pytest.mark.parametrize(
        "name",
        [
            "Ångström & Søn — «Überführung» №1",
            "東京電力プロジェクト第二期",
            'Quotes " and \\ and <b>tags</b> & 100 % + more',
            "🚀 " + "ß" * 298,
            "a" * 300,
        ],
    )
    def test_names_arrive_letter_for_letter(self, bench: Bench, name: str) -> None:
        ref = bench.projects.create_project(a_project(name=name), client_name=name, key=KEY)
        shown = bench.project(ref)
        assert name in shown.title
        assert shown.client_name == name

    def test_a_project_is_found_among_many(self, bench: Bench, made: ExternalRef) -> None:
        bench.crowd(260)
        assert bench.projects.find_project(KEY) == made
        assert bench.projects.find_project(key(1)) is None

    def test_two_projects_with_one_key_are_a_conflict(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        bench.carry_again(made, KEY)
        with pytest.raises(EffectConflict):
            bench.projects.find_project(KEY)

    # -- rules, and what a project is a part of ------------------------------------------------

    def test_a_project_without_rules_has_none(self, bench: Bench, made: ExternalRef) -> None:
        assert bench.rules(made) == {}

    def test_the_rules_of_a_project_arrive_with_it(self, bench: Bench) -> None:
        project = a_project(**RULES, parent_code="TH-2000")
        ref = bench.projects.create_project(project, client_name="B", key=KEY)
        assert bench.rules(ref) == RULES | {"parent_code": "TH-2000"}

    def test_a_part_names_the_project_that_it_belongs_to(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        part = a_project(code="TH-2038-2", name="Second phase")
        ref = bench.projects.create_project(part, client_name="B", key=key(2), parent=made)
        assert bench.rules(ref) == {"parent_code": "TH-2038"}
        assert bench.projects.find_project(key(2)) == ref

    def test_a_part_of_nothing_is_refused_and_not_made(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        nowhere = made.model_copy(update={"id": "98765432"})
        with pytest.raises(SystemRefused):
            bench.projects.create_project(a_project(), client_name="B", key=key(2), parent=nowhere)
        assert bench.count(made) == 1

    # -- reading and changing ------------------------------------------------------------------

    def test_a_project_is_read_as_it_was_sent(self, bench: Bench) -> None:
        budget = Money(amount=Decimal("184250.37"), currency="GBP")
        ref = bench.projects.create_project(a_project(budget=budget), client_name="B", key=KEY)
        assert bench.projects.project(ref) == ProjectReading(
            ref=ref,
            name="Claims platform renewal",
            starts_on=date(2026, 3, 2),
            ends_on=date(2026, 9, 30),
            budget=budget,
        )

    def test_a_project_that_is_not_there_reads_as_none(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        assert bench.projects.project(made.model_copy(update={"id": "98765432"})) is None

    def test_a_closed_project_reads_as_closed(self, bench: Bench, made: ExternalRef) -> None:
        bench.projects.close_project(made, key=key(1))
        reading = bench.projects.project(made)
        assert reading is not None
        assert reading.closed

    @pytest.mark.parametrize(
        "changes",
        [
            {"name": "Claims platform: Überführung & 東京"},
            {"starts_on": date(2026, 4, 1)},
            {"ends_on": date(2027, 1, 31)},
            {"budget": Money(amount=Decimal("190000.01"), currency="GBP")},
            {"budget": Money(amount=Decimal("0"), currency="GBP")},
            {
                "name": "All of it",
                "starts_on": date(2025, 1, 1),
                "ends_on": date(2025, 1, 1),
                "budget": Money(amount=Decimal("0.01"), currency="GBP"),
            },
        ],
    )
    def test_a_change_arrives_and_leaves_the_rest(
        self, bench: Bench, made: ExternalRef, changes: dict[str, Any]
    ) -> None:
        before, wanted = bench.projects.project(made), ProjectChanges.model_validate(changes)
        assert before is not None
        assert bench.projects.find_project_updated(made, wanted, key=key(1)) is None
        for _ in range(2):  # a repeat says the same
            assert bench.projects.update_project(made, wanted, key=key(1)) == made
            assert bench.projects.project(made) == before.model_copy(update=changes)
        assert bench.projects.find_project_updated(made, wanted, key=key(1)) == made
        assert "TH-2038" in bench.project(made).title
        assert bench.project(made).budget == changes.get("budget", before.budget)

    def test_a_change_to_what_is_there_already_is_found_at_once(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        wanted = ProjectChanges(ends_on=date(2026, 9, 30))
        assert bench.projects.find_project_updated(made, wanted, key=key(1)) == made

    def test_a_change_of_a_project_that_is_not_there_is_refused(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        nowhere = made.model_copy(update={"id": "98765432"})
        with pytest.raises(SystemRefused):
            bench.projects.update_project(nowhere, ProjectChanges(name="X"), key=key(1))

    def test_a_budget_in_another_currency_is_refused_and_changes_nothing(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        before = bench.projects.project(made)
        wanted = ProjectChanges(name="X", budget=Money(amount=Decimal(5), currency="EUR"))
        with pytest.raises(SystemRefused):
            bench.projects.update_project(made, wanted, key=key(1))
        assert bench.projects.project(made) == before

    # -- rate cards --------------------------------------------------------------------------

    def test_a_rate_card_is_found_among_many(self, bench: Bench) -> None:
        bench.crowd(260)
        project = a_project(rate_card=bench.rate_card)
        ref = bench.projects.create_project(project, client_name="Brindle", key=KEY)
        assert bench.project(ref).budget == project.budget

    def test_a_missing_rate_card_is_refused_by_name_and_nothing_is_made(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        before = bench.count(made)
        with pytest.raises(SystemRefused, match="Antarctica 2026"):
            bench.projects.create_project(
                a_project(rate_card="Antarctica 2026"), client_name="Brindle", key=key(3)
            )
        assert bench.count(made) == before

    # -- work packages -----------------------------------------------------------------------

    def test_a_work_package_is_found_again_by_its_key(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = bench.projects.add_work_package(made, a_package(), key=key(10))
        assert bench.projects.find_work_package(made, key=key(10)) == ref
        assert bench.projects.find_work_package(made, key=key(1)) is None

    def test_a_work_package_arrives_as_it_was_sent(self, bench: Bench, made: ExternalRef) -> None:
        package = a_package(billable=False)
        shown = bench.work(bench.projects.add_work_package(made, package, key=key(1)))
        assert package.code in shown.title
        assert package.name in shown.title
        assert (shown.starts_on, shown.ends_on) == (package.starts_on, package.ends_on)
        assert not shown.billable

    @pytest.mark.parametrize("hours", ["0", "0.25", "7.5", "0.05", "120.35", "99999.95"])
    def test_hours_arrive_exactly(self, bench: Bench, made: ExternalRef, hours: str) -> None:
        package = a_package(hours=Decimal(hours))
        ref = bench.projects.add_work_package(made, package, key=key(1))
        assert bench.work(ref).hours == Decimal(hours)

    def test_a_work_package_and_its_project_may_share_a_key(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = bench.projects.add_work_package(made, a_package(), key=KEY)
        assert bench.projects.find_work_package(made, key=KEY) == ref
        assert bench.projects.find_project(KEY) == made

    def test_two_work_packages_with_one_key_are_a_conflict(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = bench.projects.add_work_package(made, a_package(), key=key(1))
        bench.carry_again(ref, key(1))
        with pytest.raises(EffectConflict):
            bench.projects.find_work_package(made, key=key(1))

    # -- staffing ----------------------------------------------------------------------------

    def test_a_staffing_request_is_found_again_by_its_key(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = bench.projects.request_staffing(made, a_request(bench.role), key=key(10))
        assert bench.projects.find_staffing_request(made, key=key(10)) == ref
        assert bench.projects.find_staffing_request(made, key=key(1)) is None

    def test_two_requests_for_one_role_are_two_people(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        request = a_request(bench.role)
        first = bench.projects.request_staffing(made, request, key=key(1))
        second = bench.projects.request_staffing(made, request, key=key(2))
        assert first != second

    def test_a_staffing_request_arrives_as_it_was_sent(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        bench.crowd(260)
        request = a_request(bench.role)
        shown = bench.work(bench.projects.request_staffing(made, request, key=key(1)))
        assert shown == ShownWork(bench.role, request.hours, request.starts_on, request.ends_on)

    def test_a_missing_role_is_refused_by_name_and_nothing_is_made(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        there = bench.projects.request_staffing(made, a_request(bench.role), key=key(1))
        before = bench.count(there)
        with pytest.raises(SystemRefused, match="Lighthouse Keeper"):
            bench.projects.request_staffing(made, a_request("Lighthouse Keeper"), key=key(2))
        assert bench.count(there) == before

    # -- closing -----------------------------------------------------------------------------

    def test_a_closed_project_is_closed_and_still_found(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        assert bench.projects.find_closed(made, key=key(1)) is None
        assert bench.projects.close_project(made, key=key(1)) == made
        assert bench.project(made).closed
        assert bench.projects.find_closed(made, key=key(1)) == made
        assert bench.projects.find_project(KEY) == made

    def test_closing_a_closed_project_is_no_error(self, bench: Bench, made: ExternalRef) -> None:
        bench.projects.close_project(made, key=key(1))
        assert bench.projects.close_project(made, key=key(1)) == made
        assert bench.project(made).closed

    def test_what_a_closed_project_holds_is_still_found(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        package = bench.projects.add_work_package(made, a_package(), key=key(1))
        request = bench.projects.request_staffing(made, a_request(bench.role), key=key(2))
        bench.projects.close_project(made, key=key(3))
        assert bench.projects.find_work_package(made, key=key(1)) == package
        assert bench.projects.find_staffing_request(made, key=key(2)) == request

    # -- time --------------------------------------------------------------------------------

    def _told(self, bench: Bench, since: datetime) -> dict[str, RecordedTime]:
        """All of one pass, by id; the newest last."""
        found: dict[str, RecordedTime] = {}
        cursor: str | None = None
        while True:
            page = bench.projects.time_changed_since(since, cursor)
            found |= {one.ref.id: one for one in page.entries if one.ref.id not in found}
            assert page.watermark >= since
            cursor = page.next_cursor
            if cursor is None:
                return found

    def test_time_is_told_with_who_what_and_how_long(self, bench: Bench) -> None:
        start = datetime.now(UTC) - timedelta(hours=1)
        project = bench.projects.create_project(a_project(), client_name="Vantor", key=key(901))
        package = bench.projects.add_work_package(project, a_package(), key=key(902))
        id = bench.record_time(project, package, minutes=95, note="Mapped it: ü, 測試")
        (told,) = [one for one in self._told(bench, start).values() if one.project == project]
        assert told.ref.id == id
        assert told.project_name.startswith("TH-2038 ")
        assert told.task_name == "10 Discovery"
        assert (told.day, told.minutes, told.role) == (date(2026, 7, 6), 95, "Consultant")
        assert (told.billable, told.narrative) == (True, "Mapped it: ü, 測試")
        assert told.person
        assert told.changed_at > start

    def test_no_entry_is_missed_over_pages_and_a_change_is_told_again(self, bench: Bench) -> None:
        start = datetime.now(UTC) - timedelta(hours=1)
        project = bench.projects.create_project(a_project(), client_name="Vantor", key=key(903))
        package = bench.projects.add_work_package(project, a_package(), key=key(904))
        made = [bench.record_time(project, package, minutes=15, note=f"n{n}") for n in range(205)]
        first = self._told(bench, start)
        assert set(made) <= set(first)
        page = bench.projects.time_changed_since(start)
        bench.correct_time(made[0], 30)
        later = self._told(bench, page.watermark)
        assert later[made[0]].minutes == 30

    def test_all_time_on_a_project_is_told_over_pages_and_none_of_another(
        self, bench: Bench
    ) -> None:
        project, other = (
            bench.projects.create_project(a_project(), client_name="Vantor", key=key(n))
            for n in (905, 906)
        )
        package = bench.projects.add_work_package(project, a_package(), key=key(907))
        elsewhere = bench.projects.add_work_package(other, a_package(), key=key(908))
        made = [bench.record_time(project, package, minutes=15, note=f"n{n}") for n in range(205)]
        bench.record_time(other, elsewhere, minutes=15, note="elsewhere")
        bench.projects.close_project(project, key=key(909))

        kept = bench.projects.kept_time(project)

        assert sorted(one.entry.ref.id for one in kept) == sorted(made)
        assert all(one.entry.project == project for one in kept)
        assert {one.entry.minutes for one in kept} == {15}

    def test_what_is_kept_says_what_was_changed_moved_deleted_and_not_approved(
        self, bench: Bench
    ) -> None:
        project, other = (
            bench.projects.create_project(a_project(), client_name="Vantor", key=key(n))
            for n in (910, 911)
        )
        package = bench.projects.add_work_package(project, a_package(), key=key(912))
        same, changed, refused, moved, deleted = (
            bench.record_time(project, package, minutes=60, note=f"n{n}") for n in range(5)
        )
        bench.correct_time(changed, 30)
        bench.refuse_time(refused)
        bench.move_time(moved, other)
        bench.delete_time(deleted)

        listed = {one.entry.ref.id: one for one in bench.projects.kept_time(project)}
        known = [same, changed, refused, moved, deleted]
        asked = {one.entry.ref.id: one for one in bench.projects.kept_time(project, known=known)}

        assert set(listed) == {same, changed, refused}
        assert set(asked) == {same, changed, refused, moved}
        assert asked[moved].entry.project == other
        assert {id: one.entry.minutes for id, one in listed.items()} == {
            same: 60, changed: 30, refused: 60,
        }  # fmt: skip
        assert {id: one.approved for id, one in listed.items()} == {
            same: True, changed: True, refused: False,
        }  # fmt: skip

    def test_all_expenses_on_a_project_are_told_over_pages_and_none_of_another(
        self, bench: Bench
    ) -> None:
        project, other = (
            bench.projects.create_project(a_project(), client_name="Vantor", key=key(n))
            for n in (913, 914)
        )
        made = [bench.record_expense(project, Decimal("12.34")) for _ in range(205)]
        bench.record_expense(other, Decimal("99.90"))
        bench.projects.close_project(project, key=key(915))

        kept = bench.projects.kept_expenses(project)

        assert sorted(one.ref.id for one in kept) == sorted(made)
        first = kept[0]
        assert (first.project, first.day, first.category) == (project, date(2026, 7, 6), "Travel")
        assert first.amount == Money(amount=Decimal("12.34"), currency="GBP")
        assert first.person

    # -- milestones

    def test_a_milestone_is_there_once_and_found_by_its_key(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = bench.projects.add_milestone(made, a_mark(), key=key(7))
        assert bench.projects.find_milestone(made, key=key(7)) == ref
        assert bench.projects.find_milestone(made, key=key(8)) is None
        (shown,) = bench.projects.milestones(made)
        assert (shown.ref, shown.key) == (ref, key(7))
        assert shown.progress is Progress.NOT_STARTED

    def test_how_far_a_milestone_is_may_be_said_twice(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        ref = bench.projects.add_milestone(made, a_mark(), key=key(7))
        for progress in (Progress.STARTED, Progress.COMPLETED, Progress.STARTED):
            assert bench.projects.find_progress(ref, progress, key=key(9)) is None
            for _ in range(2):
                assert bench.projects.set_progress(ref, progress, key=key(9)) == ref
            assert bench.projects.find_progress(ref, progress, key=key(9)) == ref
            assert [one.progress for one in bench.projects.milestones(made)] == [progress]

    def test_work_packages_are_no_milestones(self, bench: Bench, made: ExternalRef) -> None:
        bench.projects.add_work_package(made, a_package(), key=key(7))
        assert bench.projects.milestones(made) == ()

    def test_a_milestone_that_is_not_there_is_refused(
        self, bench: Bench, made: ExternalRef
    ) -> None:
        nowhere = ExternalRef(system=made.system, kind="story", id="404")
        with pytest.raises(SystemRefused):
            bench.projects.set_progress(nowhere, Progress.COMPLETED, key=key(9))


def a_mark(number: int = 2, name: str = "Go live") -> MilestoneMark:
    return MilestoneMark(number=number, name=name, due_on=date(2026, 12, 15))
