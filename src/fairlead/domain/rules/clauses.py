"""Clauses that depart from the firm's own wording: a lawyer looks before launch (F025)."""

from __future__ import annotations

from fairlead.domain.model.contract import Clause, Contract


def non_standard(contract: Contract | None) -> tuple[Clause, ...]:
    """In the contract's order; one that stands there twice in the same words, once."""
    clauses = contract.clauses if contract else ()
    return tuple(dict.fromkeys(clause for clause in clauses if not clause.standard))


def in_words(clause: Clause) -> str:
    """Names the clause, with the beginning of its text where it has one."""
    text = " ".join(clause.text.split())
    said = f": {text[:_SHOWN].rstrip()}{'…' if len(text) > _SHOWN else ''}" if text else ""
    return f"clause {clause.code} ({clause.title}) is not our standard wording{said}"


_SHOWN = 200
