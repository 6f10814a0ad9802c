"""The sample firm's handoff on real PostgreSQL, with other systems that live in memory.

The systems keep what they are told and answer by the promises of `fairlead.ports`; the rooms of
Fairlead are the real ones, without the worker around them.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

from psycopg import sql

from deals import CRM, a_deal
from fairlead.bootstrap import Fairlead
from fairlead.capabilities.handoff.deals import Deals, engagement_id
from fairlead.capabilities.handoff.intake import Intake, Systems
from fairlead.capabilities.handoff.ourselves import Ourselves
from fairlead.capabilities.handoff.supply import supply
from fairlead.config import SAMPLE, Settings
from fairlead.connectors.kit.declaration import Level, Writes
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.client import Client
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef
from fairlead.flow.burst import Bursts
from fairlead.flow.engine import Took
from fairlead.flow.intake import InboxDrain
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.flow.library import Library
from fairlead.flow.outward import Outward, Reached
from fairlead.ports.crm import ChangePage, OpportunityChanged
from fairlead.store import engagements, inbox, systems
from fairlead.store.database import Database
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task
from fairlead.work.exceptions import Exceptions
from fairlead.work.words import ExceptionAction

LEDGERS = ("netsuite-emea", "netsuite-amer")
_numbers = itertools.count(1)


@cache
def firm() -> Fairlead:
    """The sample firm's rooms. Its database is never asked for."""
    return Fairlead(Settings(config=SAMPLE))


class Books:
    """What a system was told, under our keys: `(what, key, content)`."""

    def __init__(self, system: str) -> None:
        self.system, self.entries = system, list[tuple[str, str, Any]]()

    def add(self, what: str, key: str, content: Any) -> ExternalRef:
        self.entries.append((what, key, content))
        return ExternalRef(system=self.system, kind=what, id=f"{what}-{len(self.entries)}")

    def find(self, what: str, key: str) -> ExternalRef | None:
        for number, (kind, known, _) in enumerate(self.entries, 1):
            if (kind, known) == (what, key):
                return ExternalRef(system=self.system, kind=what, id=f"{what}-{number}")
        return None

    def of(self, what: str) -> list[Any]:
        return [content for kind, _, content in self.entries if kind == what]


