"""The fields of a packet: where each stands, whose it is, what each system says of it (F018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from fairlead.domain.model.engagement import Engagement, EngagementState, Reading
from fairlead.domain.rules import packet_words as words
from fairlead.domain.rules.deal_terms import is_blank, terms, value_at
from fairlead.domain.rules.ownership import FAIRLEAD, FieldRule, differences, held
from fairlead.domain.rules.ownership import Difference as Differing
from fairlead.domain.rules.packet import (
    NONE_YET,
    Conflict,
    FieldState,
    OpenItem,
    PacketField,
    PersonOf,
    Said,
    Way,
)
from fairlead.domain.rules.readiness import Required
from fairlead.domain.values import Money

#: Systems are compared once a day (F117); what is older than two rounds was missed.
STALE_AFTER = timedelta(days=2)

STATES = {
    EngagementState.IN_REVIEW: "In review before it is won",
    EngagementState.RECEIVED: "Received",
    EngagementState.IN_SETUP: "Being set up",
    EngagementState.AWAITING_LAUNCH: "Waits for its launch",
    EngagementState.LAUNCHED: "Launched",
    EngagementState.DECLINED: "Declined",
    EngagementState.CANCELLED: "Cancelled",
}

#: What a holder is called where no system of the firm is known for it.
_HOLDERS = {"crm": "the CRM", "ledger": "the ledger", "projects": "the project system"}


@dataclass(frozen=True)
class PartOf:
    """A part of this engagement, as far as the reader may see it."""

    id: str
    position: int  #: from 1, as the deal lists its phases
    state: EngagementState
    number: str | None = None  #: null: of a region or company that the reader does not see
    name: str = ""
    value: Money | None = None


@dataclass(frozen=True)
class Sources:
    """All that a packet is made of, read at one moment."""

    engagement: Engagement
    at: datetime
    rules: Sequence[FieldRule] = ()  #: of ownership.yaml
    required: Sequence[Required] = ()  #: as `mandatory-data` says for this engagement
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Step → what it came to, such as `plan_setup`."""
    systems: Mapping[str, str] = field(default_factory=dict[str, str])
    """Port → the system that serves it for this engagement; a missing one is not connected."""
    names: Mapping[str, str] = field(default_factory=dict[str, str])  #: person's id, mail → name
    people: Sequence[PersonOf] = ()
    parts: Sequence[PartOf] = ()
    whole: str | None = None  #: number of the engagement that this is a part of
    entity: str | None = None  #: name of the company of ours that contracts
    rate_card: str | None = None  #: in the project system
    items: Sequence[OpenItem] = ()
    contents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Digest → what was accepted under it."""


@dataclass(frozen=True)
class _Entry:
    section: str
    path: str  #: in the deal, or `plan.…` of what the set-up decided, or `engagement.…`
    label: str
    kind: str = "text"
    field: str | None = None  #: as in ownership.yaml; null: `deal.` and the path
    none: str = NONE_YET  #: shown where nothing is said
    inner: str | None = None
    """Of a whole record: the part that names it; of what a table lists: what one of it is."""


#: In the order in which they are shown.
ENTRIES: Sequence[_Entry] = (
    _Entry("scope", "name", "Name", field="project.name"),
    _Entry("scope", "engagement.project_code", "Project code"),
    _Entry("scope", "service_line", "Service line"),
    _Entry("scope", "region", "Delivery region"),
    _Entry("scope", "country", "Country of delivery"),
    _Entry("scope", "starts_on", "Start of the work", "date", "project.starts_on"),
    _Entry("scope", "ends_on", "End of the work", "date", "project.ends_on"),
    _Entry("scope", "value", "Value", "money", "project.budget"),
    _Entry("scope", "quote", "Quote", none="no quote", inner="number"),
    _Entry("client", "client", "Client", field="client.name", inner="name"),
    _Entry("client", "client.tax_id", "Tax id", field="client.tax_id"),
    _Entry("client", "client.address.street", "Street"),
    _Entry("client", "client.address.postal_code", "Postal code"),
    _Entry("client", "client.address.city", "City"),
    _Entry("client", "client.address.region", "State or province"),
    _Entry("client", "client.address.country", "Country", field="client.country"),
    _Entry("client", "client.currency", "Invoiced in"),
    _Entry("client", "client.domain", "Web site"),
    _Entry("client", "client_tier", "Tier", "code"),
    _Entry("client", "client.parent", "Group"),
    _Entry("contract", "contract", "Contract", inner="number"),
    _Entry("contract", "contract.status", "Status", "code"),
    _Entry("contract", "contract.signed_on", "Signed on", "date"),
    _Entry("contract", "contract.period", "Term", "period"),
    _Entry("contract", "contract.value", "Value", "money"),
    _Entry("contract", "contract_type", "Pricing", "code"),
    _Entry("contract", "legal_entity", "Our company"),
    _Entry("contract", "contract.purchase_order", "Purchase order"),
    _Entry("contract", "contract.agreement", "Agreement"),
    _Entry("contract", "engagement.agreement.status", "Agreement is", "code"),
    _Entry("contract", "contract.clauses", "Clauses", "count", inner="clause"),
    _Entry("rates", "roles", "Roles sold", "count", inner="role"),
    _Entry("rates", "plan.rate_card", "Rate card"),
    _Entry("billing", "plan.billing_method", "Billing method", "code"),
    _Entry("billing", "contract.billing_terms", "Billing terms", "list"),
    _Entry("billing", "contract.payment_days", "Payment term", "days"),
    _Entry("billing", "contract.cap", "Cap", "money", none="no cap"),
    _Entry("billing", "plan.tax.code", "Tax code"),
    _Entry("billing", "plan.tax.kind", "Tax treatment", "code"),
    _Entry("billing", "plan.tax.rate", "Tax rate", "percent"),
    _Entry("billing", "plan.tax.basis", "Basis of the tax"),
    _Entry("revenue", "plan.revenue_method", "Revenue method", "code"),
    _Entry("revenue", "plan.dimensions.practice", "Practice"),
    _Entry("revenue", "plan.dimensions.cost_centre", "Cost centre"),
    _Entry("revenue", "plan.dimensions.region", "Region in the books"),
    _Entry("revenue", "plan.dimensions.subsidiary", "Subsidiary in the ledger"),
    _Entry("staffing", "plan.capacity.hours", "Hours needed", "hours"),
    _Entry("staffing", "plan.capacity.short", "Hours not covered", "hours"),
    _Entry("staffing", "plan.capacity.words", "Capacity finding", "list"),
    _Entry("staffing", "plan.time_policy", "Rules of time"),
    _Entry("staffing", "plan.expense_policy", "Rules of expenses"),
    _Entry("dependencies", "engagement.whole", "Part of", none="it is no part"),
    _Entry("dependencies", "phases", "Phases", "count", none="one piece", inner="phase"),
    _Entry(
        "dependencies",
        "subcontracting",
        "Work of others",
        "count",
        none="nothing is bought",
        inner="piece",
    ),
)

_BY_PATH = {entry.path: entry for entry in ENTRIES}


def label_of(path: str) -> str:
    known = _BY_PATH.get(path)
    return known.label if known else words.plain(path.replace(".", " "))


def in_words(path: str, value: Any) -> str:
    """A value of what was agreed, in full."""
    known = _BY_PATH.get(path)
    return words.shown(value, kind=known.kind if known else "text") or NONE_YET


def system_of(sources: Sources, holder: str) -> str:
    """The id of the system behind a holder, or what it is called."""
    if holder == "crm":
        return sources.engagement.deal.ref.system
    return sources.systems.get(holder) or _HOLDERS.get(holder, holder)


def fields(sources: Sources) -> dict[str, tuple[PacketField, ...]]:
    """Section → its fields, with those that only the policy names at the end."""
    required = {need.field: need for need in sources.required}
    known = {entry.path for entry in ENTRIES}
    entries = [
        *ENTRIES,
        *(_Entry(_section(path), path, need.label) for path, need in required.items()
          if path not in known),
    ]  # fmt: skip
    raw, said = _record(sources), held(sources.engagement)
    apart = _by_field(differences(sources.engagement, sources.rules))
    found: dict[str, tuple[PacketField, ...]] = {}
    for entry in entries:
        made = _field(entry, sources, raw, said, apart, required.get(entry.path))
        found[entry.section] = (*found.get(entry.section, ()), made)
    return found


def planned(sources: Sources) -> dict[str, Any]:
    """What the set-up decided, and what was found of capacity; empty before."""
    capacity = dict(sources.results.get("check_capacity", {}))
    if capacity and not capacity.get("words"):
        capacity["words"] = ["everybody who is needed is there"]
    plan = dict(sources.results.get("plan_setup", {}))
    return {**plan, "capacity": capacity, "rate_card": sources.rate_card}


def _record(sources: Sources) -> dict[str, Any]:
    engagement = sources.engagement
    agreement = engagement.agreement
    return {
        **terms(engagement).model_dump(mode="json"),
        "plan": planned(sources),
        "engagement": {
            "project_code": engagement.project_code,
            "whole": sources.whole,
            "agreement": agreement.model_dump(mode="json") if agreement else None,
        },
    }


def _section(path: str) -> str:
    first = path.partition(".")[0]
    return first if first in ("client", "contract") else "scope"


def _by_field(found: Sequence[Differing]) -> dict[str, list[Differing]]:
    result: dict[str, list[Differing]] = {}
    for one in found:
        result.setdefault(one.field, []).append(one)
    return result


def _field(
    entry: _Entry,
    sources: Sources,
    raw: Mapping[str, Any],
    said: Mapping[str, Mapping[str, Reading]],
    apart: Mapping[str, Sequence[Differing]],
    need: Required | None,
) -> PacketField:
    name = entry.field or f"deal.{entry.path}"
    owner = _owner(entry, name, sources)
    readings = said.get(name, {})
    conflicts = tuple(_conflict(one, entry, sources) for one in apart.get(name, ()))
    value: Any = value_at(raw, entry.path)
    if entry.inner and isinstance(value, Mapping):
        value = cast("Mapping[str, Any]", value).get(entry.inner)
    if owner in readings:
        value = readings[owner].value
    blank = is_blank(value)
    supplied_by, supplied_at = (None, None) if blank else _giver(entry, owner, readings, sources)
    if conflicts:
        state = FieldState.CONFLICT
    elif not blank:
        state = FieldState.THERE
    else:
        state = FieldState.MISSING if need else FieldState.BLANK
    missing = state is FieldState.MISSING and need is not None
    return PacketField(
        name=entry.path,
        label=entry.label,
        kind=entry.kind,
        value=None if blank else value,
        shown=_shown(value, entry) or entry.none,
        state=state,
        required=need is not None,
        counts=need is not None or bool(conflicts),
        owner=owner,
        owner_system=system_of(sources, owner),
        said=_all_said(readings, owner, entry, sources),
        conflicts=conflicts,
        supplied_by=supplied_by,
        supplied_at=supplied_at,
        remedy=need.remedy if missing and need else None,
        remedy_owner=need.owner if missing and need else None,
    )


def _owner(entry: _Entry, name: str, sources: Sources) -> str:
    """As `ownership.owns` has it: what nobody declared is Fairlead's once the set-up has begun."""
    if entry.path.startswith("plan."):
        return FAIRLEAD
    state = sources.engagement.state
    for rule in sources.rules:
        if rule.field == name:
            return rule.owner_at(state)
    if entry.path.startswith("engagement."):
        return "contracts" if "agreement" in entry.path else FAIRLEAD
    before = state in (EngagementState.IN_REVIEW, EngagementState.RECEIVED)
    return "crm" if before else FAIRLEAD


