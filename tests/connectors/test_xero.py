"""Xero Payroll UK: the port's contract, and each trouble mapped to the right error."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import simplejson
from contract_payroll import AYO, END, START, Bench, PayrollContract, a_key, a_sheet, line

from fairlead.connectors.kit.declaration import over_http
from fairlead.connectors.kit.http import Http, OpenGate
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.xero.adapter import XeroPayroll
from fairlead.connectors.xero.declaration import CONNECTOR
from fairlead.connectors.xero.settings import XeroSettings
from fairlead.connectors.xero.sign_in import sign_in
from fairlead.domain.model.pay_sheet import Payee, PayLine
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.payroll import Payroll
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.xero import MONTHLY, WEEKLY

SYSTEM = "xero"
FIXTURES = Path(__file__).parents[2] / "src/fairlead/connectors/xero/fixtures"


def adapter(settings: Mapping[str, Any]) -> XeroPayroll:
    given = XeroSettings.model_validate(settings)
    http = over_http(SYSTEM, given, OpenGate())
    http = http.with_sign_in(sign_in(SYSTEM, given, http))
    return XeroPayroll(SYSTEM, given, http, FieldMap.load(CONNECTOR.mapping))


class XeroBench(Bench):
    def __init__(self, sandbox: SandboxProcess) -> None:
        self.sandbox = sandbox
        self.settings = sandbox.client_settings(SYSTEM)
        self.payroll = adapter(self.settings)

    def hire(self, email: str | None, *, by_week: bool = False) -> str:
        body = {"email": email, "payrollCalendarID": WEEKLY if by_week else MONTHLY}
        return self.sandbox.plant(SYSTEM, "employees", body)["id"]

    def hire_many(self, count: int) -> None:
        for number in range(count):
            self.hire(f"no.{number}@tarn-holloway.example")

    def enter(self, employee: str, *lines: PayLine) -> str:
        rates = self.settings["earnings_rates"]
        body = {
            "employeeID": employee,
            "startDate": START.isoformat(),
            "endDate": END.isoformat(),
            "timesheetLines": [
                {
                    "date": one.day.isoformat(),
                    "earningsRateID": rates[one.pay],
                    "numberOfUnits": float(one.hours),
                }
                for one in lines
            ],
        }
        return self.sandbox.plant(SYSTEM, "timesheets", body)["id"]

    def pay(self, *, skip: Sequence[str] = ()) -> None:
        days = {"periodStartDate": START.isoformat(), "periodEndDate": END.isoformat()}
        self.sandbox.plant(SYSTEM, "payRuns", {**days, "skip": list(skip)})

    def sheets(self) -> int:
        return len(self.sandbox.records(SYSTEM, "timesheets"))

    def ayo(self) -> Payee:
        self.hire(AYO)
        [found] = self.payroll.payees(START, END)
        return found


@pytest.fixture
def xero(sandbox: SandboxProcess) -> XeroBench:
    sandbox.clear()
    return XeroBench(sandbox)


class TestXeroPayroll(PayrollContract):
    @pytest.fixture
    def bench(self, xero: XeroBench) -> Bench:
        return xero


# -- what is its own ---------------------------------------------------------------------------


def test_hours_that_the_office_entered_under_a_rate_of_its_own_are_told_by_it(
    xero: XeroBench,
) -> None:
    other = "11111111-2222-4333-8444-555555555555"
    xero.settings = {**xero.settings, "earnings_rates": {"regular": other}}
    xero.enter(xero.hire(AYO), line(5, "8"))
    xero.settings = xero.sandbox.client_settings(SYSTEM)
    [found] = adapter(xero.settings).held(START, END)
    assert (found.pay, found.hours) == (other, 8)


def test_two_kinds_of_one_earnings_rate_are_refused() -> None:
    rate = "87F5B43A-cf51-4b74-92de-94c819e82d27"
    with pytest.raises(ValueError, match="two kinds have the earnings rate"):
        XeroSettings.model_validate(
            {**_SETTINGS, "earnings_rates": {"regular": rate, "travel": rate.lower()}}
        )


def test_another_organisation_is_refused(xero: XeroBench) -> None:
    other = {**xero.settings, "tenant_id": "00000000-0000-4000-8000-000000000000"}
    with pytest.raises(SystemRefused):
        adapter(other).ping()


def test_a_wrong_secret_needs_a_person_and_is_not_shown(xero: XeroBench) -> None:
    with pytest.raises(SystemUnavailable) as caught:
        adapter({**xero.settings, "client_secret": "se-cret"}).ping()
    assert "se-cret" not in str(caught.value)


def test_a_token_that_ended_is_fetched_anew(xero: XeroBench) -> None:
    xero.payroll.ping()
    xero.sandbox.faults(SYSTEM, {"kind": "expire_tokens"})
    xero.payroll.ping()


@pytest.mark.parametrize(
    ("start", "end", "has"),
    [
        (date(2026, 12, 1), date(2026, 12, 31), True),
        (date(2028, 2, 1), date(2028, 2, 29), True),
        (date(2026, 10, 2), date(2026, 11, 1), False),
        (date(2026, 10, 1), date(2026, 11, 30), False),
    ],
)
def test_a_monthly_calendar_has_the_months_that_begin_as_its_periods_do(
    xero: XeroBench, start: date, end: date, has: bool
) -> None:
    xero.hire(AYO)
    [found] = xero.payroll.payees(start, end)
    assert found.has_period is has


# -- trouble -----------------------------------------------------------------------------------


def test_an_answer_that_was_lost_after_the_commit_left_one_time_sheet(xero: XeroBench) -> None:
    ayo, sheet, key = xero.ayo(), a_sheet(), a_key()
    fault = {"kind": "lose_answer", "times": 1, "match": {"operation": "timesheets.create"}}
    xero.sandbox.faults(SYSTEM, fault)
    with pytest.raises(AnswerLost):
        xero.payroll.send_hours(sheet, payee=ayo, key=key)
    found = xero.payroll.find_hours(sheet, payee=ayo, key=key)
    assert found is not None
    assert xero.sheets() == 1
    xero.sandbox.faults(
        SYSTEM, {"kind": "lose_answer", "times": 1, "match": {"operation": "timesheets.approve"}}
    )
    with pytest.raises(AnswerLost):
        xero.payroll.approve_hours(found, key=key)
    assert xero.payroll.find_approval(found, key=key) == found


def test_an_answer_that_names_no_time_sheet_is_looked_up(xero: XeroBench) -> None:
    ayo, sheet, key = xero.ayo(), a_sheet(), a_key()
    drift = {"kind": "drift", "at": "timesheet.timesheetID", "how": "remove", "times": 1}
    xero.sandbox.faults(SYSTEM, {**drift, "match": {"operation": "timesheets.create"}})
    with pytest.raises(AnswerLost, match="timesheetID"):
        xero.payroll.send_hours(sheet, payee=ayo, key=key)
    assert xero.payroll.find_hours(sheet, payee=ayo, key=key) is not None


def test_a_refusal_names_the_field(xero: XeroBench) -> None:
    ayo = xero.ayo()
    xero.payroll.send_hours(a_sheet(), payee=ayo, key=a_key())
    with pytest.raises(SystemRefused, match="StartDate: A timesheet already exists"):
        xero.payroll.send_hours(a_sheet(line(7, "1")), payee=ayo, key=a_key())


WRITES: dict[str, tuple[dict[str, Any], type[SystemTrouble]]] = {
    "429": ({"kind": "rate_limit", "retry_after": 7}, Throttled),
    "500": ({"kind": "status", "status": 500}, AnswerLost),
    "request lost": ({"kind": "lose_request"}, AnswerLost),
    "answer cut": ({"kind": "half_answer"}, AnswerLost),
    "403": ({"kind": "status", "status": 403}, SystemRefused),
}


@pytest.mark.parametrize("name", WRITES)
def test_a_write_that_fails_is_surely_or_perhaps_not_done(xero: XeroBench, name: str) -> None:
    fault, wanted = WRITES[name]
    ayo = xero.ayo()
    xero.sandbox.faults(SYSTEM, {"match": {"operation": "timesheets.create"}, "times": 1, **fault})
    with pytest.raises(wanted):
        xero.payroll.send_hours(a_sheet(), payee=ayo, key=a_key())
    assert xero.sandbox.fired(SYSTEM) == [1]


READS: dict[str, Callable[[Payroll], object]] = {
    "settings.get": lambda payroll: payroll.ping(),
    "employees.list": lambda payroll: payroll.payees(START, END),
    "calendars.list": lambda payroll: payroll.payees(START, END),
    "timesheets.list": lambda payroll: payroll.held(START, END),
    "timesheets.get": lambda payroll: payroll.held(START, END),
    "payruns.list": lambda payroll: payroll.held(START, END),
    "payslips.list": lambda payroll: payroll.held(START, END),
}
TROUBLES: dict[str, tuple[dict[str, Any], type[SystemTrouble]]] = {
    "429": ({"kind": "rate_limit", "retry_after": 7}, Throttled),
    "503": ({"kind": "status", "status": 503}, SystemUnavailable),
    "answer lost": ({"kind": "lose_answer"}, SystemUnavailable),
    "no JSON in a 200": ({"kind": "bad_json"}, SystemUnavailable),
    "403": ({"kind": "status", "status": 403}, SystemRefused),
}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize("name", TROUBLES)
def test_a_read_that_fails_may_be_repeated_or_needs_a_person(
    xero: XeroBench, name: str, operation: str
) -> None:
    fault, wanted = TROUBLES[name]
    xero.payroll.send_hours(a_sheet(), payee=xero.ayo(), key=a_key())
    xero.pay()
    xero.sandbox.faults(SYSTEM, {"match": {"operation": operation}, "times": 1, **fault})
    with pytest.raises(wanted):
        READS[operation](xero.payroll)
    assert xero.sandbox.fired(SYSTEM) == [1]
    READS[operation](xero.payroll)


def test_a_cut_page_is_not_taken_for_a_complete_one(xero: XeroBench) -> None:
    xero.hire_many(4)
    fault = {"kind": "partial_page", "at": "employees", "keep": 3}
    xero.sandbox.faults(SYSTEM, {**fault, "match": {"operation": "employees.list"}})
    with pytest.raises(SystemUnavailable, match="told 3 of 4"):
        xero.payroll.payees(START, END)


DRIFTS = {
    "employeeID": ({"at": "employees.*.employeeID", "how": "remove"}, "employees.list"),
    "email": ({"at": "employees.*.email", "how": "set", "to": 7.5}, "employees.list"),
    "calendarType": (
        {"at": "payRunCalendars.*.calendarType", "how": "remove"}, "calendars.list"
    ),
    "pageCount": ({"at": "pagination.pageCount", "how": "remove"}, "employees.list"),
    "numberOfUnits": (
        {"at": "timesheet.timesheetLines.*.numberOfUnits", "how": "set", "to": -1},
        "timesheets.get",
    ),
    "periodStartDate": ({"at": "payRuns.*.periodStartDate", "how": "remove"}, "payruns.list"),
    "paySlipID": ({"at": "paySlips.*.paySlipID", "how": "remove"}, "payslips.list"),
}  # fmt: skip


@pytest.mark.parametrize("path", DRIFTS)
def test_an_answer_of_another_shape_is_refused_by_path(xero: XeroBench, path: str) -> None:
    fault, operation = DRIFTS[path]
    xero.payroll.send_hours(a_sheet(), payee=xero.ayo(), key=a_key())
    xero.pay()
    xero.sandbox.faults(SYSTEM, {"kind": "drift", "match": {"operation": operation}, **fault})
    with pytest.raises(SystemRefused, match=f"not as documented.*{path}"):
        READS[operation](xero.payroll)


# -- the declaration and documented answers ----------------------------------------------------

_SETTINGS: dict[str, Any] = {
    "base_url": "https://api.xero.com",
    "client_id": "c",
    "client_secret": "se-cret",
    "tenant_id": "00000000-0000-4000-8000-000000000000",
    "earnings_rates": {"regular": "87f5b43a-cf51-4b74-92de-94c819e82d27"},
}


def test_every_method_of_the_port_is_declared() -> None:
    methods = {name for name in vars(Payroll) if not name.startswith("_")}
    assert set(CONNECTOR.operations) == {f"payroll.{name}" for name in methods}


def test_tokens_come_from_xeros_own_host_and_in_a_rehearsal_from_the_same() -> None:
    settings = XeroSettings.model_validate(_SETTINGS)
    assert settings.identity == "https://identity.xero.com"
    assert "se-cret" not in f"{settings!r} {settings}"
    rehearsal = {**_SETTINGS, "base_url": "http://127.0.0.1:8700/xero"}
    assert XeroSettings.model_validate(rehearsal).identity == "http://127.0.0.1:8700/xero"


def test_documented_answers_are_read() -> None:
    """As in the examples of `xero-payroll-uk.yaml`."""

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2].lower()
        file = FIXTURES / f"{'timesheet' if '-' in name else name}.json"
        return httpx.Response(
            200, content=file.read_text("utf-8"), headers={"content-type": "application/json"}
        )

    http = Http(SYSTEM, "https://api.xero.com", transport=httpx.MockTransport(answer))
    payroll = XeroPayroll(
        SYSTEM, XeroSettings.model_validate(_SETTINGS), http, FieldMap.load(CONNECTOR.mapping)
    )
    [found] = payroll.held(date(2020, 4, 13), date(2020, 4, 19))
    assert (found.hours, found.paid, found.approved) == (14, 14, True)
    assert (found.whose, found.pay) == ("jack@starkindustries.example", "regular")
    [payee] = payroll.payees(date(2020, 4, 13), date(2020, 4, 19))
    assert (payee.name, payee.has_period) == ("Jack Allan", False)
    assert simplejson.loads((FIXTURES / "employees.json").read_text("utf-8"))
