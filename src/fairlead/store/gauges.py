"""Figures about the whole installation, for its operators."""

from __future__ import annotations

from typing import Any, LiteralString

from fairlead.store.database import Tx
from fairlead.store.migrate import head

_MIGRATED = "SELECT version_num FROM alembic_version"

_FIGURES: dict[str, LiteralString] = {
    "inbox": """
        SELECT queue, state, count(*) AS value FROM inbox
        WHERE state NOT IN ('done', 'ignored') GROUP BY 1, 2 ORDER BY 1, 2""",
    "ready_steps": """
        SELECT system, count(*) AS value FROM steps
        WHERE state = 'ready' AND system IS NOT NULL GROUP BY 1 ORDER BY 1""",
    "open_exceptions": """
        SELECT class, count(*) AS value FROM exceptions
        WHERE state = 'open' GROUP BY 1 ORDER BY 1""",
    "effects": """
        SELECT system, state, count(*) AS value FROM effects GROUP BY 1, 2 ORDER BY 1, 2""",
    "breaker_open": """
        SELECT id AS system, (breaker = 'open')::int AS value FROM systems ORDER BY 1""",
    "system_paused": """
        SELECT id AS system, (paused_by IS NOT NULL)::int AS value FROM systems ORDER BY 1""",
    "living_workers": """
        SELECT count(*) AS value FROM workers
        WHERE beat_at > clock_timestamp() - interval '1 minute'""",
}


def migrated(tx: Tx) -> bool:
    """Whether the tables are those of this release, or of a newer one."""
    row = tx.execute(_MIGRATED).fetchone()
    return row is not None and str(row["version_num"]) >= (head() or "")


def read(tx: Tx) -> dict[str, list[dict[str, Any]]]:
    """Name → rows of labels and a `value`."""
    return {name: tx.execute(query).fetchall() for name, query in _FIGURES.items()}
