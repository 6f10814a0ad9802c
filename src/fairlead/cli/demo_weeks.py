"""Some weeks of work on what was launched, from the first entry to the paid invoice, over the API.

Nobody is pushed: people do their own part, as they would. A program brings the hours in, managers
approve them, a client accepts a milestone, finance drafts and reviews, a controller releases, the
ledger numbers and posts, a client pays. A company closes a month, and payroll pays its people.
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from fairlead.cli.demo_client import accept_by_link
from fairlead.cli.demo_deals import Book
from fairlead.cli.demo_money import Money
from fairlead.cli.demo_people import PROGRAM, People
from fairlead.cli.demo_progress import Progress
from fairlead.cli.demo_units import Templates, Unit, units
from fairlead.cli.sample_people import PAYROLL, pay_from
from fairlead.domain.model.contract import ContractType
from fairlead.domain.rules.project_setup import add_months
from fairlead.errors import Busy
from fairlead.sandbox.process import SandboxProcess

_RESOURCES, _FINANCE, _CONTROLLER = "wei.chen", "tomasz.wojcik", "hanna.lindqvist"
_MANAGERS = ("lea.fontaine", "ines.moreau", "dwayne.carter")
_WEEKS = 4
_DAYS = (1, 2, 3)  #: Tuesday to Thursday
_EACH = 2  #: engagements of one contract type and ledger
_TEAM = 2  #: people on each
_LIMIT_S = 300.0
_LOOK_S = 0.5
_NOTES = (
    "Workshops with the client's team, and their notes",
    "Built and reviewed with the second pair of eyes",
    "Tested against the agreed cases; faults written down",
    "Prepared the cut-over, with the list of what is open",
)
_BRITISH = "TH-LTD"  #: whose people a payroll system pays
_HR = {"netsuite-emea": "bamboohr-emea", "netsuite-amer": "bamboohr-amer"}


@dataclass(frozen=True)
class Worker:
    """Somebody of HR, on one engagement."""

    id: str
    name: str
    email: str
    role: str
    unit: Unit
    engagement: Mapping[str, Any]


class Erp(Protocol):
    """What somebody does in the ERP itself meanwhile."""

    def employ(self, name: str, email: str, legal_entity: str) -> None:
        """Have somebody on the payroll of a company of ours, so that time can be booked."""
        ...

    def take_payment(self, invoice: Mapping[str, Any], amount: Decimal, on: date) -> None:
        """Register what a client paid of a posted invoice; `invoice` is its reference there."""
        ...


class Ledgers:
    """The sandbox's ledgers, on whose payroll everybody of HR is."""

    def __init__(self, sandbox: SandboxProcess) -> None:
        self._sandbox = sandbox

    def employ(self, name: str, email: str, legal_entity: str) -> None:
        return None

    def take_payment(self, invoice: Mapping[str, Any], amount: Decimal, on: date) -> None:
        line = {"doc": {"id": invoice["id"]}, "amount": amount}
        body = {"tranDate": on.isoformat(), "apply": {"items": [line]}}
        self._sandbox.plant(invoice["system"], "customerPayment", body)


