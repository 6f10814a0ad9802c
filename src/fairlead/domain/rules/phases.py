"""A deal of several phases or countries, taken apart into deals of their own (F023).

Each part has its own value, place, company, dates and billing, and is then set up, taxed and billed
as any deal is. Phases are in the deal's currency, and then add up to its value to the minor unit.
A phase may be in another currency where the caller gives the rates that the deal was added up at;
the sum may then differ by as much as rounding those rates can explain, and no more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from decimal import Decimal

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.contract import BillingTerm, Contract
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.model.phase import Phase
from fairlead.domain.model.role_demand import RoleDemand
from fairlead.domain.rules.project_setup import Unbillable, billing_lines
from fairlead.domain.values import Money, total

_LONGEST_NAME = 1000
#: Of the part that was exchanged: 0.005 means that its sum may be off by half a per cent.
_EXCHANGE_ROUNDING = Decimal("0.005")
_QUARTER = Decimal("0.25")  #: of an hour; project systems hold whole minutes

Rates = Mapping[str, Decimal]  #: currency → what one unit of it is in the deal's currency


def parts_of(deal: Opportunity) -> tuple[Opportunity, ...]:
    """One deal a phase, in order; none where the deal is one piece.

    A part is told by the deal's id, `#` and its number from 1. It inherits what its phase leaves
    out. Roles of the deal are shared out by value where no phase names any, and so is a cap. What
    is the whole deal's is left to it: the quote, and work that is bought from others. Ask
    `phase_gaps` first: of a deal with gaps the parts need not add up.
    """
    roles, caps = _roles(deal), _caps(deal)
    return tuple(
        _part(deal, phase, number, roles[number - 1], caps[number - 1])
        for number, phase in enumerate(deal.phases, 1)
    )


def phase_gaps(deal: Opportunity, rates: Rates | None = None) -> Clear | Blocked:
    """What keeps the deal from being taken apart; clear where it is one piece."""
    if not deal.phases:
        return Clear()
    gaps = (
        *_names(deal),
        *_sum(deal, rates or {}),
        *(
            gap
            for number, phase in enumerate(deal.phases, 1)
            for gap in _dates(deal, number, phase)
        ),
        *_hours(deal),
        *_caps_gap(deal),
        *_terms(deal),
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def _part(
    deal: Opportunity,
    phase: Phase,
    number: int,
    roles: tuple[RoleDemand, ...],
    cap: Money | None,
) -> Opportunity:
    return deal.model_copy(
        update={
            "ref": deal.ref.model_copy(update={"id": f"{deal.ref.id}#{number}"}),
            "name": f"{deal.name}: {phase.name}"[:_LONGEST_NAME],
            "value": phase.value,
            "region": phase.region or deal.region,
            "country": phase.country or deal.country,
            "legal_entity": phase.legal_entity or deal.legal_entity,
            "contract_type": phase.contract_type or deal.contract_type,
            "starts_on": phase.starts_on or deal.starts_on,
            "ends_on": phase.ends_on or deal.ends_on,
            "contract": _contract(deal.contract, phase, cap),
            "roles": roles,
            "quote": None,
            "phases": (),
            "subcontracting": (),
        }
    )


def _contract(contract: Contract | None, phase: Phase, cap: Money | None) -> Contract | None:
    if contract is None:
        return None
    terms = phase.billing_terms or contract.billing_terms
    return contract.model_copy(update={"value": phase.value, "billing_terms": terms, "cap": cap})


def _roles(deal: Opportunity) -> list[tuple[RoleDemand, ...]]:
    """Per phase its own; the deal's, shared out by value, where no phase names any."""
    own = [phase.roles for phase in deal.phases]
    if any(own) or not deal.roles or not _one_currency(deal):
        return own
    shared: list[list[RoleDemand]] = [[] for _ in own]
    weights = [phase.value.amount for phase in deal.phases]
    for role in deal.roles:
        for part, hours in zip(shared, _share(role.hours, weights), strict=True):
            if hours:
                part.append(role.model_copy(update={"hours": hours}))
    return [tuple(part) for part in shared]


def _share(hours: Decimal, weights: list[Decimal]) -> list[Decimal]:
    """In quarter hours; the last phase with a value takes what remains."""
    parts = [Decimal(0)] * len(weights)
    whole = sum((weight for weight in weights if weight > 0), Decimal(0))
    last = max((number for number, weight in enumerate(weights) if weight > 0), default=-1)
    for number, weight in enumerate(weights):
        if weight > 0 and number != last:
            parts[number] = (hours * weight / whole) // _QUARTER * _QUARTER
    parts[last] = hours - sum(parts, Decimal(0))
    return parts


def _caps(deal: Opportunity) -> list[Money | None]:
    cap = deal.contract.cap if deal.contract else None
    weights = [phase.value.amount for phase in deal.phases]
    if cap is None or not _one_currency(deal) or min(weights, default=Decimal(0)) <= 0:
        return [None] * len(weights)
    return list(cap.split(weights))


def _one_currency(deal: Opportunity) -> bool:
    return len({phase.value.currency for phase in deal.phases}) == 1


