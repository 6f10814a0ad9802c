"""What one principal may read. The regions and legal entities are bound once (P22).

Every query of this file ends in one of the conditions below; there is no way past them. Lists
are paged by key: a page begins behind the last row of the one before, so that no row is shown
twice or passed over because others came in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg import sql

from fairlead.domain.values import Value
from fairlead.store import journal, systems
from fairlead.store.database import Tx
from fairlead.store.subjects import BY_SUBJECT, SUBJECTS
from fairlead.store.systems import SystemRow

After = tuple[datetime, str]  #: where the page before ended: time and id of its last row

# By its own region and legal entity. A missing one is seen without limits only.
_BY_ITSELF = """
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
"""

# What belongs to a run, and is seen by whoever sees that.
_BY_RUN: LiteralString = """
    ((%(regions)s::text[] IS NULL AND %(entities)s::text[] IS NULL) OR EXISTS (
        SELECT 1 FROM runs r WHERE r.id = x.run_id
        AND (%(regions)s::text[] IS NULL OR r.region = ANY(%(regions)s))
        AND (%(entities)s::text[] IS NULL OR EXISTS (SELECT 1 FROM {subjects} e
             WHERE e.id = r.subject_id AND e.legal_entity = ANY(%(entities)s)))))
""".replace("{subjects}", SUBJECTS)

# What is about something, with or without a run, and is seen by whoever sees that.
_BY_WHAT_IT_IS_ABOUT: LiteralString = """
    ((%(regions)s::text[] IS NULL AND %(entities)s::text[] IS NULL) OR EXISTS (
        SELECT 1 FROM {subjects} e WHERE e.id = x.subject_id
        AND (%(regions)s::text[] IS NULL OR e.region = ANY(%(regions)s))
        AND (%(entities)s::text[] IS NULL OR e.legal_entity = ANY(%(entities)s))))
""".replace("{subjects}", SUBJECTS)

# What belongs to no region: only those without a limit see it.
_UNBOUND = "(%(regions)s::text[] IS NULL AND %(entities)s::text[] IS NULL)"

_ENGAGEMENT: LiteralString = """
SELECT x.id, x.number, x.state, x.name, x.client_name, x.region, x.legal_entity, x.currency,
       x.value, x.project_code, x.body, x.opened_at, x.launched_at, x.version FROM engagements x
"""
_RUN: LiteralString = """
SELECT x.id, x.playbook, p.version AS playbook_version, x.subject_type, x.subject_id, x.region,
       x.correlation, x.state, x.started_at, x.ended_at
FROM runs x JOIN playbooks p ON p.digest = x.digest
"""
_EFFECT: LiteralString = """
SELECT x.key, x.run_id, x.step, x.occurrence, x.subject_id, x.system, x.operation, x.state, x.ref,
       x.attempts, x.intended_at, x.tried_at, x.settled_at, x.answer FROM effects x
"""
_TASK: LiteralString = """
SELECT x.id, x.kind, x.run_id, x.step, x.occurrence, x.subject_id, x.region, x.title, x.role,
       x.assignee, x.amount, x.currency, x.shown, x.because, x.decision_id, x.state,
       x.answered_by, x.reason, x.opened_at, x.due_at, x.answered_at, x.version FROM tasks x
"""
_EXCEPTION: LiteralString = """
SELECT x.id, x.class, x.team, x.assignee, x.title, x.detail, x.remedy, x.gaps, x.payload,
       x.difference, x.actions, x.system, x.run_id, x.step, x.subject_id, x.region, x.amount,
       x.currency, x.times, x.state, x.opened_at, x.due_at, x.escalated_at, x.resolved_at,
       x.resolved_by, x.resolution, x.reason, x.version FROM exceptions x
"""
_DECISION: LiteralString = """
SELECT x.id, x.policy, x.version, x.row, x.facts, x.answer, x.run_id, x.step, x.subject_id, x.at
FROM decisions x
"""
_NOTIFICATION: LiteralString = """
SELECT x.id, x.role, x.region, x.about, x.text, x.subject_id, x.at FROM notifications x
"""
_INBOX: LiteralString = """
SELECT x.id, x.source, x.message, x.kind, x.queue, x.correlation, x.deliveries, x.state, x.attempt,
       x.received_at, x.ready_at, x.ended_at, x.outcome, length(x.body) AS bytes FROM inbox x
"""

# By the key of the table, as one text; no part of it has a slash.
_DIFFERENCE: LiteralString = """
SELECT x.engagement_id || '/' || x.field || '/' || x.system AS id, x.engagement_id,
       g.number AS engagement_number, x.field, x.system, x.owner, x.owner_value, x.system_value,
       x.region, x.amount, x.currency, x.rule, x.first_seen_at, x.last_seen_at
