"""The list of engagements, as one principal sees them: rows, the line above them, and figures.

The regions and legal entities are bound once, as in `store.views`. Amounts of different currencies
are neither added up nor compared: sorted by value, each currency stands for itself.

Where an engagement stands follows from its open work: `capabilities.handoff.line` says so of one,
with all its steps, and the query here of all, from what is unfinished. Both give the same place.
Parts fold under their whole where the whole is in the same list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, LiteralString

from psycopg import sql

from fairlead.store.database import Tx
from fairlead.store.views import Scope

Sort = Literal[
    "opened", "-opened", "value", "-value", "client", "-client", "due", "-due", "state", "-state"
]
SORTS: tuple[Sort, ...] = (
    "opened",
    "-opened",
    "value",
    "-value",
    "client",
    "-client",
    "due",
    "-due",
    "state",
    "-state",
)
How = Literal["bad", "warn", "run"]
HOWS: Mapping[int, How] = {1: "bad", 2: "warn", 3: "run"}

_SEEN: LiteralString = """
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
"""

# What the steps of the runs that have open work are called in their own version of a playbook.
_PLANNED: LiteralString = """
SELECT p.digest, p.name AS playbook, q.name AS step, q.stage
FROM playbooks p CROSS JOIN LATERAL jsonb_to_recordset(p.body->'steps') AS q(name text, stage text)
WHERE p.digest IN (
    SELECT digest FROM runs WHERE ended_at IS NULL
    UNION SELECT r.digest FROM exceptions x JOIN runs r ON r.id = x.run_id WHERE x.state = 'open')
"""

# Open work per engagement. `how`: 1 blocked, 2 waits for a person, 3 goes on. `place`: 1 to 8, its
# stage of the line; null where the engagement's own place counts. `rank`: the first blocked stage,
# else the first that waits, else the first that goes on, as how * 10 + place.
_WORK: LiteralString = """
plan AS MATERIALIZED (
    SELECT * FROM unnest(%(digests)s::text[], %(steps)s::text[], %(places)s::int[])
        AS p(digest, step, place)),
waits AS MATERIALIZED (
    SELECT r.subject_id, 2 AS how, coalesce(p.place, 3) AS place, t.due_at,
           t.assignee = %(me)s AS mine
    FROM tasks t JOIN runs r ON r.id = t.run_id
    LEFT JOIN plan p ON p.digest = r.digest AND p.step = t.step
    WHERE t.state = 'open'
    UNION ALL
    SELECT o.subject_id, 1,
           CASE WHEN r.id IS NOT NULL AND o.step IS NOT NULL THEN coalesce(p.place, 3) END,
           o.due_at, o.assignee = %(me)s
    FROM exceptions o LEFT JOIN runs r ON r.id = o.run_id
    LEFT JOIN plan p ON p.digest = r.digest AND p.step = o.step
    WHERE o.state = 'open' AND o.subject_id IS NOT NULL),
pending AS MATERIALIZED (
    SELECT r.subject_id, coalesce(p.place, 3) AS place,
           CASE WHEN s.state IN ('failed', 'blocked') THEN 1
                WHEN s.state = 'waiting' AND s.kind IN ('approval', 'task') THEN 2 ELSE 3 END AS how
    FROM steps s JOIN runs r ON r.id = s.run_id
    LEFT JOIN plan p ON p.digest = r.digest AND p.step = s.name
    WHERE s.state NOT IN ('done', 'skipped', 'refused', 'cancelled')),
work AS MATERIALIZED (
    SELECT subject_id, min(due_at) AS due_at, min(how * 10 + place) AS rank,
           min(how) FILTER (WHERE place IS NULL) AS loose, min(first) AS first,
           bool_or(mine) AS mine
    FROM (SELECT subject_id, how, place, due_at, NULL::int AS first, mine FROM waits
          UNION ALL SELECT subject_id, how, place, NULL, place, NULL FROM pending) AS one
    GROUP BY subject_id)
