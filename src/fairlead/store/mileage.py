"""How far a person has claimed to have driven in a year of a mileage policy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from fairlead.store import bulk
from fairlead.store.database import Tx

# Of each expense, the distance that its person claimed before it: on earlier days of the year (on
# its day: entered earlier), and on later days what was approved before it was entered, which stays
# as it was reckoned. Nothing that was taken back, or takes back. One that is not stored yet is
# entered now.
_BEFORE = """
SELECT a.id, bool_or(own.id IS NOT NULL) AS stored, sum(o.quantity) AS distance
FROM json_to_recordset(%s::json)
    AS a(id uuid, resource text, category text, country text, since date, until date, day date)
LEFT JOIN expenses own ON own.id = a.id
LEFT JOIN (expenses o JOIN deliveries d ON d.engagement_id = o.engagement_id)
   ON o.resource_id = a.resource AND o.day BETWEEN a.since AND a.until
  AND o.category = a.category AND o.id <> a.id
  AND coalesce(o.country, d.body->>'country') = a.country AND o.reverses IS NULL
  AND NOT EXISTS (SELECT 1 FROM expenses r WHERE r.reverses = o.id)
  AND ((o.day, o.entered_at, o.id) < (a.day, coalesce(own.entered_at, now()), a.id)
       OR (o.state = 'approved' AND o.decided_at < coalesce(own.entered_at, now())))
GROUP BY a.id
"""


@dataclass(frozen=True)
class Journey:
    """One that is claimed, and the year that it counts in; both days included."""

    id: UUID
    resource: str
    category: str
    country: str
    since: date
    until: date
    day: date
    distance: Decimal  #: in the unit of its country


def before(tx: Tx, journeys: Sequence[Journey]) -> Mapping[UUID, Decimal]:
    """By journey, what its person had claimed in its year before it. Those that are not stored yet
    count among each other by day, then by id."""
    if not journeys:
        return {}
    fields = ("resource", "category", "country", "since", "until", "day")
    asked = [
        {"id": str(one.id), **{name: getattr(one, name) for name in fields}} for one in journeys
    ]
    rows = tx.execute(_BEFORE, [bulk.as_json(asked)]).fetchall()
    stored = {row["id"] for row in rows if row["stored"]}
    claimed = {row["id"]: row["distance"] or Decimal(0) for row in rows}
    new: defaultdict[tuple[str, str, str, date], Decimal] = defaultdict(Decimal)
    for one in sorted(journeys, key=lambda one: (one.day, one.id not in stored, one.id)):
        year = (one.resource, one.category, one.country, one.since)
        claimed[one.id] += new[year]
        if one.id not in stored:
            new[year] += one.distance
    return claimed
