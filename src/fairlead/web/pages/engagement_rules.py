"""The firm's decision tables and its ownership of fields, as the pages of an engagement read them.

They are files of one folder, read once: `Settings.config`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import fairlead.capabilities.handoff as handoff
from fairlead.capabilities.handoff.ownership import Ownership, load_ownership
from fairlead.capabilities.handoff.packet import Packets
from fairlead.config import settings
from fairlead.policy.publish import load_all
from fairlead.policy.tables import Policies
from fairlead.web.parts import WebParts


def policies() -> Policies:
    return _policies(settings().config)


def packets_of(parts: WebParts) -> Packets:
    return Packets(
        policies=policies(),
        firm=parts.firm,
        ownership=ownership_of(parts),
        people=parts.people,
        systems=parts.systems,
    )


def ownership_of(parts: WebParts) -> Ownership:
    return parts.ownership or _ownership(settings().config)


@cache
def _policies(config: Path) -> Policies:
    return load_all([Path(handoff.__path__[0]) / "policies", config / "policies"])


@cache
def _ownership(config: Path) -> Ownership:
    return load_ownership(config)
