"""What we need from a firm's project system (a PSA)."""

from __future__ import annotations

from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import Project, WorkPackage
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import ExternalRef


class Projects(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def create_project(self, project: Project, *, client_name: str, key: EffectKey) -> ExternalRef:
        """The shell: code, name, dates, budget and, where the project names one, its rate card.
        Work packages are added one by one."""
        ...

    def find_project(self, key: EffectKey) -> ExternalRef | None: ...

    def add_work_package(
        self, project: ExternalRef, package: WorkPackage, *, key: EffectKey
    ) -> ExternalRef: ...

    def find_work_package(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None: ...

    def request_staffing(
        self, project: ExternalRef, request: StaffingRequest, *, key: EffectKey
    ) -> ExternalRef:
        """Demand for an unnamed person in a role."""
        ...

    def find_staffing_request(
        self, project: ExternalRef, *, key: EffectKey
    ) -> ExternalRef | None: ...

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Archive it. Closing a closed one is no error."""
        ...

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None: ...
