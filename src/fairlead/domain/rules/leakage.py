"""How findings of leakage add up, how old they are, and whom they concern (F088, F234)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from fairlead.domain.model.leakage import AgeBucket, Leak, LeakKind, LeakTotal
from fairlead.domain.values import total

_BUCKETS = ((30, AgeBucket.TO_30), (60, AgeBucket.TO_60), (90, AgeBucket.TO_90))


def bucket(day: date, on: date) -> AgeBucket:
    """By whole days; what is dated after `on` is as young as can be."""
    age = (on - day).days
    return next((name for limit, name in _BUCKETS if age <= limit), AgeBucket.OVER_90)


def totals(leaks: Iterable[Leak], on: date, currency: str) -> tuple[LeakTotal, ...]:
    """One for each engagement, kind and owner, the largest first. All are in one currency.

    An item that leaks in two ways is in two totals: do not add totals of different kinds.
    """
    groups: dict[tuple[str, LeakKind, str], list[Leak]] = defaultdict(list)
    for leak in leaks:
        groups[leak.engagement, leak.kind, leak.owner].append(leak)
    found = [_total(key, group, on, currency) for key, group in groups.items()]
    return tuple(sorted(found, key=lambda t: (-t.amount.amount, t.engagement, t.kind, t.owner)))


def _total(key: tuple[str, LeakKind, str], leaks: list[Leak], on: date, currency: str) -> LeakTotal:
    engagement, kind, owner = key
    aged = {
        name: total(
            (leak.amount for leak in leaks if leak.amount and bucket(leak.day, on) is name),
            currency,
        )
        for name in AgeBucket
    }
    return LeakTotal(
        engagement=engagement,
        kind=kind,
        owner=owner,
        count=len(leaks),
        minutes=sum(leak.minutes for leak in leaks),
        amount=total(aged.values(), currency),
        unpriced=sum(leak.amount is None for leak in leaks),
        oldest=min(leak.day for leak in leaks),
        aged=aged,
    )
