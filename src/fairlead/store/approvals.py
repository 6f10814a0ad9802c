"""Time and expenses that wait for approval, and deciding on many of them in one statement.

Who may is worked out beforehand, as a `Remit`; it is applied to each row inside the statement, so
that what changed meanwhile is judged as it is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import sql

from fairlead.store.bulk import plain
from fairlead.store.database import Tx

Kind = Literal["time", "expense"]
_TABLES: Mapping[Kind, str] = {"time": "time_entries", "expense": "expenses"}
_AMOUNTS: Mapping[Kind, LiteralString] = {"time": "NULL::numeric", "expense": "x.claimed"}
_MINUTES: Mapping[Kind, LiteralString] = {"time": "x.minutes", "expense": "NULL::int"}

# Engagements on which something waits, or the one that is named, with what says who may approve.
_LINES = """
SELECT d.engagement_id, d.number, d.region, d.legal_entity, d.currency, m.person AS manager
FROM deliveries d LEFT JOIN engagement_managers m USING (engagement_id)
WHERE (%(engagement)s::text IS NULL OR %(engagement)s IN (d.engagement_id, d.number, d.code))
  AND (%(engagement)s::text IS NOT NULL
       OR EXISTS (SELECT 1 FROM time_entries x
                  WHERE x.engagement_id = d.engagement_id AND x.state = 'submitted')
       OR EXISTS (SELECT 1 FROM expenses x
                  WHERE x.engagement_id = d.engagement_id AND x.state = 'submitted'))
ORDER BY d.engagement_id
"""

# The same for what is not waiting: one engagement.
_LINE = """
SELECT d.engagement_id, d.number, d.region, d.legal_entity, d.currency, m.person AS manager
FROM deliveries d LEFT JOIN engagement_managers m USING (engagement_id)
WHERE d.engagement_id = ANY(%s) ORDER BY d.engagement_id
"""

# What is asked for, of what waits.
_SELECTED: LiteralString = """
    x.state = 'submitted' AND x.engagement_id = ANY(%(engagements)s)
    AND (%(week)s::date IS NULL OR x.day BETWEEN %(week)s AND %(week)s::date + 6)
    AND (%(resource)s::text IS NULL OR x.resource_id = %(resource)s)
    AND (%(ids)s::uuid[] IS NULL OR x.id = ANY(%(ids)s))
"""

# Whose it is, or who entered it, is the approver, or somebody whose duties meet theirs in one hand
# at some time since it was submitted.
BARRED: LiteralString = """
    EXISTS (SELECT 1 FROM json_to_recordset(%(barred)s::json)
                AS b (resource text, actor text, starts_on date, ends_on date)
            WHERE (b.resource = x.resource_id OR b.actor = x.entered_by)
              AND b.starts_on <= %(now)s::date AND b.ends_on >= x.submitted_at::date)
"""

# Approve all that is clean, and of the rest what has a reason of its own and no error. `late`: in
# which month something is booked whose own is closed.
_APPROVE: LiteralString = """
WITH chosen AS (
    SELECT x.id, r.reason, coalesce(l.booked, date_trunc('month', x.day)::date) AS period
    FROM {table} x
    LEFT JOIN json_to_recordset(%(reasons)s::json) AS r (id uuid, reason text) ON r.id = x.id
    LEFT JOIN json_to_recordset(%(late)s::json) AS l (legal_entity text, month date, booked date)
      ON l.legal_entity = x.legal_entity AND l.month = date_trunc('month', x.day)::date
    WHERE {selected} AND NOT {barred}
      AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id
                        AND (r.reason IS NULL OR f.severity = 'error'))
    ORDER BY x.id FOR UPDATE OF x),
done AS (
    UPDATE {table} x SET state = 'approved', decided_by = %(by)s, decided_at = %(now)s,
        reason = coalesce(chosen.reason, x.reason), period = chosen.period, version = version + 1
    FROM chosen WHERE x.id = chosen.id
    RETURNING x.id, x.engagement_id, date_trunc('week', x.day)::date AS week, x.period,
        date_trunc('month', x.day)::date AS month, {minutes} AS minutes, {amount} AS amount)
SELECT engagement_id, week, count(*)::int AS count, sum(minutes)::bigint AS minutes,
       sum(amount) AS amount, count(*) FILTER (WHERE period <> month)::int AS late,
       (array_agg(id ORDER BY id))[1:%(most)s] AS ids
FROM done GROUP BY engagement_id, week ORDER BY engagement_id, week
"""

_RETURN: LiteralString = """
WITH chosen AS (
    SELECT x.id FROM {table} x WHERE {selected} AND NOT {barred}
    ORDER BY x.id FOR UPDATE),
