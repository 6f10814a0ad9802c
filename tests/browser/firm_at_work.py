"""The made-up firm at work, in real processes: database, sandbox, a worker, and the pages."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast
from uuid import uuid4

import yaml
from psycopg import sql

from fairlead.bootstrap import Fairlead
from fairlead.capabilities.reconciliation.books import LEDGER, LEDGER_INVOICES
from fairlead.capabilities.reconciliation.comparing import TakesRecords
from fairlead.cli.demo_deals import Deal, DealClient, load_deals
from fairlead.cli.demo_seller import Seller, prepare
from fairlead.cli.processes import Child, wait_until_ready
from fairlead.cli.sample_accounts import open_accounts
from fairlead.cli.sample_people import hire
from fairlead.cli.world import open_world
from fairlead.config import Settings
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.bill_rate import BillRate
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.discrepancy import Record
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.revenue import RevenueFacts, RevenueMethod, Stage
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import ExternalRef, Money, Period
from fairlead.store import assignments, blobs, bulk, deliveries, journal, resources, revenue
from fairlead.store.database import database_time
from fairlead.store.inbox import Message
from fairlead.store.journal import CHANGED, Event
from fairlead.store.server import EmbeddedServer
from fairlead.trust.acting import Acting
from fairlead.work.answers import answer_task

_T = TypeVar("_T")
_Row = Mapping[str, Any]

PATIENCE_S = 40

#: The sample has one PMO lead per region; here two may answer the same approval.
SECOND_LEAD = {
    "id": "jonas.berg",
    "name": "Jonas Berg",
    "email": "jonas.berg@tarn-holloway.example",
    "roles": ["pmo_lead"],
    "regions": ["EMEA"],
    "teams": ["delivery-operations"],
    "approval_limits": {"EUR": "1000000"},
}


class FirmAtWork:
    """Begins with no deal. Ends all that it started with `close`."""

    def __init__(self) -> None:
        # Not under pytest's folder: only its owner may enter that, and root runs PostgreSQL as
        # another.
        self._folder = Path(tempfile.mkdtemp(prefix="fairlead-browser-"))
        self._folder.chmod(0o755)
        self._children: list[Child] = []
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._world = open_world(self._folder, self.url)
        _hire(self._world.config / "people.yaml", SECOND_LEAD)
        try:
            self._start(port)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for child in self._children:
            child.ask_to_stop()
        for child in self._children:
            child.stop(within_s=10)
        self._world.stop()
        EmbeddedServer(self._folder).stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, port: int) -> None:
        own = {"data": self._folder, "config": self._world.config, "port": port}
        self._fairlead = Fairlead(Settings().model_copy(update={**own, "database_url": None}))
        with self._fairlead.db.transaction() as tx:  # started and migrated here, by us alone
            self.password = open_accounts(tx, self._fairlead.people, self._folder)
        environment = {
            "FAIRLEAD_DATA": str(self._folder),
            "FAIRLEAD_CONFIG": str(self._world.config),
            "FAIRLEAD_DATABASE_URL": "",
            "FAIRLEAD_HOST": "127.0.0.1",
            "FAIRLEAD_PORT": str(port),
            "FAIRLEAD_ORIGIN": "",
        }
        hire(self._world.sandbox, self._world.config)  # before HR is asked who is there
        for command in ("serve", "worker"):
            log = self._folder / "logs" / f"{command}.log"
            self._children.append(Child(command, environment=environment, log=log))
        self._book = load_deals()
        prepare(self._world.sandbox, self._book.before)
        wait_until_ready(self.url, self._children[0])

    def cut_the_pages_off(self) -> None:
        """As a power cut does."""
        self._children[0].kill()

    def serve_again(self) -> None:
        self._children[0].start()
        wait_until_ready(self.url, self._children[0])

    # -- what the seller does ----------------------------------------------------------------

    def win(
        self, name: str, *, complete: bool = True, client: Mapping[str, Any] | None = None
    ) -> None:
        """A deal that a PMO lead of EMEA may launch. `complete`: false: the seller forgot when it
        starts. `client`: facts of a client of its own."""
        like = next(one for one in self._book.deals if one.id == "almacen-stock")
        id = "b-" + "".join(c for c in name.lower() if c.isascii() and c.isalnum())[:30]
        facts = {"blank": (), "supplied_by": None} if complete else {}
        deal = Deal.model_validate({**like.model_dump(), **facts, "id": id, "name": name})
        book = self._book
        if client is not None:
            known = book.clients[like.client].model_dump()
            book = book.model_copy(
                update={
                    "clients": {**book.clients, id: DealClient.model_validate({**known, **client})}
                }
            )
            deal = deal.model_copy(update={"client": id})
        Seller(self._world.sandbox, book).win(deal)

    def staff(self, person: str, name: str, year: int) -> None:
        """Work of theirs through a year, on a deal that is there."""
        all_of = Period(start=date(year, 1, 1), end=date(year, 12, 31))
        delivery = self._delivery(name, all_of)
        opened = Opening(delivery=delivery, rates=(), milestones=(), charges=())
        who = self._fairlead.people.person(person)
        record = ResourceRecord(
            id=who.id, name=who.name, region="EMEA", country="DE", source="people.yaml"
        )
        held = Assignment(
            id=f"{delivery.engagement}/1",
            engagement=delivery.engagement,
            resource=who.id,
            role="Consultant",
            task="10",
            period=all_of,
            source="people.yaml",
        )
        with self._fairlead.db.transaction() as tx:
            deliveries.open_books(tx, opened, database_time(tx))
            resources.upsert(tx, [record])
            assignments.upsert(tx, [held])

    # -- what became of it -------------------------------------------------------------------

    def engagement(self, name: str) -> _Row:
        """Its row, once there is one."""
        return self._until(
            f"an engagement {name}",
            lambda: self._first("SELECT * FROM engagements WHERE name = %s", name),
        )

    def number(self, name: str) -> str:
        return str(self.engagement(name)["number"])

    def task(self, name: str, step: str) -> _Row:
        """An approval or task of the deal that waits for an answer."""
        id = self.engagement(name)["id"]
        return self._until(
            f"{step} of {name}",
            lambda: self._first(
                "SELECT * FROM tasks WHERE subject_id = %s AND step = %s AND state = 'open'",
                id,
                step,
            ),
        )

    def ready(self, name: str, note: str = "The packet is read over.") -> str:
        """The id of its launch approval, once sales operations handed its packet over."""
        people = self._fairlead.people
        acting = Acting.of(people, people.person("pia.novak").principal())
        id = self.task(name, "hand_over_packet")["id"]
        with self._fairlead.db.transaction() as tx:
            answer_task(tx, id, acting, approved=True, reason=note, version=None)
        return str(self.task(name, "launch_approval")["id"])

    def exception(self, name: str) -> _Row:
        """What of the deal does not go on, once something does not."""
        id = self.engagement(name)["id"]
        return self._until(
            f"an exception of {name}",
            lambda: self._first(
                "SELECT * FROM exceptions WHERE subject_id = %s AND state = 'open'", id
            ),
        )

    def answered(self, task: str) -> _Row:
        """The task, once somebody answered it."""
        return self._until(
            f"an answer to {task}",
            lambda: self._first("SELECT * FROM tasks WHERE id = %s AND state <> 'open'", task),
        )

    def is_open(self, task: str) -> bool:
        return self._first("SELECT 1 FROM tasks WHERE id = %s AND state = 'open'", task) is not None

    def approved_work(self, name: str, minutes: int) -> None:
        """So much work on a deal that is there, approved by its manager and at a price: what
        billing begins with."""
        now = datetime.now(UTC)
        today = now.date()
        start, end = today - timedelta(days=30), today + timedelta(days=200)
        delivery = self._delivery(name, Period(start=start, end=end))
        rate = BillRate(
            engagement=delivery.engagement, role="Consultant", valid_from=delivery.starts_on,
            per_hour=Money(amount=Decimal(150), currency=delivery.currency), source="the contract",
        )  # fmt: skip
        opening = Opening(delivery=delivery, rates=(rate,), milestones=(), charges=())
        id = str(uuid4())
        entry = {
            "id": id, "engagement_id": delivery.engagement, "task": "10", "day": today,
            "resource_id": "ayo.brandt", "minutes": minutes, "role": "Consultant",
            "category": "work", "billable": True, "narrative": "Interfaces", "state": "approved",
            "source": "test", "source_id": id, "region": delivery.region,
            "legal_entity": delivery.legal_entity, "entered_by": "person:ayo.brandt",
            "entered_at": now, "submitted_at": now, "decided_by": "lea.fontaine",
            "decided_at": now, "version": 1,
        }  # fmt: skip
        with self._fairlead.db.transaction() as tx:
            deliveries.open_books(tx, opening, now)
            bulk.insert(tx, "time_entries", [entry])
            event = Event(delivery.engagement, "time.approved", now, "person:lea.fontaine")
            journal.append(tx, [event])

    def _delivery(self, name: str, period: Period) -> Delivery:
        """What is delivered of a deal that is there: one task."""
        won = self.engagement(name)
        records = (("client", "customer"), ("ledger_project", "job"))
        assert period.end is not None
        return Delivery(
            engagement=won["id"], number=won["number"], code=f"B-{won['number']}", name=name,
            client_name=won["client_name"], region=won["region"],
            refs={
                what: ExternalRef(system="netsuite-emea", kind=kind, id="1")
                for what, kind in records
            },
            legal_entity=won["legal_entity"], subsidiary="1",
            contract_type=ContractType.TIME_AND_MATERIALS, billing_method="as_worked",
            revenue_method="as_invoiced", currency=won["currency"],
            value=Money(amount=won["value"], currency=won["currency"]), budget_minutes=60_000,
            payment_days=30, starts_on=period.start, ends_on=period.end,
            packages=(
                WorkPackage(
                    code="10", name="Build", hours=Decimal(500),
                    starts_on=period.start, ends_on=period.end,
                ),
            ),
        )  # fmt: skip

    def billed(self, name: str) -> None:
        """A draft of approved work on a deal."""
        self.approved_work(name, 60)
        people = self._fairlead.people
        acting = Acting.of(people, people.person("tomasz.wojcik").principal())
        today, id = datetime.now(UTC).date(), str(self.engagement(name)["id"])
        with self._fairlead.db.transaction() as tx:
            self._fairlead.billing.proposing.propose(tx, [id], acting, dated_on=today, until=today)

    def computed(self, name: str) -> None:
        """What a deal with books earned last month, 1,000, as finance had it computed."""
        won, now = self.engagement(name), datetime.now(UTC)
        until = now.date().replace(day=1) - timedelta(days=1)
        month = until.replace(day=1)
        earned, nothing = Money(amount=Decimal(1000), currency=won["currency"]), Decimal(0)
        none = earned - earned
        basis = RevenueFacts(
            method=RevenueMethod.AS_INVOICED, currency=won["currency"], on=until,
            stages=(Stage(since=until, price=earned, done=nothing, total=nothing),),
            invoiced_work=none, expenses=none, concessions=none, billed=none, due=earned,
        )  # fmt: skip
        entry = {
            "engagement_id": won["id"], "month": month, "revision": 1,
            "state": "draft", "method": "as_invoiced", "currency": won["currency"],
            **dict.fromkeys(("earned", "wip", "accrued", "revenue", "wip_change"), Decimal(1000)),
            **dict.fromkeys(("billed", "deferred", "billed_change", "deferred_change"), nothing),
            "basis": basis.model_dump(mode="json"), "digest": "d", "warnings": list[str](),
            "computed_at": now,
        }  # fmt: skip
        with self._fairlead.db.transaction() as tx:
            batch = revenue.open_batch(
                tx, legal_entity=won["legal_entity"], region=won["region"], month=month,
                by="tomasz.wojcik", at=now,
            )  # fmt: skip
            revenue.put_drafts(tx, [{**entry, "batch_id": batch}])

    def ledger_keeps(self, name: str, *invoices: str) -> None:
        """It says that it has these invoices of a deal, 250 each; none of them is ours."""
        won, now = self.engagement(name), datetime.now(UTC)
        records = [
            Record(key="", ref=ref, amount=Decimal(250), unit=won["currency"]).model_dump(
                mode="json"
            )
            for ref in invoices
        ]
        said = json.dumps(records).encode()
        with self._fairlead.db.transaction() as tx:
            data = {
                "engagement": won["id"], "system": "netsuite-emea", "book": LEDGER_INVOICES,
                "records": blobs.keep(tx, said, "application/json"), "asked_at": now.isoformat(),
            }  # fmt: skip
            TakesRecords(LEDGER)(tx, data, cast("Message", None))

    def invoice(self, name: str, state: str) -> _Row:
        """Of a deal, once there is one in this state."""
        id = self.engagement(name)["id"]
        return self._until(
            f"an invoice of {name} that is {state}",
            lambda: self._first(
                "SELECT * FROM invoices WHERE engagement_id = %s AND state = %s", id, state
            ),
        )

    def mails(self, word: str) -> list[_Row]:
        """What was sent with this word in the subject, once something was."""

        def look() -> list[_Row] | None:
            records = self._world.sandbox.records("mail", "messages")
            return [one["body"] for one in records if word in one["body"]["subject"]] or None

        return self._until(f"a mail about {word}", look)

    def _first(self, query: str, *values: Any) -> _Row | None:
        with self._fairlead.db.transaction() as tx:
            return tx.execute(cast("Any", query), values).fetchone()

    def _open_work(self) -> list[str]:
        """What waits, for the words of a failed test."""
        query = """SELECT title AS said FROM tasks WHERE state = 'open' UNION ALL
            SELECT title || ': ' || detail FROM exceptions WHERE state = 'open'"""
        with self._fairlead.db.transaction() as tx:
            return [row["said"] for row in tx.execute(query).fetchall()]

    def _until(self, what: str, look: Callable[[], _T | None]) -> _T:
        """Looks again whenever the database says that something changed."""
        end = time.monotonic() + PATIENCE_S
        with self._fairlead.db.lock_connection() as session:
            session.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANGED)))
            while (found := look()) is None:
                assert time.monotonic() < end, f"no {what} in {PATIENCE_S} s: {self._open_work()}"
                for _ in session.notifies(timeout=1, stop_after=1):
                    pass
            return found


def _hire(file: Path, person: Mapping[str, Any]) -> None:
    firm = yaml.safe_load(file.read_text("utf-8"))
    firm["people"].append(dict(person))
    file.write_text(yaml.safe_dump(firm, allow_unicode=True), "utf-8")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
