"""Firms to break: each with its own database, systems and workers; one sandbox plays them all."""

from __future__ import annotations

import base64
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
import yaml
from pydantic import SecretStr
from stdnum.iso7064 import mod_11_10

from fairlead.bootstrap import Fairlead
from fairlead.config import SAMPLE, Settings
from fairlead.errors import FairleadError
from fairlead.sandbox.process import SandboxProcess
from fairlead.sandbox.world import SystemSpec, World, dialect_named
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task

from .counting import Verdict, count

TESTS = Path(__file__).parents[1]
VENDORS = {"salesforce": "crm", "netsuite": "ledger", "kantata": "projects"}
_WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"faults" * 5).decode()

NewDatabase = Callable[[], str]  #: makes an empty, migrated database and gives its address


class Worker:
    """A process that the nursery made. Known by its descriptor, so that no other is ever hit."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._fd: int | None = os.pidfd_open(pid)
        except ProcessLookupError:  # it has ended already
            self._fd = None

    @property
    def alive(self) -> bool:
        return self._fd is not None and not select.select([self._fd], [], [], 0)[0]

    def signal(self, number: signal.Signals) -> None:
        if self._fd is not None and self.alive:
            signal.pidfd_send_signal(self._fd, number)

    def kill(self) -> None:
        """As a power cut does. Returns when it is gone."""
        self.signal(signal.SIGKILL)
        self.ended(10)

    def ended(self, within_s: float) -> bool:
        return self._fd is None or bool(select.select([self._fd], [], [], within_s)[0])


class Nursery:
    """Forks workers; see `faults.worker`. Threads share it."""

    def __init__(self, source: Path | None = None) -> None:
        """`source`: a folder with another release of the package."""
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(source),
            text=True,
        )

    def bear(self, order: Mapping[str, Any]) -> Worker:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            return Worker(int(self._process.stdout.readline()))

    def close(self) -> None:
        """All that it bore end with it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(20)