done AS (
    UPDATE {table} x SET state = 'returned', decided_by = %(by)s, decided_at = %(now)s,
        reason = %(reason)s, version = version + 1
    FROM chosen WHERE x.id = chosen.id RETURNING x.id, x.engagement_id)
SELECT engagement_id, count(*)::int AS count, array_agg(id ORDER BY id) AS ids
FROM done GROUP BY engagement_id ORDER BY engagement_id
"""

# What is asked for, of what waits: nobody else decides on it or changes it until the end.
_HOLD: LiteralString = """
SELECT x.id, x.version FROM {table} x WHERE {selected} ORDER BY x.id FOR UPDATE
"""

# One row of what waits, whichever it is.
_ITEM: LiteralString = """
SELECT {kind} AS kind, x.id, x.engagement_id, x.resource_id, x.day, x.category, x.billable,
       {minutes} AS minutes, {amount} AS amount, x.reverses, x.reason, x.entered_by,
       x.submitted_at, x.version, {barred} AS barred,
       EXISTS (SELECT 1 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id) AS flagged,
       EXISTS (SELECT 1 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id
                 AND f.severity = 'error') AS wrong
FROM {table} x WHERE {selected}
"""

_ITEMS: LiteralString = """
SELECT i.*, d.number, d.currency, p.name FROM ({time} UNION ALL {expense}) AS i
JOIN deliveries d USING (engagement_id) LEFT JOIN resources p ON p.id = i.resource_id
WHERE (%(at)s::timestamptz IS NULL OR (i.submitted_at, i.id::text) > (%(at)s, %(after)s))
  AND (%(apart)s IS FALSE OR i.barred OR i.flagged)
ORDER BY i.submitted_at, i.id::text LIMIT %(limit)s
"""

_GROUPS: LiteralString = """
SELECT * FROM (
    SELECT i.engagement_id, d.number, d.name, d.currency,
           date_trunc('week', i.day)::date AS week,
           date_trunc('week', i.day)::timestamp AT TIME ZONE 'UTC' AS at,
           count(*) FILTER (WHERE NOT i.flagged AND NOT i.barred)::int AS clean,
           count(*) FILTER (WHERE i.flagged AND NOT i.barred)::int AS flagged,
           count(*) FILTER (WHERE i.barred)::int AS barred,
           count(DISTINCT i.resource_id)::int AS people,
           coalesce(sum(i.minutes), 0)::bigint AS minutes,
           coalesce(sum(i.amount), 0) AS amount, min(i.submitted_at) AS oldest_at,
           encode(sha256(convert_to(string_agg(concat_ws(':', i.kind, i.id, i.version, i.flagged,
               i.barred), ' ' ORDER BY i.kind, i.id), 'UTF8')), 'hex') AS digest
    FROM ({time} UNION ALL {expense}) AS i JOIN deliveries d USING (engagement_id)
    GROUP BY i.engagement_id, d.number, d.name, d.currency, date_trunc('week', i.day)) AS g
WHERE %(at)s::timestamptz IS NULL OR (g.at, g.engagement_id) > (%(at)s, %(after)s)
ORDER BY g.at, g.engagement_id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class Bar:
    """Somebody whose time and expenses the approver may not decide on, and in which days."""

    resource: str | None
    actor: str  #: `person:…`, as it stands on what they entered
    starts_on: date
    ends_on: date


@dataclass(frozen=True)
class Remit:
    """What somebody may decide on."""

    engagements: Mapping[str, str]  #: id → in whose stead: their own id, or whose deputy they are
    barred: Sequence[Bar]


@dataclass(frozen=True)
class Selection:
    """Which of it. Null: all."""

    week: date | None = None  #: its Monday
    resource: str | None = None
    ids: Mapping[Kind, Collection[UUID]] | None = None


_ALL = Selection()


@dataclass(frozen=True)
class Done:
    """What was decided on one engagement in one week (or, of what was returned, on one)."""

    kind: Kind
    engagement: str
    count: int
    ids: Sequence[UUID]  #: the first of them
    week: date | None = None
    minutes: int = 0
    amount: Any = None  #: sum, in the engagement's currency
    late: int = 0  #: booked in a later month, because their own is closed


@dataclass(frozen=True)
class Decision:
    by: str  #: `person:…`
    now: datetime
    most_named: int = 50
    reasons: Mapping[Kind, Mapping[UUID, str]] = field(
        default_factory=dict[Kind, Mapping[UUID, str]]
    )
    late: Mapping[tuple[str, date], date] = field(default_factory=dict[tuple[str, date], date])
    """(legal entity, closed month) → the month in which it is booked instead."""


