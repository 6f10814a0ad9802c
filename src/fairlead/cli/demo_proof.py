"""The proof: what the planted deals call for, counted in the other systems' own ledgers. Pure.

Nothing here asks Fairlead's database, and nothing is worked out by the code that is being proved:
what is expected follows from the sample's deals and the templates of `firm.yaml` by counting, what
is found from the append-only ledger that each sandbox system keeps of its own records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Any, Literal

from fairlead.cli.demo_deals import Book, Deal
from fairlead.cli.demo_ledger import (
    NETSUITE,
    TRYTON,
    Ledger,
    Reading,
    Row,
    Things,
    after_code,
    amount,
    row,
)
from fairlead.cli.demo_proof_places import places
from fairlead.cli.demo_units import Templates, Unit, units

_LEDGERS = ("netsuite-emea", "netsuite-amer")
_CRMS = ("salesforce-emea", "salesforce-amer")
_PROJECTS = "kantata"
#: Kantata's custom field that says of which project one is a part.
_PARENT = "Parent project"


def prove(
    book: Book,
    templates: Templates,
    rows: Sequence[Mapping[str, Any]],
    tryton: Reading | None = None,
) -> list[Row]:
    """What the deals call for against what the systems say, per system and kind of object.

    `tryton`: what the one ERP holds that stands in place of the sandbox's two.
    """
    wanted = units(book.deals)
    proof: list[Row] = []
    if tryton is not None:
        expected = _expected(book, templates, wanted, within="company")
        proof += _compared("tryton", TRYTON, expected, tryton)
    else:
        for system in _LEDGERS:
            served = [unit for unit in wanted if unit.ledger == system]
            expected = _expected(book, templates, served, within="ledger")
            proof += _compared(system, NETSUITE, expected, _netsuite(Ledger(system, rows)))
    proof += _projects(templates, wanted, Ledger(_PROJECTS, rows))
    proof += places(book, rows)
    deals = [deal for deal in book.deals if deal.is_set_up]
    for system in _CRMS:
        sold = [deal for deal in deals if deal.crm == system]
        proof.append(_written_back(system, sold, Ledger(system, rows)))
    return proof


def _compared(system: str, names: Sequence[str], expected: Reading, found: Reading) -> list[Row]:
    return [
        row(system, name, getattr(expected, field.name), getattr(found, field.name))
        for name, field in zip(names, fields(Reading), strict=True)
    ]


def _expected(
    book: Book,
    templates: Templates,
    served: Sequence[Unit],
    *,
    within: Literal["ledger", "company"],
) -> Reading:
    clients = {unit.deal.client: book.client(unit.deal) for unit in served}
    billed = [unit for unit in served if unit.is_worked_on]
    bought = [unit.deal for unit in served if unit.phase is None]
    return Reading(
        clients=Things((client.name,) for client in clients.values() if not client.known_as),
        projects=Things((unit.name,) for unit in served),
        parents=Things((unit.name, unit.parent(book, within=within)) for unit in served),
        taxes=Things((unit.name, unit.tax) for unit in served),
        closed=Things((unit.name,) for unit in served if unit.deal.ends_as == "declined"),
        packages=Things(
            (unit.name, title) for unit in served for title in unit.packages(templates)
        ),
        schedules=Things((unit.name,) for unit in billed),
        lines=Things((unit.name,) for unit in billed for _ in range(unit.lines)),
        sums=Things((unit.name, amount(unit.value)) for unit in billed),
        requisitions=Things(
            (deal.name, need.role, need.bought_from or "nobody yet", amount(need.cost))
            for deal in bought
            for need in deal.buys
        ),
    )


def _netsuite(ledger: Ledger) -> Reading:
    jobs = {id: _name(body) for id, body in ledger.made_with_id("job").items()}
    customers = {id: _name(body) for id, body in ledger.all("customer").items()}
    vendors = {id: _name(body) for id, body in ledger.all("vendor").items()}
    schedules, made_jobs = ledger.made("billingSchedule"), ledger.made("job")

    def of(body: Mapping[str, Any]) -> str:
        return jobs.get(_id(body.get("project")), "?")

    def line_of(line: Mapping[str, Any]) -> tuple[str, ...]:
        job, vendor = _id(line["customer"]), _id(line.get("poVendor"))
        role = str(line["memo"]).partition(",")[0]
        estimate = amount(line["estimatedAmount"])
        return jobs.get(job, "?"), role, vendors.get(vendor, "nobody yet"), estimate

    return Reading(
        clients=Things((_name(body),) for body in ledger.made("customer")),
        projects=Things((name,) for name in jobs.values()),
        parents=Things(
            (_name(body), (jobs | customers).get(_id(body.get("parent")), "?"))
            for body in made_jobs
        ),
        taxes=Things(
            (_name(body), str(body.get("custentity_fairlead_tax_code"))) for body in made_jobs
        ),
        closed=Things((_name(body),) for body in made_jobs if body.get("isInactive")),
        packages=Things((of(body), str(body["title"])) for body in ledger.made("projectTask")),
        schedules=Things((of(body),) for body in schedules),
        lines=Things((of(body),) for body in schedules for _ in _lines(body)),
        sums=Things((of(body), amount(_sum(body))) for body in schedules),
        requisitions=Things(
            line_of(line)
            for body in ledger.made("purchaseRequisition")
            for line in body["expense"]["items"]
        ),
    )


def _projects(templates: Templates, wanted: Sequence[Unit], kantata: Ledger) -> list[Row]:
    made = kantata.made_with_id("workspaces")
    workspaces = {id: after_code(str(body["title"])) for id, body in made.items()}
    roles = {id: str(body["name"]) for id, body in kantata.all("roles").items()}
    resources = {
        id: (workspaces.get(str(body["workspace_id"]), "?"), roles.get(str(body["role_id"]), "?"))
        for id, body in kantata.made_with_id("workspace_resources").items()
    }
    worked = [unit for unit in wanted if unit.is_worked_on]
    launched = [unit for unit in worked if unit.deal.ends_as == "launched"]
    staffed = Things((unit.name, role) for unit in worked for role in unit.roles(templates))
    counted: list[tuple[str, Things, Things]] = [
        (
            "workspace",
            Things((unit.name,) for unit in wanted),
            Things((title,) for title in workspaces.values()),
        ),
        (
            "sub-project",
            Things((unit.name, unit.deal.name) for unit in wanted if unit.phase),
            Things(_sub_projects(kantata, workspaces)),
        ),
        (
            "archived workspace",
            Things((unit.name,) for unit in wanted if unit.deal.ends_as == "declined"),
            Things((workspaces[id],) for id, body in made.items() if body["archived"]),
        ),
        (
            "story",
            Things((unit.name, title) for unit in worked for title in unit.packages(templates)),
            Things(
                (workspaces.get(str(body["workspace_id"]), "?"), str(body["title"]))
                for body in kantata.made("stories")
                if body["story_type"] != "milestone"
            ),
        ),
        (
            "milestone",
            Things((unit.name, title) for unit in launched for title in unit.milestones),
            Things(
                (workspaces.get(str(body["workspace_id"]), "?"), _milestone(str(body["title"])))
                for body in kantata.made("stories")
                if body["story_type"] == "milestone"
            ),
        ),
        ("resource request", staffed, Things(resources.values())),
        (
            "allocation",
            staffed,
            Things(
                resources.get(str(body["resource_id"]), ("?", "?"))
                for body in kantata.made("workspace_allocations")
            ),
        ),
    ]
    return [row(_PROJECTS, object, expected, found) for object, expected, found in counted]


def _sub_projects(kantata: Ledger, workspaces: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Each project that says it is a part, and the name of the project whose code it gives."""
    fields = {id for id, body in kantata.all("custom_fields").items() if body["name"] == _PARENT}
    codes = {
        str(body["title"]).partition(" ")[0]: workspaces[id]
        for id, body in kantata.made_with_id("workspaces").items()
    }
    for value in kantata.made("custom_field_values"):
        if str(value["custom_field_id"]) in fields and value["value"]:
            part = workspaces.get(str(value["subject_id"]), "?")
            yield part, codes.get(str(value["value"]), "?")


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
    return row(system, "write-back", expected, found)


def _milestone(title: str) -> str:
    """Without its number; a whole fee is called after its contract's, which the CRM gives."""
    name = title.partition(" ")[2]
    return "Fee" if name.startswith("Fee of ") else name


def _name(body: Mapping[str, Any]) -> str:
    """Whole; the standard field is cut where a name is long."""
    return str(body.get("custentity_fairlead_full_name") or body.get("companyName"))


def _id(reference: Any) -> str:
    return str(reference["id"]) if reference else ""


def _lines(schedule: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return schedule["milestone"]["items"]


def _sum(schedule: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(line["milestoneAmount"]) for line in _lines(schedule)), Decimal(0))
