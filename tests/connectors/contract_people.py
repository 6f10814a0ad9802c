"""What every adapter of the port `people` must do, against a sandbox over real HTTP.

A vendor's test module subclasses `PeopleContract` and gives it a `bench`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from fairlead.ports.people import People


def today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Person:
    """Somebody whom the HR department has entered."""

    first_name: str = "Sofía"
    last_name: str = "Öberg-Núñez"
    email: str | None = "sofia.oberg@tarn-holloway.example"
    title: str = "Senior Consultant"
    location: str = "Munich"
    hours: Decimal | None = Decimal("35.5")
    starts_on: date = field(default_factory=lambda: today() - timedelta(days=400))
    ends_on: date | None = None


class Bench(ABC):
    """One system with its adapter, and a look behind the scenes.

    It is set up so that a Senior Consultant can also be sold as Consultant, and Munich is in EMEA
    and in DE; other titles and locations are not set up, and 40 hours are the firm's week.
    """

    people: People

    @abstractmethod
    def add(self, person: Person) -> str:
        """The HR department enters somebody. Who starts later is entered as that. The id."""

    @abstractmethod
    def add_many(self, count: int) -> None:
        """As many people as it takes to fill pages."""

    @abstractmethod
    def take_leave(
        self, person: str, start: date, end: date, kind: str, *, approved: bool = True
    ) -> None: ...


class PeopleContract(ABC):
    @pytest.fixture
    @abstractmethod
    def bench(self) -> Bench: ...

    def test_a_person_is_read_with_what_staffing_asks(self, bench: Bench) -> None:
        id = bench.add(Person())
        [found] = bench.people.resources()
        assert (found.ref.id, found.name) == (id, "Sofía Öberg-Núñez")
        assert found.email == "sofia.oberg@tarn-holloway.example"
        assert (found.job_title, found.location) == ("Senior Consultant", "Munich")
        assert (found.region, found.country) == ("EMEA", "DE")
        assert found.roles == ("Senior Consultant", "Consultant")
        assert found.hours_per_week == Decimal("35.5")
        assert found.starts_on == today() - timedelta(days=400)
        assert (found.ends_on, found.active) == (None, True)

    def test_a_title_and_a_place_that_are_not_set_up_are_told_as_they_are(
        self, bench: Bench
    ) -> None:
        bench.add(Person(title="Actuary", location="Remote", hours=None, email=None))
        [found] = bench.people.resources()
        assert (found.roles, found.region, found.country) == (("Actuary",), None, None)
        assert (found.location, found.email) == ("Remote", None)
        assert found.hours_per_week == 40

    def test_who_starts_later_is_told_and_who_has_left_is_not(self, bench: Bench) -> None:
        later = bench.add(Person(starts_on=today() + timedelta(days=30)))
        bench.add(Person(ends_on=today() - timedelta(days=1)))
        leaving = bench.add(Person(ends_on=today() + timedelta(days=60)))
        found = {resource.ref.id: resource for resource in bench.people.resources()}
        assert set(found) == {later, leaving}
        assert found[later].starts_on == today() + timedelta(days=30)
        assert not found[later].active
        assert found[leaving].ends_on == today() + timedelta(days=60)
        assert found[leaving].active

    def test_everybody_is_told_once_over_all_pages(self, bench: Bench) -> None:
        bench.add_many(1010)
        ids = [resource.ref.id for resource in bench.people.resources()]
        assert len(ids) == len(set(ids)) == 1010

    def test_nobody_is_an_answer(self, bench: Bench) -> None:
        assert list(bench.people.resources()) == []
        assert list(bench.people.absences(today(), today())) == []

    @pytest.mark.parametrize(
        ("first", "last", "told"),
        [
            pytest.param(date(2026, 3, 1), date(2026, 3, 31), True, id="covers-it"),
            pytest.param(date(2026, 3, 12), date(2026, 3, 13), True, id="within-it"),
            pytest.param(date(2026, 3, 20), date(2026, 4, 1), True, id="its-last-day"),
            pytest.param(date(2026, 3, 1), date(2026, 3, 10), True, id="its-first-day"),
            pytest.param(date(2026, 3, 21), date(2026, 4, 1), False, id="the-day-after"),
            pytest.param(date(2026, 3, 1), date(2026, 3, 9), False, id="the-day-before"),
        ],
    )
    def test_time_off_that_touches_the_days_is_told(
        self, bench: Bench, first: date, last: date, told: bool
    ) -> None:
        person = bench.add(Person())
        bench.take_leave(person, date(2026, 3, 10), date(2026, 3, 20), "Parental leave")
        found = bench.people.absences(first, last)
        assert [(one.resource.id, one.kind) for one in found] == (
            [(person, "Parental leave")] if told else []
        )
        for one in found:
            assert (one.period.start, one.period.end) == (date(2026, 3, 10), date(2026, 3, 20))

    def test_an_absence_names_the_same_person_as_the_list_does(self, bench: Bench) -> None:
        bench.take_leave(bench.add(Person()), date(2026, 3, 10), date(2026, 3, 10), "Sick")
        [resource] = bench.people.resources()
        [absence] = bench.people.absences(date(2026, 3, 1), date(2026, 3, 31))
        assert absence.resource == resource.ref

    def test_time_off_that_is_only_asked_for_is_not_told(self, bench: Bench) -> None:
        person = bench.add(Person())
        bench.take_leave(person, date(2026, 3, 10), date(2026, 3, 10), "Vacation", approved=False)
        assert list(bench.people.absences(date(2026, 3, 1), date(2026, 3, 31))) == []

    def test_a_ping_is_answered(self, bench: Bench) -> None:
        bench.people.ping()
