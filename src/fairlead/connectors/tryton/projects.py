"""Projects in the ledger: Tryton's works, with a task for each work package.

A project stands in Tryton twice: as a work, on which time is booked, and as an analytic account,
on which what it earns and costs is booked. The work is written last, with its tasks in the same
call, and is all that finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.books import Books
from fairlead.connectors.tryton.records import Record
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.project import Project, ProjectChanges, ProjectReading, WorkPackage
from fairlead.domain.values import ExternalRef, Money
from fairlead.errors import SystemRefused

WORK = "project.work"
ANALYTIC = "analytic_account.account"
#: The last day on which time may be booked on what is closed: before there was any.
_BEFORE_ALL = date(1900, 1, 1)
_STATE = ("name", "company", "party", "comment", "status.progress", "children")


class ProjectsInLedger(Books):
    def create_project(
        self,
        project: Project,
        *,
        client: ExternalRef,
        key: EffectKey,
        parent: ExternalRef | None = None,
    ) -> ExternalRef:
        """The analytic account, found by the project's code; then the work with its tasks.

        A work has no currency: budget and cap are of one, or it is refused. A part of a project
        of another company stands beside it, since Tryton keeps a tree within one company.
        """
        self._same_currency(project.budget, project.cap)
        if found := self.find_project(key):
            return found
        company = self._company(project.dimensions.subsidiary)
        account = self._analytic(project, company)
        values = project.model_dump(exclude={"work_packages", "ref"})
        values["cap"] = project.cap.amount if project.cap else None
        body: dict[str, Any] = {
            **self._write("project", values, lines=self._lines(key, account, project.parent_code)),
            "name": _titled(project.code, project.name),
            "type": "project",
            "company": company,
            "party": int(client.id) if client.id.isdigit() else None,
            "parent": self._above(parent, company),
            "timesheet_available": True,
            "children": [["create", [self._task(one, company) for one in project.work_packages]]],
        }
        made = self._records.create(WORK, body, ["comment"], company=company)
        return self._ref(WORK, made["id"])

    def find_project(self, key: EffectKey) -> ExternalRef | None:
        found = self._by_key(WORK, "comment", key)
        return self._ref(WORK, found["id"]) if found else None

    def project(self, ref: ExternalRef) -> ProjectReading | None:
        work = self._records.one(WORK, ref.id, _STATE)
        return self._reading(ref, work) if work is not None else None

    def update_project(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef:
        """A budget in another currency than the project's is refused before anything is written."""
        work = self._there(WORK, project, self._asked(), what="project")
        now = self._read("project", work)
        if changes.budget is not None:
            self._same_currency(changes.budget, now.get("budget", {}).get("currency"))
        body = self._write("project", changes.model_dump(), comment=work["comment"])
        if changes.name:
            body["name"] = _titled(now.get("code", ""), changes.name)
        if body:
            self._records.update(WORK, project.id, body, company=work["company"])
        return project

    def find_project_updated(
        self, project: ExternalRef, changes: ProjectChanges, *, key: EffectKey
    ) -> ExternalRef | None:
        now = self.project(project)
        if now is None:
            return None
        wanted = {field: value for field, value in changes if value is not None}
        if changes.name:
            wanted["name"] = changes.name.strip()  # Tryton keeps no space at the ends
        return project if all(getattr(now, field) == wanted[field] for field in wanted) else None

    def close_project(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef:
        """No day is left on which time may be booked on it or its tasks; the sheet says closed.

        It is also done, in Tryton's word, where everything below it is.
        """
        work = self._there(WORK, project, _STATE, what="project")
        below = self._below(work)
        tasks = [one["id"] for one in below if one["type"] == "task"]
        shut: dict[str, Any] = {"timesheet_end_date": _BEFORE_ALL}
        parts_are_done = all(
            one["status"]["progress"] == 1 for one in below if one["type"] == "project"
        )
        if parts_are_done:
            shut |= {"progress": 1.0, "status": self._done()}
        body = {**shut, "comment": sheet.written(work["comment"], {"closed": "yes"})}
        if tasks:
            body["children"] = [["write", tasks, shut]]
        self._records.update(WORK, project.id, body, ["comment"], company=work["company"])
        return project

    def find_closed(self, project: ExternalRef, *, key: EffectKey) -> ExternalRef | None:
        now = self.project(project)
        return project if now is not None and now.closed else None

    def _reading(self, ref: ExternalRef, work: Record) -> ProjectReading:
        told = self._read("project", work)
        closed = sheet.read(work["comment"]).get("closed") == "yes"
        values = {
            "ref": ref,
            "name": _name(work["name"], told.get("code", "")),
            "starts_on": told.get("starts_on"),
            "ends_on": told.get("ends_on"),
            "budget": told.get("budget"),
            "closed": closed or work["status"]["progress"] == 1,
        }
        return self._valid(ProjectReading, values)

    def _asked(self) -> list[str]:
        return sorted({*self._wanted("project"), "name", "company"})

    def _lines(self, key: EffectKey, account: int, parent_code: str | None) -> Mapping[str, object]:
        return {"key": sheet.short(key), "analytic": account, "part_of": parent_code}

    def _task(self, package: WorkPackage, company: int) -> dict[str, Any]:
        return {
            **self._write("work_package", package.model_dump(), lines={"code": package.code}),
            "name": _titled(package.code, package.name),
            "type": "task",
            "company": company,
            "effort_duration": timedelta(hours=float(package.hours)),
            "timesheet_available": True,
        }

    def _above(self, parent: ExternalRef | None, company: int) -> int | None:
        if parent is None:
            return None
        above = self._there(WORK, parent, ["company"], what="project")
        return int(above["id"]) if above["company"] == company else None

    def _below(self, work: Record) -> list[Record]:
        wanted = [["parent", "=", work["id"]]]
        return self._records.all(WORK, wanted, ["type", "status.progress"])

    def _done(self) -> int:
        """The status that says done; a firm may have named it otherwise."""
        wanted = [["progress", "=", 1.0], ["active", "=", True]]
        found = self._records.all("project.work.status", wanted, ["id"])
        if not found:
            raise SystemRefused(self._system, "It has no status of projects for what is done.")
        return int(found[0]["id"])

    def _analytic(self, project: Project, company: int) -> int:
        """The project's analytic account, made where it is missing."""
        root = self._analytic_root(company)
        wanted = [["root", "=", root], ["code", "=", project.code]]
        if found := self._records.all(ANALYTIC, wanted, ["id"], company=company):
            return int(found[0]["id"])
        values = {
            "name": project.name,
            "code": project.code,
            "type": "normal",
            "state": "opened",
            "company": company,
            "root": root,
            "parent": root,
        }
        return int(self._records.create(ANALYTIC, values, ["code"], company=company)["id"])

    def _analytic_root(self, company: int) -> int:
        code = self._settings.analytic_root
        wanted = [["company", "=", company], ["code", "=", code], ["type", "=", "root"]]
        found = self._records.all(ANALYTIC, wanted, ["id"], company=company)
        if not found:
            why = f"Company {company} has no root of analytic accounts with the code {code}."
            raise SystemRefused(self._system, why)
        return int(found[0]["id"])

    def _same_currency(self, amount: Money, other: Money | str | None) -> None:
        """Raises `SystemRefused`: amounts on a project's sheet are in one currency."""
        currency = other.currency if isinstance(other, Money) else other
        if currency is not None and currency != amount.currency:
            why = f"One project cannot hold amounts in {amount.currency} and in {currency}."
            raise SystemRefused(self._system, why)


def _titled(code: str, name: str) -> str:
    """People find a project by its code where they book time."""
    return f"{code} {name}" if code else name


def _name(title: str, code: str) -> str:
    return title.removeprefix(f"{code} ") if code else title
