"""How soon time and expenses are handed in and approved, from their rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from fairlead.store.database import Tx

# From the moment something was handed in to the decision on it, in hours; by region.
_LATENCY = """
SELECT region, count(*)::int AS decided,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY hours) AS ninth, max(hours) AS longest
FROM (SELECT region, legal_entity, state, decided_at,
             extract(epoch FROM decided_at - submitted_at) / 3600.0 AS hours
      FROM time_entries WHERE decided_at IS NOT NULL
      UNION ALL
      SELECT region, legal_entity, state, decided_at,
             extract(epoch FROM decided_at - submitted_at) / 3600.0
      FROM expenses WHERE decided_at IS NOT NULL) AS x
WHERE decided_at >= %(since)s AND decided_at < %(until)s::date + 1
  AND (%(regions)s::text[] IS NULL OR region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR legal_entity = ANY(%(entities)s))
GROUP BY region ORDER BY region
"""

# Weeks that were due by now: handed in by then, later, or not at all; by region.
_COMPLIANCE = """
SELECT p.region, count(*)::int AS due,
       count(*) FILTER (WHERE t.submitted_at <= t.due_at)::int AS in_time,
       count(*) FILTER (WHERE t.submitted_at > t.due_at)::int AS late,
       count(*) FILTER (WHERE t.submitted_at IS NULL)::int AS missing
FROM timesheets t JOIN resources p ON p.id = t.resource_id
WHERE t.due_at <= clock_timestamp() AND t.week BETWEEN %(since)s AND %(until)s
  AND (%(regions)s::text[] IS NULL OR p.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR p.legal_entity = ANY(%(entities)s))
GROUP BY p.region ORDER BY p.region
"""


def latency(
    tx: Tx, since: date, until: date, regions: Collection[str] | None,
    entities: Collection[str] | None,
) -> list[Mapping[str, Any]]:  # fmt: skip
    """Of what was decided on these days (UTC), both included."""
    return list(tx.execute(_LATENCY, _values(since, until, regions, entities)))


def compliance(
    tx: Tx, since: date, until: date, regions: Collection[str] | None,
    entities: Collection[str] | None,
) -> list[Mapping[str, Any]]:  # fmt: skip
    """Of weeks whose Monday is one of these days, and that are due."""
    return list(tx.execute(_COMPLIANCE, _values(since, until, regions, entities)))


def _values(
    since: date,
    until: date,
    regions: Collection[str] | None,
    entities: Collection[str] | None,
) -> dict[str, Any]:
    return {
        "since": since,
        "until": until,
        "regions": None if regions is None else sorted(regions),
        "entities": None if entities is None else sorted(entities),
    }
