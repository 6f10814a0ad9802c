"""A made-up firm of any size for the year: its processes, its people with their keys, its deals.

The other systems are the sandbox's. Everything else is done over the HTTP API, as the integration
of a customer would do it.
"""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from fairlead.bootstrap import Fairlead
from fairlead.capabilities import billing
from fairlead.capabilities import time as time_room
from fairlead.cli.demo_deals import Book, Deal, load_deals
from fairlead.cli.demo_people import People
from fairlead.cli.demo_seller import Seller
from fairlead.cli.processes import Child, wait_until_ready
from fairlead.cli.world import SandboxWorld, open_world
from fairlead.config import Settings
from fairlead.errors import Busy
from fairlead.sandbox.process import SandboxProcess
from fairlead.store import api_keys
from fairlead.store.database import database_time
from fairlead.store.server import EmbeddedServer
from fairlead.trust.principals import new_key

_RATES = {"Consultant": "143.35", "Engagement Lead": "199.99", "Data Engineer": "19500"}
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Kind:
    """A sort of engagement. Its terms of invoicing are those of `policies` below."""

    name: str
    crm: str
    client: str
    region: str
    country: str
    entity: str
    currency: str
    contract_type: str
    home: str  #: where its people work
    service_line: str = "Cloud engineering"
    template: str = "cloud-engineering"
    roles: tuple[str, str] = ("Consultant", "Engagement Lead")
    terms: tuple[Mapping[str, Any], ...] = ()

    @property
    def as_worked(self) -> bool:
        return self.contract_type == "time_and_materials"


_EMEA, _AMER, _WORKED = "salesforce-emea", "salesforce-amer", "time_and_materials"
KINDS = (
    Kind("capped", _EMEA, "brightwater", "EMEA", "GB", "TH-LTD", "GBP", _WORKED, "London"),
    Kind("retainer", _AMER, "saguaro", "AMER", "US", "TH-INC", "USD", _WORKED, "Chicago"),
    Kind("worked", _EMEA, "kestrel", "EMEA", "DE", "TH-GMBH", "EUR", _WORKED, "Munich"),
    Kind(
        "milestone", _EMEA, "kestrel", "EMEA", "DE", "TH-GMBH", "EUR", "milestone", "Munich",
        terms=tuple({"name": f"Release {n}", "share": 25, "months": 3 * n} for n in (1, 2, 3, 4)),
    ),
    Kind(
        "managed", _EMEA, "brightwater", "EMEA", "GB", "TH-LTD", "GBP", "managed_service", "London",
        template="managed-service", roles=("Consultant", "Service Manager"),
        terms=({"name": "Monthly fee", "every_months": 1, "instalments": 12},),
    ),
    Kind(
        "yen", _EMEA, "aozora", "APAC", "JP", "TH-PTE", "JPY", _WORKED, "Singapore",
        "Data and analytics", "data-and-analytics", ("Data Engineer", "Engagement Lead"),
    ),
    Kind(
        "fixed", _EMEA, "brightwater", "EMEA", "GB", "TH-LTD", "GBP", "fixed_fee", "London",
        terms=(
            {"name": "Half", "share": 50, "months": 2},
            {"name": "Rest", "share": 50, "months": 11},
        ),
    ),
)  # fmt: skip
#: Who manages time where, besides those of the sample firm: nobody approves what they entered.
_MORE_PEOPLE = (
    {"id": "amy.reed", "name": "Amy Reed", "roles": ["project_manager"], "regions": ["AMER"]},
    {"id": "kai.ong", "name": "Kai Ong", "roles": ["project_manager"], "regions": ["APAC"]},
    {"id": "nia.cole", "name": "Nia Cole", "roles": ["finance"]},
    {"id": "mia.holt", "name": "Mia Holt", "roles": ["project_manager"], "regions": ["EMEA"]},
)
#: By client and company: mark-up, discount, from which amount.
TERMS = {
    ("Saguaro Freight Lines", "TH-INC"): ("0.05", "0.02", "1000"),
    ("Kestrel Logistik GmbH", "TH-GMBH"): ("0", "0.03", "2500"),
}


def rate(role: str, currency: str) -> Decimal:
    if currency == "JPY":
        return Decimal({"Engagement Lead": "25500"}.get(role, "19500"))
    return Decimal(_RATES.get(role, "150"))


