"""The board of exceptions and the report of differences, as one principal sees them.

The regions and legal entities are bound once, as in `store.views`. Amounts of different currencies
are neither added up nor compared: sorted by risk, each currency stands for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, LiteralString

from psycopg import sql

from fairlead.store.database import Tx
from fairlead.store.subjects import BY_SUBJECT
from fairlead.store.views import Scope

State = Literal["open", "resolved"]
Sort = Literal["due", "-due", "risk", "-risk", "age", "-age"]
SORTS: tuple[Sort, ...] = ("due", "-due", "risk", "-risk", "age", "-age")

# Of a difference: its own region, and the legal entity of its engagement.
_SEEN_APART: LiteralString = """
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR e.legal_entity = ANY(%(entities)s))
"""

_FROM: LiteralString = "FROM exceptions x LEFT JOIN engagements e ON e.id = x.subject_id"

_ROW: LiteralString = """
SELECT x.id, x.class, x.team, x.assignee, x.title, x.remedy, x.system, x.subject_id, x.region,
       x.amount, x.currency, x.times, x.state, x.actions, x.opened_at, x.due_at, x.escalated_at,
       x.resolved_at, x.resolved_by, x.resolution, x.reason, x.version,
       e.number, e.client_name, e.name AS engagement, e.body->'deal'->>'country' AS country
"""

_ONE = sql.SQL("""
SELECT x.*, e.number, e.client_name, e.name AS engagement, e.state AS engagement_state,
       e.legal_entity, e.body->'deal'->>'country' AS country, r.correlation, r.playbook,
       (SELECT count(*) FROM exceptions o
        WHERE o.state = 'open' AND o.subject_id = x.subject_id AND o.id <> x.id) AS others
{tables} LEFT JOIN runs r ON r.id = x.run_id WHERE x.id = %(id)s AND {seen}
""").format(tables=sql.SQL(_FROM), seen=sql.SQL(BY_SUBJECT))

#: Filter → its condition. Each lets everything through where its value is null.
_CONDITIONS: Mapping[LiteralString, LiteralString] = {
    "team": "(%(team)s::text IS NULL OR x.team = %(team)s)",
    "cause": "(%(cause)s::text IS NULL OR x.class = %(cause)s)",
    "system": "(%(system)s::text IS NULL OR x.system = %(system)s)",
    "region": "(%(region)s::text IS NULL OR x.region = %(region)s)",
    "age": "(%(age)s::timestamptz IS NULL OR x.opened_at <= %(age)s)",
    "due": "(%(due)s::timestamptz IS NULL OR x.due_at <= %(due)s)",
    "who": """(%(who)s::text IS NULL OR x.assignee = %(who)s
               OR (x.assignee IS NULL AND x.team = ANY(%(teams)s::text[])))""",
    "q": """(%(q)s::text IS NULL OR x.title ILIKE %(q)s OR e.number ILIKE %(q)s
             OR e.client_name ILIKE %(q)s OR x.id = %(exact)s)""",
}
_FITS: LiteralString = " AND ".join(_CONDITIONS.values())

_FAR: LiteralString = "coalesce(x.due_at, timestamptz '5000-01-01 00:00:00+00')"
_CODE: LiteralString = "coalesce(x.currency, '~')"
_RISK: LiteralString = "coalesce(x.amount, 0)"

#: Sort → (what it sorts by, as rows of a tuple; whether it falls). The id decides between equals.
_ORDERS: Mapping[Sort, tuple[LiteralString, LiteralString, LiteralString]] = {
    "due": (f"{_FAR}, ''", "%(k0)s::timestamptz, %(k1)s", ""),
    "-due": (f"{_FAR}, ''", "%(k0)s::timestamptz, %(k1)s", " DESC"),
    "risk": (f"{_CODE}, {_RISK}", "%(k0)s, %(k1)s::numeric", ""),
    "-risk": (f"{_CODE}, -{_RISK}", "%(k0)s, %(k1)s::numeric", ""),
    "age": ("x.opened_at, ''", "%(k0)s::timestamptz, %(k1)s", " DESC"),
    "-age": ("x.opened_at, ''", "%(k0)s::timestamptz, %(k1)s", ""),
}

# What the lists say above their rows, in one pass over what the reader sees in this state:
# totals of what fits, how many there are behind each choice of a filter, and the week before.
_SUMMARY = sql.SQL("""
WITH seen AS MATERIALIZED (
    SELECT x.class, x.team, x.system, x.region, x.currency, x.amount, x.due_at, x.assignee,
           ({fits}) AS fits
    {tables} WHERE x.state = %(state)s AND {seen})
