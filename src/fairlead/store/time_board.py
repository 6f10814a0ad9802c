"""What is shown of time and expenses to those who approve or read them: what waits and why, whose
week is missing, what was decided, and one entry with what it is judged by.

Who may see what is a `Sight`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, LiteralString
from uuid import UUID

from psycopg import sql

from fairlead.store.approvals import BARRED, Bar, Kind
from fairlead.store.bulk import plain
from fairlead.store.database import Tx

Tab = Literal["flagged", "clean", "missing", "decided"]
MOST_COUNTED = 1000  #: what is decided of a week is counted so far; a count of all would read all

#: Kind → its table, its minutes and its amount.
_KINDS: Mapping[Kind, tuple[str, LiteralString, LiteralString]] = {
    "time": ("time_entries", "x.minutes", "NULL::numeric"),
    "expense": ("expenses", "NULL::int", "x.claimed"),
}

# Of regions and companies.
_SCOPE: LiteralString = """
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
"""

_WANTED: LiteralString = """
    (%(week)s::date IS NULL OR x.day BETWEEN %(week)s AND %(week)s::date + 6)
    AND (%(engagement)s::text IS NULL OR d.number = %(engagement)s)
    AND (%(person)s::text IS NULL OR x.resource_id = %(person)s)
    AND (%(q)s::text IS NULL
         OR strpos(lower(concat_ws(' ', p.name, d.number, d.client_name, d.name)),
                   lower(%(q)s)) > 0)
    AND (%(rule)s::text IS NULL OR EXISTS (SELECT 1 FROM findings f
         WHERE f.kind = {kind} AND f.item_id = x.id AND f.rule = %(rule)s))
    AND (%(kind)s::text IS NULL OR %(kind)s = {kind})
"""

# What waits, of one kind; what is barred to the approver is not theirs to see here. Narrow: only
# what sums and order need, because all of it is read.
_WAITING: LiteralString = """
SELECT {kind} AS kind, x.id, x.day, {minutes} AS minutes, {amount} AS amount, x.submitted_at,
       d.number, d.client_name, d.currency,
       EXISTS (SELECT 1 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id) AS flagged
FROM {table} x JOIN deliveries d USING (engagement_id) LEFT JOIN resources p ON p.id = x.resource_id
WHERE x.state = 'submitted' AND {wanted} AND NOT {barred}
  AND (x.engagement_id = ANY(%(engagements)s) OR %(engagements)s::text[] IS NULL AND {scope})
"""

# What was decided of one week.
_DECIDED: LiteralString = """
SELECT {kind} AS kind, x.id, x.day, false AS flagged
FROM {table} x JOIN deliveries d USING (engagement_id) LEFT JOIN resources p ON p.id = x.resource_id
WHERE x.state IN ('approved', 'returned') AND {wanted} AND {scope}
  AND x.day BETWEEN %(of)s AND %(of)s::date + 6
"""

_LATE: LiteralString = """
SELECT t.resource_id, t.week, t.due_at, t.reminded_at, t.escalated_at, p.name, p.minutes_per_week,
       p.region, m.name AS manager_name
FROM timesheets t JOIN resources p ON p.id = t.resource_id LEFT JOIN resources m ON m.id = p.manager
WHERE t.week = %(of)s AND t.state = 'open'
  AND (%(regions)s::text[] IS NULL OR p.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR p.legal_entity = ANY(%(entities)s))
  AND (%(q)s::text IS NULL OR strpos(lower(p.name), lower(%(q)s)) > 0)
  AND (%(person)s::text IS NULL OR p.id = %(person)s)
"""

# How much there is of everything, with what a filter could be set to.
_SUMMARY: LiteralString = """
WITH w AS MATERIALIZED ({time} UNION ALL {expense})
SELECT
  (SELECT coalesce(json_agg(g), '[]') FROM (
     SELECT flagged, kind, number, client_name, currency, count(*) AS count,
            coalesce(sum(minutes), 0) AS minutes, coalesce(sum(amount), 0)::text AS amount
     FROM w GROUP BY 1, 2, 3, 4, 5) g) AS groups,
  (SELECT coalesce(json_agg(r ORDER BY r.count DESC), '[]') FROM (
     SELECT f.rule, count(*) AS count FROM w JOIN findings f ON f.kind = w.kind AND f.item_id = w.id
     GROUP BY 1) r) AS rules,
  (SELECT max(submitted_at) FROM w WHERE NOT flagged) AS clean_until,
  (SELECT count(*) FROM (SELECT 1 FROM ({late}) l LIMIT %(most)s) n)::int AS missing,
  (SELECT count(*) FROM (SELECT 1 FROM ({decided_time} UNION ALL {decided_expense}) c
                         LIMIT %(most)s) n)::int AS decided