FROM (SELECT d.*, d.engagement_id AS subject_id FROM differences d) AS x
JOIN engagements g ON g.id = x.engagement_id
"""
# Runs under way by what they follow.
_FOLLOWED: LiteralString = """
SELECT p.name, p.version, count(*)::int AS active_runs
FROM runs x JOIN playbooks p ON p.digest = x.digest
"""

_FAR: LiteralString = "coalesce(x.due_at, timestamptz '5000-01-01 00:00:00+00')"

# Steps of a run, in the order of its playbook.
_STEPS: LiteralString = """
SELECT x.name, x.occurrence, x.kind, x.state, x.owner, x.system, x.attempt, x.started_at,
       x.ready_at, x.due_at, x.ended_at, x.because
FROM steps x JOIN runs r ON r.id = x.run_id
LEFT JOIN playbooks p ON p.digest = r.digest
LEFT JOIN LATERAL (
    SELECT q.place FROM jsonb_array_elements(p.body->'steps') WITH ORDINALITY AS q(step, place)
    WHERE q.step->>'name' = x.name LIMIT 1) planned ON true
WHERE x.run_id = %(run)s
ORDER BY planned.place NULLS LAST, x.started_at, x.name, x.occurrence
"""

# What waits for each system, per engagement and then per currency, so that none counts twice.
_WAITING = sql.SQL("""
WITH waiting AS (
    SELECT s.system, x.subject_id, count(*) AS steps
    FROM steps s JOIN runs x ON x.id = s.run_id
    WHERE s.system IS NOT NULL AND s.state IN ('ready', 'running') AND {visible}
    GROUP BY s.system, x.subject_id)
SELECT w.system, e.currency, sum(w.steps)::int AS steps, count(*)::int AS engagements,
       sum(e.value) AS value
