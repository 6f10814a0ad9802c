"""What we need from an ERP: the client master, projects, billing schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.billing_schedule import BillingSchedule
from fairlead.domain.model.client import Client, ClientChanges
from fairlead.domain.model.project import Project, ProjectChanges, ProjectReading
from fairlead.domain.values import ExternalRef


class Ledger(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def candidates(self, client: Client) -> Sequence[Client]:
        """Every client in the master that might be this one: same tax id, or a name that shares
        its first significant word, in any spelling the system can search for. All pages."""
        ...

    def create_client(self, client: Client, *, subsidiary: str, key: EffectKey) -> ExternalRef: ...

    def find_client(self, key: EffectKey) -> ExternalRef | None: ...

    def client(self, ref: ExternalRef) -> Client | None:
        """The client's record as it is now. None: there is no such record."""
        ...

    def update_client(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef:
        """Says the same when repeated."""
        ...

    def find_client_updated(
        self, client: ExternalRef, changes: ClientChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        """The client, if its record already shows these values."""
        ...

    def create_project(
        self,
        project: Project,
        *,
        client: ExternalRef,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        """With its code, dimensions, work breakdown structure, budget baseline, tax treatment,
        billing and revenue method. `parent`: the project, in this ledger, that it is a part of."""
        ...

    def project(self, ref: ExternalRef) -> ProjectReading | None:
        """The project as it is now. None: there is no such project."""
        ...

    def update_project(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef:
        """Says the same when repeated."""
        ...

    def find_project_updated(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        """The project, if it already shows these values."""
        ...

    def find_project(self, key: EffectKey) -> ExternalRef | None: ...

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """No time or cost can be booked on it any more. Closing a closed one is no error."""
        ...

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        """The project, if it is closed."""
        ...

    def create_schedule(
        self, schedule: BillingSchedule, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef: ...

    def find_schedule(self, key: EffectKey) -> ExternalRef | None: ...
