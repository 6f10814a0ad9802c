"""How DocuSign says no, and the shapes in which it answers. Unknown fields are let by.

Errors are `{errorCode, message}`; the sign-in service's are those of OAuth (RFC 6749 5.2).
https://developers.docusign.com/docs/esign-rest-api/esign101/error-codes
"""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from fairlead.connectors.kit.http import Reply
from fairlead.errors import SystemTrouble, Throttled

#: The account's limits per hour and per 30 seconds, and the one on reading an envelope too often;
#: they have come with 400 and with 429.
#: https://developers.docusign.com/docs/esign-rest-api/esign101/rules-and-limits
_LATER = frozenset(
    {
        "HOURLY_APIINVOCATION_LIMIT_EXCEEDED",
        "BURST_APIINVOCATION_LIMIT_EXCEEDED",
        "HOURLY_ENVELOPE_POLLING_LIMIT_EXCEEDED",
    }
)
#: There is none, or not for this user, which is the same to us. Only these words say so: a 404 of a
#: proxy does not.
NO_ENVELOPE = "ENVELOPE_DOES_NOT_EXIST"


def code(body: Any) -> str:
    """The `errorCode` of an error body in upper case; empty where there is none."""
    if not isinstance(body, dict):
        return ""
    return str(cast("dict[str, Any]", body).get("errorCode", "")).upper()


def classify(reply: Reply) -> type[SystemTrouble] | None:
    """What DocuSign means beyond the status; None where the status says it."""
    return Throttled if 400 <= reply.status < 500 and code(reply.body) in _LATER else None


def explain(reply: Reply) -> str:
    """DocuSign's own words, for the person who looks."""
    if not isinstance(reply.body, dict):
        return str(reply.body or "")[:300]
    said = cast("dict[str, Any]", reply.body)
    parts = (said.get(name) for name in ("errorCode", "error", "message", "error_description"))
    return ": ".join(str(part) for part in parts if part)


def where(bad: ValidationError) -> str:
    """The paths at which an answer is not of our shape, without what stood there."""
    return "; ".join(".".join(map(str, fault["loc"])) for fault in bad.errors())


def _counted(raw: Any) -> Any:
    """DocuSign writes numbers as text."""
    return int(raw) if isinstance(raw, str) and raw.isascii() and raw.isdecimal() else raw


_Count = Annotated[int, BeforeValidator(_counted), Field(ge=0)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, populate_by_name=True)


class Access(_Shape):
    """The token endpoint's answer. `expires_in` is in seconds."""

    token: str = Field(alias="access_token", min_length=1)
    kind: str = Field(alias="token_type", pattern=r"^(?i:bearer)$")
    expires_in: _Count


class CustomField(_Shape):
    name: str
    value: str | None = None


class CustomFields(_Shape):
    text: list[CustomField] = Field(default_factory=list[CustomField], alias="textCustomFields")
    chosen: list[CustomField] = Field(default_factory=list[CustomField], alias="listCustomFields")


class Recipient(_Shape):
    name: str | None = None
    signer_name: str | None = Field(default=None, alias="signerName")  #: of who signs in person
    email: str | None = None
    role: str | None = Field(default=None, alias="roleName")
    signed_at: str | None = Field(default=None, alias="signedDateTime")
    declined_because: str | None = Field(default=None, alias="declinedReason")


class Recipients(_Shape):
    signers: list[Recipient] = Field(default_factory=list[Recipient])
    in_person: list[Recipient] = Field(default_factory=list[Recipient], alias="inPersonSigners")


class Document(_Shape):
    id: str = Field(alias="documentId", min_length=1)
    name: str = Field(min_length=1)


class Change(_Shape):
    """What a list of envelopes says of each one, and a webhook of its own."""

    id: str = Field(alias="envelopeId", min_length=1)
    status_changed_at: str = Field(alias="statusChangedDateTime", min_length=1)
    modified_at: str | None = Field(default=None, alias="lastModifiedDateTime")


class Envelope(Change):
    """One envelope with `include=custom_fields,documents,recipients`."""

    status: str = Field(min_length=1)
    subject: str | None = Field(default=None, alias="emailSubject")
    sent_at: str | None = Field(default=None, alias="sentDateTime")
    completed_at: str | None = Field(default=None, alias="completedDateTime")
    voided_because: str | None = Field(default=None, alias="voidedReason")
    custom_fields: CustomFields = Field(default_factory=CustomFields, alias="customFields")
    recipients: Recipients  # asked for, so their absence is no empty list
    documents: list[Document] = Field(alias="envelopeDocuments")


class Listing(_Shape):
    """One page of envelopes. `envelopes` is left out where there are none."""

    here: _Count = Field(alias="resultSetSize")
    total: _Count = Field(alias="totalSetSize")
    envelopes: list[Change] = Field(default_factory=list[Change])
