"""Whose hands something went through: theirs, and of those with whom they share duties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from fairlead.store import deputies
from fairlead.store.database import Tx
from fairlead.work.answers import Answerer


def went_through(
    tx: Tx, answerer: Answerer, hands: Iterable[str], *, since: date, today: date
) -> bool:
    """Whether one of these names is of the answerer, or of somebody who was their deputy, or whose
    deputy they were, on any day since then. Days are those of UTC."""
    partners = deputies.partners(tx, answerer.id, since=since, today=today)
    return bool((answerer.aliases() | partners.names) & {name.casefold() for name in hands})
