"""The only file that knows every room: wires them for one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

from fairlead import wiring_approval, wiring_billing, wiring_reconciliation
from fairlead.api.parts import AppParts
from fairlead.capabilities import billing, handoff, milestones, reconciliation, revenue, time
from fairlead.capabilities.billing.desk import BillingDesk
from fairlead.capabilities.billing.keeping import KeepsBoard
from fairlead.capabilities.billing.opening import OpensBooks
from fairlead.capabilities.billing.running import ProposesRuns
from fairlead.capabilities.handoff import gates
from fairlead.capabilities.handoff.cancel import cancel
from fairlead.capabilities.handoff.deals import Deals
from fairlead.capabilities.handoff.events import EVENTS, INTERNAL, LAUNCHED
from fairlead.capabilities.handoff.firm import Calendars, Firm, load_firm
from fairlead.capabilities.handoff.intake import Intake
from fairlead.capabilities.handoff.intake import Systems as IntakeSystems
from fairlead.capabilities.handoff.ourselves import (
    Ourselves,
    Takes,
    ask_for_comparisons,
    both,
)
from fairlead.capabilities.handoff.ownership import Ownership, load_ownership
from fairlead.capabilities.handoff.packet import Packets
from fairlead.capabilities.handoff.registering import register
from fairlead.capabilities.handoff.subject import EngagementSubjects, facts_of
from fairlead.capabilities.handoff.supply import supply
from fairlead.capabilities.handoff.workspace import Meeting
from fairlead.capabilities.milestones import registering as milestone_steps
from fairlead.capabilities.milestones.links import Mailing
from fairlead.capabilities.milestones.showing import ShowsMilestones
from fairlead.capabilities.milestones.submitting import Submitting
from fairlead.capabilities.milestones.watching import KIND as DOCUMENT
from fairlead.capabilities.milestones.watching import HearsDocuments
from fairlead.capabilities.reconciliation.comparing import ask_due
from fairlead.capabilities.revenue import booking as revenue_booking
from fairlead.capabilities.revenue import working as revenue_working
from fairlead.capabilities.revenue.approving import APPROVED as REVENUE_APPROVED
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.time import recorded
from fairlead.capabilities.time.expenses import Expenses
from fairlead.capabilities.time.submission import Submission
from fairlead.capabilities.time.validation import ValidationDrain
from fairlead.capabilities.time.workforce import Workforce
from fairlead.config import Settings, SystemConfig, Systems, load_systems
from fairlead.connectors.bamboohr.declaration import CONNECTOR as BAMBOOHR
from fairlead.connectors.docusign.declaration import CONNECTOR as DOCUSIGN
from fairlead.connectors.kantata.declaration import CONNECTOR as KANTATA
from fairlead.connectors.kit.declaration import Connector, SystemSettings, Writes
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.microsoft.declaration import CONNECTOR as MICROSOFT
from fairlead.connectors.netsuite.declaration import CONNECTOR as NETSUITE
from fairlead.connectors.salesforce.declaration import CONNECTOR as SALESFORCE
from fairlead.connectors.slack.declaration import CONNECTOR as SLACK
from fairlead.connectors.smtp.declaration import CONNECTOR as SMTP
from fairlead.connectors.tryton.declaration import CONNECTOR as TRYTON
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.milestone import Milestone
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition
from fairlead.flow.burst import Bursts
from fairlead.flow.calls import Call, Hooks
from fairlead.flow.engine import Drain, Engine, Housekeeping, RunsDrain, forget_old_wakeups
from fairlead.flow.intake import InboxDrain
from fairlead.flow.library import Library
from fairlead.flow.lint import Vocabulary, lint
from fairlead.flow.outage import Outages, SystemDrain
from fairlead.flow.outward import Outward, Reached
from fairlead.flow.passage import Passage
from fairlead.flow.playbook_yaml import load_playbook, load_variant
from fairlead.flow.registry import Registry
from fairlead.policy.publish import load_all
from fairlead.policy.tables import Policies
from fairlead.ports.documents import Documents
from fairlead.store import engagements, idempotency, inbox, runs, systems
from fairlead.store import milestones as milestone_rows
from fairlead.store.database import Database, Tx
from fairlead.store.migrate import migrate
from fairlead.store.server import database_url
from fairlead.trust.audit import checkpoint
from fairlead.trust.principals import People, load_people
from fairlead.trust.roles import Role
from fairlead.trust.secrets import Secrets, SecretSource
from fairlead.web.parts import ConnectorSheet, MappedField, Operation, WebParts
from fairlead.wiring_polling import poll_drain, polled
from fairlead.wiring_revenue import reckons
from fairlead.wiring_time import Timekeeping
from fairlead.work.alerts import POLICIES as ALERT_POLICIES
from fairlead.work.alerts import Alerts
from fairlead.work.escalation import Escalation
from fairlead.work.exceptions import Exceptions

#: Every connector there is, by name.
CONNECTORS: dict[str, Connector] = {
    c.name: c
    for c in (
        SALESFORCE,
        NETSUITE,
        KANTATA,
        DOCUSIGN,
        SLACK,
        BAMBOOHR,
        SMTP,
        TRYTON,
        MICROSOFT,
    )
}

_CAPABILITIES = tuple(
    Path(str(room.__file__)).parent
    for room in (handoff, time, billing, milestones, revenue, reconciliation)
)


@dataclass
class Reach:
    """One configured system: its adapters, built again when a secret of it changes."""

    config: SystemConfig
    connector: Connector
    secrets: Secrets
    passage: Passage
    _built: tuple[tuple[str, ...], dict[str, Any]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def settings(self) -> SystemSettings:
        """Raises `InvalidDefinition` naming system and setting."""
        values = {
            name: self.secrets.get(source).get_secret_value()
            for name, source in self.config.secrets.items()
        }
        try:
            return self.connector.settings.model_validate({**self.config.settings, **values})
        except ValueError as bad:
            faults = [str(line) for line in str(bad).splitlines()[1:3]]
            raise InvalidDefinition(f"systems.yaml: {self.config.id}:", faults) from None

    def port(self, name: str) -> Any:
        """The adapter of a port. Threads share it."""
        key = tuple(
            self.secrets.get(source).get_secret_value() for source in self.config.secrets.values()
        )
        with self._lock:
            if self._built is None or self._built[0] != key:
                self._built = (key, self._build())
            return self._built[1][name]

    def _build(self) -> dict[str, Any]:
        settings, connector = self.settings(), self.connector
        line = connector.connect(self.config.id, settings, self.passage)
        if connector.sign_in is not None:
            line = line.with_sign_in(connector.sign_in(self.config.id, settings, line))
        fields = FieldMap.load(connector.mapping, changes=self.config.mapping)
        return {
            port: adapter(self.config.id, settings, line, fields)
            for port, adapter in connector.ports.items()
        }

    def writes(self, operation: str) -> Writes:
        declared = self.connector.operations[operation]
        if not isinstance(declared, Writes):
            raise InvalidDefinition(f"{self.connector.name} declares {operation} as reading.")
        settle_s = self.settings().settle_s
        if settle_s is None:
            return declared
        return replace(declared, settle=timedelta(seconds=settle_s))

    @property
    def at_once(self) -> int:
        return self.config.rate.at_once or self.connector.rate.at_once

    def ping(self) -> None:
        self.port(next(iter(self.connector.ports))).ping()


@dataclass(frozen=True)
class Signed:
    """Tells a system's own webhook from a forged one, with its secrets as they are now."""

    reach: Reach

    def __call__(self, headers: Mapping[str, str], body: bytes, /, *, now: float) -> str:
        signed_by = self.reach.connector.signed_by
        assert signed_by is not None
        accepted = [
            self.reach.secrets.get(source).get_secret_value()
            for source in self.reach.config.webhook_secrets
        ]
        return signed_by.verify(headers, body, accepted, now)


