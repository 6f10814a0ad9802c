"""What keeps a reviewed document from going out: a hold, a closed month, work taken back since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fairlead.capabilities.billing.terms import Terms
from fairlead.domain.model.invoice import InvoiceKind
from fairlead.domain.rules.billing_blockers import BlockerCode, stops
from fairlead.policy.tables import Policies
from fairlead.store import billing_standing, invoice_items
from fairlead.store.database import Tx

_MOST_TOLD = 20


def held_by(tx: Tx, policies: Policies, row: Mapping[str, Any], now: datetime) -> tuple[str, ...]:
    """The reasons, in words; nothing where it may go out. A credit is held by a closed month only.

    `row`: of the invoice, credit or write-off. `now`: whose policies hold.
    """
    (standing,) = billing_standing.standing(tx, [row["engagement_id"]], row["dated_on"])
    found = stops(standing, Terms(policies, now).of(standing), row["dated_on"])
    if row["kind"] != InvoiceKind.INVOICE:
        return tuple(stop.words for stop in found if stop.code is BlockerCode.PERIOD_CLOSED)
    reasons = [stop.words for stop in found]
    if outdated := invoice_items.outdated(tx, row["id"]):
        told = ", ".join(f"{kind} {item}" for kind, item in outdated[:_MOST_TOLD])
        reasons.append(f"taken back since it was proposed: {told}; discard it, propose anew")
    return tuple(reasons)
