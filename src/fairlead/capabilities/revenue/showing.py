"""What one engagement earned, billed and cost, as a page and the API show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from fairlead.capabilities.company_days import CompanyDays
from fairlead.capabilities.revenue.months import Reckons
from fairlead.capabilities.revenue.reckoning import Figures, figures
from fairlead.domain.model.margin import Margin, MarginFacts
from fairlead.domain.model.milestone import MilestoneState
from fairlead.domain.model.revenue import Position, RevenueFacts, RevenueMethod
from fairlead.domain.model.revenue_batch import Change, EntryState, RevenueEntry
from fairlead.domain.rules.margin import margin, revenue_at_completion
from fairlead.domain.rules.revenue import Unmeasured, recognise
from fairlead.domain.values import Exact, ExternalRef, Money, Name, Value
from fairlead.store import deliveries, revenue
from fairlead.store.database import Tx, database_time
from fairlead.store.revenue_facts import invoices_of


class BookedMonth(Value):
    """The entry of a month that counts."""

    month: date  #: its first day
    revision: int
    state: EntryState
    position: Position
    change: Change
    warnings: tuple[str, ...]
    ref: ExternalRef | None  #: its journal in the ledger


class BilledMilestone(Value):
    number: int
    name: Name
    due_on: date
    amount: Money
    state: MilestoneState
    accepted_on: date | None  #: in UTC
    invoice: str | None  #: the ERP's number, else our reference; null: in none
    invoice_state: str | None


class MonthCost(Value):
    month: date
    cost: Money


class Costs(Value):
    """What needs `costs.read`."""

    margin: Margin
    by_month: tuple[MonthCost, ...]
    facts: MarginFacts  #: that it follows from


class Statement(Value):
    """An engagement's money at the end of a day. Null is what cannot be told or may not be seen."""

    engagement: str
    number: str
    on: date
    currency: str
    method: str
    value: Money  #: of the contract, changes included
    cap: Money | None
    position: Position | None
    unmeasured: str | None  #: why there is no position
    progress: Exact | None  #: 0.35 means 35 %
    over_cap: Money | None
    at_completion: Money | None  #: revenue that is expected in all
    warnings: tuple[str, ...]
    basis: RevenueFacts | None  #: what the position follows from; where costs are in it, hidden
    months: tuple[BookedMonth, ...]  #: newest first
    milestones: tuple[BilledMilestone, ...]
    costs: Costs | None


def statement(
    tx: Tx,
    id: str,
    reckons: Reckons,
    *,
    costs: bool,
    on: date | None = None,
    now: datetime | None = None,
) -> Statement | None:
    """None: it is not launched, so there is no money to speak of.

    costs: whether the reader may see them. on: null is today in the company's zone, by `now`, else
    by the database.
    """
    delivery = deliveries.load(tx, [id]).get(id)
    if delivery is None:
        return None
    day = on or reckons.days.on(now or database_time(tx), delivery.legal_entity)
    found = figures(tx, [id], day, days=reckons.days, exchange=reckons.exchange(tx))[id]
    base: dict[str, Any] = {
        "engagement": id,
        "number": delivery.number,
        "on": day,
        "currency": delivery.currency,
        "method": delivery.revenue_method,
        "value": delivery.value,
        "cap": delivery.cap,
        "months": _months(revenue.of_engagement(tx, id)),
        "milestones": (),
        "position": None,
        "unmeasured": None,
        "progress": None,
        "over_cap": None,
        "at_completion": None,
        "warnings": (),
        "basis": None,
        "costs": None,
    }
    if isinstance(found, Unmeasured):
        return Statement.model_validate(base | {"unmeasured": _hidden(str(found), costs)})
    base["milestones"] = _milestones(tx, found.milestones, reckons.days, delivery.legal_entity)
    return Statement.model_validate(base | _measured(found, costs))


def _measured(found: Figures, costs: bool) -> dict[str, Any]:
    facts = found.revenue
    told: dict[str, Any] = {}
    try:
        answer = recognise(facts)
    except Unmeasured as missing:
        told["unmeasured"] = _hidden(str(missing), costs)
        return told
    earned = answer.position.earned
    at_completion = revenue_at_completion(facts, earned, found.remaining_minutes, found.to_come)
    told |= {
        "position": answer.position,
        "progress": answer.progress,
        "over_cap": answer.over_cap,
        "at_completion": at_completion,
        "warnings": answer.warnings,
        "basis": facts if costs or facts.method is not RevenueMethod.OVER_TIME_BY_COST else None,
    }
    if costs:
        filled = found.costs.model_copy(update={"earned": earned, "at_completion": at_completion})
        told["costs"] = Costs(
            margin=margin(filled),
            by_month=tuple(MonthCost(month=m, cost=cost) for m, cost in found.cost_by_month),
            facts=filled,
        )
    return told


def _hidden(why: str, costs: bool) -> str:
    """Who may not see costs is not told whose are missing."""
    return why if costs else "its costs are not known in full"


def _months(entries: Sequence[tuple[RevenueEntry, Mapping[str, Any]]]) -> tuple[BookedMonth, ...]:
    """The last revision of each month that counts; a draft goes before what it will replace."""
    found: dict[date, BookedMonth] = {}
    for entry, _ in entries:
        if entry.state in (EntryState.LAPSED, EntryState.REPLACED):
            continue
        found.setdefault(
            entry.month,
            BookedMonth(
                month=entry.month,
                revision=entry.revision,
                state=entry.state,
                position=entry.position,
                change=entry.change,
                warnings=entry.warnings,
                ref=entry.ref,
            ),
        )
    return tuple(found.values())


def _milestones(
    tx: Tx, rows: Sequence[Mapping[str, Any]], days: CompanyDays, company: str
) -> tuple[BilledMilestone, ...]:
    invoices = invoices_of(tx, [row["id"] for row in rows])
    found: list[BilledMilestone] = []
    for row in rows:
        invoice = invoices.get(row["id"])
        found.append(
            BilledMilestone(
                number=row["number"],
                name=row["name"],
                due_on=row["due_on"],
                amount=Money(amount=row["amount"], currency=row["currency"]),
                state=MilestoneState(row["state"]),
                accepted_on=days.on(row["accepted_at"], company) if row["accepted_at"] else None,
                invoice=(invoice["number"] or invoice["reference"]) if invoice else None,
                invoice_state=invoice["state"] if invoice else None,
            )
        )
    return tuple(found)