SELECT 'all' AS what, NULL AS name, count(*) AS known, count(*) FILTER (WHERE fits) AS fitting,
       NULL::numeric AS amount FROM seen
UNION ALL SELECT 'money', currency, count(*), count(*) FILTER (WHERE fits),
       sum(amount) FILTER (WHERE fits) FROM seen WHERE amount IS NOT NULL GROUP BY currency
UNION ALL SELECT 'cause', class, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       GROUP BY class
UNION ALL SELECT 'team', team, count(*), count(*) FILTER (WHERE fits), NULL FROM seen GROUP BY team
UNION ALL SELECT 'system', system, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       WHERE system IS NOT NULL GROUP BY system
UNION ALL SELECT 'region', region, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       WHERE region IS NOT NULL GROUP BY region
UNION ALL SELECT 'late', NULL, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       WHERE due_at <= %(now)s
UNION ALL SELECT 'soon', NULL, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       WHERE due_at > %(now)s AND due_at <= %(now)s + interval '24 hours'
UNION ALL SELECT 'mine', NULL, count(*), 0, NULL FROM seen WHERE assignee = %(me)s
UNION ALL SELECT 'ours', NULL, count(*), 0, NULL FROM seen
       WHERE assignee = %(me)s OR (assignee IS NULL AND team = ANY(%(my_teams)s::text[]))
UNION ALL SELECT 'solved', NULL, count(*), count(*) FILTER (WHERE x.resolution = 'by itself'),
       percentile_cont(0.5) WITHIN GROUP (
           ORDER BY extract(epoch FROM x.resolved_at - x.opened_at))::numeric
       {tables} WHERE x.state = 'resolved' AND x.resolved_at > %(now)s - interval '7 days'
       AND {seen}
ORDER BY what, fitting DESC, name
""").format(tables=sql.SQL(_FROM), seen=sql.SQL(BY_SUBJECT), fits=sql.SQL(_FITS))

# What happened to one exception: what was said under its id, its cause, or about its step.
_HISTORY: LiteralString = """
SELECT type, at, actor, attributes FROM events
WHERE chain = %(chain)s
  AND (objects @> %(id)s::jsonb OR attributes ->> 'cause' = %(cause)s
       OR type = 'exception.supply')
ORDER BY position DESC LIMIT 60
"""

_DIFFERENCES: LiteralString = """
SELECT x.engagement_id, x.field, x.system, x.owner, x.owner_value, x.system_value, x.region,
       x.amount, x.currency, x.rule, x.first_seen_at, x.last_seen_at, e.number, e.client_name,
       e.name AS engagement,
       (SELECT o.id FROM exceptions o WHERE o.subject_id = x.engagement_id AND o.state = 'open'
          AND o.difference -> 'fields' @> jsonb_build_array(jsonb_build_object('field', x.field))
        ORDER BY o.opened_at LIMIT 1) AS exception_id
FROM differences x JOIN engagements e ON e.id = x.engagement_id
"""
_APART: LiteralString = """
    (%(field)s::text IS NULL OR x.field = %(field)s)
    AND (%(owner)s::text IS NULL OR x.owner = %(owner)s)
    AND (%(follower)s::text IS NULL OR x.system = %(follower)s)
    AND (%(rule)s::text IS NULL OR x.rule = %(rule)s)
    AND (%(region)s::text IS NULL OR x.region = %(region)s)
    AND (%(age)s::timestamptz IS NULL OR x.first_seen_at <= %(age)s)
"""
_APART_SUMMARY = sql.SQL("""
WITH seen AS MATERIALIZED (
    SELECT x.field, x.owner, x.system, x.rule, x.region, x.amount, x.currency, ({apart}) AS fits
    FROM differences x JOIN engagements e ON e.id = x.engagement_id WHERE {seen})
SELECT 'all' AS what, NULL AS name, count(*) AS known, count(*) FILTER (WHERE fits) AS fitting,
       NULL::numeric AS amount FROM seen
UNION ALL SELECT 'money', currency, count(*), count(*) FILTER (WHERE fits),
       sum(abs(amount)) FILTER (WHERE fits) FROM seen WHERE amount IS NOT NULL GROUP BY currency
