"""What must be true of a deal before it may be set up (F005 to F007, F097, F098)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.contract import ContractStatus
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.rules.deal_terms import is_blank, value_at
from fairlead.domain.values import Value, minor_units

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


def contract_gaps(deal: Opportunity) -> Clear | Blocked:
    """Is the contract signed, and does it say what the deal says?"""
    contract = deal.contract
    gaps: list[Gap] = []

    def gap(field: str, problem: str, owner: str, remedy: str) -> None:
        gaps.append(Gap(field=field, problem=problem, owner=owner, remedy=remedy, suppliable=False))

    if contract is None:
        gap("contract", "the deal has no contract", "legal", "attach the contract to the deal")
        return Blocked(gaps=tuple(gaps))
    if contract.status is not ContractStatus.SIGNED:
        words = contract.status.value.replace("_", " ")
        gap(
            "contract.status",
            f"contract {contract.number} is {words}, not signed",
            "legal",
            "have it signed by both sides; the handoff goes on by itself",
        )
    if contract.value and deal.value:
        if contract.value.currency != deal.value.currency:
            gap(
                "contract.value",
                f"the contract is in {contract.value.currency}, the deal in {deal.value.currency}",
                "sales-operations",
                "correct the deal or the contract in its own system",
            )
        elif contract.value.rounded() != deal.value.rounded():
            gap(
                "contract.value",
                f"the contract says {contract.value}, the deal {deal.value}",
                "sales-operations",
                "correct the deal or the contract in its own system",
            )
    gaps += _dates(deal)
    gaps += _billing(deal)
    return Blocked(gaps=tuple(gaps)) if gaps else Clear()


def _dates(deal: Opportunity) -> list[Gap]:
    owner, remedy = "sales-operations", "correct the dates in their own system"
    found: list[Gap] = []
    if deal.starts_on and deal.ends_on and deal.ends_on < deal.starts_on:
        found.append(
            Gap(
                field="ends_on",
                problem=f"the work ends on {deal.ends_on} before it starts on {deal.starts_on}",
                owner=owner,
                remedy=remedy,
                suppliable=False,
            )
        )
    period = deal.contract.period if deal.contract else None
    if period and deal.starts_on and deal.starts_on not in period:
        found.append(
            Gap(
                field="starts_on",
                problem=f"the work starts on {deal.starts_on}, outside the contract's term",
                owner=owner,
                remedy=remedy,
                suppliable=False,
            )
        )
    return found


def _billing(deal: Opportunity) -> list[Gap]:
    """Structured terms add up to the fee: shares to 1, or amounts to the contract's value."""
    contract, value = deal.contract, deal.value
    if contract is None or not contract.billing_terms or value is None:
        return []
    problems: list[str] = []
    terms = contract.billing_terms
    if any((term.share is None) == (term.amount is None) for term in terms if not _recurs(term)):
        problems.append("each billing term has either a share or an amount")
    elif any(term.amount and term.amount.currency != value.currency for term in terms):
        problems.append(f"a billing term is not in {value.currency}")
    elif not any(_recurs(term) for term in terms):
        unit = Decimal(1).scaleb(-minor_units(value.currency))
        shares = sum((term.share for term in terms if term.share), Decimal(0))
        amounts = sum((term.amount.amount for term in terms if term.amount), Decimal(0))
        if abs(shares * value.amount + amounts - value.amount) >= unit:
            problems.append(
                f"the billing terms add up to {shares * value.amount + amounts:.2f}, "
                f"not to {value.amount:.2f}"
            )
    return [
        Gap(
            field="contract.billing_terms",
            problem=problem,
            owner="finance-operations",
            remedy="correct the contract's billing terms",
            suppliable=False,
        )
        for problem in problems
    ]


def _recurs(term: Any) -> bool:
    return term.every_months is not None
