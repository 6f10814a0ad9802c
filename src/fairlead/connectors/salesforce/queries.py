"""The questions that the adapter asks, in SOQL. Pure.

https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select.html

A deal is read in five queries, as many as a composite may hold. The first asks for the deal with
its account, lines, phases and subcontracting, the second for the contract with its terms and
clauses, the third for the quote with its lines; the last two ask again for the time stamps of the
contract and of the deal. Where those are what they were, deal and contract stood still around the
moment at which the quote was read: all of it held at that one moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fairlead.connectors.kit.mapping import FieldMap
from fairlead.connectors.salesforce.settings import Settings
from fairlead.errors import InvalidDefinition

#: What is asked for a second time, only by its time stamps, has this at the end of its name.
AGAIN = "_again"

_NEEDED = {
    "opportunity": ("id", "modified_at", "won", "closed", "name"),
    "change": ("id", "modified_at"),
    "account": ("id", "modified_at", "name"),
    "contract": ("id", "modified_at", "number", "status"),
    "line_item": ("opportunity", "modified_at", "role", "hours"),
    "phase": ("opportunity", "id", "modified_at", "name", "value.amount"),
    "subcontract": ("opportunity", "modified_at", "role", "hours", "cost.amount"),
    "billing_term": ("contract", "modified_at", "name"),
    "clause": ("contract", "modified_at", "code", "title"),
    "quote": ("opportunity", "id", "modified_at", "number", "status", "total.amount"),
    "quote_line": (
        "quote", "modified_at", "product", "quantity", "unit_price.amount", "total.amount",
    ),
    "engagement": ("number", "state"),
}  # fmt: skip
#: The deal's own time stamp and those of the records that it names, by which the poll sees change.
STAMPS = ("modified_at", "account_modified_at", "contract_modified_at", "quote_modified_at")
_NAME = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)*", re.ASCII)


@dataclass(frozen=True)
class Child:
    """A list of records that a deal, its contract or its quote has."""

    name: str  #: in mapping.yaml
    object: str
    relationship: str  #: the list's name in its parent
    parent: str  #: our name of the field that names the parent


@dataclass(frozen=True)
class Leg:
    """One of the queries by which the poll finds what changed."""

    name: str  #: in mapping.yaml
    query: str
    deal: str | None = None  #: path of the deal's id in a row
    contract: str | None = None  #: or of the contract's, whose deals are yet to be asked for


class Queries:
    """SOQL for one org: which objects and fields it has, and how many currencies."""

    def __init__(self, fields: FieldMap, settings: Settings) -> None:
        """Raises `InvalidDefinition` for a map that lacks a needed field or names no field."""
        self._fields, self._settings = fields, settings
        self._check()
        of, lines = settings, "OpportunityLineItems"
        quoted = "QuoteLineItem" if settings.quotes else None
        self.children: dict[str, tuple[Child, ...]] = {
            "opportunity": _children(
                ("line_item", "OpportunityLineItem", lines, "opportunity"),
                ("phase", of.phase_object, of.phase_relationship, "opportunity"),
                ("subcontract", of.subcontract_object, of.subcontract_relationship, "opportunity"),
            ),
            "contract": _children(
                ("billing_term", of.billing_term_object, of.billing_term_relationship, "contract"),
                ("clause", of.clause_object, of.clause_relationship, "contract"),
            ),
            "quote": _children(("quote_line", quoted, "QuoteLineItems", "quote")),
        }
        self.stamps = tuple(
            ours
            for ours in STAMPS
            if fields.has("change", ours) and (settings.quotes or ours != "quote_modified_at")
        )

    # -- one deal -----------------------------------------------------------------------------

    def deal(self, id: str) -> dict[str, str]:
        """All that belongs to one deal, and the time stamps once more.

        The contract and the quote are asked for by a semi-join, so that a deal without them is no
        error. `id` is a record id, which holds no quotation mark.
        """
        mine = f"Id = '{id}'"
        contract = f"Id IN ({_select(['ContractId'], 'Opportunity', mine)})"
        account = [f"Account.{path}" for path in ("Id", *self._paths("account"))]
        whole = {
            "opportunity": self._whole("opportunity", "Opportunity", mine, account),
            "contract": self._whole("contract", "Contract", contract),
        }
        if self._settings.quotes:
            synced = f"Id IN ({_select(['SyncedQuoteId'], 'Opportunity', mine)})"
            whole["quote"] = self._whole("quote", "Quote", synced)
            whole[f"contract{AGAIN}"] = self._again("contract", "Contract", contract)
        mark = ["Account.Id", f"Account.{self._of('account', 'modified_at')}"]
        whole[f"opportunity{AGAIN}"] = self._again("opportunity", "Opportunity", mine, mark)
        return whole

    def _whole(self, name: str, theirs: str, where: str, more: Sequence[str] = ()) -> str:
        lists = [_inside(child, ["Id", *self._paths(child.name)]) for child in self.children[name]]
        return _select(["Id", *self._paths(name), *more, *lists], theirs, where)

    def _again(self, name: str, theirs: str, where: str, more: Sequence[str] = ()) -> str:
        lists = [
            _inside(child, ["Id", self._of(child.name, "modified_at")])
            for child in self.children[name]
        ]
        own = ["Id", self._of(name, "modified_at")]
        return _select([*own, *more, *lists], theirs, where)

    # -- what changed -------------------------------------------------------------------------

    def legs(self, since: datetime) -> dict[str, Leg]:
        """Deals of which the deal itself, its account, contract or quote changed, and the lists of
        each of which a record changed. Each query tells the oldest first.

        A semi-join may not stand under OR, and a query has two at most; hence a query each. A list
        of the deal or the quote climbs to the deal; from a contract nothing leads to its deals.
        """
        found = [self._heads(since)]
        below = (*self.children["opportunity"], *self.children["quote"])
        found += [self._of_deal(child, since) for child in below]
        for child in self.children["contract"]:
            contract = self._of(child.name, child.parent)
            paths = [contract, self._of(child.name, "modified_at")]
            query = self._changed(child, since, paths, [f"{contract} != null"])
            found.append(Leg(child.name, query, contract=contract))
        return {leg.name: leg for leg in found}

    def of_contracts(self, contracts: Sequence[str]) -> str:
        """The deals of these contracts, so far as they are of interest."""
        ids = ", ".join(f"'{id}'" for id in contracts)
        where = f"ContractId IN ({ids}) AND {self._of_interest('')}"
        return _select(["Id", "ContractId"], "Opportunity", where)

    def _heads(self, since: datetime) -> Leg:
        moment, own = stamp(since), self._of("change", "modified_at")
        changed = " OR ".join(f"{self._of('change', ours)} >= {moment}" for ours in self.stamps)
        id = self._of("change", "id")
        where = f"({changed}) AND {self._of_interest('')}"
        paths = [id, *(self._of("change", ours) for ours in self.stamps)]
        order = f"{own} ASC, {id} ASC"
        return Leg("change", _select(paths, "Opportunity", where, order), deal=id)

    def _of_deal(self, child: Child, since: datetime) -> Leg:
        parent = self._of(child.name, child.parent)
        if child.parent == "quote":
            quote = _relationship(parent)
            deal = f"{quote}.{self._of('quote', 'opportunity')}"
            more = [f"{quote}.IsSyncing = true"]
        else:
            deal, more = parent, [f"{parent} != null"]
        more.append(self._of_interest(f"{_relationship(deal)}."))
        paths = [deal, self._of(child.name, "modified_at")]
        return Leg(child.name, self._changed(child, since, paths, more), deal=deal)

    def _changed(
        self, child: Child, since: datetime, paths: Sequence[str], more: Sequence[str]
    ) -> str:
        own = self._of(child.name, "modified_at")
        where = " AND ".join([f"{own} >= {stamp(since)}", *more])
        return _select(paths, child.object, where, f"{own} ASC, Id ASC")

    def _of_interest(self, prefix: str) -> str:
        """Won deals, those that we have told of an engagement, and open ones that are far enough
        along. `prefix`: the way from the record that is asked for to the deal."""
        own = "opportunity"
        least, stages = self._settings.review_probability, self._settings.review_stages
        statuses = self._settings.review_contract_statuses
        far: list[str] = []
        if least is not None:
            far.append(f"{prefix}{self._of(own, 'probability')} >= {least:f}")
        if stages:
            far.append(_among(f"{prefix}{self._of(own, 'stage_name')}", stages))
        if statuses:
            far.append(_among(f"{prefix}Contract.{self._of('contract', 'status')}", statuses))
        any_of = [
            f"{prefix}{self._of(own, 'won')} = true",
            f"{prefix}{self._of('engagement', 'number')} != null",
        ]
        if far:
            any_of.append(f"({prefix}{self._of(own, 'closed')} = false AND ({' OR '.join(far)}))")
        return f"({' OR '.join(any_of)})"

    # -- names --------------------------------------------------------------------------------

    def _of(self, name: str, ours: str) -> str:
        return self._fields.their_path(name, ours)

    def _paths(self, name: str) -> list[str]:
        """Their fields of one object, so far as this org has them."""
        paths = dict.fromkeys(self._fields.theirs(name))
        absent = [] if self._settings.phase_object else ["phase"]
        if self._settings.default_currency is not None:
            absent += _CURRENCIES
        for ours in absent:
            if self._fields.has(name, ours):
                paths.pop(self._of(name, ours), None)
        return list(paths)

    def _check(self) -> None:
        needed = [(name, ours) for name, all_of in _NEEDED.items() for ours in all_of]
        if self._settings.review_probability is not None:
            needed.append(("opportunity", "probability"))
        if self._settings.review_stages:
            needed.append(("opportunity", "stage_name"))
        faults = [
            f"mapping.yaml: {name}.{ours}: it cannot be dropped"
            for name, ours in needed
            if not self._fields.has(name, ours)
        ]
        if not faults:
            faults = [
                f"mapping.yaml: {name}: {path!r} is no field name"
                for name in _NEEDED
                for path in self._fields.theirs(name)
                if not _NAME.fullmatch(path)
            ]
        if not faults:
            faults = [
                f"mapping.yaml: {name}.{ours}: {path!r} is no look-up field"
                for name, ours in _LOOK_UPS
                if not _LOOK_UP.fullmatch(path := self._of(name, ours))
            ]
        if faults:
            raise InvalidDefinition("The Salesforce field map cannot be used:", faults)


_CURRENCIES = [
    "currency", "value.currency", "rate.currency", "amount.currency", "cap.currency",
    "cost.currency", "total.currency", "unit_price.currency",
]  # fmt: skip
#: Fields by which the poll climbs from a record to its deal.
_LOOK_UPS = (
    ("line_item", "opportunity"), ("phase", "opportunity"), ("subcontract", "opportunity"),
    ("quote", "opportunity"), ("quote_line", "quote"),
)  # fmt: skip
_LOOK_UP = re.compile(r"[A-Za-z]\w*(?:Id|__c)", re.ASCII)


def _relationship(path: str) -> str:
    """The path to the record that a look-up names: `Quote.OpportunityId` → `Quote.Opportunity`,
    `Deal__c` → `Deal__r`. So Salesforce names them, always."""
    return f"{path[:-1]}r" if path.endswith("__c") else path.removesuffix("Id")


def _children(*rows: tuple[str, str | None, str, str]) -> tuple[Child, ...]:
    return tuple(
        Child(name, theirs, relationship, parent)
        for name, theirs, relationship, parent in rows
        if theirs is not None
    )


def _inside(child: Child, paths: Iterable[str]) -> str:
    parts = ["SELECT", ", ".join(dict.fromkeys(paths)), "FROM", child.relationship, "ORDER BY Id"]
    return f"({' '.join(parts)})"


def _among(path: str, words: Sequence[str]) -> str:
    return f"{path} IN ({', '.join(map(_quoted, words))})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _select(paths: Iterable[str], theirs: str, where: str, order: str = "") -> str:
    parts = ["SELECT", ", ".join(dict.fromkeys(paths)), "FROM", theirs, "WHERE", where]
    return " ".join([*parts, "ORDER BY", order] if order else parts)


def stamp(when: datetime) -> str:
    """UTC, fixed width: text order is time order. Also a literal in SOQL."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
