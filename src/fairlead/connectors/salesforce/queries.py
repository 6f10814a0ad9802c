"""The questions that the adapter asks, in SOQL. Pure.

https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fairlead.connectors.kit.mapping import FieldMap
from fairlead.errors import InvalidDefinition

_NEEDED = {
    "opportunity": ("id", "modified_at", "won", "closed", "name"),
    "change": ("id", "modified_at"),
    "account": ("id", "modified_at", "name"),
    "contract": ("id", "modified_at", "number", "status"),
    "line_item": ("opportunity", "modified_at", "role", "hours"),
    "billing_term": ("contract", "modified_at", "name"),
    "engagement": ("number", "state"),
}
#: The time stamps by which the poll sees a change.
STAMPS = ("modified_at", "account_modified_at", "contract_modified_at")
_CURRENCIES = ("currency", "value.currency", "rate.currency", "amount.currency")
_NAME = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)


class Queries:
    """SOQL for one org: which fields it has, and whether it knows more than one currency."""

    def __init__(self, fields: FieldMap, *, billing_term: str, one_currency: bool) -> None:
        """Raises `InvalidDefinition` for a map that lacks a needed field or names no field."""
        self._fields, self._billing_term, self._one_currency = fields, billing_term, one_currency
        faults = [
            f"mapping.yaml: {name}.{ours}: it cannot be dropped"
            for name, needed in _NEEDED.items()
            for ours in needed
            if not fields.has(name, ours)
        ]
        if not faults:
            faults = [
                f"mapping.yaml: {name}: {path!r} is no field name"
                for name in _NEEDED
                for path in fields.theirs(name)
                if not _NAME.fullmatch(path)
            ]
        if faults:
            raise InvalidDefinition("The Salesforce field map cannot be used:", faults)

    def deal(self, id: str) -> dict[str, str]:
        """All that belongs to one deal. Five queries: a composite may hold no more.

        The account and the contract are asked for by a semi-join, so that a deal without them
        is no error. `id` is a record id, which holds no quote.
        """
        mine = f"Id = '{id}'"
        client = _select("AccountId", "Opportunity", mine)
        signed = _select("ContractId", "Opportunity", mine)
        line, term = self._of("line_item", "opportunity"), self._of("billing_term", "contract")
        return {
            "opportunity": self._all("opportunity", "Opportunity", mine),
            "account": self._all("account", "Account", f"Id IN ({client})"),
            "contract": self._all("contract", "Contract", f"Id IN ({signed})"),
            "line_item": self._all("line_item", "OpportunityLineItem", f"{line} = '{id}'"),
            "billing_term": self._all("billing_term", self._billing_term, f"{term} IN ({signed})"),
        }

    def changed(self, since: datetime) -> str:
        """Won deals of which the deal itself, its account or its contract changed."""
        moment, own = stamp(since), self._of("change", "modified_at")
        stamps = [self._of("change", ours) for ours in STAMPS if self._fields.has("change", ours)]
        changed = " OR ".join(f"{path} >= {moment}" for path in stamps)
        won, id = self._of("opportunity", "won"), self._of("change", "id")
        where = f"{won} = true AND ({changed})"
        return _select(self._list("change"), "Opportunity", where, f"{own} ASC, {id} ASC")

    def _all(self, name: str, theirs: str, where: str) -> str:
        return _select(self._list(name), theirs, where, "Id")

    def _of(self, name: str, ours: str) -> str:
        return self._fields.their_path(name, ours)

    def _list(self, name: str) -> str:
        paths = dict.fromkeys(self._fields.theirs(name))
        if self._one_currency:
            for ours in _CURRENCIES:
                if self._fields.has(name, ours):
                    paths.pop(self._of(name, ours), None)
        return ", ".join(paths)


def _select(fields: str, theirs: str, where: str, order: str = "") -> str:
    parts = ["SELECT", fields, "FROM", theirs, "WHERE", where]
    return " ".join([*parts, "ORDER BY", order] if order else parts)


def stamp(when: datetime) -> str:
    """UTC, fixed width: text order is time order. Also a literal in SOQL."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
