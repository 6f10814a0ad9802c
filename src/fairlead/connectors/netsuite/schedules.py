"""Billing schedules: dated amounts that NetSuite invoices from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from fairlead.connectors.netsuite.account import LONGEST_TITLE, Account
from fairlead.connectors.netsuite.projects import JOB
from fairlead.connectors.netsuite.records import cut, external_id
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

_SCHEDULE = "billingSchedule"


class Schedules(Account):
    def create_schedule(
        self, schedule: BillingSchedule, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """Dated amounts in the project's currency; then the project is pointed to them.

        A billing schedule has no currency of its own, so a project in another one is refused
        here, before anything is written.
        """
        job = self._records.read(JOB, project.id)
        if job is None:
            raise SystemRefused(self._system, f"There is no project {project.id}.")
        if self._read("project_state", job).get("currency") != self._currency_id(schedule.currency):
            why = f"Project {project.id} is not in {schedule.currency}, as its schedule is."
            raise SystemRefused(self._system, why)
        sublist = self._fields.their_path("schedule", "lines")
        values = {
            "name": cut(f"{schedule.code} {schedule.name}", LONGEST_TITLE),
            "type": self._settings.schedule_type,
            "initial_amount": Decimal(0),
            "project": project.id,
        }
        body = self._fields.write("schedule", values)
        terms = self._terms_id(schedule.payment_days)
        body[sublist] = {"items": [self._line(line, terms) for line in schedule.lines]}
        made = self._records.upsert(_SCHEDULE, external_id(key), body, replace=sublist)
        # A project takes schedules of its own billing type only.
        use = {"schedule": made, "billing_type": self._settings.schedule_type}
        self._records.change(JOB, project.id, self._fields.write("project_state", use))
        return self._ref(_SCHEDULE, made)

    def find_schedule(self, key: EffectKey) -> ExternalRef | None:
        """None also where the schedule is there, but its project does not use it yet."""
        found = self._records.find(_SCHEDULE, external_id(key))
        if found is None:
            return None
        id, record = found
        project = self._read("schedule_state", record).get("project")
        job = self._records.read(JOB, project) if project else None
        used = job is not None and self._read("project_state", job).get("schedule") == id
        return self._ref(_SCHEDULE, id) if used else None

    def _line(self, line: BillingLine, terms: str) -> dict[str, Any]:
        values = {
            "name": cut(line.name, LONGEST_TITLE),
            "amount": line.amount.amount,
            "due_on": line.due_on,
            "terms": terms,
        }
        return self._fields.write("schedule_line", values)
