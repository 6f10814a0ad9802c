"""What the side bar of every page tells: what waits, and how the systems are. One query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.store.database import Tx


@dataclass(frozen=True)
class Waiting:
    by_page: dict[str, int]  #: `tasks`, `exceptions`: what waits for this reader or their teams
    systems: int
    healthy: int  #: neither down nor paused


# Scoped as in `store.views`: a row is seen by its region and its engagement's legal entity.
_WAITING = """
SELECT
  (SELECT count(*) FROM tasks x WHERE x.state = 'open'
     AND (x.role = ANY(%(roles)s) OR x.fallback_role = ANY(%(roles)s))
     AND (x.assignee IS NULL OR x.assignee = %(person)s)
     AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
     AND (%(entities)s::text[] IS NULL OR EXISTS (SELECT 1 FROM engagements e
          WHERE e.id = x.subject_id AND e.legal_entity = ANY(%(entities)s))))::int AS tasks,
  (SELECT count(*) FROM exceptions x WHERE x.state = 'open'
     AND (x.team = ANY(%(teams)s) OR x.assignee = %(person)s)
     AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
     AND (%(entities)s::text[] IS NULL OR EXISTS (SELECT 1 FROM engagements e
          WHERE e.id = x.subject_id AND e.legal_entity = ANY(%(entities)s))))::int AS exceptions,
  (SELECT count(*) FROM systems WHERE id = ANY(%(systems)s))::int AS systems,
  (SELECT count(*) FROM systems
     WHERE id = ANY(%(systems)s) AND breaker = 'closed' AND paused_by IS NULL)::int AS healthy
"""

# Which of these are engagements of the regions and legal entities that are visible.
_VISIBLE = """
SELECT x.id FROM engagements x WHERE x.id = ANY(%(chains)s)
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
"""


def waiting(
    tx: Tx,
    *,
    person: str,
    roles: Iterable[str],
    teams: Iterable[str],
    regions: Iterable[str] | None,
    legal_entities: Iterable[str] | None,
    systems: Sequence[str],
) -> Waiting:
    """`systems`: those that are configured. Null `regions` and `legal_entities`: all."""
    values: dict[str, Any] = {
        "person": person,
        "roles": list(roles),
        "teams": list(teams),
        "regions": None if regions is None else list(regions),
        "entities": None if legal_entities is None else list(legal_entities),
        "systems": list(systems),
    }
    row = tx.execute(_WAITING, values).fetchone()
    assert row is not None
    by_page = {"tasks": row["tasks"], "exceptions": row["exceptions"]}
    return Waiting(by_page, row["systems"], row["healthy"])


def visible_engagements(
    tx: Tx,
    ids: Iterable[str],
    *,
    regions: Iterable[str] | None,
    legal_entities: Iterable[str] | None,
) -> frozenset[str]:
    values = {
        "chains": list(ids),
        "regions": None if regions is None else list(regions),
        "entities": None if legal_entities is None else list(legal_entities),
    }
    return frozenset(row["id"] for row in tx.execute(_VISIBLE, values))
