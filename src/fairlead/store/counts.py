"""What the side bar of every page tells: what waits, and how the systems are. One query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from psycopg import sql

from fairlead.store.database import Tx
from fairlead.store.views import Scope
from fairlead.store.worklist import OPEN, SCOPE, Reader, eyes

_MOST_FLAGGED = 100


@dataclass(frozen=True)
class Waiting:
    by_page: dict[str, int]
    """`inbox`: what the inbox shows as the reader's; `exceptions`: theirs and those of their
    teams, whoever they were given to; `my-time`: their own entries that were returned; `time`: what
    is flagged and waits for them, a hundred at most; `billing`: what waits to be
    drafted, reviewed or released, for those who do it."""
    cut: frozenset[str]  #: pages of which more may wait than is counted
    systems: int
    healthy: int  #: neither down nor paused


# Of what has a region and a legal entity of its own.
_OWN = sql.SQL("""
    (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
    AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
""")

#: What waits and is flagged, of engagements that the reader approves, or somebody whose deputy they
#: are today (`domain.rules.approval`). What is of their own hand, or of one with whom they share
#: duties, does not wait for them.
_FLAGGED: LiteralString = """
    EXISTS (SELECT 1 FROM findings f WHERE f.kind = {kind} AND f.item_id = x.id)
    AND x.resource_id <> %(me)s AND x.entered_by <> 'person:' || %(me)s
    AND NOT EXISTS (
        SELECT 1 FROM duties s
        WHERE (x.resource_id = s.other OR x.entered_by = 'person:' || s.other)
          AND s.starts_on <= %(day)s AND s.until >= x.submitted_at::date)
    AND EXISTS (
        SELECT 1 FROM deliveries d LEFT JOIN engagement_managers m USING (engagement_id)
        WHERE d.engagement_id = x.engagement_id
          AND (m.person = %(me)s
               OR (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
              AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
              AND (%(leads)s OR %(manages)s AND m.person IS NULL
                   OR EXISTS (
                  SELECT 1 FROM hands h WHERE m.person = h.id
                     OR (h.leads OR h.manages AND m.person IS NULL)
                    AND (h.regions IS NULL OR d.region = ANY(h.regions))
                    AND (h.entities IS NULL OR d.legal_entity = ANY(h.entities))))))
"""

#: Those with whom the reader shares duties, and of these the ones in whose stead they act today.
_DUTIES: LiteralString = """
WITH duties AS MATERIALIZED (
    SELECT CASE WHEN person = %(me)s THEN deputy ELSE person END AS other, deputy = %(me)s AS acts,
           starts_on, least(ends_on, ended_at::date) AS until, ended_at IS NULL AS holds
    FROM deputies
    WHERE (person = %(me)s OR deputy = %(me)s) AND ends_on > %(day)s::date - 366),
hands AS MATERIALIZED (
    SELECT h.* FROM duties s
    JOIN json_to_recordset(%(hands)s::json)
        AS h (id text, leads boolean, manages boolean, regions text[], entities text[])
      ON h.id = s.other
    WHERE s.acts AND s.holds AND %(day)s BETWEEN s.starts_on AND s.until)
"""

_WAITING = sql.SQL("""
{duties}
SELECT
  (SELECT count(*) FROM ({open}) o)::int AS inbox,
  (SELECT count(*) FROM exceptions x WHERE x.state = 'open'
     AND (x.team = ANY(%(teams)s) OR x.assignee = ANY(%(names)s)) AND {scope})::int AS exceptions,
  (SELECT count(*) FROM time_entries x JOIN resources r ON r.id = x.resource_id
     WHERE (r.id = %(me)s OR lower(r.email) = lower(%(email)s)) AND x.state = 'returned'
       AND x.day > %(day)s::date - 180)::int AS my_time,
  (SELECT count(*) FROM (
     SELECT 1 FROM time_entries x WHERE x.state = 'submitted' AND {flagged_time}
     UNION ALL
     SELECT 1 FROM expenses x WHERE x.state = 'submitted' AND {flagged_expense}
     LIMIT %(most)s) flagged
     WHERE %(leads)s OR %(manages)s OR EXISTS (SELECT 1 FROM hands))::int AS time,
  (SELECT count(*) FROM readiness_board x
     WHERE %(proposes)s AND x.ready > 0 AND {own})::int AS ready,
  (SELECT count(*) FROM invoices x
     WHERE (%(proposes)s AND x.state = 'proposed' OR %(releases)s AND x.state = 'reviewed')
       AND {own})::int AS invoices,
  (SELECT count(*) FROM systems WHERE id = ANY(%(systems)s))::int AS systems,
  (SELECT count(*) FROM systems
     WHERE id = ANY(%(systems)s) AND breaker = 'closed' AND paused_by IS NULL)::int AS healthy
""").format(
    duties=sql.SQL(_DUTIES),
    open=OPEN,
    scope=SCOPE,
    own=_OWN,
    flagged_time=sql.SQL(_FLAGGED).format(kind=sql.Literal("time")),
    flagged_expense=sql.SQL(_FLAGGED).format(kind=sql.Literal("expense")),
)

# Which of these are engagements of the regions and legal entities that are visible.
_VISIBLE = """
SELECT x.id FROM engagements x WHERE x.id = ANY(%(chains)s)
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
"""


@dataclass(frozen=True)
class Books:
    """Who may be among the people who book time, what they approve by their roles, and which day
    it is."""

    id: str
    email: str | None
    leads: bool
    manages: bool
    day: date
    hands: str  #: as JSON: everybody in whose stead one may act, by what they approve


@dataclass(frozen=True)
class Bills:
    """What the reader may do with invoices."""

    proposes: bool
    releases: bool


def waiting(
    tx: Tx, scope: Scope, reader: Reader, systems: Sequence[str], books: Books, bills: Bills
) -> Waiting:
    """`systems`: those that are configured."""
    own = {**vars(books), "me": books.id, "most": _MOST_FLAGGED, **vars(bills)}
    values = {**eyes(scope, reader), "mine": True, "systems": list(systems), **own}
    row = tx.execute(_WAITING, values).fetchone()
    assert row is not None
    by_page = {
        "inbox": row["inbox"],
        "exceptions": row["exceptions"],
        "my-time": row["my_time"],
        "billing": row["ready"] + row["invoices"],
        "time": row["time"],
    }
    cut = frozenset({"time"} if row["time"] == _MOST_FLAGGED else ())
    return Waiting(by_page, cut, row["systems"], row["healthy"])


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
