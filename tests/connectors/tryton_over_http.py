"""Tryton's adapters joined to a real server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from contract_ledger import Examples
from tryton_office import GMBH, LTD, Desk

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.tryton.adapter import TrytonLedger
from fairlead.connectors.tryton.declaration import CONNECTOR
from fairlead.connectors.tryton.settings import TrytonSettings
from fairlead.connectors.tryton.sign_in import sign_in
from fairlead.domain.values import ExternalRef
from fairlead.ports.ledger import Ledger

TRYTON = "tryton"
_HELD = {
    "client": ("party_party", "TRUE"),
    "project": ("project_work", "type = 'project'"),
    "work_package": ("project_work", "type = 'task'"),
    "schedule": ("sale_sale", "TRUE"),
}
_DUE = re.compile(r"due_on: (\d{4}-\d\d-\d\d)")


def parts(
    desk: Desk, *, mapping: Mapping[str, Any] | None = None, **changes: Any
) -> tuple[str, TrytonSettings, Http, FieldMap]:
    """What an adapter is made of. `mapping`: what the firm changes in the field map."""
    known = {
        "base_url": desk.server.url, "database": desk.server.database, "key": desk.keys.rest,
        "requesters": {company: str(desk.buyer(company)) for company in (LTD, GMBH)},
        "total_timeout_s": 60,
    }  # fmt: skip
    chosen = TrytonSettings.model_validate({**known, **changes})
    plain = Http(TRYTON, str(chosen.base_url), total_timeout_s=chosen.total_timeout_s)
    http = plain.with_sign_in(sign_in(TRYTON, chosen, plain))
    return TRYTON, chosen, http, FieldMap.load(CONNECTOR.mapping, changes=mapping)


class AtTryton(Examples):
    """What Tryton holds, behind the adapter's back."""

    subsidiary = GMBH
    practice, region, cost_centre = "3", "4", "5"
    rows_in_a_page = 3

    @pytest.fixture(autouse=True)
    def _fresh(self, tryton: Desk) -> None:
        tryton.clear()
        self.desk = tryton

    def ledger(self) -> Ledger:
        return TrytonLedger(*parts(self.desk, page_size=self.rows_in_a_page))

    def given_client(self, name: str, *, tax_id: str | None = None, inactive: bool = False) -> None:
        identifiers = [["create", [{"code": tax_id}]]] if tax_id else []
        made = self.desk.person.create("party.party", name=name, identifiers=identifiers)
        if inactive:
            self.desk.person.write("party.party", made, active=False)

    def held(self, what: str) -> int:
        return self.desk.count(*_HELD[what])

    def parent_of(self, project: ExternalRef) -> str:
        work = self.desk.record("project.work", project.id, "parent", "party")
        return str(work["parent"] or work["party"])

    def scheduled(self, schedule: ExternalRef) -> list[tuple[date, Decimal]]:
        sale = self.desk.record(
            "sale.sale", schedule.id, "lines.note", "lines.amount", "lines.sequence"
        )
        lines = sorted(sale["lines."], key=lambda line: line["sequence"])
        found: list[tuple[date, Decimal]] = []
        for line in lines:
            due = _DUE.search(line["note"])
            assert due
            found.append((date.fromisoformat(due[1]), line["amount"]))
        return found

    def budgeted(self, project: ExternalRef) -> tuple[Decimal, str]:
        comment = self.desk.record("project.work", project.id, "comment")["comment"]
        told = dict(line.split(": ", 1) for line in comment.splitlines() if ": " in line)
        return Decimal(told["budget"]), told["currency"]
