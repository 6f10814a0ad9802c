"""The money tab: what is earned, billed and spent, milestones with their invoices, margin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fairlead.capabilities.revenue.showing import BilledMilestone, BookedMonth, Statement, statement
from fairlead.domain.model.leakage import LeakKind, LeakTotal
from fairlead.domain.model.margin import Margin
from fairlead.domain.model.milestone import MilestoneState
from fairlead.domain.model.revenue_batch import EntryState
from fairlead.domain.rules.leakage import totals
from fairlead.domain.values import Money, total
from fairlead.store import deliveries, leaks
from fairlead.trust.roles import Permission
from fairlead.web.formats import Tone, money_text, percent
from fairlead.web.pages.engagement_chart import Chart, Point, Series, chart
from fairlead.web.pages.engagement_head import Head
from fairlead.web.visit import Visit

METHODS: Mapping[str, str] = {
    "as_invoiced": "as invoiced",
    "over_time_by_cost": "over time, by cost",
    "over_time_by_effort": "over time, by hours",
    "straight_line": "over time, by days",
    "point_in_time": "when a milestone is accepted",
}
_BOOKED: Mapping[EntryState, tuple[Tone, str]] = {
    EntryState.DRAFT: ("idle", "Not approved yet"),
    EntryState.APPROVED: ("run", "Approved"),
    EntryState.POSTED: ("ok", "Booked"),
    EntryState.REPLACED: ("idle", "Replaced"),
    EntryState.LAPSED: ("idle", "Lapsed"),
}
_MILESTONES: Mapping[MilestoneState, tuple[Tone, str]] = {
    MilestoneState.PLANNED: ("idle", "Planned"),
    MilestoneState.SUBMITTED: ("warn", "Submitted"),
    MilestoneState.SENT_BACK: ("bad", "Sent back"),
    MilestoneState.ACCEPTED: ("run", "Accepted"),
}
_INVOICES: Mapping[str, tuple[Tone, str]] = {
    "proposed": ("run", "Invoice proposed"),
    "reviewed": ("run", "Invoice reviewed"),
    "released": ("run", "Invoice released"),
    "posted": ("ok", "Posted"),
    "paid": ("ok", "Paid"),
}
_LEAKS: Mapping[LeakKind, str] = {
    LeakKind.UNBILLED_TIME: "Approved, not invoiced",
    LeakKind.MISSED_EXPENSE: "Expenses not invoiced",
    LeakKind.WRITE_OFF: "Written off",
    LeakKind.BEYOND_SCOPE: "Beyond what is sold",
    LeakKind.LATE_ENTRY: "Entered too late",
}


@dataclass(frozen=True)
class Figure:
    """One figure over the chart. `money` null: `text` says what there is instead."""

    label: str
    money: Money | None = None
    text: str = ""
    note: str = ""
    hidden: bool = False


@dataclass(frozen=True)
class MilestoneLine:
    name: str
    due_on: date
    amount: Money
    tone: Tone
    state: str
    invoice: str | None


@dataclass(frozen=True)
class MonthLine:
    """A month of the table that stands for the chart, and of what is booked."""

    month: date
    earned: Money | None
    billed: Money | None
    cost: Money | None
    revenue: Money | None = None
    wip: Money | None = None
    deferred: Money | None = None
    tone: Tone = "idle"
    state: str = ""
    journal: str | None = None


@dataclass(frozen=True)
class Rate:
    per_hour: Money
    hours: Decimal


@dataclass(frozen=True)
class LeakLine:
    label: str
    total: LeakTotal


@dataclass(frozen=True)
class MoneyTab:
    head: Head
    told: Statement | None  #: null: the engagement is not launched
    method: str
    figures: tuple[Figure, ...]
    chart: Chart | None
    chart_words: str  #: what the chart shows, for who does not see it
    months: tuple[MonthLine, ...]  #: oldest first: the chart as a table
    booked: tuple[MonthLine, ...]  #: newest first
    milestones: tuple[MilestoneLine, ...]
    milestones_total: Money | None
    milestones_posted: str
    margin: Margin | None
    sees_costs: bool
    rates: tuple[Rate, ...]
    leaks: tuple[LeakLine, ...]


def money_tab(visit: Visit, head: Head) -> MoneyTab:
    sees_costs = visit.who.may(Permission.COSTS_READ)
    told = statement(visit.tx, head.id, visit.parts.reckons, costs=sees_costs, now=visit.now)
    if told is None:
        return _none(head, sees_costs)
    delivery = deliveries.load(visit.tx, [head.id])[head.id]
    months = tuple(_months(told))
    drawn = chart(
        _series(told, months, delivery.ends_on),
        start=delivery.starts_on,
        end=delivery.ends_on,
        today=told.on,
        currency=told.currency,
    )
    found = totals(leaks.of_engagements(visit.tx, [head.id]), told.on, told.currency)
    return MoneyTab(
        head=head,
        told=told,
        method=METHODS.get(told.method, told.method),
        figures=tuple(_figures(told, sees_costs)),
        chart=drawn,
        chart_words=_words(told),
        months=months,
        booked=tuple(_booked(one) for one in told.months),
        milestones=tuple(_milestone(visit, one) for one in told.milestones),
        milestones_total=total((m.amount for m in told.milestones), told.currency)
        if told.milestones
        else None,
        milestones_posted=_posted(told.milestones),
        margin=told.costs.margin if told.costs else None,
        sees_costs=sees_costs,
        rates=tuple(_rates(told)),
        leaks=tuple(LeakLine(_LEAKS[one.kind], one) for one in found),
    )


def _none(head: Head, sees_costs: bool) -> MoneyTab:
    return MoneyTab(
        head=head, told=None, method="", figures=(), chart=None, chart_words="", months=(),
        booked=(), milestones=(), milestones_total=None, milestones_posted="", margin=None,
        sees_costs=sees_costs, rates=(), leaks=(),
    )  # fmt: skip


def _figures(told: Statement, sees_costs: bool) -> Iterable[Figure]:
    at = told.position
    cap = f"at most {money_text(told.cap)}" if told.cap else ""
    yield Figure("Contract", told.value, note=cap)
    if at is None:
        yield Figure("Earned", text="cannot be measured")
    else:
        share = percent(told.progress, 0) if told.progress is not None else ""
        yield Figure("Earned", at.earned, note=share)
        yield Figure("Billed", at.billed)
        if at.deferred.amount:
            yield Figure("Deferred", at.deferred)
        else:
            note = ""
            if at.accrued.amount:
                part = "all" if at.accrued == at.wip else money_text(at.accrued)
                note = f"{part} may be invoiced"
            yield Figure("Unbilled work (WIP)", at.wip, note=note)
    margin = told.costs.margin if told.costs else None
    if not sees_costs:
        yield Figure("Forecast margin", hidden=True)
    elif margin is None or margin.ratio_at_completion is None:
        yield Figure("Forecast margin", text="not known")
    else:
        yield Figure("Forecast margin", text=percent(margin.ratio_at_completion))


def _months(told: Statement) -> Iterable[MonthLine]:
    """Each month for which anything is known, cumulative; the running one at its day."""
    position = told.position
    booked = {one.month: one for one in told.months}
    costs = {one.month: one.cost for one in told.costs.by_month} if told.costs else {}
    running = told.on.replace(day=1)
    spent: Money | None = None
    months: set[date] = {*booked, *costs} | ({running} if position else set())
    for month in sorted(months):
        if month in costs:
            spent = costs[month] if spent is None else spent + costs[month]
        known = booked[month].position if month in booked else None
        at = position if month == running else known
        yield MonthLine(
            month=month,
            earned=at.earned if at else None,
            billed=at.billed if at else None,
            cost=spent if told.costs else None,
        )


def _series(told: Statement, months: Sequence[MonthLine], ends_on: date) -> list[Series]:
    margin = told.costs.margin if told.costs else None
    at_end = told.at_completion.amount if told.at_completion else None
    cost_at_end = margin.cost_at_completion.amount if margin and margin.cost_at_completion else None
    found = [
        Series("Earned", "s1", _points(told, months, "earned"), _end(ends_on, at_end)),
        Series("Cost", "s2", _points(told, months, "cost"), _end(ends_on, cost_at_end)),
    ]
    if not found[1].points:
        found[1] = Series("Billed", "s2", _points(told, months, "billed"))
    return found


def _points(told: Statement, months: Sequence[MonthLine], name: str) -> list[Point]:
    found: list[Point] = []
    for line in months:
        value: Money | None = getattr(line, name)
        if value is not None:
            found.append((min(_last_day(line.month), told.on), value.amount))
    if found and found[0][1]:  # nothing was, the day before the first month
        found.insert(0, (months[0].month, Decimal(0)))
    return found


def _end(ends_on: date, value: Decimal | None) -> Point | None:
    return None if value is None else (ends_on, value)


def _last_day(month: date) -> date:
    later = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return date.fromordinal(later.toordinal() - 1)


def _words(told: Statement) -> str:
    at = told.position
    if at is None:
        return ""
    words = f"Earned {at.earned} against billed {at.billed} on {told.on.isoformat()}"
    cost = told.costs.margin.cost if told.costs else None
    if cost is not None:
        words = f"Earned {at.earned} against cost {cost} on {told.on.isoformat()}"
    if told.at_completion is not None:
        words += f"; {told.at_completion} is expected in all"
    return words


def _booked(one: BookedMonth) -> MonthLine:
    tone, state = _BOOKED[one.state]
    return MonthLine(
        month=one.month,
        earned=one.position.earned,
        billed=one.position.billed,
        cost=None,
        revenue=one.change.revenue,
        wip=one.position.wip,
        deferred=one.position.deferred,
        tone=tone,
        state=state + (f", revision {one.revision}" if one.revision > 1 else ""),
        journal=one.ref.id if one.ref else None,
    )


def _milestone(visit: Visit, one: BilledMilestone) -> MilestoneLine:
    tone, state = _MILESTONES[one.state]
    if one.accepted_on is not None:
        state = f"{state} {visit.clock.day(one.accepted_on)}"
    if one.invoice_state is not None:
        tone, state = _INVOICES[one.invoice_state]
    return MilestoneLine(
        name=f"{one.number} {one.name}",
        due_on=one.due_on,
        amount=one.amount,
        tone=tone,
        state=state,
        invoice=one.invoice,
    )


def _posted(milestones: Sequence[BilledMilestone]) -> str:
    whole = sum((one.amount.amount for one in milestones), Decimal(0))
    posted = sum(
        (one.amount.amount for one in milestones if one.invoice_state in ("posted", "paid")),
        Decimal(0),
    )
    return f"{percent(posted / whole, 0)} posted" if whole > 0 else ""


def _rates(told: Statement) -> Iterable[Rate]:
    """What hours cost, and how many there were of each."""
    if told.costs is None:
        return
    found: dict[Money, int] = {}
    for part in told.costs.facts.work:
        if part.per_hour is not None:
            found[part.per_hour] = found.get(part.per_hour, 0) + part.minutes
    for per_hour, minutes in sorted(found.items(), key=lambda one: -one[1]):
        yield Rate(per_hour, Decimal(minutes) / 60)
