"""Engagements. The columns are for lists and filters; `body` is the whole entity."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.types.json import Jsonb

from fairlead.domain.model.engagement import Engagement
from fairlead.domain.rules.deal_terms import terms
from fairlead.store.database import Tx

_BY_ID = "SELECT body FROM engagements WHERE id = ANY(%s) ORDER BY id"
_BY_ID_LOCKED = _BY_ID + " FOR UPDATE"

_ADD = """
INSERT INTO engagements (id, number, source_system, source_id, state, name, client_name, region,
    legal_entity, currency, value, project_code, body, opened_at, launched_at, version)
VALUES (%(id)s, %(number)s, %(source_system)s, %(source_id)s, %(state)s, %(name)s,
    %(client_name)s, %(region)s, %(legal_entity)s, %(currency)s, %(value)s, %(project_code)s,
    %(body)s, %(opened_at)s, %(launched_at)s, %(version)s)
ON CONFLICT DO NOTHING
"""

_SAVE = """
UPDATE engagements SET state = %(state)s, name = %(name)s, client_name = %(client_name)s,
    region = %(region)s, legal_entity = %(legal_entity)s, currency = %(currency)s,
    value = %(value)s, project_code = %(project_code)s, body = %(body)s,
    launched_at = %(launched_at)s, version = %(version)s
WHERE id = %(id)s
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


def save(tx: Tx, engagements: Sequence[Engagement]) -> None:
    """Each is one version further than it was read."""
    for engagement in engagements:
        tx.execute(_SAVE, _columns(engagement))
