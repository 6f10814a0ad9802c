"""What a contract was worth and how long it ran, by date; and what is left to do, by estimate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from fairlead.domain.model.revenue import Treatment
from fairlead.store.database import Tx

# The first terms hold from the start. What differs from the last is a change, from the day on which
# it is noted; terms of that day are noted anew.
_NOTE = """
INSERT INTO contract_terms (engagement_id, valid_from, price, currency, minutes, starts_on, ends_on,
    treatment, source, noted_at)
SELECT d.engagement_id, CASE WHEN last.valid_from IS NULL THEN d.starts_on ELSE %(from)s END,
       now.price, d.currency, now.minutes, d.starts_on, d.ends_on,
       CASE WHEN last.valid_from IS NULL OR last.valid_from >= %(from)s
            THEN coalesce(last.treatment, 'catch_up') ELSE %(treatment)s END,
       coalesce(%(source)s, 'contract ' || coalesce(d.body ->> 'contract_number', d.number)),
       %(at)s
FROM deliveries d
CROSS JOIN LATERAL (
    SELECT (d.body -> 'value' ->> 'amount')::numeric AS price,
           (d.body ->> 'budget_minutes')::int AS minutes
) AS now
LEFT JOIN LATERAL (
    SELECT * FROM contract_terms t WHERE t.engagement_id = d.engagement_id
    ORDER BY valid_from DESC LIMIT 1
) AS last ON true
WHERE d.engagement_id = ANY(%(ids)s) AND (last.valid_from IS NULL OR
    (last.price, last.minutes, last.starts_on, last.ends_on)
      IS DISTINCT FROM (now.price, now.minutes, d.starts_on, d.ends_on))
ON CONFLICT (engagement_id, valid_from) DO UPDATE SET price = EXCLUDED.price,
    minutes = EXCLUDED.minutes, starts_on = EXCLUDED.starts_on, ends_on = EXCLUDED.ends_on,
    source = EXCLUDED.source, noted_at = EXCLUDED.noted_at
RETURNING engagement_id
"""

_FORECAST = """
INSERT INTO forecasts (engagement_id, made_on, minutes_left, minutes_done, reason, made_by, made_at)
SELECT %(id)s, %(on)s, %(left)s, coalesce((
    SELECT sum(minutes) FROM time_entries
    WHERE engagement_id = %(id)s AND state = 'approved' AND day <= %(on)s), 0),
    %(reason)s, %(by)s, %(at)s
ON CONFLICT (engagement_id, made_on) DO UPDATE SET minutes_left = EXCLUDED.minutes_left,
    minutes_done = EXCLUDED.minutes_done, reason = EXCLUDED.reason, made_by = EXCLUDED.made_by,
    made_at = EXCLUDED.made_at
"""


def note(
    tx: Tx,
    ids: Sequence[str],
    *,
    since: date,
    treatment: Treatment,
    at: datetime,
    source: str | None = None,
) -> list[str]:
    """Keep the terms of these engagements as they are now, where they changed; whose did.

    `since`: the day from which a change holds (IFRS 15.18: when it is approved). `treatment`: how
    it is accounted for. Told again, nothing changes.
    """
    rows = tx.execute(
        _NOTE,
        {
            "ids": list(ids),
            "from": since,
            "treatment": treatment,
            "at": at,
            "source": source,
        },
    ).fetchall()
    return [row["engagement_id"] for row in rows]


def forecast(
    tx: Tx, id: str, *, on: date, minutes_left: int, reason: str, by: str, at: datetime
) -> None:
    """Keep what is left to do from a day on; the last word of a day counts."""
    values: dict[str, Any] = {
        "id": id, "on": on, "left": minutes_left, "reason": reason, "by": by, "at": at,
    }  # fmt: skip
    tx.execute(_FORECAST, values)
