"""Billing schedules: a draft sale with a line for each dated amount.

Tryton has no schedule of invoices to come. A sale in draft is its nearest record: it has client,
currency, payment term and amounts of its own, and nothing follows from it until somebody quotes it.
"""

from __future__ import annotations

from typing import Any

from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.books import Books
from fairlead.connectors.tryton.projects import WORK
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.billing_schedule import BillingLine, BillingSchedule
from fairlead.domain.values import ExternalRef
from fairlead.errors import SystemRefused

SALE = "sale.sale"


class Schedules(Books):
    def create_schedule(
        self, schedule: BillingSchedule, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """Raises `SystemRefused` where the project's budget is in another currency, or the firm
        has no payment term of so many days."""
        work = self._there(WORK, project, ["company", "party", "comment"], what="project")
        held = self._read("project", work).get("budget", {}).get("currency")
        if held != schedule.currency:
            why = f"Project {project.id} is not in {schedule.currency}, as its schedule is."
            raise SystemRefused(self._system, why)
        if found := self.find_schedule(key):
            return found
        lines = {"key": sheet.short(key), "project": project.id}
        body: dict[str, Any] = {
            "company": work["company"],
            "party": work["party"],
            "currency": self._currency_id(schedule.currency),
            "payment_term": self._terms(schedule.payment_days),
            "reference": schedule.code,
            "description": schedule.name,
            "invoice_method": "manual",
            "shipment_method": "manual",
            "comment": sheet.written(None, lines),
            "lines": [["create", [_line(line) for line in schedule.lines]]],
        }
        made = self._records.create(SALE, body, ["comment"], company=work["company"])
        return self._ref(SALE, made["id"])

    def find_schedule(self, key: EffectKey) -> ExternalRef | None:
        found = self._by_key(SALE, "comment", key)
        return self._ref(SALE, found["id"]) if found else None


def _line(line: BillingLine) -> dict[str, Any]:
    return {
        "type": "line",
        "sequence": line.number,
        "description": f"{line.name}, due on {line.due_on.isoformat()}",
        "quantity": 1.0,
        "unit_price": line.amount.amount,
        "note": sheet.written(None, {"due_on": line.due_on}),
    }
