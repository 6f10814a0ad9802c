"""What NetSuite fills in, and what it refuses, of a record that stands beside others."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.netsuite_fields import Invalid, Lines, numbered
from fairlead.sandbox.netsuite_records import TYPES, complete
from fairlead.sandbox.netsuite_transaction_types import TRANSACTION_TYPES
from fairlead.sandbox.netsuite_transactions import Transactions


class Rules:
    def __init__(self, books: Books) -> None:
        self._books = books
        self.transactions = Transactions(books)

    def finish(self, kind: str, body: dict[str, Any], id: str) -> None:
        """Complete the whole record, which is then as it will be kept. Raises `Invalid`."""
        for name, field in TYPES[kind].fields.items():
            if isinstance(field, Lines) and field.key and not field.offered and name in body:
                numbered(body[name]["items"], field.key, lambda: self._books.next_id("line"))
        if kind == "purchaseRequisition":
            self._from_requester(body)
        complete(kind, body)
        if kind in TRANSACTION_TYPES:
            self.transactions.finish(kind, body, id)
        if kind == "timeBill":
            self._worked_on_a_task_of_its_project(body)
        if kind in ("job", "projectTask"):
            self._not_on_an_inactive_one(kind, body, id)
        if kind == "job":
            self._parent_stays(body, id)
            self._billed_as_scheduled(body)
        if kind == "purchaseRequisition":
            self._bought_in_one_subsidiary(body)
            amounts = [Decimal(line["estimatedAmount"]) for line in _bought(body)]
            body["estimatedTotal"] = sum(amounts, Decimal(0))

    def _from_requester(self, body: dict[str, Any]) -> None:
        """The requester's subsidiary and currency, unless others are given."""
        requester = self._target("employee", body.get("entity"))
        if requester is None:
            return
        own = requester.body["subsidiary"]
        body.setdefault("subsidiary", own)
        subsidiary = self._target("subsidiary", own)
        currency = requester.body.get("currency")
        currency = currency or (subsidiary.body.get("currency") if subsidiary else None)
        if currency:
            body.setdefault("currency", currency)

    def _not_on_an_inactive_one(self, kind: str, body: Mapping[str, Any], id: str) -> None:
        """A new record must not hang on an inactive one."""
        if self._books.read(kind, id) is not None:
            return
        name = "parent" if kind == "job" else "project"
        for owner in ("customer", "job") if kind == "job" else ("job",):
            above = self._target(owner, body.get(name))
            if above and above.body.get("isInactive"):
                why = f"Error while accessing a resource. The {owner} {above.id} is inactive."
                raise Invalid(why, name, "USER_ERROR")

    def _parent_stays(self, body: Mapping[str, Any], id: str) -> None:
        """https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_0118025157.html"""
        known = self._books.read("job", id)
        if known and known.body.get("parent") != body.get("parent"):
            why = "Error while accessing a resource. The parent of a project cannot be changed."
            raise Invalid(why, "parent", "USER_ERROR")

    def _billed_as_scheduled(self, body: Mapping[str, Any]) -> None:
        """A project takes schedules of its own billing type only."""
        schedule = self._target("billingSchedule", body.get("billingSchedule"))
        if schedule is None or "jobBillingType" not in body:
            return
        if schedule.body.get("scheduleType") != body["jobBillingType"]:
            why = "Error while accessing a resource. Invalid billingSchedule reference key."
            raise Invalid(why, "billingSchedule", "USER_ERROR")

    def _bought_in_one_subsidiary(self, body: Mapping[str, Any]) -> None:
        """Requester, requisition and projects of its lines are of one subsidiary, and active."""
        own = body["subsidiary"]
        named = [("entity", self._target("employee", body.get("entity")), True)]
        for line in _bought(body):
            named.append(("customer", self._target("job", line.get("customer")), True))
            named.append(("poVendor", self._target("vendor", line.get("poVendor")), False))
        for name, target, is_of_one in named:
            if target is None:
                continue
            elsewhere = is_of_one and target.body["subsidiary"] != own
            if elsewhere or target.body.get("isInactive"):
                why = f"Error while accessing a resource. Invalid {name} reference key {target.id}"
                raise Invalid(f"{why} for subsidiary {own['id']}.", name, "USER_ERROR")

    def _worked_on_a_task_of_its_project(self, body: Mapping[str, Any]) -> None:
        """Time for a customer or project is of a service item, too:
        https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_N3691883.html
        """
        if "customer" in body and "item" not in body:
            why = "Error while accessing a resource. Please enter value(s) for: item"
            raise Invalid(why, "item", "USER_ERROR")
        task = self._target("projectTask", body.get("caseTaskEvent"))
        if task is not None and task.body["project"] != body.get("customer"):
            why = f"Error while accessing a resource. Invalid caseTaskEvent reference key {task.id}"
            raise Invalid(f"{why}.", "caseTaskEvent", "USER_ERROR")

    def _target(self, kind: str, reference: Mapping[str, str] | None) -> Record | None:
        """The record that a reference is to, where it is of this type."""
        return self._books.read(kind, reference["id"]) if reference else None


def _bought(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    sublists = [body.get(name, {}).get("items", []) for name in ("expense", "item")]
    return [line for lines in cast("list[list[dict[str, Any]]]", sublists) for line in lines]
