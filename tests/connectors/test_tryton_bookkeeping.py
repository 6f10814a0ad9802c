"""Tryton for bookkeeping: the contract, and what is Tryton's own, against a real Tryton 8.2."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from contract_bookkeeping import (
    DAY,
    Booked,
    BookkeepingContract,
    a_key,
    an_expense,
    money,
    some_revenue,
    some_time,
)
from tryton_billing import Billing
from tryton_office import GMBH, LTD
from tryton_over_http import parts

from fairlead.cli.demo_tryton import ACCOUNTS
from fairlead.connectors.tryton.bookkeeping import TrytonBookkeeping
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused, SystemUnavailable

pytestmark = [pytest.mark.slow, pytest.mark.takes(1)]

#: As `AYO` is called on the payroll.
AYO_BRANDT = "Ayọ̀ Brandt"


class Bookings(Billing):
    """What Tryton holds, behind the adapter's back."""

    def bookkeeping(self, **changes: Any) -> TrytonBookkeeping:
        known: dict[str, Any] = {"page_size": self.rows_in_a_page, "accounts": ACCOUNTS}
        return TrytonBookkeeping(*parts(self.desk, **{**known, **changes}))

    def project_for(self, currency: str = "EUR") -> ExternalRef:
        return self.given_project(currency).project

    def bookings(self) -> int:
        return self.desk.count("timesheet_line") + self.desk.count("account_move")

    def journal(self, ref: ExternalRef) -> Booked:
        lines = (
            "account.code", "debit", "credit", "amount_second_currency", "second_currency.code",
            "analytic_lines.account.code",
        )  # fmt: skip
        told = self.desk.record(
            "account.move", ref.id, "date", "company", *(f"lines.{one}" for one in lines)
        )
        company = self.desk.record("company.company", str(told["company"]), "currency.code")
        of = {code: name for name, code in ACCOUNTS.items()}
        amounts: dict[str, Decimal] = {}
        currencies: set[str] = set()
        codes: set[str] = set()
        for line in told["lines."]:
            foreign = line["second_currency."]
            currencies.add(foreign["code"] if foreign else company["currency."]["code"])
            amounts[of[line["account."]["code"]]] = (
                line["amount_second_currency"] if foreign else line["debit"] - line["credit"]
            )
            codes |= {one["account."]["code"] for one in line["analytic_lines."]}
        (currency,) = currencies
        projects = {
            str(self.desk.person.one("project.work", ["name", "like", f"{code} %"]))
            for code in codes
        }
        return Booked(told["date"], currency, amounts, projects)

    def narrative_of(self, time: ExternalRef) -> str:
        return str(self.desk.record("timesheet.line", time.id, "description")["description"])

    def package_of(self, time: ExternalRef) -> str | None:
        work = self.desk.record("timesheet.line", time.id, "work.origin")["work."]["origin"]
        told = self.desk.record("project.work", work.partition(",")[2], "type", "name")
        return told["name"].partition(" ")[0] if told["type"] == "task" else None

    def ayo(self) -> int:
        return self.desk.employees[GMBH, AYO_BRANDT]

    def book_by_hand(self, project: ExternalRef, day: date, hours: int) -> None:
        work = self.desk.record("project.work", project.id, "timesheet_works")
        self.desk.person.create(
            "timesheet.line", company=int(GMBH), employee=self.ayo(), date=day,
            work=work["timesheet_works"][0], duration=timedelta(hours=hours), description=None,
        )  # fmt: skip


class TestTrytonBookkeeping(Bookings, BookkeepingContract):
    """The contract, all of it."""


