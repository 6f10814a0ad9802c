"""Tryton for bookkeeping: time on timesheets, expenses and revenue as moves of accounts.

Tryton has no expense report: an expense is a move between cost and what is owed to the employee, in
the project's currency to the cent, either way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.projects import WORK
from fairlead.connectors.tryton.records import Record, number
from fairlead.connectors.tryton.settings import AccountFor
from fairlead.connectors.tryton.times import TimesBooked
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.posting import BookedRevenue, ExpensePosting, RevenuePosting
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import EffectConflict, SystemRefused

MOVE = "account.move"
_POSTED = frozenset({"posted"})
_HELD = (
    *("state", "company", "date"),
    *(f"lines.{field}" for field in ("account", "debit", "credit", "amount_second_currency")),
)


@dataclass(frozen=True)
class _Side:
    """One line of a move. A positive amount is a debit."""

    account: str  #: its code
    amount: Decimal
    party: int | None = None  #: whom it is owed to
    of_project: bool = False  #: on the project's analytic account


class TrytonBookkeeping(TimesBooked):
    """The port `bookkeeping`. Threads may share it."""

    def book_expense(
        self, posting: ExpensePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """Project cost against what is owed to the employee; the other way round, where it takes
        an expense back."""
        work = self._there(WORK, project, ["company", "comment"], what="project")
        employee = self._employee(posting.resource, posting.resource_email, work["company"])
        cost = self._settings.expense_accounts.get(posting.category) or self._code("expense")
        amount = posting.amount.amount
        told = " ".join(one for one in (posting.merchant, posting.note) if one)
        sides = [
            _Side(cost, amount, of_project=True),
            _Side(self._code("payable"), -amount, party=employee["party"]),
        ]
        text = f"{posting.category} {told} entry={posting.id}"
        return self._move(key, work, posting.amount, sides, on=posting.day, text=text)

    def find_expense(self, key: EffectKey) -> ExternalRef | None:
        return self._found(key)

    def book_revenue(
        self, posting: RevenuePosting, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """What was earned, out of what was billed, on the last day of its month.

        Debit what was billed and what WIP grew by; credit revenue and what deferred revenue grew
        by. Raises `SystemRefused` where that does not balance.
        """
        work = self._there(WORK, project, ["company", "comment"], what="project")
        amounts: dict[AccountFor, Decimal] = {
            "billed": posting.billed.amount,
            "wip": posting.wip.amount,
            "deferred": -posting.deferred.amount,
            "revenue": -posting.revenue.amount,
        }
        currencies = {one.currency for one in (posting.billed, posting.wip, posting.deferred)}
        if sum(amounts.values()) or currencies != {posting.revenue.currency}:
            raise SystemRefused(self._system, f"Revenue posting {posting.code} does not balance.")
        sides = [
            _Side(self._code(of), amount, of_project=of in ("billed", "revenue"))
            for of, amount in amounts.items()
            if amount
        ]
        last = _last_day(posting.month)
        text = f"{posting.code} {posting.memo}"
        return self._move(key, work, posting.revenue, sides, on=last, text=text)

    def find_revenue(self, key: EffectKey) -> ExternalRef | None:
        return self._found(key)

    def booked_revenue(self, journals: Sequence[ExternalRef]) -> Sequence[BookedRevenue]:
        found: list[BookedRevenue] = []
        for ref in journals:
            if ref.system != self._system:
                raise SystemRefused(self._system, f"It has no {ref.kind} {ref}.")
            move = self._records.one(MOVE, ref.id, (*_HELD, "lines.second_currency"))
            if move is not None:
                found.append(self._booked_revenue(ref, move))
        return found

    def _booked_revenue(self, ref: ExternalRef, move: Record) -> BookedRevenue:
        """In the project's currency: the other one of a line, where there is one."""
        company = move["company"]
        account = self._account(self._code("revenue"), company)
        lines = [line for line in move["lines"] if line["account"] == account]
        foreign = {line["second_currency"] for line in move["lines"]} - {None}
        currency = self._iso(foreign.pop() if foreign else self._own_currency(company)["id"])
        credited = -sum((_amount(line) for line in lines), Decimal(0))
        values = {
            "ref": ref,
            "revenue": {"amount": credited, "currency": currency},
            "on": move["date"],
            "posted": move["state"] == "posted",
        }
        return self._valid(BookedRevenue, values)

    def _found(self, key: EffectKey) -> ExternalRef | None:
        """None also where a move is there, but not posted yet."""
        found = self._by_key(MOVE, "description", key, ["state"])
        return self._ref(MOVE, found["id"]) if found and found["state"] == "posted" else None

    def _move(
        self,
        key: EffectKey,
        work: Record,
        amount: Money,
        sides: Sequence[_Side],
        *,
        on: date,
        text: str,
    ) -> ExternalRef:
        """Made in one call and posted in another; a repeat posts what was made before."""
        if not any(side.amount for side in sides):
            raise SystemRefused(self._system, "There is nothing to book.")
        held = self._read("project", work).get("budget", {}).get("currency")
        if held != amount.currency:
            why = f"Project {work['id']} is not in {amount.currency}."
            raise SystemRefused(self._system, why)
        company = work["company"]
        accounts = {side.account: self._account_row(side.account, company) for side in sides}
        with self._alone(key):
            found = self._by_key(MOVE, "description", key, _HELD)
            if found is None:
                body = {
                    "company": company,
                    "journal": self._journal("general"),
                    "period": self._period(company, on),
                    "date": on,
                    "description": sheet.tagged(text, sheet.short(key)),
                    "lines": [["create", self._lines(sides, accounts, work, amount, on)]],
                }
                found = self._records.create(MOVE, body, _HELD, company=company)
        self._as_asked(found, sides, accounts, on)
        self._step(MOVE, found["id"], company, "post", _POSTED)
        return self._ref(MOVE, found["id"])

    def _lines(
        self,
        sides: Sequence[_Side],
        accounts: Mapping[str, Record],
        work: Record,
        amount: Money,
        on: date,
    ) -> list[dict[str, Any]]:
        """In the company's currency, with what it is in the project's where that is another."""
        own = self._own_currency(work["company"])
        foreign = self._currency_id(amount.currency)
        booked = [side.amount for side in sides]
        if foreign != own["id"]:
            booked = _balanced(booked, self._rate(foreign, on, work["company"]), own["digits"])
        analytic = number(sheet.read(work["comment"]).get("analytic", ""))
        found: list[dict[str, Any]] = []
        for side, value in zip(sides, booked, strict=True):
            account = accounts[side.account]
            line = {
                "account": account["id"],
                "party": side.party if account["party_required"] else None,
                "debit": max(value, Decimal(0)),
                "credit": max(-value, Decimal(0)),
            }
            if foreign != own["id"]:
                line |= {"second_currency": foreign, "amount_second_currency": side.amount}
            if side.of_project and analytic is not None:
                on_project = {
                    "account": analytic,
                    "debit": line["debit"],
                    "credit": line["credit"],
                    "date": on,
                }
                line["analytic_lines"] = [["create", [on_project]]]
            found.append(line)
        return found

    def _as_asked(
        self, held: Record, sides: Sequence[_Side], accounts: Mapping[str, Record], on: date
    ) -> None:
        """Raises `EffectConflict` where something else is under the key."""
        asked = sorted((accounts[side.account]["id"], side.amount) for side in sides)
        lines = sorted((line["account"], _amount(line)) for line in held["lines"])
        if (asked, on.isoformat()) != (lines, held["date"]):
            why = f"Move {held['id']} is not what was asked for."
            raise EffectConflict(self._system, why)

    def _code(self, of: AccountFor) -> str:
        code = self._settings.accounts.get(of)
        if code is None:
            raise SystemRefused(self._system, f"No account is set for {of}.")
        return code

    def _account_row(self, code: str, company: int) -> Record:
        id = str(self._account(code, company))
        found = self._records.one("account.account", id, ["party_required"], company=company)
        if found is None:
            raise SystemRefused(self._system, f"Company {company} has no account {code}.")
        return found

    def _period(self, company: int, day: date) -> int:
        wanted = [
            ["company", "=", company],
            ["start_date", "<=", day],
            ["end_date", ">=", day],
            ["type", "=", "standard"],
            ["state", "=", "open"],
        ]
        found = self._records.all("account.period", wanted, ["id"], company=company)
        if not found:
            why = f"Company {company} has no open period for {day.isoformat()}."
            raise SystemRefused(self._system, why)
        return int(found[0]["id"])

    def _own_currency(self, company: int) -> Record:
        fields = ["currency.digits"]
        found = self._records.one("company.company", str(company), fields)
        if found is None:
            raise SystemRefused(self._system, f"It has no company {company}.")
        return found["currency"]

    def _rate(self, currency: int, day: date, company: int) -> Decimal:
        """How much of the company's currency one of another is, by Tryton's rates of that day."""
        rates: list[Decimal] = []
        for id in (currency, self._own_currency(company)["id"]):
            found = self._records.one("currency.currency", str(id), ["rate"], date=day)
            if found is None or not found["rate"]:
                why = f"It has no rate of {self._iso(id)} for {day.isoformat()}."
                raise SystemRefused(self._system, why)
            rates.append(found["rate"])
        return rates[1] / rates[0]


def _balanced(amounts: Sequence[Decimal], rate: Decimal, digits: int) -> list[Decimal]:
    """Converted and rounded; what rounding leaves is on the largest, so that they add up."""
    unit = Decimal(1).scaleb(-digits)
    converted = [(one * rate).quantize(unit, ROUND_HALF_EVEN) for one in amounts]
    largest = max(range(len(converted)), key=lambda at: abs(converted[at]))
    converted[largest] -= sum(converted)
    return converted


def _amount(line: Record) -> Decimal:
    """In the project's currency; a debit is positive."""
    if line["amount_second_currency"] is not None:
        return line["amount_second_currency"]
    return line["debit"] - line["credit"]


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
