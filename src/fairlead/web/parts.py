"""What the pages are made of. `bootstrap` puts it together; nothing here is looked up elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from fairlead.capabilities.billing.desk import BillingDesk
from fairlead.capabilities.billing.keeping import KeepsBoard
from fairlead.capabilities.handoff.firm import Calendars, Firm
from fairlead.capabilities.handoff.ownership import Ownership
from fairlead.capabilities.handoff.packet import Packets
from fairlead.capabilities.milestones.submitting import Submitting
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.time.entering import Times
from fairlead.capabilities.time.expenses import Expenses
from fairlead.capabilities.time.kinds import Kinds
from fairlead.config import Systems
from fairlead.policy.tables import Policies
from fairlead.store.database import Database, Tx
from fairlead.trust.principals import People, Person
from fairlead.work.exceptions import Exceptions


class CancelRun(Protocol):
    def __call__(self, tx: Tx, run_id: str, /, *, by: str, reason: str) -> None:
        """End a run and take back what it did outside. Raises `NotFound`, `IllegalMove`."""
        ...


@dataclass(frozen=True)
class Operation:
    """One operation of a connector, such as `ledger.create_project`."""

    name: str
    level: int | None  #: 0 to 3: how a repeat is recognised (`connectors.kit`); null: it reads
    find: str | None = None  #: the operation that looks up what it did


@dataclass(frozen=True)
class MappedField:
    """One entry of a field map."""

    object: str
    ours: str
    theirs: str
    kind: str
    changed: bool = False  #: by the firm; else as the connector comes


@dataclass(frozen=True)
class ConnectorSheet:
    """What the connector of one configured system declares, as far as people look it up."""

    title: str
    ports: tuple[str, ...]
    operations: tuple[Operation, ...]
    per_second: float | None = None  #: calls; null: no limit of ours
    at_once: int = 4
    docs: str = ""
    settings: tuple[tuple[str, Any], ...] = ()  #: never a secret
    fields: tuple[MappedField, ...] = ()
    secrets: Callable[[], Mapping[str, bool]] = field(default=dict[str, bool])
    """Names only, and whether each is set; asked when the page is shown."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class WebParts:
    db: Database
    people: People
    systems: Systems
    exceptions: Exceptions
    cancel_run: CancelRun
    firm: Firm
    calendars: Calendars
    policies: Policies
    ownership: Ownership
    packets: Packets
    milestones: Submitting
    reckons: Reckons
    times: Times
    expenses: Expenses
    kinds: Kinds  #: of time
    billing: BillingDesk
    origin: str | None = None
    """Where people reach the pages, such as `https://fairlead.example`, without a path. Null:
    from this machine only, over plain HTTP."""
    now: Callable[[], datetime] = _now  #: UTC
    connectors: Mapping[str, ConnectorSheet] = field(default_factory=dict[str, ConnectorSheet])
    """System id → its connector."""

    @property
    def board(self) -> KeepsBoard:
        return KeepsBoard(self.billing.readiness)

    def zone_of(self, person: Person) -> ZoneInfo:
        """Of the calendar that is set for the person, else of their region where they have one,
        else of the firm's first calendar."""
        for calendar in self.firm.calendars:
            if calendar.name == person.calendar:
                return ZoneInfo(calendar.zone)
        regions = person.regions or frozenset[str]()
        region = next(iter(regions)) if len(regions) == 1 else None
        return ZoneInfo(self.calendars.of(region=region, country=None).zone)
