"""Whether there is enough to invoice of an engagement that somebody, or Fairlead, should begin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, LiteralString

from fairlead.store.database import Tx


def _free(kind: LiteralString) -> LiteralString:
    """In no live invoice, and not held by itself."""
    return """
NOT EXISTS (SELECT 1 FROM invoice_items i
            WHERE i.kind = '{kind}' AND i.item_id = x.id AND i.live)
AND NOT EXISTS (SELECT 1 FROM billing_holds h WHERE h.engagement_id = x.engagement_id
                AND h.kind = '{kind}' AND h.item_id = x.id AND h.lifted_at IS NULL)
""".replace("{kind}", kind)


# What could be billed of an engagement, what still waits for approval, and what is drafted.
_STANDS: LiteralString = (
    """
SELECT t.minutes, t.since, t.waiting, e.spent_since, m.count + c.count AS fees, v.drafts
FROM (SELECT coalesce(sum(x.minutes) FILTER (WHERE x.state = 'approved'), 0)::bigint AS minutes,
             min(x.day) FILTER (WHERE x.state = 'approved' AND x.reverses IS NULL) AS since,
             count(*) FILTER (WHERE x.state = 'submitted')::int AS waiting
      FROM time_entries x WHERE x.engagement_id = %(id)s AND x.billable
        AND x.state IN ('submitted', 'approved') AND {free_time}) t,
     (SELECT min(x.day) AS spent_since FROM expenses x
      WHERE x.engagement_id = %(id)s AND x.billable AND x.state = 'approved'
        AND x.reverses IS NULL AND NOT EXISTS (SELECT 1 FROM expenses r WHERE r.reverses = x.id
                                               AND r.state IN ('submitted', 'approved'))
        AND {free_expense}) e,
     (SELECT count(*)::int AS count FROM milestones x
      WHERE x.engagement_id = %(id)s AND x.state = 'accepted' AND {free_milestone}) m,
     (SELECT count(*)::int AS count FROM charges x
      WHERE x.engagement_id = %(id)s AND x.cancelled_at IS NULL AND x.due_on <= %(on)s
        AND {free_charge}) c,
     (SELECT count(*)::int AS drafts FROM invoices
      WHERE engagement_id = %(id)s AND kind = 'invoice' AND state IN ('proposed', 'reviewed')) v
""".replace("{free_time}", _free("time"))
    .replace("{free_expense}", _free("expense"))
    .replace("{free_milestone}", _free("milestone"))
    .replace("{free_charge}", _free("charge"))
)

# Engagements with something ready and no draft of it, which nobody looked at today as they stand
# now. What we drafted and a person gave up is not drafted anew for a week.
_TO_WEIGH: LiteralString = """
SELECT b.engagement_id AS id, b.engagement_id || '/' || %(day)s || '/' || b.ready AS name
FROM readiness_board b
WHERE b.ready > 0
  AND NOT EXISTS (
      SELECT 1 FROM invoices v WHERE v.engagement_id = b.engagement_id AND v.kind = 'invoice'
        AND (v.state IN ('proposed', 'reviewed')
             OR v.state = 'discarded' AND v.proposed_by = %(ours)s
                AND v.proposed_at > %(now)s - interval '7 days'))
  AND NOT EXISTS (
      SELECT 1 FROM inbox m WHERE m.source = %(ours)s
        AND m.message = %(type)s || '/' || b.engagement_id || '/' || %(day)s || '/' || b.ready)
ORDER BY b.engagement_id LIMIT %(limit)s
"""


def stands(tx: Tx, engagement: str, on: date) -> Mapping[str, Any]:
    """`minutes` of approved billable time in no live invoice, `since` which day, how many billable
    entries are `waiting` for approval; `spent_since`, the day of the first approved expense that
    the client repays; how many `fees` are due on the day `on`, and how many `drafts` there are."""
    row = tx.execute(_STANDS, {"id": engagement, "on": on}).fetchone()
    assert row is not None
    return row


def to_weigh(tx: Tx, now: datetime, *, type: str, ours: str, limit: int) -> list[Mapping[str, Any]]:
    """`id` of each, and the `name` under which it is said, by the message `type` of `ours`, that it
    is to be looked at: another one once another day has come, or something else is ready."""
    day = str(now.date())
    values = {"day": day, "now": now, "type": type, "ours": ours, "limit": limit}
    return list(tx.execute(_TO_WEIGH, values).fetchall())
