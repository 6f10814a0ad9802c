"""Tryton for procurement: suppliers, and purchase requisitions tied to a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairlead.connectors.tryton import sheet
from fairlead.connectors.tryton.clients import PARTY, PARTY_FIELDS, Parties
from fairlead.connectors.tryton.projects import WORK
from fairlead.connectors.tryton.records import Record, number
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.requisition import HeldRequisition, Requisition
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.values import ExternalRef
from fairlead.errors import EffectConflict, SystemRefused

REQUISITION = "purchase.requisition"
#: States of one that somebody has been asked to approve.
_ASKED = frozenset({"waiting", "rejected", "approved", "processing", "done", "cancelled"})


class TrytonProcurement(Parties):
    """The port `procurement`. Threads may share it."""

    def vendors(self, name: str) -> Sequence[Vendor]:
        """A supplier is a party as a client is; a category says that we may order from it."""
        return [self._vendor(party) for party in self._alike(name, (), PARTY_FIELDS)]

    def create_requisition(
        self, requisition: Requisition, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """One line for the whole cost, then it waits for approval; only then is it found.

        Tryton ties no requisition to a project: the tag at the end of its description does. Raises
        `EffectConflict` where what it holds is not what was asked for.
        """
        work = self._there(WORK, project, ["company"], what="project")
        supplier = self._supplier(requisition.vendor)
        found = self._held(key)
        if found is None:
            company = work["company"]
            body: dict[str, Any] = {
                "company": company,
                "employee": self._requester(company),
                "currency": self._currency_id(requisition.cost.currency),
                "supply_date": requisition.needed_on,
                "description": sheet.tagged(
                    f"{requisition.code} {requisition.description}",
                    f"{WORK},{project.id}",
                    sheet.short(key),
                ),
                "lines": [["create", [_line(requisition, supplier)]]],
            }
            echo = ["state", "company", "description", "total_amount", "currency"]
            found = self._records.create(REQUISITION, body, echo, company=company)
        self._as_asked(found, requisition, project)
        self._step(REQUISITION, found["id"], work["company"], "wait", _ASKED)
        return self._ref(REQUISITION, found["id"])

    def find_requisition(self, key: EffectKey) -> ExternalRef | None:
        """None also where it is there, but nobody has been asked to approve it yet."""
        found = self._held(key)
        return self._ref(REQUISITION, found["id"]) if found and found["state"] in _ASKED else None

    def requisitions(self, refs: Sequence[ExternalRef]) -> Sequence[HeldRequisition]:
        found: list[HeldRequisition] = []
        for ref in refs:
            if ref.system != self._system:
                raise SystemRefused(self._system, f"It has no {ref.kind} {ref}.")
            held = self._records.one(REQUISITION, ref.id, ["total_amount", "currency"])
            if held is not None:
                cost = {"amount": held["total_amount"], "currency": self._iso(held["currency"])}
                found.append(self._valid(HeldRequisition, {"ref": ref, "cost": cost}))
        return found

    def _held(self, key: EffectKey) -> Record | None:
        wanted = ["state", "company", "description", "total_amount", "currency"]
        return self._by_key(REQUISITION, "description", key, wanted)

    def _as_asked(self, held: Record, asked: Requisition, project: ExternalRef) -> None:
        tied = sheet.tag(held["description"])[:1]
        amount, currency = held["total_amount"], self._iso(held["currency"])
        if (tied, amount, currency) != (
            (f"{WORK},{project.id}",),
            asked.cost.amount,
            asked.cost.currency,
        ):
            why = f"Requisition {held['id']} is not of {asked.cost} for project {project.id}."
            raise EffectConflict(self._system, why)

    def _supplier(self, vendor: ExternalRef | None) -> int | None:
        if vendor is None:
            return None
        return int(self._there(PARTY, vendor, ["id"], what="vendor")["id"])

    def _requester(self, company: int) -> int:
        employee = number(self._settings.requesters.get(str(company), ""))
        if employee is None:
            why = f"No requester is set for its company {company}."
            raise SystemRefused(self._system, why)
        return employee

    def _vendor(self, party: Record) -> Vendor:
        client = self._client(party)
        values = {
            "ref": client.ref,
            "name": client.name,
            "country": client.address.country,
            "tax_id": client.tax_id,
            "approved": self._approved(party) and not client.inactive,
        }
        return self._valid(Vendor, values)

    def _approved(self, party: Record) -> bool:
        if not self._fields.has("vendor_categories", "approved"):
            return False
        wanted = self._fields.their_path("vendor_categories", "approved")
        return any(
            wanted in (one["name"], (one["parent"] or {}).get("name"))
            for one in party["categories"]
        )


def _line(requisition: Requisition, supplier: int | None) -> dict[str, Any]:
    """The cost is agreed as a whole: a price an hour might not divide it to the cent."""
    return {
        "supplier": supplier,
        "description": f"{requisition.role}, {requisition.hours:f} h",
        "quantity": 1.0,
        "unit_price": requisition.cost.amount,
    }
