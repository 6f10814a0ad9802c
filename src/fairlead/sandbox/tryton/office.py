"""What an administrator and an accountant set up in a new Tryton, as they would by hand.

Companies with their chart of accounts, fiscal years, taxes and staff; what the connector's README
asks for; and a user for Fairlead, with a key for the REST interface and no right more than needed.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from fairlead.sandbox.tryton.person import Person

#: Modules that are activated; others come with them.
MODULES = ("project", "analytic_invoice", "sale", "purchase_requisition")
CURRENCIES = {
    "AUD": 2, "BHD": 3, "CAD": 2, "CHF": 2, "DKK": 2, "EUR": 2, "GBP": 2, "INR": 2, "JPY": 0,
    "NOK": 2, "PLN": 2, "SEK": 2, "SGD": 2, "USD": 2,
}  # fmt: skip
COUNTRIES = (
    "AE", "AT", "AU", "BE", "BG", "BH", "BR", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB",
    "GR", "HU", "IE", "IN", "IT", "JP", "KR", "LU", "MX", "NL", "NO", "PL", "PT", "SE", "SG", "TH",
    "US",
)  # fmt: skip
PAYMENT_DAYS = (0, 7, 10, 14, 15, 20, 21, 30, 45, 60, 90)
YEARS = range(2025, 2030)  # fiscal years
_GROUPS = (
    "party.group_party_admin",
    "account.group_account",
    "analytic_account.group_analytic_admin",
    "project.group_project_admin",
    "timesheet.group_timesheet_admin",
    "sale.group_sale",
    "purchase_requisition.group_purchase_requisition",
)


@dataclass(frozen=True)
class Employee:
    name: str
    email: str


@dataclass(frozen=True)
class Company:
    """One legal entity. It gets the id that is its place among the companies, from 1."""

    name: str
    country: str
    currency: str
    taxes: tuple[tuple[str, Decimal], ...] = ()  #: code and rate; 0.19 means 19 %
    employees: tuple[Employee, ...] = ()  #: requisitions are in the name of the first


@dataclass(frozen=True)
class Office:
    companies: tuple[Company, ...]
    rates: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    """ISO 4217 → how many of it one unit of the currency buys that is not named here."""


def set_up(person: Person, office: Office) -> str:
    """All of it, in an empty database; the key of Fairlead's user."""
    currencies = _currencies(person, office)
    countries = {code: person.create("country.country", name=code, code=code) for code in COUNTRIES}
    for days in PAYMENT_DAYS:
        _payment_term(person, days)
    for name in ("Tier", "Group", "Approved supplier"):
        person.create("party.category", name=name)
    ids = [
        _company(person, company, currencies[company.currency], countries[company.country])
        for company in office.companies
    ]
    _plain_invoices(person)
    user = person.create(
        "res.user",
        name="Fairlead",
        login="fairlead",
        companies=[["add", ids]],
        company=ids[0],
        company_filter="all",
        employees=[["add", [_requester(person, id) for id in ids]]],
        groups=[["add", [person.named(group) for group in _GROUPS]]],
    )
    made = person.create("res.user.application", user=user, application="rest")
    return str(person.find("res.user.application", ["id", "=", made], fields=["key"])[0]["key"])


def _plain_invoices(person: Person) -> None:
    """As text: what is rehearsed is not their looks, and drawing one takes a fifth of a second."""
    text = {"__class__": "bytes", "base64": base64.b64encode(b"Invoice").decode()}
    for report in person.find("ir.action.report", ["report_name", "=", "account.invoice"]):
        changes = {"template_extension": "txt", "report_content_custom": text}
        person.write("ir.action.report", report["id"], **changes)


def _requester(person: Person, company: int) -> int:
    """The first of its staff: requisitions are in the name of an employee of the user."""
    return person.one("company.employee", ["company", "=", company])


def _currencies(person: Person, office: Office) -> dict[str, int]:
    found: dict[str, int] = {}
    for code, digits in CURRENCIES.items():
        rate = {"date": date(2000, 1, 1), "rate": office.rates.get(code, Decimal(1))}
        found[code] = person.create(
            "currency.currency",
            name=code,
            symbol=code,
            code=code,
            digits=digits,
            rounding=Decimal(1).scaleb(-digits),
            rates=[["create", [rate]]],
        )
    return found


def _payment_term(person: Person, days: int) -> None:
    line = {"type": "remainder", "relativedeltas": [["create", [{"days": days}]]]}
    person.create(
        "account.invoice.payment_term", name=f"{days} days net", lines=[["create", [line]]]
    )


