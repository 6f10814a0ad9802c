"""The sample firm's handoff on real PostgreSQL, with other systems that live in memory.

The rooms of Fairlead are the real ones, without the worker around them. Besides CRM, ledgers and
project system an office has only the systems that a test names.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

from memory_invoicing import MemoryInvoicing
from memory_systems import (
    MemoryChat,
    MemoryContracts,
    MemoryCrm,
    MemoryDocuments,
    MemoryLedger,
    MemoryMail,
    MemoryPayroll,
    MemoryPeople,
    MemoryProjects,
)
from psycopg import sql

from deals import CRM, a_deal
from fairlead.bootstrap import Fairlead
from fairlead.capabilities.handoff.cancel import cancel
from fairlead.capabilities.handoff.deals import Deals, engagement_id
from fairlead.capabilities.handoff.intake import Intake
from fairlead.capabilities.handoff.intake import Systems as IntakeSystems
from fairlead.capabilities.handoff.ourselves import Ourselves
from fairlead.capabilities.handoff.supply import supply
from fairlead.config import SAMPLE, Serves, Settings, SystemConfig, Systems
from fairlead.connectors.kit.declaration import Level, Writes
from fairlead.domain.model.agreement import Agreement
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.opportunity import Opportunity
from fairlead.flow.burst import Bursts
from fairlead.flow.engine import Took
from fairlead.flow.intake import InboxDrain
from fairlead.flow.ledger import Ledger, LockSession
from fairlead.flow.library import Library
from fairlead.flow.outward import Outward, Reached
from fairlead.ports.contracts import AgreementChanged
from fairlead.ports.crm import OpportunityChanged
from fairlead.store import engagements, inbox, systems
from fairlead.store.database import Database
from fairlead.store.inbox import Message
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task
from fairlead.work.exceptions import Exceptions
from fairlead.work.words import ExceptionAction

LEDGERS = ("netsuite-emea", "netsuite-amer")
CONTRACTS = "docusign"
_numbers = itertools.count(1)

#: What every office has: (id, port, where it serves).
_ALWAYS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (CRM, "crm", {"where": {"source": [CRM]}}),
    ("netsuite-emea", "ledger", {"regions": ["EMEA", "APAC"]}),
    ("netsuite-amer", "ledger", {"regions": ["AMER"]}),
    ("kantata", "projects", {}),
)
#: Port → the system that an office has where a test names it.
_MORE = {
    "contracts": CONTRACTS,
    "people": "bamboohr",
    "documents": "sharepoint",
    "chat": "slack",
    "mail": "mail",
    "payroll": "xero",
}
#: A mail server cannot say what it sent: what goes by mail may come twice, with one Message-ID.
_MAIL = Writes(Level.L0, None, timedelta(minutes=2), repeats=3)


@cache
def firm(*ports: str) -> Fairlead:
    """The sample firm's rooms, with a system for each of these ports besides those that it needs.

    Its database is never asked for, unless an office gives it its own.
    """
    rooms = Fairlead(Settings(config=SAMPLE))
    serving = [*_ALWAYS]
    serving += [(_MORE[port], port, {}) for port in ports if port in _MORE]
    for port in ("procurement", "bookkeeping", "invoicing"):
        if port in ports:
            serving += [(id, port, where) for id, known, where in _ALWAYS if known == "ledger"]
    served: dict[str, list[Serves]] = {}
    for id, port, where in serving:
        served.setdefault(id, []).append(Serves.model_validate({"port": port, **where}))
    rooms.systems = Systems(
        [SystemConfig(id=id, connector="memory", serves=tuple(s)) for id, s in served.items()]
    )
    return rooms


def _read_webhook(body: bytes) -> list[OpportunityChanged]:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    return [
        OpportunityChanged(opportunity=id, revision="1", at=at) for id in json.loads(body)["ids"]
    ]


def _read_word(body: bytes) -> list[AgreementChanged]:
    at = datetime(2026, 11, 2, tzinfo=UTC)
    return [AgreementChanged(agreement=id, revision="1", at=at) for id in json.loads(body)["ids"]]


class Office:
    """One firm at work. Nothing moves unless a test says so."""

    def __init__(self, db: Database, *ports: str) -> None:
        """`ports`: for which there is a system, besides CRM, ledgers and project system."""
        rooms = firm(*sorted(ports))
        rooms.db = self.db = db
        self.rooms = rooms
        self.crm, self.projects = MemoryCrm(CRM), MemoryProjects("kantata")
        self.ledgers = {id: MemoryLedger(id) for id in LEDGERS}
        self.invoicing = {id: MemoryInvoicing(id) for id in LEDGERS}
        self.contracts, self.people = MemoryContracts(CONTRACTS), MemoryPeople("bamboohr")
        self.documents, self.chat = MemoryDocuments("sharepoint"), MemoryChat("slack")
        self.mail, self.payroll = MemoryMail("mail"), MemoryPayroll("xero")
        there = (self.crm, self.projects, self.contracts, self.people, self.documents, self.chat)
        self._ports: dict[str, Any] = {one.system: one for one in (*there, self.mail, self.payroll)}
        self._ports |= self.ledgers
        # its own: it remembers which playbooks the database has
        self.policies, self.everybody = rooms.policies, rooms.people
        library = self.library = Library(rooms.library.playbooks, rooms.library.variants)
        self.deals = Deals(library, rooms.policies, rooms.ownership, rooms.contract_system)
        self.intake = Intake(
            library,
            self.deals,
            Ourselves(library, rooms.listeners(library)),
            IntakeSystems(
                crm=self._ports.__getitem__,
                contracts=self._ports.__getitem__,
                webhooks={CRM: _read_webhook, CONTRACTS: _read_word},
            ),
            rooms.readers(self._ports.__getitem__),
        )
        self.inbox = InboxDrain(db, "worker-1", self.intake.handle, 2)
        self.bursts = Bursts(rooms.hooks, rooms.registry, library)
        self.outward = Outward(db, "worker-1", rooms.hooks, rooms.registry, library, self._reach)
        self.exceptions = Exceptions({"engagement": supply})
        with db.transaction() as tx:
            systems.register(tx, list(self._ports), [CRM])

    def put_projects(self, port: Any) -> None:
        """The project system from now on."""
        self._ports[self.projects.system] = port

    def put_invoicing(self, system: str, port: Any) -> None:
        """What invoices there from now on."""
        self.invoicing[system] = port

    def _reach(self, system: str) -> Reached:
        writes = _MAIL if system == self.mail.system else Writes(Level.L2, "found")

        def adapter(port: str) -> Any:
            return self.invoicing[system] if port == "invoicing" else self._ports[system]

        return Reached(system, adapter, lambda operation: cast(Any, writes))

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
        return self._heard({"ids": [deal.ref.id]}, CRM)

    def sign(self, agreement: Agreement) -> str:
        """The signature service now says this of an agreement, and tells us."""
        self.contracts.agreements[agreement.ref.id] = agreement
        return self._heard({"ids": [agreement.ref.id]}, CONTRACTS)

    def _heard(self, body: Any, source: str) -> str:
        id = f"m{next(_numbers)}"
        self.hear(body, source=source, id=id)
        self.read(source)
        (row,) = self.rows("inbox", source=source, message=id)
        return row["outcome"]

    def tell(self, type: str, data: Mapping[str, Any], source: str = "event-relay") -> str:
        """An event comes in, and is read. What became of it."""
        id = f"e{next(_numbers)}"
        event = {"specversion": "1.0", "id": id, "source": source, "type": type, "data": data}
        self.hear(event, kind="event", source=source, id=id)
        self.read(source)
        (row,) = self.rows("inbox", source=source, message=id)
        return row["outcome"]

    def tell_ourselves_again(self, *, backwards: bool = False) -> list[str]:
        """Every message of our own is delivered once more, and taken in. What became of each."""
        told = self.rows("inbox", kind="internal")
        fields = Message.__dataclass_fields__
        outcomes: list[str] = []
        for row in reversed(told) if backwards else told:
            message = Message(**{name: row[name] for name in fields})
            take_in = self.intake.handle(message)
            with self.db.transaction() as tx:
                outcomes.append(take_in(tx))
        return outcomes

    # work

    def advance(self) -> None:
        """Only what needs no other system."""
        with self.db.transaction() as tx:
            while self.bursts.advance_ready(tx, 16):
                pass

    def settle(self, *, hear_ourselves: bool = True) -> None:
        """Advance and carry out until nothing moves.

        `hear_ourselves`: read also what our own steps say to other runs.
        """
        moved = True
        with LockSession(self.db) as session:
            while moved:
                self.advance()
                moved = False
                for system in self._ports:
                    moved |= self.outward.carry_out_one(system, Ledger(self.db, session))
                if hear_ourselves:
                    took = self.inbox.work("inbox:events", Ledger(self.db, session))
                    moved |= took is not Took.NOTHING

    def hurry(self) -> None:
        """No step waits any longer before its next attempt."""
        with self.db.transaction() as tx:
            tx.execute("UPDATE steps SET ready_at = clock_timestamp() WHERE state = 'ready'")

    def reverse_ourselves(self) -> None:
        """What our own steps have said, and nobody has read, is read last first."""
        with self.db.transaction() as tx:
            tx.execute(
                "UPDATE inbox SET ready_at = clock_timestamp() - make_interval(secs => id) "
                "WHERE kind = 'internal' AND state = 'ready'"
            )

    def cancel(self, engagement: Engagement, playbook: str = "deal-to-delivery") -> None:
        """Somebody cancels the run that sets an engagement up."""
        (run,) = self.runs(playbook, engagement, state="active")
        with self.db.transaction() as tx:
            cancel(tx, run["id"], by="ines.moreau", reason="The client withdrew.")
        self.settle()

    # people

    @staticmethod
    def person(id: str) -> Acting:
        people = firm().people
        return Acting.of(people, people.person(id).principal())

    def hand_over(self, who: str = "pia.novak") -> None:
        """Sales hands the packet over."""
        self.answer(who, step="hand_over_packet")

    def task(self, step: str = "") -> dict[str, Any]:
        """The one open task (of this step)."""
        (task,) = [t for t in self.rows("tasks", state="open") if step in ("", t["step"])]
        return task

    def answer(self, who: str, *, step: str = "", approved: bool = True, reason: str = "") -> None:
        """Answer the one open task (of this step), and let its run go on."""
        task = self.task(step)
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

    def part(self, number: int, opportunity: str = "O1") -> Engagement:
        return self.engagement(f"{opportunity}#{number}")

    def runs(self, playbook: str, of: Engagement | None = None, **equal: Any) -> list[Any]:
        found = self.rows("runs", playbook=playbook, **equal)
        return [run for run in found if of is None or run["subject_id"] == of.id]

    def step(self, name: str, run: str = "") -> str:
        """The state of the one step of this name (of this run)."""
        (row,) = [r for r in self.rows("steps", name=name) if run in ("", r["run_id"])]
        return row["state"]

    def result(self, name: str) -> Any:
        (row,) = self.rows("steps", name=name)
        return row["result"]

    def decided(self, policy: str, of: Engagement | None = None) -> list[str]:
        """Rows of a policy that fired, oldest first."""
        found = sorted(self.rows("decisions", policy=policy), key=lambda row: row["at"])
        return [row["row"] for row in found if of is None or row["subject_id"] == of.id]

    def gaps(self) -> set[str]:
        """Fields that open exceptions name."""
        return {gap["field"] for found in self.open_exceptions() for gap in found["gaps"]}
