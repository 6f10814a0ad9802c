"""A read: one transaction that may not write, as one principal sees things."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from fairlead.api.parts import AppParts
from fairlead.store.database import Tx
from fairlead.store.views import Scope, Views
from fairlead.trust.principals import Principal

# A filter that takes longer is too expensive to be asked for; it is answered as `busy`.
_MODE = "SET LOCAL transaction_read_only = on; SET LOCAL statement_timeout = '5s'"


@contextmanager
def reading(parts: AppParts, caller: Principal) -> Generator[Views]:
    with reading_tx(parts) as tx:
        yield views(tx, caller)


@contextmanager
def reading_tx(parts: AppParts) -> Generator[Tx]:
    """For what asks by itself who sees what."""
    with parts.db.transaction() as tx:
        tx.execute(_MODE)
        yield tx


def views(tx: Tx, caller: Principal) -> Views:
    """For a command: what the caller may not see, it may not change."""
    scope = Scope(regions=caller.regions, legal_entities=caller.legal_entities)
    return Views(tx, scope)


def limits_of(caller: Principal) -> dict[str, list[str] | None]:
    """The regions and companies that a caller sees, for a query. Null: all."""
    return {
        "regions": None if caller.regions is None else sorted(caller.regions),
        "entities": None if caller.legal_entities is None else sorted(caller.legal_entities),
    }
