"""A result that the client pays for once it is accepted, and what proves it (F078)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field

from fairlead.domain.ids import EngagementId
from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Money, Name, Text, Utc


class MilestoneState(StrEnum):
    PLANNED = "planned"
    SUBMITTED = "submitted"  #: with evidence; somebody is asked to accept it
    SENT_BACK = "sent_back"  #: not accepted, with a reason
    ACCEPTED = "accepted"  #: final: billing and revenue follow


class Accepts(StrEnum):
    CLIENT = "client"  #: by a signed link, without an account
    INTERNAL = "internal"  #: by a role of ours


class EvidenceKind(StrEnum):
    UPLOAD = "upload"
    LINK = "link"
    EVENT = "event"  #: the document system told us of it (F079)


class Evidence(Entity):
    id: str
    kind: EvidenceKind
    name: Name
    digest: str | None = None  #: SHA-256 in hex, of an upload
    url: str | None = None
    ref: ExternalRef | None = None  #: where a document system holds it
    revision: str | None = None  #: of what `ref` names, as that system tells its states apart
    media_type: str | None = None  #: of an upload, told from its content
    size: int | None = None  #: bytes
    added_by: str  #: a person's id, or `system:` and the system's
    added_at: Utc


class Milestone(Entity):
    id: UUID
    engagement: EngagementId
    number: int
    name: Name
    amount: Money
    due_on: date
    accepts: Accepts
    state: MilestoneState = MilestoneState.PLANNED
    clause: Text | None = None
    evidence: tuple[Evidence, ...] = ()  #: without what was withdrawn; in the order it came
    submission: int = Field(default=0, ge=0)  #: how often it was submitted
    submitted_by: str | None = None  #: a person's id
    submitted_at: Utc | None = None
    run: str | None = None  #: that carries the last submission
    accepted_by: str | None = None  #: a person's id, or `client:` and an address
    accepted_at: Utc | None = None
    digest: str | None = None  #: of what was accepted
    reason: Text | None = None  #: why it was sent back
    region: str | None = None
    ref: ExternalRef | None = None  #: its record in the project system
    version: int = 1


class AcceptanceLink(Entity):
    """What lets one person of the client decide once on one submission. The token itself is in
    the mail only."""

    milestone: UUID
    submission: int  #: of the milestone; another one needs another link
    digest: str  #: of the milestone and its evidence, as they were sent
    email: str
    name: Name
    made_by: str  #: who asks: a person's id
    made_at: Utc
    expires_at: Utc
    used_at: Utc | None = None
    decision: str | None = None  #: `accepted` or `sent_back`, by this link
    signed_as: Name | None = None  #: the name that was typed
    withdrawn_at: Utc | None = None