"""

#: Filter → its condition. Each lets everything through where its value is null.
_CONDITIONS: Mapping[LiteralString, LiteralString] = {
    "states": "x.state = ANY(%(states)s::text[])",
    "region": "(%(region)s::text IS NULL OR x.region = %(region)s)",
    "entity": "(%(entity)s::text IS NULL OR x.legal_entity = %(entity)s)",
    "line": "(%(line)s::text IS NULL OR x.service_line = %(line)s)",
    "type": "(%(type)s::text IS NULL OR x.contract_type = %(type)s)",
    "tier": "(%(tier)s::text IS NULL OR x.client_tier = %(tier)s)",
    "mine": """(NOT %(mine)s::boolean OR x.mine OR lower(x.seller) = lower(%(email)s))""",
    "blocked": "(NOT %(blocked)s::boolean OR x.rank < 20)",
    "late": "(NOT %(late)s::boolean OR x.due_at <= %(now)s)",
    "q": """(%(q)s::text IS NULL OR x.number ILIKE %(q)s OR x.client_name ILIKE %(q)s
             OR x.name ILIKE %(q)s)""",
    "stage": """(%(stage)s::int IS NULL
                 OR (x.rank %% 10 = %(stage)s AND x.state NOT IN ('declined', 'cancelled')))""",
}
_ALL_FIT: LiteralString = " AND ".join(_CONDITIONS.values())
#: Filters and orders by open work.
_OF_WORK = frozenset({"mine", "blocked", "late", "stage"})
_BY_WORK = frozenset({"due", "-due", "state", "-state"})
_FITS: LiteralString = " AND ".join(c for name, c in _CONDITIONS.items() if name != "stage")

# Every engagement that the reader sees, with its place.
_PLACED = sql.SQL("""
placed AS NOT MATERIALIZED (
    SELECT x.id, x.number, x.state, x.name, x.client_name, x.region, x.legal_entity, x.currency,
           x.value, x.parent, x.opened_at, x.launched_at, x.service_line, x.contract_type,
           x.client_tier, x.seller, w.due_at, coalesce(w.mine, false) AS mine,
           least(w.rank,
                 w.loose * 10 + CASE x.state WHEN 'launched' THEN 5 WHEN 'in_review' THEN 1
                                ELSE coalesce(w.first, 2) END,
                 30 + CASE x.state WHEN 'launched' THEN 5 WHEN 'in_review' THEN 1
                      WHEN 'received' THEN 2 ELSE 3 END) AS rank
    FROM engagements x LEFT JOIN work w ON w.subject_id = x.id WHERE {seen})
""").format(seen=sql.SQL(_SEEN))

# Where no filter and no order asks for it, the open work of all is not looked for.
_NO_WORK: LiteralString = """
work AS (SELECT NULL::text AS subject_id, NULL::timestamptz AS due_at, NULL::int AS rank,
                NULL::int AS loose, NULL::int AS first, NULL::boolean AS mine WHERE false)
"""

# Those that fit all filters but the stage, which the line above the list stands for; and of those
# that are parts, the wholes.
_FIT = sql.SQL("""
fit AS MATERIALIZED (
    SELECT x.id, x.parent, x.state, x.region, x.legal_entity, x.currency, x.value, x.opened_at,
           x.launched_at, x.service_line, x.contract_type, x.client_tier, x.due_at, x.rank,
           {stage} AS chosen
    FROM placed x WHERE {fits}),
wholes AS MATERIALIZED (
    SELECT id, rank, chosen FROM fit
    WHERE id IN (SELECT parent FROM fit WHERE parent IS NOT NULL))
""").format(stage=sql.SQL(_CONDITIONS["stage"]), fits=sql.SQL(_FITS))

_FAR: LiteralString = "coalesce(x.due_at, timestamptz '5000-01-01 00:00:00+00')"
_CODE: LiteralString = """coalesce(x.currency, '~') COLLATE "C" """
_VALUE: LiteralString = "coalesce(x.value, 0)"
_CLIENT: LiteralString = "lower(coalesce(x.client_name, x.name))"

#: Sort → (what it sorts by, of what kinds, whether it falls). The id decides between equals.
_ORDERS: Mapping[
    Sort, tuple[tuple[LiteralString, ...], tuple[LiteralString, ...], LiteralString]
] = {
    "opened": (("x.opened_at",), ("timestamptz",), ""),
    "-opened": (("x.opened_at",), ("timestamptz",), " DESC"),
    "value": ((_CODE, _VALUE), ("text", "numeric"), ""),
    "-value": ((_CODE, f"-{_VALUE}"), ("text", "numeric"), ""),
    "client": ((_CLIENT,), ("text",), ""),
    "-client": ((_CLIENT,), ("text",), " DESC"),
    "due": ((_FAR,), ("timestamptz",), ""),
    "-due": ((_FAR,), ("timestamptz",), " DESC"),
    "state": (("x.rank",), ("int",), ""),
    "-state": (("x.rank",), ("int",), " DESC"),
}

#: Names of what a cursor holds, before the id.
_KEYS: Sequence[LiteralString] = ("k0", "k1")

# A page of rows, then what only those that are shown need: dates, and parts that the reader sees.
_PAGE = sql.SQL("""
WITH {work}, {placed},
shown AS (
    SELECT x.*, {client} AS client_key FROM placed x
    WHERE {fits} AND (x.parent IS NULL OR NOT EXISTS (
        SELECT 1 FROM (SELECT x.id FROM placed x WHERE {fits}) AS o WHERE o.id = x.parent)){behind}
    ORDER BY {order} LIMIT %(limit)s)
