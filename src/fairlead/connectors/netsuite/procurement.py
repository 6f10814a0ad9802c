"""NetSuite for procurement: vendors, and purchase requisitions tied to a project.

https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_0809105436.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from fairlead.connectors.netsuite.account import Account
from fairlead.connectors.netsuite.projects import JOB
from fairlead.connectors.netsuite.records import cut, external_id
from fairlead.domain.company_names import first_significant_word, has_word
from fairlead.domain.ids import EffectKey
from fairlead.domain.model.requisition import HeldRequisition, Requisition
from fairlead.domain.model.vendor import Vendor
from fairlead.domain.values import ExternalRef
from fairlead.errors import AnswerLost, EffectConflict, SystemRefused, SystemUnavailable

_VENDOR, _REQUISITION = "vendor", "purchaseRequisition"
_LONGEST_MEMO = 999
_LONGEST_LINE_MEMO = 300


class NetSuiteProcurement(Account):
    """The port `procurement`. Threads may share it."""

    def vendors(self, name: str) -> Sequence[Vendor]:
        rows = self._rows("vendor_row", _VENDOR, self._alike("vendor_row", name))
        addresses = self._addresses(rows)
        word = first_significant_word(name)
        found: list[Vendor] = []
        for row in rows:
            address = addresses.get(str(row.get("address")))
            values = {
                "ref": self._ref(_VENDOR, row["id"]),
                "name": self._name(row),
                "country": address.country if address else None,
                "tax_id": row.get("tax_id"),
                "approved": self._approved(row),
            }
            found.append(self._valid(Vendor, values))
        # The word may have been found inside another: `Arco` in `Marconi`.
        return [one for one in found if not word or has_word(one.name, word)]

    def create_requisition(
        self, requisition: Requisition, *, project: ExternalRef, key: EffectKey
    ) -> ExternalRef:
        """One line, booked where the project is, in the name of its subsidiary's requester.

        What NetSuite then holds is compared with what was asked for: the requester's record may
        bring a currency of its own. Raises `EffectConflict` where they differ.
        """
        vendor = requisition.vendor
        if vendor is not None and vendor.system != self._system:
            raise SystemRefused(self._system, f"It has no vendor {vendor}.")
        job = self._records.read(JOB, project.id)
        if job is None:
            raise SystemRefused(self._system, f"There is no project {project.id}.")
        booking = self._read("project_booking", job)
        currency = self._currency_id(requisition.cost.currency)
        values = {
            "requester": self._requester(booking.get("subsidiary")),
            "subsidiary": booking.get("subsidiary"),
            "currency": currency,
            "needed_on": requisition.needed_on,
            "memo": cut(f"{requisition.code} {requisition.description}", _LONGEST_MEMO),
        }
        sublist, kind = self._line_kind()
        line = {
            "account": self._settings.purchase_account,
            "item": self._settings.purchase_item,
            "project": project.id,
            "vendor": vendor.id if vendor else None,
            "hours": requisition.hours,
            "estimate": requisition.cost.amount,
            "memo": cut(f"{requisition.role}, {requisition.hours:f} h", _LONGEST_LINE_MEMO),
            "needed_on": requisition.needed_on,
            "dimensions": booking.get("dimensions"),
        }
        body = self._fields.write("requisition", values)
        body[sublist] = {"items": [self._fields.write(kind, line)]}
        made = self._records.upsert(_REQUISITION, external_id(key), body, replace=sublist)
        asked = (currency, [(project.id, requisition.cost.amount)])
        if self._held(made, external_id(key)) != asked:
            why = f"Requisition {made} is not of {requisition.cost} for project {project.id}."
            raise EffectConflict(self._system, why)
        return self._ref(_REQUISITION, made)

    def find_requisition(self, key: EffectKey) -> ExternalRef | None:
        found = self._records.find(_REQUISITION, external_id(key))
        return self._ref(_REQUISITION, found[0]) if found else None

    def requisitions(self, refs: Sequence[ExternalRef]) -> Sequence[HeldRequisition]:
        self._ours(*refs)
        found: list[HeldRequisition] = []
        for ref in refs:
            record = self._records.read(_REQUISITION, ref.id, whole=True)
            if record is not None:
                currency, lines = self._told(record)
                amount = sum((each or Decimal(0) for _, each in lines), Decimal(0))
                cost = {"amount": amount, "currency": self._iso(str(currency))}
                found.append(self._valid(HeldRequisition, {"ref": ref, "cost": cost}))
        return found

    def _held(self, made: str, external: str) -> tuple[Any, list[tuple[Any, Any]]]:
        """Currency, and project and amount of each line, of the requisition just written."""
        try:
            found = self._records.find(_REQUISITION, external, whole=True)
        except SystemUnavailable as away:
            raise AnswerLost(self._system, away.why, retry_after=away.retry_after) from away
        if found is None or found[0] != made:
            raise AnswerLost(self._system, f"It did not keep requisition {made} under our key.")
        return self._told(found[1])

    def _told(self, record: Mapping[str, Any]) -> tuple[Any, list[tuple[Any, Any]]]:
        sublist, kind = self._line_kind()
        lines = [self._read(kind, line) for line in self._records.lines(record, sublist)]
        currency = self._read("requisition", record).get("currency")
        return currency, [(line.get("project"), line.get("estimate")) for line in lines]

    def _line_kind(self) -> tuple[str, str]:
        """The sublist that lines go to, and their object in the field map."""
        if self._settings.purchase_item:
            return "item", "requisition_item"
        if self._settings.purchase_account:
            return "expense", "requisition_expense"
        why = "Neither purchase_account nor purchase_item is set for it."
        raise SystemRefused(self._system, why)

    def _requester(self, subsidiary: str | None) -> str:
        """A requisition is of its requester's subsidiary, so each has a requester of its own."""
        requester = self._settings.requesters.get(subsidiary or "")
        if requester is None:
            why = f"No requester is set for its subsidiary {subsidiary}."
            raise SystemRefused(self._system, why)
        return requester

    def _approved(self, row: Mapping[str, Any]) -> bool:
        """Said by the vendor's category where categories are set, else by the custom field."""
        categories = self._settings.vendor_categories
        said = row.get("category") in categories if categories else row.get("approved") == "T"
        return said and row.get("inactive") != "T"
