"""Months of a legal entity, open or closed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from fairlead.store.database import Tx

# One who books shares the entity's periods; one who closes or opens a month has them alone.
_SHARE = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('period:' || entity, 0))
FROM (SELECT unnest(%s::text[]) AS entity ORDER BY 1) AS each
"""

_CLOSED = """
SELECT legal_entity, month FROM periods WHERE state = 'closed' AND legal_entity = ANY(%s)
"""

Closed = frozenset[tuple[str, date]]  #: (legal entity, first day of the month)


def share(tx: Tx, entities: Collection[str]) -> Closed:
    """The closed months of these entities; none is closed or opened before the transaction ends."""
    tx.execute(_SHARE, [sorted(entities)])
    return closed(tx, entities)


def closed(tx: Tx, entities: Collection[str]) -> Closed:
    rows = tx.execute(_CLOSED, [sorted(entities)])
    return frozenset((row["legal_entity"], row["month"]) for row in rows)