class MemoryLedger(Books):
    """An ERP. `master` are the clients that it knows."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.master: list[Client] = []
        self.parents: dict[str, ExternalRef | None] = {}

    def candidates(self, client: Client) -> Sequence[Client]:
        return list(self.master)

    def create_client(self, client: Client, *, subsidiary: str, key: EffectKey) -> ExternalRef:
        ref = self.add("customer", key, (client.name, subsidiary))
        self.master.append(client.model_copy(update={"ref": ref}))
        return ref

    def find_client(self, key: EffectKey) -> ExternalRef | None:
        return self.find("customer", key)

    def client(self, ref: ExternalRef) -> Client | None:
        return next((client for client in self.master if client.ref == ref), None)

    def update_client(self, client: ExternalRef, changes: Any, *, key: EffectKey) -> ExternalRef:
        given = changes.model_dump(exclude_none=True)
        self.master = [
            one.model_copy(update={name: getattr(changes, name) for name in given})
            if one.ref == client
            else one
            for one in self.master
        ]
        self.add("client_change", key, given)
        return client

    def find_client_updated(
        self, client: ExternalRef, changes: Any, *, key: EffectKey
    ) -> ExternalRef | None:
        return client if self.find("client_change", key) else None

    def create_project(
        self,
        project: Any,
        *,
        client: ExternalRef,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        self.parents[project.code] = parent
        return self.add("job", key, (project, client))

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        return self.find("job", key)

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        self.add("closed", key, project.id)
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return project if project.id in self.of("closed") else None

    def create_schedule(
        self, schedule: Any, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        return self.add("schedule", key, schedule)

    def find_schedule(self, key: EffectKey) -> ExternalRef | None:
        return self.find("schedule", key)


class MemoryProjects(Books):
    """A PSA."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.parents: dict[str, ExternalRef | None] = {}

    def create_project(
        self,
        project: Any,
        *,
        client_name: str,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        self.parents[project.code] = parent
        return self.add("workspace", key, (project, client_name))

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        return self.find("workspace", key)

    def add_work_package(self, project: ExternalRef, package: Any, *, key: EffectKey) -> Any:
        return self.add("package", key, package)

    def find_work_package(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self.find("package", key)

    def request_staffing(self, project: ExternalRef, request: Any, *, key: EffectKey) -> Any:
        return self.add("request", key, request)

    def find_staffing_request(self, project: ExternalRef, *, key: EffectKey) -> Any:
        return self.find("request", key)

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        self.add("closed", key, project.id)
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return project if project.id in self.of("closed") else None


class MemoryCrm(Books):
    """A CRM. `deals` is what it says now; `trouble` is raised by the next call."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.deals: dict[str, Opportunity] = {}
        self.pages: list[ChangePage] = []
        self.asked: list[tuple[datetime, str | None]] = []
        self.trouble: list[Exception | None] = []

    def ping(self) -> None:
        self._fail()

    def opportunity(self, id: str) -> Opportunity | None:
        self._fail()
        return self.deals.get(id)

    def changed_since(self, since: datetime, cursor: str | None = None) -> ChangePage:
        self.asked.append((since, cursor))
        self._fail()
        return self.pages[int(cursor or 0)]

    def report_engagement(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef:
        self.add("reported", key, (opportunity.id, number, state))
        return opportunity

    def find_reported(
        self, opportunity: ExternalRef, *, number: str, state: str, key: EffectKey
    ) -> ExternalRef | None:
        return opportunity if (opportunity.id, number, state) in self.of("reported") else None

    def _fail(self) -> None:
        if self.trouble and (trouble := self.trouble.pop(0)) is not None:
            raise trouble


def _read_webhook(body: bytes) -> list[OpportunityChanged]:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    return [
        OpportunityChanged(opportunity=id, revision="1", at=at) for id in json.loads(body)["ids"]
    ]


class Office:
    """One firm at work. Nothing moves unless a test says so."""

    def __init__(self, db: Database) -> None:
        rooms = firm()
        self.db = db
        self.crm, self.projects = MemoryCrm(CRM), MemoryProjects("kantata")
        self.ledgers = {id: MemoryLedger(id) for id in LEDGERS}
        self._ports: dict[str, Any] = {CRM: self.crm, "kantata": self.projects, **self.ledgers}
        # its own: it remembers which playbooks the database has
        library = Library(rooms.library.playbooks, rooms.library.variants)
        deals = Deals(library, rooms.policies, rooms.ownership, rooms.contract_system)
        self.intake = Intake(
            library,
            deals,
            Ourselves(library),
            Systems(
                crm=self._ports.__getitem__,
                contracts=self._ports.__getitem__,
                webhooks={CRM: _read_webhook},
            ),
        )
        self.inbox = InboxDrain(db, "worker-1", self.intake.handle, 2)
        self.bursts = Bursts(rooms.hooks, rooms.registry, library)
        self.outward = Outward(db, "worker-1", rooms.hooks, rooms.registry, library, self._reach)
        self.exceptions = Exceptions({"engagement": supply})
        with db.transaction() as tx:
            systems.register(tx, list(self._ports), [CRM])

    def _reach(self, system: str) -> Reached:
        writes = Writes(Level.L2, "found")
        return Reached(
            system, lambda port: self._ports[system], lambda operation: cast(Any, writes)
        )

    # messages

    def hear(self, body: Any, *, kind: str = "webhook", source: str = CRM, id: str = "") -> None:
        """A message comes in; it is not read yet."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self.db.transaction() as tx:
            inbox.put(
                tx,
                source=source,
                message=id or f"m{next(_numbers)}",
                kind=kind,
                queue=source,
                correlation=f"c-{id}",
                headers={},
                body=raw,
            )

    def read(self, source: str = CRM) -> list[str]:
        """Read what is ready. What became of each message ever heard, oldest first."""
        with LockSession(self.db) as session:
            while self.inbox.work(f"inbox:{source}", Ledger(self.db, session)):
                pass
        return [f"{row['state']}: {row['outcome']}" for row in self.rows("inbox")]

    def win(self, deal: Opportunity | None = None) -> Engagement:
        """A deal is won in the CRM, and taken in."""
        deal = deal or a_deal()
        self.change(deal)
        return self.engagement(deal.ref.id)

    def change(self, deal: Opportunity) -> str:
        """The CRM now says this of a deal, and tells us. What became of the message."""
        self.crm.deals[deal.ref.id] = deal
        self.hear({"ids": [deal.ref.id]})
        return self.read()[-1]

    # work

    def advance(self) -> None:
        """Only what needs no other system."""
        with self.db.transaction() as tx:
            while self.bursts.advance_ready(tx, 16):
                pass

    def settle(self) -> None:
        """Advance and carry out until nothing moves."""
        moved = True
        with LockSession(self.db) as session:
            while moved:
                self.advance()
                moved = False
                for system in self._ports:
                    moved |= self.outward.carry_out_one(system, Ledger(self.db, session))
                moved |= self.inbox.work("inbox:events", Ledger(self.db, session)) is not Took.NOTHING

    # people

    @staticmethod
    def person(id: str) -> Acting:
        people = firm().people
        return Acting.of(people, people.person(id).principal())

    def hand_over(self, who: str = "pia.novak") -> None:
        """Sales hands the packet over."""
        self.answer(who)

    def answer(self, who: str, *, approved: bool = True, reason: str = "") -> None:
        """Answer the one open task, and let the run go on."""
        (task,) = self.rows("tasks", state="open")
        with self.db.transaction() as tx:
            answer_task(
                tx, task["id"], self.person(who), approved=approved, reason=reason, version=None
            )
        self.settle()

    def resolve(
        self, who: str, action: ExceptionAction, values: Mapping[str, Any] | None = None,
        reason: str = "", *, cause: str = "",
    ) -> None:  # fmt: skip
        """Act on the one open exception (whose cause begins so)."""
        (found,) = self.open_exceptions(cause)
        with self.db.transaction() as tx:
            self.exceptions.resolve(
                tx, found["id"], self.person(who), action, values=values or {}, reason=reason,
                version=None,
            )  # fmt: skip

    # what can be seen

    def engagement(self, opportunity: str = "O1") -> Engagement:
        id = engagement_id(CRM, opportunity)
        with self.db.transaction() as tx:
            return engagements.load(tx, [id], lock=False)[id]

    def rows(self, table: str, **equal: Any) -> list[dict[str, Any]]:
        """Rows of a table in which these columns have these values, as they were added."""
        with self.db.transaction() as tx:
            query = sql.SQL("SELECT * FROM {} ORDER BY ctid").format(sql.Identifier(table))
            found = tx.execute(query).fetchall()
        if table == "inbox":
            found.sort(key=lambda row: int(row["id"]))
        return [row for row in found if equal.items() <= row.items()]

    def open_exceptions(self, cause: str = "") -> list[dict[str, Any]]:
        return [r for r in self.rows("exceptions", state="open") if r["cause"].startswith(cause)]

    def step(self, name: str) -> str:
        (row,) = self.rows("steps", name=name)
        return row["state"]

    def gaps(self) -> set[str]:
        """Fields that open exceptions name."""
        return {gap["field"] for found in self.open_exceptions() for gap in found["gaps"]}