class Fairlead:
    """The rooms of one process, wired. Everything is made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def db(self) -> Database:
        """Started if it is ours, migrated, and with a row for each system."""
        url = self.settings.database_url
        external = url.get_secret_value() if url else None
        db = Database(database_url(self.settings.data, external), connections=32)
        migrate(db)
        with db.transaction() as tx:
            systems.register(
                tx,
                [system.id for system in self.systems.all() if system.enabled],
                [system.id for system in self.systems.all() if system.enabled and polled(system)],
            )
        return db

    @cached_property
    def systems(self) -> Systems:
        return Systems(load_systems(self.settings.config))

    @cached_property
    def people(self) -> People:
        return load_people(self.settings.config)

    @cached_property
    def firm(self) -> Firm:
        return load_firm(self.settings.config)

    @cached_property
    def ownership(self) -> Ownership:
        return load_ownership(self.settings.config)

    @cached_property
    def policies(self) -> Policies:
        packaged = [room / "policies" for room in _CAPABILITIES]
        return load_all([*packaged, ALERT_POLICIES, self.settings.config / "policies"])

    @cached_property
    def registry(self) -> Registry:
        registry = Registry()
        register(
            registry,
            self.policies,
            self.firm,
            connected=self.systems.connected,
            meeting=Meeting(self._members, self._approvers, self.settings.address),
            ownership=self.ownership,
            commitments=self._commitments,
        )
        milestone_steps.register(
            registry,
            lambda: Mailing(self.db, self.settings.address),
            self.firm.name,
            self._milestones_of,
        )
        revenue_booking.register(registry)
        wiring_billing.register(registry)
        wiring_approval.register(registry, self.timekeeping.kinds, self.systems.connected)
        wiring_reconciliation.register(registry)
        if faults := registry.faults():
            raise InvalidDefinition("The actions contradict each other:", list(faults))
        return registry

    def _members(self, engagement: Engagement) -> tuple[str, ...]:
        """Who works on it: holders of the roles that the firm names, and the seller."""
        region = terms(engagement).region
        held = [
            person.email
            for role in self.firm.workspace.roles
            for person in self.people.holding(role, region=region)
        ]
        everybody = [*held, engagement.deal.owner]
        return tuple(sorted({address for address in everybody if address}))

    def _approvers(self, role: str, engagement: Engagement) -> tuple[str, ...]:
        held = self.people.holding(Role(role), region=terms(engagement).region)
        return tuple(person.email for person in held if person.email)

    def _milestones_of(self, engagement: str) -> Sequence[Milestone]:
        with self.db.transaction() as tx:
            return milestone_rows.of_engagement(tx, engagement)

    def _commitments(self, region: str | None) -> Mapping[str, Decimal]:
        with self.db.transaction() as tx:
            return engagements.committed_hours(tx, region)

    def contract_system(self, engagement: Engagement) -> str | None:
        """The system that holds its contract; None where the firm has none for it."""
        facts = facts_of(engagement)
        connected = self.systems.connected("contracts", facts)
        return self.systems.route("contracts", facts) if connected else None

    @cached_property
    def recorded(self) -> recorded.Recorded:
        """Takes in the time that project systems record."""
        return recorded.Recorded(self.db, self.timekeeping.imports, self.timekeeping.kinds)

    @cached_property
    def workforce(self) -> Workforce:
        return Workforce(self.db, self.people)

    @cached_property
    def timekeeping(self) -> Timekeeping:
        return Timekeeping.of(self.settings.config, self.policies, self.calendars, self.systems)

    @cached_property
    def library(self) -> Library:
        texts = [(path.name, path.read_text("utf-8")) for path in self.playbook_files]
        return Library(
            [load_playbook(t, n) for n, t in texts if "\nvariant_of:" not in f"\n{t}"],
            [load_variant(t, n) for n, t in texts if "\nvariant_of:" in f"\n{t}"],
        )

    @cached_property
    def hooks(self) -> Hooks:
        def route(port: str, facts: Any) -> str:
            return self.systems.route(port, facts)

        return Hooks(
            subjects={
                "engagement": EngagementSubjects(self.ownership),
                revenue_booking.SUBJECT: revenue_booking.RevenueSubjects(),
                **wiring_billing.subjects(),
                **wiring_approval.subjects(),
            },
            ask=gates.asker(self.policies, self._facts),
            route=route,
            calendar=lambda facts: self.calendars.of(
                region=facts.get("region"), country=facts.get("country")
            ),
        )

    @cached_property
    def _facts(self) -> Mapping[str, Callable[[Call], Value]]:
        """Policy → its facts, for approvals that name one."""
        return {**gates.facts_of(self.firm), **milestone_steps.facts(), **wiring_billing.facts()}

    @property
    def events(self) -> frozenset[str]:
        """What a playbook may start on or wait for."""
        ours = milestone_steps.EVENTS | {REVENUE_APPROVED} | wiring_billing.EVENTS
        ours |= wiring_reconciliation.EVENTS
        return frozenset(EVENTS) | INTERNAL | ours | wiring_approval.EVENTS

    def listeners(self, library: Library) -> Mapping[str, Takes]:
        """Type of our own messages → the capability that takes it in."""
        return {
            LAUNCHED: both(OpensBooks(self.firm.approved_rates), ShowsMilestones(library)),
            **milestone_steps.listeners(library),
            **wiring_billing.takes(library),
            **wiring_approval.listeners(library, self.policies),
            **wiring_reconciliation.takes(library),
        }

    def readers(
        self, documents: Callable[[str], Documents]
    ) -> Mapping[str, Callable[[inbox.Message], Callable[[Tx], str]]]:
        """Kind of message → the capability that reads it. `documents`: by a system's id."""
        return {DOCUMENT: HearsDocuments(self.policies, documents)}

    @cached_property
    def billing(self) -> BillingDesk:
        return BillingDesk(self.policies, self.library, self.firm.legal_entities)

    @property
    def invoice_runs(self) -> ProposesRuns:
        return ProposesRuns(self.db, self.people, self.billing.proposing)

    @cached_property
    def outages(self) -> Outages:
        return Outages(self.db)

    @cached_property
    def reaches(self) -> dict[str, Reach]:
        """System id → how to reach it. Raises `InvalidDefinition` for an unknown connector."""
        secrets = Secrets(self.settings.data)
        found: dict[str, Reach] = {}
        for config in self.systems.all():
            if not config.enabled:
                continue
            if config.connector not in CONNECTORS:
                known = ", ".join(CONNECTORS)
                raise InvalidDefinition(
                    f"systems.yaml: {config.id}: there is no connector {config.connector}; "
                    f"there is {known}."
                )
            connector = CONNECTORS[config.connector]
            per_second = config.rate.per_second or connector.rate.per_second
            passage = Passage(self.db, config.id, per_second, self.outages.went_down)
            found[config.id] = Reach(config, connector, secrets, passage)
        return found

    def reach(self, system: str) -> Reached:
        reach = self.reaches[system]
        return Reached(system, reach.port, reach.writes)

    @cached_property
    def exceptions(self) -> Exceptions:
        return Exceptions({"engagement": supply})

    @cached_property
    def reckons(self) -> Reckons:
        """What revenue and margin are worked out with."""
        return reckons(self.policies, self.firm.legal_entities, self.calendars)

    @cached_property
    def milestones(self) -> Submitting:
        return Submitting(self.library, self.policies, self.people)

    @cached_property
    def packets(self) -> Packets:
        """How the packet of an engagement is made."""
        return Packets(
            policies=self.policies,
            firm=self.firm,
            ownership=self.ownership,
            people=self.people,
            systems=self.systems,
        )

    def api_parts(self) -> AppParts:
        """What the API is made of."""
        return AppParts(
            db=self.db,
            people=self.people,
            systems=self.systems,
            exceptions=self.exceptions,
            cancel_run=cancel,
            packets=self.packets,
            expenses=Expenses(self.policies, self.calendars),
            times=self.timekeeping.times,
            time_imports=self.timekeeping.imports,
            milestones=self.milestones,
            reckons=self.reckons,
            billing=self.billing,
            hooks={
                id: Signed(reach)
                for id, reach in self.reaches.items()
                if reach.connector.signed_by is not None
            },
            event_types=dict(EVENTS),
            library=self.library,
            companies=frozenset(entity.code for entity in self.firm.legal_entities),
            subjects=self.hooks.subjects,
        )

    @cached_property
    def calendars(self) -> Calendars:
        """Built for the years around this one; a process that runs for longer is started anew."""
        this_year = datetime.now(UTC).year
        return Calendars(self.firm.calendars, range(this_year - 1, this_year + 4))

    def web_parts(self) -> WebParts:
        """What the pages are made of."""
        return WebParts(
            db=self.db,
            people=self.people,
            systems=self.systems,
            exceptions=self.exceptions,
            cancel_run=cancel,
            firm=self.firm,
            calendars=self.calendars,
            policies=self.policies,
            ownership=self.ownership,
            packets=self.packets,
            billing=self.billing,
            milestones=self.milestones,
            reckons=self.reckons,
            times=self.timekeeping.times,
            expenses=Expenses(self.policies, self.calendars),
            kinds=self.timekeeping.kinds,
            origin=self.settings.origin,
            connectors={id: _sheet(reach) for id, reach in self.reaches.items()},
        )

    def lint(self, files: Sequence[Path] | None = None) -> list[str]:
        """Every fault of playbooks and variants, as `file:line: words`."""
        vocabulary = Vocabulary(
            policies=frozenset(self._facts),  # that an approval may ask
            roles=frozenset(str(role) for role in Role),
            teams=frozenset(self.firm.teams),
            events=self.events,
            subjects=frozenset(self.hooks.subjects),
        )
        known = [*self.library.playbooks, *self.library.variants]
        return [
            f"{path.name}:{fault.line}: {fault.message}"
            for path in files or self.playbook_files
            for fault in lint(path.read_text("utf-8"), vocabulary, self.registry, known)
        ]

    @property
    def playbook_files(self) -> list[Path]:
        packaged = [room / "playbooks" for room in _CAPABILITIES]
        folders = [*packaged, self.settings.config / "playbooks"]
        return sorted(path for folder in folders for path in folder.glob("*.yaml"))

    def worker(self) -> Engine:
        """A worker process, not yet started."""
        return Worker(self).engine


