"""What `Bookkeeping` promises. Every adapter subclasses this; none overrides a test."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import uuid4

import pytest

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.posting import (
    BookedRevenue,
    BookedTime,
    ExpensePosting,
    RevenuePosting,
    TimePosting,
)
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import EffectConflict, SystemRefused
from fairlead.ports.bookkeeping import Bookkeeping

DAY = date(2026, 3, 12)
LONG = ("Ünïcøde 🚀 'x' 100%_ ; \\" * 200)[:4000]
AYO = "ayo.brandt@tarn-holloway.example"
UNKNOWN = {"id": "987654321"}


def a_key(longest: bool = False) -> EffectKey:
    """As the engine builds them, of up to 200 characters."""
    key = f"th/time:{uuid4()}/~book.1/book"
    return EffectKey(key.ljust(200, "x") if longest else key)


def money(amount: str | Decimal, currency: str = "EUR") -> Money:
    return Money(amount=Decimal(amount), currency=currency)


def some_time(hours: str = "7.5", **changes: object) -> TimePosting:
    values: dict[str, object] = {
        "id": uuid4(), "resource": "ayo.brandt", "resource_email": AYO, "task": "10", "day": DAY,
        "hours": Decimal(hours), "category": "consulting", "billable": True,
        "narrative": "Workshop with the port's planners", **changes,
    }  # fmt: skip
    return TimePosting.model_validate(values)


def an_expense(amount: Money | None = None, **changes: object) -> ExpensePosting:
    values: dict[str, object] = {
        "id": uuid4(), "resource": "ayo.brandt", "resource_email": AYO, "task": "10", "day": DAY,
        "category": "train", "amount": amount or money("84.30"), "billable": True,
        "merchant": "Deutsche Bahn", "note": "Kiel and back", **changes,
    }  # fmt: skip
    return ExpensePosting.model_validate(values)


def some_revenue(
    revenue: str = "1000.00", billed: str = "700.00", wip: str = "350.00", deferred: str = "50.00",
    *, currency: str = "EUR", **changes: object,
) -> RevenuePosting:  # fmt: skip
    values: dict[str, object] = {
        "code": f"TH-2038/2026-03/{uuid4().hex[:4]}", "project_code": "TH-2038",
        "month": date(2026, 3, 1), "memo": "Revenue of March",
        "revenue": money(revenue, currency), "billed": money(billed, currency),
        "wip": money(wip, currency), "deferred": money(deferred, currency), **changes,
    }  # fmt: skip
    return RevenuePosting.model_validate(values)


class Booked(NamedTuple):
    """A journal as the ERP holds it."""

    on: date
    currency: str
    #: What is booked on it (`expense`, `payable`, `revenue`, `billed`, `wip`, `deferred`) →
    #: amount; debits are positive, credits negative.
    amounts: dict[str, Decimal]
    projects: set[str]  #: ids of the projects that its lines name


class BookkeepingContract(ABC):
    """Each test begins with an ERP in which nothing is booked, and which knows Ayo by `AYO`."""

    rows_in_a_page: int  #: of what `bookkeeping` answers `booked_time` from

    @abstractmethod
    def bookkeeping(self) -> Bookkeeping: ...

    @abstractmethod
    def project_for(self, currency: str = "EUR") -> ExternalRef:
        """A project that is set up in the same ERP, with work packages 10, 20 and 30."""

    @abstractmethod
    def bookings(self) -> int:
        """How many records of time and journals there are."""

    @abstractmethod
    def journal(self, ref: ExternalRef) -> Booked: ...

    @abstractmethod
    def narrative_of(self, time: ExternalRef) -> str: ...

    @abstractmethod
    def package_of(self, time: ExternalRef) -> str | None:
        """Code of the work package that time is booked on."""

    @abstractmethod
    def book_by_hand(self, project: ExternalRef, day: date, hours: int) -> None:
        """A person books Ayo's time there."""

    @abstractmethod
    def close_period_of(self, day: date) -> None:
        """A person closes the accounting period of a day."""

    # Steps

    def book(self, posting: TimePosting, project: ExternalRef) -> ExternalRef:
        return self.bookkeeping().book_time(posting, project=project, key=a_key())

    def told(self, project: ExternalRef) -> list[BookedTime]:
        return list(self.bookkeeping().booked_time(project, DAY, DAY))

    # Reaching it, and finding by key

    def test_ping_answers(self) -> None:
        self.bookkeeping().ping()

    def test_nothing_is_found_under_an_unknown_key(self) -> None:
        books = self.bookkeeping()

        found = books.find_time(a_key()), books.find_expense(a_key()), books.find_revenue(a_key())
        assert found == (None, None, None)

    @pytest.mark.parametrize("longest", [False, True], ids=["usual-key", "key-of-200-characters"])
    def test_what_was_booked_is_found_by_its_key(self, longest: bool) -> None:
        books, project = self.bookkeeping(), self.project_for()
        for_time, for_expense, for_revenue = (a_key(longest) for _ in range(3))

        time = books.book_time(some_time(), project=project, key=for_time)
        expense = books.book_expense(an_expense(), project=project, key=for_expense)
        revenue = books.book_revenue(some_revenue(), project=project, key=for_revenue)

        assert time == books.find_time(for_time)
        assert expense == books.find_expense(for_expense)
        assert revenue == books.find_revenue(for_revenue)

    def test_keys_that_differ_at_the_end_are_told_apart(self) -> None:
        books, long = self.bookkeeping(), a_key(longest=True)[:-1]
        first, second = EffectKey(f"{long}1"), EffectKey(f"{long}2")

        made = books.book_time(some_time(), project=self.project_for(), key=first)

        assert made == books.find_time(first)
        assert books.find_time(second) is None

    # Repeating

    def writers(self) -> list[Callable[[], ExternalRef]]:
        """One booking of each kind, under one key each."""
        books, project = self.bookkeeping(), self.project_for()
        time, expense, revenue = some_time(), an_expense(), some_revenue()
        keys = [a_key() for _ in range(3)]
        return [
            lambda: books.book_time(time, project=project, key=keys[0]),
            lambda: books.book_expense(expense, project=project, key=keys[1]),
            lambda: books.book_revenue(revenue, project=project, key=keys[2]),
        ]

    def test_booking_twice_under_one_key_books_once(self) -> None:
        for nr, write in enumerate(self.writers(), start=1):
            made = [write(), write()]

            assert (made[0], nr) == (made[1], self.bookings())

    def test_two_writers_with_one_key_book_once(self) -> None:
        def done(write: Callable[[], ExternalRef]) -> str:
            return str(write())

        for nr, write in enumerate(self.writers(), start=1):
            with ThreadPoolExecutor(2) as writers:
                made = set(writers.map(done, [write] * 4))

            assert (len(made), nr) == (1, self.bookings())

    def test_something_else_under_the_same_key_is_a_conflict(self) -> None:
        books, project = self.bookkeeping(), self.project_for()
        keys = [a_key() for _ in range(3)]
        books.book_time(some_time(), project=project, key=keys[0])
        books.book_expense(an_expense(), project=project, key=keys[1])
        books.book_revenue(some_revenue(), project=project, key=keys[2])

        with pytest.raises(EffectConflict):
            books.book_time(some_time("7.25"), project=project, key=keys[0])
        with pytest.raises(EffectConflict):
            books.book_expense(an_expense(money("84.31")), project=project, key=keys[1])
        with pytest.raises(EffectConflict):
            books.book_revenue(some_revenue("1000.01", "700.01"), project=project, key=keys[2])

        assert self.bookings() == 3

    # Time

    @pytest.mark.parametrize(
        "hours",
        [
            pytest.param("7.5", id="half-an-hour"),
            pytest.param("0.33333333", id="twenty-minutes"),
            pytest.param("0.01666667", id="a-minute"),
            pytest.param("24", id="a-day"),
            pytest.param("-7.5", id="taken-back"),
            pytest.param("-0.25", id="a-quarter-taken-back"),
        ],
    )
    def test_booked_time_is_told(self, hours: str) -> None:
        """What is taken back was booked before: an ERP may keep no negative time by itself."""
        project, posting = self.project_for(), some_time(hours)
        before = [some_time("8.25")] if posting.hours < 0 else []
        refs = [self.book(one, project) for one in (*before, posting)]

        told = {one.ref: one for one in self.told(project)}

        assert {ref.id for ref in refs} == told.keys()
        for ref, booked in zip(refs, (*before, posting), strict=True):
            one = told[ref.id]
            assert (booked.id, DAY, booked.hours, AYO) == (
                one.item,
                one.day,
                one.hours,
                one.resource,
            )

    def test_time_that_is_taken_back_adds_up_to_nothing(self) -> None:
        project = self.project_for()
        for hours in ("7.5", "-7.5"):
            self.book(some_time(hours), project)

        assert sum(one.hours for one in self.told(project)) == 0

    def test_parts_of_minutes_are_refused(self) -> None:
        with pytest.raises(SystemRefused, match="minutes"):
            self.book(some_time("0.33"), self.project_for())

        assert self.bookings() == 0

    @pytest.mark.parametrize(
        ("task", "held"), [("20", "20"), (None, None), ("99", None)],
        ids=["of-a-package", "of-none", "of-one-that-it-does-not-have"],
    )  # fmt: skip
    def test_time_is_on_its_work_package(self, task: str | None, held: str | None) -> None:
        made = self.book(some_time(task=task), self.project_for())

        assert held == self.package_of(made)

    def test_narratives_of_any_script_are_taken(self) -> None:
        for narrative in ("北海道 🚀 O'Hara <b>", ""):
            made = self.book(some_time(narrative=narrative), self.project_for())

            assert narrative in self.narrative_of(made)

    def test_a_long_narrative_is_taken(self) -> None:
        made = self.book(some_time(narrative=LONG), self.project_for())

        assert LONG[:2000] in self.narrative_of(made)

    def test_time_of_these_days_and_this_project_alone_is_told(self) -> None:
        project, other = self.project_for(), self.project_for()
        made = {
            day: self.book(some_time(day=day), project).id
            for day in (DAY + timedelta(days=nr) for nr in range(-1, 4))
        }
        self.book(some_time(), other)

        found = self.bookkeeping().booked_time(project, DAY, DAY + timedelta(days=2))

        inside = [id for day, id in made.items() if DAY <= day <= DAY + timedelta(days=2)]
        assert set(inside) == {one.ref for one in found}

    def test_time_of_every_page_is_told(self) -> None:
        project = self.project_for()
        made = {self.book(some_time(), project).id for _ in range(2 * self.rows_in_a_page + 1)}

        assert made == {one.ref for one in self.told(project)}

    def test_what_a_person_booked_there_is_told_without_an_entry_of_ours(self) -> None:
        project = self.project_for()
        self.book_by_hand(project, DAY, 3)

        told = self.told(project)

        assert [(one.item, one.hours, one.resource) for one in told] == [(None, Decimal(3), AYO)]

    # Expenses

    @pytest.mark.parametrize(
        "amount",
        [
            pytest.param(money("0.01"), id="EUR-a-cent"),
            pytest.param(money("9999999999999.99"), id="EUR-more-than-a-float-holds"),
            pytest.param(money("1000001", "JPY"), id="JPY-no-decimals"),
            pytest.param(money("10.005", "BHD"), id="BHD-three-decimals"),
            pytest.param(money("-84.30"), id="EUR-taken-back"),
        ],
    )
    def test_an_expense_is_a_cost_of_its_project(self, amount: Money) -> None:
        project = self.project_for(amount.currency)

        made = self.bookkeeping().book_expense(an_expense(amount), project=project, key=a_key())

        held = self.journal(made)
        assert (DAY, amount.currency, {project.id}) == (held.on, held.currency, held.projects)
        assert {"expense": amount.amount, "payable": -amount.amount} == held.amounts

    def test_an_expense_with_long_notes_is_taken(self) -> None:
        expense = an_expense(merchant="北海道 🚀", note=LONG)

        made = self.bookkeeping().book_expense(expense, project=self.project_for(), key=a_key())

        assert self.journal(made).amounts["expense"] == Decimal("84.30")

    # Revenue

    @pytest.mark.parametrize(
        ("revenue", "billed", "wip", "deferred", "currency"),
        [
            pytest.param("1000.00", "700.00", "350.00", "50.00", "EUR", id="of-both"),
            pytest.param("1000.00", "0.00", "1000.00", "0.00", "EUR", id="earned-not-billed"),
            pytest.param("0.00", "500.00", "0.00", "500.00", "EUR", id="billed-not-earned"),
            pytest.param("100.00", "900.00", "-800.00", "0.00", "EUR", id="wip-is-billed"),
            pytest.param("400.00", "0.00", "0.00", "-400.00", "EUR", id="deferred-is-earned"),
            pytest.param("-100.00", "-300.00", "150.00", "-50.00", "EUR", id="taken-back"),
            pytest.param("9999999999999.99", "0", "9999999999999.99", "0", "EUR", id="large"),
            pytest.param("1000001", "1000000", "1", "0", "JPY", id="JPY-no-decimals"),
            pytest.param("10.005", "10.000", "0.006", "0.001", "BHD", id="BHD-three-decimals"),
        ],
    )
    def test_revenue_is_a_balanced_journal_of_its_month(
        self, revenue: str, billed: str, wip: str, deferred: str, currency: str
    ) -> None:
        project = self.project_for(currency)
        posting = some_revenue(revenue, billed, wip, deferred, currency=currency)

        made = self.bookkeeping().book_revenue(posting, project=project, key=a_key())

        held = self.journal(made)
        asked = {
            "revenue": -Decimal(revenue), "billed": Decimal(billed), "wip": Decimal(wip),
            "deferred": -Decimal(deferred),
        }  # fmt: skip
        assert {of: amount for of, amount in asked.items() if amount} == held.amounts
        assert sum(held.amounts.values()) == 0
        assert (date(2026, 3, 31), currency) == (held.on, held.currency)
        (told,) = self.bookkeeping().booked_revenue([made])
        assert told == BookedRevenue(
            ref=made, revenue=posting.revenue, on=date(2026, 3, 31), posted=True
        )

    def test_a_journal_that_is_no_more_is_not_told(self) -> None:
        project = self.project_for()
        made = self.bookkeeping().book_revenue(some_revenue(), project=project, key=a_key())
        gone = made.model_copy(update={"id": "987654321"})

        told = self.bookkeeping().booked_revenue([gone, made])

        assert [one.ref for one in told] == [made]
        assert self.bookkeeping().booked_revenue([]) == []

    @pytest.mark.parametrize(
        "posting",
        [
            pytest.param(some_revenue("1000.01"), id="out-of-balance"),
            pytest.param(some_revenue("0", "0", "0", "0"), id="nothing"),
            pytest.param(some_revenue(currency="GBP"), id="in-another-currency"),
        ],
    )
    def test_what_is_no_journal_is_refused(self, posting: RevenuePosting) -> None:
        with pytest.raises(SystemRefused):
            self.bookkeeping().book_revenue(posting, project=self.project_for(), key=a_key())

        assert self.bookings() == 0

    # What it refuses

    def test_a_closed_period_takes_no_journal(self) -> None:
        books, project = self.bookkeeping(), self.project_for()
        self.close_period_of(date(2026, 3, 31))

        with pytest.raises(SystemRefused, match=r"(?i)period"):
            books.book_expense(an_expense(), project=project, key=a_key())
        with pytest.raises(SystemRefused, match=r"(?i)period"):
            books.book_revenue(some_revenue(), project=project, key=a_key())

        assert self.bookings() == 0

    @pytest.mark.parametrize("email", [None, "nobody@tarn-holloway.example"])
    def test_whom_it_does_not_know_it_books_nothing_for(self, email: str | None) -> None:
        books, project = self.bookkeeping(), self.project_for()

        with pytest.raises(SystemRefused, match=email or "ayo"):
            books.book_time(some_time(resource_email=email), project=project, key=a_key())
        with pytest.raises(SystemRefused, match=email or "ayo"):
            books.book_expense(an_expense(resource_email=email), project=project, key=a_key())

        assert self.bookings() == 0

    @pytest.mark.parametrize("change", [UNKNOWN, {"system": "other"}], ids=["unknown", "other"])
    def test_a_project_that_is_not_there_is_refused(self, change: dict[str, str]) -> None:
        books, project = self.bookkeeping(), self.project_for().model_copy(update=change)

        with pytest.raises(SystemRefused):
            books.book_time(some_time(), project=project, key=a_key())
        with pytest.raises(SystemRefused):
            books.book_expense(an_expense(), project=project, key=a_key())
        with pytest.raises(SystemRefused):
            books.book_revenue(some_revenue(), project=project, key=a_key())

        assert self.bookings() == 0
