"""DocuSign's envelopes in the firm's words. Pure: an envelope in, an agreement out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from fairlead.connectors.docusign.answers import (
    Change,
    CustomFields,
    Envelope,
    Recipient,
    Recipients,
    where,
)
from fairlead.connectors.kit.mapping import FieldMap
from fairlead.domain.model.agreement import (
    Agreement,
    AgreementDocument,
    AgreementStatus,
    Signer,
)
from fairlead.domain.values import ExternalRef, Money
from fairlead.ports.contracts import AgreementChanged

#: https://developers.docusign.com/docs/esign-soap-api/reference/status-and-managing-group/envelopestatus
#: `signed` is before `completed`: not everybody has finished. An expired or deleted envelope can
#: no longer be signed, as a voided one.
_STATUS = {
    "created": AgreementStatus.DRAFT,
    "sent": AgreementStatus.SENT,
    "delivered": AgreementStatus.SENT,
    "signed": AgreementStatus.SENT,
    "correct": AgreementStatus.SENT,
    "processing": AgreementStatus.SENT,
    "completed": AgreementStatus.SIGNED,
    "declined": AgreementStatus.DECLINED,
    "voided": AgreementStatus.VOIDED,
    "timedout": AgreementStatus.VOIDED,
    "deleted": AgreementStatus.VOIDED,
}
_LONGEST_NAME = 1000


class Unreadable(ValueError):
    """An envelope contradicts what the model can hold. Names the field, not the value."""


def instant(text: str, name: str) -> datetime:
    """An ISO 8601 time with a zone, in UTC. DocuSign writes seven decimals; six are kept."""
    try:
        when = datetime.fromisoformat(text)
        in_utc = when.astimezone(UTC)
    except (ValueError, OverflowError) as bad:
        raise Unreadable(f"{name}: not a time") from bad
    if when.tzinfo is None:
        raise Unreadable(f"{name}: a time without a zone")
    return in_utc


def stamp(when: datetime) -> str:
    """A UTC time as text of one width, so that later is also greater as text."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def read_change(change: Change) -> AgreementChanged:
    """`at` is when the status changed: polls go by it. The revision also grows with corrections.

    Raises `Unreadable`.
    """
    changed_at = instant(change.status_changed_at, "statusChangedDateTime")
    return AgreementChanged(agreement=change.id.lower(), revision=_revision(change), at=changed_at)


def read_agreement(system: str, fields: FieldMap, envelope: Envelope) -> Agreement:
    """Raises `Unreadable` or `MappingTrouble`."""
    if envelope.status.lower() not in _STATUS:
        raise Unreadable(f"status: not one of {', '.join(_STATUS)}")
    status = _STATUS[envelope.status.lower()]
    told = fields.read("custom_fields", _by_name(envelope.custom_fields))
    if status is AgreementStatus.SIGNED and envelope.completed_at is None:
        raise Unreadable("completedDateTime: missing in a completed envelope")
    signed_at = envelope.completed_at if status is AgreementStatus.SIGNED else None
    try:
        return Agreement(
            ref=ExternalRef(system=system, kind="envelope", id=envelope.id.lower()),
            title=(envelope.subject or f"Envelope {envelope.id}")[:_LONGEST_NAME],
            status=status,
            revision=_revision(envelope),
            number=told.get("number"),
            value=_money(told.get("value", {})),
            deal=_deal(told.get("deal", {})),
            sent_at=instant(envelope.sent_at, "sentDateTime") if envelope.sent_at else None,
            signed_at=instant(signed_at, "completedDateTime") if signed_at else None,
            because=_because(status, envelope),
            signers=_signers(envelope.recipients),
            documents=tuple(
                AgreementDocument(id=document.id, name=document.name[:_LONGEST_NAME])
                for document in envelope.documents
            ),
        )
    except ValidationError as bad:
        raise Unreadable(where(bad)) from bad


def _revision(change: Change) -> str:
    changed_at = instant(change.status_changed_at, "statusChangedDateTime")
    if change.modified_at:
        changed_at = max(changed_at, instant(change.modified_at, "lastModifiedDateTime"))
    return stamp(changed_at)


def _by_name(custom: CustomFields) -> dict[str, str]:
    """A custom field's name is unique within an envelope."""
    return {field.name: field.value.strip() for field in custom.text + custom.chosen if field.value}


def _money(told: Mapping[str, Any]) -> Money | None:
    """An amount without a currency says nothing, and is not guessed at."""
    if "amount" not in told:
        return None
    if "currency" not in told:
        raise Unreadable("the contract's value has no currency")
    try:
        return Money(amount=told["amount"], currency=told["currency"])
    except ValidationError as bad:
        raise Unreadable(f"the contract's value: {where(bad)}") from bad


def _deal(told: Mapping[str, Any]) -> ExternalRef | None:
    """The deal that the envelope is of, where both its CRM and its id there are told."""
    if "system" not in told or "id" not in told:
        return None
    try:
        return ExternalRef(system=told["system"], kind="opportunity", id=told["id"])
    except ValidationError as bad:
        raise Unreadable(f"the deal's CRM or id: {where(bad)}") from bad


def _because(status: AgreementStatus, envelope: Envelope) -> str | None:
    """A sender says why it is voided; of a refusal, who declined says why."""
    match status:
        case AgreementStatus.VOIDED:
            return envelope.voided_because or None
        case AgreementStatus.DECLINED:
            everybody = envelope.recipients.signers + envelope.recipients.in_person
            said = [one.declined_because for one in everybody if one.declined_because]
            return "; ".join(said) or None
        case _:
            return None


def _signers(recipients: Recipients) -> tuple[Signer, ...]:
    found: list[Signer] = []
    for one in recipients.signers + recipients.in_person:
        name = _named(one)
        if name:  # in a draft a place may still be nobody's
            signed_at = instant(one.signed_at, "signedDateTime") if one.signed_at else None
            found.append(Signer(name=name, email=one.email or None, signed_at=signed_at))
    return tuple(found)


def _named(one: Recipient) -> str:
    return (one.signer_name or one.name or one.email or one.role or "")[:_LONGEST_NAME]