def _company(person: Person, company: Company, currency: int, country: int) -> int:
    party = person.create(
        "party.party", name=company.name, addresses=[["create", [{"country": country}]]]
    )
    id = person.create("company.company", party=party, currency=currency)
    person.write("res.user", person.id, companies=[["add", [id]]], company=id)
    person.prefer()
    _chart(person, id)
    _payment_method(person, id)
    for year in YEARS:
        _fiscal_year(person, id, year)
    for code, rate in company.taxes:
        add_tax(person, id, code, rate)
    person.create("analytic_account.account", name="Projects", code="PROJECTS", type="root",
                  company=id, state="opened")  # fmt: skip
    for employee in company.employees:
        add_employee(person, id, employee)
    return id


def add_employee(person: Person, company: int, employee: Employee) -> None:
    """One party, who may work for several companies."""
    mail = {"type": "email", "value": employee.email}
    known = person.find("party.party", ["contact_mechanisms.value", "=", employee.email])
    party = (
        int(known[0]["id"])
        if known
        else person.create(
            "party.party", name=employee.name, contact_mechanisms=[["create", [mail]]]
        )
    )
    person.create("company.employee", party=party, company=company)


def register_payment(person: Person, invoice: int, amount: Decimal, on: date) -> None:
    """What a client paid of a posted invoice, as an accountant does it."""
    (told,) = person.find("account.invoice", ["id", "=", invoice], fields=["company", "party"])
    method = person.one("account.invoice.payment.method", ["company", "=", told["company"]])
    given = {"amount": amount, "date": on, "payment_method": method, "payee": told["party"]}
    person.guided(
        "account.invoice.pay", ("start", {}), ("choice", given), ("pay", {}),
        active_model="account.invoice", active_id=invoice, active_ids=[invoice],
        company=told["company"],
    )  # fmt: skip


def _chart(person: Person, company: int) -> None:
    """The universal chart, which comes with Tryton."""
    template = person.named("account.account_template_root_en")
    chosen = {"company": company, "account_template": template}
    person.guided("account.create_chart", ("start", {}), ("account", {}),
                  ("create_account", chosen), ("end", {}))  # fmt: skip
    config = {
        "default_account_receivable": _account(person, company, "1.2.1"),
        "default_account_payable": _account(person, company, "2.1.1"),
        "default_category_account_revenue": _account(person, company, "4.2.2"),
        "default_category_account_expense": _account(person, company, "5.1.3"),
        "currency_exchange_journal": person.one("account.journal", ["code", "=", "EXC"]),
        "currency_exchange_credit_account": _account(person, company, "6.2.1"),
        "currency_exchange_debit_account": _account(person, company, "6.2.1"),
    }
    person.do("account.configuration", "write", [1], config)


def _account(person: Person, company: int, code: str) -> int:
    return person.one("account.account", ["company", "=", company], ["code", "=", code])


def _payment_method(person: Person, company: int) -> None:
    """How somebody registers that a client has paid."""
    bank = _account(person, company, "1.1.1")
    journal = person.one("account.journal", ["type", "=", "cash"])
    person.create(
        "account.invoice.payment.method", name="Bank", company=company, journal=journal,
        credit_account=bank, debit_account=bank,
    )  # fmt: skip


def _fiscal_year(person: Person, company: int, year: int) -> None:
    def sequence(kind: str, name: str, prefix: str = "") -> int:
        type_ = person.one("ir.sequence.type", ["name", "=", kind])
        return person.create(
            "ir.sequence.strict", name=f"{name} {year}", sequence_type=type_, company=company,
            prefix=prefix, padding=5 if prefix else 0,
        )  # fmt: skip

    invoices = sequence("Invoice", "Invoices", f"{year}-{company}-")
    credits = sequence("Invoice", "Credit notes", f"C{year}-{company}-")
    numbered = {
        "company": company,
        "out_invoice_sequence": invoices, "out_credit_note_sequence": credits,
        "in_invoice_sequence": sequence("Invoice", "Bills"),
        "in_credit_note_sequence": sequence("Invoice", "Credits of suppliers"),
    }  # fmt: skip
    id = person.create(
        "account.fiscalyear", name=str(year), company=company,
        start_date=date(year, 1, 1), end_date=date(year, 12, 31),
        move_sequence=sequence("Account Move", "Moves"),
        invoice_sequences=[["create", [numbered]]],
    )  # fmt: skip
    person.do("account.fiscalyear", "create_period", [id])


def add_tax(person: Person, company: int, code: str, rate: Decimal) -> None:
    owed = _account(person, company, "2.2.3")
    person.create(
        "account.tax", name=code, description=code, type="percentage", rate=rate, company=company,
        invoice_account=owed, credit_note_account=owed,
    )  # fmt: skip