UNION ALL SELECT 'field', field, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       GROUP BY field
UNION ALL SELECT 'owner', owner, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       GROUP BY owner
UNION ALL SELECT 'follower', system, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       GROUP BY system
UNION ALL SELECT 'rule', rule, count(*), count(*) FILTER (WHERE fits), NULL FROM seen GROUP BY rule
UNION ALL SELECT 'region', region, count(*), count(*) FILTER (WHERE fits), NULL FROM seen
       WHERE region IS NOT NULL GROUP BY region
ORDER BY what, fitting DESC, name
""").format(seen=sql.SQL(_SEEN_APART), apart=sql.SQL(_APART))


@dataclass(frozen=True)
class Filters:
    """What is shown. Null lets everything through."""

    state: State = "open"
    team: str | None = None
    cause: str | None = None
    system: str | None = None
    region: str | None = None
    age: datetime | None = None  #: opened then or before
    due: datetime | None = None  #: due then or before
    who: str | None = None  #: given to this person
    teams: tuple[str, ...] = ()  #: besides `who`: nobody's yet, of these teams
    q: str | None = None  #: a part of title, number or client, whatever its case

    def values(self) -> dict[str, Any]:
        q = None if self.q is None else f"%{_literal(self.q)}%"
        return {
            "state": self.state,
            "team": self.team,
            "cause": self.cause,
            "system": self.system,
            "region": self.region,
            "age": self.age,
            "due": self.due,
            "who": self.who,
            "teams": list(self.teams),
            "q": q,
            "exact": self.q,
        }


@dataclass(frozen=True)
class Apart:
    """Which differences are shown. Null lets everything through."""

    field: str | None = None
    owner: str | None = None
    follower: str | None = None
    rule: str | None = None
    region: str | None = None
    age: datetime | None = None  #: seen first then or before


@dataclass(frozen=True)
class Choice:
    """A value that a filter may take: how many there are, and how many fit all filters."""

    name: str
    known: int
    fitting: int


@dataclass(frozen=True)
class Total:
    currency: str
    count: int
    amount: Decimal


@dataclass(frozen=True)
class Summary:
    known: int  #: that the reader sees in this state
    fitting: int
    totals: tuple[Total, ...]  #: of what fits, per currency
    late: int = 0
    soon: int = 0  #: due within 24 hours
    mine: int = 0
    ours: int = 0
    solved: int = 0  #: in the seven days before
    by_itself: int = 0  #: of those, without a person
    median: timedelta | None = None  #: of the time that they were open
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict[str, tuple[Choice, ...]])


class Board:
    """The reads of one principal in one transaction."""

    def __init__(self, tx: Tx, scope: Scope) -> None:
        self._tx = tx
        self._eyes: dict[str, Any] = {
            "regions": _list(scope.regions),
            "entities": _list(scope.legal_entities),
        }

    def page(
        self, filters: Filters, sort: Sort, *, after: Sequence[str] | None, limit: int
    ) -> list[dict[str, Any]]:
        """`after`: what `key_of` said of the last row of the page before."""
        keys, given, falls = _ORDERS[sort]
        end: LiteralString = ""
        values = {**self._eyes, **filters.values(), "limit": limit}
        if after is not None:
            sign: LiteralString = "<" if falls else ">"
            end = f" AND ({keys}, x.id) {sign} ({given}, %(k2)s)"
            values |= dict(zip(("k0", "k1", "k2"), after, strict=True))
        first, second = keys.split(", ", 1) if sort in ("risk", "-risk") else (keys[:-4], "x.id")
        order: LiteralString = f"{first}{falls}, {second}{falls}, x.id{falls}"
        query = f"""{_ROW} {_FROM} WHERE x.state = %(state)s AND {BY_SUBJECT} AND {_FITS}{end}
            ORDER BY {order} LIMIT %(limit)s"""
        return self._tx.execute(query, values).fetchall()

    def summary(
        self, filters: Filters, *, me: str, my_teams: Iterable[str], now: datetime
    ) -> Summary:
        values = {"me": me, "my_teams": list(my_teams), "now": now}
        rows = self._tx.execute(_SUMMARY, {**self._eyes, **filters.values(), **values}).fetchall()
        return _summary(rows)

    def without(self, filters: Filters) -> dict[str, int]:
        """Filter that is set → how many would fit without it."""
        values = filters.values()
        named: list[LiteralString] = [name for name in _CONDITIONS if values[name] is not None]
        if not named:
            return {}
        counts: list[LiteralString] = []
        for name in named:
            others: list[LiteralString] = [
                words for other, words in _CONDITIONS.items() if other != name
            ]
            rest: LiteralString = " AND ".join(others)
            counts.append("count(*) FILTER (WHERE " + rest + ") AS " + name)
        shown: LiteralString = ", ".join(counts)
        query = f"SELECT {shown} {_FROM} WHERE x.state = %(state)s AND {BY_SUBJECT}"
        row = self._tx.execute(query, {**self._eyes, **values}).fetchone()
        return dict(row or {})

    def one(self, id: str) -> dict[str, Any] | None:
        """With its engagement and run."""
        return self._tx.execute(_ONE, {**self._eyes, "id": id}).fetchone()

    def history(self, found: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Of an exception that was found with `one`; newest first."""
        values = {
            "chain": found["subject_id"] or f"system:{found['system']}",
            "id": f'[["{found["id"]}"]]',
            "cause": found["cause"],
        }
        return self._tx.execute(_HISTORY, values).fetchall()

    def differences(
        self, apart: Apart, *, after: Sequence[str] | None, limit: int
    ) -> list[dict[str, Any]]:
        """Oldest first. `after`: what `difference_key` said of the last row before."""
        end: LiteralString = ""
        values = {**self._eyes, **apart.__dict__, "limit": limit}
        if after is not None:
            end = """ AND (x.first_seen_at, x.engagement_id, x.field, x.system)
                > (%(k0)s::timestamptz, %(k1)s, %(k2)s, %(k3)s)"""
            values |= dict(zip(("k0", "k1", "k2", "k3"), after, strict=True))
        query = f"""{_DIFFERENCES} WHERE {_SEEN_APART} AND {_APART}{end}
            ORDER BY x.first_seen_at, x.engagement_id, x.field, x.system LIMIT %(limit)s"""
        return self._tx.execute(query, values).fetchall()

    def differences_summary(self, apart: Apart) -> Summary:
        values = {**self._eyes, **apart.__dict__}
        return _summary(self._tx.execute(_APART_SUMMARY, values).fetchall())


