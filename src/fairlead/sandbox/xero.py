"""One Xero organisation's UK payroll as far as the connector uses it.

From https://github.com/XeroAPI/Xero-OpenAPI/blob/master/xero-payroll-uk.yaml and
https://developer.xero.com/documentation/guides/oauth2/custom-connections/. The token endpoint, in
reality on another host, is here too. Planted are `employees` (with `payrollCalendarID`),
`timesheets` (with `timesheetLines`, as a person enters them) and `payRuns`: a posted pay run pays
each employee of its calendar the approved time sheets of its period, which are `Completed` by it.

Settings: `client_id`, `client_secret`, `tenant_id`, `session_s` (1800).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from threading import Lock
from typing import Any, ClassVar, cast

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route

_ROOT = "/payroll.xro/2.0"
_PAGE = 100
_TITLES = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}

#: What every organisation has here: the ids are those of the documented examples.
MONTHLY = "5e813d9e-949c-461f-8a89-e9ee8955a254"
WEEKLY = "216d80e6-af55-47b1-b718-9457c3f5d2fe"
REGULAR = "87f5b43a-cf51-4b74-92de-94c819e82d27"
OVERTIME = "6a3b6ed4-5d1a-4b2e-9c6a-0d2b6d9f4a11"
ON_CALL = "c5c4f1f2-7a0e-4a57-8b6f-2f9d1f7c3e22"
_CALENDARS = {MONTHLY: ("Monthly", "2026-01-01"), WEEKLY: ("Weekly", "2026-01-05")}
_RATES = {REGULAR: "Regular Hours", OVERTIME: "Overtime Hours", ON_CALL: "On-call Hours"}

Body = dict[str, Any]


class Xero(Dialect):
    vendor: ClassVar[str] = "xero"

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[Body], None],
    ) -> None:
        super().__init__(system, books, settings, push)
        self._lock = Lock()
        self._tokens: dict[str, float] = {}  # access token → monotonic end

    @classmethod
    def example_settings(cls) -> Body:
        app = {
            "client_id": secrets.token_hex(16).upper(),
            "client_secret": secrets.token_urlsafe(36),
            "tenant_id": str(uuid.uuid4()),
        }
        rates = {"regular": REGULAR, "overtime": OVERTIME, "standby": ON_CALL}
        return {**app, "client": {**app, "earnings_rates": rates}}

    def furnish(self) -> None:
        for id, (kind, start) in _CALENDARS.items():
            body = {"payrollCalendarID": id, "name": kind, "calendarType": kind}
            self.books.create("payRunCalendars", {**body, "periodStartDate": _at(start)}, id=id)
        for id, name in _RATES.items():
            rate = {"earningsRateID": id, "name": name, "currentRecord": True}
            self.books.create("earningsRates", {**rate, "typeOfUnits": "hours"}, id=id)

    def routes(self) -> list[Route]:
        sheet = f"{_ROOT}/Timesheets/{{id}}"
        return [
            Route("POST", "/connect/token", "oauth.token", self._token),
            Route("GET", f"{_ROOT}/Settings", "settings.get", self._settings),
            Route("GET", f"{_ROOT}/Employees", "employees.list", self._list("employees")),
            Route("GET", f"{_ROOT}/EarningsRates", "rates.list", self._list("earningsRates")),
            Route(
                "GET", f"{_ROOT}/PayRunCalendars", "calendars.list", self._list("payRunCalendars")
            ),
            Route("GET", f"{_ROOT}/Timesheets", "timesheets.list", self._timesheets),
            Route("POST", f"{_ROOT}/Timesheets", "timesheets.create", self._create),
            Route("GET", sheet, "timesheets.get", self._timesheet),
            Route("POST", f"{sheet}/Approve", "timesheets.approve", self._approve),
            Route("GET", f"{_ROOT}/PayRuns", "payruns.list", self._pay_runs),
            Route("GET", f"{_ROOT}/Payslips", "payslips.list", self._payslips),
        ]

    # -- signing in and refusing -----------------------------------------------------------

    def authenticate(self, call: Call, route: Route) -> None:
        if route.operation == "oauth.token":
            return
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        with self._lock:
            ends = self._tokens.get(token, 0)
        if scheme != "Bearer" or ends <= time.monotonic():
            raise Deny(_problem(401, "AuthenticationUnsuccessful"))
        if call.headers.get("xero-tenant-id") != self.settings["tenant_id"]:
            raise Deny(_problem(403, "AuthenticationUnsuccessful"))

    def revoke_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    def too_many(self, retry_after_s: float | None) -> Answer:
        headers = {"x-rate-limit-problem": "minute"}
        if retry_after_s is not None:
            headers["retry-after"] = f"{retry_after_s:g}"
        return Answer(429, None, headers)

    def broken(self, status: int) -> Answer:
        return _problem(status, "")

    def _token(self, call: Call) -> Answer:
        pair = f"{self.settings['client_id']}:{self.settings['client_secret']}".encode()
        wanted = f"Basic {base64.b64encode(pair).decode()}".encode()
        if not secrets.compare_digest(call.headers.get("authorization", "").encode(), wanted):
            raise Deny(Answer(400, {"error": "invalid_client"}))
        if call.form().get("grant_type") != "client_credentials":
            raise Deny(Answer(400, {"error": "unsupported_grant_type"}))
        token, lasts = secrets.token_urlsafe(32), int(self.settings.get("session_s", 1800))
        with self._lock:
            self._tokens[token] = time.monotonic() + lasts
        return Answer(200, {"access_token": token, "expires_in": lasts, "token_type": "Bearer"})

    # -- records ---------------------------------------------------------------------------

    def plant(self, kind: str, body: Body) -> Record:
        with self.books.transaction():
            if kind == "employees":
                id = str(uuid.uuid4())
                usual: Body = {
                    "firstName": "An", "lastName": "Employee", "email": None,
                    "payrollCalendarID": MONTHLY, "isOffPayrollWorker": False,
                }  # fmt: skip
                return self.books.create(kind, {**usual, **body, "employeeID": id}, id=id)
            if kind == "timesheets":
                return self._entered({"payrollCalendarID": MONTHLY, "status": "Draft", **body})
            if kind == "payRuns":
                return self._run(body)
            return self.books.create(kind, body)

    def _entered(self, body: Body) -> Record:
        id = str(uuid.uuid4())
        lines = [
            {"timesheetLineID": str(uuid.uuid4()), "trackingItemID": None, **line,
             "date": _at(line["date"])}
            for line in body.get("timesheetLines", [])
        ]  # fmt: skip
        units = sum((Decimal(str(line["numberOfUnits"])) for line in lines), Decimal(0))
        filled: Body = {
            **body,
            "timesheetID": id,
            "startDate": _at(body["startDate"]),
            "endDate": _at(body["endDate"]),
            "totalHours": units,
            "timesheetLines": lines,
        }
        return self.books.create("timesheets", filled, id=id)

    def _run(self, body: Body) -> Record:
        """`periodStartDate` and `periodEndDate`; `payRunStatus` Posted, where nothing else is
        said, and `skip`: ids of time sheets that whoever runs it leaves out."""
        id = str(uuid.uuid4())
        left_out = body.pop("skip", [])
        run: Body = {
            "payrollCalendarID": MONTHLY, "payRunStatus": "Posted", "payRunType": "Scheduled",
            "calendarType": "Monthly", **body, "payRunID": id,
            "periodStartDate": _at(body["periodStartDate"]),
            "periodEndDate": _at(body["periodEndDate"]),
        }  # fmt: skip
        made = self.books.create("payRuns", run, id=id)
        if run["payRunStatus"] == "Posted":
            for employee in self.books.list("employees"):
                if employee.body["payrollCalendarID"] == run["payrollCalendarID"]:
                    self._pay(run, employee.body, left_out)
        return made

    def _pay(self, run: Body, employee: Body, left_out: list[str]) -> None:
        units: dict[str, Decimal] = {}
        for sheet in self.books.list("timesheets"):
            held = sheet.body
            fits = (
                held["employeeID"] == employee["employeeID"]
                and held["status"] == "Approved"
                and held["startDate"] == run["periodStartDate"]
                and held["endDate"] == run["periodEndDate"]
                and sheet.id not in left_out
            )
            if not fits:
                continue
            for line in held["timesheetLines"]:
                rate = line["earningsRateID"]
                units[rate] = units.get(rate, Decimal(0)) + Decimal(str(line["numberOfUnits"]))
            self.books.update("timesheets", sheet.id, {"status": "Completed"})
        slip = str(uuid.uuid4())
        body: Body = {
            "paySlipID": slip,
            "employeeID": employee["employeeID"],
            "payRunID": run["payRunID"],
            "firstName": employee["firstName"],
            "lastName": employee["lastName"],
            "earningsLines": [
                {"earningsRateID": REGULAR, "numberOfUnits": 40, "isLinkedToTimesheet": False}
            ],
            "timesheetEarningsLines": [
                {"earningsRateID": rate, "numberOfUnits": hours, "isLinkedToTimesheet": True}
                for rate, hours in units.items()
            ],
        }
        self.books.create("paySlips", body, id=slip)

    # -- reading ---------------------------------------------------------------------------

    def _settings(self, call: Call) -> Answer:
        return _answer({"settings": {"accounts": []}})

    def _list(self, kind: str) -> Callable[[Call], Answer]:
        return lambda call: _page(call, kind, [one.body for one in self.books.list(kind)])

    def _timesheets(self, call: Call) -> Answer:
        """Without their lines, as documented."""
        query = call.query
        terms = [one.partition("==") for one in query.get("filter", "").split(",") if one]
        names = {"employeeId": "employeeID", "payrollCalendarId": "payrollCalendarID"}
        if unknown := [name for name, _, _ in terms if name not in names]:
            raise Deny(_problem(400, f"The filter {unknown[0]} is not known."))
        found: list[Body] = []
        for record in self.books.list("timesheets"):
            held = record.body
            fits = all(held[names[name]] == value for name, _, value in terms)
            fits = fits and held["startDate"][:10] >= query.get("startDate", "")
            fits = fits and held["endDate"][:10] <= query.get("endDate", "9999-12-31")
            fits = fits and query.get("status", held["status"]) == held["status"]
            if fits:
                found.append({n: value for n, value in held.items() if n != "timesheetLines"})
        return _page(call, "timesheets", found)

    def _timesheet(self, call: Call) -> Answer:
        return _answer({"timesheet": self._held(call).body})

    def _pay_runs(self, call: Call) -> Answer:
        wanted = call.query.get("status")
        runs = [one.body for one in self.books.list("payRuns")]
        return _page(call, "payRuns", [r for r in runs if wanted in (None, r["payRunStatus"])])

    def _payslips(self, call: Call) -> Answer:
        if "PayRunID" not in call.query:
            raise Deny(_problem(400, "PayRunID is required."))
        wanted = call.query["PayRunID"]
        slips = [one.body for one in self.books.list("paySlips")]
        return _page(call, "paySlips", [slip for slip in slips if slip["payRunID"] == wanted])

    def _held(self, call: Call) -> Record:
        found = self.books.read("timesheets", call.params["id"])
        if found is None:
            raise Deny(_problem(404, "The timesheet does not exist."))
        return found

    # -- writing ---------------------------------------------------------------------------

    def _create(self, call: Call) -> Answer:
        return self._repeatable(call, lambda: self._made(call.json()))

    def _made(self, raw: Any) -> str:
        body = cast("Body", raw if isinstance(raw, dict) else {})
        lines = cast("list[Body]", body.get("timesheetLines") or [])
        employee = self.books.read("employees", str(body.get("employeeID")))
        faults: list[tuple[str, str]] = []
        if employee is None:
            faults.append(("EmployeeID", "The employee does not exist."))
        elif employee.body["payrollCalendarID"] != body.get("payrollCalendarID"):
            faults.append(("PayrollCalendarID", "It is not the calendar of the employee."))
        start, end = str(body.get("startDate")), str(body.get("endDate"))
        if not _is_period(str(body.get("payrollCalendarID")), start, end):
            faults.append(("StartDate", "The dates must match a pay period of the calendar."))
        for line in lines:
            if not start <= str(line.get("date")) <= end:
                faults.append(("Date", "The date must be within the timesheet period."))
            if self.books.read("earningsRates", str(line.get("earningsRateID"))) is None:
                faults.append(("EarningsRateID", "The earnings rate does not exist."))
            if Decimal(str(line.get("numberOfUnits", -1))) < 0:
                faults.append(("NumberOfUnits", "The number of units must not be negative."))
        twice = self.books.list(
            "timesheets",
            lambda one: (
                one.body["employeeID"] == body.get("employeeID")
                and one.body["startDate"][:10] == start
            ),
        )
        if twice:
            faults.append(("StartDate", "A timesheet already exists for this pay period."))
        if faults:
            raise Deny(_problem(400, "Validation error occurred.", faults))
        return self._entered({**body, "status": "Draft"}).id

    def _approve(self, call: Call) -> Answer:
        return self._repeatable(call, lambda: self._approved(call))

    def _approved(self, call: Call) -> str:
        held = self._held(call)
        if held.body["status"] != "Draft":
            raise Deny(_problem(400, "Only a draft timesheet can be approved."))
        return self.books.update("timesheets", held.id, {"status": "Approved"}).id

    def _repeatable(self, call: Call, work: Callable[[], str]) -> Answer:
        """A call under a key that was seen is answered as the first one was, and does nothing."""
        key = call.headers.get("idempotency-key", "")
        if len(key) > 128:
            raise Deny(_problem(400, "The idempotency key is longer than 128 characters."))
        with self.books.transaction():
            place = hashlib.sha256(f"{call.path} {key}".encode()).hexdigest()
            known = self.books.read("idempotency_keys", place) if key else None
            id = known.body["id"] if known else work()
            if key and known is None:
                self.books.create("idempotency_keys", {"id": id}, id=place)
            made = self.books.read("timesheets", id)
        assert made is not None
        return _answer({"timesheet": made.body})


def _is_period(calendar: str, start: str, end: str) -> bool:
    try:
        first, last = date.fromisoformat(start), date.fromisoformat(end)
    except ValueError:
        return False
    if calendar == WEEKLY:
        return first.weekday() == 0 and (last - first).days == 6
    after = date.fromordinal(last.toordinal() + 1)
    return first.day == after.day == 1 and 0 < (after - first).days < 32


def _at(day: str) -> str:
    """A day as Xero writes it."""
    return f"{day[:10]}T00:00:00"


def _answer(values: Body) -> Answer:
    told: Body = {"id": str(uuid.uuid4()), "providerName": "sandbox", "httpStatusCode": "OK"}
    return Answer(200, {**told, "pagination": None, "problem": None, **values})


def _page(call: Call, name: str, rows: list[Body]) -> Answer:
    number = int(call.query.get("page", "1"))
    shown = rows[(number - 1) * _PAGE : number * _PAGE]
    pagination = {
        "page": number,
        "pageSize": _PAGE,
        "pageCount": max(1, -(-len(rows) // _PAGE)),
        "itemCount": len(rows),
    }
    answer = _answer({name: shown})
    return Answer(200, {**answer.body, "pagination": pagination})


def _problem(status: int, detail: str, faults: list[tuple[str, str]] | None = None) -> Answer:
    problem: Body = {
        "type": "application/problem+json",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "invalidFields": [{"name": name, "reason": reason} for name, reason in faults or []],
    }
    return Answer(status, {"pagination": None, "problem": problem})
