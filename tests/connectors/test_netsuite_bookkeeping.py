"""NetSuite for bookkeeping, against its dialect over real HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
from contract_bookkeeping import (
    AYO,
    DAY,
    Booked,
    BookkeepingContract,
    a_key,
    an_expense,
    some_revenue,
    some_time,
)
from netsuite_billing import Billing
from netsuite_over_http import GMBH, NETSUITE, parts

from fairlead.connectors.netsuite.bookings import NetSuiteBookkeeping
from fairlead.connectors.netsuite.durations import decimal_hours, duration
from fairlead.domain.ids import EffectKey
from fairlead.domain.values import ExternalRef
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.bookkeeping import Bookkeeping
from fairlead.sandbox.process import SandboxProcess

UPSERT = {"operation": "record.upsert"}


class Bookings(Billing):
    """What the sandbox holds, behind the adapter's back."""

    @pytest.fixture(autouse=True)
    def _with_ayo(self, _fresh: None, sandbox: SandboxProcess) -> None:
        person = {"lastName": "Brandt", "firstName": "Ayo", "email": AYO.capitalize()}
        made = sandbox.plant(NETSUITE, "employee", {**person, "subsidiary": {"id": GMBH}})
        self.ayo = made["id"]

    def keeper(self, **changes: Any) -> NetSuiteBookkeeping:
        return NetSuiteBookkeeping(*parts(self.settings, page_size=self.rows_in_a_page, **changes))

    @cached_property
    def books(self) -> NetSuiteBookkeeping:
        """One for a whole test, so that it signs in once."""
        return self.keeper()

    def bookkeeping(self) -> Bookkeeping:
        return self.books

    def project_for(self, currency: str = "EUR") -> ExternalRef:
        return self.given_project(currency).project

    def bookings(self) -> int:
        return self.held_of("timeBill", "journalEntry")

    def journal(self, ref: ExternalRef) -> Booked:
        body = self.body(ref)
        currencies = {
            one["id"]: one["body"]["symbol"] for one in self.sandbox.records(NETSUITE, "currency")
        }
        accounts = {id: of for of, id in self.settings["accounts"].items()}
        jobs = {one["id"] for one in self.sandbox.records(NETSUITE, "job")}
        lines = body["line"]["items"]
        return Booked(
            date.fromisoformat(body["tranDate"]),
            currencies[body["currency"]["id"]],
            {
                accounts[line["account"]["id"]]: Decimal(line.get("debit", 0))
                - Decimal(line.get("credit", 0))
                for line in lines
            },
            {line["entity"]["id"] for line in lines} & jobs,
        )

    def narrative_of(self, time: ExternalRef) -> str:
        return str(self.body(time)["memo"])

    def package_of(self, time: ExternalRef) -> str | None:
        task = self.body(time).get("caseTaskEvent")
        tasks = self.sandbox.records(NETSUITE, "projectTask")
        titles = {one["id"]: one["body"]["title"] for one in tasks}
        return titles[task["id"]].split(" ")[0] if task else None

    def book_by_hand(self, project: ExternalRef, day: date, hours: int) -> None:
        body = {
            "employee": {"id": self.ayo}, "customer": {"id": project.id}, "item": {"id": "2"},
            "tranDate": day.isoformat(), "hours": f"{hours}:00",
        }  # fmt: skip
        self.sandbox.plant(NETSUITE, "timeBill", body)


class TestNetSuiteBookkeeping(Bookings, BookkeepingContract):
    """The contract, all of it."""


class TestWhatNetSuiteHolds(Bookings):
    """How our things look there."""

    def test_time_is_approved_and_booked_where_its_project_is(self) -> None:
        posting = some_time()

        body = self.body(self.books.book_time(posting, project=self.project_for(), key=a_key()))

        booked = [body[segment]["id"] for segment in ("class", "location", "department")]
        assert [self.practice, self.region, self.cost_centre] == booked
        assert (body["approvalStatus"], body["isBillable"]) == ({"id": "3"}, True)
        assert ("7:30", {"id": self.ayo}, {"id": "2"}) == (
            body["hours"],
            body["employee"],
            body["item"],
        )
        assert f"10 {posting.narrative}" == body["memo"]

    def test_categories_may_have_items_and_accounts_of_their_own(self) -> None:
        keeper = self.keeper(time_items={"consulting": "1"}, expense_accounts={"train": "5010"})
        project = self.project_for()

        time = keeper.book_time(some_time(), project=project, key=a_key())
        expense = keeper.book_expense(an_expense(), project=project, key=a_key())

        accounts = [line["account"]["id"] for line in self.body(expense)["line"]["items"]]
        assert (self.body(time)["item"], accounts) == ({"id": "1"}, ["5010", "2100"])

    def test_an_expense_is_owed_to_its_employee(self) -> None:
        expense = an_expense()

        body = self.body(self.books.book_expense(expense, project=self.project_for(), key=a_key()))

        cost, owed = body["line"]["items"]
        assert ({"id": self.ayo}, Decimal("84.30")) == (owed["entity"], Decimal(owed["credit"]))
        assert (body["memo"], str(expense.id)) == (
            "train Deutsche Bahn Kiel and back",
            body["custbody_fairlead_reference"],
        )
        assert [cost[segment]["id"] for segment in ("class", "location", "department")] == [
            self.practice,
            self.region,
            self.cost_centre,
        ]

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            pytest.param({"time_item": None}, "time_item", id="no-item"),
            pytest.param({"accounts": {}}, "No account is set for", id="no-accounts"),
        ],
    )
    def test_what_is_not_set_up_is_refused(self, changes: dict[str, Any], said: str) -> None:
        keeper, project = self.keeper(**changes), self.project_for()

        def book() -> ExternalRef:
            if "time_item" in changes:
                return keeper.book_time(some_time(), project=project, key=a_key())
            return keeper.book_revenue(some_revenue(), project=project, key=a_key())

        with pytest.raises(SystemRefused, match=said):
            book()

        assert self.bookings() == 0

    def test_two_employees_of_one_address_are_asked_about(self) -> None:
        person = {"lastName": "Brandt", "email": AYO, "subsidiary": {"id": "1"}}
        self.sandbox.plant(NETSUITE, "employee", person)

        with pytest.raises(SystemRefused, match="2 employees"):
            self.books.book_time(some_time(), project=self.project_for(), key=a_key())

    def test_journals_are_numbered_by_subsidiary(self) -> None:
        project = self.project_for()
        made = [self.books.book_revenue(some_revenue(), project=project, key=a_key()) for _ in "12"]

        assert [self.body(ref)["tranId"] for ref in made] == ["JE2-00001", "JE2-00002"]

    @pytest.mark.parametrize(
        ("kind", "change"),
        [
            pytest.param("timeBill", {"hours": "7.5"}, id="decimal-hours"),
            pytest.param("timeBill", {"item": None}, id="no-item"),
            pytest.param("journalEntry", {"memo": "Another"}, id="an-approved-journal"),
        ],
    )
    def test_the_sandbox_refuses_what_netsuite_would(
        self, kind: str, change: dict[str, Any]
    ) -> None:
        project = self.project_for()
        if kind == "timeBill":
            made = self.books.book_time(some_time(), project=project, key=a_key())
        else:
            made = self.books.book_revenue(some_revenue(), project=project, key=a_key())

        with pytest.raises(RuntimeError, match="400"):
            self.sandbox.amend(NETSUITE, kind, made.id, change)


