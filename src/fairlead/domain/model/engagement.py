"""One client commitment, from opportunity to review. Everything hangs on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef, Provenance, Utc


class EngagementState(StrEnum):
    """The states of the handoff, the same for every service line (F098)."""

    RECEIVED = "received"  #: the deal is won; nothing is checked yet
    IN_SETUP = "in_setup"  #: the deal is ready; client, projects and schedule are being made
    AWAITING_LAUNCH = "awaiting_launch"  #: set up; somebody with authority must say go
    LAUNCHED = "launched"  #: delivery may work and book
    DECLINED = "declined"  #: launch was refused
    CANCELLED = "cancelled"


class Engagement(Entity):
    id: EngagementId
    number: str  #: `ENG-2038`
    state: EngagementState
    deal: Opportunity
    provenance: dict[str, Provenance] = Field(default_factory=dict[str, Provenance])
    """Per field of `deal` (dotted path): who said it, and when."""
    supplied: dict[str, Any] = Field(default_factory=dict[str, Any])
    """Values that a person gave for fields the CRM left blank. The CRM's own value, once it
    has one, goes before."""
    refs: dict[str, ExternalRef] = Field(default_factory=dict[str, ExternalRef])
    """Its records in other systems, by what they are: `client`, `ledger_project`…"""
    project_code: str | None = None
    opened_at: Utc
    launched_at: Utc | None = None
    version: int = 1  #: grows with each change
