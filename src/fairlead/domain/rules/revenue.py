"""What an engagement has earned by a day, and what follows for the balance sheet (F015, F087).

One engagement is one performance obligation; parts of a deal and changes that are contracts of
their own (IFRS 15.20, ASC 606-10-25-12) are engagements of their own. Five methods:

as_invoiced          the amount that we have a right to invoice (IFRS 15.B16, ASC 606-10-55-18):
                     approved work at its rate, fees over the service that they pay for
over_time_by_cost    price × cost so far / cost at completion (IFRS 15.B18-B19, ASC 606-10-55-20)
over_time_by_effort  price × minutes so far / minutes at completion (the same paragraphs)
straight_line        price × days so far / days of the service (IFRS 15.B18; a stand-ready
                     obligation or a series, IFRS 15.22(b), ASC 606-10-25-14(b))
point_in_time        price of each milestone once it is accepted (IFRS 15.38, ASC 606-10-25-30)

Expenses that the client repays are earned as they are approved, whatever the method. A cap bounds
all that is earned: what may never be billed is not in the transaction price (IFRS 15.56,
ASC 606-10-32-11). Figures are cumulative, rounded once, half to even, to the minor unit, so the
months between two days always add up to the difference of the days.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from fairlead.domain.model.revenue import (
    EarnedCharge,
    Position,
    PricedWork,
    Recognised,
    RevenueFacts,
    RevenueMethod,
    Stage,
    Treatment,
)
from fairlead.domain.rules.billing_amounts import time_amount
from fairlead.domain.values import Money, minor_units, total


class Unmeasured(ValueError):
    """Progress cannot be measured, so nothing new is recognised (IFRS 15.44).

    The message says what is missing.
    """


def recognise(facts: RevenueFacts) -> Recognised:
    """The position at the end of the day that the facts were taken for.

    Raises Unmeasured where the method needs a measure of progress that there is none of.
    """
    if facts.unmeasured:
        raise Unmeasured("; ".join(facts.unmeasured))
    currency = facts.currency
    fee, progress = _fee(facts)
    other = _charges(facts) + Fraction(facts.concessions.amount)
    whole = to_money(fee + Fraction(facts.expenses.amount) + other, currency)
    over = to_money(0, currency)
    if facts.cap is not None and whole.amount > facts.cap.amount:
        over = whole - facts.cap
    earned = whole - over
    fee_part, expenses = to_money(fee, currency), facts.expenses.rounded()
    return Recognised(
        position=position(facts.on, earned, facts.billed, facts.due),
        fee=fee_part,
        expenses=expenses,
        other=whole - fee_part - expenses,
        over_cap=over,
        progress=progress,
        warnings=tuple(_unpriced(facts)),
    )


def position(on: date, earned: Money, billed: Money, due: Money) -> Position:
    """A contract is shown as an asset or a liability, never both (IFRS 15.105, ASC 606-10-45-1)."""
    nothing = to_money(0, earned.currency)
    apart = earned - billed
    wip = apart if apart.amount > 0 else nothing
    accrued = Money(amount=max(Decimal(0), min(wip.amount, due.amount)), currency=wip.currency)
    return Position(
        on=on, earned=earned, billed=billed, wip=wip, accrued=accrued, deferred=wip - apart
    )


def earned_over_time(stages: Sequence[Stage]) -> Fraction:
    """What of the price is earned at the end of the last stage, not rounded.

    A prospective change (IFRS 15.21(a), ASC 606-10-25-13(a)) ends the old contract where it stands:
    what is left of the new price is earned over the work that is left. A catch-up (21(b), 13(b))
    measures the whole of the contract anew.
    """
    base, base_done, earned = Fraction(0), Fraction(0), Fraction(0)
    before: Stage | None = None
    for stage in stages:
        if before is not None and stage.treatment is Treatment.PROSPECTIVE:
            base, base_done = earned, max(Fraction(before.done), Fraction(0))
        share = _share(Fraction(stage.done) - base_done, Fraction(stage.total) - base_done)
        earned = base + (Fraction(stage.price.amount) - base) * share
        before = stage
    return earned


def days_done(starts_on: date, ends_on: date, on: date) -> tuple[int, int]:
    """Days of a service that have passed by the end of a day, and all of them; both ends count."""
    whole = (ends_on - starts_on).days + 1
    return min(max((on - starts_on).days + 1, 0), whole), whole


def remaining_minutes(budget: int, done: int, forecast: tuple[int, int] | None = None) -> int:
    """Work that is left: the forecast's less what was worked since, else the budget's.

    `forecast` is what was left and what was done when it was made.
    """
    if forecast is not None:
        left, then = forecast
        return max(left - (done - then), 0)
    return max(budget - done, 0)


def at_rates(work: Iterable[tuple[int, Decimal]]) -> Fraction:
    """Minutes at rates per hour, exactly."""
    return sum((Fraction(rate) * minutes / 60 for minutes, rate in work), Fraction(0))


def to_money(amount: Fraction | int, currency: str) -> Money:
    """Rounded to the minor unit, half to even."""
    units = minor_units(currency)
    return Money(
        amount=Decimal(round(Fraction(amount) * 10**units)).scaleb(-units), currency=currency
    )


def _fee(facts: RevenueFacts) -> tuple[Fraction, Decimal | None]:
    match facts.method:
        case RevenueMethod.AS_INVOICED:
            return Fraction(facts.invoiced_work.amount) + priced_work(facts.priced), None
        case RevenueMethod.POINT_IN_TIME:
            return _accepted(facts), None
        case _:
            last = facts.stages[-1]
            if facts.complete and facts.method is not RevenueMethod.STRAIGHT_LINE:
                return Fraction(last.price.amount), Decimal(1)
            share = _share(Fraction(last.done), Fraction(last.total))
            return earned_over_time(facts.stages), _ratio(share)


def priced_work(work: Iterable[PricedWork]) -> Fraction:
    """Each entry at its rate, rounded by itself as an invoice does."""
    return sum(
        (
            Fraction(time_amount(part.minutes, part.per_hour).amount) * part.entries
            for part in work
            if part.per_hour
        ),
        Fraction(0),
    )


def _accepted(facts: RevenueFacts) -> Fraction:
    """Milestones that do not add up to the price share it by their amounts (IFRS 15.74); without
    any, it is earned when all is done."""
    price = facts.stages[-1].price
    amounts = [milestone.amount for milestone in facts.milestones]
    if not amounts:
        return Fraction(price.amount if facts.complete else 0)
    whole = total(amounts, facts.currency)
    plain = whole == price or min(amount.amount for amount in amounts) < 0 or not whole.amount
    shares = amounts if plain else price.split([amount.amount for amount in amounts])
    return sum(
        (
            Fraction(share.amount)
            for share, milestone in zip(shares, facts.milestones, strict=True)
            if milestone.accepted
        ),
        Fraction(0),
    )


def _charges(facts: RevenueFacts) -> Fraction:
    """Fees count where they are the price itself (as invoiced), or were agreed besides it."""
    every = facts.method is RevenueMethod.AS_INVOICED
    return sum(
        (earned_of(charge, facts.on) for charge in facts.charges if every or charge.on_top),
        Fraction(0),
    )


def earned_of(charge: EarnedCharge, on: date) -> Fraction:
    """A fee by days of the service that it pays for; one without a period on its day."""
    amount = Fraction(charge.amount.amount)
    if charge.starts_on is None or charge.ends_on is None:
        return amount if charge.due_on <= on else Fraction(0)
    done, whole = days_done(charge.starts_on, charge.ends_on, on)
    return amount * done / whole


def _share(done: Fraction, total: Fraction) -> Fraction:
    """Never below nothing, never above all of it; nothing where there is nothing to do."""
    if total <= 0:
        return Fraction(0)
    return min(max(done / total, Fraction(0)), Fraction(1))


def _ratio(share: Fraction) -> Decimal:
    return Decimal(round(share * 10**8)).scaleb(-8)


def _unpriced(facts: RevenueFacts) -> Iterable[str]:
    if facts.method is not RevenueMethod.AS_INVOICED:
        return
    for work in facts.priced:
        if work.per_hour is None and work.minutes:
            hours = Decimal(work.minutes) * work.entries / 60
            yield f"{hours:.2f} hours of {work.role} have no bill rate and are not counted"
