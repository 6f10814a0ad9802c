"""Clauses that depart from the firm's own wording: a lawyer looks before launch (F025)."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from hashlib import sha256

from fairlead.domain.gates import Blocked, Clear, Gap
from fairlead.domain.model.contract import Clause, Contract
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import Exact, Value


class ClauseFacts(Value):
    """What a policy may ask of one clause. A blank is an empty text."""

    code: str
    standard: bool
    contract_type: str
    region: str
    country: str
    value: Exact  #: of the deal, in its currency; 0 where the deal has none
    currency: str


def non_standard(contract: Contract | None) -> tuple[Clause, ...]:
    """In the contract's order; one that stands there twice in the same words, once."""
    clauses = contract.clauses if contract else ()
    return tuple({mark(clause): clause for clause in clauses if not clause.standard}.values())


def mark(clause: Clause) -> str:
    """What a review was of: it changes with the clause's words, and then it is due again."""
    parts = (clause.code, clause.title, clause.text)
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return f"{clause.code}:{sha256(told.encode()).hexdigest()[:16]}"


def facts_of(deal: Opportunity, clause: Clause) -> ClauseFacts:
    return ClauseFacts(
        code=clause.code,
        standard=clause.standard,
        contract_type=deal.contract_type or "",
        region=deal.region or "",
        country=deal.country or "",
        value=deal.value.amount if deal.value else Decimal(0),
        currency=deal.value.currency if deal.value else "",
    )


def clause_gaps(contract: Contract | None, reviewed: Collection[str] = ()) -> Clear | Blocked:
    """Each clause that departs from our wording and that nobody agreed to.

    `reviewed`: marks of the clauses to which a lawyer agreed.
    """
    gaps = tuple(
        Gap(
            field="contract.clauses",
            problem=in_words(clause),
            owner="legal",
            remedy="agree to it, or have the contract changed to our wording",
            suppliable=False,
        )
        for clause in non_standard(contract)
        if mark(clause) not in reviewed
    )
    return Blocked(gaps=gaps) if gaps else Clear()


def in_words(clause: Clause) -> str:
    """Names the clause, with the beginning of its text where it has one."""
    text = " ".join(clause.text.split())
    said = f": {text[:_SHOWN].rstrip()}{'…' if len(text) > _SHOWN else ''}" if text else ""
    return f"clause {clause.code} ({clause.title}) is not our standard wording{said}"


_SHOWN = 200
