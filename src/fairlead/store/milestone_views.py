"""Milestones as one principal may read them, each page in one query."""

from __future__ import annotations

from datetime import date
from typing import Any, LiteralString

from psycopg import sql

from fairlead.store import milestones
from fairlead.store.views import Views

# A milestone is seen by whoever sees its engagement.
_SEEN: LiteralString = """
    ((%(regions)s::text[] IS NULL AND %(entities)s::text[] IS NULL) OR EXISTS (
        SELECT 1 FROM engagements e WHERE e.id = x.engagement_id
        AND (%(regions)s::text[] IS NULL OR e.region = ANY(%(regions)s))
        AND (%(entities)s::text[] IS NULL OR e.legal_entity = ANY(%(entities)s))))
"""

# A page, the first due first; it begins behind the last row of the one before.
_PAGE = sql.SQL("""
SELECT m.*, g.number AS engagement_number, g.name AS engagement_name, g.client_name
FROM ({all} WHERE {seen}
      AND (%(state)s::text IS NULL OR x.state = %(state)s)
      AND (%(engagement)s::text IS NULL OR x.engagement_id = %(engagement)s)
      AND (%(late)s::date IS NULL OR (x.state <> 'accepted' AND x.due_on < %(late)s))
      AND (%(day)s::date IS NULL OR (x.due_on, x.id) > (%(day)s, %(id)s::uuid))
      ORDER BY x.due_on, x.id LIMIT %(limit)s) m
JOIN engagements g ON g.id = m.engagement_id
ORDER BY m.due_on, m.id
""").format(all=sql.SQL(milestones.SELECT), seen=sql.SQL(_SEEN))

_ONE = sql.SQL("""
SELECT m.*, g.number AS engagement_number, g.name AS engagement_name, g.client_name
FROM ({all} WHERE x.id = %(id)s AND {seen}) m
JOIN engagements g ON g.id = m.engagement_id
""").format(all=sql.SQL(milestones.SELECT), seen=sql.SQL(_SEEN))

_EVIDENCE = sql.SQL("""
SELECT v.milestone_id, v.name, v.digest, v.media_type, b.body
FROM milestones x JOIN evidence v ON v.milestone_id = x.id LEFT JOIN blobs b ON b.digest = v.digest
WHERE v.id = %(id)s AND {seen}
""").format(seen=sql.SQL(_SEEN))

# Those of one engagement by number, with the last link of each that is still waited for.
_LINKS: LiteralString = """
SELECT DISTINCT ON (l.milestone_id) l.milestone_id, l.email, l.name, l.expires_at, l.used_at,
       l.decision, l.signed_as, l.made_at
FROM acceptance_links l JOIN milestones x ON x.id = l.milestone_id AND x.submission = l.submission
WHERE x.engagement_id = %(engagement)s
ORDER BY l.milestone_id, l.used_at DESC NULLS LAST, l.made_at DESC
"""

After = tuple[date, str]  #: due day and id of the last row of the page before


class MilestoneViews(Views):
    """The reads of one principal about milestones."""

    def milestones(
        self,
        *,
        engagement: str | None = None,
        state: str | None = None,
        late_on: date | None = None,
        after: After | None = None,
        limit: int,
    ) -> list[dict[str, Any]]:
        """Rows for `store.milestones.read`, the first due first, each with the number, name and
        client of its engagement. `late_on`: only those not accepted and due before this day."""
        values = {
            **self._eyes,
            "engagement": engagement,
            "state": state,
            "late": late_on,
            "day": after[0] if after else None,
            "id": after[1] if after else None,
            "limit": limit,
        }
        return self._tx.execute(_PAGE, values).fetchall()

    def milestone(self, id: str) -> dict[str, Any] | None:
        return self._tx.execute(_ONE, {**self._eyes, "id": id}).fetchone()

    def evidence(self, id: str) -> dict[str, Any] | None:
        """Its milestone, name and, of an upload, its bytes; also of what was withdrawn."""
        return self._tx.execute(_EVIDENCE, {**self._eyes, "id": id}).fetchone()

    def links(self, engagement: str) -> dict[str, dict[str, Any]]:
        """Milestone → the link of its last submission: the one used, else the newest. Of an
        engagement that was found as this principal sees it."""
        rows = self._tx.execute(_LINKS, {"engagement": engagement}).fetchall()
        return {str(row["milestone_id"]): row for row in rows}