"""

# A page: which, and then each with all that is shown of it.
_PAGE: LiteralString = """
WITH r AS MATERIALIZED (
    SELECT kind, id, day FROM ({time} UNION ALL {expense}) w
    WHERE (%(flagged)s::bool IS NULL OR w.flagged = %(flagged)s)
      AND (%(after_kind)s::text IS NULL
           OR (w.kind = 'expense', w.day, w.id)
              > (%(after_kind)s = 'expense', %(after_day)s::date, %(after_id)s::uuid))
    ORDER BY kind = 'expense', day, id LIMIT %(limit)s)
SELECT * FROM ({time_rows} UNION ALL {expense_rows}) shown
ORDER BY kind = 'expense', day, id
"""

_SHOWN: LiteralString = """
SELECT r.kind, x.id, x.engagement_id, x.resource_id, x.day, x.task, x.category, x.billable,
       {minutes} AS minutes, {amount} AS amount, x.reason, x.state, x.submitted_at, x.decided_at,
       x.decided_by, x.version, d.number, d.client_name, d.currency, p.name,
       (SELECT coalesce(json_agg(json_build_object(
            'rule', f.rule, 'severity', f.severity, 'value', f.value, 'remedy', f.remedy)
            ORDER BY f.severity, f.rule), '[]')
        FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id) AS findings
FROM r JOIN {table} x ON x.id = r.id JOIN deliveries d USING (engagement_id)
LEFT JOIN resources p ON p.id = x.resource_id WHERE r.kind = {kind}
"""

_LATE_PAGE: LiteralString = """
SELECT l.*, coalesce(b.drafts, 0)::int AS drafts, coalesce(b.handed, 0)::int AS handed
FROM (SELECT * FROM ({late}) one
      WHERE %(after_id)s::text IS NULL OR (name, resource_id) > (%(after_kind)s, %(after_id)s)
      ORDER BY name, resource_id LIMIT %(limit)s) l
LEFT JOIN LATERAL (
    SELECT sum(x.minutes) FILTER (WHERE x.state IN ('draft', 'returned')) AS drafts,
           sum(x.minutes) FILTER (WHERE x.state IN ('submitted', 'approved')) AS handed
    FROM time_entries x
    WHERE x.resource_id = l.resource_id AND x.day BETWEEN l.week AND l.week + 6) b ON true
ORDER BY l.name, l.resource_id
"""

# One entry, whatever became of it, with the hours of its person in the four weeks around it, what
# an hour of them costs and is sold at.
_ONE: LiteralString = """
SELECT {kind} AS kind, x.*, d.number, d.client_name, d.name AS engagement_name, d.contract_type,
       d.currency AS own_currency, p.name, w.name AS task_name,
       coalesce((SELECT json_agg(json_build_object('rule', f.rule, 'severity', f.severity,
                                                   'value', f.value, 'remedy', f.remedy)
                                 ORDER BY f.severity, f.rule)
                 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id), '[]') AS findings,
       coalesce((SELECT json_object_agg(h.day, h.minutes) FROM (
           SELECT t.day, sum(t.minutes) AS minutes FROM time_entries t
           WHERE t.resource_id = x.resource_id
             AND t.day BETWEEN date_trunc('week', x.day)::date - 21
                           AND date_trunc('week', x.day)::date + 6
           GROUP BY t.day) h), '{{}}') AS hours,
       (SELECT json_build_object('amount', c.per_hour::text, 'currency', c.currency)
        FROM cost_rates c WHERE c.resource_id = x.resource_id AND c.valid_from <= x.day
        ORDER BY c.valid_from DESC LIMIT 1) AS cost,
       {price} AS price, {barred} AS barred
FROM {table} x JOIN deliveries d USING (engagement_id) LEFT JOIN resources p ON p.id = x.resource_id
LEFT JOIN work_packages w ON w.engagement_id = x.engagement_id AND w.code = x.task
WHERE x.id = %(id)s
  AND (x.engagement_id = ANY(%(engagements)s) OR {scope})
"""
# A person's own rate before the role's.
_PRICE: LiteralString = """
(SELECT r.per_hour::text FROM bill_rates r
 WHERE r.engagement_id = x.engagement_id AND r.role = x.role
   AND r.resource_id IN (x.resource_id, '') AND r.valid_from <= x.day
 ORDER BY r.resource_id DESC, r.valid_from DESC LIMIT 1)
"""

# Some of them as they stand; nobody else decides on them before the transaction ends.
_HELD: LiteralString = """
SELECT x.id, x.engagement_id, x.resource_id, x.day, x.state, x.version, x.decided_by, p.name,
       EXISTS (SELECT 1 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id) AS flagged,
       {barred} AS barred