def _names(deal: Opportunity) -> list[Gap]:
    counted = Counter(" ".join(phase.name.split()).casefold() for phase in deal.phases)
    shown = {" ".join(phase.name.split()).casefold(): phase.name for phase in deal.phases}
    return [
        _gap("phases", f"{count} phases are called {shown[key]}", "give each a name of its own")
        for key, count in counted.items()
        if count > 1
    ]


def _sum(deal: Opportunity, rates: Rates) -> list[Gap]:
    field, remedy = "phases", "correct the phases or the deal in the CRM"
    gaps = [
        _gap(f"phases.{number}.value", f"phase {phase.name} is worth {phase.value}", remedy)
        for number, phase in enumerate(deal.phases, 1)
        if phase.value.rounded().amount <= 0
    ]
    if deal.value is None:
        return gaps  # what is blank is told of by itself
    ours = deal.value.currency
    foreign = [phase.value for phase in deal.phases if phase.value.currency != ours]
    unknown = sorted({money.currency for money in foreign if rates.get(money.currency, 0) <= 0})
    if unknown:
        words = f"phases are in {', '.join(unknown)} and the deal is in {ours}, without a rate"
        fix = f"give all phases in {ours}, or set the rate at which the deal was added up"
        return [*gaps, _gap(field, words, fix)]
    here = [phase.value for phase in deal.phases if phase.value.currency == ours]
    exchanged = sum((money.amount * rates[money.currency] for money in foreign), Decimal(0))
    added = total(here, ours).amount + exchanged
    if abs(added - deal.value.rounded().amount) > abs(exchanged) * _EXCHANGE_ROUNDING:
        money = Money(amount=added.quantize(Decimal("0.00000001")), currency=ours).rounded()
        words = f"the phases add up to {money}, the deal is worth {deal.value}"
        return [*gaps, _gap(field, words, remedy)]
    return gaps


def _dates(deal: Opportunity, number: int, phase: Phase) -> list[Gap]:
    start, end = phase.starts_on or deal.starts_on, phase.ends_on or deal.ends_on
    field, remedy = f"phases.{number}", "correct the dates in the CRM"
    found: list[str] = []
    if phase.starts_on and deal.starts_on and phase.starts_on < deal.starts_on:
        found.append(f"starts on {phase.starts_on}, before the deal does on {deal.starts_on}")
    if phase.ends_on and deal.ends_on and phase.ends_on > deal.ends_on:
        found.append(f"ends on {phase.ends_on}, after the deal does on {deal.ends_on}")
    if start and end and end < start:
        found.append(f"ends on {end} before it starts on {start}")
    return [_gap(field, f"phase {phase.name} {words}", remedy) for words in found]


def _hours(deal: Opportunity) -> list[Gap]:
    """Where deal and phases both name roles, they are the same people's hours."""
    if not deal.roles or not any(phase.roles for phase in deal.phases):
        if deal.roles and not _one_currency(deal):
            words = "the deal's roles cannot be shared out among phases in several currencies"
            return [_gap("phases", words, "name the roles of each phase")]
        return []
    sold: dict[str, Decimal] = defaultdict(Decimal)
    phased: dict[str, Decimal] = defaultdict(Decimal)
    for role in deal.roles:
        sold[role.role] += role.hours
    for phase in deal.phases:
        for role in phase.roles:
            phased[role.role] += role.hours
    return [
        _gap(
            "phases",
            f"the phases have {phased[role]:f} hours of {role}, the deal {sold[role]:f}",
            "correct the roles of the deal or of its phases",
        )
        for role in sorted({*sold, *phased})
        if phased[role] != sold[role]
    ]


def _caps_gap(deal: Opportunity) -> list[Gap]:
    if deal.contract is None or deal.contract.cap is None or _one_currency(deal):
        return []
    words = (
        f"the cap of {deal.contract.cap} cannot be shared out among phases in several currencies"
    )
    return [_gap("contract.cap", words, "make one contract for each currency")]


def _terms(deal: Opportunity) -> list[Gap]:
    """Amounts of the whole contract cannot be a phase's; its own terms make up its value."""
    gaps: list[Gap] = []
    inherited = deal.contract.billing_terms if deal.contract else ()
    for number, part in enumerate(parts_of(deal), 1):
        phase = deal.phases[number - 1]
        field, remedy = f"phases.{number}.billing_terms", "correct the phase's billing terms"
        if not phase.billing_terms and (fixed := _amounts(inherited)) and len(deal.phases) > 1:
            words = (
                f"phase {phase.name} has no billing terms, and those of the contract are amounts"
            )
            gaps.append(_gap(field, f"{words} ({fixed})", "give the phase terms of its own"))
        elif part.contract and part.value and part.starts_on and part.ends_on:
            gaps += [_gap(field, f"phase {phase.name}: {why}", remedy) for why in _unbillable(part)]
    return gaps


def _amounts(terms: tuple[BillingTerm, ...]) -> str:
    return ", ".join(f"{term.name} {term.amount}" for term in terms if term.amount)


def _unbillable(part: Opportunity) -> list[str]:
    try:
        billing_lines(part)
    except Unbillable as because:
        return [str(because)]
    return []


def _gap(field: str, problem: str, remedy: str) -> Gap:
    return Gap(
        field=field, problem=problem, owner="sales-operations", remedy=remedy, suppliable=False
    )
