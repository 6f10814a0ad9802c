"""What Slack sends when somebody uses a message of ours: proved, read, and of no consequence.

https://docs.slack.dev/authentication/verifying-requests-from-slack,
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

import simplejson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.errors import InvalidInput, NotAllowed, Problem
from fairlead.ports.contracts import AgreementChanged
from fairlead.ports.crm import OpportunityChanged

TOLERANCE_S = 300  #: how far a request's time may be from ours, either way

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


def slack_signature(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
) -> str:
    """The id of a genuine delivery; the same for each delivery of one message.

    Slack gives none, so it is the body's digest: a click has a `trigger_id` and an `action_ts` of
    its own. `secrets` are signing secrets; `now` is a Unix time. Raises `NotAllowed`, which never
    says what was wrong.
    """
    timestamp = headers.get("x-slack-request-timestamp", "")
    given = headers.get("x-slack-signature", "")
    well_formed = _TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(given)
    if not well_formed or abs(now - int(timestamp)) > TOLERANCE_S:
        raise _refusal()
    genuine = False
    for secret in secrets:  # all are compared, so that the time taken tells nothing
        if secret:
            genuine |= hmac.compare_digest(given, signature(secret, timestamp, body))
    if not genuine:
        raise _refusal()
    return f"slack-{hashlib.sha256(body).hexdigest()}"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's version 0: HMAC-SHA256 over `v0:{timestamp}:{body}`, in hexadecimal."""
    signed = f"v0:{timestamp}:".encode() + body
    return f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


class _Action(BaseModel):
    model_config = ConfigDict(strict=True)

    type: str = Field(min_length=1)
    action_id: str = Field(min_length=1)


class _Named(BaseModel):
    model_config = ConfigDict(strict=True)

    id: str = Field(min_length=1)


class _BlockActions(BaseModel):
    model_config = ConfigDict(strict=True)

    user: _Named
    actions: list[_Action] = Field(min_length=1)


def reads_webhook(body: bytes) -> Sequence[OpportunityChanged | AgreementChanged]:
    """Always nothing: a click opens a page, and only there, signed in, a person decides (F217).

    Raises `InvalidInput` where the body is no `block_actions` payload in Slack's form.
    """
    payload = _payload(body)
    if payload.get("type") != "block_actions":
        _wrong("/payload/type", "is block_actions: nothing else is asked for")
    try:
        _BlockActions.model_validate(payload)
    except ValidationError as bad:
        faults = bad.errors(include_input=False, include_url=False)
        problems = [
            Problem("/".join(["/payload", *map(str, fault["loc"])]), fault["msg"])
            for fault in faults
        ]
        raise InvalidInput("The body is not of Slack's shape.", problems) from bad
    return ()


def _payload(body: bytes) -> dict[str, Any]:
    """The one field `payload` of a form, which is JSON."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), strict_parsing=True, errors="strict", max_num_fields=10
        )
    except ValueError:
        _wrong("", "is a form")
    if [name for name, _ in pairs] != ["payload"]:
        _wrong("", "has one field, payload")
    try:
        said = simplejson.loads(pairs[0][1], use_decimal=True)
    except (ValueError, RecursionError):
        _wrong("/payload", "is JSON")
    if not isinstance(said, dict):
        _wrong("/payload", "is an object")
    return cast("dict[str, Any]", said)


def _wrong(at: str, rule: str) -> NoReturn:
    raise InvalidInput("The body is not of Slack's shape.", [Problem(at, rule)])


def _refusal() -> NotAllowed:
    return NotAllowed("The call is not signed as this system signs.")
