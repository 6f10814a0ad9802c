"""What we need from a firm's project system (a PSA)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import (
    MilestoneMark,
    MilestoneReading,
    Progress,
    Project,
    ProjectChanges,
    ProjectReading,
    WorkPackage,
)
from fairlead.domain.model.recorded_expense import RecordedExpense
from fairlead.domain.model.recorded_time import KeptTime, RecordedTime
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import ExternalRef, Value


class TimePage(Value):
    entries: tuple[RecordedTime, ...]
    next_cursor: str | None  #: null: this was the last page of a complete pass
    watermark: datetime  #: UTC; once the pass is complete, the next one starts here


class Projects(Protocol):
    """See `fairlead.ports` for what every port promises."""

    def ping(self) -> None: ...

    def create_project(
        self,
        project: Project,
        *,
        client_name: str,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        """The shell: code, name, dates, budget, the rules for time and expense, and, where the
        project names one, its rate card. Work packages are added one by one. `parent`: the
        project that it is a part of."""
        ...

    def find_project(self, key: EffectKey) -> ExternalRef | None: ...

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

    def add_milestone(
        self, project: ExternalRef, mark: MilestoneMark, *, key: EffectKey
    ) -> ExternalRef: ...

    def find_milestone(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None: ...

    def set_progress(
        self, milestone: ExternalRef, progress: Progress, *, key: EffectKey
    ) -> ExternalRef:
        """Says the same when repeated."""
        ...

    def find_progress(
        self, milestone: ExternalRef, progress: Progress, *, key: EffectKey
    ) -> ExternalRef | None:
        """The milestone, if it already shows this."""
        ...

    def milestones(self, project: ExternalRef) -> tuple[MilestoneReading, ...]:
        """All milestones of a project, as they are now."""
        ...

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Archive it. Closing a closed one is no error."""
        ...

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None: ...

    def time_changed_since(self, since: datetime, cursor: str | None = None) -> TimePage:
        """Time entries made or changed at or after `since`, a page at a time; told again, never
        missed. What was deleted there is not told."""
        ...

    def kept_time(
        self, project: ExternalRef, *, known: Collection[str] = ()
    ) -> tuple[KeptTime, ...]:
        """All time on the project as it is now, open or closed, of everybody. Of the entries
        that are `known` by their ids, also those that are on another project by now; what is
        told in neither way is not there any more. Never a part of it."""
        ...

    def kept_expenses(self, project: ExternalRef) -> tuple[RecordedExpense, ...]:
        """All expenses on the project as it is now, open or closed, of everybody."""
        ...
