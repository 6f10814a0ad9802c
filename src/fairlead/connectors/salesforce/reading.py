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
from fairlead.domain.model.contract import BillingTerm, Contract
from fairlead.domain.model.opportunity import Opportunity, OpportunityStage
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.values import ExternalRef

M = TypeVar("M", bound=BaseModel)

_PERCENT = Decimal(100)
Records = Sequence[Mapping[str, Any]]


class Unreadable(ValueError):
    """A record contradicts what the model can hold. Names the field, not the value."""


def read_opportunity(
    system: str, fields: FieldMap, found: Mapping[str, Records], default_currency: str | None
) -> Opportunity:
    """One deal from its own record, its account, contract, lines and billing terms.

    The revision is the latest time stamp of all of them, so that a signed contract or a changed
    line is a new revision of the deal. Raises `Unreadable` or `MappingTrouble`.
    """
    deal = fields.read("opportunity", found["opportunity"][0])
    accounts = [fields.read("account", record) for record in found["account"]]
    contracts = [fields.read("contract", record) for record in found["contract"]]
    lines = [fields.read("line_item", record) for record in found["line_item"]]
    terms = [fields.read("billing_term", record) for record in found["billing_term"]]
    modified_at = max(_stamps([deal, *accounts, *contracts, *lines, *terms]))
    won, closed = deal.pop("won", False), deal.pop("closed", False)
    deal |= {
        "ref": ExternalRef(system=system, kind="opportunity", id=str(deal.pop("id", ""))),
        "revision": stamp(modified_at),
        "modified_at": modified_at,
        "stage": OpportunityStage.WON if won else _not_won(closed),
        "roles": tuple(_role(line, default_currency) for line in lines),
    }
    _money(deal, "value", default_currency, "opportunity")
    _percent(deal, "probability")
    if accounts:
        deal["client"] = _client(system, accounts[0], default_currency)
    if contracts:
        deal["contract"] = _contract(system, contracts[0], terms, default_currency)
    return _made(Opportunity, deal, "opportunity")


def _not_won(closed: bool) -> OpportunityStage:
    return OpportunityStage.LOST if closed else OpportunityStage.OPEN


def _client(system: str, account: dict[str, Any], default_currency: str | None) -> Client:
    account["ref"] = ExternalRef(system=system, kind="account", id=str(account.pop("id", "")))
    if "domain" in account:
        account["domain"] = _domain(account["domain"])
    account.setdefault("currency", default_currency)
    return _made(Client, account, "account")


def _contract(
    system: str, contract: dict[str, Any], terms: list[dict[str, Any]], currency: str | None
) -> Contract:
    contract["ref"] = ExternalRef(system=system, kind="contract", id=str(contract.pop("id", "")))
    _money(contract, "value", currency, "contract")
    if "start" not in contract.get("period", {}):
        contract.pop("period", None)  # an end alone is no period
    contract["billing_terms"] = tuple(_term(term, currency) for term in terms)
    return _made(Contract, contract, "contract")


def _term(term: dict[str, Any], currency: str | None) -> BillingTerm:
    term.pop("contract", None)
    _money(term, "amount", currency, "billing_term")
    _percent(term, "share")
    return _made(BillingTerm, term, "billing_term")


def _role(line: dict[str, Any], currency: str | None) -> RoleDemand:
    line.pop("opportunity", None)
    _money(line, "rate", currency, "line_item")
    return _made(RoleDemand, line, "line_item")


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
