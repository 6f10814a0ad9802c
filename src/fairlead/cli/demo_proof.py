"""The proof: what the planted deals call for, counted in the other systems' own ledgers. Pure.

Nothing here asks Fairlead's database, and nothing is worked out by the code that is being proved:
what is expected follows from `deals.yaml` and the templates of `firm.yaml` by counting, what is
found from the append-only ledger that each sandbox system keeps of its own records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fairlead.cli.demo_deals import Book, Deal
from fairlead.domain.rules.project_setup import ProjectTemplate

_LEDGERS = ("netsuite-emea", "netsuite-amer")
_CRMS = ("salesforce-emea", "salesforce-amer")
_PROJECTS = "kantata"

#: What is counted: each is told apart by a few words, such as deal and title.
Things = Counter[tuple[str, ...]]


@dataclass(frozen=True)
class Row:
    """One line of the proof."""

    system: str
    object: str
    expected: int
    found: int
    duplicates: int  #: found, but not called for: a second one, or one that nobody wanted
    missing: int

    @property
    def holds(self) -> bool:
        return not self.duplicates and not self.missing


class Ledger:
    """One system's ledger rows, read as records: those that were made there, as they are now."""

    def __init__(self, system: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = [row for row in rows if row["system"] == system]
        self._bodies = {
            (row["object"], row["id"]): row["body"]
            for row in self._rows
            if row["operation"] != "delete"
        }

    def made(self, kind: str) -> list[Mapping[str, Any]]:
        """Records that came over the system's API, also those deleted since."""
        return list(self.made_with_id(kind).values())

    def made_with_id(self, kind: str) -> dict[str, Mapping[str, Any]]:
        return {
            row["id"]: self._bodies[kind, row["id"]]
            for row in self._rows
            if row["object"] == kind and row["operation"] == "create" and _by_api(row)
        }

    def all(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """Every record of a kind by its id, whoever made it."""
        return {id: body for (held, id), body in self._bodies.items() if held == kind}


def _by_api(row: Mapping[str, Any]) -> bool:
    """Not made by a person in that system, nor there from the start."""
    return bool(row["path"]) and not str(row["path"]).startswith("/_sandbox/")


def prove(
    book: Book, templates: Mapping[str, ProjectTemplate], rows: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """What the deals call for against what the systems say, per system and kind of object."""
    deals = [deal for deal in book.deals if deal.is_set_up]
    proof: list[Row] = []
    for system in _LEDGERS:
        served = [deal for deal in deals if deal.ledger == system]
        proof += _ledger(system, book, templates, served, Ledger(system, rows))
    proof += _projects(templates, deals, Ledger(_PROJECTS, rows))
    for system in _CRMS:
        sold = [deal for deal in deals if deal.crm == system]
        proof.append(_written_back(system, sold, Ledger(system, rows)))
    return proof


def _row(system: str, object: str, expected: Things, found: Things) -> Row:
    return Row(
        system,
        object,
        expected.total(),
        found.total(),
        duplicates=(found - expected).total(),
        missing=(expected - found).total(),
    )


def _ledger(
    system: str,
    book: Book,
    templates: Mapping[str, ProjectTemplate],
    deals: Sequence[Deal],
    ledger: Ledger,
) -> list[Row]:
    clients = {deal.client: book.client(deal) for deal in deals}
    jobs = {id: _name(body) for id, body in ledger.made_with_id("job").items()}
    customers = {id: _name(body) for id, body in ledger.all("customer").items()}
    schedules = ledger.made("billingSchedule")
    made_jobs = ledger.made("job")

    def of(body: Mapping[str, Any]) -> str:
        return jobs.get(_id(body.get("project")), "?")

    return [
        _row(
            system,
            "customer",
            Things((client.name,) for client in clients.values() if not client.known_as),
            Things((_name(body),) for body in ledger.made("customer")),
        ),
        _row(
            system,
            "job",
            Things((deal.name,) for deal in deals),
            Things((name,) for name in jobs.values()),
        ),
        _row(
            system,
            "job's client",
            Things((deal.name, _in_ledger(book, deal)) for deal in deals),
            Things(
                (_name(body), customers.get(_id(body.get("parent")), "?")) for body in made_jobs
            ),
        ),
        _row(
            system,
            "closed job",
            Things((deal.name,) for deal in deals if deal.ends_as == "declined"),
            Things((_name(body),) for body in made_jobs if body.get("isInactive")),
        ),
        _row(
            system,
            "projectTask",
            Things(_packages(templates, deals)),
            Things((of(body), str(body["title"])) for body in ledger.made("projectTask")),
        ),
        _row(
            system,
            "billingSchedule",
            Things((deal.name,) for deal in deals),
            Things((of(body),) for body in schedules),
        ),
        _row(
            system,
            "billing line",
            Things((deal.name,) for deal in deals for _ in range(deal.lines)),
            Things((of(body),) for body in schedules for _ in _lines(body)),
        ),
        _row(
            system,
            "sum of the lines",
            Things((deal.name, _text(deal.value.amount)) for deal in deals),
            Things((of(body), _text(_sum(body))) for body in schedules),
        ),
    ]


def _projects(
    templates: Mapping[str, ProjectTemplate], deals: Sequence[Deal], kantata: Ledger
) -> list[Row]:
    workspaces = {id: _title(body) for id, body in kantata.made_with_id("workspaces").items()}
    roles = {id: str(body["name"]) for id, body in kantata.all("roles").items()}
    resources = {
        id: (workspaces.get(str(body["workspace_id"]), "?"), roles.get(str(body["role_id"]), "?"))
        for id, body in kantata.made_with_id("workspace_resources").items()
    }
    allocations = kantata.made("workspace_allocations")
    wanted = Things(_roles(templates, deals))
    return [
        _row(
            _PROJECTS,
            "workspace",
            Things((deal.name,) for deal in deals),
            Things((title,) for title in workspaces.values()),
        ),
        _row(
            _PROJECTS,
            "archived workspace",
            Things((deal.name,) for deal in deals if deal.ends_as == "declined"),
            Things((_title(b),) for b in kantata.made("workspaces") if b["archived"]),
        ),
        _row(
            _PROJECTS,
            "story",
            Things(_packages(templates, deals)),
            Things(
                (workspaces.get(str(body["workspace_id"]), "?"), str(body["title"]))
                for body in kantata.made("stories")
            ),
        ),
        _row(_PROJECTS, "resource request", wanted, Things(resources.values())),
        _row(
            _PROJECTS,
            "allocation",
            wanted,
            Things(resources.get(str(body["resource_id"]), ("?", "?")) for body in allocations),
        ),
    ]


def _written_back(system: str, deals: Sequence[Deal], crm: Ledger) -> Row:
    """The launched deals say so in their CRM, each with an engagement number of its own."""
    found = Things()
    numbers: set[str] = set()
    for body in crm.all("Opportunity").values():
        number = body.get("Fairlead_Engagement__c")
        if number is None:
            continue
        of_its_own = "own number" if number not in numbers else "number of another"
        numbers.add(number)
        found[str(body["Name"]), str(body["Fairlead_State__c"]), of_its_own] += 1
    expected = Things(
        (deal.name, "launched", "own number") for deal in deals if deal.ends_as == "launched"
    )
    return _row(system, "write-back", expected, found)


# what a deal calls for


def _packages(
    templates: Mapping[str, ProjectTemplate], deals: Sequence[Deal]
) -> Iterable[tuple[str, str]]:
    for deal in deals:
        for package in templates[deal.template].packages:
            yield deal.name, f"{package.code} {package.name}"


def _roles(
    templates: Mapping[str, ProjectTemplate], deals: Sequence[Deal]
) -> Iterable[tuple[str, str]]:
    """Those that were sold; where none were, the template's."""
    for deal in deals:
        for role in deal.roles or templates[deal.template].roles:
            yield deal.name, role.role


def _in_ledger(book: Book, deal: Deal) -> str:
    client = book.client(deal)
    return client.known_as or client.name


# what the systems' records say


def _name(body: Mapping[str, Any]) -> str:
    """Whole; the standard field is cut where a name is long."""
    return str(body.get("custentity_fairlead_full_name") or body.get("companyName"))


def _title(body: Mapping[str, Any]) -> str:
    """A workspace's title is the project's code and the deal's name."""
    return str(body["title"]).partition(" ")[2]


def _id(reference: Any) -> str:
    return str(reference["id"]) if reference else ""


def _lines(schedule: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return schedule["milestone"]["items"]


def _sum(schedule: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(line["milestoneAmount"]) for line in _lines(schedule)), Decimal(0))


def _text(amount: Decimal) -> str:
    """To the last digit, however it is written."""
    return format(amount.normalize(), "f")
