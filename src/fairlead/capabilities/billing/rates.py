"""New bill rates: proposed by one person, approved by another, in effect from a day (F166).

What was billed stays as it was billed; what is proposed from then on is priced by the new rate.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from fairlead.capabilities.billing.reviewing import must_say_why, must_see
from fairlead.domain.rules.billing_amounts import HIGHEST_RATE
from fairlead.domain.values import Money
from fairlead.errors import IllegalMove, InvalidInput, NotAllowed, NotFound, Problem
from fairlead.store import bill_rates, deliveries, resources
from fairlead.store import journal as log
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.acting import Acting
from fairlead.work.hands import went_through


def propose_rate(
    tx: Tx,
    engagement: str,
    acting: Acting,
    *,
    role: str,
    resource: str | None,
    valid_from: date,
    per_hour: Money,
    reason: str,
) -> dict[str, Any]:
    """Ask for a rate of a role, or of one person in it. Raises `NotFound`, `InvalidInput`."""
    must_say_why(reason)
    must_see(tx, engagement, acting)
    delivery = deliveries.load(tx, [engagement])[engagement]
    problems: list[Problem] = []
    if per_hour.currency != delivery.currency:
        problems.append(Problem("/per_hour/currency", f"must be {delivery.currency}"))
    if not 0 <= per_hour.amount <= HIGHEST_RATE:
        problems.append(Problem("/per_hour/amount", f"must be from 0 to {HIGHEST_RATE}"))
    if resource and resource not in resources.load(tx, [resource]):
        problems.append(Problem("/resource", "must be somebody who books time"))
    if problems:
        raise InvalidInput("The rate cannot be taken.", problems)
    row: dict[str, Any] = {
        "id": str(uuid4()),
        "engagement_id": engagement,
        "role": role,
        "resource_id": resource or "",
        "valid_from": valid_from,
        "per_hour": per_hour.amount,
        "currency": per_hour.currency,
        "reason": reason,
        "state": "proposed",
        "proposed_by": acting.id,
        "proposed_at": database_time(tx),
    }
    bill_rates.add_change(tx, row)
    _tell(tx, row, "rate.proposed", acting)
    return bill_rates.change(tx, row["id"]) or {}


def decide_rate(
    tx: Tx, id: str, acting: Acting, *, approved: bool, reason: str = ""
) -> dict[str, Any]:
    """Approve or refuse a rate that somebody else asked for.

    Raises `NotFound`, `IllegalMove`, `NotAllowed` for one's own, or a partner's as deputy.
    """
    row = bill_rates.change(tx, id, lock=True)
    if row is None:
        raise NotFound("There is no such change of a rate.")
    must_see(tx, row["engagement_id"], acting, "change of a rate")
    if row["state"] != "proposed":
        raise IllegalMove("The change of the rate", row["state"], "decided")
    now = database_time(tx)
    since, by = row["proposed_at"].date(), row["proposed_by"]
    if went_through(tx, acting, [by], since=since, today=now.date()):
        raise NotAllowed("Whoever asked for a rate, and their deputy, cannot approve it.")
    if not approved:
        must_say_why(reason)
    state = "approved" if approved else "refused"
    bill_rates.decide(tx, id, state, by=acting.id, at=now)
    if approved:
        bill_rates.set_rate(
            tx,
            {
                **{name: row[name] for name in _OF_RATE},
                "source": f"rate change of {row['proposed_at']:%Y-%m-%d}: {row['reason']}"[:200],
            },
        )
    _tell(tx, row, f"rate.{state}", acting)
    return bill_rates.change(tx, id) or {}


_OF_RATE = ("engagement_id", "role", "resource_id", "valid_from", "per_hour", "currency")


def _tell(tx: Tx, row: dict[str, Any], type: str, acting: Acting) -> None:
    delivery = deliveries.load(tx, [row["engagement_id"]])[row["engagement_id"]]
    log.append(
        tx,
        [
            Event(
                chain=row["engagement_id"],
                type=type,
                at=database_time(tx),
                actor=f"person:{acting.id}",
                attributes={
                    "role": row["role"],
                    "resource": row["resource_id"],
                    "valid_from": row["valid_from"].isoformat(),
                    "per_hour": format(row["per_hour"], "f"),
                    "currency": row["currency"],
                    "reason": row["reason"],
                },
                objects=[(row["engagement_id"], "engagement", "engagement")],
                region=delivery.region or None,
            )
        ],
    )
