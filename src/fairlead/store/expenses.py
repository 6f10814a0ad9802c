"""Expenses: what somebody spent for an engagement, and how far it has come."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from fairlead.domain.model.expense import Expense
from fairlead.domain.values import Money
from fairlead.store import bulk
from fairlead.store.database import Tx

_BY_ID = """
SELECT x.*, d.currency AS own_currency FROM expenses x JOIN deliveries d USING (engagement_id)
WHERE x.id = ANY(%s) ORDER BY x.id
"""
_BY_ID_LOCKED = _BY_ID + " FOR UPDATE OF x"

# Whether it looks like one that is there: the same amount, day and merchant of the same person, or
# the same receipt of anybody. What was taken back is no twin, nor is what takes it back.
_TWINS = """
WITH pairs AS (
    SELECT x.id AS of, t.id AS twin FROM expenses x JOIN expenses t
      ON t.resource_id = x.resource_id AND t.day = x.day AND t.amount = x.amount
         AND t.currency = x.currency AND lower(t.merchant) = lower(x.merchant)
    WHERE x.id = ANY(%(ids)s)
  UNION
    SELECT x.id, t.id FROM expenses x JOIN expenses t ON t.receipt = x.receipt
    WHERE x.id = ANY(%(ids)s)
)
SELECT x.id AS of, t.id, t.category, t.day, t.resource_id = x.resource_id AS own
FROM pairs JOIN expenses x ON x.id = pairs.of JOIN expenses t ON t.id = pairs.twin
WHERE t.id <> x.id AND t.reverses IS NULL
  AND NOT EXISTS (SELECT 1 FROM expenses r WHERE r.reverses IN (t.id, x.id))
ORDER BY x.id, t.id
"""

# What the same person spent otherwise on the same day in the same category.
_SAME_DAY = """
SELECT x.id AS of, o.currency, sum(o.amount) AS amount
FROM expenses x JOIN expenses o ON o.id <> x.id AND o.resource_id = x.resource_id
  AND o.day = x.day AND o.category = x.category
WHERE x.id = ANY(%s) GROUP BY x.id, o.currency
"""

# Whether who spent it is assigned to its engagement on that day, and until when it is booked on.
_BOOKING = """
SELECT x.id, least(d.closed_at::date, w.closed_on) AS closed_on, EXISTS (
    SELECT 1 FROM assignments a WHERE a.engagement_id = x.engagement_id
      AND a.resource_id = x.resource_id AND x.day BETWEEN a.starts_on AND a.ends_on) AS assigned
FROM expenses x JOIN deliveries d USING (engagement_id)
LEFT JOIN work_packages w ON w.engagement_id = x.engagement_id AND w.code = x.task
WHERE x.id = ANY(%s)
"""

_SUBMIT = """
UPDATE expenses SET state = 'submitted', submitted_at = %s, decided_by = NULL, decided_at = NULL,
    reason = CASE WHEN reverses IS NULL THEN NULL ELSE reason END, version = version + 1
WHERE id = ANY(%s)
"""

_RECALL = """
UPDATE expenses SET state = 'draft', submitted_at = NULL, version = version + 1
WHERE id = ANY(%s) AND state = 'submitted'
"""

# A page of a list, newest first: one person's own, or all that a reader may see.
_PAGE: LiteralString = """
SELECT x.*, d.currency AS own_currency, d.number, d.code, p.name
FROM expenses x JOIN deliveries d USING (engagement_id)
LEFT JOIN resources p ON p.id = x.resource_id
WHERE (%(resource)s::text IS NULL OR x.resource_id = %(resource)s)
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
  AND (%(engagement)s::text IS NULL OR %(engagement)s IN (x.engagement_id, d.number, d.code))
  AND (%(state)s::text IS NULL OR x.state = %(state)s)
  AND (%(since)s::date IS NULL OR x.day >= %(since)s)
  AND (%(until)s::date IS NULL OR x.day <= %(until)s)
  AND (%(id)s::uuid IS NULL OR x.id = %(id)s)
"""
_PAGE_END: LiteralString = """
  AND (%(at)s::timestamptz IS NULL OR (x.entered_at, x.id::text) < (%(at)s, %(after)s))
ORDER BY x.entered_at DESC, x.id::text DESC LIMIT %(limit)s
"""

# What a list comes to, by engagement, category and state, in the engagement's currency.
_SUMS: LiteralString = (
    """
SELECT engagement_id, number, own_currency AS currency, category, state, billable,
       count(*)::int AS count, coalesce(sum(claimed), 0) AS amount
FROM ("""
    + _PAGE
    + """) AS listed
