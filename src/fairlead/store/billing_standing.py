"""What keeps a whole engagement from being invoiced, whatever is ready of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx

# One row for each engagement: its hold, an open change of the contract, a client record in
# dispute between systems, whether the ledger knows client and project, and whether the month of
# the day is closed.
_STANDING: LiteralString = """
SELECT d.engagement_id, d.number, d.code, d.name, d.client_name, d.region, d.legal_entity,
       d.currency, d.contract_type, d.billing_method, d.body->>'purchase_order' AS purchase_order,
       (d.body->'purchase_order_limit'->>'amount')::numeric AS order_limit,
       (d.body->'cap'->>'amount')::numeric AS cap,
       d.body->'refs' ? 'client' AS has_client, d.body->'refs' ? 'ledger_project' AS has_project,
       d.opened_at, h.reason AS hold, h.placed_by AS held_by, h.placed_at AS held_at,
       c.started_at AS change_since, x.opened_at AS conflict_since, x.team AS conflict_team,
       p.closed_at AS period_closed_at
FROM deliveries d
LEFT JOIN billing_holds h ON h.engagement_id = d.engagement_id AND h.item_id IS NULL
      AND h.lifted_at IS NULL
LEFT JOIN (SELECT subject_id, min(started_at) AS started_at FROM runs
           WHERE playbook = 'contract-change' AND state = 'active' GROUP BY 1) c
       ON c.subject_id = d.engagement_id
LEFT JOIN (SELECT subject_id, min(opened_at) AS opened_at, min(team) AS team FROM exceptions
           WHERE state = 'open' AND step = 'agree_client_record' GROUP BY 1) x
       ON x.subject_id = d.engagement_id
LEFT JOIN periods p ON p.legal_entity = d.legal_entity AND p.state = 'closed'
      AND p.month = date_trunc('month', coalesce((%(days)s::jsonb->>d.legal_entity)::date,
                                                 %(on)s))::date
WHERE (%(ids)s::text[] IS NULL OR d.engagement_id = ANY(%(ids)s))
  AND (%(ids)s::text[] IS NOT NULL OR d.closed_at IS NULL)
  AND (%(regions)s::text[] IS NULL OR d.region = ANY(%(regions)s))
  AND (%(entities)s::text[] IS NULL OR d.legal_entity = ANY(%(entities)s))
ORDER BY d.engagement_id
"""


def standing(
    tx: Tx,
    ids: Sequence[str] | None,
    on: date,
    days: Mapping[str, date] | None = None,
    *,
    regions: Sequence[str] | None = None,
    entities: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """Of these engagements, or of all that are open, for an invoice dated `on`, or on the
    day of its company where that is among `days`."""
    values = {
        "ids": None if ids is None else list(ids),
        "on": on,
        "days": Jsonb({company: day.isoformat() for company, day in (days or {}).items()}),
        "regions": None if regions is None else list(regions),
        "entities": None if entities is None else list(entities),
    }
    return tx.execute(_STANDING, values).fetchall()
