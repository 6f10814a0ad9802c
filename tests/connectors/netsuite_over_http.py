"""NetSuite's adapters joined to its dialect in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from contract_ledger import Examples

from fairlead.connectors.kit.http import Http
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.netsuite.adapter import NetSuiteLedger
from fairlead.connectors.netsuite.declaration import CONNECTOR
from fairlead.connectors.netsuite.settings import NetSuiteSettings
from fairlead.connectors.netsuite.sign_in import sign_in
from fairlead.domain.values import ExternalRef
from fairlead.ports.ledger import Ledger
from fairlead.sandbox.process import SandboxProcess

NETSUITE = "netsuite"
GMBH = "2"  # the sandbox's subsidiary in Munich
KINDS = {
    "client": "customer", "project": "job", "work_package": "projectTask",
    "schedule": "billingSchedule",
}  # fmt: skip


def connected(settings: Mapping[str, Any], **changes: Any) -> NetSuiteLedger:
    return NetSuiteLedger(*parts(settings, **changes))


def parts(
    settings: Mapping[str, Any], *, mapping: Mapping[str, Any] | None = None, **changes: Any
) -> tuple[str, NetSuiteSettings, Http, FieldMap]:
    """What an adapter is made of. `mapping`: what the firm changes in the field map."""
    chosen = NetSuiteSettings.model_validate({"total_timeout_s": 5, **settings, **changes})
    plain = Http(NETSUITE, str(chosen.base_url), total_timeout_s=chosen.total_timeout_s)
    tokens = sign_in(NETSUITE, chosen, plain)
    http = Http(
        NETSUITE, str(chosen.base_url), total_timeout_s=chosen.total_timeout_s, tokens=tokens
    )
    return NETSUITE, chosen, http, FieldMap.load(CONNECTOR.mapping, changes=mapping)


class OverHttp(Examples):
    """What the sandbox holds, behind the adapter's back."""

    subsidiary = GMBH
    practice, region, cost_centre = "3", "4", "5"
    rows_in_a_page = 3

    @pytest.fixture(autouse=True)
    def _fresh(self, sandbox: SandboxProcess) -> None:
        sandbox.clear()
        self.sandbox = sandbox
        self.settings = sandbox.client_settings(NETSUITE)

    def ledger(self) -> Ledger:
        return connected(self.settings, page_size=self.rows_in_a_page)

    def given_client(self, name: str, *, tax_id: str | None = None, inactive: bool = False) -> None:
        body: dict[str, Any] = {"companyName": name, "subsidiary": {"id": "1"}}
        body |= {"isInactive": inactive, "vatRegNumber": tax_id}
        self.sandbox.plant(NETSUITE, "customer", body)

    def held(self, what: str) -> int:
        return len(self.sandbox.records(NETSUITE, KINDS[what]))

    def body(self, ref: ExternalRef) -> dict[str, Any]:
        records = self.sandbox.records(NETSUITE, ref.kind)
        return next(one["body"] for one in records if one["id"] == ref.id)

    def parent_of(self, project: ExternalRef) -> str:
        return str(self.body(project)["parent"]["id"])

    def scheduled(self, schedule: ExternalRef) -> list[tuple[date, Decimal]]:
        lines = self.body(schedule)["milestone"]["items"]
        return [
            (date.fromisoformat(line["milestoneDate"]), Decimal(line["milestoneAmount"]))
            for line in lines
        ]

    def budgeted(self, project: ExternalRef) -> tuple[Decimal, str]:
        body = self.body(project)
        known = {one["id"]: one["body"] for one in self.sandbox.records(NETSUITE, "currency")}
        symbol = known[body["currency"]["id"]]["symbol"]
        return Decimal(body["custentity_fairlead_budget"]), symbol


def a_setting(**changes: Any) -> NetSuiteSettings:
    known = {
        "base_url": "https://1234567-sb1.suitetalk.api.netsuite.com", "account": "1234567_SB1",
        "client_id": "client", "certificate_id": "certificate", "private_key": "none",
    }  # fmt: skip
    return NetSuiteSettings.model_validate({**known, **changes})
