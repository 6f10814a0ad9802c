"""One client commitment, from opportunity to review. Everything hangs on it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.model.agreement import Agreement
from fairlead.domain.model.document import FiledDocument
from fairlead.domain.model.opportunity import Opportunity
from fairlead.domain.values import ExternalRef, Provenance, Utc, Value


class EngagementState(StrEnum):
    """The states of the handoff, the same for every service line (F098)."""

    IN_REVIEW = "in_review"  #: not won yet; delivery looks at it beforehand
    RECEIVED = "received"  #: the deal is won; nothing is checked yet
    IN_SETUP = "in_setup"  #: the deal is ready; client, projects and schedule are being made
    AWAITING_LAUNCH = "awaiting_launch"  #: set up; somebody with authority must say go
    LAUNCHED = "launched"  #: delivery may work and book
    DECLINED = "declined"  #: launch was refused
    CANCELLED = "cancelled"


class Reading(Value):
    """What one system says a field is, and when it was asked."""

    value: Any  #: JSON
    at: Utc


class Side(StrEnum):
    SALES = "sales"
    DELIVERY = "delivery"


class Acceptance(Value):
    """One side took the packet as it stood, told by the digest of its content (F017)."""

    side: Side
    by: str  #: a person's id
    at: Utc
    digest: str


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
    parent: EngagementId | None = None  #: of a part: the engagement that it belongs to (F023)
    parts: dict[EngagementId, EngagementState] = Field(
        default_factory=dict[EngagementId, EngagementState]
    )
    """Its phases and countries, each an engagement of its own, with the state of each."""
    agreement: Agreement | None = None  #: the contract, as the system says that holds it
    documents: tuple[FiledDocument, ...] = ()
    readings: dict[str, dict[str, Reading]] = Field(default_factory=dict[str, dict[str, Reading]])
    """Field (as in ownership.yaml, such as `project.ends_on`) → system → what it last said."""
    acceptances: tuple[Acceptance, ...] = ()  #: of the packet; the last of each side counts
    opened_at: Utc
    launched_at: Utc | None = None
    version: int = 1  #: grows with each change