GROUP BY engagement_id, number, own_currency, category, state, billable
ORDER BY number, category, state, billable LIMIT 1000
"""
)


@dataclass(frozen=True)
class Kept:
    """An expense with who answers for it, and since when (UTC)."""

    expense: Expense
    entered_by: str  #: `person:…` or `system:…`
    entered_at: datetime
    submitted_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    period: date | None  #: first day of the month that it is booked in; from approval on
    region: str | None
    legal_entity: str | None


@dataclass(frozen=True)
class Wanted:
    """What a list is to show. Null: whatever it is."""

    resource: str | None = None
    regions: Collection[str] | None = None
    legal_entities: Collection[str] | None = None
    engagement: str | None = None  #: id, number or project code
    state: str | None = None
    since: date | None = None  #: of the day on which it was spent
    until: date | None = None
    id: UUID | None = None


def add(tx: Tx, kept: Sequence[Kept]) -> None:
    bulk.insert(tx, "expenses", [_row(one) for one in kept])


def save(tx: Tx, kept: Sequence[Kept]) -> None:
    """Each is one version further than it was read. Approved ones cannot be."""
    bulk.upsert(tx, "expenses", [_row(one) for one in kept], keys=("id",))


def delete(tx: Tx, id: UUID) -> None:
    tx.execute("DELETE FROM findings WHERE kind = 'expense' AND item_id = %s", [id])
    tx.execute("DELETE FROM expenses WHERE id = %s", [id])


def load(tx: Tx, ids: Collection[UUID], *, lock: bool) -> dict[UUID, Kept]:
    """By id; those that are not there are not in it."""
    rows = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, [list(ids)]).fetchall()
    return {row["id"]: kept(row) for row in rows}


def taken_back(tx: Tx, id: UUID) -> bool:
    """Whether another one takes it back; it has been locked."""
    return tx.execute("SELECT 1 FROM expenses WHERE reverses = %s", [id]).fetchone() is not None


def submit(tx: Tx, ids: Collection[UUID], now: datetime) -> None:
    tx.execute(_SUBMIT, [now, list(ids)])


def recall(tx: Tx, ids: Collection[UUID]) -> None:
    tx.execute(_RECALL, [list(ids)])


def twins(tx: Tx, ids: Collection[UUID]) -> Mapping[UUID, Sequence[str]]:
    """By expense, in words, those that look the same."""
    found: dict[UUID, list[str]] = {}
    for row in tx.execute(_TWINS, {"ids": list(ids)}):
        whose = "" if row["own"] else " of somebody else"
        words = f"{row['category']} of {row['day']}{whose} ({str(row['id'])[:8]})"
        found.setdefault(row["of"], []).append(words)
    return found


def same_day(tx: Tx, ids: Collection[UUID]) -> Mapping[UUID, Sequence[Money]]:
    """By expense, the rest of what its person spent so on its day, by currency."""
    found: dict[UUID, list[Money]] = {}
    for row in tx.execute(_SAME_DAY, [list(ids)]):
        amount = Money(amount=row["amount"], currency=row["currency"])
        found.setdefault(row["of"], []).append(amount)
    return found


def booking(tx: Tx, ids: Collection[UUID]) -> Mapping[UUID, tuple[bool, date | None]]:
    """By expense, whether its person is assigned on its day, and the last day for booking."""
    rows = tx.execute(_BOOKING, [list(ids)])
    return {row["id"]: (row["assigned"], row["closed_on"]) for row in rows}


def page(
    tx: Tx, wanted: Wanted, *, after: tuple[datetime, str] | None, limit: int
) -> list[Mapping[str, Any]]:
    """Newest first, with the engagement's number and the name of who spent it."""
    at, last = after or (None, None)
    values = {**_values(wanted), "at": at, "after": last, "limit": limit}
    return list(tx.execute(_PAGE + _PAGE_END, values))


def sums(tx: Tx, wanted: Wanted) -> list[Mapping[str, Any]]:
    return list(tx.execute(_SUMS, _values(wanted)))


def kept(row: Mapping[str, Any]) -> Kept:
    """`row`: with `own_currency`, that of the engagement."""
    claimed = row["claimed"]
    return Kept(
        expense=Expense(
            id=row["id"],
            engagement=row["engagement_id"],
            task=row["task"],
            resource=row["resource_id"],
            day=row["day"],
            category=row["category"],
            quantity=row["quantity"],
            amount=Money(amount=row["amount"], currency=row["currency"]),
            rate=row["rate"],
            claimed=None
            if claimed is None
            else Money(amount=claimed, currency=row["own_currency"]),
            merchant=row["merchant"],
            note=row["note"],
            receipt=row["receipt"],
            billable=row["billable"],
            country=row["country"],
            hours_away=row["hours_away"],
            travel_day=row["travel_day"],
            provided=tuple(row["provided"]),
            purchase_order=row["purchase_order"],
            state=row["state"],
            source=row["source"],
            source_id=row["source_id"],
            reverses=row["reverses"],
            reason=row["reason"],
            version=row["version"],
        ),
        entered_by=row["entered_by"],
        entered_at=row["entered_at"],
        submitted_at=row["submitted_at"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        period=row["period"],
        region=row["region"],
        legal_entity=row["legal_entity"],
    )


def _row(one: Kept) -> dict[str, Any]:
    expense = one.expense
    return {
        **expense.model_dump(
            mode="json", exclude={"engagement", "resource", "amount", "claimed", "provided"}
        ),
        "engagement_id": expense.engagement,
        "resource_id": expense.resource,
        "amount": expense.amount.amount,
        "currency": expense.amount.currency,
        "claimed": None if expense.claimed is None else expense.claimed.amount,
        "provided": [str(meal) for meal in expense.provided],
        "entered_by": one.entered_by,
        "entered_at": one.entered_at,
        "submitted_at": one.submitted_at,
        "decided_by": one.decided_by,
        "decided_at": one.decided_at,
        "period": one.period,
        "region": one.region,
        "legal_entity": one.legal_entity,
    }


def _values(wanted: Wanted) -> dict[str, Any]:
    def listed(some: Collection[str] | None) -> list[str] | None:
        return None if some is None else sorted(some)

    return {
        "resource": wanted.resource,
        "regions": listed(wanted.regions),
        "entities": listed(wanted.legal_entities),
        "engagement": wanted.engagement,
        "state": wanted.state,
        "since": wanted.since,
        "until": wanted.until,
        "id": wanted.id,
    }
