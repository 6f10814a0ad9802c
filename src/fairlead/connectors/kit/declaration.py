"""A connector declares what it can do; settings, docs, health and tests follow from this.

The levels are those of what the other side offers to recognise a repeat:

* L3  an idempotency key that it keeps for a documented time
* L2  an external id that it keeps unique, so that creating is an upsert
* L1  a field that can be searched, so that we can look before we repeat
* L0  nothing: a person decides after an unknown outcome
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from fairlead.connectors.kit.http import Gate, Http
from fairlead.ports.webhooks import ReadsWebhook


class Level(IntEnum):
    L0 = 0
    L1 = 1
    L2 = 2
    L3 = 3


@dataclass(frozen=True)
class Reads:
    """An operation that changes nothing. Repeating it is free."""


@dataclass(frozen=True)
class Writes:
    """An operation that changes something there.

    `find` names the operation that looks up what it did by the effect's key; L0 has none.
    `settle` is how long a commit may land after we stopped waiting for the answer: the vendor's
    longest processing time plus the lag of the search that `find` uses.
    """

    level: Level
    find: str | None
    settle: timedelta = timedelta(minutes=15)
    repeats: int = 0
    """At L0 only: how often it may be done again, after `settle`, where nobody knows whether it
    was done, because a second one does less harm than work that stops (a notice by mail)."""

    def __post_init__(self) -> None:
        if self.repeats and self.level != Level.L0:
            raise ValueError("what can be looked up is looked up, and not done again on a guess")
        if (self.find is None) != (self.level == Level.L0):
            raise ValueError("every level but L0 names the operation that finds what was done")


@dataclass(frozen=True)
class Rate:
    """The budget of one credential, shared by every worker."""

    per_second: float | None = None  #: calls; null: no limit of ours
    at_once: int = 4  #: calls in flight over all workers


class SystemSettings(BaseModel):
    """What a firm sets for one system, whatever it speaks. Times are seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connect_timeout_s: float = Field(default=5, gt=0, le=60)
    total_timeout_s: float = Field(default=30, gt=0, le=300)
    settle_s: float | None = Field(default=None, ge=0)  #: null: as the connector declares


class ConnectorSettings(SystemSettings):
    """What a firm sets for one system that is spoken to over HTTP."""

    base_url: HttpUrl


def over_http(system: str, settings: ConnectorSettings, gate: Gate) -> Http:
    """The line of nearly every connector, not signed in yet."""
    return Http(
        system,
        str(settings.base_url),
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
        gate=gate,
    )


@dataclass(frozen=True)
class SignedBy:
    """How a vendor's webhook proves who sent it."""

    verify: Callable[[Mapping[str, str], bytes, Sequence[str], float], str]
    """(headers in lower case, body, accepted secrets, now as a Unix time) → the delivery's id,
    the same for each delivery of one message. Raises `NotAllowed`."""


@dataclass(frozen=True)
class Connector:
    name: str  #: as in `systems.yaml`
    title: str
    settings: type[SystemSettings]
    ports: Mapping[str, Callable[..., Any]]
    """Port name (`crm`, `ledger`, `chat`…) → adapter class, called with (system id, settings,
    the line that `connect` makes, `FieldMap`)."""
    operations: Mapping[str, Reads | Writes]
    """`<port>.<method>` → what repeating it means. Every method of every port is listed."""
    rate: Rate
    mapping: Path  #: the packaged field map, `mapping.yaml` beside the declaration
    sign_in: Callable[..., Any] | None = None
    """(system id, settings, `Http` without sign-in) → `TokenSource`. Only over HTTP."""
    docs: str = ""  #: address of the vendor's reference that the adapter was written from
    reads_webhook: ReadsWebhook | None = None
    signed_by: SignedBy | None = None
    connect: Callable[[str, Any, Gate], Any] = over_http
    """(system id, settings, gate) → the line that its adapters speak through: `Http`, or one of
    another protocol, which asks the gate before each call and tells it after, as `Http` does."""
