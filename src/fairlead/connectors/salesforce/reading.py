"""Salesforce's records in the firm's words. Pure: records in, an opportunity out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.salesforce.queries import stamp
from fairlead.domain.model.client import Client
from fairlead.domain.model.contract import BillingTerm, Clause, Contract
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.model.phase import Phase
from fairlead.domain.model.quote import Quote, QuoteLine
from fairlead.domain.model.requisition import SubcontractNeed
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.billing_amounts import HIGHEST_FEE
from fairlead.domain.values import ExternalRef

M = TypeVar("M", bound=BaseModel)

_PERCENT = Decimal(100)
_ACCEPTED = "accepted"  # our word for a quote's status, in mapping.yaml
Records = Sequence[Mapping[str, Any]]


class Unreadable(ValueError):
    """A record contradicts what the model can hold. Names the field, not the value."""


def read_opportunity(
    system: str, fields: FieldMap, found: Mapping[str, Records], default_currency: str | None
) -> Opportunity:
    """One deal from its own record and all that belongs to it; what the org does not have is
    left out of `found`.

    The revision is the latest time stamp of all of them, so that a signed contract or a changed
    line is a new revision of the deal. Raises `Unreadable` or `MappingTrouble`.
    """
    read = {name: [fields.read(name, record) for record in rows] for name, rows in found.items()}
    modified_at = max(_stamps([table for tables in read.values() for table in tables]))
    parts = _Parts(system, default_currency, read)
    (deal,) = read["opportunity"]
    won, closed = deal.pop("won", False), deal.pop("closed", False)
    deal |= {
        "ref": ExternalRef(system=system, kind="opportunity", id=str(deal.pop("id", ""))),
        "revision": stamp(modified_at),
        "modified_at": modified_at,
        "stage": OpportunityStage.WON if won else _not_won(closed),
        "client": parts.client(),
        "contract": parts.contract(),
        "quote": parts.quote(),
        "roles": parts.roles(None),
        "phases": parts.phases(),
        "subcontracting": parts.subcontracting(),
    }
    _money(deal, "value", default_currency, "opportunity")
    _percent(deal, "probability")
    return _made(Opportunity, deal, "opportunity")


def _not_won(closed: bool) -> OpportunityStage:
    return OpportunityStage.LOST if closed else OpportunityStage.OPEN


class _Parts:
    """The parts of one deal, from tables that the field map has read."""

    def __init__(
        self, system: str, currency: str | None, read: Mapping[str, list[dict[str, Any]]]
    ) -> None:
        self._system, self._currency, self._read = system, currency, read
        self._phases = {table["id"] for table in self._of("phase")}
        if any(self._phase(line) not in {None, *self._phases} for line in self._of("line_item")):
            raise Unreadable("line_item.phase: a phase of another deal")

    def client(self) -> Client | None:
        for account in self._of("account"):
            account["ref"] = self._ref("account", account)
            if "domain" in account:
                account["domain"] = _domain(account["domain"])
            account.setdefault("currency", self._currency)
            above = account.pop("parents", {})
            if above:
                account.setdefault("parent", above[max(above)])
            return _made(Client, account, "account")
        return None

    def contract(self) -> Contract | None:
        for contract in self._of("contract"):
            contract["ref"] = self._ref("contract", contract)
            _money(contract, "value", self._currency, "contract")
            _money(contract, "cap", self._currency, "contract")
            if "start" not in contract.get("period", {}):
                contract.pop("period", None)  # an end alone is no period
            contract["billing_terms"] = self._terms(None)
            contract["clauses"] = tuple(
                _made(Clause, _without(clause, "contract"), "clause")
                for clause in self._of("clause")
            )
            return _made(Contract, contract, "contract")
        return None

    def quote(self) -> Quote | None:
        for quote in self._of("quote"):
            quote["ref"] = self._ref("quote", quote)
            quote["accepted"] = quote.pop("status", None) == _ACCEPTED
            _money(quote, "total", self._currency, "quote")
            quote["lines"] = tuple(self._quoted(line) for line in self._of("quote_line"))
            return _made(Quote, _without(quote, "opportunity"), "quote")
        return None

    def phases(self) -> tuple[Phase, ...]:
        found: list[Phase] = []
        for phase in self._of("phase"):
            id = phase.pop("id")
            _money(phase, "value", self._currency, "phase")
            lists = {"billing_terms": self._terms(id), "roles": self.roles(id)}
            found.append(_made(Phase, _without(phase, "opportunity") | lists, "phase"))
        return tuple(found)

    def subcontracting(self) -> tuple[SubcontractNeed, ...]:
        found: list[SubcontractNeed] = []
        for need in self._of("subcontract"):
            _money(need, "cost", self._currency, "subcontract")
            found.append(_made(SubcontractNeed, _without(need, "opportunity"), "subcontract"))
        return tuple(found)

    def roles(self, phase: str | None) -> tuple[RoleDemand, ...]:
        """Of a phase, or with None those of the deal as a whole."""
        found: list[RoleDemand] = []
        for line in self._of("line_item"):
            if self._phase(line) == phase:
                role = _without(line, "opportunity", "phase")
                _money(role, "rate", self._currency, "line_item")
                found.append(_made(RoleDemand, role, "line_item"))
        return tuple(found)

    def _terms(self, phase: str | None) -> tuple[BillingTerm, ...]:
        """Of a phase, or with None those of the deal as a whole. A contract of several deals has
        terms that name the phases of the others."""
        found: list[BillingTerm] = []
        for table in self._of("billing_term"):
            if self._phase(table) == phase:
                term = _without(table, "contract", "phase")
                _money(term, "amount", self._currency, "billing_term")
                _percent(term, "share")
                found.append(_made(BillingTerm, term, "billing_term"))
        return tuple(found)

    def _quoted(self, line: dict[str, Any]) -> QuoteLine:
        for name in ("unit_price", "total"):
            _money(line, name, self._currency, "quote_line")
        return _made(QuoteLine, _without(line, "quote"), "quote_line")

    def _of(self, name: str) -> list[dict[str, Any]]:
        return self._read.get(name, [])

    def _phase(self, table: Mapping[str, Any]) -> str | None:
        return table.get("phase")

    def _ref(self, kind: str, table: dict[str, Any]) -> ExternalRef:
        return ExternalRef(system=self._system, kind=kind, id=str(table.pop("id", "")))


def _without(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}


def _stamps(tables: Sequence[dict[str, Any]]) -> list[datetime]:
    """Takes the time stamp out of each table. Salesforce stamps every record."""
    found = [table.pop("modified_at", None) for table in tables]
    if any(when is None for when in found):
        raise Unreadable("modified_at: a record carries no time stamp")
    return found


def _money(table: dict[str, Any], name: str, currency: str | None, of: str) -> None:
    """An amount and its currency; nothing where there is no amount."""
    money = table.pop(name, {})
    if "amount" not in money:
        return
    money.setdefault("currency", currency)
    if money["currency"] is None:
        raise Unreadable(f"{of}.{name}: an amount without a currency")
    if money["amount"] < 0:
        raise Unreadable(f"{of}.{name}: the amount is negative")
    if money["amount"] > HIGHEST_FEE:
        raise Unreadable(f"{of}.{name}: the amount is more than {HIGHEST_FEE:,}")
    table[name] = money


def _percent(table: dict[str, Any], name: str) -> None:
    if name in table:
        table[name] = table[name] / _PERCENT


def _domain(website: str) -> str | None:
    """`https://www.acme.example/de` → `acme.example`; None where nothing is left."""
    host = website.strip().lower().split("://")[-1].split("/")[0].split("?")[0]
    return host.split("@")[-1].split(":")[0].removeprefix("www.") or None


def _made(model: type[M], table: Mapping[str, Any], of: str) -> M:
    try:
        return model.model_validate(table)
    except ValidationError as bad:
        faults = [
            f"{'.'.join([of, *map(str, fault['loc'])])}: {fault['msg']}"
            for fault in bad.errors(include_input=False, include_url=False)
        ]
        raise Unreadable("; ".join(faults)) from bad
