"""The port `payroll` on Xero Payroll UK. Addresses of the documents are in the README.

A time sheet holds no reference of ours. What an uncertain call did is found by the employee, the
pay period and every single line.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from fairlead.connectors.kit.http import Http, Reply
from fairlead.connectors.kit.mapping import FieldMap, MappingTrouble
from fairlead.connectors.xero import answers
from fairlead.connectors.xero.settings import XeroSettings
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.pay_sheet import HeldHours, Payee, PaySheet
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, SystemRefused, SystemUnavailable

_ROOT = "/payroll.xro/2.0"
_LONGEST_KEY = 128
_APPROVED = frozenset({"Approved", "Completed"})
_NOTHING = Decimal(0)

_Lines = Counter[tuple[date, str, Decimal]]
_Period = tuple[str, date, date]  #: calendar, first and last day


class XeroPayroll:
    """Implements `fairlead.ports.payroll.Payroll`. Threads may share it."""

    def __init__(self, system: str, settings: XeroSettings, http: Http, fields: FieldMap) -> None:
        self._system, self._settings, self._fields = system, settings, fields
        self._http = http.with_dialect(_explained, lambda reply: None)
        self._headers = {"xero-tenant-id": settings.tenant_id}
        self._rates = {pay: rate.lower() for pay, rate in settings.earnings_rates.items()}
        self._pays = {rate: pay for pay, rate in self._rates.items()}

    def ping(self) -> None:
        with self._reading():
            self._get("/Settings")

    def payees(self, start: date, end: date) -> Sequence[Payee]:
        """A calendar has the period where it is monthly and its periods begin on that day of the
        month. Who has no calendar is not paid yet."""
        with self._reading():
            raw = self._all("/PayRunCalendars", "payRunCalendars")
            calendars = {c.id: c for c in (answers.read(answers.Calendar, one) for one in raw)}
            return [
                payee
                for row in self._all("/Employees", "employees")
                if (payee := self._payee(row, calendars, start, end)) is not None
            ]

    def send_hours(self, sheet: PaySheet, *, payee: Payee, key: EffectKey) -> ExternalRef:
        body = {
            "payrollCalendarID": payee.calendar,
            "employeeID": payee.ref.id,
            "startDate": sheet.start.isoformat(),
            "endDate": sheet.end.isoformat(),
            "timesheetLines": [
                {
                    "date": line.day.isoformat(),
                    "earningsRateID": self._rate(line.pay),
                    "numberOfUnits": line.hours,
                }
                for line in sheet.lines
            ],
        }
        return self._write("/Timesheets", body, key)

    def find_hours(self, sheet: PaySheet, *, payee: Payee, key: EffectKey) -> ExternalRef | None:
        wanted: _Lines = Counter(
            (line.day, self._rate(line.pay), line.hours) for line in sheet.lines
        )
        with self._reading():
            asked = {
                "filter": f"employeeId=={payee.ref.id},payrollCalendarId=={payee.calendar}",
                "startDate": sheet.start.isoformat(),
                "endDate": sheet.end.isoformat(),
            }
            for row in self._all("/Timesheets", "timesheets", asked):
                found = self._timesheet(answers.read(answers.Timesheet, row).id)
                if found is not None and _lines(found) == wanted:
                    return self._ref(found.id)
        return None

    def approve_hours(self, sheet: ExternalRef, *, key: EffectKey) -> ExternalRef:
        return self._write(f"/Timesheets/{sheet.id}/Approve", None, key)

    def find_approval(self, sheet: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        with self._reading():
            found = self._timesheet(sheet.id)
        return sheet if found is not None and found.status in _APPROVED else None

    def held(self, start: date, end: date) -> Sequence[HeldHours]:
        """One row for each time sheet and kind. What a posted pay run paid stands with the first
        sheet of its period; where there is none, with the payslip."""
        days = {"startDate": start.isoformat(), "endDate": end.isoformat()}
        with self._reading():
            emails = self._emails()
            sheets = [
                found
                for row in self._all("/Timesheets", "timesheets", days)
                if (found := self._timesheet(answers.read(answers.Timesheet, row).id)) is not None
            ]
            paid, slips = self._paid(start, end)
        told: list[HeldHours] = []
        seen: set[tuple[_Period, str, str]] = set()
        for sheet in sheets:
            period = (sheet.calendar, sheet.start, sheet.end)
            hours: dict[str, Decimal] = defaultdict(Decimal)
            for line in sheet.lines:
                hours[line.rate.lower()] += line.units
            for rate, units in hours.items():
                place = (period, sheet.employee, rate)
                told.append(
                    HeldHours(
                        ref=sheet.id,
                        whose=emails.get(sheet.employee) or sheet.employee,
                        pay=self._pays.get(rate, rate),
                        start=sheet.start,
                        end=sheet.end,
                        hours=units,
                        approved=sheet.status in _APPROVED,
                        paid=None
                        if period not in paid
                        else _NOTHING
                        if place in seen
                        else paid[period].get((sheet.employee, rate), _NOTHING),
                    )
                )
                seen.add(place)
        for period, each in paid.items():
            for (employee, rate), units in each.items():
                if (period, employee, rate) not in seen:
                    told.append(
                        HeldHours(
                            ref=slips[period, employee],
                            whose=emails.get(employee) or employee,
                            pay=self._pays.get(rate, rate),
                            start=period[1],
                            end=period[2],
                            hours=_NOTHING,
                            approved=True,
                            paid=units,
                        )
                    )
        return told

    # -- reading -----------------------------------------------------------------------------

    def _paid(
        self, start: date, end: date
    ) -> tuple[dict[_Period, dict[tuple[str, str], Decimal]], dict[tuple[_Period, str], str]]:
        """By posted pay run's period: hours by employee and rate, as its payslips took them from
        time sheets; and the payslip of each employee."""
        paid: dict[_Period, dict[tuple[str, str], Decimal]] = {}
        slips: dict[tuple[_Period, str], str] = {}
        for row in self._all("/PayRuns", "payRuns", {"status": "Posted"}):
            run = answers.read(answers.PayRun, row)
            if run.status != "Posted" or run.start < start or run.end > end:
                continue
            period = (run.calendar, run.start, run.end)
            of = paid.setdefault(period, {})
            for raw in self._all("/Payslips", "paySlips", {"PayRunID": run.id}):
                slip = answers.read(answers.Payslip, raw)
                slips.setdefault((period, slip.employee), slip.id)
                for earned in slip.earned:
                    place = (slip.employee, earned.rate.lower())
                    of[place] = of.get(place, _NOTHING) + earned.units
        return paid, slips

    def _payee(
        self,
        row: Mapping[str, Any],
        calendars: Mapping[str, answers.Calendar],
        start: date,
        end: date,
    ) -> Payee | None:
        employee = answers.read(answers.Employee, row)
        if employee.calendar is None:
            return None
        ours = self._fields.read("payee", row)
        names = (ours.get("first_name"), ours.get("last_name"))
        calendar = calendars.get(employee.calendar)
        return Payee(
            ref=ExternalRef(system=self._system, kind="employee", id=employee.id),
            name=" ".join(part for part in names if part) or employee.id,
            email=(ours.get("email") or "").lower() or None,
            calendar=employee.calendar,
            has_period=calendar is not None and _has(calendar, start, end),
        )

    def _emails(self) -> dict[str, str]:
        return {
            answers.read(answers.Employee, row).id: str(
                self._fields.read("payee", row).get("email") or ""
            ).lower()
            for row in self._all("/Employees", "employees")
        }

    def _timesheet(self, id: str) -> answers.Timesheet | None:
        """With its lines. None: it was deleted meanwhile."""
        reply = self._http.send(
            "GET", f"{_ROOT}/Timesheets/{id}", headers=self._headers, may_miss=True
        )
        if reply.status == 404:
            return None
        return answers.read(answers.Timesheet, answers.part(reply.body, "timesheet"), "timesheet")

    def _all(
        self, path: str, name: str, params: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Every row. A list that ends early is not taken for a complete one."""
        found: list[dict[str, Any]] = []
        number = 1
        while True:
            body = self._get(path, {**(params or {}), "page": str(number)}).body
            found += answers.rows(body, name)
            told = answers.read(answers.Page, body).pagination
            if number >= told.page_count:
                break
            number += 1
        if len(found) != told.item_count:
            why = f"It told {len(found)} of {told.item_count} {name}."
            raise SystemUnavailable(self._system, why)
        return found

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        return self._http.send("GET", f"{_ROOT}{path}", params=params, headers=self._headers)

    # -- writing -----------------------------------------------------------------------------

    def _write(self, path: str, body: Mapping[str, Any] | None, key: EffectKey) -> ExternalRef:
        """Xero takes a repeat under one key for the same call, for a time that it does not say."""
        headers = {**self._headers, "idempotency-key": _shortened(key)}
        reply = self._http.send("POST", f"{_ROOT}{path}", json=body, headers=headers)
        try:
            made = answers.read(
                answers.Timesheet, answers.part(reply.body, "timesheet"), "timesheet"
            )
        except answers.ContractBroken as bad:
            raise AnswerLost(self._system, f"Its answer is not as documented: {bad}") from bad
        return self._ref(made.id)

    def _rate(self, pay: str) -> str:
        rate = self._rates.get(pay)
        if rate is None:
            raise SystemRefused(
                self._system, f"earnings_rates of its settings has no rate for time paid as {pay}."
            )
        return rate

    def _ref(self, id: str) -> ExternalRef:
        return ExternalRef(system=self._system, kind="timesheet", id=id)

    @contextmanager
    def _reading(self) -> Generator[None]:
        """A read without a usable answer changed nothing, so it may simply be repeated."""
        try:
            yield
        except AnswerLost as lost:
            raise SystemUnavailable(
                self._system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost
        except (answers.ContractBroken, MappingTrouble, ValidationError) as bad:
            why = f"An answer is not as documented: {bad}"
            raise SystemRefused(self._system, why) from bad


def _has(calendar: answers.Calendar, start: date, end: date) -> bool:
    """Whether both days are first and last of one of its pay periods."""
    after = end + timedelta(days=1)
    return (
        calendar.type == "Monthly"
        and calendar.start.day == start.day == after.day
        and (after.year, after.month) == (start.year + start.month // 12, start.month % 12 + 1)
    )


def _lines(sheet: answers.Timesheet) -> _Lines:
    return Counter((line.day, line.rate.lower(), line.units) for line in sheet.lines)


def _shortened(key: EffectKey) -> str:
    """Its own text, or what stands for one that is longer than Xero takes."""
    if len(key) <= _LONGEST_KEY:
        return key
    return hashlib.sha256(key.encode()).hexdigest()


def _explained(reply: Reply) -> str:
    return answers.said(reply.body)