@dataclass
class Firm:
    """One installation: a database, three systems, and the deals that were won."""

    name: str
    folder: Path
    sandbox: SandboxProcess
    nursery: Nursery
    database_url: str
    deals: dict[str, str] = field(default_factory=dict[str, str])  #: deal's name → opportunity
    clients: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    workers: list[Worker] = field(default_factory=list[Worker])
    defects: tuple[str, ...] = ()
    born: int = 0

    def system(self, vendor: str) -> str:
        return f"{vendor}-{self.name}"

    @property
    def config(self) -> Path:
        return self.folder / "config"

    @property
    def trap(self) -> Path:
        return self.folder / "trap.json"

    @cached_property
    def fairlead(self) -> Fairlead:
        """The rooms as the test itself uses them: to answer tasks, and to look."""
        return Fairlead(self.settings)

    @property
    def settings(self) -> Settings:
        url = SecretStr(self.database_url)
        return Settings(data=self.folder, config=self.config, database_url=url)

    def serving_at(self, port: int) -> dict[str, str]:
        """The environment of this firm's API."""
        return environment(
            None,
            FAIRLEAD_DATA=str(self.folder),
            FAIRLEAD_CONFIG=str(self.config),
            FAIRLEAD_DATABASE_URL=self.database_url,
            FAIRLEAD_PORT=str(port),
        )

    # workers

    def start_worker(self, **order: str) -> Worker:
        self.born += 1
        worker = self.nursery.bear(
            {
                "data": str(self.folder),
                "config": str(self.config),
                "database_url": self.database_url,
                "log": str(self.folder / "workers.log"),
                "defects": self.defects,
                **order,
            }
        )
        self.workers = [*(known for known in self.workers if known.alive), worker]
        return worker

    def kill_workers(self) -> None:
        for worker in self.workers:
            worker.kill()
        self.workers = []

    def set_trap(self, trap: Mapping[str, Any]) -> None:
        """The next worker that comes to the place dies there."""
        fresh = self.trap.with_suffix(".new")
        fresh.write_text(json.dumps(trap), "utf-8")
        self.trap.with_suffix(".struck").unlink(missing_ok=True)
        fresh.rename(self.trap)

    @property
    def trap_struck(self) -> bool:
        return self.trap.with_suffix(".struck").exists()

    # deals

    def win(self, name: str, client: str | None = None, stage: str = "Closed Won") -> None:
        """A complete deal in the CRM, won unless `stage` says otherwise; without `client` with a
        new client of its own."""
        crm, plant = self.system("salesforce"), self.sandbox.plant
        client = client or f"Client of {name}"
        if client not in self.clients:
            digits = f"{1 + abs(hash_of(self.name, client)) % 9}{abs(hash_of(client)) % 10**7:07d}"
            number = f"DE{digits}{mod_11_10.calc_check_digit(digits)}"
            account = plant(
                crm,
                "Account",
                {"Name": client, "BillingCountryCode": "DE", "CurrencyIsoCode": "EUR",
                 "Tax_Id__c": number},
            )["id"]  # fmt: skip
            contract = plant(
                crm,
                "Contract",
                {"AccountId": account, "Status": "Activated", "StartDate": "2026-11-01",
                 "CustomerSignedDate": "2026-10-20", "EndDate": "2027-12-31",
                 "Payment_Days__c": 30, "Contract_Value__c": 90000},
            )["id"]  # fmt: skip
            for term, share in (("Design", 30), ("Build", 70)):
                plant(
                    crm,
                    "Billing_Term__c",
                    {"Name": term, "Contract__c": contract, "Share_Percent__c": share},
                )
            self.clients[client] = (account, contract)
        account, contract = self.clients[client]
        deal = plant(
            crm,
            "Opportunity",
            {"Name": name, "AccountId": account, "ContractId": contract,
             "StageName": stage, "Amount": 90000, "CloseDate": "2026-11-02",
             "Project_Start__c": "2026-12-01", "Project_End__c": "2027-08-31",
             "Region__c": "EMEA", "Delivery_Country__c": "DE",
             "Service_Line__c": "Cloud engineering", "Contract_Type__c": "Milestone",
             "Legal_Entity__c": "TH-GMBH", "Owner": {"Email": "pia.novak@tarn-holloway.example"}},
        )["id"]  # fmt: skip
        plant(
            crm,
            "OpportunityLineItem",
            {"OpportunityId": deal, "Product2": {"Name": "Solution Architect"}, "Quantity": 400,
             "UnitPrice": 220},
        )  # fmt: skip
        self.deals[name] = deal

    def look_now(self) -> None:
        """Have the CRM polled at once."""
        crm = self.system("salesforce")
        with self.fairlead.db.transaction() as tx:
            tx.execute("UPDATE systems SET poll_at = clock_timestamp() WHERE id = %s", [crm])
            tx.execute("SELECT pg_notify('fairlead', %s)", [f"poll:{crm}"])

    def again(self, bodies: Mapping[str, Any], shuffled_by: int) -> None:
        """The CRM delivers these webhooks (by id) once more, in another order."""
        ids = sorted(bodies)
        random.Random(shuffled_by).shuffle(ids)
        url = f"/_sandbox/{self.system('salesforce')}/push"
        for id in ids:
            self.sandbox.control.post(url, json={"body": bodies[id], "id": id}).raise_for_status()

    # people

    def person(self, role: str) -> Acting:
        """Who answers what is asked of a role."""
        people = self.fairlead.people
        id = "pia.novak" if role == "sales_operations" else "ines.moreau"
        return Acting.of(people, people.person(id).principal())

    def open_tasks(self) -> dict[str, str]:
        """Task → the role that it is asked of."""
        with self.fairlead.db.transaction() as tx:
            rows = tx.execute("SELECT id, role FROM tasks WHERE state = 'open'").fetchall()
        return {row["id"]: row["role"] for row in rows}

    def hand_over(self) -> int:
        """Sales hands over every packet that waits for it."""
        return self._answer("sales_operations")

    def approve(self) -> int:
        """Answer every open task, each in a transaction of its own, as the API does."""
        return self._answer()

    def _answer(self, *roles: str) -> int:
        answered = 0
        for id, role in self.open_tasks().items():
            if roles and role not in roles:
                continue
            with self.fairlead.db.transaction() as tx:
                answer_task(tx, id, self.person(role), approved=True, reason="", version=None)
            answered += 1
        return answered

    # the end

    def ended(self) -> int:
        """How many runs of the handoff are completed."""
        return self.number(
            "SELECT count(*) AS n FROM runs "
            "WHERE playbook = 'deal-to-delivery' AND state = 'completed'"
        )

    def wait(self, until: Callable[[], bool], within_s: float, every_s: float = 0.1) -> bool:
        """Until it is so, with nobody answering anything."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            try:
                if until():
                    return True
            except FairleadError:
                pass  # the database is away: that is waited for too
            time.sleep(every_s)
        return False

    def carry_on(self, until: Callable[[], bool], within_s: float, every_s: float = 0.1) -> bool:
        """Approve what is asked until it is so."""

        def approved_and() -> bool:
            self.approve()
            return until()

        return self.wait(approved_and, within_s, every_s)

    def all_ended(self) -> bool:
        """Every deal is launched, and what follows from its launch is done, too."""
        still_open = "SELECT count(*) AS n FROM runs WHERE ended_at IS NULL"
        return self.ended() >= len(self.deals) and not self.number(still_open)

    def troubles(self) -> list[str]:
        """Open runs, open exceptions and messages that were given up, in words. One that is still
        to be read is none: polls go on telling of our own write-backs."""
        with self.fairlead.db.transaction() as tx:
            stuck = tx.execute(
                "SELECT 'run' AS what, r.state, s.name, s.state AS step, s.because, "
                "s.ready_at - clock_timestamp() AS ready_in, s.worker FROM runs r "
                "LEFT JOIN steps s ON s.run_id = r.id AND s.ended_at IS NULL "
                "WHERE r.ended_at IS NULL"
            ).fetchall()
            stuck += tx.execute(
                "SELECT title, detail FROM exceptions WHERE state = 'open'"
            ).fetchall()
            stuck += tx.execute(
                "SELECT kind, state, outcome FROM inbox WHERE state = 'parked'"
            ).fetchall()
        return [str({name: str(value) for name, value in row.items()}) for row in stuck]

    def verdict(self) -> Verdict:
        ours = {self.system(vendor) for vendor in VENDORS}
        rows = [row for system in sorted(ours) for row in self.sandbox.ledger(system)]
        return count(rows, list(self.deals), list(self.clients))

    def faults(self, vendor: str, *rules: Mapping[str, Any]) -> None:
        self.sandbox.faults(self.system(vendor), *rules)

    def number(self, query: str) -> int:
        with self.fairlead.db.transaction() as tx:
            row = tx.execute(query.encode()).fetchone()
        assert row is not None
        return int(row["n"])


class FaultWorld:
    """Firms `a0`, `a1`, … in one sandbox process, and one nursery for their workers."""

    def __init__(
        self,
        folder: Path,
        new_database: NewDatabase,
        firms: int = 1,
        *,
        settle_s: float = 1.0,
        total_timeout_s: float = 3.0,
        at_once: int = 4,
        webhook_url: str | None = None,
    ) -> None:
        """`webhook_url`: where the first firm's API listens."""
        self._new_database = new_database
        self._settings = {
            "connect_timeout_s": 2,
            "total_timeout_s": total_timeout_s,
            "settle_s": settle_s,
        }
        self._at_once = at_once
        names = [f"a{number}" for number in range(firms)]
        accounts = {
            vendor: dialect_named(vendor).example_settings() for vendor in VENDORS
        }  # one key pair for all: making one takes a while
        hook = {"webhook_url": webhook_url, "webhook_secret": _WEBHOOK_SECRET}
        specs = [
            SystemSpec(
                id=f"{vendor}-{name}",
                dialect=vendor,
                settings={
                    **accounts[vendor],
                    **(hook if webhook_url and vendor == "salesforce" else {}),
                },
            )
            for name in names
            for vendor in VENDORS
        ]
        self.sandbox = SandboxProcess(World(systems=tuple(specs)), data=folder / "sandbox")
        self.nursery = Nursery()
        self.firms = [self._firm(folder / name, name, accounts) for name in names]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for firm in self.firms:
            firm.kill_workers()
            firm.fairlead.db.close()
        self.nursery.close()
        self.sandbox.stop()

    def _firm(self, folder: Path, name: str, accounts: Mapping[str, Any]) -> Firm:
        config = folder / "config"
        shutil.copytree(SAMPLE, config)
        systems = [self._system(folder, vendor, name, accounts[vendor]) for vendor in VENDORS]
        (config / "systems.yaml").write_text(yaml.safe_dump({"systems": systems}), "utf-8")
        name_kinds_in(config / "time.yaml", {f"{vendor}-{name}" for vendor in VENDORS})
        return Firm(name, folder, self.sandbox, self.nursery, self._new_database())

    def _system(
        self, folder: Path, vendor: str, name: str, account: Mapping[str, Any]
    ) -> dict[str, Any]:
        sample: list[dict[str, Any]] = yaml.safe_load((SAMPLE / "systems.yaml").read_text("utf-8"))[
            "systems"
        ]
        entry = next(entry for entry in sample if entry["connector"] == vendor)
        client: dict[str, Any] = dict(account["client"])
        for secret in entry.get("secrets", {}):
            file = folder / f"{vendor}.{secret}"
            file.write_text(client.pop(secret), "utf-8")
            file.chmod(0o600)
            entry["secrets"][secret] = {"file": file.name}
        if "webhook_secrets" in entry:
            file = folder / f"{vendor}.webhook"
            file.write_text(_WEBHOOK_SECRET, "utf-8")
            file.chmod(0o600)
            entry["webhook_secrets"] = [{"file": file.name}]
        return entry | {
            "id": f"{vendor}-{name}",
            "serves": [{"port": VENDORS[vendor]}],
            "settings": {
                **client,
                **self._settings,
                "base_url": f"{self.sandbox.url}/{vendor}-{name}",
            },
            "rate": {"per_second": 1000, "at_once": self._at_once},
            **({"poll_every_s": 3600} if vendor == "salesforce" else {}),
        }


