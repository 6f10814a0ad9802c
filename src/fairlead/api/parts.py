"""What the API is made of. `bootstrap` puts it together; nothing here is looked up elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel

from fairlead.capabilities.billing.desk import BillingDesk
from fairlead.capabilities.milestones.submitting import Submitting
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.time.entering import Times
from fairlead.capabilities.time.expense_importing import ExpenseImports
from fairlead.capabilities.time.expenses import Expenses
from fairlead.capabilities.time.importing import Imports
from fairlead.config import Systems
from fairlead.domain.rules.packet import Packet
from fairlead.flow.calls import Subjects
from fairlead.flow.library import Library
from fairlead.store.database import Database, Tx
from fairlead.trust.principals import People, Principal
from fairlead.work.exceptions import Exceptions


class Verify(Protocol):
    """Tells a system's own delivery from a forged one."""

    def __call__(self, headers: Mapping[str, str], body: bytes, /, *, now: float) -> str:
        """The delivery's id, the same for each copy of one message. `headers` has names in lower
        case; `now` is a Unix time. Raises `NotAllowed`."""
        ...


class CancelRun(Protocol):
    def __call__(self, tx: Tx, run_id: str, /, *, by: str, reason: str) -> None:
        """End a run and take back what it did outside. Raises `NotFound`, `IllegalMove`."""
        ...


class MakesPacket(Protocol):
    def __call__(self, tx: Tx, reader: Principal, id: str, /, *, now: datetime) -> Packet | None:
        """The packet of an engagement as a principal sees it; none where they see none."""
        ...


@dataclass(frozen=True)
class Limits:
    """How much one client, and all together, may ask for."""

    requests_per_s: float = 100  #: of one principal, on the long run
    burst: int = 500  #: of one principal, at once
    at_once: int = 200  #: requests in hand; beyond that 503
    body_bytes: int = 1024 * 1024
    upload_bytes: int = 10 * 1024 * 1024  #: of a file
    body_s: float = 15  #: how long a body may take to arrive


@dataclass(frozen=True)
class AppParts:
    db: Database
    people: People
    systems: Systems
    exceptions: Exceptions
    cancel_run: CancelRun
    packets: MakesPacket
    expenses: Expenses
    times: Times
    time_imports: Imports
    expense_imports: ExpenseImports
    milestones: Submitting
    reckons: Reckons
    billing: BillingDesk
    hooks: Mapping[str, Verify] = field(default_factory=dict[str, Verify])
    """By system id: those that send us webhooks."""
    event_types: Mapping[str, type[BaseModel]] = field(default_factory=dict[str, type[BaseModel]])
    """What may be sent to `/events`: the CloudEvent's type → the model of its `data`."""
    library: Library = field(default_factory=lambda: Library(()))
    """The playbooks that the firm runs, to which runs may be migrated."""
    subjects: Mapping[str, Subjects] = field(default_factory=dict[str, Subjects])
    """By type: what runs are about."""
    companies: frozenset[str] = frozenset()  #: codes of our legal entities
    regions: frozenset[str] = frozenset()  #: in which we deliver
    limits: Limits = Limits()