def waiting_lines(tx: Tx, engagement: str | None = None) -> list[Mapping[str, Any]]:
    """Engagements on which something waits; `engagement`: only this (id, number or code), whether
    something waits or not."""
    return list(tx.execute(_LINES, {"engagement": engagement}))


def lines(tx: Tx, engagements: Collection[str]) -> list[Mapping[str, Any]]:
    return list(tx.execute(_LINE, [sorted(engagements)]))


def approve(tx: Tx, kind: Kind, remit: Remit, which: Selection, made: Decision) -> list[Done]:
    late = [
        {"legal_entity": entity, "month": month, "booked": booked}
        for (entity, month), booked in made.late.items()
    ]
    values = {
        **_values(kind, remit, which, made.now),
        "by": made.by,
        "most": made.most_named,
        "reasons": _json(
            [{"id": str(id), "reason": why} for id, why in made.reasons.get(kind, {}).items()]
        ),
        "late": _json(late),
    }
    return [
        Done(
            kind=kind,
            engagement=row["engagement_id"],
            count=row["count"],
            ids=row["ids"],
            week=row["week"],
            minutes=row["minutes"] or 0,
            amount=row["amount"],
            late=row["late"],
        )
        for row in tx.execute(_query(_APPROVE, kind), values)
    ]


def send_back(
    tx: Tx, kind: Kind, remit: Remit, which: Selection, *, by: str, now: datetime, reason: str
) -> list[Done]:
    values = {**_values(kind, remit, which, now), "by": by, "reason": reason}
    return [
        Done(kind=kind, engagement=row["engagement_id"], count=row["count"], ids=row["ids"])
        for row in tx.execute(_query(_RETURN, kind), values)
    ]


def items(
    tx: Tx,
    remit: Remit,
    which: Selection,
    now: datetime,
    *,
    after: tuple[datetime, str] | None = None,
    apart: bool = False,
    limit: int,
) -> list[Mapping[str, Any]]:
    """What waits, as it was submitted. `apart`: only what is not approved with the rest."""
    at, last = after or (None, None)
    more = {"at": at, "after": last, "apart": apart, "limit": limit}
    return _both(tx, _ITEMS, remit, which, now, more)


def groups(
    tx: Tx,
    remit: Remit,
    now: datetime,
    *,
    which: Selection = _ALL,
    after: tuple[datetime, str] | None = None,
    limit: int,
) -> list[Mapping[str, Any]]:
    """What waits, by engagement and week, oldest first. `digest`: another one as soon as anything
    of it comes, goes, is changed, or is flagged or barred otherwise."""
    at, last = after or (None, None)
    more = {"at": at, "after": last, "limit": limit}
    return _both(tx, _GROUPS, remit, which, now, more)


def hold(tx: Tx, kind: Kind, remit: Remit, which: Selection, now: datetime) -> dict[UUID, int]:
    """What waits of it, by id its version; held until the transaction ends."""
    rows = tx.execute(_query(_HOLD, kind), _values(kind, remit, which, now))
    return {row["id"]: row["version"] for row in rows}


def _both(
    tx: Tx,
    query: LiteralString,
    remit: Remit,
    which: Selection,
    now: datetime,
    more: Mapping[str, Any],
) -> list[Mapping[str, Any]]:
    """Over time and expenses. Ids of either are given by the union of both."""
    ids = None if which.ids is None else [id for some in which.ids.values() for id in some]
    parts = {kind: _query(_ITEM, kind) for kind in _TABLES}
    values = {**_values("time", remit, which, now), "ids": ids, **more}
    return list(tx.execute(sql.SQL(query).format(**parts), values))


def _query(query: LiteralString, kind: Kind) -> sql.Composed:
    return sql.SQL(query).format(
        table=sql.Identifier(_TABLES[kind]),
        kind=sql.Literal(kind),
        minutes=sql.SQL(_MINUTES[kind]),
        amount=sql.SQL(_AMOUNTS[kind]),
        selected=sql.SQL(_SELECTED),
        barred=sql.SQL(BARRED),
    )


def _values(kind: Kind, remit: Remit, which: Selection, now: datetime) -> dict[str, Any]:
    return {
        "engagements": sorted(remit.engagements),
        "barred": _json([vars(one) for one in remit.barred]),
        "week": which.week,
        "resource": which.resource,
        "ids": None if which.ids is None else list(which.ids.get(kind, ())),
        "now": now,
    }


def _json(rows: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(rows, default=plain)
