"""Defects to plant in a process, so that the harness shows that it can see.

They are put on from outside, by name, in that process alone: the product has no switch for them.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from fairlead.domain.ids import EffectKey
from fairlead.flow import engine
from fairlead.flow.ledger import Intent, Ledger, Repeatable
from fairlead.store import inbox
from fairlead.store.database import Database, Tx
from fairlead.store.inbox import Put

_PAUSE_S = 1.5


def no_look_up() -> None:
    """After an unknown outcome it calls again at once."""

    def finds_nothing(*_: object) -> None:
        return None

    _put(Ledger, "_look_up", finds_nothing)


def key_per_attempt() -> None:
    """Each attempt is an effect of its own."""
    once = Ledger.once

    def under_a_new_key(self: Ledger, intent: Intent, *rest: Any, **named: Any) -> Any:
        fresh = EffectKey(f"{intent.key}/{secrets.token_hex(4)}")
        return once(self, replace(intent, key=fresh), *rest, **named)

    _put(Ledger, "once", under_a_new_key)


@dataclass(frozen=True)
class _Hasty:
    level: int
    settle: timedelta = timedelta(0)
    repeats: int = 0


def no_settle_wait() -> None:
    """What a look-up does not find is called again at once."""
    once = Ledger.once

    def hasty(self: Ledger, intent: Intent, repeatable: Repeatable, **named: Any) -> Any:
        return once(self, intent, _Hasty(repeatable.level), **named)

    _put(Ledger, "once", hasty)


def no_lock() -> None:
    """Nothing keeps two workers from one effect."""

    def anybody(*_: object) -> nullcontext[None]:
        return nullcontext()

    _put(Ledger, "only_writer", anybody)


def acknowledged_before_stored() -> None:
    """A webhook is answered first and stored later, after a pause that any kill falls into."""
    put = inbox.put

    def later(tx: Tx, **message: Any) -> Put:
        db = Database(_url(tx))

        def store() -> None:
            time.sleep(_PAUSE_S)
            with db.transaction() as own:
                put(own, **message)
            db.close()

        threading.Thread(target=store, daemon=True).start()
        return Put(0, True, "", False)

    _put(inbox, "put", later)


def hung_after_five_seconds() -> None:
    """No defect: a worker is taken for hung sooner than after the two minutes of the product."""
    _put(engine, "_HUNG_AFTER_S", 5.0)


def _url(tx: Tx) -> str:
    return f"postgresql://{tx.info.user}@/{tx.info.dbname}?host={tx.info.host}&port={tx.info.port}"


def _put(owner: object, name: str, value: object) -> None:
    setattr(owner, name, value)


PLANTS: dict[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        no_look_up,
        key_per_attempt,
        no_settle_wait,
        no_lock,
        acknowledged_before_stored,
        hung_after_five_seconds,
    )
}
