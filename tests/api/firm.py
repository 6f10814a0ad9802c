"""A small firm with rows in its database, and keys for everybody in it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from databases import Content
from fairlead.api.parts import AppParts, Limits
from fairlead.bootstrap import Fairlead
from fairlead.capabilities.billing.desk import BillingDesk
from fairlead.capabilities.handoff.events import EVENTS
from fairlead.capabilities.handoff.packet import Packets
from fairlead.capabilities.handoff.supply import supply
from fairlead.capabilities.milestones import evidence
from fairlead.capabilities.milestones.submitting import Submitting
from fairlead.capabilities.time.entering import TimeInput
from fairlead.capabilities.time.expenses import ExpenseInput, Expenses
from fairlead.capabilities.time.validation import Scope, ask
from fairlead.config import SAMPLE, Serves, Settings, SystemConfig, Systems
from fairlead.connectors.kit.signatures import standard_webhook
from fairlead.domain.gates import Gap
from fairlead.domain.ids import EngagementId, derived
from fairlead.domain.model.assignment import Assignment
from fairlead.domain.model.contract import ContractType
from fairlead.domain.model.delivery import Delivery
from fairlead.domain.model.engagement import Engagement, EngagementState
from fairlead.domain.model.milestone import Accepts, Milestone
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.model.project import WorkPackage
from fairlead.domain.model.resource_record import ResourceRecord
from fairlead.domain.model.revenue import RevenueFacts, RevenueMethod, Stage
from fairlead.domain.rules.opening import Opening
from fairlead.domain.values import ExternalRef, Money, Period
from fairlead.flow.burst import Bursts
from fairlead.flow.cancel import cancel_run
from fairlead.flow.library import Library
from fairlead.store import (
    api_keys,
    assignments,
    bulk,
    deliveries,
    deputies,
    engagements,
    exceptions,
    journal,
    milestones,
    periods,
    resources,
    systems,
    tasks,
)
from fairlead.store.database import Database, Tx
from fairlead.store.deputies import Deputy
from fairlead.store.journal import Event
from fairlead.store.periods import Move
from fairlead.trust.acting import Acting
from fairlead.trust.principals import People, Person, Service, new_key
from fairlead.trust.roles import Permission, Role
from fairlead.work.exceptions import Exceptions
from fairlead.work.words import CauseClass, ExceptionAction, NewException, NewTask

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WEBHOOK_SECRET = "whsec_" + "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"

_LIMITS = {"EUR": Decimal(1_000_000), "USD": Decimal(1_000_000)}
EMEA = frozenset({"EMEA"})
OF_AMERICA = (".amer", ".us01")  #: ends of ids: limited to the region, to its company

PEOPLE = People(
    [
        *(
            Person(
                id=str(role).replace("_", "-"),
                name=str(role),
                roles=frozenset({role}),
                approval_limits=_LIMITS,
            )
            for role in Role
            if role is not Role.SERVICE
        ),
        *(
            Person(
                id=f"{str(role).replace('_', '-')}.amer",
                name=f"{role} of AMER",
                email=f"{role}@example.org",
                roles=frozenset({role}),
                regions=frozenset({"AMER"}),
                approval_limits=_LIMITS,
            )
            for role in Role
            if role is not Role.SERVICE
        ),
        *(
            Person(
                id=f"{str(role).replace('_', '-')}.us01",
                name=f"{role} of US01",
                roles=frozenset({role}),
                legal_entities=frozenset({"US01"}),
                approval_limits=_LIMITS,
            )
            for role in Role
            if role is not Role.SERVICE
        ),
        Person(
            id="pmo-lead.gmbh",
            name="PMO of the GmbH",
            roles=frozenset({Role.PMO_LEAD}),
            legal_entities=frozenset({"DE01"}),
            approval_limits=_LIMITS,
        ),
        Person(id="gone", name="Gone", roles=frozenset({Role.FINANCE}), active=False),
    ],
    [
        Service(id="relay", name="Relay"),
        Service(id="other-relay", name="Another relay"),
        Service(id="reader", name="Reader of bills", reads=frozenset({Permission.BILLING_READ})),
    ],
)

SYSTEMS = Systems(
    [
        SystemConfig(id="crm-emea", connector="salesforce", serves=(Serves(port="crm"),)),
        SystemConfig(
            id="ledger-emea",
            connector="netsuite",
            serves=(Serves(port="ledger", regions=("EMEA",)),),
        ),
        SystemConfig(
            id="ledger-amer",
            connector="netsuite",
            serves=(Serves(port="ledger", regions=("AMER",)),),
        ),
    ]
)


_SAMPLE = Fairlead(Settings(config=SAMPLE))
PACKETS = Packets(
    policies=_SAMPLE.policies,
    firm=_SAMPLE.firm,
    ownership=_SAMPLE.ownership,
    people=PEOPLE,
    systems=SYSTEMS,
)


EXPENSES = Expenses(_SAMPLE.policies, _SAMPLE.calendars)
TIMEKEEPING = _SAMPLE.timekeeping


def verify(headers: Any, body: bytes, /, *, now: float) -> str:
    return standard_webhook(headers, body, [WEBHOOK_SECRET], now)


def parts(db: Database, limits: Limits | None = None) -> AppParts:
    return AppParts(
        db=db,
        people=PEOPLE,
        systems=SYSTEMS,
        exceptions=Exceptions({"engagement": supply}),
        cancel_run=cancel_run,
        packets=PACKETS,
        expenses=EXPENSES,
        companies=frozenset({"DE01", "US01"}),
        regions=frozenset({"EMEA", "AMER"}),
        times=_SAMPLE.timekeeping.times,
        time_imports=_SAMPLE.timekeeping.imports,
        expense_imports=_SAMPLE.timekeeping.expense_imports,
        milestones=Submitting(_library(), _SAMPLE.policies, PEOPLE),
        reckons=_SAMPLE.reckons,
        billing=BillingDesk(
            _SAMPLE.policies, _library(), _SAMPLE.days, _SAMPLE.firm.legal_entities
        ),
        hooks={"crm-emea": verify},
        event_types=EVENTS,
        limits=limits or Limits(requests_per_s=10_000, burst=100_000),
    )


def _library() -> Library:
    """For one database: it remembers which playbooks that has."""
    return Library(_SAMPLE.library.playbooks, _SAMPLE.library.variants)


def advance(db: Database) -> None:
    """Runs go as far as they go without another system."""
    bursts = Bursts(_SAMPLE.hooks, _SAMPLE.registry, _library())
    with db.transaction() as tx:
        while bursts.advance_ready(tx, 10):
            pass


def add_keys(tx: Tx) -> dict[str, str]:
    """Principal → its key, with all that its roles permit."""
    keys: dict[str, str] = {}
    now = datetime.now(UTC)
    names = [person.id for person in PEOPLE.all() if person.active] + [
        "relay",
        "other-relay",
        "reader",
    ]
    for name in names:
        principal = PEOPLE.principal(name)
        row, secret = new_key(principal, principal.permissions, now=now, expires_at=None)
        api_keys.add(tx, row)
        keys[name] = secret.get_secret_value()
    return keys


def fill(db: Database) -> dict[str, str]:
    """One engagement in EMEA with a run, steps, tasks and so on; the keys of everybody.

    Written once in a process, and copied into each further database.
    """
    if not _filled:
        keys = _write(db)
        _filled.append((Content.of(db), keys))
        return keys
    content, keys = _filled[0]
    content.put_into(db)
    return dict(keys)


_filled: list[tuple[Content, dict[str, str]]] = []


def _write(db: Database) -> dict[str, str]:
    with db.transaction() as tx:
        systems.register(tx, [system.id for system in SYSTEMS.all()], [])
        keys = add_keys(tx)
        for number, region, entity in ((2001, "EMEA", "DE01"), (2002, "AMER", "US01")):
            add_engagement(tx, number, region, entity)
            add_delivery(tx, number, region, entity)
            add_milestones(tx, number, region)
        add_people_who_book(tx)
        add_expense(tx)
        add_time(tx)
        add_deputy(tx)
        add_period_move(tx)
        add_revenue(tx)
        add_invoice(tx)
        bulk.insert(
            tx,
            "inbox",
            [
                {
                    "source": "crm-emea",
                    "message": f"msg-{n}",
                    "kind": "webhook",
                    "queue": "crm-emea",
                    "correlation": "c",
                    "headers": {},
                    "body": b"{}",
                    "state": "parked",
                    "received_at": NOW,
                    "ready_at": NOW,
                    "outcome": "no such deal",
                }
                for n in range(3)
            ],
        )
        tx.execute(
            "INSERT INTO notifications (role, region, about, text, at) VALUES"
            " ('finance', 'EMEA', 'launch', 'It is launched.', %(at)s),"
            " ('finance', NULL, 'outage', 'It is down.', %(at)s)",
            {"at": NOW},
        )
    return keys


def add_revenue(tx: Tx) -> None:
    """A month of `e-2001` that was computed, and what leaks of it."""
    batch = {
        "id": "batch-2001",
        "legal_entity": "DE01",
        "region": "EMEA",
        "month": date(2026, 2, 1),
        "number": 1,
        "state": "computed",
        "computed_by": ["finance"],
        "computed_at": NOW,
        "version": 1,
    }
    bulk.insert(tx, "revenue_batches", [batch])
    facts = RevenueFacts(
        method=RevenueMethod.AS_INVOICED,
        currency="EUR",
        on=date(2026, 2, 28),
        stages=(
            Stage(since=date(2026, 1, 1), price=_euros(250_000), done=Decimal(0), total=Decimal(0)),
        ),
        invoiced_work=_euros(900),
        expenses=_euros(0),
        concessions=_euros(0),
        billed=_euros(900),
        due=_euros(0),
    )
    entry = {
        "engagement_id": "e-2001",
        "month": date(2026, 2, 1),
        "revision": 1,
        "batch_id": "batch-2001",
        "state": "draft",
        "method": "as_invoiced",
        "currency": "EUR",
        **dict.fromkeys(("earned", "billed", "revenue", "billed_change"), Decimal(900)),
        **dict.fromkeys(
            ("wip", "accrued", "deferred", "wip_change", "deferred_change"), Decimal(0)
        ),
        "basis": facts.model_dump(mode="json"),
        "digest": "d",
        "warnings": list[str](),
        "computed_at": NOW,
    }
    bulk.insert(tx, "revenue_entries", [entry])
    job = {
        "id": "job-2001",
        "month": date(2026, 2, 1),
        "asked_by": "finance",
        "regions": ["EMEA"],
        "asked_at": NOW,
        "reached": "e-2001",
        "engagements": 1,
        "changed": 1,
        "held": 0,
        "expected": 1,
        "ended_at": NOW,
    }
    bulk.insert(tx, "revenue_jobs", [job])
    leak = {
        "kind": "unbilled_time",
        "item_id": "t-2001",
        "engagement_id": "e-2001",
        "region": "EMEA",
        "legal_entity": "DE01",
        "owner": "finance-operations",
        "day": date(2026, 1, 5),
        "minutes": 480,
        "amount": Decimal(1200),
        "currency": "EUR",
        "why": "approved and in no invoice for 60 days",
        "first_seen_at": NOW,
        "last_seen_at": NOW,
    }
    bulk.insert(tx, "leaks", [leak])


def _euros(amount: int) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def add_delivery(tx: Tx, number: int, region: str, entity: str, **more: Any) -> None:
    """`e-2001` is launched: people work on it all through 2026."""
    values: dict[str, Any] = {
        "engagement": EngagementId(f"e-{number}"),
        "number": f"ENG-{number}",
        "code": f"TH-{number}",
        "name": f"Ledger migration {number}",
        "client_name": "Vantor Logistics",
        "refs": {
            "ledger_project": ExternalRef(
                system=f"ledger-{region.lower()}", kind="project", id=f"{number}"
            )
        },
        "region": region,
        "country": "DE" if region == "EMEA" else "US",
        "legal_entity": entity,
        "subsidiary": "2",
        "contract_type": ContractType.TIME_AND_MATERIALS,
        "billing_method": "as_worked",
        "revenue_method": "as_invoiced",
        "currency": "EUR" if region == "EMEA" else "USD",
        "value": Money(amount=Decimal(250_000), currency="EUR" if region == "EMEA" else "USD"),
        "budget_minutes": 60_000,
        "payment_days": 30,
        "time_policy": "DE-DAILY" if region == "EMEA" else "US-WEEKLY",
        "expense_policy": "DE-PER-DIEM" if region == "EMEA" else "US-ACTUALS",
        "starts_on": date(2026, 1, 1),
        "ends_on": date(2026, 12, 31),
        "packages": (
            WorkPackage(
                code="10",
                name="Deliver",
                hours=Decimal(1000),
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 12, 31),
            ),
        ),
    }
    delivery = Delivery.model_validate(values | more)
    opened = Opening(delivery=delivery, rates=(), milestones=(), charges=())
    assert deliveries.open_books(tx, opened, NOW)


def add_people_who_book(tx: Tx) -> None:
    """Everybody with a key; those of EMEA and without a region are assigned to `e-2001`."""
    resources.upsert(
        tx,
        [
            ResourceRecord(
                id=person.id,
                name=person.name,
                region="AMER" if person.id.endswith(OF_AMERICA) else "EMEA",
                country="US" if person.id.endswith(OF_AMERICA) else "DE",
                legal_entity="US01" if person.id.endswith(OF_AMERICA) else "DE01",
                source="people.yaml",
            )
            for person in PEOPLE.all()
        ],
    )
    assignments.upsert(
        tx,
        [
            Assignment(
                id=f"{number}-{person.id}",
                engagement=EngagementId(f"e-{number}"),
                resource=person.id,
                role="Consultant",
                period=Period(start=date(2026, 1, 1), end=date(2026, 12, 31)),
                source="test",
            )
            for person in PEOPLE.all()
            for number in ([2002] if person.id.endswith(OF_AMERICA) else [2001])
        ],
    )


def add_time(tx: Tx, who: str = "consultant") -> UUID:
    """Two hours of work, handed in by nobody yet; and a validation of that day."""
    said = TimeInput(
        engagement="ENG-2001", task="10", day=date(2026, 3, 2), minutes=120, narrative="Mapped it"
    )
    acting = Acting.of(PEOPLE, PEOPLE.principal(who))
    ask(tx, acting, Scope(first=said.day, last=said.day, engagement="ENG-2001"))
    return _SAMPLE.timekeeping.times.enter(tx, acting, said).row["id"]


def add_period_move(tx: Tx) -> None:
    """Finance has asked for January of the GmbH to be closed."""
    january = date(2026, 1, 1)
    periods.begin(tx, "DE01", january)
    move = Move("move-1", "DE01", january, "closed", False, "", "asked", "finance", NOW)
    periods.ask(tx, move)


def add_deputy(tx: Tx) -> None:
    """Long ago, so that it bars nobody."""
    day = date(2024, 1, 1)
    deputies.add(tx, Deputy("deputy-1", "pmo-lead", "project-manager", day, day, "pmo-lead", NOW))


def add_invoice(tx: Tx) -> None:
    """A draft of `e-2001` without items, and what else of billing has an address of its own."""
    row: dict[str, Any] = {
        "id": "invoice-1", "reference": "BIL-1", "engagement_id": "e-2001", "kind": "invoice",
        "state": "proposed", "client_name": "Vantor Logistics", "legal_entity": "DE01",
        "region": "EMEA", "currency": "EUR", "net": "150", "payment_days": 30,
        "dated_on": date(2026, 3, 31), "digest": "1" * 64, "proposed_by": "finance",
        "proposed_at": NOW, "version": 1,
    }  # fmt: skip
    bulk.insert(tx, "invoices", [row])
    asked = {"engagement_id": "e-2001", "reason": "as agreed"}
    hold = {"id": "hold-1", "placed_by": "finance", "placed_at": NOW, **asked}
    bulk.insert(tx, "billing_holds", [hold])
    rate: dict[str, Any] = {
        "id": "rate-1", "role": "Consultant", "resource_id": "", "valid_from": date(2026, 4, 1),
        "per_hour": "160", "currency": "EUR", "state": "proposed", "proposed_by": "pmo-lead",
        "proposed_at": NOW, **asked,
    }  # fmt: skip
    bulk.insert(tx, "rate_changes", [rate])
    dispute: dict[str, Any] = {
        "id": "dispute-1", "invoice_id": "invoice-1", "engagement_id": "e-2001", "cause": "rate",
        "detail": "Another price.", "opened_by": "finance", "opened_at": NOW,
    }  # fmt: skip
    bulk.insert(tx, "disputes", [dispute])
    charge: dict[str, Any] = {
        "id": "00000000-0000-4000-8000-0000000000c1", "engagement_id": "e-2001",
        "kind": "scheduled", "name": "Fee", "due_on": date(2026, 12, 31), "amount": "500",
        "currency": "EUR", "source": "contract C-1", "region": "EMEA", "made_at": NOW,
    }  # fmt: skip
    bulk.insert(tx, "charges", [charge])
    run: dict[str, Any] = {
        "id": "invoice-run-1", "asked_by": "finance", "asked_at": NOW, "region": "EMEA",
        "dated_on": date(2026, 3, 31), "until": date(2026, 3, 31), "engagements": 1, "done": 1,
        "invoices": 1, "items": 0, "ended_at": NOW,
    }  # fmt: skip
    bulk.insert(tx, "billing_runs", [run])


def add_run_of_invoice(tx: Tx) -> None:
    """`r-invoice` carries `invoice-1`: what was decided, done, asked and went wrong on the way."""
    about: dict[str, Any] = {"run_id": "r-invoice", "subject_id": "invoice-1", "step": "ask"}
    run: dict[str, Any] = {
        "id": "r-invoice", "playbook": "handoff", "digest": "d1", "subject_type": "invoice",
        "subject_id": "invoice-1", "region": "EMEA", "correlation": "c", "input": {},
        "state": "active", "started_at": NOW,
    }  # fmt: skip
    step: dict[str, Any] = {
        "run_id": "r-invoice", "name": "ask", "occurrence": 1, "kind": "approval",
        "state": "waiting", "owner": "finance-operations", "started_at": NOW,
    }  # fmt: skip
    decision: dict[str, Any] = {
        "id": "d-invoice", "policy": "invoice-release", "version": 1, "row": "large",
        "facts": {}, "answer": {"role": "pmo_lead"}, "at": NOW, **about,
    }  # fmt: skip
    effect: dict[str, Any] = {
        "key": "invoice/invoice-1", "occurrence": 1, "system": "ledger-emea", "digest": "x",
        "operation": "invoicing.create_invoice", "request": {}, "state": "confirmed",
        "attempts": 1, "intended_at": NOW, **about,
    }  # fmt: skip
    task: dict[str, Any] = {
        "id": "t-invoice", "kind": "approval", "occurrence": 1, "region": "EMEA",
        "title": "Release?", "role": "pmo_lead", "excluded": ["controller"], "amount": "150",
        "currency": "EUR", "shown": {}, "state": "open", "opened_at": NOW, "version": 1, **about,
    }  # fmt: skip
    trouble: dict[str, Any] = {
        "id": "x-invoice", "class": "missing_data", "team": "finance-operations",
        "title": "BIL-1 waits", "detail": "The client is missing.", "remedy": "See the run.",
        "gaps": [], "actions": [], "region": "EMEA", "times": 1, "state": "open",
        "cause": "r-invoice/ask", "opened_at": NOW, "version": 1, **about,
    }  # fmt: skip
    rows = (
        ("runs", run), ("steps", step), ("decisions", decision), ("effects", effect),
        ("tasks", task), ("exceptions", trouble),
    )  # fmt: skip
    for table, row in rows:
        bulk.insert(tx, table, [row])
    event = Event(
        chain="e-2001",
        type="invoice.release_asked",
        at=NOW,
        actor="person:controller",
        attributes={},
        objects=[("invoice-1", "invoice", "release_asked")],
        region="EMEA",
    )
    journal.append(tx, [event])


def milestone_id(engagement: int, number: int) -> str:
    return derived("milestone", f"e-{engagement}", str(number))


def add_milestones(tx: Tx, engagement: int, region: str) -> None:
    """Milestone 1 is the client's to accept, milestone 2 ours; both have a link as evidence."""
    rows = [
        Milestone(
            id=UUID(milestone_id(engagement, number)),
            engagement=EngagementId(f"e-{engagement}"),
            number=number,
            name=f"Stage {number} of {engagement}",
            amount=Money(amount=Decimal(50_000), currency="EUR" if region == "EMEA" else "USD"),
            due_on=date(2026, 3 + number, 1),
            accepts=accepts,
            region=region,
        )
        for number, accepts in ((1, Accepts.CLIENT), (2, Accepts.INTERNAL))
    ]
    milestones.add(tx, rows)
    for row in rows:
        url = f"https://tests.example/{engagement}/{row.number}"
        whole = Acting.of(PEOPLE, PEOPLE.principal("project-manager"))
        evidence.add_link(tx, whole, str(row.id), name="Test run", url=url)


