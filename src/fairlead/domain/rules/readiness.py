"""What must be true of a deal before it may be set up (F005 to F007, F097, F098)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.agreement import Agreement, AgreementStatus
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.deal_terms import is_blank, value_at
from fairlead.domain.rules.project_setup import Unbillable, billing_lines
from fairlead.domain.values import Value, total

#: The kind of value that each field takes, for the form on which it is supplied.
_KINDS = {
    "value": "money",
    "closes_on": "date",
    "starts_on": "date",
    "ends_on": "date",
    "country": "country",
    "contract.signed_on": "date",
    "contract.payment_days": "integer",
    "contract.period": "period",
    "contract.value": "money",
    "contract.billing_terms": "list",
    "contract.cap": "money",
    "roles": "list",
    "client.address.country": "country",
    "client.currency": "currency",
}
#: Whole records of another system: a person mends them there, and the change is noticed.
_NOT_OURS = frozenset({"client", "contract"})


class Required(Value):
    """A field that must be filled, as the policy `mandatory-data` says."""

    field: str
    label: str
    owner: str
    remedy: str


def missing(deal: Opportunity, required: Sequence[Required]) -> Clear | Blocked:
    """Every mandatory field that is blank, with its owner and what to do."""
    raw = deal.model_dump(mode="json")
    gaps = tuple(
        Gap(
            field=need.field,
            problem=f"{need.label} is missing",
            owner=need.owner,
            remedy=need.remedy,
            kind=_KINDS.get(need.field, "text"),
            suppliable=_can_be_supplied(raw, need.field),
        )
        for need in required
        if is_blank(value_at(raw, need.field))
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def _can_be_supplied(raw: dict[str, Any], field: str) -> bool:
    holder, _, _ = field.rpartition(".")
    return field not in _NOT_OURS and (not holder or value_at(raw, holder) is not None)


def unknown(
    deal: Opportunity, known: Mapping[str, Sequence[str]], supplied: Collection[str] = ()
) -> Clear | Blocked:
    """Fields whose value the firm has no set-up for. `known`: field → what there is.

    `supplied`: fields whose value a person gave, and may give again.
    """
    raw = deal.model_dump(mode="json")
    gaps = tuple(
        Gap(
            field=field,
            problem=f"no {field.replace('_', ' ')} of ours is called {value}",
            owner="sales-operations",
            remedy=f"give one of {', '.join(choices)}",
            choices=tuple(choices),
            suppliable=field in supplied,
        )
        for field, choices in known.items()
        if not is_blank(value := value_at(raw, field)) and value not in choices
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def together(*answers: Clear | Blocked) -> Clear | Blocked:
    """Every gap of several answers."""
    gaps = tuple(gap for answer in answers if isinstance(answer, Blocked) for gap in answer.gaps)
    return Blocked(gaps=gaps) if gaps else Clear()


def contract_gaps(deal: Opportunity, supplied: Collection[str] = ()) -> Clear | Blocked:
    """Is the contract signed, and does it say what the deal says?

    `supplied`: fields whose value a person gave. Such a value can be given again, since there is
    no other system in which it could be mended.
    """
    contract = deal.contract
    if contract is None:
        gap = _gap("contract", "the deal has no contract", "legal", "attach the contract", ())
        return Blocked(gaps=(gap,))
    gaps: list[Gap] = []
    if contract.status is not ContractStatus.SIGNED:
        words = contract.status.value.replace("_", " ")
        gaps.append(
            _gap(
                "contract.status",
                f"contract {contract.number} is {words}, not signed",
                "legal",
                "have it signed by both sides; the handoff goes on by itself",
                (),
            )
        )
    gaps += [
        _gap(field, problem, "sales-operations", remedy, supplied)
        for found, remedy in (
            (_values(deal, supplied), "correct the deal or the contract in its own system"),
            (_cap(deal), "correct the cap in the contract, or the deal's value"),
            (_dates(deal, supplied), "correct the dates in their own system"),
        )
        for field, problem in found
    ]
    gaps += [
        _gap(
            "contract.billing_terms",
            problem,
            "finance-operations",
            "correct the contract's billing terms",
            supplied,
        )
        for problem in _billing(deal)
    ]
    return Blocked(gaps=tuple(gaps)) if gaps else Clear()


#: What each state of an agreement that is not signed asks for.
_UNSIGNED = {
    AgreementStatus.DRAFT: "send it to be signed; the handoff goes on by itself",
    AgreementStatus.SENT: "have it signed; the handoff goes on by itself",
    AgreementStatus.DECLINED: "settle why with the client, and send another",
    AgreementStatus.VOIDED: "send another, and give the contract its id",
}


def agreement_gaps(deal: Opportunity, agreement: Agreement | None) -> Clear | Blocked:
    """Does the system that holds the agreement say it is signed, and the same as the contract?

    `agreement`: as that system has it now; null where it has none (F027, F028). A contract that
    names no agreement is not asked about.
    """
    contract = deal.contract
    if contract is None or contract.agreement is None:
        return Clear()
    field, owner = "contract.agreement", "legal"
    if agreement is None:
        problem = f"there is no agreement {contract.agreement} of contract {contract.number}"
        return Blocked(
            gaps=(
                Gap(field=field, problem=problem, owner=owner, remedy=_GIVE_ID, suppliable=False),
            )
        )
    found: list[tuple[str, str]] = []
    if remedy := _UNSIGNED.get(agreement.status):
        because = f": {agreement.because}" if agreement.because else ""
        waits = [signer.name for signer in agreement.signers if signer.signed_at is None]
        waiting = f"; {', '.join(waits)} did not sign" if waits else ""
        found.append(
            (f"agreement {agreement.title} is {agreement.status}{because}{waiting}", remedy)
        )
    if agreement.number and agreement.number != contract.number:
        problem = (
            f"the agreement is of contract {agreement.number}, the deal's is {contract.number}"
        )
        found.append((problem, _GIVE_ID))
    agreed = agreement.value
    if agreed and deal.value and agreed.rounded() != deal.value.rounded():
        problem = f"the agreement says {agreed}, the deal {deal.value}"
        found.append((problem, "correct the deal, or have another agreement signed"))
    gaps = tuple(
        Gap(field=field, problem=problem, owner=owner, remedy=remedy, suppliable=False)
        for problem, remedy in found
    )
    return Blocked(gaps=gaps) if gaps else Clear()


_GIVE_ID = "give the contract the id of its agreement"


def subcontract_gaps(deal: Opportunity) -> Clear | Blocked:
    """Work that is left to others has a cost, and costs no more than the deal brings (F045)."""
    sold, needs = deal.value, deal.subcontracting
    found = [
        f"the cost of {need.role} is {need.cost}; it must be more than zero"
        for need in needs
        if need.cost.rounded().amount <= 0
    ]
    found += [f"no hours of {need.role} are given" for need in needs if need.hours <= 0]
    if sold and needs:
        other = sorted({need.cost.currency for need in needs} - {sold.currency})
        if other:
            found.append(f"costs are in {', '.join(other)}, the deal is in {sold.currency}")
        elif (costs := total((need.cost for need in needs), sold.currency)).amount > sold.amount:
            found.append(f"the work of others costs {costs}, more than the deal's {sold}")
    gaps = tuple(
        Gap(
            field="subcontracting",
            problem=problem,
            owner="sales-operations",
            remedy="correct it in the CRM",
            suppliable=False,
        )
        for problem in found
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def _gap(field: str, problem: str, owner: str, remedy: str, supplied: Collection[str]) -> Gap:
    return Gap(
        field=field,
        problem=problem,
        owner=owner,
        remedy=remedy,
        kind=_KINDS.get(field, "text"),
        suppliable=field in supplied,
    )


_Found = list[tuple[str, str]]  #: field and problem


def _values(deal: Opportunity, supplied: Collection[str]) -> _Found:
    agreed, sold = (deal.contract.value if deal.contract else None), deal.value
    field = "value" if "value" in supplied else "contract.value"
    if sold and sold.rounded().amount <= 0:
        return [("value", f"the deal is worth {sold}; there is nothing to bill")]
    if agreed is None or sold is None:
        return []
    if agreed.currency != sold.currency:
        return [(field, f"the contract is in {agreed.currency}, the deal in {sold.currency}")]
    if agreed.rounded() != sold.rounded():
        return [(field, f"the contract says {agreed}, the deal {sold}")]
    return []


def _cap(deal: Opportunity) -> _Found:
    """What is sold fits under the most that may be billed, where there is such a most."""
    cap, sold = (deal.contract.cap if deal.contract else None), deal.value
    if cap is None or sold is None:
        return []
    if cap.currency != sold.currency:
        return [("contract.cap", f"the cap is in {cap.currency}, the deal in {sold.currency}")]
    if cap.rounded().amount <= 0:
        return [("contract.cap", f"the cap is {cap}; nothing could be billed")]
    if cap.rounded().amount < sold.rounded().amount:
        return [("contract.cap", f"the deal is worth {sold}, more than the cap of {cap}")]
    return []


def _dates(deal: Opportunity, supplied: Collection[str]) -> _Found:
    found: _Found = []
    start, end = deal.starts_on, deal.ends_on
    if start and end and end < start:
        field = "starts_on" if "starts_on" in supplied else "ends_on"
        found.append((field, f"the work ends on {end} before it starts on {start}"))
    period = deal.contract.period if deal.contract else None
    if period and start and start not in period:
        found.append(("starts_on", f"the work starts on {start}, outside the contract's term"))
    elif period and period.end and end and end > period.end:
        found.append(("ends_on", f"the work ends on {end}, after the contract's term"))
    return found


def _billing(deal: Opportunity) -> list[str]:
    """Structured terms make a schedule that adds up to the fee, or there is a reason why not."""
    if deal.contract is None or deal.value is None or not deal.starts_on or not deal.ends_on:
        return []  # what is blank is told of by itself
    try:
        billing_lines(deal)
    except Unbillable as because:
        return [str(because)]
    return []
