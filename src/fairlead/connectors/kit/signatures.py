"""Signed webhooks, in the scheme of Standard Webhooks 1.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The sender signs `id.timestamp.body` with HMAC-SHA256 and a secret of at least 24 bytes, which is
written in base64 behind `whsec_`. Signatures are space-separated, so that a sender can sign with
two secrets while one is being replaced; we accept several secrets for the same reason.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

from fairlead.errors import InvalidDefinition, NotAllowed

TOLERANCE_S = 300  #: how far a delivery's time may be from ours, either way

_PREFIX = "whsec_"
_SHORTEST_SECRET = 24  # bytes
_MOST_SIGNATURES = 16  # more is no rotation, but a way to make us work

# No dot, because dots join what is signed; no comma or space, because a header that was sent
# twice reaches us joined by them.
_ID = re.compile(r"[!-+\-/-~]{1,200}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[A-Za-z0-9]+,[A-Za-z0-9+/=]+")


def standard_webhook(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
) -> str:
    """The id of a genuine delivery; the same for each delivery of one message.

    `headers` has names in lower case, and values of a repeated header joined by commas
    (RFC 9110 5.3). `now` is a Unix time. Raises `NotAllowed`, which never says what was wrong:
    whoever forges learns nothing from it.
    """
    id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split(" ")
    well_formed = (
        _ID.fullmatch(id) is not None
        and _TIMESTAMP.fullmatch(timestamp) is not None
        and len(given) <= _MOST_SIGNATURES
        and all(_SIGNATURE.fullmatch(signature) for signature in given)
    )
    if not well_formed or abs(now - int(timestamp)) > TOLERANCE_S:
        raise _refusal()
    keys = [key for key in map(_key, secrets) if key is not None]
    expected = [_signature(key, id, timestamp, body) for key in keys]
    genuine = False
    for signature in given:  # all are compared, so that the time taken tells nothing
        for one in expected:
            genuine |= hmac.compare_digest(signature.encode(), one.encode())
    if not genuine:
        raise _refusal()
    return id


def sign(id: str, body: bytes, secret: str, now: float) -> dict[str, str]:
    """The three headers of a delivery. Raises `InvalidDefinition` for an unusable secret."""
    key = _key(secret)
    if key is None:
        raise InvalidDefinition(
            f"A webhook secret is {_PREFIX} and the base64 of at least {_SHORTEST_SECRET} bytes."
        )
    timestamp = str(int(now))
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(key, id, timestamp, body),
    }


def _signature(key: bytes, id: str, timestamp: str, body: bytes) -> str:
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes | None:
    """The bytes of a secret; None for one that is empty, short or not base64."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        return None
    return key if len(key) >= _SHORTEST_SECRET else None


def _refusal() -> NotAllowed:
    return NotAllowed("The call is not signed as this system signs.")
