"""DocuSign Connect's messages: whose they are, and what they are about.

Format (JSON SIM): https://developers.docusign.com/platform/webhooks/connect/json-sim-event-model
HMAC: https://developers.docusign.com/platform/webhooks/connect/hmac and
https://developers.docusign.com/platform/webhooks/connect/validate

A message bears no time that is signed apart from its body, so an old one cannot be told by its
age. A replay is harmless all the same: its id is the one that is stored already; and a message
says only that something changed: what an envelope says is read from DocuSign, never from here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

import simplejson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.connectors.docusign.answers import Change
from fairlead.connectors.docusign.reading import Unreadable, instant, read_change, stamp
from fairlead.errors import InvalidInput, NotAllowed, Problem
from fairlead.ports.contracts import AgreementChanged

_SIGNATURE = re.compile(r"x-docusign-signature-[1-9]\d{0,2}")
_MOST_SIGNATURES = 100  # so many keys an account may have
_SHORTEST_SECRET = 16  # characters; DocuSign makes keys of 44
_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
#: What can change an agreement as we see it. Of the others (a reminder, one of several signers,
#: templates, purges) there is nothing to do.
_TELLING = frozenset(
    f"envelope-{word}"
    for word in ("sent", "delivered", "completed", "declined", "voided", "corrected", "deleted")
)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    envelope: str = Field(alias="envelopeId", pattern=_GUID)
    recipient: str | None = Field(default=None, alias="recipientId", max_length=64)
    summary: dict[str, Any] | None = Field(default=None, alias="envelopeSummary")


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)

    event: str = Field(pattern=r"^[a-z][a-z0-9-]{0,79}$")
    generated: str = Field(alias="generatedDateTime", pattern=r"^[0-9T:.Z+-]{10,40}$")
    data: _Data


def connect_signature(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
) -> str:
    """The id of a genuine message; the same for each delivery of it.

    DocuSign signs the raw body with every active key, one header each, so one that fits is
    enough, and keys can be exchanged one by one. `headers` has names in lower case, and values
    of a repeated header joined by commas (RFC 9110 5.3). `now` is not needed: see above. Raises
    `NotAllowed`, which never says what was wrong: whoever forges learns nothing from it.
    """
    given = [
        signature.strip()
        for name, values in headers.items()
        if _SIGNATURE.fullmatch(name)
        for signature in values.split(",")
    ]
    keys = [secret.encode() for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    genuine = False
    if len(given) <= _MOST_SIGNATURES:
        expected = [base64.b64encode(hmac.digest(key, body, hashlib.sha256)) for key in keys]
        for signature in given:  # all are compared, so that the time taken tells nothing
            for one in expected:
                genuine |= hmac.compare_digest(signature.encode("utf-8", "replace"), one)
    if not genuine:
        raise NotAllowed("The call is not signed as this system signs.")
    return _delivery(body)


def reads_webhook(body: bytes) -> Sequence[AgreementChanged]:
    """The envelope that a message is about; empty for events of no interest.

    The revision is the envelope's own where the message has its summary, as a poll would say it;
    otherwise it is the message's time. Raises `InvalidInput`, naming every fault of the shape.
    """
    said = _json(body)
    if not isinstance(said, dict):
        _wrong("", "is an object")
    event = cast("dict[str, Any]", said).get("event")
    if not isinstance(event, str):
        _wrong("/event", "is text")
    if event not in _TELLING:
        return ()
    try:
        message = _Message.model_validate(said)
        return (_change(message),)
    except ValidationError as bad:
        faults = bad.errors(include_input=False, include_url=False)
        problems = [Problem("/" + "/".join(map(str, one["loc"])), one["msg"]) for one in faults]
        raise InvalidInput("The body is not of Connect's shape.", problems) from bad


def _change(message: _Message) -> AgreementChanged:
    try:
        summary = message.data.summary
        if summary and summary.get("statusChangedDateTime"):
            said = {**summary, "envelopeId": message.data.envelope}
            return read_change(Change.model_validate(said))
        at = instant(message.generated, "generatedDateTime")
    except Unreadable as bad:
        raise InvalidInput("The body is not of Connect's shape.", [Problem("", str(bad))]) from bad
    return AgreementChanged(agreement=message.data.envelope.lower(), revision=stamp(at), at=at)


def _delivery(body: bytes) -> str:
    """Which message this is: envelope, event, the time when it was made, and the recipient, if any.

    No header names a message, and the body is not the same over deliveries: `retryCount` grows
    with each. These parts stay, and two messages do not share them: parallel signers cause the
    same event at one time, which is why the recipient belongs to it. A genuine message that has
    not got them is known by its bytes; what is wrong with it is for `reads_webhook` to say.
    """
    try:
        message = _Message.model_validate(_json(body))
    except (ValidationError, InvalidInput):
        return f"sha256:{hashlib.sha256(body).hexdigest()}"
    parts = (message.data.envelope.lower(), message.event, message.generated)
    return ":".join([*parts, message.data.recipient or ""])


def _json(body: bytes) -> Any:
    try:
        return simplejson.loads(body, use_decimal=True)
    except (ValueError, RecursionError) as bad:
        raise InvalidInput("The body is not JSON.", [Problem("", "is JSON")]) from bad


def _wrong(at: str, rule: str) -> NoReturn:
    raise InvalidInput("The body is not of Connect's shape.", [Problem(at, rule)])
