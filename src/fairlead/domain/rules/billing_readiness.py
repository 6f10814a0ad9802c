"""How ready an engagement is to be invoiced, as a figure that explains itself (F081, F082, F091).

* *Ready* is what a proposal would take today, before discounts; *held* is what it would not, though
  work is done or a fee is due. Percent is ready of both, rounded down; null where there is neither.
* What holds an engagement as a whole holds all that would be ready. Such reasons hold the same
  amount, so amounts of blockers do not add up to what is held; what is held counts once.
* A *blocker* is expected to be gone when its days have passed since it began; one that is overdue
  needs them again from today. Days are calendar days, of the policy `billing-blockers`; for work
  that waits for approval, the median that approval took in the last 90 days, rounded up.
* The forecast is the last of these days; today where nothing is held; null where a blocker has
  no days, because somebody has to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from fairlead.domain.rules.billing_blockers import BlockerCode, Stop
from fairlead.domain.values import Money, Name, Value

#: Of one, and of several.
_COUNTED: Mapping[BlockerCode, tuple[str, str]] = {
    BlockerCode.TIME_IN_DRAFT: (
        "entry of time is not submitted",
        "entries of time are not submitted",
    ),
    BlockerCode.TIME_UNAPPROVED: (
        "entry of time waits for approval",
        "entries of time wait for approval",
    ),
    BlockerCode.EXPENSE_IN_DRAFT: ("expense is not submitted", "expenses are not submitted"),
    BlockerCode.EXPENSE_UNAPPROVED: ("expense waits for approval", "expenses wait for approval"),
    BlockerCode.FINDINGS: (
        "entry of time has findings that somebody must look at",
        "entries of time have findings that somebody must look at",
    ),
    BlockerCode.NO_RATE: ("approved entry has no rate", "approved entries have no rate"),
    BlockerCode.NO_RECEIPT: (
        "approved expense has no receipt, which the client wants",
        "approved expenses have no receipt, which the client wants",
    ),
    BlockerCode.ITEM_HOLD: ("item is held by itself", "items are held by themselves"),
    BlockerCode.CORRECTION_OPEN: (
        "item is about to be taken back",
        "items are about to be taken back",
    ),
    BlockerCode.MILESTONE_NOT_ACCEPTED: (
        "milestone is due and not accepted",
        "milestones are due and not accepted",
    ),
    BlockerCode.OTHER_CURRENCY: ("fee is in another currency", "fees are in another currency"),
}
#: What approval takes is what it took.
APPROVALS = frozenset(
    {BlockerCode.TIME_UNAPPROVED, BlockerCode.EXPENSE_UNAPPROVED, BlockerCode.FINDINGS}
)


class Owner(Value):
    """Who settles a kind of blocker: the answer of `billing-blockers`."""

    team: str
    days: int  #: until it is settled, as a rule; 0: nobody can say
    remedy: str


class Blocker(Value):
    code: BlockerCode
    words: str
    count: int | None = None  #: of items
    amount: Money
    team: str
    people: tuple[str, ...] = ()  #: whose entries, or which fees: three of them
    since: datetime | None = None
    age_days: int | None = None
    remedy: str
    expected_on: date | None = None  #: null: nobody can say


class Readiness(Value):
    engagement: str
    number: str
    name: Name
    client: Name
    region: str | None
    legal_entity: str
    percent: int | None
    ready: Money
    held: Money
    blockers: tuple[Blocker, ...]
    ready_on: date | None


def readiness(
    standing: Mapping[str, Any],
    sums: Sequence[Mapping[str, Any]],
    so_far: Mapping[str, Any],
    stops: Sequence[Stop],
    owner: Callable[[BlockerCode], Owner],
    *,
    today: date,
    zone: str,
    approval_days: float | None,
) -> Readiness:
    """`standing`, `sums`, `so_far`: the rows of the store for this engagement. `zone`: of `today`,
    in which ages are counted too (IANA)."""
    currency = standing["currency"]
    found: list[Blocker] = []

    def add(
        code: BlockerCode,
        amount: Decimal,
        words: str,
        since: datetime | None,
        *,
        count: int | None = None,
        people: Sequence[str] = (),
        team: str | None = None,
    ) -> None:
        asked = owner(code)
        days = asked.days
        if code in APPROVALS and approval_days is not None:
            days = max(1, ceil(approval_days))
        begun = None if since is None else since.astimezone(ZoneInfo(zone)).date()
        found.append(
            Blocker(
                code=code,
                words=words,
                count=count,
                amount=Money(amount=amount, currency=currency).rounded(),
                team=team or asked.team,
                people=tuple(people),
                since=since,
                age_days=None if begun is None else max(0, (today - begun).days),
                remedy=asked.remedy,
                expected_on=_expected(begun, days, today),
            )
        )

    ready = {"time": Decimal(0), "expense": Decimal(0), "fee": Decimal(0)}
    held = Decimal(0)
    for row in sums:
        if row["code"] == "ready":
            ready[row["kind"]] += row["amount"]
            continue
        code = BlockerCode(row["code"])
        words = _counted(code, row["count"])
        held += row["amount"]
        add(
            code, row["amount"], words, row["since"], count=row["count"], people=row["people"] or ()
        )
    beyond = _beyond_cap(standing["cap"], so_far["work"], ready["time"] + ready["expense"])
    whole = sum(ready.values(), Decimal(0)) - beyond
    if beyond:
        held += beyond
        money = Money(amount=beyond, currency=currency)
        words = f"{money} of time and expenses is beyond the cap"
        add(BlockerCode.BEYOND_CAP, beyond, words, None)
    if whole < 0:
        missing, held, whole = -whole, held - whole, Decimal(0)
        words = "what is taken back is more than what is new"
        add(BlockerCode.LESS_THAN_NOTHING, missing, words, None)
    limit: Decimal | None = standing["order_limit"]
    if limit is not None and whole > 0 and so_far["on_order"] + whole > limit:
        money = Money(amount=so_far["on_order"] + whole - limit, currency=currency)
        held, whole, amount = held + whole, Decimal(0), whole
        words = f"{money} is more than the purchase order pays for"
        add(BlockerCode.ORDER_EXHAUSTED, amount, words, None)
    for stop in stops:
        add(stop.code, whole, stop.words, stop.since or standing["opened_at"], team=stop.team)
    if stops:
        held, whole = held + whole, Decimal(0)
    both = whole + held
    return Readiness(
        engagement=standing["engagement_id"],
        number=standing["number"],
        name=standing["name"],
        client=standing["client_name"],
        region=standing["region"],
        legal_entity=standing["legal_entity"],
        percent=int(100 * whole / both) if both > 0 else None,
        ready=Money(amount=whole, currency=currency).rounded(),
        held=Money(amount=held, currency=currency).rounded(),
        blockers=tuple(found),
        ready_on=_forecast(found, today),
    )


def _beyond_cap(cap: Decimal | None, billed: Decimal, work: Decimal) -> Decimal:
    if cap is None or work <= 0:
        return Decimal(0)
    return max(Decimal(0), work - max(Decimal(0), cap - billed))


def _expected(begun: date | None, days: int, today: date) -> date | None:
    if days == 0:
        return None
    due = (begun or today) + timedelta(days=days)
    return due if due > today else today + timedelta(days=days)


def _forecast(blockers: Sequence[Blocker], today: date) -> date | None:
    days = [blocker.expected_on for blocker in blockers]
    known = [day for day in days if day is not None]
    if len(known) < len(days):
        return None
    return max(known, default=today)


def _counted(code: BlockerCode, count: int) -> str:
    one, several = _COUNTED[code]
    return f"{count} {one if count == 1 else several}"
