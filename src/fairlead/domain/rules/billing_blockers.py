"""Why something is not invoiced: each reason with a name that stays the same (F082)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from fairlead.domain.rules.billing_terms import Demand, InvoicingTerms
from fairlead.domain.values import Value


class BlockerCode(StrEnum):
    """Those in the first group hold an engagement as a whole."""

    HOLD = "hold"
    CONTRACT_CHANGE = "contract_change"
    CLIENT_CONFLICT = "client_conflict"
    NO_LEDGER_RECORD = "no_ledger_record"
    ORDER_MISSING = "order_missing"
    PERIOD_CLOSED = "period_closed"

    ORDER_EXHAUSTED = "order_exhausted"
    TIME_IN_DRAFT = "time_in_draft"
    TIME_UNAPPROVED = "time_unapproved"
    EXPENSE_IN_DRAFT = "expense_in_draft"
    EXPENSE_UNAPPROVED = "expense_unapproved"
    FINDINGS = "findings"
    NO_RATE = "no_rate"
    NO_RECEIPT = "no_receipt"
    BEYOND_CAP = "beyond_cap"
    ITEM_HOLD = "item_hold"
    CORRECTION_OPEN = "correction_open"
    MILESTONE_NOT_ACCEPTED = "milestone_not_accepted"
    OTHER_CURRENCY = "other_currency"
    LESS_THAN_NOTHING = "less_than_nothing"


class Stop(Value):
    """A reason that holds an engagement as a whole."""

    code: BlockerCode
    words: str
    since: datetime | None = None  #: null: from the start
    team: str | None = None  #: who is asked already; null: as the policy says


def stops(standing: Mapping[str, Any], terms: InvoicingTerms, dated_on: date) -> tuple[Stop, ...]:
    """`standing`: the row of `store.billing_standing`."""
    found: list[Stop] = []
    if standing["hold"] is not None:
        words = f"held by {standing['held_by']}: {standing['hold']}"
        found.append(Stop(code=BlockerCode.HOLD, words=words, since=standing["held_at"]))
    if standing["change_since"] is not None:
        found.append(
            Stop(
                code=BlockerCode.CONTRACT_CHANGE,
                words="a change of the contract is not decided",
                since=standing["change_since"],
            )
        )
    if standing["conflict_since"] is not None:
        found.append(
            Stop(
                code=BlockerCode.CLIENT_CONFLICT,
                words="systems say different things of the client",
                since=standing["conflict_since"],
                team=standing["conflict_team"],
            )
        )
    missing = [
        name
        for name, there in (("client", "has_client"), ("project", "has_project"))
        if not standing[there]
    ]
    if missing:
        words = f"the ledger has no {' and no '.join(missing)} for it"
        found.append(Stop(code=BlockerCode.NO_LEDGER_RECORD, words=words))
    if terms.purchase_order is Demand.REQUIRED and not standing["purchase_order"]:
        words = "the client demands a purchase order, and none is known"
        found.append(Stop(code=BlockerCode.ORDER_MISSING, words=words))
    if standing["period_closed_at"] is not None:
        found.append(
            Stop(
                code=BlockerCode.PERIOD_CLOSED,
                words=f"{dated_on:%B %Y} is closed for {standing['legal_entity']}",
                since=standing["period_closed_at"],
            )
        )
    return tuple(found)


def beyond_order(net: Decimal, on_order: Decimal, limit: Decimal | None) -> Decimal | None:
    """By how much an invoice would exceed its purchase order; null: it does not."""
    if limit is None or on_order + net <= limit:
        return None
    return on_order + net - limit