class Weeks:
    def __init__(
        self,
        people: People,
        sandbox: SandboxProcess,
        book: Book,
        templates: Templates,
        progress: Progress,
        today: date,
        erp: Erp,
    ) -> None:
        self._people, self._sandbox, self._book = people, sandbox, book
        self._templates, self._progress, self._today = templates, progress, today
        self._erp = erp

    def play(self) -> Money:
        """Raises `Busy` where something does not come to its end in time."""
        workers = self._staff()
        self._book_time(workers)
        self._approve(next(worker for worker in workers if _paid_as_worked(worker.unit)))
        clients = self._accept_milestones()
        self._bill()
        self._pay()
        told = self._told(workers, clients)
        told.paid = self._pay_people(workers)
        return told

    # who works

    def _staff(self) -> list[Worker]:
        worked = list(self._chosen())
        hired: dict[str, Iterator[Mapping[str, Any]]] = {}
        workers: list[Worker] = []
        for unit, engagement in worked:
            system = _HR[unit.ledger]
            if system not in hired:
                hired[system] = (row["body"] for row in self._sandbox.records(system, "employees"))
            for role in list(dict.fromkeys(unit.roles(self._templates)))[:_TEAM]:
                person = next(hired[system])
                email = str(person["email"])
                workers.append(
                    Worker(
                        f"{system}:{email.partition('@')[0]}",
                        f"{person['firstName']} {person['lastName']}",
                        email,
                        role,
                        unit,
                        engagement,
                    )
                )
        for one in workers:
            self._erp.employ(one.name, one.email, _company(one))
        british = [(one.name, one.email) for one in workers if _company(one) == _BRITISH]
        pay_from(self._sandbox, PAYROLL, british)
        self._people.command(
            _RESOURCES,
            "/resources",
            {"resources": [self._resource(worker) for worker in workers]},
        )
        self._people.command(
            _RESOURCES,
            "/assignments",
            {"assignments": [self._assignment(worker) for worker in workers]},
        )
        rates = {"rates": [self._cost(worker) for worker in workers]}
        self._people.command(PROGRAM, "/cost-rates", rates)
        self._progress.say(f"{len(workers)} people are assigned to {len(worked)} engagements")
        return workers

    def _chosen(self) -> Iterator[tuple[Unit, Mapping[str, Any]]]:
        """A few of each contract type and ledger."""
        launched = {
            row["name"]: row for row in self._people.everything("/engagements", state="launched")
        }
        taken: dict[tuple[str, str], int] = {}
        for unit in units(self._book.deals):
            engagement = launched.get(unit.name)
            if engagement is None or not unit.is_worked_on:
                continue
            kind = (unit.phase and unit.phase.contract_type) or unit.deal.contract_type
            place = (str(kind), unit.ledger)
            taken[place] = taken.get(place, 0) + 1
            if taken[place] <= _EACH:
                yield unit, engagement

    def _resource(self, worker: Worker) -> dict[str, Any]:
        region = (worker.unit.phase or worker.unit.deal).region
        return {
            "id": worker.id,
            "name": worker.name,
            "email": worker.email,
            "region": region,
            "legal_entity": _company(worker),
            "country": "US" if worker.unit.ledger == "netsuite-amer" else "DE",
            "minutes_per_week": 2400,
            "roles": [worker.role],
            "starts_on": "2024-03-01",
        }

    @staticmethod
    def _cost(worker: Worker) -> dict[str, Any]:
        """In the currency of the engagement: exchange rates are another story."""
        currency = worker.unit.deal.value.currency
        amount = "9500" if currency == "JPY" else "85"
        per_hour = {"amount": amount, "currency": currency}
        return {"resource": worker.id, "valid_from": "2024-03-01", "per_hour": per_hour}

    def _assignment(self, worker: Worker) -> dict[str, Any]:
        place = worker.unit.phase or worker.unit.deal
        return {
            "id": f"{worker.id}/{worker.engagement['number']}",
            "engagement": worker.engagement["number"],
            "resource": worker.id,
            "role": worker.role,
            "starts_on": (place.starts_on or worker.unit.deal.starts_on).isoformat(),
            "ends_on": (place.ends_on or worker.unit.deal.ends_on).isoformat(),
        }

    # what they do

    def _book_time(self, workers: Sequence[Worker]) -> None:
        """A file of the tool in which they keep their time, brought in by a program."""
        text = io.StringIO()
        file = csv.writer(text)
        file.writerow(("Person", "Engagement", "Task", "Date", "Hours", "Narrative", "Id"))
        rows = 0
        for worker in workers:
            task = next(iter(self._templates[worker.unit.template].packages)).code
            for day, note in self._days(worker):
                rows += 1
                number = worker.engagement["number"]
                hours = "7.5" if day.weekday() % 2 else "6.25"
                id = f"{worker.id}-{day}"
                file.writerow((worker.id, number, task, day.isoformat(), hours, note, id))
        answer = self._people.upload(
            PROGRAM, "/time-imports?commit=true", text.getvalue().encode(), "text/csv"
        )
        if answer["faults"]:
            raise Busy(f"the file of time was refused: {answer['faults'][:3]}")
        self._progress.say(
            f"{answer['added']} entries of time are taken in, {answer['minutes'] // 60} hours; "
            f"{answer['warnings']} want a look"
        )

    def _days(self, worker: Worker) -> Iterator[tuple[date, str]]:
        place = worker.unit.phase or worker.unit.deal
        start = place.starts_on or worker.unit.deal.starts_on
        monday = start + timedelta(days=-start.weekday() % 7)
        for week in range(_WEEKS):
            for number, weekday in enumerate(_DAYS):
                day = monday + timedelta(weeks=week, days=weekday)
                if day < self._today:
                    yield day, f"{_NOTES[(week + number) % len(_NOTES)]}, week {week + 1}.{number}"

    def _approve(self, slow: Worker) -> None:
        """All that is clean at once; what is set apart, with a reason for each. The last week of
        one engagement is left: its money is held, and the table says why."""
        approved = 0
        last = max(day for day, _ in self._days(slow))
        left = (slow.engagement["id"], (last - timedelta(days=last.weekday())).isoformat())
        for manager in _MANAGERS:
            for group in self._people.listed(manager, "/time-approvals"):
                if (group["engagement_id"], group["week"]) == left:
                    continue
                if group["clean"] + group["flagged"] == 0:
                    continue
                wanted = {"engagement": group["engagement_id"], "week": group["week"]}
                done = self._people.command(manager, "/time-approvals/approve", wanted)
                approved += sum(one["count"] for one in done["approved"])
                apart = [one for one in done["apart"] if not one["barred"] and not one["wrong"]]
                if apart:
                    reasons = [
                        {"kind": one["kind"], "id": one["id"], "reason": "Agreed with the client."}
                        for one in apart
                    ]
                    again = {**wanted, "reasons": reasons}
                    done = self._people.command(manager, "/time-approvals/approve", again)
                    approved += sum(one["count"] for one in done["approved"])
        self._progress.say(f"{approved} entries are approved, by whoever leads each engagement")

    def _accept_milestones(self) -> list[str]:
        """The first milestone of some: delivery shows what proves it, and the client accepts it by
        the link that it was sent. The addresses that were asked."""
        planned = self._people.listed(_MANAGERS[1], "/milestones", state="planned")
        asked = [row for row in planned if row["number"] == 1 and row["region"] == "EMEA"][:_EACH]
        for row in asked:
            path = f"/milestones/{row['id']}"
            url = f"https://files.example/{row['id']}/protocol.pdf"
            link = {"url": url, "name": "Protocol of acceptance"}
            shown = self._people.command(
                _MANAGERS[0], f"{path}/links", link, version=row["version"]
            )
            client = {"name": "Client's project lead", "email": f"lead.{row['id']}@client.example"}
            self._people.command(
                _MANAGERS[0], f"{path}/submit", {"recipient": client}, version=shown["version"]
            )
        for row in asked:
            accept_by_link(self._sandbox, f"lead.{row['id']}@client.example", self._until)
        self._progress.say(f"{len(asked)} clients accept a milestone, by the link in their mail")
        return [f"lead.{row['id']}@client.example" for row in asked]

    # what it comes to

    def _bill(self) -> None:
        """Finance drafts all that is ready and reviews it; a controller releases."""
        run = self._people.command(_FINANCE, "/billing/invoice-runs", {})
        path = f"/billing/invoice-runs/{run['id']}"
        self._until(lambda: self._people.one(_FINANCE, path)["ended_at"], "the billing run ends")
        proposed = self._people.listed(_FINANCE, "/invoices", state="proposed")
        for drafted in proposed:
            one = f"/invoices/{drafted['id']}"
            seen = {"digest": drafted["digest"]}
            reviewed = self._people.command(
                _FINANCE, f"{one}/review", seen, version=drafted["version"]
            )
            self._people.command(_CONTROLLER, f"{one}/release", seen, version=reviewed["version"])
        self._progress.say(f"{len(proposed)} invoices are released, none by who drafted it")
        self._until(
            lambda: not self._people.listed(_FINANCE, "/invoices", state="released"),
            "every invoice is posted",
        )
        posted = self._people.listed(_FINANCE, "/invoices", state="posted")
        self._progress.say(f"{len(posted)} invoices are numbered, taxed and posted by the ledgers")

    def _pay(self) -> None:
        """One client pays; the ledger tells us of it."""
        posted = self._people.listed(_FINANCE, "/invoices", state="posted")
        if not posted:
            return
        detail = self._people.one(_FINANCE, f"/invoices/{posted[0]['id']}")
        amount = Decimal(detail["total"]["amount"])
        self._erp.take_payment(detail["ref"], amount, self._today)
        self._until(
            lambda: self._people.one(_FINANCE, f"/invoices/{detail['id']}")["state"] == "paid",
            "the payment is known",
        )
        self._progress.say(f"{detail['client']} pays {detail['number']}")

    def _pay_people(self, workers: Sequence[Worker]) -> dict[str, Decimal]:
        """The British company closes the first month of its people's work: two persons of finance
        do. Their hours go to payroll by themselves, which pays them. Address → hours."""
        emails = {one.id: one.email for one in workers if _company(one) == _BRITISH}
        days = (day for one in workers if one.id in emails for day, _ in self._days(one))
        month = min(days).replace(day=1)
        wanted = {"legal_entity": _BRITISH, "month": month.isoformat(), "wanted": "closed"}
        asked = self._people.command(_FINANCE, "/periods/ask", {**wanted, "carry": True})
        self._people.command(_CONTROLLER, f"/period-moves/{asked['id']}/confirm", {})
        of = {"month": month.isoformat(), "employer": _BRITISH}
        self._until(
            lambda: self._people.listed(_FINANCE, "/payroll-comparisons", **of),
            "payroll holds the hours",
        )
        last = add_months(month, 1) - timedelta(days=1)
        run = {"periodStartDate": month.isoformat(), "periodEndDate": last.isoformat()}
        self._sandbox.plant(PAYROLL, "payRuns", run)
        paid: dict[str, Decimal] = {}
        for row in self._people.listed(_FINANCE, "/payroll-hours", **of):
            hours = Decimal(row["approved_minutes"]) / 60
            email = emails[row["resource"]]
            paid[email] = paid.get(email, Decimal(0)) + hours.quantize(Decimal("0.01"))
        self._progress.say(
            f"{_BRITISH} closes {month:%Y-%m}: payroll pays {len(paid)} people "
            f"{sum(paid.values(), Decimal(0)):f} hours"
        )
        return paid

    def _told(self, workers: Sequence[Worker], clients: list[str]) -> Money:
        listed = self._people.listed(_FINANCE, "/invoices")
        told = Money([], [self._people.one(_FINANCE, f"/invoices/{one['id']}") for one in listed])
        told.clients = clients
        for invoice in told.invoices:
            if invoice["kind"] in ("invoice", "credit"):
                path = f"/invoices/{invoice['id']}/items"
                told.items += [
                    {
                        **item,
                        "invoice": invoice["reference"],
                        "currency": invoice["net"]["currency"],
                    }
                    for item in self._people.listed(_FINANCE, path)
                ]
        for id in dict.fromkeys(worker.engagement["id"] for worker in workers):
            told.statements.append(self._people.one(_CONTROLLER, f"/engagements/{id}/revenue"))
            ready = self._people.one(_CONTROLLER, f"/billing/engagements/{id}/readiness")
            told.readiness[id] = ready
        return told

    def _until(self, holds: Callable[[], Any], what: str) -> None:
        end = time.monotonic() + _LIMIT_S
        while not holds():
            if time.monotonic() > end:
                raise Busy(f"{what}: not within {_LIMIT_S:g} s")
            time.sleep(_LOOK_S)


def _company(worker: Worker) -> str:
    """Of ours, that employs them: the one that does the work."""
    return (worker.unit.phase or worker.unit.deal).legal_entity


def _paid_as_worked(unit: Unit) -> bool:
    kind = (unit.phase and unit.phase.contract_type) or unit.deal.contract_type
    return kind is ContractType.TIME_AND_MATERIALS
