"""What an hour of a person costs, by date. Rows are only added: a new price is a new first day."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from fairlead.domain.model.cost_rate import CostRate
from fairlead.domain.values import Money
from fairlead.store import bulk
from fairlead.store.database import Tx

# What holds already, of those that are told.
_KNOWN = """
SELECT c.resource_id, c.valid_from, c.per_hour, c.currency FROM cost_rates c
JOIN json_to_recordset(%s::json) AS t (resource_id text, valid_from date)
  USING (resource_id, valid_from)
"""

# The last month that is closed for the company that employs each person.
_CLOSED = """
SELECT r.id, max(p.month) AS month FROM resources r
JOIN periods p ON p.legal_entity = r.legal_entity AND p.state = 'closed'
WHERE r.id = ANY(%s) GROUP BY r.id
"""

_PAGE = """
SELECT c.resource_id, c.valid_from, c.per_hour, c.currency, c.source,
       c.resource_id || '@' || c.valid_from AS place
FROM cost_rates c JOIN resources r ON r.id = c.resource_id
WHERE (%(regions)s::text[] IS NULL OR r.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR r.legal_entity = ANY(%(entities)s))
  AND (%(resource)s::text IS NULL OR c.resource_id = %(resource)s)
  AND (%(after)s::text IS NULL OR c.resource_id || '@' || c.valid_from > %(after)s)
ORDER BY place LIMIT %(limit)s
"""


def known(tx: Tx, rates: Sequence[CostRate]) -> dict[tuple[str, date], CostRate]:
    """Those of the same person and first day that are kept."""
    keys = [{"resource_id": one.resource, "valid_from": one.valid_from} for one in rates]
    return {
        (row["resource_id"], row["valid_from"]): CostRate(
            resource=row["resource_id"],
            valid_from=row["valid_from"],
            per_hour=Money(amount=row["per_hour"], currency=row["currency"]),
        )
        for row in tx.execute(_KNOWN, [json.dumps(keys, default=bulk.plain)])
    }


def closed_until(tx: Tx, resources: Sequence[str]) -> dict[str, date]:
    """Person → first day of the last month that is closed for the company that employs them."""
    return {row["id"]: row["month"] for row in tx.execute(_CLOSED, [list(resources)])}


def add(tx: Tx, rates: Sequence[CostRate], source: str) -> None:
    bulk.insert(
        tx,
        "cost_rates",
        [
            {
                "resource_id": one.resource,
                "valid_from": one.valid_from,
                "per_hour": one.per_hour.amount,
                "currency": one.per_hour.currency,
                "source": source,
            }
            for one in rates
        ],
    )


def listed(tx: Tx, **asked: Any) -> list[dict[str, Any]]:
    """`asked`: regions, entities, resource, after, limit."""
    return tx.execute(_PAGE, asked).fetchall()
