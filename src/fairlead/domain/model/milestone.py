"""A result that the client pays for once it is accepted, and what proves it (F078)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from uuid import UUID

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
    digest: str | None = None  #: of an upload
    url: str | None = None
    ref: ExternalRef | None = None  #: where a document system holds it
    added_by: str
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
    evidence: tuple[Evidence, ...] = ()
    accepted_by: str | None = None  #: a person's id, or `client:` and an address
    accepted_at: Utc | None = None
    digest: str | None = None  #: of what was accepted
    reason: Text | None = None
    version: int = 1
