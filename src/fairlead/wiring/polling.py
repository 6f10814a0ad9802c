"""Which systems are asked for what changed, and how, wired; `bootstrap` asks for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from fairlead.capabilities.billing.payments import HearsLedger
from fairlead.capabilities.handoff.polling import (
    Asks,
    Lands,
    PollDrain,
    asks_contracts,
    asks_crm,
    asks_documents,
)
from fairlead.capabilities.time.recorded import Recorded
from fairlead.capabilities.time.workforce import Workforce
from fairlead.config import SystemConfig
from fairlead.store.database import Database

_ASKED: dict[str, Callable[[Any], Asks]] = {
    "crm": asks_crm,
    "contracts": asks_contracts,
    "documents": asks_documents,
}
_LANDED = frozenset({"projects", "people", "invoicing"})
_USUALLY = timedelta(minutes=1)


def polled(system: SystemConfig) -> bool:
    """One that serves nothing which can be asked is not polled, whatever its entry says."""
    served = {offer.port for offer in system.serves}
    return system.poll_every_s is not None and bool(served & (_LANDED | _ASKED.keys()))


def poll_drain(
    db: Database,
    system: SystemConfig,
    port: Callable[[str], Any],
    recorded: Recorded,
    workforce: Workforce,
) -> PollDrain:
    """Asks one system what changed, by each of its ports that can tell. `port`: name → adapter."""
    served = {offer.port for offer in system.serves}

    def asks() -> list[Asks]:
        return [asks_of(port(name)) for name, asks_of in _ASKED.items() if name in served]

    def lands() -> list[Lands]:
        ledger = HearsLedger(db)
        found: dict[str, Lands] = {
            "projects": lambda since: recorded.poll(system.id, port("projects"), since),
            "people": lambda since: workforce.poll(system.id, port("people")),
            "invoicing": lambda since: ledger.poll(system.id, port("invoicing"), since),
        }
        return [land for name, land in found.items() if name in served]

    seconds = system.poll_every_s
    return PollDrain(db, asks, timedelta(seconds=seconds) if seconds else _USUALLY, lands)