def deal_of(kind: Kind, number: int, start: date, ends_on: date, team: int, played: int) -> Deal:
    """The deal of one engagement whose people book about 165 hours a month each. What is capped is
    sold for less than they will work in the months that are played."""
    months, more = (played, 0) if kind.name == "capped" else (12, 400)
    month = 110 if kind.name == "capped" else 260
    hours = {
        kind.roles[0]: max(team - 1, 1) * months * month + more,
        kind.roles[1]: (months * month if team > 1 else 0) + more,
    }
    sold = sum(hours[role] * rate(role, kind.currency) for role in kind.roles)
    value = sold if kind.as_worked else Decimal((team * months * 260 + 400) * 160)
    terms = [
        {**term, "due_on": _months_on(start, term["months"])} if "months" in term else term
        for term in kind.terms
    ]
    return Deal.model_validate(
        {
            "id": f"{kind.name}-{number}",
            "crm": kind.crm,
            "client": kind.client,
            "name": f"{kind.name.title()} {number}",
            "region": kind.region,
            "country": kind.country,
            "legal_entity": kind.entity,
            "service_line": kind.service_line,
            "contract_type": kind.contract_type,
            "template": kind.template,
            "tax": "any",
            "value": f"{kind.currency} {value}",
            "starts_on": start,
            "ends_on": ends_on,
            "contract_from": start,
            "signed_on": start,
            "signed_late_on": start,
            "closes_on": start,
            "payment_days": 30,
            "terms": [{k: v for k, v in term.items() if k != "months"} for term in terms],
            "roles": [
                {"role": role, "hours": str(hours[role]), "rate": str(rate(role, kind.currency))}
                for role in kind.roles
                if hours[role]
            ]
            if kind.as_worked
            else [],
        }
    )


