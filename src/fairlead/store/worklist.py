"""The inbox of one person: what waits for their roles and teams, most urgent first.

Tasks, approvals and exceptions are one list here, sorted and paged by one key. Every query is bound
to the regions and legal entities of the reader, as those of `store.views` are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString

from psycopg import sql
from psycopg.types.json import Jsonb

from fairlead.store.database import Tx
from fairlead.store.subjects import BY_SUBJECT
from fairlead.store.views import Scope


class Kind(StrEnum):
    """What is asked. The order is that of the list where it is grouped by kind."""

    APPROVAL = "approval"
    TASK = "task"
    DATA = "data"  #: an exception that names what is missing
    EXCEPTION = "exception"  #: any other


class Due(StrEnum):
    """When, in the reader's zone. The order is that of the list."""

    PAST = "past"
    TODAY = "today"
    WEEK = "week"
    LATER = "later"  #: also what has no limit


@dataclass(frozen=True)
class Reader:
    """For whom. `everything`: also what waits for others, for somebody who answers nothing."""

    names: frozenset[str]  #: id and addresses, as they stand on records
    roles: frozenset[str]
    teams: frozenset[str]
    exceptions: bool  #: may read them
    everything: bool = False


@dataclass(frozen=True)
class Ends:
    """When the reader's past, day and week end (UTC)."""

    now: datetime
    day: datetime
    week: datetime


@dataclass(frozen=True)
class Key:
    """Where a page ended."""

    rank: int
    due_at: datetime
    id: str


#: What the reader's regions and legal entities let through, of `x`.
SCOPE = sql.SQL(BY_SUBJECT)
_FAR = sql.SQL("timestamptz '5000-01-01 00:00:00+00'")

#: Everything open that waits for the reader. `mine`: without what was given to others.
OPEN = sql.SQL("""
SELECT x.kind, x.id, x.version, x.title, x.subject_id,
       x.region, x.amount, x.currency, x.opened_at, x.due_at, x.role AS owner, x.role,
       x.fallback_role, x.assignee, x.excluded, '[]'::jsonb AS actions,
       NULL AS class, '[]'::jsonb AS gaps
FROM tasks x
WHERE x.state = 'open' AND {scope}
  AND (%(everything)s OR x.role = ANY(%(roles)s) OR x.fallback_role = ANY(%(roles)s)
       OR x.assignee = ANY(%(names)s))
  AND (NOT %(mine)s OR x.assignee IS NULL OR x.assignee = ANY(%(names)s))
UNION ALL
SELECT CASE x.class WHEN 'missing_data' THEN 'data' ELSE 'exception' END, x.id,
       x.version, x.title, x.subject_id, x.region, x.amount, x.currency, x.opened_at, x.due_at,
       x.team, NULL, NULL, x.assignee, '[]'::jsonb, x.actions, x.class, x.gaps
FROM exceptions x
WHERE x.state = 'open' AND %(exceptions)s AND {scope}
  AND (%(everything)s OR x.team = ANY(%(teams)s) OR x.assignee = ANY(%(names)s))
  AND (NOT %(mine)s OR x.assignee IS NULL OR x.assignee = ANY(%(names)s))
""").format(scope=SCOPE)

_RANK = sql.SQL("""
CASE WHEN %(by_kind)s THEN CASE o.kind
    WHEN 'approval' THEN 0 WHEN 'task' THEN 1 WHEN 'data' THEN 2 ELSE 3 END ELSE 0 END
""")

_ROWS = sql.SQL("""
SELECT o.*, e.number, e.client_name, e.legal_entity, e.body->'deal'->>'country' AS country
FROM (SELECT o.*, {rank} AS rank, coalesce(o.due_at, {far}) AS sort_at FROM ({open}) o
      WHERE (%(kind)s::text IS NULL OR o.kind = %(kind)s)
        AND (%(id)s::text IS NULL
             OR ({rank}, coalesce(o.due_at, {far}), o.id) > (%(rank)s, %(at)s, %(id)s))
      ORDER BY rank, sort_at, o.id LIMIT %(limit)s) o
LEFT JOIN engagements e ON e.id = o.subject_id
ORDER BY o.rank, o.sort_at, o.id
""").format(far=_FAR, rank=_RANK, open=OPEN)

_COUNTS = sql.SQL("""
SELECT o.kind, CASE WHEN o.due_at <= %(now)s THEN 'past' WHEN o.due_at < %(day)s THEN 'today'
       WHEN o.due_at < %(week)s THEN 'week' ELSE 'later' END AS due, count(*)::int AS n
FROM ({open}) o GROUP BY 1, 2
""").format(open=OPEN)