def name_kinds_in(file: Path, systems: Collection[str]) -> None:
    """Every kind of time keeps its own name in these systems; those of the sample are not there."""
    kinds: list[dict[str, Any]] = yaml.safe_load(file.read_text("utf-8"))["kinds"]
    named = [kind | {"systems": dict.fromkeys(sorted(systems), kind["name"])} for kind in kinds]
    file.write_text(yaml.safe_dump({"kinds": named}), "utf-8")


def environment(source: Path | None = None, **more: str) -> dict[str, str]:
    """That of a process which may import these helpers, perhaps with another release."""
    known = os.environ.get("PYTHONPATH")
    parts = [str(TESTS), *([str(source)] if source else []), *([known] if known else [])]
    path = os.pathsep.join(parts)
    return {**os.environ, "PYTHONPATH": path, **more}


@contextmanager
def reaper(
    firm: Firm, every_s: tuple[float, float], chosen: random.Random, *, most: int
) -> Generator[list[int]]:
    """Kill a worker of the firm now and then and start another; gives the list of the dead.

    `most`: on a slow machine, where starting takes longer than living, nothing would ever end.
    """
    dead: list[int] = []
    stop = threading.Event()

    def reap() -> None:
        while len(dead) < most and not stop.wait(chosen.uniform(*every_s)):
            living = [worker for worker in firm.workers if worker.alive]
            if not living:
                continue
            victim = chosen.choice(living)
            victim.kill()
            dead.append(victim.pid)
            firm.start_worker()

    thread = threading.Thread(target=reap)
    thread.start()
    try:
        yield dead
    finally:
        stop.set()
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def hash_of(*parts: str) -> int:
    """The same number on every run."""
    return random.Random("/".join(parts)).getrandbits(48)


def cut_a_pulse(url: str) -> int:
    """End the session that holds a worker's lock of life, of one that beat last: the others see it
    before it has joined again. How many were ended."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(
            "SELECT pg_terminate_backend(backend) FROM "
            "(SELECT backend FROM workers ORDER BY beat_at DESC LIMIT 1) AS last"
        ).rowcount


def names(prefix: str, number: int) -> Sequence[str]:
    return [f"{prefix} {index:04d}" for index in range(number)]
