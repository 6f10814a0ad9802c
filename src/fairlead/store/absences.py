"""When people are away, as the HR system says. Days are whole, both included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from fairlead.domain.values import Period
from fairlead.store.bulk import plain
from fairlead.store.database import Tx

_FORGET = """
DELETE FROM absences WHERE source = %s AND starts_on <= %s AND ends_on >= %s
"""

# Two that begin on one day are one: the longer.
_ADD = """
INSERT INTO absences (resource_id, starts_on, source, ends_on, kind)
SELECT DISTINCT ON (resource_id, starts_on) resource_id, starts_on, source, ends_on, kind
FROM json_populate_recordset(NULL::absences, %s::json)
ORDER BY resource_id, starts_on, ends_on DESC
ON CONFLICT (resource_id, starts_on, source)
DO UPDATE SET ends_on = EXCLUDED.ends_on, kind = EXCLUDED.kind
"""

_OF = """
SELECT starts_on, ends_on, kind FROM absences
WHERE resource_id = %s AND starts_on <= %s AND ends_on >= %s ORDER BY starts_on, kind
"""


def replace(
    tx: Tx,
    source: str,
    start: date,
    end: date,
    absences: Sequence[tuple[str, Period, str]],
) -> None:
    """All that `source` knows of these days: person, period with an end, kind. What it said of
    them before is forgotten."""
    tx.execute(_FORGET, [source, end, start])
    rows: list[dict[str, Any]] = [
        {
            "resource_id": person,
            "starts_on": period.start,
            "ends_on": period.end,
            "kind": kind,
            "source": source,
        }
        for person, period, kind in absences
    ]
    if rows:
        tx.execute(_ADD, [json.dumps(rows, default=plain)])


def of(tx: Tx, resource: str, start: date, end: date) -> list[tuple[Period, str]]:
    """When one person is away within these days."""
    rows = tx.execute(_OF, [resource, end, start]).fetchall()
    return [(Period(start=r["starts_on"], end=r["ends_on"]), r["kind"]) for r in rows]
