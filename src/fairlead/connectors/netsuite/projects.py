"""Projects in the ledger: NetSuite's jobs, with a task for each work package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.connectors.netsuite.account import LONGEST_COMPANY_NAME, LONGEST_TITLE, Account
from fairlead.connectors.netsuite.records import cut, external_id
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import Project, ProjectChanges, ProjectReading, WorkPackage
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import SystemRefused

JOB = "job"
_TASK = "projectTask"


class ProjectsInLedger(Account):
    def create_project(
        self,
        project: Project,
        *,
        client: ExternalRef,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        """The job, then a task for each work package, then the mark that all are there.

        The mark is not part of the first write, so that a repeat never takes it away.

        A job has one parent: its customer, or for a part the job that it belongs to, from which
        its customer follows. The field `customer` and fields of tax are not in REST:
        https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/article_83090456314.html
        """
        self._same_currency(project.budget, project.cap)
        values: dict[str, Any] = {
            "code": project.code,
            "name": cut(project.name, LONGEST_COMPANY_NAME),
            "full_name": project.name,
            "parent": (parent or client).id,
            "subsidiary": project.dimensions.subsidiary,
            "currency": self._currency_id(project.budget.currency),
            "starts_on": project.starts_on,
            "ends_on": project.ends_on,
            "billing_type": self._billing_type(project.billing_method),
            "billing_method": project.billing_method,
            "revenue_method": project.revenue_method,
            "contract_type": project.contract_type,
            "budget": project.budget.amount,
            "cap": project.cap.amount if project.cap else None,
            "hours": project.hours,
            "dimensions": project.dimensions.model_dump(),
            "tax": project.tax.model_dump() if project.tax else None,
            "time_policy": project.time_policy,
            "expense_policy": project.expense_policy,
        }
        job = self._records.upsert(JOB, external_id(key), self._fields.write("project", values))
        for package in project.work_packages:
            task = external_id(key, "work_package", package.code)
            self._records.upsert(_TASK, task, self._task(package, job))
        mark = self._fields.write("project_state", {"complete": True})
        self._records.change(JOB, job, mark)
        return self._ref(JOB, job)

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        """None also where the job is there, but not yet its whole work breakdown structure."""
        found = self._records.find(JOB, external_id(key))
        if found is None or not self._read("project_state", found[1]).get("complete"):
            return None
        return self._ref(JOB, found[0])

    def project(self, ref: ExternalRef) -> ProjectReading | None:
        job = self._records.read(JOB, ref.id)
        return self._reading(ref, job) if job is not None else None

    def update_project(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef:
        """A budget in another currency than the project's is refused before anything is written:
        NetSuite holds the bare amount."""
        if changes.budget is not None:
            self._same_currency(changes.budget, self._money_in(project))
        values = {
            "name": cut(changes.name, LONGEST_COMPANY_NAME) if changes.name else None,
            "full_name": changes.name,
            "starts_on": changes.starts_on,
            "ends_on": changes.ends_on,
            "budget": changes.budget.amount if changes.budget else None,
        }
        if body := self._fields.write("project", values):
            self._records.change(JOB, project.id, body)
        return project

    def find_project_updated(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        now = self.project(project)
        if now is None:
            return None
        wanted = {field: value for field, value in changes if value is not None}
        return project if all(getattr(now, field) == wanted[field] for field in wanted) else None

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """Made inactive: NetSuite offers it for no new time, expense or invoice any more."""
        closing = self._fields.write("project_state", {"closed": True})
        self._records.change(JOB, project.id, closing)
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        job = self._records.read(JOB, project.id)
        closed = job is not None and self._read("project_state", job).get("closed")
        return project if closed else None

    def _reading(self, ref: ExternalRef, job: Mapping[str, Any]) -> ProjectReading:
        told = self._read("project_reading", job)
        amount, currency = told.get("budget"), told.get("currency")
        values = {
            "ref": ref,
            "name": self._name(told),
            "starts_on": told.get("starts_on"),
            "ends_on": told.get("ends_on"),
            "budget": (
                {"amount": amount, "currency": self._iso(currency)}
                if amount is not None and currency is not None
                else None
            ),
            "closed": told.get("closed", False),
        }
        return self._valid(ProjectReading, values)

    def _money_in(self, project: ExternalRef) -> str:
        """The project's currency, ISO 4217."""
        job = self._records.read(JOB, project.id)
        if job is None:
            raise SystemRefused(self._system, f"There is no project {project.id}.")
        return self._iso(str(self._read("project_state", job).get("currency")))

    def _same_currency(self, amount: Money, other: Money | str | None) -> None:
        """Raises `SystemRefused`: amounts in custom fields of a job are in the job's currency."""
        currency = other.currency if isinstance(other, Money) else other
        if currency is not None and currency != amount.currency:
            why = f"One project cannot hold amounts in {amount.currency} and in {currency}."
            raise SystemRefused(self._system, why)

    def _billing_type(self, method: str | None) -> str:
        known = self._settings.billing_types
        return known.get(method or "", self._settings.schedule_type)

    def _task(self, package: WorkPackage, job: str) -> dict[str, Any]:
        values = {
            "project": job,
            "title": cut(f"{package.code} {package.name}", LONGEST_TITLE),
            "hours": package.hours,
            "constraint": "FIXEDSTART",  # otherwise NetSuite moves the start by itself
            "starts_on": package.starts_on,
            "ends_on": package.ends_on,
            "not_billable": not package.billable,
        }
        return self._fields.write("work_package", values)