class Worker:
    """The drains of one worker, one per queue."""

    def __init__(self, fairlead: Fairlead) -> None:
        self._fairlead, self._drains = fairlead, dict[str, Drain]()
        self._lock = Lock()
        db, escalation = fairlead.db, self._escalation()
        alerts = Alerts(db, fairlead.policies, fairlead.firm.teams, "integration_operator")
        self.engine = Engine(
            db,
            self._drain,
            [
                Housekeeping(1, self._due_waits),
                Housekeeping(2, escalation.sweep),
                Housekeeping(5, self._forgotten),
                Housekeeping(5, self._compare),
                Housekeeping(5, lambda: revenue_working.wake(db)),
                Housekeeping(2, fairlead.invoice_runs.sweep),
                Housekeeping(5, lambda: KeepsBoard(fairlead.billing.readiness).sweep(db)),
                Housekeeping(60, alerts.sweep),
                Housekeeping(300, Submission(db, fairlead.policies, fairlead.calendars).sweep),
                Housekeeping(60, self._reconcile),
                Housekeeping(600, self._forget_keys),
                Housekeeping(600, lambda: forget_old_wakeups(db)),
                Housekeeping(600, lambda: _note_checkpoint(db)),
            ],
            self._returned,
        )
        self._outward = Outward(
            db,
            self.engine.id,
            fairlead.hooks,
            fairlead.registry,
            fairlead.library,
            fairlead.reach,
        )
        self._intake = Intake(
            fairlead.library,
            Deals(
                fairlead.library,
                fairlead.policies,
                fairlead.ownership,
                fairlead.contract_system,
            ),
            Ourselves(fairlead.library, fairlead.listeners(fairlead.library)),
            IntakeSystems(
                crm=lambda system: fairlead.reaches[system].port("crm"),
                contracts=lambda system: fairlead.reaches[system].port("contracts"),
                webhooks={
                    id: reach.connector.reads_webhook
                    for id, reach in fairlead.reaches.items()
                    if reach.connector.reads_webhook is not None
                },
            ),
            {
                **fairlead.readers(lambda system: fairlead.reaches[system].port("documents")),
                recorded.KIND: fairlead.recorded.handle,
            },
        )

    def _drain(self, queue: str) -> Drain | None:
        with self._lock:
            if queue not in self._drains:
                made = self._make(queue)
                if made is None:
                    return None
                self._drains[queue] = made
            return self._drains[queue]

    def _make(self, queue: str) -> Drain | None:
        kind, _, name = queue.partition(":")
        fairlead = self._fairlead
        match kind:
            case "runs":
                bursts = Bursts(fairlead.hooks, fairlead.registry, fairlead.library)
                return RunsDrain(fairlead.db, bursts.advance_ready)
            case "system" if name in fairlead.reaches:
                reach = fairlead.reaches[name]
                return SystemDrain(
                    fairlead.db,
                    self._outward,
                    fairlead.outages,
                    reach.passage,
                    reach.ping,
                    reach.at_once,
                )
            case "inbox":
                slots = fairlead.reaches[name].at_once if name in fairlead.reaches else 2
                return InboxDrain(fairlead.db, self.engine.id, self._intake.handle, slots)
            case "revenue":
                return revenue_working.RevenueDrain(fairlead.db, fairlead.reckons)
            case "validations":
                return ValidationDrain(fairlead.db, fairlead.timekeeping.judging)
            case "poll" if name in fairlead.reaches:
                reach = fairlead.reaches[name]
                return poll_drain(
                    fairlead.db, reach.config, reach.port, fairlead.recorded, fairlead.workforce
                )
            case _:
                return None

    def _due_waits(self) -> None:
        with self._fairlead.db.transaction() as tx:
            runs.finish_due_waits(tx)

    def _forget_keys(self) -> None:
        with self._fairlead.db.transaction() as tx:
            idempotency.forget_old(tx)

    def _compare(self) -> None:
        """Have the systems of engagements compared that were not for a day (F117)."""
        with self._fairlead.db.transaction() as tx:
            ask_for_comparisons(tx)

    def _reconcile(self) -> None:
        """Have the records of engagements compared that were not for a day (F277)."""
        with self._fairlead.db.transaction() as tx:
            ask_due(tx)

    def _forgotten(self) -> None:
        """Rows that this worker has by the database, but not in hand."""
        reading = [
            id
            for drain in self._drains.values()
            if isinstance(drain, InboxDrain)
            for id in drain.in_flight.copy()
        ]
        with self._fairlead.db.transaction() as tx:
            runs.give_back_forgotten(tx, self.engine.id, list(self._outward.in_flight.copy()))
            inbox.give_back_forgotten(tx, self.engine.id, reading)

    def _returned(self, dead: list[str]) -> None:
        with self._fairlead.db.transaction() as tx:
            runs.give_back(tx, dead)
            inbox.give_back(tx, dead)

    def _escalation(self) -> Escalation:
        return Escalation(self._fairlead.db, self._fairlead.firm.teams, "integration_operator")