_TASK = sql.SQL("""
SELECT x.id, x.kind, x.run_id, x.step, x.subject_id, x.region, x.title, x.role AS owner, x.role,
       x.fallback_role, x.assignee, x.excluded, x.amount, x.currency, x.shown, x.because,
       x.decision_id, x.state, x.answered_by, x.reason, x.opened_at, x.due_at, x.answered_at,
       x.escalated_at, x.version, e.number, e.client_name, e.body->'deal'->>'country' AS country,
       d.policy, d.version AS policy_version, d.row AS policy_row, d.facts, d.at AS decided_at
FROM tasks x LEFT JOIN engagements e ON e.id = x.subject_id
LEFT JOIN decisions d ON d.id = x.decision_id
WHERE x.id = %(id)s AND {scope}
""").format(scope=SCOPE)

_EXCEPTION = sql.SQL("""
SELECT x.id, CASE x.class WHEN 'missing_data' THEN 'data' ELSE 'exception' END AS kind, x.class,
       x.run_id, x.step, x.subject_id, x.region, x.title, x.team AS owner, NULL AS fallback_role,
       x.assignee, x.detail, x.remedy, x.gaps, x.payload, x.difference, x.actions, x.system,
       x.amount, x.currency, x.times, x.state, x.opened_at, x.due_at, x.escalated_at,
       x.resolved_at, x.resolved_by, x.resolution, x.reason, x.version, e.number,
       e.client_name, e.legal_entity, e.body->'deal'->>'country' AS country
FROM exceptions x LEFT JOIN engagements e ON e.id = x.subject_id
WHERE x.id = %(id)s AND {scope}
""").format(scope=SCOPE)

# The approvals and tasks of one run, in the order in which they were asked.
_BESIDE = sql.SQL("""
SELECT x.id, x.kind, x.title, x.step, x.role, x.assignee, x.state, x.answered_by, x.reason,
       x.answered_at, x.opened_at, x.due_at
FROM tasks x WHERE x.run_id = %(run)s AND x.id <> %(id)s AND x.state <> 'cancelled' AND {scope}
ORDER BY x.opened_at, x.id LIMIT 20
""").format(scope=SCOPE)

# What happened to one thing, newest first. The chain is that of its engagement.
_HISTORY: LiteralString = """
SELECT x.type, x.at, x.actor, x.attributes FROM events x
WHERE x.chain = %(chain)s AND x.objects @> %(object)s ORDER BY x.position DESC LIMIT 12
"""


def eyes(scope: Scope, reader: Reader) -> dict[str, Any]:
    """The values of `SCOPE` and `OPEN`, but for `mine`."""
    return {
        "regions": None if scope.regions is None else sorted(scope.regions),
        "entities": None if scope.legal_entities is None else sorted(scope.legal_entities),
        "names": sorted(reader.names),
        "roles": sorted(reader.roles),
        "teams": sorted(reader.teams),
        "exceptions": reader.exceptions,
        "everything": reader.everything,
    }


class Worklist:
    """The reads of one person in one transaction."""

    def __init__(self, tx: Tx, scope: Scope, reader: Reader) -> None:
        self._tx = tx
        self._eyes = eyes(scope, reader)

    def rows(
        self, *, mine: bool, kind: Kind | None, by_kind: bool, after: Key | None, limit: int
    ) -> list[dict[str, Any]]:
        """`mine`: without what was given to others. `by_kind`: sorted by kind, then by time."""
        values: dict[str, Any] = {
            "mine": mine,
            "kind": kind,
            "by_kind": by_kind,
            "rank": after.rank if after else None,
            "at": after.due_at if after else None,
            "id": after.id if after else None,
            "limit": limit,
        }
        return self._all(_ROWS, values)

    def counts(self, *, mine: bool, ends: Ends) -> Mapping[tuple[Kind, Due], int]:
        """How many of each kind, by when they are due. What there is none of is left out."""
        values = {"mine": mine, "now": ends.now, "day": ends.day, "week": ends.week}
        found = self._all(_COUNTS, values)
        return {(Kind(row["kind"]), Due(row["due"])): row["n"] for row in found}

    def task(self, id: str) -> dict[str, Any] | None:
        """A task or an approval with the decision that brought it, whatever its state."""
        return self._tx.execute(_TASK, {**self._eyes, "id": id}).fetchone()

    def exception(self, id: str) -> dict[str, Any] | None:
        """An exception, whatever its state. Whether the reader may read exceptions at all is the
        caller's to ask."""
        return self._tx.execute(_EXCEPTION, {**self._eyes, "id": id}).fetchone()

    def beside(self, run_id: str, id: str) -> list[dict[str, Any]]:
        """The other tasks and approvals of the run of `id`; at most 20."""
        return self._all(_BESIDE, {"run": run_id, "id": id})

    def history(self, chain: str, id: str) -> list[dict[str, Any]]:
        """What was noted about a task or exception that was found here; at most the last 12."""
        return self._all(_HISTORY, {"chain": chain, "object": Jsonb([[id]])})

    def _all(
        self, query: LiteralString | sql.Composed, values: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        return self._tx.execute(query, {**self._eyes, **values}).fetchall()
