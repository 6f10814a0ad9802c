"""What payroll holds and has paid, beside what was sent, as people read it (F076, F277).

A company is in no region: whoever sees some regions only sees none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

from fairlead.store.database import Tx

_FITS: LiteralString = """
  %(regions)s::text[] IS NULL
  AND (%(entities)s::text[] IS NULL OR m.legal_entity = ANY(%(entities)s))
  AND (%(employer)s::text IS NULL OR m.legal_entity = %(employer)s)
  AND (%(month)s::date IS NULL OR m.month = %(month)s)
"""

# The last complete comparison of each month that was given to payroll, longest ago first.
_COMPARISONS: LiteralString = """
SELECT x.engagement_id || '/' || x.kept AS place, m.legal_entity AS employer, m.month, x.system,
       x.kept, x.ours, x.theirs, x.our_sum, x.their_sum, x.compared_at,
       (SELECT count(*) FROM discrepancies y WHERE y.engagement_id = x.engagement_id
          AND y.system = x.system AND y.kept = x.kept)::int AS discrepancies
FROM reconciliations x JOIN payroll_months m ON m.id = x.engagement_id
WHERE {fits}
  AND (%(at)s::timestamptz IS NULL
       OR (x.compared_at, x.engagement_id || '/' || x.kept) > (%(at)s, %(id)s))
ORDER BY x.compared_at, place LIMIT %(limit)s
""".replace("{fits}", _FITS)

# What differs, oldest first.
_DISCREPANCIES: LiteralString = """
SELECT x.id, m.legal_entity AS employer, m.month, x.system, x.kept, x.kind, x.key, x.refs, x.ours,
       x.theirs, x.difference, x.whose, x.words, x.remedy, x.first_seen_at, x.last_seen_at
FROM discrepancies x JOIN payroll_months m ON m.id = x.engagement_id
WHERE {fits}
  AND (%(at)s::timestamptz IS NULL OR (x.first_seen_at, x.id) > (%(at)s, %(id)s::uuid))
ORDER BY x.first_seen_at, x.id LIMIT %(limit)s
""".replace("{fits}", _FITS)


def comparisons(tx: Tx, scope: Mapping[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """`scope`: regions and entities; `asked`: month, employer, at and id (of the last row of the
    page before), limit."""
    return tx.execute(_COMPARISONS, {**scope, **asked}).fetchall()


def discrepancies(tx: Tx, scope: Mapping[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """As `comparisons`."""
    return tx.execute(_DISCREPANCIES, {**scope, **asked}).fetchall()
