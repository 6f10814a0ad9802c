"""NetSuite for bookkeeping: time as time bills, expenses and revenue as journal entries.

An expense is a journal entry and not an expense report: a report is in its employee's currency and
becomes a bill only when somebody approves it, and nothing says that one may be negative. A journal
is in the project's currency to the cent, either way.
Time: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_164439865832.html
Journal: https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_159886587653.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.netsuite.account import Account
from fairlead.connectors.netsuite.durations import decimal_hours, duration
from fairlead.connectors.netsuite.once import WrittenOnce
from fairlead.connectors.netsuite.projects import JOB
from fairlead.connectors.netsuite.records import cut
from fairlead.connectors.netsuite.settings import AccountFor, NetSuiteSettings
from fairlead.connectors.netsuite.suiteql import day, folded_email, quoted
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.posting import (
    BookedRevenue,
    BookedTime,
    ExpensePosting,
    RevenuePosting,
    TimePosting,
)
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import SystemRefused

TIME, JOURNAL = "timeBill", "journalEntry"
_LINES = "line"
_LONGEST_MEMO = 999
_LONGEST_TIME_MEMO = 4000


class _Projects(Account):
    """What bookings need to know of projects and people. Ids that were found once stay."""

    def __init__(
        self, system: str, settings: NetSuiteSettings, http: Http, fields: FieldMap
    ) -> None:
        super().__init__(system, settings, http, fields)
        self._employees: dict[str, str] = {}  # address → internal id
        self._tasks: dict[tuple[str, str], str] = {}  # project, code of the package → internal id

    def _booking(self, project: ExternalRef) -> dict[str, Any]:
        self._ours(project)
        job = self._records.read(JOB, project.id)
        if job is None:
            raise SystemRefused(self._system, f"There is no project {project.id}.")
        return self._read("project_booking", job)

    def _employee(self, resource: str, email: str | None) -> str:
        """Internal id of the one active employee with this address."""
        if email is None:
            raise SystemRefused(self._system, f"Nobody knows the e-mail address of {resource}.")
        if email in self._employees:
            return self._employees[email]
        column = self._fields.their_path("employee_row", "email")
        where = f"{folded_email(column)} = {quoted(email.lower())} AND isinactive = 'F'"
        found = self._rows("employee_row", "employee", where)
        if len(found) != 1:
            why = f"It has {len(found) or 'no'} employees with the address {email}."
            raise SystemRefused(self._system, why)
        self._employees[email] = found[0]["id"]
        return self._employees[email]

    def _task(self, project: ExternalRef, code: str | None) -> str | None:
        """The project's task of a work package. One that came later has none there."""
        if code is not None and (project.id, code) not in self._tasks:
            where = f"project = {quoted(project.id)}"
            for task in self._rows("task_row", "projecttask", where):
                self._tasks.setdefault((project.id, task["title"].split(" ")[0]), task["id"])
        return self._tasks.get((project.id, code or ""))


