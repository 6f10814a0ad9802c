"""What was approved against what the ledger has taken: by person for payroll, by engagement."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from fairlead.store.database import Tx

# Hours of a month by person, company that employs them and kind; of these, taken by the ledger,
# and on sheets that payroll holds and will pay.
_HOURS = """
SELECT x.resource_id AS resource, p.name, p.legal_entity AS employer, x.category,
       sum(x.minutes)::bigint AS approved,
       coalesce(sum(x.minutes) FILTER (WHERE e.state = 'confirmed'), 0)::bigint AS booked,
       coalesce(sum(x.minutes) FILTER (WHERE a.state = 'confirmed'), 0)::bigint AS sent
FROM time_entries x LEFT JOIN resources p ON p.id = x.resource_id
LEFT JOIN effects e ON e.key = 'time/' || x.id
LEFT JOIN payroll_entries s ON s.entry_id = x.id
LEFT JOIN effects a ON a.key = 'payroll/' || s.sheet_id || '/approve'
WHERE x.state = 'approved' AND x.period = %(month)s
  AND (%(employer)s::text IS NULL OR p.legal_entity = %(employer)s)
  AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
GROUP BY x.resource_id, p.name, p.legal_entity, x.category
HAVING %(after)s::text IS NULL OR (x.resource_id || '/' || x.category) > %(after)s
ORDER BY x.resource_id || '/' || x.category LIMIT %(limit)s
"""

# Each engagement's month: approved, taken by the ledger, and expenses without a receipt.
_WORK = """
SELECT d.engagement_id, d.number, d.currency, sum(x.entries)::int AS entries,
       sum(x.booked_entries)::int AS booked_entries, sum(x.minutes)::bigint AS minutes,
       sum(x.booked_minutes)::bigint AS booked_minutes, sum(x.expenses)::int AS expenses,
       sum(x.booked_expenses)::int AS booked_expenses, sum(x.claimed) AS claimed,
       sum(x.booked) AS booked, sum(x.bare)::int AS without_receipt
FROM (
    SELECT x.engagement_id, count(*) AS entries,
           count(*) FILTER (WHERE e.state = 'confirmed') AS booked_entries,
           sum(x.minutes) AS minutes,
           coalesce(sum(x.minutes) FILTER (WHERE e.state = 'confirmed'), 0) AS booked_minutes,
           0 AS expenses, 0 AS booked_expenses, 0 AS claimed, 0 AS booked, 0 AS bare
    FROM time_entries x LEFT JOIN effects e ON e.key = 'time/' || x.id
    WHERE x.state = 'approved' AND x.period = %(month)s
      AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
      AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
    GROUP BY x.engagement_id
    UNION ALL
    SELECT x.engagement_id, 0, 0, 0, 0, count(*),
           count(*) FILTER (WHERE e.state = 'confirmed'), sum(x.claimed),
           coalesce(sum(x.claimed) FILTER (WHERE e.state = 'confirmed'), 0),
           count(*) FILTER (WHERE x.receipt IS NULL AND x.reverses IS NULL)
    FROM expenses x LEFT JOIN effects e ON e.key = 'expense/' || x.id
    WHERE x.state = 'approved' AND x.period = %(month)s
      AND (%(regions)s::text[] IS NULL OR x.region = ANY(%(regions)s))
      AND (%(entities)s::text[] IS NULL OR x.legal_entity = ANY(%(entities)s))
    GROUP BY x.engagement_id) AS x
JOIN deliveries d USING (engagement_id)
WHERE (%(engagement)s::text IS NULL OR %(engagement)s IN (d.engagement_id, d.number, d.code))
  AND (%(after)s::text IS NULL OR d.engagement_id > %(after)s)
GROUP BY d.engagement_id, d.number, d.currency
HAVING %(differing)s IS FALSE OR sum(x.entries) <> sum(x.booked_entries)
    OR sum(x.expenses) <> sum(x.booked_expenses)
ORDER BY d.engagement_id LIMIT %(limit)s
"""


def hours(
    tx: Tx,
    month: date,
    *,
    employer: str | None,
    regions: Collection[str] | None,
    entities: Collection[str] | None,
    after: str | None,
    limit: int,
) -> list[Mapping[str, Any]]:
    """By person and kind of time, for payroll; minutes that were taken back are taken off."""
    values = {
        "month": month,
        "employer": employer,
        "regions": _some(regions),
        "entities": _some(entities),
        "after": after,
        "limit": limit,
    }
    return list(tx.execute(_HOURS, values))


def work(
    tx: Tx,
    month: date,
    *,
    engagement: str | None,
    differing: bool,
    regions: Collection[str] | None,
    entities: Collection[str] | None,
    after: str | None,
    limit: int,
) -> list[Mapping[str, Any]]:
    """By engagement. `differing`: only where the ledger has not taken all."""
    values = {
        "month": month,
        "engagement": engagement,
        "differing": differing,
        "regions": _some(regions),
        "entities": _some(entities),
        "after": after,
        "limit": limit,
    }
    return list(tx.execute(_WORK, values))


def _some(names: Collection[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)
