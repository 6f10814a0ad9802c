"""A real Tryton as the one ERP of the demo's firm: its office, its outage, and what it holds.

It serves all regions, in place of the sandbox's two NetSuite accounts. Nothing here asks Fairlead
what it did: the reading is of records that its user made, asked for as an accountant there would.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from fairlead.capabilities.handoff.firm import load_firm
from fairlead.cli.demo_deals import Before
from fairlead.cli.demo_ledger import Billed, Reading, Things, amount
from fairlead.cli.world import OwnErp
from fairlead.config import SAMPLE
from fairlead.domain.model.legal_entity import LegalEntity
from fairlead.domain.model.tax import TaxKind
from fairlead.domain.rules.tax_table import RULES, TaxRule
from fairlead.sandbox.tryton import database
from fairlead.sandbox.tryton.installing import install, is_installed
from fairlead.sandbox.tryton.office import (
    Company,
    Employee,
    Office,
    add_employee,
    register_payment,
)
from fairlead.sandbox.tryton.server import TrytonServer
from fairlead.sandbox.tryton.sharing import in_use
from fairlead.store.server import EmbeddedServer
from fairlead.trust.principals import load_people

SYSTEM = "tryton"
ACCOUNTS = {  # codes of the universal chart
    "revenue": "4.1.2", "billed": "4.2.2", "wip": "1.4.2", "deferred": "2.2.2",
    "expense": "5.1.3", "payable": "2.1.4",
}  # fmt: skip
_SHEET = "--- kept by Fairlead"


#: How much of it one euro buys; roughly, and for ever.
_RATES = {
    "AUD": "1.65", "BHD": "0.41", "CAD": "1.5", "CHF": "0.95", "DKK": "7.46", "GBP": "0.85",
    "INR": "95", "JPY": "160", "NOK": "11.5", "PLN": "4.3", "SEK": "11.3", "SGD": "1.45",
    "USD": "1.1",
}  # fmt: skip


def the_office() -> Office:
    """The sample firm's: a company for each legal entity, in the order of their ids there, with
    the taxes of its country. Everybody is on the payroll of each company, since Tryton lets nobody
    work for another one."""
    entities = sorted(load_firm(SAMPLE).legal_entities, key=lambda one: int(one.ledger_id))
    people = tuple(Employee(one.name, one.email) for one in load_people(SAMPLE).all() if one.email)
    return Office(
        companies=tuple(
            Company(
                one.name, one.country, one.currency, _taxes(one.country), (_buyer(one), *people)
            )
            for one in entities
        ),
        rates={currency: Decimal(rate) for currency, rate in _RATES.items()},
    )


def _taxes(country: str) -> tuple[tuple[str, Decimal], ...]:
    """Our codes, each with what is charged: nothing where the client accounts for it, or nobody."""
    newest = sorted((rule for rule in RULES if rule.country == country), key=_since)
    charged = {
        rule.code: rule.rate if rule.kind is TaxKind.STANDARD else Decimal(0) for rule in newest
    }
    return tuple(charged.items())


def _since(rule: TaxRule) -> date:
    return rule.valid.start


def _buyer(entity: LegalEntity) -> Employee:
    """In whose name requisitions are."""
    mail = f"procurement.{entity.code.lower()}@tarn-holloway.example"
    return Employee(f"Procurement {entity.code}", mail)


class DemoTryton:
    """The server of one demo. `home` outlives it, so that the next one starts within seconds."""

    def __init__(self, home: Path, say: Callable[[str], None], *, name: str = "demo") -> None:
        """`name`: of its database. Raises `CannotInstall` where it is not installed yet and the
        index is out of reach."""
        if not is_installed(home):
            say("installing Tryton 8.2 from the package index, once")
        programs = install(home)
        postgres = EmbeddedServer(home)
        self._name = name
        self._closing = contextlib.ExitStack()
        url = self._closing.enter_context(in_use(home, postgres.start, postgres.stop))
        try:
            self._open(home, programs, url, say)
        except BaseException:
            self._closing.close()
            raise

    def _open(self, home: Path, programs: Path, url: str, say: Callable[[str], None]) -> None:
        database.spare_the_disk(url)
        office = the_office()
        if not database.is_built(home, url, office):
            say("setting Tryton up with four companies, once; this takes a few minutes")
        built = database.template(home, programs, url, office)
        database.copy(url, built.name, self._name)
        self._closing.callback(database.drop, url, self._name)
        self._keys = built.keys
        self.server = TrytonServer(programs, url, self._name, home / f"{self._name}.log")
        self._closing.callback(self.server.stop)
        self._person = self.server.sign_in("admin", built.keys.admin)
        self._person.write("res.user", self._person.id, company_filter="all")
        self._person.prefer()
        self._ours = self._person.one("res.user", ["login", "=", "fairlead"])
        self._companies = {one.code: int(one.ledger_id) for one in load_firm(SAMPLE).legal_entities}

    def stop(self) -> None:
        self._person.close()
        self._closing.close()

    def entry(self) -> OwnErp:
        """How it stands in `systems.yaml`."""
        people = self._person.find(
            "company.employee", ["party.name", "like", "Procurement %"], fields=["company"]
        )
        ports = ("ledger", "procurement", "invoicing", "bookkeeping")
        return OwnErp(
            {
                "id": SYSTEM,
                "connector": "tryton",
                "serves": [{"port": port} for port in ports],
                "settings": {
                    "base_url": self.server.url,
                    "database": self._name,
                    "requesters": {str(one["company"]): str(one["id"]) for one in people},
                    "accounts": ACCOUNTS,
                    "settle_s": 8,
                },
                "secrets": {"key": {"file": ""}},
                "poll_every_s": 5,
            },
            {"key": self._keys.rest},
        )

    def prepare(self, before: Before) -> None:
        """Whom the firm knows before the first deal: clients, and suppliers it may order from."""
        countries = {
            one["code"]: one["id"] for one in self._person.find("country.country", fields=["code"])
        }
        approved = self._person.one("party.category", ["name", "=", "Approved supplier"])
        for client in before.ledger_clients:
            self._party(client.name, countries[client.country], ())
        for vendor in before.ledger_vendors:
            may = (approved,) if vendor.approved else ()
            self._party(vendor.name, countries[vendor.country], may)

    def _party(self, name: str, country: int, categories: Iterable[int]) -> None:
        self._person.create(
            "party.party", name=name, addresses=[["create", [{"country": country}]]],
            categories=[["add", [*categories]]],
        )  # fmt: skip

    def projects(self) -> int:
        """How many of ours there are."""
        return len(self._made("project.work", ["type", "=", "project"]))

    def go_down(self) -> None:
        """Killed, as a power cut does."""
        self.server.kill()

    def come_back(self) -> None:
        self.server.start()

    def reading(self) -> Reading:
        """What it holds of what Fairlead's user made."""
        works = self._made(
            "project.work",
            fields=("name", "type", "comment", "parent", "party.name", "status.progress"),
        )
        sheets = {work["id"]: _sheet(work["comment"]) for work in works}
        names = {
            work["id"]: work["name"].removeprefix(f"{sheets[work['id']].get('code')} ")
            for work in works
            if work["type"] == "project"
        }
        projects = [work for work in works if work["type"] == "project"]
        sales = self._made("sale.sale", fields=("comment", "lines.amount"))
        of = {sale["id"]: names[int(_sheet(sale["comment"])["project"])] for sale in sales}
        return Reading(
            clients=Things((one["name"],) for one in self._made("party.party", fields=("name",))),
            projects=Things((name,) for name in names.values()),
            parents=Things(
                (names[one["id"]], names.get(one["parent"]) or one["party."]["name"])
                for one in projects
            ),
            taxes=Things(
                (names[one["id"]], sheets[one["id"]].get("tax_code", "?")) for one in projects
            ),
            closed=Things(
                (names[one["id"]],) for one in projects if sheets[one["id"]].get("closed") == "yes"
            ),
            packages=Things(
                (names.get(work["parent"], "?"), work["name"])
                for work in works
                if work["type"] == "task"
            ),
            schedules=Things((of[sale["id"]],) for sale in sales),
            lines=Things((of[sale["id"]],) for sale in sales for _ in sale["lines."]),
            sums=Things(
                (of[sale["id"]], amount(sum(line["amount"] for line in sale["lines."])))
                for sale in sales
            ),
            requisitions=Things(self._requisitions(names)),
        )

    def billed(self) -> Billed:
        """The posted invoices of our user; a draft is none yet."""
        fields = ("reference", "number", "untaxed_amount", "tax_amount", "total_amount",
                  "amount_to_pay", "lines.description", "lines.amount")  # fmt: skip
        made = self._made("account.invoice", ["state", "in", ["posted", "paid"]], fields=fields)
        return Billed(
            invoices=Things((one["reference"],) for one in made),
            lines=Things(
                (one["reference"], line["description"], amount(line["amount"]))
                for one in made
                for line in one["lines."]
            ),
            nets=Things((one["reference"], amount(one["untaxed_amount"])) for one in made),
            totals=Things(
                (
                    one["reference"],
                    one["number"],
                    amount(one["tax_amount"]),
                    amount(one["total_amount"]),
                )
                for one in made
            ),
            paid=Things(
                (one["reference"], amount(one["total_amount"] - one["amount_to_pay"]))
                for one in made
                if one["total_amount"] != one["amount_to_pay"]
            ),
        )

    def employ(self, name: str, email: str, legal_entity: str) -> None:
        """On the payroll of a company, where they are not yet."""
        company = self._companies[legal_entity]
        mail = ["party.contact_mechanisms.value", "=", email]
        if not self._person.find("company.employee", ["company", "=", company], mail):
            add_employee(self._person, company, Employee(name, email))

    def take_payment(self, invoice: Mapping[str, Any], amount: Decimal, on: date) -> None:
        register_payment(self._person, int(invoice["id"]), amount, on)

    def _requisitions(self, names: Mapping[int, str]) -> Iterable[tuple[str, ...]]:
        fields = ("description", "state", "lines.description", "lines.amount",
                  "lines.supplier.name")  # fmt: skip
        for one in self._made("purchase.requisition", fields=fields):
            work = one["description"].rpartition("[project.work,")[2].partition(" ")[0]
            for line in one["lines."]:
                supplier = line["supplier."]
                yield (
                    names.get(int(work), "?") if one["state"] == "waiting" else "nobody was asked",
                    line["description"].partition(",")[0],
                    supplier["name"] if supplier else "nobody yet",
                    amount(line["amount"]),
                )

    def _made(self, model: str, *where: Any, fields: Sequence[str] = ()) -> list[dict[str, Any]]:
        return self._person.find(model, ["create_uid", "=", self._ours], *where, fields=fields)


def _sheet(comment: str | None) -> dict[str, str]:
    """What Fairlead keeps at the end of a comment."""
    lines = (comment or "").partition(_SHEET)[2].splitlines()[1:]
    return dict(line.split(": ", 1) for line in lines if ": " in line)