class TimeBooked(WrittenOnce, _Projects):
    def book_time(
        self, posting: TimePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """Approved time of one employee, on the project and, where there is one, its task."""
        booking = self._booking(project)
        item = self._settings.time_items.get(posting.category, self._settings.time_item)
        if item is None:
            raise SystemRefused(self._system, "No time_item is set for it.")
        hours = duration(posting.hours)
        if hours is None:
            why = f"It keeps whole minutes, and {posting.hours:f} h are none."
            raise SystemRefused(self._system, why)
        memo = f"{posting.task or ''} {posting.narrative}".strip()
        values = {
            "employee": self._employee(posting.resource, posting.resource_email),
            "project": project.id,
            "task": self._task(project, posting.task),
            "item": item,
            "day": posting.day,
            "hours": hours,
            "billable": posting.billable,
            "approval": "approved",
            "memo": cut(memo, _LONGEST_TIME_MEMO) or None,
            "entry": str(posting.id),
            "category": posting.category,
            "dimensions": booking.get("dimensions"),
        }
        made, _ = self._once(TIME, key, self._fields.write("time", values), of="time")
        return self._ref(TIME, made)

    def find_time(self, key: EffectKey) -> ExternalRef | None:
        return self._found(TIME, key)

    def booked_time(self, project: ExternalRef, start: date, end: date) -> Sequence[BookedTime]:
        """Also what a person booked there, which carries no entry of ours."""
        code = self._booking(project).get("code")
        column = self._fields.their_path("time_row", "day")
        days = f"{column} >= {day(start)} AND {column} <= {day(end)}"
        rows = self._rows("time_row", "timebill", f"customer = {quoted(project.id)} AND {days}")
        people = self._by_ids("employee_row", "employee", (str(row["employee"]) for row in rows))
        return [self._booked(row, people, code) for row in rows]

    def _booked(
        self, row: Mapping[str, Any], people: Mapping[str, Mapping[str, Any]], code: str | None
    ) -> BookedTime:
        person = people.get(str(row["employee"]), {})
        hours = decimal_hours(str(row.get("hours")))
        if hours is None:
            raise SystemRefused(self._system, f"It does not tell the hours of time {row['id']}.")
        categories = {item: category for category, item in self._settings.time_items.items()}
        values = {
            "ref": row["id"],
            "item": _uuid(row.get("entry")),
            "resource": person.get("email", "").lower() or person.get("code") or row["employee"],
            "project_code": code,
            "day": row.get("day"),
            "hours": hours,
            "category": row.get("category") or categories.get(str(row.get("item"))),
        }
        return self._valid(BookedTime, values)


class Journals(WrittenOnce, _Projects):
    def book_expense(
        self, posting: ExpensePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """Project cost against what is owed to the employee; the other way round, where it takes
        an expense back."""
        booking = self._booking(project)
        employee = self._employee(posting.resource, posting.resource_email)
        category = self._settings.expense_accounts.get(posting.category)
        amount = posting.amount.amount
        lines = [
            (category or self._account("expense"), amount, project.id),
            (self._account("payable"), -amount, employee),
        ]
        told = " ".join(one for one in (posting.merchant, posting.note) if one)
        return self._journal(
            key, booking, posting.amount, lines, on=posting.day, reference=str(posting.id),
            memo=f"{posting.category} {told}".strip(),
        )  # fmt: skip

    def find_expense(self, key: EffectKey) -> ExternalRef | None:
        return self._found(JOURNAL, key)

    def book_revenue(
        self, posting: RevenuePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """What was earned, out of what was billed, on the last day of its month.

        Debit what was billed and what WIP grew by; credit revenue and what deferred revenue grew
        by. Raises `SystemRefused` where that does not balance.
        """
        booking = self._booking(project)
        sides: dict[AccountFor, Decimal] = {
            "billed": posting.billed.amount,
            "wip": posting.wip.amount,
            "deferred": -posting.deferred.amount,
            "revenue": -posting.revenue.amount,
        }
        currencies = {one.currency for one in (posting.billed, posting.wip, posting.deferred)}
        if sum(sides.values()) or currencies != {posting.revenue.currency}:
            raise SystemRefused(self._system, f"Revenue posting {posting.code} does not balance.")
        lines = [(self._account(of), amount, project.id) for of, amount in sides.items() if amount]
        return self._journal(
            key, booking, posting.revenue, lines, on=_last_day(posting.month),
            reference=posting.code, memo=posting.memo,
        )  # fmt: skip

    def find_revenue(self, key: EffectKey) -> ExternalRef | None:
        return self._found(JOURNAL, key)

    def booked_revenue(self, journals: Sequence[ExternalRef]) -> Sequence[BookedRevenue]:
        """By their own records: a line in SuiteQL is in the subsidiary's currency."""
        found: list[BookedRevenue] = []
        for ref in journals:
            self._ours(ref)
            record = self._records.read(JOURNAL, ref.id, whole=True)
            if record is not None:
                found.append(self._booked_revenue(ref, record))
        return found

    def _booked_revenue(self, ref: ExternalRef, record: Mapping[str, Any]) -> BookedRevenue:
        head, account = self._read("journal", record), self._account("revenue")
        lines = [self._read("journal_line", one) for one in self._records.lines(record, _LINES)]
        credited = sum(
            (
                (line.get("credit") or Decimal(0)) - (line.get("debit") or Decimal(0))
                for line in lines
                if line.get("account") == account
            ),
            Decimal(0),
        )
        values = {
            "ref": ref,
            "revenue": {"amount": credited, "currency": self._iso(str(head.get("currency")))},
            "on": head.get("dated_on"),
            "posted": head.get("approval") == "approved",
        }
        return self._valid(BookedRevenue, values)

    def _journal(
        self,
        key: EffectKey,
        booking: Mapping[str, Any],
        amount: Money,
        lines: Iterable[tuple[str, Decimal, str]],
        *,
        on: date,
        reference: str,
        memo: str,
    ) -> ExternalRef:
        """Approved at once, in the project's company and currency. Amounts are debits; negative
        ones are credits."""
        currency = self._currency_id(amount.currency)
        if booking.get("currency") != currency:
            why = f"Project {booking.get('code')} is not in {amount.currency}."
            raise SystemRefused(self._system, why)
        short = cut(memo, _LONGEST_MEMO)
        values = {
            "subsidiary": booking.get("subsidiary"),
            "currency": currency,
            "dated_on": on,
            "memo": short,
            "reference": reference,
            "approval": "approved",
        }
        items = [
            self._fields.write(
                "journal_line",
                {
                    "account": account,
                    "debit": debit if debit > 0 else None,
                    "credit": -debit if debit < 0 else None,
                    "entity": entity,
                    "memo": short,
                    "dimensions": booking.get("dimensions"),
                },
            )
            for account, debit, entity in lines
            if debit
        ]
        if not items:
            raise SystemRefused(self._system, f"There is nothing to book under {reference}.")
        body = {**self._fields.write("journal", values), _LINES: {"items": items}}
        made, _ = self._once(JOURNAL, key, body, of="journal", lines=(_LINES, "journal_line"))
        return self._ref(JOURNAL, made)

    def _account(self, of: AccountFor) -> str:
        account = self._settings.accounts.get(of)
        if account is None:
            raise SystemRefused(self._system, f"No account is set for {of}.")
        return account


class NetSuiteBookkeeping(TimeBooked, Journals):
    """The port `bookkeeping`. Threads may share it."""


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _uuid(text: Any) -> UUID | None:
    """Our entry, where the field holds one."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