SELECT x.*, g.body->'deal'->>'country' AS country,
       coalesce(g.body->'deal'->>'starts_on', g.body->'supplied'->>'starts_on') AS starts_on,
       coalesce(g.body->'deal'->>'ends_on', g.body->'supplied'->>'ends_on') AS ends_on,
       (SELECT o.number FROM (SELECT * FROM engagements x WHERE {seen}) AS o
        WHERE o.id = x.parent) AS whole,
       (SELECT jsonb_agg(jsonb_build_object(
            'id', p.id, 'number', p.number, 'name', p.name, 'state', p.state,
            'region', p.region, 'opened_at', p.opened_at, 'launched_at', p.launched_at,
            'currency', p.currency, 'value', p.value::text) ORDER BY p.number)
        FROM (SELECT * FROM engagements x WHERE {seen}) AS p WHERE p.parent = x.id) AS parts
FROM shown x JOIN engagements g ON g.id = x.id ORDER BY {order}
""")

# All that stands above the rows, in one pass. A whole stands for its parts, so that none counts
# twice: in a stage where it is in that stage too, in the list and the figures where it fits.
# How long a launch took is told from the deal that was won: where a review came before that, the
# engagement is older than its set-up.
_SUMMARY = sql.SQL("""
WITH {work}, {placed}, {fit},
row AS MATERIALIZED (
    SELECT x.*, x.rank %% 10 AS place, x.rank / 10 AS how,
           x.state NOT IN ('declined', 'cancelled') AS is_open, o.id IS NULL AS top,
           x.chosen AND (o.id IS NULL OR NOT o.chosen) AS listed,
           o.id IS NULL OR o.rank %% 10 <> x.rank %% 10 AS top_of_stage
    FROM fit x LEFT JOIN wholes o ON o.id = x.parent),
took AS MATERIALIZED (
    SELECT extract(epoch FROM x.launched_at - greatest(x.opened_at, r.started_at))::float8
               AS seconds
    FROM fit x
    LEFT JOIN (SELECT subject_id, min(started_at) AS started_at FROM runs
               WHERE playbook = ANY(%(set_up)s::text[]) AND subject_id IN (
                   SELECT subject_id FROM runs WHERE playbook = %(review)s)
               GROUP BY subject_id) r
        ON r.subject_id = x.id
    WHERE x.launched_at > %(now)s - interval '90 days' AND x.parent IS NULL)
SELECT 'list' AS what, currency AS name, NULL::int AS place, count(*) AS known,
       sum(value) AS amount, NULL::int AS bad, NULL::int AS warn, NULL::int AS late
FROM row WHERE listed GROUP BY currency
UNION ALL SELECT 'stage', currency, place, count(*), sum(value), count(*) FILTER (WHERE how = 1),
       count(*) FILTER (WHERE how = 2), count(*) FILTER (WHERE due_at <= %(now)s)
FROM row WHERE is_open AND top_of_stage GROUP BY currency, place
UNION ALL SELECT 'open', currency, NULL, count(*), sum(value), NULL, NULL,
       count(*) FILTER (WHERE due_at <= %(now)s)
FROM row WHERE is_open AND top GROUP BY currency
UNION ALL SELECT 'waiting', currency, NULL, count(*), sum(value), NULL, NULL, NULL
FROM row WHERE is_open AND top AND how < 3 GROUP BY currency
UNION ALL SELECT 'took', NULL, NULL, count(*),
       (percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds))::numeric, NULL, NULL, NULL FROM took
UNION ALL SELECT 'took_p90', NULL, NULL, count(*),
       (percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds))::numeric, NULL, NULL, NULL FROM took