class TestWhatTrytonHolds(Bookings):
    """How our things look there."""

    def durations(self) -> list[float]:
        """Hours on Ayo's timesheet, in order."""
        lines = self.desk.person.find(
            "timesheet.line", ["employee", "=", self.ayo()], fields=["duration"]
        )
        return [line["duration"].total_seconds() / 3600 for line in lines]

    def test_what_is_taken_back_is_taken_off_what_was_booked(self) -> None:
        books, project = self.bookkeeping(), self.project_for()
        for hours in ("2", "3", "4", "-3", "-5"):
            books.book_time(some_time(hours), project=project, key=a_key())

        assert self.durations() == [0, 0, 1, 0, 0]
        told = [one.hours for one in books.booked_time(project, DAY, DAY)]
        assert [Decimal(one) for one in ("2", "3", "4", "-3", "-5")] == told

    @pytest.mark.parametrize(
        "other", [{"day": date(2026, 3, 13)}, {"task": "20"}], ids=["another-day", "another-task"]
    )
    def test_nothing_is_taken_back_that_was_not_booked(self, other: dict[str, Any]) -> None:
        books, project = self.bookkeeping(), self.project_for()
        books.book_time(some_time("2", **other), project=project, key=a_key())

        with pytest.raises(SystemRefused, match="no negative time"):
            books.book_time(some_time("-2"), project=project, key=a_key())

        assert self.durations() == [2.0]

    def test_what_a_person_changes_on_a_line_is_told(self) -> None:
        books, project = self.bookkeeping(), self.project_for()
        made = books.book_time(some_time("4"), project=project, key=a_key())
        books.book_time(some_time("-1"), project=project, key=a_key())
        self.desk.person.write("timesheet.line", int(made.id), duration=timedelta(hours=2.5))

        told = [one.hours for one in books.booked_time(project, DAY, DAY)]

        assert [Decimal("3.5"), Decimal(-1)] == told

    def test_taking_back_twice_under_one_key_takes_back_once(self) -> None:
        books, project, key = self.bookkeeping(), self.project_for(), a_key()
        books.book_time(some_time("4"), project=project, key=a_key())
        taken = some_time("-1")

        made = [books.book_time(taken, project=project, key=key) for _ in "12"]

        assert (made[0], [3.0, 0.0]) == (made[1], self.durations())

    def test_an_employee_of_another_company_is_not_taken(self) -> None:
        person, mail = self.desk.person, "ida.moss@tarn-holloway.example"
        ways = [["create", [{"type": "email", "value": mail}]]]
        party = person.create("party.party", name="Ida Moss", contact_mechanisms=ways)
        person.create("company.employee", party=party, company=int(LTD))

        with pytest.raises(SystemRefused, match=f"company {GMBH} has no employees"):
            self.bookkeeping().book_time(
                some_time(resource_email=mail),
                project=self.project_for(),
                key=a_key(),
            )

    def test_an_expense_is_owed_to_its_employee(self) -> None:
        made = self.bookkeeping().book_expense(
            an_expense(), project=self.project_for(), key=a_key()
        )

        lines = ("lines.party.name", "lines.credit", "state")
        told = self.desk.record("account.move", made.id, *lines)
        owed = [(one["party."]["name"], one["credit"]) for one in told["lines."] if one["party."]]
        assert (owed, told["state"]) == ([(AYO_BRANDT, Decimal("84.30"))], "posted")

    def test_a_category_may_have_an_account_of_its_own(self) -> None:
        books = self.bookkeeping(expense_accounts={"train": "5.2.2"})

        made = books.book_expense(an_expense(), project=self.project_for(), key=a_key())

        told = self.desk.record("account.move", made.id, "lines.account.code")
        assert {"5.2.2", "2.1.4"} == {one["account."]["code"] for one in told["lines."]}

    def test_another_currency_is_booked_by_the_rate_of_the_day(self) -> None:
        made = self.bookkeeping().book_expense(
            an_expense(money("1000", "JPY")), project=self.project_for("JPY"), key=a_key()
        )

        told = self.desk.record("account.move", made.id, "lines.debit")
        assert Decimal("6.25") in [one["debit"] for one in told["lines."]]  # 160 yen a euro

    def test_what_is_not_set_up_is_refused(self) -> None:
        with pytest.raises(SystemRefused, match="No account is set for billed"):
            self.bookkeeping(accounts={}).book_revenue(
                some_revenue(), project=self.project_for(), key=a_key()
            )

        assert self.bookings() == 0

    def test_a_journal_that_could_not_be_posted_is_not_found_and_is_carried_on(self) -> None:
        books, project, key = self.bookkeeping(), self.project_for(), a_key()
        posting = some_revenue()
        with (
            self.desk.holding("ir_sequence_strict"),
            pytest.raises(SystemUnavailable, match="lock"),
        ):
            books.book_revenue(posting, project=project, key=key)

        assert (books.find_revenue(key), self.bookings()) == (None, 1)
        made = books.book_revenue(posting, project=project, key=key)
        assert (made, 1) == (books.find_revenue(key), self.bookings())
