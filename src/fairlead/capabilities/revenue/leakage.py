"""Looking for what leaks, once a day, and telling its owner where it is much (F088, F234)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from fairlead.capabilities.revenue.months import Reckons, note_terms
from fairlead.domain.model.leakage import LeakKind, LeakRules, LeakTotal
from fairlead.domain.rules.leakage import totals
from fairlead.domain.values import Value, minor_units
from fairlead.errors import NotFound
from fairlead.policy.tables import Policies, decide
from fairlead.store import exceptions, leaks
from fairlead.store.database import Tx, database_time
from fairlead.work.words import CauseClass, ExceptionAction, NewException

POLICY = "leakage"
_AT_A_TIME = 200
_SLA = timedelta(days=5)  #: clock time
#: What a person has let be is told again once it is so many times as much.
_GROWN = Decimal(2)

_WORDS: Mapping[LeakKind, tuple[str, str]] = {
    LeakKind.UNBILLED_TIME: (
        "approved time is not invoiced",
        "Propose an invoice, or say what keeps it from being billed.",
    ),
    LeakKind.MISSED_EXPENSE: (
        "approved expenses are not invoiced",
        "Propose an invoice, or say what keeps them from being billed.",
    ),
    LeakKind.WRITE_OFF: (
        "was written off",
        "See why it was given up, and whether the contract or the estimate has to change.",
    ),
    LeakKind.BEYOND_SCOPE: (
        "was worked beyond what is sold",
        "Agree a change of the contract with the client, or stop the work.",
    ),
    LeakKind.LATE_ENTRY: (
        "of time was entered after its days were invoiced",
        "Bill it with the next invoice, or give it up; ask why it came late.",
    ),
}


class LeakageFacts(Value):
    """All that the policy `leakage` may ask."""

    contract_type: str
    currency: str


def sweep_on(tx: Tx, reckons: Reckons, *, at_a_time: int = _AT_A_TIME) -> bool:
    """Look at the next engagements of today's sweep; False: it is done, or somebody is at it.

    Terms of contracts are noted on the way, so that a change is known from its day on.
    """
    now = database_time(tx)
    reached = leaks.take_sweep(tx, now.date())
    if reached is None:
        return False
    rows = leaks.chunk(tx, reached, at_a_time)
    if rows:
        note_terms(tx, reckons, rows, now)
        look(tx, reckons.policies, rows, now)
    leaks.advance_sweep(
        tx,
        now.date(),
        reached=rows[-1]["engagement_id"] if rows else reached,
        engagements=len(rows),
        ended_at=now if len(rows) < at_a_time else None,
    )
    return True


def look_now(tx: Tx, reckons: Reckons, engagement: str) -> None:
    """Look at one engagement without waiting for the day's sweep. Raises `NotFound`."""
    now = database_time(tx)
    rows = leaks.some(tx, [engagement])
    if not rows:
        raise NotFound("There is no such engagement, or it is not launched.")
    note_terms(tx, reckons, rows, now)
    look(tx, reckons.policies, rows, now)


def look(tx: Tx, policies: Policies, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Find anew what leaks of these engagements, and tell of it, once, where it is much."""
    rules = _rules(policies, rows, now)
    of = {row["engagement_id"]: row for row in rows}
    by_age = [
        {
            "engagement_id": id,
            "unbilled_after_days": rule.unbilled_after_days,
            "expense_after_days": rule.expense_after_days,
            "minor": minor_units(of[id]["currency"]),
        }
        for id, rule in rules.items()
    ]
    leaks.sweep(tx, by_age, on=now.date(), at=now)
    grouped: dict[str, list[Any]] = defaultdict(list)
    for leak in leaks.of_engagements(tx, list(of)):
        grouped[leak.engagement].append(leak)
    found = {
        _cause(total): (total, of[id])
        for id, some in grouped.items()
        for total in totals(some, now.date(), of[id]["currency"])
        if total.amount.amount >= rules[id].tell_from
    }
    _tell(tx, found, list(of), now)


def _rules(
    policies: Policies, rows: Sequence[Mapping[str, Any]], now: datetime
) -> dict[str, LeakRules]:
    policy = policies.as_of(POLICY, now)
    asked: dict[tuple[str, str], LeakRules] = {}
    found: dict[str, LeakRules] = {}
    for row in rows:
        key = (row["contract_type"], row["currency"])
        if key not in asked:
            facts = LeakageFacts(contract_type=key[0], currency=key[1])
            asked[key] = LeakRules.model_validate(decide(policy, facts, now).answer)
        found[row["engagement_id"]] = asked[key]
    return found


def _tell(
    tx: Tx,
    found: Mapping[str, tuple[LeakTotal, Mapping[str, Any]]],
    engagements: Sequence[str],
    now: datetime,
) -> None:
    every = [_cause_of(kind, id) for id in engagements for kind in LeakKind]
    last = exceptions.last_of(tx, engagements, every)
    exceptions.settle(tx, [cause for cause in last if cause not in found], now)
    for cause, (total, row) in found.items():
        known = last.get(cause)
        if known is not None and _told(known, total):
            continue
        what, remedy = _WORDS[total.kind]
        unpriced = f" {total.unpriced} have no agreed rate." if total.unpriced else ""
        exceptions.open_one(
            tx,
            NewException(
                cause=cause,
                cause_class=CauseClass.NEEDS_DECISION,
                team=total.owner,
                title=f"{row['number']}: {total.amount} {what}",
                detail=(
                    f"{total.count} findings since {total.oldest.isoformat()},"
                    f" {total.minutes / 60:.1f} hours in all.{unpriced}"
                ),
                remedy=remedy,
                opened_at=now,
                due_at=now + _SLA,
                actions=(ExceptionAction.ASSIGN, ExceptionAction.DISMISS),
                subject_id=total.engagement,
                region=row["region"] or None,
                at_risk=total.amount,
            ),
        )


def _told(known: Mapping[str, Any], total: LeakTotal) -> bool:
    """It is open; or a person has let it be, and it has not grown much since."""
    if known["state"] == "open":
        return True
    by_a_person = known["resolved_by"] is not None
    return by_a_person and total.amount.amount < (known["amount"] or 0) * _GROWN


def _cause(total: LeakTotal) -> str:
    return _cause_of(total.kind, total.engagement)


def _cause_of(kind: LeakKind, engagement: str) -> str:
    return f"leak:{kind}:{engagement}"