UNION ALL SELECT CASE
           WHEN grouping(state) = 0 THEN 'state' WHEN grouping(region) = 0 THEN 'region'
           WHEN grouping(legal_entity) = 0 THEN 'entity'
           WHEN grouping(service_line) = 0 THEN 'line'
           WHEN grouping(contract_type) = 0 THEN 'type' ELSE 'tier' END,
       coalesce(state, region, legal_entity, service_line, contract_type, client_tier), NULL,
       count(*), NULL, NULL, NULL, NULL
FROM row WHERE chosen GROUP BY GROUPING SETS
    ((state), (region), (legal_entity), (service_line), (contract_type), (client_tier))
ORDER BY what, known DESC, name
""").format(work=sql.SQL(_WORK), placed=_PLACED, fit=_FIT)


@dataclass(frozen=True)
class Filters:
    """What is shown. Null and false let everything through."""

    states: tuple[str, ...]
    stage: int | None = None  #: 1 to 8, of the line
    region: str | None = None
    entity: str | None = None
    line: str | None = None  #: of service
    type: str | None = None  #: of contract
    tier: str | None = None  #: of the client
    mine: bool = False  #: sold by the reader, or something in it was given to them
    blocked: bool = False
    late: bool = False  #: something in it is past its time limit
    q: str | None = None  #: a part of number, client or name, whatever its case

    def values(self) -> dict[str, Any]:
        q = None if self.q is None else f"%{_literal(self.q)}%"
        return {**self.__dict__, "states": list(self.states), "q": q}

    @property
    def set(self) -> list[LiteralString]:
        """Names of those that leave something out, apart from the states."""
        values = self.values()
        return [name for name in _CONDITIONS if name != "states" and values[name]]


@dataclass(frozen=True)
class Reader:
    """Who `mine` is, and the moment."""

    id: str
    email: str | None
    now: datetime


@dataclass(frozen=True)
class Place:
    """Where a step of one version of a playbook belongs on the line, 1 to 8."""

    digest: str
    step: str
    at: int


@dataclass(frozen=True)
class Total:
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Sum:
    """So many, and their value per currency; those without a value have none."""

    count: int = 0
    totals: tuple[Total, ...] = ()
    bad: int = 0
    warn: int = 0
    late: int = 0


@dataclass(frozen=True)
class Choice:
    """A value that a filter may take, and how many of what is listed have it."""

    name: str
    known: int


@dataclass(frozen=True)
class Summary:
    listed: Sum
    open: Sum  #: of all stages
    waiting: Sum  #: of those, what people must act on
    launched: int = 0  #: in the 90 days before
    median: timedelta | None = None  #: of those, from the deal that was won to the launch
    p90: timedelta | None = None
    stages: Mapping[int, Sum] = field(default_factory=dict[int, Sum])  #: by place, 1 to 8
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict[str, tuple[Choice, ...]])


class EngagementList:
    """The reads of one principal in one transaction."""

    def __init__(self, tx: Tx, scope: Scope, reader: Reader) -> None:
        self._tx = tx
        self._reader = reader
        self._eyes: dict[str, Any] = {
            "regions": _list(scope.regions),
            "entities": _list(scope.legal_entities),
            "me": reader.id,
            "email": reader.email,
            "now": reader.now,
        }

    def planned(self) -> list[dict[str, Any]]:
        """The steps of all playbooks that runs with open work follow, each with its stage there."""
        return self._tx.execute(_PLANNED).fetchall()

    def page(
        self,
        filters: Filters,
        sort: Sort,
        places: Sequence[Place],
        *,
        after: Sequence[str] | None,
        limit: int,
        placed: bool = True,
    ) -> list[dict[str, Any]]:
        """`after`: what `key_of` said of the last row of the page before. `placed`: with the due
        time and place of each; otherwise they are told only where the order or a filter asks."""
        keys, kinds, falls = _ORDERS[sort]
        asked = placed or sort in _BY_WORK or bool(_OF_WORK & set(filters.set))
        values = {**self._eyes, **_placed(places), **filters.values(), "limit": limit}
        behind = sql.SQL("")
        if after is not None:
            given = [
                sql.SQL("%({})s::{}").format(sql.SQL(_KEYS[n]), sql.SQL(kind))
                for n, kind in enumerate(kinds)
            ]
            behind = sql.SQL(" AND ({}, x.id) {} ({}, %(last)s)").format(
                sql.SQL(", ".join(keys)), sql.SQL("<" if falls else ">"), sql.SQL(", ").join(given)
            )
            values |= dict(zip(_KEYS, after[:-1], strict=False))
            values["last"] = after[-1]
        order: LiteralString = ", ".join(key + falls for key in (*keys, "x.id"))
        query = _PAGE.format(
            work=sql.SQL(_WORK if asked else _NO_WORK),
            placed=_PLACED,
            fits=sql.SQL(_ALL_FIT),
            seen=sql.SQL(_SEEN),
            client=sql.SQL(_CLIENT),
            behind=behind,
            order=sql.SQL(order),
        )
        return self._tx.execute(query, values).fetchall()

    def summary(
        self, filters: Filters, places: Sequence[Place], *, set_up: Iterable[str], review: str
    ) -> Summary:
        """`set_up`: the playbooks that begin when a deal is won. `review`: that before it."""
        values = {**self._eyes, **_placed(places), **filters.values(), "set_up": list(set_up)}
        values["review"] = review
        rows = self._tx.execute(_SUMMARY, values).fetchall()
        by: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by.setdefault(row["what"], []).append(row)
        stages = by.get("stage", [])
        named = ("state", "region", "entity", "line", "type", "tier")
        return Summary(
            listed=_sum(by.get("list", [])),
            open=_sum(by.get("open", [])),
            waiting=_sum(by.get("waiting", [])),
            launched=by["took"][0]["known"],
            median=_span(by["took"][0]["amount"]),
            p90=_span(by["took_p90"][0]["amount"]),
            stages={at: _sum([r for r in stages if r["place"] == at]) for at in range(1, 9)},
            choices={
                what: tuple(
                    Choice(row["name"], row["known"])
                    for row in by.get(what, [])
                    if row["name"] is not None
                )
                for what in named
            },
        )

    def without(self, filters: Filters, places: Sequence[Place]) -> dict[str, int]:
        """Filter that is set → how many would fit without it."""
        if not filters.set:
            return {}
        counts: list[LiteralString] = []
        for name in filters.set:
            rest: LiteralString = " AND ".join(
                words for other, words in _CONDITIONS.items() if other != name
            )
            counts.append("count(*) FILTER (WHERE " + rest + ') AS "' + name + '"')
        shown: LiteralString = ", ".join(counts)
        query = sql.SQL("WITH {work}, {placed} SELECT {counts} FROM placed x").format(
            work=sql.SQL(_WORK), placed=_PLACED, counts=sql.SQL(shown)
        )
        values = {**self._eyes, **_placed(places), **filters.values()}
        row = self._tx.execute(query, values).fetchone()
        return dict(row or {})


def key_of(row: Mapping[str, Any], sort: Sort) -> tuple[str, ...]:
    """Where a row stands in this order; its id comes last."""
    match sort:
        case "opened" | "-opened":
            return (row["opened_at"].isoformat(), row["id"])
        case "value" | "-value":
            value = row["value"] or Decimal(0)
            figure = -value if sort == "-value" else value
            return (row["currency"] or "~", format(figure, "f"), row["id"])
        case "client" | "-client":
            return (row["client_key"], row["id"])
        case "due" | "-due":
            at = row["due_at"]
            return (at.isoformat() if at else "5000-01-01T00:00:00+00:00", row["id"])
        case "state" | "-state":
            return (str(row["rank"]), row["id"])


def key_length(sort: Sort) -> int:
    return len(_ORDERS[sort][0]) + 1


def _placed(places: Sequence[Place]) -> dict[str, Any]:
    return {
        "digests": [place.digest for place in places],
        "steps": [place.step for place in places],
        "places": [place.at for place in places],
    }


def _sum(rows: Sequence[Mapping[str, Any]]) -> Sum:
    """One row per currency."""
    return Sum(
        count=sum(row["known"] for row in rows),
        totals=tuple(
            Total(row["name"], row["amount"])
            for row in sorted(rows, key=lambda row: row["name"] or "")
            if row["name"] is not None and row["amount"] is not None
        ),
        bad=sum(row["bad"] or 0 for row in rows),
        warn=sum(row["warn"] or 0 for row in rows),
        late=sum(row["late"] or 0 for row in rows),
    )


def _span(seconds: Decimal | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=float(seconds))


def _list(names: Iterable[str] | None) -> list[str] | None:
    return None if names is None else sorted(str(name) for name in names)


def _literal(text: str) -> str:
    """For ILIKE, so that a sign in what somebody looks for stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