def add_expense(tx: Tx, who: str = "consultant") -> UUID:
    """A taxi ride, handed in by nobody yet."""
    said = ExpenseInput(
        engagement="ENG-2001",
        day=date(2026, 3, 2),
        category="taxi",
        amount=Money(amount=Decimal("18.40"), currency="EUR"),
        merchant="Taxi München",
    )
    entered = EXPENSES.enter(tx, Acting.of(PEOPLE, PEOPLE.principal(who)), said)
    return entered.kept.expense.id


def add_engagement(tx: Tx, number: int, region: str, entity: str) -> None:
    """`e-2001`, with the run `r-2001`, its steps, an effect, a decision, tasks, an exception."""
    id, currency = EngagementId(f"e-{number}"), "EUR" if region == "EMEA" else "USD"
    ledger = f"ledger-{region.lower()}"
    deal = Opportunity(
        ref=ExternalRef(system="crm-emea", kind="opportunity", id=f"006{number}"),
        revision="1",
        modified_at=NOW,
        name=f"Ledger migration {number}",
        stage=OpportunityStage.WON,
        value=Money(amount=Decimal(250_000), currency=currency),
        region=region,
        legal_entity=entity,
    )
    whole = Engagement(
        id=id,
        number=f"ENG-{number}",
        state=EngagementState.IN_SETUP,
        deal=deal,
        opened_at=NOW + timedelta(minutes=number),
    )
    assert engagements.add(tx, whole)
    run = f"r-{number}"
    tx.execute(
        "INSERT INTO playbooks (digest, name, version, body, first_used_at)"
        " VALUES ('d1', 'handoff', 1, %s, %s) ON CONFLICT DO NOTHING",
        [Jsonb({}), NOW],
    )
    bulk.insert(
        tx,
        "runs",
        [
            {
                "id": run,
                "playbook": "handoff",
                "digest": "d1",
                "subject_type": "engagement",
                "subject_id": id,
                "region": region,
                "correlation": "c",
                "input": {},
                "state": "active",
                "started_at": NOW + timedelta(minutes=number),
            }
        ],
    )
    steps = (("gate", "gate", "blocked", None), ("book", "action", "ready", ledger))
    approvals = tuple((f"approve-{n}", "approval", "waiting", None) for n in range(4))
    bulk.insert(
        tx,
        "steps",
        [
            {
                "run_id": run,
                "name": name,
                "occurrence": 1,
                "kind": kind,
                "state": state,
                "owner": "delivery-operations",
                "system": system,
                "started_at": NOW,
                "ready_at": NOW if system else None,
            }
            for name, kind, state, system in (*steps, *approvals)
        ],
    )
    bulk.insert(
        tx,
        "effects",
        [
            {
                "key": f"{run}/book/1",
                "run_id": run,
                "step": "book",
                "occurrence": 1,
                "subject_id": id,
                "system": ledger,
                "operation": "ledger.create_project",
                "digest": "x",
                "request": {},
                "state": "confirmed",
                "ref": {"system": ledger, "kind": "project", "id": "1"},
                "attempts": 1,
                "intended_at": NOW,
                "settled_at": NOW,
            }
        ],
    )
    bulk.insert(
        tx,
        "decisions",
        [
            {
                "id": f"d-{number}",
                "policy": "launch-approval",
                "version": 1,
                "row": "routine",
                "facts": {"value": "250000", "margin": "0.31"},
                "answer": {"role": "pmo_lead", "because": "margin 0.31 is enough"},
                "run_id": run,
                "step": "approve-0",
                "subject_id": id,
                "at": NOW,
            }
        ],
    )
    tasks.open_all(
        tx,
        [
            NewTask(
                run_id=run,
                step=f"approve-{n}",
                occurrence=1,
                kind="approval",
                subject_id=id,
                region=region,
                title="Launch?",
                role="pmo_lead",
                excluded=("seller@example.org",),
                amount=Money(amount=Decimal(250_000), currency=currency),
                shown={"name": deal.name},
                because="within limits",
                decision_id=f"d-{number}",
                opened_at=NOW,
                due_at=NOW + timedelta(hours=n) if n else None,
            )
            for n in range(4)
        ],
    )
    exceptions.open_one(
        tx,
        NewException(
            cause=f"gate:{run}",
            cause_class=CauseClass.MISSING_DATA,
            team="sales-operations",
            title="It lacks a start date",
            detail="The deal says nothing of when it starts.",
            remedy="Supply it.",
            opened_at=NOW,
            actions=(ExceptionAction.SUPPLY, ExceptionAction.OVERRIDE),
            gaps=(
                Gap(
                    field="starts_on",
                    problem="is missing",
                    owner="sales-operations",
                    remedy="Supply it.",
                    kind="date",
                ),
            ),
            run_id=run,
            step="gate",
            occurrence=1,
            subject_id=id,
            region=region,
            at_risk=Money(amount=Decimal(250_000), currency=currency),
        ),
    )
    bulk.insert(
        tx,
        "differences",
        [
            {
                "engagement_id": id,
                "field": field,
                "system": ledger,
                "owner": "psa",
                "owner_value": "2026-09-30",
                "system_value": "2026-08-31",
                "region": region,
                "amount": amount,
                "currency": currency if amount else None,
                "rule": rule,
                "first_seen_at": NOW,
                "last_seen_at": NOW + timedelta(days=1),
            }
            for field, rule, amount in (
                ("project.budget", "ask", Decimal("1200.50")),
                ("project.ends_on", "owner_wins", None),
            )
        ],
    )
    journal.append(
        tx,
        [
            Event(
                chain=id,
                type=type,
                at=NOW,
                actor="system:crm-emea",
                objects=[(id, "engagement", "opened")],
                region=region,
            )
            for type in ("opportunity.closed_won", "run.started")
        ],
    )