FROM waiting w LEFT JOIN engagements e ON e.id = w.subject_id
GROUP BY w.system, e.currency ORDER BY w.system, e.currency
""").format(visible=sql.SQL(BY_SUBJECT))

# Which of these chains are those of what belongs to the legal entities that are visible.
_VISIBLE_CHAINS = sql.SQL("""
SELECT x.id FROM {subjects} x WHERE x.id = ANY(%(chains)s) AND {visible}
""").format(subjects=sql.SQL(SUBJECTS), visible=sql.SQL(_BY_ITSELF))


class Scope(Value):
    """Whose eyes. Null means no limit."""

    regions: frozenset[str] | None = None
    legal_entities: frozenset[str] | None = None


class Views:
    """The reads of one principal in one transaction."""

    def __init__(self, tx: Tx, scope: Scope) -> None:
        self._tx = tx
        self._eyes: dict[str, Any] = {
            "regions": _list(scope.regions),
            "entities": _list(scope.legal_entities),
        }

    def engagements(
        self,
        *,
        state: str | None,
        region: str | None,
        q: str | None,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Newest first. `q`: a part of number, name or client, whatever its case."""
        return self._newest(
            _ENGAGEMENT,
            _BY_ITSELF
            + """ AND (%(state)s::text IS NULL OR x.state = %(state)s)
            AND (%(region)s::text IS NULL OR x.region = %(region)s)
            AND (%(q)s::text IS NULL OR x.number ILIKE %(q)s OR x.name ILIKE %(q)s
                 OR x.client_name ILIKE %(q)s)""",
            {"state": state, "region": region, "q": None if q is None else f"%{_literal(q)}%"},
            by=("x.opened_at", "x.id"),
            after=after,
            limit=limit,
        )

    def engagement(self, id: str) -> dict[str, Any] | None:
        """By its id or its number (`ENG-2038`)."""
        where = "(x.id = %(id)s OR x.number = %(id)s) AND " + _BY_ITSELF
        return self._one(_ENGAGEMENT, where, {"id": id})

    def log(self, engagement_id: str, *, after: int, limit: int) -> list[dict[str, Any]]:
        """Of an engagement that was found with `engagement`; oldest first."""
        return journal.of_chain(self._tx, engagement_id, after=after, limit=limit)

    def feed(
        self, *, after: tuple[int, int], limit: int
    ) -> tuple[list[dict[str, Any]], tuple[int, int]]:
        """Events behind the cursor, and the next cursor. A page may be shorter than it could
        be where only some legal entities are visible; the cursor passes over the rest."""
        regions = self._eyes["regions"]
        rows = journal.feed(self._tx, after=after, limit=limit, regions=regions)
        end = (int(rows[-1]["tx"]), int(rows[-1]["seq"])) if rows else after
        if rows and self._eyes["entities"] is not None:
            chains = {**self._eyes, "chains": sorted({row["chain"] for row in rows})}
            seen = {row["id"] for row in self._tx.execute(_VISIBLE_CHAINS, chains)}
            rows = [row for row in rows if row["chain"] in seen]
        return rows, end

    def runs(
        self,
        *,
        state: str | None,
        playbook: str | None,
        subject: str | None,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Newest first."""
        return self._newest(
            _RUN,
            BY_SUBJECT
            + """ AND (%(state)s::text IS NULL OR x.state = %(state)s)
            AND (%(playbook)s::text IS NULL OR x.playbook = %(playbook)s)
            AND (%(subject)s::text IS NULL OR x.subject_id = %(subject)s)""",
            {"state": state, "playbook": playbook, "subject": subject},
            by=("x.started_at", "x.id"),
            after=after,
            limit=limit,
        )

    def run(self, id: str) -> dict[str, Any] | None:
        return self._one(_RUN, "x.id = %(id)s AND " + BY_SUBJECT, {"id": id})

    def steps(self, run_id: str) -> list[dict[str, Any]]:
        """Of a run that was found with `run`."""
        return self._tx.execute(_STEPS, {"run": run_id}).fetchall()

    def effects(
        self,
        *,
        state: str | None,
        system: str | None,
        subject: str | None,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Newest first."""
        return self._newest(
            _EFFECT,
            _BY_RUN
            + """ AND (%(state)s::text IS NULL OR x.state = %(state)s)
            AND (%(system)s::text IS NULL OR x.system = %(system)s)
            AND (%(subject)s::text IS NULL OR x.subject_id = %(subject)s)""",
            {"state": state, "system": system, "subject": subject},
            by=("x.intended_at", "x.key"),
            after=after,
            limit=limit,
        )

    def tasks(
        self,
        *,
        state: str | None,
        kind: str | None,
        roles: Iterable[str] | None,
        assignee: str | None,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Most urgent first; those without a time limit last. `roles`: null for every role;
        `assignee`: leaves out what was given to somebody else."""
        return self._page(
            _TASK,
            BY_SUBJECT
            + """ AND (%(state)s::text IS NULL OR x.state = %(state)s)
            AND (%(kind)s::text IS NULL OR x.kind = %(kind)s)
            AND (%(roles)s::text[] IS NULL OR x.role = ANY(%(roles)s)
                 OR x.fallback_role = ANY(%(roles)s))
            AND (%(assignee)s::text IS NULL OR x.assignee IS NULL
                 OR x.assignee = %(assignee)s)""",
            {
                "state": state,
                "kind": kind,
                "roles": _list(roles),
                "assignee": assignee,
            },
            behind=f"({_FAR}, x.id) > (%(at)s, %(id)s)",
            order=f"{_FAR}, x.id",
            after=after,
            limit=limit,
        )

    def task(self, id: str) -> dict[str, Any] | None:
        return self._one(_TASK, "x.id = %(id)s AND " + BY_SUBJECT, {"id": id})

    def exceptions(
        self,
        *,
        state: str | None,
        team: str | None,
        cause_class: str | None,
        subject: str | None,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Newest first."""
        return self._newest(
            _EXCEPTION,
            BY_SUBJECT
            + """ AND (%(state)s::text IS NULL OR x.state = %(state)s)
            AND (%(team)s::text IS NULL OR x.team = %(team)s)
            AND (%(class)s::text IS NULL OR x.class = %(class)s)
            AND (%(subject)s::text IS NULL OR x.subject_id = %(subject)s)""",
            {"state": state, "team": team, "class": cause_class, "subject": subject},
            by=("x.opened_at", "x.id"),
            after=after,
            limit=limit,
        )

    def exception(self, id: str) -> dict[str, Any] | None:
        return self._one(_EXCEPTION, "x.id = %(id)s AND " + BY_SUBJECT, {"id": id})

    def decisions(
        self, *, policy: str | None, subject: str | None, after: After | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first."""
        return self._newest(
            _DECISION,
            _BY_WHAT_IT_IS_ABOUT
            + """ AND (%(policy)s::text IS NULL OR x.policy = %(policy)s)
            AND (%(subject)s::text IS NULL OR x.subject_id = %(subject)s)""",
            {"policy": policy, "subject": subject},
            by=("x.at", "x.id"),
            after=after,
            limit=limit,
        )

    def decision(self, id: str) -> dict[str, Any] | None:
        return self._one(_DECISION, "x.id = %(id)s AND " + _BY_WHAT_IT_IS_ABOUT, {"id": id})

    def differences(
        self,
        *,
        system: str | None,
        field: str | None,
        engagement: str | None,
        rule: str | None,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """What systems say differently, oldest first. `engagement`: its id or its number."""
        where = (
            BY_SUBJECT
            + """ AND (%(system)s::text IS NULL OR x.system = %(system)s)
            AND (%(field)s::text IS NULL OR x.field = %(field)s)
            AND (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s
                 OR g.number = %(engagement)s)
            AND (%(rule)s::text IS NULL OR x.rule = %(rule)s)"""
        )
        key: LiteralString = "x.first_seen_at, x.engagement_id, x.field, x.system"
        last = [*(after[1] if after else "").split("/"), "", "", ""]
        return self._page(
            _DIFFERENCE,
            where,
            {
                "system": system,
                "field": field,
                "engagement": engagement,
                "rule": rule,
                "of_engagement": last[0],
                "of_field": last[1],
                "of_system": last[2],
            },
            behind=f"({key}) > (%(at)s, %(of_engagement)s, %(of_field)s, %(of_system)s)",
            order=key,
            after=after,
            limit=limit,
        )

    def followed(self) -> list[dict[str, Any]]:
        """Name and version of each playbook that visible runs under way follow, and how many."""
        query = f"{_FOLLOWED} WHERE x.ended_at IS NULL AND {BY_SUBJECT} GROUP BY p.name, p.version"
        return self._tx.execute(query, self._eyes).fetchall()

    def waiting(self) -> list[dict[str, Any]]:
        """Per system and currency: steps, engagements and money that wait for it."""
        return self._tx.execute(_WAITING, self._eyes).fetchall()

    def systems(self) -> list[SystemRow]:
        """All of them: which of them serve a visible region is in the configuration."""
        return systems.all_of(self._tx)

    def notifications(
        self, roles: Iterable[str], *, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """To the holders of these roles, newest first. One that is about no engagement and no
        region is for every holder."""
        where = (
            "((x.region IS NULL AND x.subject_id IS NULL) OR ("
            + BY_SUBJECT
            + """)) AND x.role = ANY(%(roles)s)
            AND (%(before)s::bigint IS NULL OR x.id < %(before)s)"""
        )
        values = {**self._eyes, "roles": list(roles), "before": before, "limit": limit}
        query = f"{_NOTIFICATION} WHERE {where} ORDER BY x.id DESC LIMIT %(limit)s"
        return self._tx.execute(query, values).fetchall()

    def inbox(
        self, *, state: str, queue: str | None, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """Newest first. A message belongs to no region before it is understood."""
        where = (
            _UNBOUND
            + """ AND x.state = %(state)s AND (%(queue)s::text IS NULL OR x.queue = %(queue)s)
            AND (%(before)s::bigint IS NULL OR x.id < %(before)s)"""
        )
        values = {**self._eyes, "state": state, "queue": queue, "before": before, "limit": limit}
        query = f"{_INBOX} WHERE {where} ORDER BY x.id DESC LIMIT %(limit)s"
        return self._tx.execute(query, values).fetchall()

    def message(self, id: int) -> dict[str, Any] | None:
        return self._one(_INBOX, "x.id = %(id)s AND " + _UNBOUND, {"id": id})

    def _newest(
        self,
        select: LiteralString,
        where: LiteralString,
        values: Mapping[str, Any],
        *,
        by: tuple[LiteralString, LiteralString],
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        at, id = by
        return self._page(
            select,
            where,
            values,
            behind=f"({at}, {id}) < (%(at)s, %(id)s)",
            order=f"{at} DESC, {id} DESC",
            after=after,
            limit=limit,
        )

    def _page(
        self,
        select: LiteralString,
        where: LiteralString,
        values: Mapping[str, Any],
        *,
        behind: LiteralString,
        order: LiteralString,
        after: After | None,
        limit: int,
    ) -> list[dict[str, Any]]:
        end: LiteralString = "" if after is None else f" AND {behind}"
        at, id = after or (None, None)
        query = f"{select} WHERE {where}{end} ORDER BY {order} LIMIT %(limit)s"
        everything = {**self._eyes, **values, "at": at, "id": id, "limit": limit}
        return self._tx.execute(query, everything).fetchall()

    def _one(
        self, select: LiteralString, where: LiteralString, values: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        return self._tx.execute(f"{select} WHERE {where}", {**self._eyes, **values}).fetchone()


def _list(names: Iterable[str] | None) -> Sequence[str] | None:
    return None if names is None else sorted(str(name) for name in names)


def _literal(text: str) -> str:
    """For ILIKE, so that a sign in what somebody looks for stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
