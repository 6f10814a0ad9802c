"""Differences between systems, as the last comparison found them (F117)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.domain.rules.ownership import Difference
from fairlead.store.database import Tx

_NOTE = """
INSERT INTO differences (engagement_id, field, system, owner, owner_value, system_value, region,
    amount, currency, rule, first_seen_at, last_seen_at)
VALUES (%(engagement)s, %(field)s, %(system)s, %(owner)s, %(owner_value)s, %(system_value)s,
    %(region)s, %(amount)s, %(currency)s, %(rule)s, now(), now())
ON CONFLICT (engagement_id, field, system) DO UPDATE SET owner = EXCLUDED.owner,
    owner_value = EXCLUDED.owner_value, system_value = EXCLUDED.system_value,
    region = EXCLUDED.region, amount = EXCLUDED.amount, currency = EXCLUDED.currency,
    rule = EXCLUDED.rule, last_seen_at = EXCLUDED.last_seen_at
"""

_GONE = """
DELETE FROM differences WHERE engagement_id = %s AND NOT (field || ' ' || system) = ANY(%s)
"""


def note(tx: Tx, engagement: str, region: str | None, found: Sequence[Difference]) -> None:
    """What an engagement's systems say differently now; what they agree on again is gone."""
    tx.execute(_GONE, [engagement, [f"{one.field} {one.holder}" for one in found]])
    for one in found:
        row: dict[str, Any] = {
            "engagement": engagement,
            "field": one.field,
            "system": one.holder,
            "owner": one.owner,
            "owner_value": Jsonb(one.owner_value),
            "system_value": Jsonb(one.value),
            "region": region,
            "amount": one.amount.amount if one.amount else None,
            "currency": one.amount.currency if one.amount else None,
            "rule": one.rule,
        }
        tx.execute(_NOTE, row)