class TestTrouble(Bookings):
    """What goes wrong outside becomes the right error, and is done once in the end."""

    def write(self, what: str, project: ExternalRef, key: EffectKey) -> Callable[[], ExternalRef]:
        match what:
            case "time":
                time = some_time()
                return lambda: self.books.book_time(time, project=project, key=key)
            case "expense":
                expense = an_expense()
                return lambda: self.books.book_expense(expense, project=project, key=key)
            case _:
                revenue = some_revenue()
                return lambda: self.books.book_revenue(revenue, project=project, key=key)

    def find(self, what: str, key: EffectKey) -> ExternalRef | None:
        by = {"time": self.books.find_time, "expense": self.books.find_expense}
        return by.get(what, self.books.find_revenue)(key)

    @pytest.mark.parametrize("what", ["time", "expense", "revenue"])
    @pytest.mark.parametrize(
        ("fault", "expected", "done"),
        [
            pytest.param({"kind": "rate_limit", "retry_after": 7}, Throttled, 0, id="429"),
            pytest.param({"kind": "status", "status": 503}, AnswerLost, 0, id="503"),
            pytest.param({"kind": "status_after", "status": 502}, AnswerLost, 1, id="502-after"),
            pytest.param({"kind": "lose_answer"}, AnswerLost, 1, id="answer-lost-after-commit"),
            pytest.param({"kind": "html"}, AnswerLost, None, id="html-in-a-200"),
            pytest.param({"kind": "wrong_success"}, AnswerLost, None, id="another-200"),
        ],
    )
    def test_booking(
        self, what: str, fault: dict[str, Any], expected: type[SystemTrouble], done: int | None
    ) -> None:
        project, key = self.project_for(), a_key()
        write = self.write(what, project, key)
        self.sandbox.faults(NETSUITE, {"times": 1, "match": UPSERT, **fault})

        with pytest.raises(expected) as caught:
            write()

        assert expected is type(caught.value)
        assert done in (None, self.bookings())
        found = self.find(what, key)
        assert (found is not None) == bool(self.bookings())
        again = found or write()
        assert (again, 1) == (self.find(what, key), self.bookings())

    @pytest.mark.parametrize("kind", ["rate_limit", "html", "lose_answer", "half_answer"])
    def test_a_question_without_answer_did_nothing(self, kind: str) -> None:
        project = self.project_for()
        self.sandbox.faults(NETSUITE, {"kind": kind, "match": {"operation": "suiteql"}})

        with pytest.raises(SystemUnavailable):
            self.books.booked_time(project, DAY, DAY)


class TestDurations:
    @pytest.mark.parametrize(
        ("hours", "written"),
        [("7.5", "7:30"), ("0.33333333", "0:20"), ("-0.25", "-0:15"), ("25.75", "25:45"),
         ("0", "0:00"), ("100", "100:00")],
    )  # fmt: skip
    def test_hours_go_there_and_back(self, hours: str, written: str) -> None:
        assert (written, Decimal(hours)) == (duration(Decimal(hours)), decimal_hours(written))

    @pytest.mark.parametrize(("told", "hours"), [("7.5", "7.5"), ("7", "7"), ("-1.25", "-1.25")])
    def test_decimals_are_read_too(self, told: str, hours: str) -> None:
        assert Decimal(hours) == decimal_hours(told)

    @pytest.mark.parametrize("told", ["", "None", "7:5", "7:60", "1e3", "7,5"])
    def test_what_is_neither_is_not_read(self, told: str) -> None:
        assert decimal_hours(told) is None