def key_of(row: Mapping[str, Any], sort: Sort) -> tuple[str, str, str]:
    """Where a row stands in this order."""
    if sort in ("risk", "-risk"):
        risk = row["amount"] or Decimal(0)
        figure = -risk if sort == "-risk" else risk
        return (row["currency"] or "~", format(figure, "f"), row["id"])
    at = row["opened_at"] if sort in ("age", "-age") else row["due_at"]
    return (at.isoformat() if at else "5000-01-01T00:00:00+00:00", "", row["id"])


def difference_key(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return (row["first_seen_at"].isoformat(), row["engagement_id"], row["field"], row["system"])


def _summary(rows: Sequence[Mapping[str, Any]]) -> Summary:
    one = {row["what"]: row for row in rows if row["name"] is None and row["what"] != "money"}
    solved = one.get("solved")
    choices: dict[str, list[Choice]] = {}
    for row in rows:
        if row["name"] is not None and row["what"] != "money":
            choice = Choice(row["name"], row["known"], row["fitting"])
            choices.setdefault(row["what"], []).append(choice)
    return Summary(
        known=one["all"]["known"],
        fitting=one["all"]["fitting"],
        totals=tuple(
            Total(row["name"], row["fitting"], row["amount"])
            for row in rows
            if row["what"] == "money" and row["amount"] is not None
        ),
        late=one["late"]["fitting"] if "late" in one else 0,
        soon=one["soon"]["fitting"] if "soon" in one else 0,
        mine=one["mine"]["known"] if "mine" in one else 0,
        ours=one["ours"]["known"] if "ours" in one else 0,
        solved=solved["known"] if solved else 0,
        by_itself=solved["fitting"] if solved else 0,
        median=timedelta(seconds=float(solved["amount"])) if solved and solved["known"] else None,
        choices={what: tuple(found) for what, found in choices.items()},
    )


def _list(names: Iterable[str] | None) -> Sequence[str] | None:
    return None if names is None else sorted(names)


def _literal(text: str) -> str:
    """For ILIKE, so that a sign in what somebody looks for stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