def _months_on(start: date, months: int) -> date:
    """The last day of the month so many months from the start, the first counted."""
    month = start.month - 1 + months
    return date(start.year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


class CapSeller(Seller):
    """Notes a cap on the contracts of some deals."""

    caps: Mapping[str, Decimal]

    def _plant(self, deal: Deal, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        if kind == "Contract" and deal.id in self.caps:
            body = {**body, "Billing_Cap__c": self.caps[deal.id]}
        return super()._plant(deal, kind, body)


class Callers(People):
    """Everybody's API client; what each request took is kept."""

    def __init__(self, fairlead: Fairlead, url: str) -> None:
        super().__init__(fairlead, url)
        self.count: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}
        self.slowest: dict[str, float] = {}
        self.refused: Counter[str] = Counter()
        known = {person.id for person in fairlead.people.all()} - set(self._clients)
        with fairlead.db.transaction() as tx:
            now = database_time(tx)
            for id in sorted(known):
                principal = fairlead.people.principal(id)
                until = now + timedelta(hours=4)
                row, text = new_key(principal, principal.permissions, now=now, expires_at=until)
                api_keys.add(tx, row)
                signed = {"authorization": f"Bearer {text.get_secret_value()}"}
                client = httpx.Client(
                    base_url=f"{url}/api/v1", headers=signed, timeout=_TIMEOUT_S, trust_env=False
                )
                self._clients[id] = self._open.enter_context(client)
        for client in self._clients.values():
            client.timeout = httpx.Timeout(_TIMEOUT_S)

    def _send(self, person: str, method: str, path: str, **sent: Any) -> httpx.Response:
        begun = time.perf_counter()
        reply = super()._send(person, method, path, **sent)
        took = time.perf_counter() - begun
        name = f"{method} " + "/".join("{id}" if any(c.isdigit() for c in p) else p
                                       for p in path.partition("?")[0].split("/"))  # fmt: skip
        self.count[name] += 1
        self.seconds[name] = self.seconds.get(name, 0) + took
        self.slowest[name] = max(self.slowest.get(name, 0), took)
        if reply.is_error:
            self.refused[f"{reply.status_code} {name}"] += 1
        if reply.status_code in (429, 503):
            time.sleep(float(reply.headers.get("retry-after", "1")))
            return self._send(person, method, path, **sent)
        return reply

    def tried(self, person: str, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """A command that may be refused: status and answer."""
        reply = self._send(person, "POST", path, json=dict(body))
        return reply.status_code, reply.json()


@dataclass
class Stage:
    """What runs: the sandbox, the API and the workers, in a folder of their own."""

    fairlead: Fairlead
    sandbox: SandboxProcess
    url: str
    children: list[Child]
    server: EmbeddedServer

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds so far, by process."""
        pids = {"api": self.children[0].pid, "postgres": self.server.pid() or 0}
        pids |= {f"worker-{n}": one.pid for n, one in enumerate(self.children[1:], 1)}
        found: dict[str, float] = {}
        for name, pid in pids.items():
            total = 0.0
            for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                try:
                    times = process.cpu_times()
                except psutil.NoSuchProcess:  # a connection that ended just now
                    continue
                total += times.user + times.system
                if name == "postgres":
                    total += getattr(times, "children_user", 0) + getattr(
                        times, "children_system", 0
                    )
            found[name] = round(total, 1)
        return found


@contextmanager
def open_stage(
    folder: Path, own: Mapping[str, str], workers: int, postings: bool
) -> Generator[Stage]:
    """`own`: id of a person who enters their own work → their address."""
    with ExitStack() as closing, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        url = f"http://127.0.0.1:{port}"
        world: SandboxWorld = open_world(folder, url)
        closing.callback(world.stop)
        _configure(world.config, own, postings)
        settings = Settings(data=folder, config=world.config, port=port, database_url=None)
        server = EmbeddedServer(folder)
        closing.callback(server.stop)
        fairlead = Fairlead(settings)
        closing.callback(fairlead.db.close)
        environment = {
            "FAIRLEAD_DATA": str(folder),
            "FAIRLEAD_CONFIG": str(world.config),
            "FAIRLEAD_DATABASE_URL": "",
            "FAIRLEAD_HOST": "127.0.0.1",
            "FAIRLEAD_PORT": str(port),
        }
        children: list[Child] = []
        for name in ["api", *(f"worker-{n}" for n in range(1, workers + 1))]:
            log = folder / "logs" / f"{name}.log"
            command = "serve" if name == "api" else "worker"
            child = Child(command, environment=environment, log=log)
            closing.callback(child.stop, within_s=10)
            children.append(child)
        wait_until_ready(url, children[0])
        yield Stage(fairlead, world.sandbox, url, children, server)


def _configure(config: Path, own: Mapping[str, str], postings: bool) -> None:
    """Prices since 2024, the people, the terms of two clients, and no draft by itself: this firm
    bills by the month, and its months are in the past."""
    rates = config / "rates.yaml"
    rates.write_text(rates.read_text("utf-8").replace("2026-01-01", "2024-01-01"), "utf-8")
    people = yaml.safe_load((config / "people.yaml").read_text("utf-8"))
    people["people"] += [
        {**person, "email": f"{person['id']}@tarn-holloway.example"} for person in _MORE_PEOPLE
    ]
    people["people"] += [
        {"id": id, "name": f"Own {id}", "email": email, "roles": ["consultant"]}
        for id, email in own.items()
    ]
    for person in people["people"]:
        if "approval_limits" in person:
            person["approval_limits"] = dict.fromkeys(person["approval_limits"], "100000000000")
    (config / "people.yaml").write_text(yaml.safe_dump(people, allow_unicode=True), "utf-8")
    rooms = {room: Path(str(room.__file__)).parent for room in (billing, time_room)}
    if not postings:  # a condition that never holds of approved work leaves the step out
        book = (rooms[time_room] / "playbooks" / "book-work.yaml").read_text("utf-8")
        book = book.replace("version: 1", "version: 99")
        book = book.replace("when: bookkeeping_connected", "when: client_accepts")
        (config / "playbooks").mkdir(exist_ok=True)
        (config / "playbooks" / "book-work.yaml").write_text(book, "utf-8")
    policies = config / "policies"
    terms = json.loads((rooms[billing] / "policies" / "invoicing-terms.json").read_text("utf-8"))
    terms["fairlead"] |= {"version": 2, "effective_from": "2026-01-02", "why": "Two clients."}
    table = terms["nodes"][1]["content"]
    like = {row["_id"]: row for row in table["rules"]}
    for number, ((client, entity), (mark_up, discount, least)) in enumerate(TERMS.items()):
        row = {**like["as-worked-in-germany" if entity == "TH-GMBH" else "as-worked"]}
        row["_id"] = f"client-{number}"
        row |= {
            "client": f"'{client}'",
            "legal_entity": f"'{entity}'",
            "billing_method": "'as_worked'",
            "receipts": "'optional'",
            "expense_mark_up": mark_up,
            "discount": discount,
            "discount_from": least,
        }
        table["rules"].insert(number, row)
        facts = {**terms["fairlead"]["cases"][0]["facts"], "client": client, "legal_entity": entity}
        terms["fairlead"]["cases"].append({"facts": facts, "row": row["_id"]})
    (policies / "invoicing-terms-2.json").write_text(json.dumps(terms), "utf-8")
    start = json.loads((rooms[time_room] / "policies" / "billing-start.json").read_text("utf-8"))
    start["fairlead"] |= {"version": 99, "effective_from": "2026-01-02", "why": "By the month."}
    start["fairlead"]["cases"] = [{"facts": {"fees": 1}, "row": "by-the-month"}]
    table = start["nodes"][1]["content"]
    table["inputs"] = [one for one in table["inputs"] if one["field"] == "fees"]
    table["rules"] = [
        {"_id": "by-the-month", "then": "'none'", "because": "'finance bills by the month'"}
    ]
    (policies / "billing-start-99.json").write_text(json.dumps(start), "utf-8")


def welcome(sandbox: SandboxProcess) -> None:
    """Chat and documents know the people whom this firm has more than the sample."""
    for person in _MORE_PEOPLE:
        email = f"{person['id']}@tarn-holloway.example"
        sandbox.plant("slack", "users", {"email": email, "real_name": person["name"]})
        user = {"mail": email, "displayName": person["name"], "in_team": True}
        sandbox.plant("sharepoint", "users", user)


def the_book(deals: tuple[Deal, ...]) -> Book:
    return load_deals().with_deals(deals)


def until(holds: Any, what: str, within_s: float = 600, look_s: float = 0.3) -> Any:
    """Look again until it holds. Raises `Busy`."""
    end = time.monotonic() + within_s
    while not (found := holds()):
        if time.monotonic() > end:
            raise Busy(f"{what}: not within {within_s:g} s")
        time.sleep(look_s)
    return found