def _note_checkpoint(db: Database) -> None:
    """The log's root as it is now; a copy of it kept elsewhere shows later cuts."""
    checkpoint(db)


def _sheet(reach: Reach) -> ConnectorSheet:
    """What a page may show of one system: no secret, only whether there is one."""
    config, connector = reach.config, reach.connector
    hidden = {
        name
        for name, field in connector.settings.model_fields.items()
        if "Secret" in str(field.annotation)
    }
    hooks = {f"webhook secret {n}": s for n, s in enumerate(config.webhook_secrets, 1)}
    sources = {**config.secrets, **hooks}
    entries = FieldMap.load(connector.mapping, changes=config.mapping).entries()
    return ConnectorSheet(
        title=connector.title,
        ports=tuple(connector.ports),
        docs=connector.docs,
        operations=tuple(
            Operation(name, int(declared.level), declared.find)
            if isinstance(declared, Writes)
            else Operation(name, None)
            for name, declared in connector.operations.items()
        ),
        per_second=connector.rate.per_second,
        at_once=connector.rate.at_once,
        settings=tuple((n, v) for n, v in config.settings.items() if n not in hidden),
        fields=tuple(
            MappedField(object, ours, rule.path, rule.kind, ours in config.mapping.get(object, {}))
            for object, rules in entries.items()
            for ours, rule in rules.items()
        ),
        secrets=lambda: {name: _is_set(reach, source) for name, source in sources.items()},
    )


def _is_set(reach: Reach, source: SecretSource) -> bool:
    try:
        return bool(reach.secrets.get(source).get_secret_value())
    except InvalidDefinition:
        return False
