"""Judging many entries at once: what was asked for, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx
from fairlead.store.time_columns import Judged
from fairlead.store.time_entries import EVERYTHING, Sees

_ASK = """
INSERT INTO time_validations (id, scope, state, entries, asked_by, asked_at)
VALUES (%(id)s, %(scope)s, 'waiting', %(entries)s, %(by)s, %(at)s)
"""

# The oldest that is not ended and that nobody works on.
_TAKE = """
SELECT * FROM time_validations WHERE ended_at IS NULL
ORDER BY asked_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
"""

_PROGRESS = """
UPDATE time_validations SET state = 'running', judged = judged + %(judged)s,
    errors = errors + %(errors)s, warnings = warnings + %(warnings)s, after = %(after)s
WHERE id = %(id)s
"""

# Waits for the part that is being judged.
_END = """
UPDATE time_validations SET state = %(state)s, ended_at = %(at)s
WHERE id = %(id)s AND ended_at IS NULL RETURNING *
"""

# Who does not see everything sees those of one engagement that they see.
_SEEN: LiteralString = """
    ((%(regions)s::text[] IS NULL AND %(entities)s::text[] IS NULL) OR EXISTS (
        SELECT 1 FROM deliveries d WHERE d.engagement_id = v.scope->>'engagement'
        AND (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
        AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))))
"""

_ONE: LiteralString = (
    """
SELECT v.* FROM time_validations v WHERE v.id = %(id)s AND
"""
    + _SEEN
)

_NEWEST: LiteralString = (
    """
SELECT v.* FROM time_validations v
WHERE (%(before)s::timestamptz IS NULL OR (v.asked_at, v.id) < (%(before)s, %(before_id)s)) AND
"""
    + _SEEN
    + "ORDER BY v.asked_at DESC, v.id DESC LIMIT %(limit)s"
)

_IN_SCOPE: LiteralString = """
    x.day BETWEEN %(first)s AND %(last)s
    AND (%(states)s::text[] IS NULL OR x.state = ANY(%(states)s))
    AND (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s)
    AND (%(entity)s::text IS NULL OR x.legal_entity = %(entity)s)
"""

_COUNT: LiteralString = (
    """
SELECT count(*) AS n FROM time_entries x WHERE
"""
    + _IN_SCOPE
)

# Who comes next, with how many entries, by the index time_entries_by_resource.
_PEOPLE: LiteralString = (
    """
SELECT x.resource_id, count(*) AS n FROM time_entries x
WHERE (%(after)s::text IS NULL OR x.resource_id > %(after)s) AND
"""
    + _IN_SCOPE
    + "GROUP BY x.resource_id ORDER BY x.resource_id LIMIT %(limit)s"
)

_ENGAGEMENTS: LiteralString = (
    """
SELECT DISTINCT x.engagement_id FROM time_entries x WHERE
"""
    + _IN_SCOPE
    + "ORDER BY 1"
)


def ask(tx: Tx, id: str, scope: Mapping[str, Any], *, entries: int, by: str, at: datetime) -> None:
    values = {"id": id, "scope": Jsonb(dict(scope)), "entries": entries, "by": by, "at": at}
    tx.execute(_ASK, values)


def take(tx: Tx) -> dict[str, Any] | None:
    """The one to be carried on; nobody else takes it until the transaction ends."""
    return tx.execute(_TAKE).fetchone()


def progress(tx: Tx, id: str, *, judged: int, errors: int, warnings: int, after: str) -> None:
    values = {"id": id, "judged": judged, "errors": errors, "warnings": warnings, "after": after}
    tx.execute(_PROGRESS, values)


def end(tx: Tx, id: str, state: str, at: datetime) -> dict[str, Any] | None:
    """The row as it ended; none where it had ended before, or is not there."""
    return tx.execute(_END, {"id": id, "state": state, "at": at}).fetchone()


def get(tx: Tx, id: str, sees: Sees = EVERYTHING) -> dict[str, Any] | None:
    return tx.execute(_ONE, {"id": id, **_scope(sees)}).fetchone()


def newest(
    tx: Tx, sees: Sees, *, before: tuple[datetime, str] | None, limit: int
) -> list[dict[str, Any]]:
    at, id = before or (None, None)
    values = {"before": at, "before_id": id, "limit": limit, **_scope(sees)}
    return tx.execute(_NEWEST, values).fetchall()


def _scope(sees: Sees) -> dict[str, list[str] | None]:
    return {
        "regions": None if sees.regions is None else sorted(sees.regions),
        "entities": None if sees.entities is None else sorted(sees.entities),
    }


def count(tx: Tx, scope: Judged) -> int:
    row = tx.execute(_COUNT, vars(scope)).fetchone()
    assert row is not None
    return row["n"]


def people(tx: Tx, scope: Judged, *, after: str | None, limit: int) -> list[tuple[str, int]]:
    """Whose entries come next, and how many they are; by id."""
    rows = tx.execute(_PEOPLE, {**vars(scope), "after": after, "limit": limit}).fetchall()
    return [(row["resource_id"], row["n"]) for row in rows]


def engagements(tx: Tx, scope: Judged) -> Sequence[str]:
    return [row["engagement_id"] for row in tx.execute(_ENGAGEMENTS, vars(scope)).fetchall()]
