"""Recording what a client does not accept, with its cause in handoff or contract (F089)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fairlead.capabilities.billing.changing import locked, tell
from fairlead.capabilities.billing.reviewing import must_say_why
from fairlead.domain.model.dispute import DisputeCause, DisputeOutcome
from fairlead.domain.rules.billing_amounts import of_minor, to_minor
from fairlead.domain.values import Money
from fairlead.errors import IllegalMove, InvalidInput, NotFound, Problem
from fairlead.store import disputes
from fairlead.store.database import Tx, database_time
from fairlead.trust.acting import Acting


def dispute(
    tx: Tx,
    name: str,
    acting: Acting,
    *,
    cause: DisputeCause,
    detail: str,
    field: str | None = None,
    clause: str | None = None,
    amount: Money | None = None,
) -> dict[str, Any]:
    """`field`: of deal or contract that it goes back to, as the packet names it; `clause`: of the
    contract. Told again while it is open, in the same words, it is the same dispute.

    Raises `NotFound`, `IllegalMove` for what was not released, `InvalidInput`.
    """
    must_say_why(detail)
    row = locked(tx, name, acting, None)
    if row["released_at"] is None:
        raise IllegalMove(row["reference"], row["state"], "disputed")
    if amount is not None and (
        amount.currency != row["currency"]
        or not 0 < amount.amount <= abs(row["net"])
        or of_minor(to_minor(amount.amount, amount.currency), amount.currency) != amount
    ):
        net = Money(amount=abs(row["net"]), currency=row["currency"])
        raise InvalidInput(
            f"At most {net} of it can be disputed.",
            [Problem("/amount", "must be whole minor units, at most the invoice, without tax")],
        )
    said: dict[str, Any] = {
        "cause": cause,
        "field": field,
        "clause": clause,
        "detail": detail,
        "amount": None if amount is None else amount.amount,
    }
    for known in disputes.of_invoice(tx, row["id"]):  # whose row is locked
        if known["outcome"] is None and {name: known[name] for name in said} == said:
            return known
    now, id = database_time(tx), str(uuid4())
    disputes.add(
        tx,
        {
            "id": id,
            "invoice_id": row["id"],
            "engagement_id": row["engagement_id"],
            **said,
            "opened_by": acting.id,
            "opened_at": now,
        },
    )
    tell(tx, row, "disputed", acting, now, cause=str(cause), field=field, clause=clause)
    return disputes.one(tx, id) or {}


def close_dispute(
    tx: Tx, id: str, acting: Acting, *, outcome: DisputeOutcome, answer: str
) -> dict[str, Any]:
    """Say how it ended. Raises `NotFound`, `IllegalMove`."""
    must_say_why(answer)
    found = disputes.one(tx, id)
    if found is None:
        raise NotFound("There is no such dispute.")
    row = locked(tx, found["invoice_id"], acting, None, "dispute")
    found = disputes.one(tx, id) or {}
    if found["outcome"] is not None:
        raise IllegalMove("The dispute", found["outcome"], str(outcome))
    now = database_time(tx)
    disputes.close(tx, id, outcome, answer, by=acting.id, at=now)
    tell(tx, row, "dispute_closed", acting, now, outcome=str(outcome), cause=found["cause"])
    return disputes.one(tx, id) or {}
