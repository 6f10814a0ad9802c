"""Who was named to manage an engagement."""

from __future__ import annotations

from datetime import datetime

from fairlead.store.database import Tx

_NAME = """
INSERT INTO engagement_managers (engagement_id, person, named_by, named_at)
VALUES (%(engagement)s, %(person)s, %(by)s, %(now)s)
ON CONFLICT (engagement_id) DO UPDATE
SET person = EXCLUDED.person, named_by = EXCLUDED.named_by, named_at = EXCLUDED.named_at
"""


def name(tx: Tx, engagement: str, person: str, *, by: str, now: datetime) -> None:
    tx.execute(_NAME, {"engagement": engagement, "person": person, "by": by, "now": now})
