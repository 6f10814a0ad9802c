"""What the page of one engagement reads: at most four queries a tab, beside the engagement's own.

Each method but `family` is of engagements that were found with `Views.engagement` or `family`, so
the reader's scope has been applied before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from fairlead.store.views import Views

# What the head and the tabs say: counts, and where people work on it.
_MARKS: LiteralString = """
WITH mine AS (SELECT id, playbook, state, started_at FROM runs WHERE subject_id = %(id)s)
SELECT
  (SELECT count(DISTINCT (at, policy, version, run_id, step)) FROM decisions
    WHERE subject_id = %(id)s)::int AS decisions,
  (SELECT count(*) FROM tasks t JOIN mine r ON r.id = t.run_id)::int AS answers,
  (SELECT count(*) FROM tasks t JOIN mine r ON r.id = t.run_id WHERE t.state = 'open')::int
    AS open_tasks,
  (SELECT count(*) FROM exceptions WHERE subject_id = %(id)s AND state = 'open')::int
    AS open_exceptions,
  (SELECT count(*) FROM milestones WHERE engagement_id = %(id)s AND state <> 'accepted')::int
    AS milestones,
  (SELECT count(*) FROM differences WHERE engagement_id = %(id)s)::int AS differences,
  (SELECT s.result->>'url' FROM steps s JOIN mine r ON r.id = s.run_id
    WHERE s.name = 'create_channel' AND s.state = 'done' ORDER BY s.started_at DESC LIMIT 1)
    AS channel,
  (SELECT s.result->>'url' FROM steps s JOIN mine r ON r.id = s.run_id
    WHERE s.name = 'create_folder' AND s.state = 'done' ORDER BY s.started_at DESC LIMIT 1)
    AS folder,
  (SELECT r.id FROM mine r WHERE r.state = 'active'
    AND r.playbook IN ('deal-to-delivery', 'part-set-up') ORDER BY r.started_at DESC LIMIT 1)
    AS set_up_run,
  EXISTS (SELECT 1 FROM mine r WHERE r.state = 'active' AND r.playbook = 'compare-systems')
    AS comparing
"""

# The whole that it is a part of, and its own parts; as the reader sees engagements.
_FAMILY: LiteralString = """
SELECT x.id, x.number, x.state, x.name, x.region, x.legal_entity, x.currency, x.value, x.parent,
       x.opened_at, x.launched_at, x.body->'deal'->>'country' AS country,
       (x.body->'deal'->>'starts_on')::date AS starts_on,
       (x.body->'deal'->>'ends_on')::date AS ends_on
FROM engagements x
WHERE (x.parent = %(id)s OR x.id = %(parent)s)
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
ORDER BY x.number
"""

# Steps with the stage that the run's own version of the playbook gives them. A run without steps
# gives one row without a name.
_STEPS: LiteralString = """
WITH mine AS (
    SELECT id, playbook, digest, subject_id, state, started_at, ended_at
    FROM runs WHERE subject_id = ANY(%(ids)s)),
plans AS (
    SELECT p.digest, p.version, q.name, q.stage, q.stage_index
    FROM playbooks p
    LEFT JOIN LATERAL jsonb_to_recordset(p.body->'steps')
        AS q(name text, stage text, stage_index int) ON true
    WHERE p.digest IN (SELECT digest FROM mine))
SELECT r.id AS run_id, r.playbook, r.subject_id, r.state AS run_state,
       r.started_at AS run_started_at, r.ended_at AS run_ended_at,
       s.name, s.occurrence, s.kind, s.state, s.owner, s.system, s.attempt, s.started_at,
       s.ready_at, s.due_at, s.ended_at, s.because, q.stage, q.stage_index
FROM mine r
LEFT JOIN steps s ON s.run_id = r.id
LEFT JOIN plans q ON q.digest = r.digest AND q.name = s.name
ORDER BY r.started_at DESC, r.id, q.stage_index, s.started_at, s.name, s.occurrence
"""

# What people must do about them: open tasks and open exceptions.
_WAITS: LiteralString = """
SELECT 'task' AS what, t.id, t.kind, t.subject_id, t.run_id, t.step, t.title, t.role,
       t.assignee, t.amount, t.currency, t.because, NULL::jsonb AS gaps, NULL AS team,
       NULL AS system, t.opened_at, t.due_at
FROM tasks t JOIN runs r ON r.id = t.run_id
WHERE r.subject_id = ANY(%(ids)s) AND t.state = 'open'
UNION ALL
SELECT 'exception', x.id, x.class, x.subject_id, x.run_id, x.step, x.title, NULL,
       x.assignee, x.amount, x.currency, x.detail, x.gaps, x.team, x.system, x.opened_at, x.due_at
