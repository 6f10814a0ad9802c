"""The port `projects` on Kantata OX. No business rule lives here.

Addresses of the documents are in the README.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from fairlead.connectors.kantata import amounts
from fairlead.connectors.kantata.answers import (
    Allocation,
    Resource,
    Story,
    Workspace,
)
from fairlead.connectors.kantata.catalogue import Catalogue
from fairlead.connectors.kantata.custom_fields import CustomFields
from fairlead.connectors.kantata.expenses import Expenses
from fairlead.connectors.kantata.milestones import MILESTONE, MilestoneStories
from fairlead.connectors.kantata.project_view import ProjectView, view
from fairlead.connectors.kantata.records import (
    ALLOCATION,
    PACKAGE,
    PROJECT,
    RESOURCE,
    Kind,
    Records,
)
from fairlead.connectors.kantata.settings import KantataSettings
from fairlead.connectors.kantata.timesheets import Timesheets
from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
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
from fairlead.domain.model.recorded_time import KeptTime
from fairlead.domain.model.staffing_request import StaffingRequest
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import (
    AnswerLost,
    EffectConflict,
    SystemRefused,
    SystemUnavailable,
    Throttled,
)
from fairlead.ports.projects import TimePage

_PATIENCE_S = 20.0  # so long the second half of a staffing request waits for its turn
_PAUSE = timedelta(seconds=1)  # after a 429 that does not say how long


class KantataProjects:
    """Implements `fairlead.ports.projects.Projects`. Threads may share it."""

    def __init__(
        self, system: str, settings: KantataSettings, http: Http, fields: FieldMap
    ) -> None:
        self._system, self._fields = system, fields
        self._records = Records(system, http, service=settings.reference_service)
        self._milestones = MilestoneStories(system, self._records, fields)
        self._catalogue = Catalogue(system, self._records)
        self._custom = CustomFields(system, self._records, fields)
        self._timesheets = Timesheets(system, self._records)
        self._expenses = Expenses(system, self._records)
        self._budget_field = settings.budget_field_id

    def ping(self) -> None:
        self._records.ping()

    # -- projects ----------------------------------------------------------------------------

    def create_project(
        self,
        project: Project,
        *,
        client_name: str,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        """One request. Kantata documents no relation between projects, so that the code of the
        project that this is a part of goes to a custom field, which can be filtered by."""
        field, currency = self._budget_field, project.budget.currency
        parent_code = project.parent_code
        if parent is not None:
            known = self._there(parent).code
            parent_code = parent_code or known or parent.id
        with self._refusing_what_does_not_fit():
            price = amounts.price(project.budget, exact_elsewhere=field is not None)
            exact = amounts.written(project.budget)
            custom = self._custom.written(
                {
                    "parent_code": parent_code,
                    "billing_method": project.billing_method,
                    "revenue_method": project.revenue_method,
                    "cap": project.cap,
                    "time_policy": project.time_policy,
                    "expense_policy": project.expense_policy,
                }
            )
        card = None
        if project.rate_card is not None:
            card = self._catalogue.rate_card(project.rate_card, currency)
        values = {
            "title": f"{project.code} {project.name}",
            "client_name": client_name,
            "starts_on": project.starts_on,
            "ends_on": project.ends_on,
            "currency": currency,
            "price": price,
            "rate_card": card,
        }
        sent = self._fields.write("project", values)
        sent |= {"creator_role": "consultant", "budgeted": True}
        if field is not None:
            custom.append({"custom_field_id": field, "value": exact})
        if custom:
            sent["custom_fields"] = custom
        made = self._records.create(PROJECT, sent, key, Workspace, message=project.code)
        self._same("currency", currency, made.currency)
        if made.currency_base_unit is not None:
            self._same("price_in_cents", price * made.currency_base_unit, made.price_in_cents)
        return self._records.ref(PROJECT, made.id)

    def project(self, ref: ExternalRef) -> ProjectReading | None:
        seen = self._view(ref)
        return seen and seen.reading

    def update_project(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef:
        """The project's own fields, then the exact budget in its custom field. `key` is not left
        there: that it shows these values says that it was done."""
        seen = self._there(project)
        if seen.shows(changes):
            return project
        if seen.reading.closed:
            raise SystemRefused(self._system, f"Workspace {project.id} is archived.")
        price, exact = self._new_budget(seen, changes.budget)
        values = {
            "title": None if changes.name is None else seen.title(changes.name),
            "starts_on": changes.starts_on,
            "ends_on": changes.ends_on,
            "price": price,
        }
        for name, value in values.items():
            if value is not None and not self._fields.has("project", name):
                raise SystemRefused(self._system, f"Nothing was sent: no field takes {name}.")
        if sent := self._fields.write("project", values):
            self._records.change(PROJECT, project.id, sent, Workspace)
        with self._half_updated(project):
            if exact is not None and self._budget_field is not None:
                held = seen.budget_value
                self._records.set_value(PROJECT, project.id, self._budget_field, exact, held=held)
            if not self._there(project).shows(changes):
                why = f"Workspace {project.id} does not show what was set."
                raise AnswerLost(self._system, why)
        return project

    def find_project_updated(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        return project if self._there(project).shows(changes) else None

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        found = self._records.carrier(PROJECT, key)
        if found is None:
            return None
        if self._workspace(found[0]) is None:
            raise self._gone(PROJECT, found[0], key)
        return self._records.ref(PROJECT, found[0])

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Archive it. `key` is not left there: that it is archived says that it was done."""
        workspace = self._workspace(project.id)
        if workspace is None:
            raise SystemRefused(self._system, f"It has no workspace {project.id}.")
        if workspace.archived:
            return project
        closed = self._records.change(PROJECT, project.id, {"archived": True}, Workspace)
        if closed.id != project.id or not closed.archived:
            raise AnswerLost(self._system, f"It did not show workspace {project.id} as archived.")
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        workspace = self._workspace(project.id)
        return project if workspace is not None and workspace.archived else None

    # -- work packages -----------------------------------------------------------------------

    def add_work_package(
        self, project: ExternalRef, package: WorkPackage, *, key: EffectKey
    ) -> ExternalRef:
        with self._refusing_what_does_not_fit():
            minutes = amounts.minutes(package.hours)
        values = {
            "title": f"{package.code} {package.name}",
            "starts_on": package.starts_on,
            "ends_on": package.ends_on,
            "minutes": minutes,
            "billable": package.billable,
        }
        sent = self._fields.write("work_package", values)
        sent |= {"workspace_id": self._records.number(project), "story_type": "task"}
        made = self._records.create(PACKAGE, sent, key, Story)
        self._same("workspace_id", project.id, made.workspace_id)
        self._same("time_estimate_in_minutes", minutes, made.time_estimate_in_minutes)
        return self._records.ref(PACKAGE, made.id)

    def find_work_package(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self._within(project, PACKAGE, key, Story)

    # -- milestones --------------------------------------------------------------------------

    def add_milestone(
        self, project: ExternalRef, mark: MilestoneMark, *, key: EffectKey
    ) -> ExternalRef:
        made = self._milestones.add(project, mark, key)
        self._same("workspace_id", project.id, made.workspace_id)
        return self._records.ref(MILESTONE, made.id)

    def find_milestone(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        return self._within(project, MILESTONE, key, Story)

    def set_progress(
        self, milestone: ExternalRef, progress: Progress, *, key: EffectKey
    ) -> ExternalRef:
        """`key` is not left there: that it shows this says that it was done."""
        return self._milestones.set(milestone, progress)

    def find_progress(
        self, milestone: ExternalRef, progress: Progress, *, key: EffectKey
    ) -> ExternalRef | None:
        return self._milestones.shows(milestone, progress)

    def milestones(self, project: ExternalRef) -> tuple[MilestoneReading, ...]:
        return self._milestones.all(project)

    # -- staffing ----------------------------------------------------------------------------

    def request_staffing(
        self, project: ExternalRef, request: StaffingRequest, *, key: EffectKey
    ) -> ExternalRef:
        """An unnamed resource with the role, then a soft allocation with dates and hours.

        Kantata takes these as two records. Each carries the key, and only the second says that
        the work is done; a resource that an earlier attempt left behind is used again.
        """
        with self._refusing_what_does_not_fit():
            minutes = amounts.minutes(request.hours)
        workspace, role = self._records.number(project), self._catalogue.role(request.role)
        resource = self._within(project, RESOURCE, key, Resource)
        if resource is None:
            demand = {"workspace_id": workspace, "role_id": role}
            made = self._records.create(RESOURCE, demand, key, Resource)
            self._same("workspace_id", project.id, made.workspace_id)
            self._same("role_id", str(role), made.role_id)
            resource = self._records.ref(RESOURCE, made.id)
        values = {
            "starts_on": request.starts_on,
            "ends_on": request.ends_on,
            "minutes": minutes,
            "notes": _notes(request),
        }
        sent = self._fields.write("staffing_request", values)
        sent |= {"resource_id": self._records.number(resource), "hard": False}
        with self._half_done(resource):
            allocated = self._allocate(sent, key)
        self._same("minutes", minutes, allocated.minutes)
        return resource

    def find_staffing_request(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        if self._records.carrier(ALLOCATION, key) is None:
            return None
        resource = self._within(project, RESOURCE, key, Resource)
        if resource is None:
            raise EffectConflict(self._system, f"Hours carry {key}, but no unnamed resource does.")
        return resource

    def _allocate(self, sent: Mapping[str, Any], key: EffectKey) -> Allocation:
        """Wait for its turn for a while: a call that was put off was surely not done, and to go
        back with half of the work would cost the whole settle time."""
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return self._records.create(ALLOCATION, sent, key, Allocation)
            except Throttled as put_off:
                pause = (put_off.retry_after or _PAUSE).total_seconds()
                if time.monotonic() + pause > give_up:
                    raise
                time.sleep(pause)

    # -- time --------------------------------------------------------------------------------

    def time_changed_since(self, since: datetime, cursor: str | None = None) -> TimePage:
        return self._timesheets.changed_since(since, cursor)

    def kept_time(
        self, project: ExternalRef, *, known: Collection[str] = ()
    ) -> tuple[KeptTime, ...]:
        return self._timesheets.kept(project.id, known)

    def kept_expenses(self, project: ExternalRef) -> tuple[RecordedExpense, ...]:
        return self._expenses.kept(project.id)

    # -- looking up --------------------------------------------------------------------------

    def _workspace(self, id: str) -> Workspace | None:
        """A project, archived or not."""
        return self._records.show(PROJECT, id, Workspace, asked={"include_archived": "true"})

    def _view(self, ref: ExternalRef) -> ProjectView | None:
        with self._records.reading():
            return view(self._records, self._fields, ref.id, budget_field=self._budget_field)

    def _there(self, ref: ExternalRef) -> ProjectView:
        seen = self._view(ref)
        if seen is None:
            raise SystemRefused(self._system, f"It has no workspace {ref.id}.")
        return seen

    def _new_budget(self, seen: ProjectView, budget: Money | None) -> tuple[int | None, str | None]:
        """Price and exact value of a budget that is to be set, as far as there is one."""
        if budget is None:
            return None, None
        if budget.currency != seen.currency:
            why = f"Nothing was sent: the project is in {seen.currency}, not {budget.currency}."
            raise SystemRefused(self._system, why)
        with self._refusing_what_does_not_fit():
            price = amounts.price(budget, exact_elsewhere=self._budget_field is not None)
            return price, amounts.written(budget)

    def _within(
        self, project: ExternalRef, kind: Kind, key: EffectKey, model: type[Story | Resource]
    ) -> ExternalRef | None:
        """The record that carries our key; a conflict where it is not in this project."""
        found = self._records.carrier(kind, key)
        if found is None:
            return None
        id, page = found
        with self._records.reading():
            record = page.beside(kind.collection, model).get(id)
        if record is None:
            raise self._gone(kind, id, key)
        if record.workspace_id != project.id:
            why = f"{kind.name} {id} carries {key}, but in workspace {record.workspace_id}."
            raise EffectConflict(self._system, why)
        return self._records.ref(kind, id)

    # -- what may go wrong -------------------------------------------------------------------

    def _same(self, name: str, sent: str | int, shown: str | int | None) -> None:
        """What came back must be what was sent, where it came back at all."""
        if shown is not None and shown != sent:
            raise EffectConflict(self._system, f"{name}: we sent {sent}, it holds {shown}.")

    def _gone(self, kind: Kind, id: str, key: EffectKey) -> EffectConflict:
        why = f"{kind.name} {id} carries {key}, but was deleted or is hidden from us."
        return EffectConflict(self._system, why)

    @contextmanager
    def _refusing_what_does_not_fit(self) -> Generator[None]:
        try:
            yield
        except amounts.DoesNotFit as bad:
            raise SystemRefused(self._system, f"Nothing was sent: {bad}.") from bad

    @contextmanager
    def _half_done(self, resource: ExternalRef) -> Generator[None]:
        """Once the resource is there, no trouble with its hours means that nothing was done."""
        try:
            yield
        except SystemUnavailable as trouble:
            why = f"Unnamed resource {resource.id} is there, its hours are not. {trouble.why}"
            raise AnswerLost(
                self._system, why, retry_after=trouble.retry_after, payload=trouble.payload
            ) from trouble
        except SystemRefused as trouble:
            why = f"the hours of unnamed resource {resource.id}, which is there. {trouble.why}"
            raise SystemRefused(self._system, why, payload=trouble.payload) from trouble

    @contextmanager
    def _half_updated(self, project: ExternalRef) -> Generator[None]:
        """Once the project has changed, no later trouble means that nothing was done."""
        try:
            yield
        except SystemUnavailable as trouble:
            why = f"Workspace {project.id} is changed, perhaps in part. {trouble.why}"
            raise AnswerLost(
                self._system, why, retry_after=trouble.retry_after, payload=trouble.payload
            ) from trouble


def _notes(request: StaffingRequest) -> str:
    """What Kantata has no field for, in words for the resource manager."""
    notes = [request.code]
    if request.location is not None:
        notes.append(f"location: {request.location}")
    if request.rate is not None:
        notes.append(f"sold at {request.rate} per hour")
    return "; ".join(notes)
