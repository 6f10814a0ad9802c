"""Engagements. The columns are for lists and filters; `body` is the whole entity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from psycopg.types.json import Jsonb

from fairlead.domain.ids import EngagementId
from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.deal_terms import terms
from fairlead.domain.values import ExternalRef
from fairlead.store.database import Tx

_BY_ID = "SELECT body FROM engagements WHERE id = ANY(%s) ORDER BY id"
_BY_ID_LOCKED = _BY_ID + " FOR UPDATE"

_ADD = """
INSERT INTO engagements (id, number, source_system, source_id, state, name, client_name, region,
    legal_entity, currency, value, project_code, body, opened_at, launched_at, version,
    agreement, parent)
VALUES (%(id)s, %(number)s, %(source_system)s, %(source_id)s, %(state)s, %(name)s,
    %(client_name)s, %(region)s, %(legal_entity)s, %(currency)s, %(value)s, %(project_code)s,
    %(body)s, %(opened_at)s, %(launched_at)s, %(version)s, %(agreement)s, %(parent)s)
ON CONFLICT DO NOTHING
"""

_SAVE = """
UPDATE engagements SET state = %(state)s, name = %(name)s, client_name = %(client_name)s,
    region = %(region)s, legal_entity = %(legal_entity)s, currency = %(currency)s,
    value = %(value)s, project_code = %(project_code)s, body = %(body)s,
    launched_at = %(launched_at)s, version = %(version)s, agreement = %(agreement)s
WHERE id = %(id)s
"""

_OF_AGREEMENT = """
SELECT id FROM engagements WHERE agreement = %(agreement)s
  AND coalesce(body->'agreement'->'ref'->>'system', %(system)s) = %(system)s ORDER BY id
"""

_DUE = """
UPDATE engagements SET compare_at = clock_timestamp() + %(every)s
WHERE id IN (SELECT id FROM engagements WHERE state = 'launched' AND compare_at <= clock_timestamp()
             ORDER BY compare_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id
"""

# Spread evenly over the weeks from the first day to the last.
_COMMITTED = """
SELECT role->>'role' AS role, sum((role->>'hours')::numeric
    / greatest(1, ((e.body->'deal'->>'ends_on')::date - (e.body->'deal'->>'starts_on')::date) / 7.0)
    )::numeric(24, 2) AS hours
FROM engagements e, jsonb_array_elements(e.body->'deal'->'roles') AS role
WHERE e.state IN ('in_setup', 'awaiting_launch', 'launched')
  AND (%(region)s::text IS NULL OR e.region = %(region)s)
  AND (e.body->'deal'->>'ends_on')::date >= current_date
GROUP BY 1
"""


def _columns(engagement: Engagement) -> dict[str, object]:
    deal = terms(engagement)  # with what people supplied: who may see it follows from its region
    return {
        "id": engagement.id,
        "number": engagement.number,
        "source_system": deal.ref.system,
        "source_id": deal.ref.id,
        "state": engagement.state,
        "name": deal.name,
        "client_name": deal.client.name if deal.client else None,
        "region": deal.region,
        "legal_entity": deal.legal_entity,
        "currency": deal.value.currency if deal.value else None,
        "value": deal.value.amount if deal.value else None,
        "project_code": engagement.project_code,
        "body": Jsonb(engagement.model_dump(mode="json")),
        "opened_at": engagement.opened_at,
        "launched_at": engagement.launched_at,
        "version": engagement.version,
        "agreement": deal.contract.agreement if deal.contract else None,
        "parent": engagement.parent,
    }


def next_number(tx: Tx) -> str:
    row = tx.execute("SELECT nextval('engagement_numbers') AS n").fetchone()
    assert row is not None
    return f"ENG-{row['n']}"


def add(tx: Tx, engagement: Engagement) -> bool:
    """False: the deal has its engagement already.

    Id and source are unique together: naming one of them would let the other's violation out
    when two threads add the same deal at once.
    """
    return tx.execute(_ADD, _columns(engagement)).rowcount == 1


def load(tx: Tx, ids: Sequence[str], *, lock: bool) -> dict[str, Engagement]:
    """By id. `lock`: nobody else changes them until the transaction ends."""
    rows = tx.execute(_BY_ID_LOCKED if lock else _BY_ID, [list(ids)]).fetchall()
    found = [Engagement.model_validate(row["body"]) for row in rows]
    return {engagement.id: engagement for engagement in found}


def of_agreement(tx: Tx, system: str, agreement: str) -> list[EngagementId]:
    """Ids of the engagements whose contract is kept under this id, in one order for everybody.

    Two systems may give the same id: one that is known to come from another is left out.
    """
    rows = tx.execute(_OF_AGREEMENT, {"agreement": agreement, "system": system}).fetchall()
    return [EngagementId(row["id"]) for row in rows]


def due_for_comparison(tx: Tx, every: timedelta, limit: int) -> list[EngagementId]:
    """Launched engagements that nobody compared for so long; nobody else takes them meanwhile."""
    rows = tx.execute(_DUE, {"every": every, "limit": limit}).fetchall()
    return [EngagementId(row["id"]) for row in rows]


def committed_hours(tx: Tx, region: str | None) -> dict[str, Decimal]:
    """Role → hours a week that engagements under way were sold with; one region, or all."""
    rows = tx.execute(_COMMITTED, {"region": region}).fetchall()
    return {row["role"]: row["hours"] for row in rows}


# By the folder that was made for it; the index `engagements_by_folder` finds it.
_OF_FOLDER = """
SELECT body FROM engagements WHERE body #>> '{refs,folder,id}' = ANY(%s)
"""


def of_folder(tx: Tx, folders: Sequence[ExternalRef]) -> Engagement | None:
    """The engagement whose folder is the first of these that is one's. Parts share none."""
    rows = tx.execute(_OF_FOLDER, [[one.id for one in folders]]).fetchall()
    found = {
        one.refs["folder"]: one for one in (Engagement.model_validate(r["body"]) for r in rows)
    }
    return next((found[one] for one in folders if one in found), None)


def save(tx: Tx, engagements: Sequence[Engagement]) -> None:
    """Each is one version further than it was read."""
    for engagement in engagements:
        tx.execute(_SAVE, _columns(engagement))