FROM {table} x LEFT JOIN resources p ON p.id = x.resource_id
WHERE x.id = ANY(%(ids)s) AND (x.engagement_id = ANY(%(engagements)s) OR {scope})
ORDER BY x.id FOR UPDATE OF x
"""


@dataclass(frozen=True)
class Sight:
    """Whose entries are seen. What waits is seen of the remit by who approves, else by region and
    company; what is decided or missing always so. Null: all."""

    regions: Collection[str] | None = None
    entities: Collection[str] | None = None
    engagements: Collection[str] | None = None  #: of who approves: those of their remit
    barred: Sequence[Bar] = ()


@dataclass(frozen=True)
class Filters:
    """Null: whatever it is."""

    week: date | None = None  #: its Monday
    engagement: str | None = None  #: its number
    person: str | None = None  #: a resource's id
    kind: Kind | None = None
    rule: str | None = None
    q: str | None = None  #: in the name of the person, or in number, client or name


@dataclass(frozen=True)
class Summary:
    groups: Sequence[Mapping[str, Any]]
    rules: Sequence[Mapping[str, Any]]
    clean_until: datetime | None  #: when the last of what is clean was handed in
    missing: int
    decided: int


@dataclass(frozen=True)
class Board:
    """`of`: the week whose missing and decided entries are told, where the filters name none.

    What waits is read by statements that are planned for each question: a plan for any question
    would ask each row for filters that are not set (up to four times the time).
    """

    tx: Tx
    sight: Sight
    now: datetime
    of: date
    filters: Filters = field(default_factory=Filters)

    def summary(self) -> Summary:
        parts = {
            "time": _query(_WAITING, "time"),
            "expense": _query(_WAITING, "expense"),
            "decided_time": self._decided("time"),
            "decided_expense": self._decided("expense"),
            "late": sql.SQL(_LATE),
        }
        values = {**self._values(), "most": MOST_COUNTED}
        row = self.tx.execute(sql.SQL(_SUMMARY).format(**parts), values, prepare=False).fetchone()
        assert row is not None
        return Summary(**row)

    def waiting(
        self, flagged: bool | None, after: Sequence[str] | None, limit: int
    ) -> list[dict[str, Any]]:
        """`after`: kind, day and id of the last row before."""
        parts: dict[Kind, sql.Composed] = {kind: _query(_WAITING, kind) for kind in _KINDS}
        return self._page(parts, flagged, after, limit)

    def decided(self, after: Sequence[str] | None, limit: int) -> list[dict[str, Any]]:
        return self._page({kind: self._decided(kind) for kind in _KINDS}, None, after, limit)

    def late(self, after: Sequence[str] | None, limit: int) -> list[dict[str, Any]]:
        """Weeks that are not handed in. `after`: name, nothing, and id of the last before."""
        name, _, id = after or (None, None, None)
        query = sql.SQL(_LATE_PAGE).format(late=sql.SQL(_LATE))
        values = {**self._values(), "after_kind": name, "after_id": id, "limit": limit}
        return self.tx.execute(query, values).fetchall()

    def one(self, kind: Kind, id: UUID) -> dict[str, Any] | None:
        query = _query(_ONE, kind, price=sql.SQL(_PRICE if kind == "time" else "NULL::text"))
        return self.tx.execute(query, {**self._values(), "id": id}).fetchone()

    def held(self, kind: Kind, ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
        """By id, those that are seen. They are locked."""
        query = _query(_HELD, kind)
        rows = self.tx.execute(query, {**self._values(), "ids": sorted(ids)}).fetchall()
        return {row["id"]: row for row in rows}

    def _decided(self, kind: Kind) -> sql.Composed:
        """Always of one week: the one that is asked for, else `of`."""
        return _query(_DECIDED, kind)

    def _page(
        self,
        parts: Mapping[Kind, sql.Composed],
        flagged: bool | None,
        after: Sequence[str] | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        kind, day, id = after or (None, None, None)
        more = {"flagged": flagged, "after_kind": kind, "after_day": day, "after_id": id}
        query = sql.SQL(_PAGE).format(
            time=parts["time"],
            expense=parts["expense"],
            time_rows=_query(_SHOWN, "time"),
            expense_rows=_query(_SHOWN, "expense"),
        )
        values = {**self._values(), **more, "limit": limit}
        return self.tx.execute(query, values, prepare=False).fetchall()

    def _values(self) -> dict[str, Any]:
        def listed(some: Collection[str] | None) -> list[str] | None:
            return None if some is None else sorted(some)

        sight = self.sight
        return {
            "engagements": listed(sight.engagements),
            "regions": listed(sight.regions),
            "entities": listed(sight.entities),
            "barred": json.dumps([vars(one) for one in sight.barred], default=plain),
            "now": self.now,
            "of": self.filters.week or self.of,
            **vars(self.filters),
        }


def _query(query: LiteralString, kind: Kind, **more: sql.Composable) -> sql.Composed:
    table, minutes, amount = _KINDS[kind]
    named = sql.Literal(kind)
    parts = {
        "table": sql.Identifier(table),
        "minutes": sql.SQL(minutes),
        "amount": sql.SQL(amount),
        "kind": named,
        "wanted": sql.SQL(_WANTED).format(kind=named),
        "scope": sql.SQL(_SCOPE),
        "barred": sql.SQL(BARRED),
    }
    return sql.SQL(query).format(**parts, **more)