def _all_said(
    readings: Mapping[str, Reading], owner: str, entry: _Entry, sources: Sources
) -> tuple[Said, ...]:
    asked = sources.engagement.readings.get(entry.field or "", {})
    found = [
        Said(
            holder=holder,
            system=system_of(sources, holder),
            owns=holder == owner,
            value=reading.value,
            shown=_shown(reading.value, entry) or NONE_YET,
            at=reading.at,
            age=words.age(sources.at - reading.at),
            stale=holder in asked and sources.at - reading.at > STALE_AFTER,
        )
        for holder, reading in readings.items()
    ]
    return tuple(sorted(found, key=lambda one: (not one.owns, one.holder)))


def _conflict(one: Differing, entry: _Entry, sources: Sources) -> Conflict:
    right = _shown(one.owner_value, entry) or NONE_YET
    other = _shown(one.value, entry) or NONE_YET
    owner, holder = system_of(sources, one.owner), system_of(sources, one.holder)
    return Conflict(
        holder=one.holder,
        system=holder,
        words=f"{owner} says {right}, {holder} says {other}",
        rule=one.rule,
        amount=one.amount,
        ways=(
            Way(name="carry", words=f"Carry {right} from {owner} to {holder}"),
            Way(name="correct", words=f"Correct it to {other} in {owner}, which owns it"),
        ),
    )


def _giver(
    entry: _Entry, owner: str, readings: Mapping[str, Reading], sources: Sources
) -> tuple[str | None, datetime | None]:
    """Who gave the value that is shown, and when."""
    if entry.path.startswith(("plan.", "engagement.")):
        return FAIRLEAD, None
    asked = sources.engagement.readings.get(entry.field or "", {})
    if owner in asked and owner in readings:
        return system_of(sources, owner), readings[owner].at
    path = entry.path
    while path:
        if source := sources.engagement.provenance.get(path):
            id = source.source.removeprefix("person:")
            return sources.names.get(id, id), source.at
        path = path.rpartition(".")[0]
    deal = sources.engagement.deal
    return deal.ref.system, deal.modified_at


def _shown(value: Any, entry: _Entry) -> str:
    if is_blank(value):
        return ""
    match entry.kind:
        case "percent":
            return words.percent(words.exact(value))
        case "hours":
            return words.hours(words.exact(value))
        case "count":
            return words.count(len(value), entry.inner or "one")
        case kind:
            return words.shown(value, kind=kind)
