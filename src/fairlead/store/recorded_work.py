"""Our time and expenses beside those of a project system: what came from there, or did not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from fairlead.store.database import Tx

# All of an engagement but what takes others back. `ref`: its id in the system, null where it was
# entered here. `taking_back`: the state of the entry that takes it back.
_TIME = """
SELECT x.id::text AS key, x.minutes, x.day, x.task, x.billable, x.state, x.narrative,
       lower(coalesce(p.email, x.resource_id)) AS whose, b.state AS taking_back,
       CASE WHEN x.source = %(system)s THEN x.source_id
            WHEN x.source = %(file)s AND starts_with(x.source_id, 'id:')
            THEN substr(x.source_id, 4) END AS ref,
       coalesce(greatest(x.changed_at, b.changed_at) >= %(asked_at)s, false) AS touched
FROM time_entries x LEFT JOIN resources p ON p.id = x.resource_id
LEFT JOIN time_entries b ON b.reverses = x.id
WHERE x.engagement_id = %(engagement)s AND x.reverses IS NULL
ORDER BY x.source = %(system)s DESC, x.day, x.id
"""

_KNOWN = """
SELECT DISTINCT CASE WHEN source = %(system)s THEN source_id ELSE substr(source_id, 4) END AS ref
FROM time_entries
WHERE engagement_id = %(engagement)s AND reverses IS NULL
  AND (source = %(system)s OR source = %(file)s AND starts_with(source_id, 'id:'))
ORDER BY ref
"""

# All of an engagement but what was taken back, and what takes back.
_EXPENSES = """
SELECT x.id::text AS key, x.amount, x.currency, x.claimed, x.day, x.note,
       lower(coalesce(p.email, x.resource_id)) AS whose
FROM expenses x LEFT JOIN resources p ON p.id = x.resource_id
LEFT JOIN expenses b ON b.reverses = x.id AND b.state = 'approved'
WHERE x.engagement_id = %s AND x.reverses IS NULL AND b.id IS NULL
ORDER BY x.day, x.id
"""

# On which engagement else an entry of the system is here.
_ELSEWHERE = """
SELECT x.source_id AS ref, d.number
FROM time_entries x JOIN deliveries d USING (engagement_id)
WHERE x.source = %s AND x.source_id = ANY(%s) AND x.engagement_id <> %s
"""

# Messages that were not taken in, by the id that the system gave them.
_HELD_UP = """
SELECT message, state, outcome FROM inbox
WHERE source = %s AND message = ANY(%s) AND state <> 'done'
"""


def time(
    tx: Tx, engagement: str, system: str, file: str, asked_at: datetime
) -> list[dict[str, Any]]:
    """`file`: the source of what was taken in as a file of the system. `touched`: it was changed
    here since `asked_at`, or whether it is taken back was."""
    values = {"engagement": engagement, "system": system, "file": file, "asked_at": asked_at}
    return tx.execute(_TIME, values).fetchall()


def known(tx: Tx, engagement: str, system: str, file: str) -> list[str]:
    """Ids there of the time that came from the system, as in `time`."""
    values = {"engagement": engagement, "system": system, "file": file}
    return [row["ref"] for row in tx.execute(_KNOWN, values)]


def expenses(tx: Tx, engagement: str) -> list[dict[str, Any]]:
    """`claimed` is in the engagement's currency; null: no rate is known yet."""
    return tx.execute(_EXPENSES, [engagement]).fetchall()


def elsewhere(tx: Tx, system: str, refs: Collection[str], engagement: str) -> dict[str, str]:
    """Id there → number of the other engagement that it is on here."""
    rows = tx.execute(_ELSEWHERE, [system, sorted(refs), engagement]).fetchall()
    return {row["ref"]: row["number"] for row in rows}


def held_up(tx: Tx, system: str, messages: Collection[str]) -> dict[str, tuple[str, str | None]]:
    """Message → its state and outcome, of those that were not taken in."""
    rows = tx.execute(_HELD_UP, [system, sorted(messages)]).fetchall()
    return {row["message"]: (row["state"], row["outcome"]) for row in rows}
