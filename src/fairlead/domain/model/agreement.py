"""A contract as the system says that holds its text and its signatures (F027, F028)."""

from __future__ import annotations

from enum import StrEnum

from fairlead.domain.model import Entity
from fairlead.domain.values import ExternalRef, Money, Name, Utc, Value


class AgreementStatus(StrEnum):
    DRAFT = "draft"
    SENT = "sent"  #: waits for at least one signature
    SIGNED = "signed"  #: by everybody who must
    DECLINED = "declined"
    VOIDED = "voided"


class Signer(Value):
    name: Name
    email: str | None = None
    signed_at: Utc | None = None


class AgreementDocument(Value):
    id: str  #: within the agreement
    name: Name
    media_type: str = "application/pdf"


class Agreement(Entity):
    ref: ExternalRef
    title: Name
    status: AgreementStatus
    revision: str  #: grows with each change; compares as text
    number: str | None = None  #: the contract's number, where the system was told it
    value: Money | None = None  #: where the system was told it
    deal: ExternalRef | None = None  #: in the CRM, where the system was told it
    sent_at: Utc | None = None
    signed_at: Utc | None = None
    because: str | None = None  #: why it was declined or voided
    signers: tuple[Signer, ...] = ()
    documents: tuple[AgreementDocument, ...] = ()
