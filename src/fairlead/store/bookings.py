"""Approved time and expenses on their way to the ledger. What is there is told by its effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from fairlead.store.database import Tx

# Approved and not confirmed in the ledger: of one engagement, worked in one week.
_TIME = """
SELECT x.id, x.resource_id AS resource, p.email AS resource_email, x.task, x.day, x.minutes,
       x.category, x.billable, x.narrative
FROM time_entries x LEFT JOIN resources p ON p.id = x.resource_id
WHERE x.engagement_id = %(engagement)s AND x.day BETWEEN %(week)s AND %(week)s::date + 6
  AND x.state = 'approved' AND NOT EXISTS (
      SELECT 1 FROM effects e WHERE e.key = 'time/' || x.id AND e.state = 'confirmed')
ORDER BY x.day, x.id
"""
_EXPENSES = """
SELECT x.id, x.resource_id AS resource, p.email AS resource_email, x.task, x.day, x.category,
       x.claimed, d.currency, x.billable, x.merchant, x.note
FROM expenses x JOIN deliveries d USING (engagement_id)
LEFT JOIN resources p ON p.id = x.resource_id
WHERE x.engagement_id = %(engagement)s AND x.day BETWEEN %(week)s AND %(week)s::date + 6
  AND x.state = 'approved' AND NOT EXISTS (
      SELECT 1 FROM effects e WHERE e.key = 'expense/' || x.id AND e.state = 'confirmed')
ORDER BY x.day, x.id
"""


def time(tx: Tx, engagement: str, week: date) -> list[Mapping[str, Any]]:
    return list(tx.execute(_TIME, {"engagement": engagement, "week": week}))


def expenses(tx: Tx, engagement: str, week: date) -> list[Mapping[str, Any]]:
    return list(tx.execute(_EXPENSES, {"engagement": engagement, "week": week}))
