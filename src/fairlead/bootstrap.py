"""Knows every room, with its pieces in `wiring`: wires them for one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from fairlead.api.parts import AppParts
from fairlead.capabilities import (
    billing,
    handoff,
    milestones,
    payroll,
    reconciliation,
    revenue,
    time,
)
from fairlead.capabilities.billing.by_itself import DraftsWhatIsReady
from fairlead.capabilities.billing.desk import BillingDesk
from fairlead.capabilities.billing.opening import OpensBooks
from fairlead.capabilities.billing.running import ProposesRuns
from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.handoff import gates
from fairlead.capabilities.handoff.cancel import cancel
from fairlead.capabilities.handoff.events import EVENTS, INTERNAL, LAUNCHED
from fairlead.capabilities.handoff.firm import Calendars, Firm, load_firm
from fairlead.capabilities.handoff.ourselves import (
    Takes,
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
from fairlead.capabilities.revenue import booking as revenue_booking
from fairlead.capabilities.revenue.approving import APPROVED as REVENUE_APPROVED
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.revenue.rates import DayRates
from fairlead.capabilities.time import recorded
from fairlead.capabilities.time.expenses import Expenses
from fairlead.capabilities.time.workforce import Workforce
from fairlead.config import Settings, Systems, load_systems
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.model.milestone import Milestone
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition
from fairlead.flow.calls import Call, Hooks
from fairlead.flow.engine import Engine
from fairlead.flow.library import Library
from fairlead.flow.lint import Vocabulary, lint
from fairlead.flow.outage import Outages
from fairlead.flow.outward import Reached
from fairlead.flow.passage import Passage
from fairlead.flow.playbook_yaml import load_playbook, load_variant
from fairlead.flow.registry import Registry
from fairlead.policy.publish import load_all
from fairlead.policy.tables import Policies
from fairlead.ports.documents import Documents
from fairlead.store import engagements, inbox, systems
from fairlead.store import milestones as milestone_rows
from fairlead.store.database import Database, Tx
from fairlead.store.migrate import migrate
from fairlead.store.server import database_url
from fairlead.trust.principals import People, load_people
from fairlead.trust.roles import Role
from fairlead.trust.secrets import Secrets
from fairlead.web.parts import WebParts
from fairlead.wiring import approval as wiring_approval
from fairlead.wiring import billing as wiring_billing
from fairlead.wiring import payroll as wiring_payroll
from fairlead.wiring import reconciliation as wiring_reconciliation
from fairlead.wiring.company_days import company_days
from fairlead.wiring.polling import polled
from fairlead.wiring.systems import CONNECTORS, Reach, Signed, sheet
from fairlead.wiring.timekeeping import Timekeeping
from fairlead.wiring.worker import Worker
from fairlead.work.alerts import POLICIES as ALERT_POLICIES
from fairlead.work.exceptions import Exceptions

_CAPABILITIES = tuple(
    Path(str(room.__file__)).parent
    for room in (handoff, time, billing, milestones, revenue, reconciliation, payroll)
)


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
        revenue_booking.register(registry, self.systems.connected)
        wiring_billing.register(registry)
        wiring_approval.register(registry, self.timekeeping.kinds, self.systems.connected)
        wiring_reconciliation.register(registry)
        wiring_payroll.register(registry)
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
                **wiring_billing.subjects(self.policies),
                **wiring_approval.subjects(),
                **wiring_payroll.subjects(),
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
        ours |= wiring_reconciliation.EVENTS | wiring_payroll.EVENTS
        return frozenset(EVENTS) | INTERNAL | ours | wiring_approval.EVENTS

    def listeners(self, library: Library) -> Mapping[str, Takes]:
        """Type of our own messages → the capability that takes it in."""
        return {
            LAUNCHED: both(OpensBooks(self.firm.approved_rates), ShowsMilestones(library)),
            **milestone_steps.listeners(library),
            **wiring_billing.takes(library),
            **wiring_approval.listeners(
                library, self.policies, self.days, DraftsWhatIsReady(self.billing.proposing)
            ),
            **wiring_reconciliation.takes(library, self.timekeeping.kinds, self.systems),
            **wiring_payroll.takes(library, self.timekeeping.kinds, self.systems),
        }

    def readers(
        self, documents: Callable[[str], Documents]
    ) -> Mapping[str, Callable[[inbox.Message], Callable[[Tx], str]]]:
        """Kind of message → the capability that reads it. `documents`: by a system's id."""
        return {DOCUMENT: HearsDocuments(self.policies, documents)}

    @cached_property
    def days(self) -> CompanyDays:
        return company_days(self.firm.legal_entities, self.calendars)

    @cached_property
    def billing(self) -> BillingDesk:
        return BillingDesk(self.policies, self.library, self.days, self.firm.legal_entities)

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
        return Reckons(policies=self.policies, days=self.days, exchange=DayRates)

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
            expense_imports=self.timekeeping.expense_imports,
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
            regions=frozenset(self.firm.regions),
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
            connectors={id: sheet(reach) for id, reach in self.reaches.items()},
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