FROM exceptions x WHERE x.subject_id = ANY(%(ids)s) AND x.state = 'open'
ORDER BY due_at NULLS LAST, opened_at, id
"""

# What was done for it in other systems, newest first.
_EFFECTS: LiteralString = """
SELECT key, run_id, step, occurrence, system, operation, state, ref, attempts, intended_at,
       tried_at, settled_at, answer
FROM effects WHERE subject_id = %(id)s ORDER BY intended_at DESC, key DESC LIMIT %(limit)s
"""

# What its systems say differently, longest first.
_DIFFERENCES: LiteralString = """
SELECT field, system, owner, owner_value, system_value, amount, currency, rule, first_seen_at,
       last_seen_at
FROM differences WHERE engagement_id = %(id)s ORDER BY first_seen_at, field, system
"""

# Approvals and tasks, answered or not, newest first.
_ANSWERS: LiteralString = """
SELECT t.id, t.kind, t.step, t.title, t.role, t.assignee, t.amount, t.currency, t.shown,
       t.because, t.decision_id, t.state, t.answered_by, t.reason, t.opened_at, t.due_at,
       t.answered_at
FROM tasks t JOIN runs r ON r.id = t.run_id
WHERE r.subject_id = %(id)s ORDER BY coalesce(t.answered_at, t.opened_at) DESC, t.id DESC LIMIT 200
"""

# Its log, each event with its kind: by whom it is, else what it is about.
_TOLD: LiteralString = """
WITH told AS (
    SELECT seq, chain, position, type, at, actor, correlation, attributes, objects, hash,
           CASE WHEN actor LIKE 'person:%%' THEN 'people'
                WHEN type ~ '^(effect|field|system)[.]' THEN 'writes'
                WHEN type ~ '^(task|approval|exception)[.]' THEN 'asked'
                ELSE 'steps' END AS kind
    FROM events WHERE chain = %(id)s)
"""

# A page of the log, newest first, from below a position.
_LATEST: LiteralString = """
SELECT * FROM told
WHERE (%(before)s::bigint IS NULL OR position < %(before)s)
  AND (%(actor)s::text IS NULL OR actor = %(actor)s)
  AND (%(kind)s::text IS NULL OR kind = %(kind)s)
ORDER BY position DESC LIMIT %(limit)s
"""

# How much of what is in the log, who did it, and where its chain ends.
_COUNTED: LiteralString = """
SELECT actor, kind, count(*)::int AS events,
       (SELECT encode(c.head, 'hex') FROM chains c WHERE c.chain = %(id)s) AS head,
       (SELECT max(k.at) FROM checkpoints k) AS checkpoint_at
FROM told GROUP BY actor, kind ORDER BY 3 DESC, actor
"""


class EngagementViews(Views):
    """The reads of one principal about one engagement, its parts and its whole."""

    def marks(self, id: str) -> dict[str, Any]:
        row = self._tx.execute(_MARKS, {"id": id}).fetchone()
        assert row is not None, "a select without a table gives one row"
        return row

    def family(self, id: str, parent: str | None) -> list[dict[str, Any]]:
        """Its whole and its parts, as far as this reader sees them; by number."""
        return self._tx.execute(_FAMILY, {**self._eyes, "id": id, "parent": parent}).fetchall()

    def steps_of(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Runs newest first, each with its steps in the order of its playbook."""
        return self._tx.execute(_STEPS, {"ids": list(ids)}).fetchall()

    def waits_of(self, ids: Sequence[str]) -> list[dict[str, Any]]:
        """Most urgent first."""
        return self._tx.execute(_WAITS, {"ids": list(ids)}).fetchall()

    def effects_of(self, id: str, *, limit: int) -> list[dict[str, Any]]:
        return self._tx.execute(_EFFECTS, {"id": id, "limit": limit}).fetchall()

    def differences_of(self, id: str) -> list[dict[str, Any]]:
        return self._tx.execute(_DIFFERENCES, {"id": id}).fetchall()

    def answers_of(self, id: str) -> list[dict[str, Any]]:
        return self._tx.execute(_ANSWERS, {"id": id}).fetchall()

    def latest(
        self, id: str, *, kind: str | None, actor: str | None, before: int | None, limit: int
    ) -> list[dict[str, Any]]:
        """The log, newest first. `kind`: people, writes, asked or steps."""
        values = {"id": id, "kind": kind, "actor": actor, "before": before, "limit": limit}
        return self._tx.execute(_TOLD + _LATEST, values).fetchall()

    def log_marks(self, id: str) -> list[dict[str, Any]]:
        """By actor and kind: how many events; each row with the head of the chain."""
        return self._tx.execute(_TOLD + _COUNTED, {"id": id}).fetchall()
