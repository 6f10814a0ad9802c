"""What the side bar of every page tells: what waits, and how the systems are. One query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg import sql

from fairlead.store.database import Tx
from fairlead.store.views import Scope
from fairlead.store.worklist import OPEN, SCOPE, Reader, eyes


@dataclass(frozen=True)
class Waiting:
    by_page: dict[str, int]
    """`inbox`: what the inbox shows as the reader's; `exceptions`: theirs and those of their
    teams, whoever they were given to; `my-time`: their own entries that were returned; `billing`:
    what waits to be drafted, reviewed or released, for those who do it."""
    systems: int
    healthy: int  #: neither down nor paused


# Of what has a region and a legal entity of its own.
_OWN = sql.SQL("""
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
""")
_WAITING = sql.SQL("""
SELECT
  (SELECT count(*) FROM ({open}) o)::int AS inbox,
  (SELECT count(*) FROM exceptions x WHERE x.state = 'open'
     AND (x.team = ANY(%(teams)s) OR x.assignee = ANY(%(names)s)) AND {scope})::int AS exceptions,
  (SELECT count(*) FROM time_entries x JOIN resources r ON r.id = x.resource_id
     WHERE (r.id = %(me)s OR lower(r.email) = lower(%(email)s)) AND x.state = 'returned'
       AND x.day > %(day)s::date - 180)::int AS my_time,
  (SELECT count(*) FROM readiness_board x
     WHERE %(proposes)s AND x.ready > 0 AND {own})::int AS ready,
  (SELECT count(*) FROM invoices x
     WHERE (%(proposes)s AND x.state = 'proposed' OR %(releases)s AND x.state = 'reviewed')
       AND {own})::int AS invoices,
  (SELECT count(*) FROM systems WHERE id = ANY(%(systems)s))::int AS systems,
  (SELECT count(*) FROM systems
     WHERE id = ANY(%(systems)s) AND breaker = 'closed' AND paused_by IS NULL)::int AS healthy
""").format(open=OPEN, scope=SCOPE, own=_OWN)

# Which of these are engagements of the regions and legal entities that are visible.
_VISIBLE = """
SELECT x.id FROM engagements x WHERE x.id = ANY(%(chains)s)
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
"""


@dataclass(frozen=True)
class Books:
    """Who may be among the people who book time, and which day it is."""

    id: str
    email: str | None
    day: date


@dataclass(frozen=True)
class Bills:
    """What the reader may do with invoices."""

    proposes: bool
    releases: bool


def waiting(
    tx: Tx, scope: Scope, reader: Reader, systems: Sequence[str], books: Books, bills: Bills
) -> Waiting:
    """`systems`: those that are configured."""
    own = {"me": books.id, "email": books.email, "day": books.day, **vars(bills)}
    values = {**eyes(scope, reader), "mine": True, "systems": list(systems), **own}
    row = tx.execute(_WAITING, values).fetchone()
    assert row is not None
    by_page = {
        "inbox": row["inbox"],
        "exceptions": row["exceptions"],
        "my-time": row["my_time"],
        "billing": row["ready"] + row["invoices"],
    }
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
