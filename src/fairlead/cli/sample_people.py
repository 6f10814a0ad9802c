"""The people of the sample firm, as its HR, payroll, chat, document systems and ledgers know
them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, RootModel

from fairlead.config import SAMPLE, read
from fairlead.domain.values import Value
from fairlead.sandbox.process import SandboxProcess
from fairlead.trust.principals import Person, load_people
from fairlead.trust.roles import Permission

#: Names are put together from these, so that no two people of one firm are called the same.
_GIVEN = (
    *("Amara", "Björn", "Chidi", "Daniela", "Eero", "Fátima", "Gwen", "Hiroshi", "Ingrid", "Jörg"),
    *("Katarzyna", "Liam", "Mei", "Nikolaos", "Olumide", "Priya", "Quentin", "Rosa", "Søren"),
)
_FAMILY = (
    *("Abara", "Blomqvist", "Castro", "Delacroix", "Eriksen", "Fujimoto", "Grünwald", "Haddad"),
    *("Ivanova", "Jankowski", "Kaur", "Lindholm", "Müller", "Novak", "Okafor", "Petrov", "Quispe"),
    *("Rossi", "Santos", "Tan", "Ueda", "Vassiliou", "Wójcik"),
)
_HIRED = "2024-03-01"
PAYROLL = "xero-uk"  #: of the British company
#: HR system → ledger of the same region, in which its people book time and expenses.
_LEDGERS = {"bamboohr-emea": "netsuite-emea", "bamboohr-amer": "netsuite-amer"}
#: Place → internal id of the company there in its ledger.
_COMPANIES = {"London": "1", "Munich": "2", "Chicago": "3", "Singapore": "4"}
_HOME = {"netsuite-emea": "1", "netsuite-amer": "3"}  # of people of whom HR says no place
#: Region → HR system and place of those who sign in; the first for who has all regions, or none.
_OFFICES = {
    "EMEA": ("bamboohr-emea", "Munich"),
    "APAC": ("bamboohr-emea", "Singapore"),
    "AMER": ("bamboohr-amer", "Chicago"),
}


class Job(Value):
    """So many people with one title in one place."""

    title: str
    location: str
    count: int = Field(ge=1, le=500)


class Workforce(RootModel[dict[str, tuple[Job, ...]]]):
    """By HR system."""


def hire(sandbox: SandboxProcess, folder: Path = SAMPLE) -> None:
    """Put everybody into the systems that must know them; who is there already stays.

    Nobody is put on the payroll of a ledger that the sandbox does not play.
    """
    played = {system.id for system in sandbox.world.systems}
    for system, jobs in read(folder / "workforce.yaml", Workforce).root.items():
        if sandbox.records(system, "employees"):
            continue
        number = 0
        for job in jobs:
            for _ in range(job.count):
                employee = _employee(number, job)
                sandbox.plant(system, "employees", employee)
                name, email = f"{employee['firstName']} {employee['lastName']}", employee["email"]
                if _LEDGERS[system] in played:
                    company = _COMPANIES[job.location]
                    _put_on_payroll(sandbox, _LEDGERS[system], name, email, company)
                number += 1
    people = load_people(folder).all()
    _employ(sandbox, people)
    british = [
        (f"{body['firstName']} {body['lastName']}", str(body["email"]))
        for record in sandbox.records("bamboohr-emea", "employees")
        for body in [record["body"]]
        if body["jobInformationLocation"] == "London"
    ]
    if PAYROLL in played:
        pay_from(sandbox, PAYROLL, british)
    for ledger, company in _HOME.items():
        if ledger not in played:
            continue
        known = {one["body"].get("email") for one in sandbox.records(ledger, "employee")}
        for person in people:
            if person.email and person.email not in known:
                _put_on_payroll(sandbox, ledger, person.name, person.email, company)
    chat = _addresses(sandbox, "slack")
    library = _addresses(sandbox, "sharepoint")
    for person in people:
        if person.email and person.email not in chat:
            sandbox.plant("slack", "users", {"email": person.email, "real_name": person.name})
        if person.email and person.email not in library:
            user = {"mail": person.email, "displayName": person.name, "in_team": True}
            sandbox.plant("sharepoint", "users", user)


def _employ(sandbox: SandboxProcess, people: Sequence[Person]) -> None:
    """Those who sign in and book their own time."""
    known = {
        record["body"].get("email")
        for system in _LEDGERS
        for record in sandbox.records(system, "employees")
    }
    for person in people:
        books = Permission.TIME_ENTER in person.principal().permissions
        if not books or not person.email or person.email in known:
            continue
        regions = [region for region in _OFFICES if region in (person.regions or _OFFICES)]
        system, place = _OFFICES[[*regions, *_OFFICES][0]]
        given, _, family = person.name.rpartition(" ")
        title = min(person.roles).replace("_", " ").title().replace("Pmo", "PMO")
        sandbox.plant(system, "employees", _at_work(given, family, person.email, title, place))


def pay_from(sandbox: SandboxProcess, payroll: str, people: Sequence[tuple[str, str]]) -> None:
    """Have payroll pay people, each a name and an address; who is there already stays."""
    known = {record["body"].get("email") for record in sandbox.records(payroll, "employees")}
    for name, email in people:
        if email not in known:
            given, _, family = name.rpartition(" ")
            body = {"firstName": given, "lastName": family, "email": email}
            sandbox.plant(payroll, "employees", body)


def _put_on_payroll(
    sandbox: SandboxProcess, ledger: str, name: str, email: str, company: str
) -> None:
    given, _, family = name.rpartition(" ")
    body = {"firstName": given, "lastName": family, "subsidiary": {"id": company}}
    sandbox.plant(ledger, "employee", {**body, "email": email})


def _addresses(sandbox: SandboxProcess, system: str) -> set[str]:
    """Of everybody that a system knows; vendors keep them in different places."""
    bodies = [record["body"] for record in sandbox.records(system, "users")]
    return {body.get("mail") or body.get("email") or "" for body in bodies}


def _employee(number: int, job: Job) -> dict[str, str]:
    given = _GIVEN[number % len(_GIVEN)]
    family = _FAMILY[number // len(_GIVEN) % len(_FAMILY)]
    email = f"person.{number}@tarn-holloway.example"
    return _at_work(given, family, email, job.title, job.location)


def _at_work(given: str, family: str, email: str, title: str, place: str) -> dict[str, str]:
    """As HR keeps them."""
    return {
        "firstName": given,
        "lastName": family,
        "email": email,
        "jobInformationJobTitle": title,
        "jobInformationLocation": place,
        "standardHoursPerWeek": "40",
        "hireDate": _HIRED,
        "status": "Active",
    }
