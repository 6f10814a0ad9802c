"""Webhooks of other systems: verified, stored raw, committed, and only then acknowledged."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Path, Request

from fairlead import trace
from fairlead.api.guard import Parts
from fairlead.api.refusals import NotSignedIn
from fairlead.api.router import Router
from fairlead.domain.values import Value
from fairlead.errors import NotAllowed, NotFound
from fairlead.store import inbox

#: Of the delivery, kept with it. Signatures and keys are not.
_KEPT = ("content-type", "user-agent", "webhook-id", "webhook-timestamp")
_LONGEST_HEADER = 500
_LONGEST_ID = 500


class Delivered(Value):
    """It is stored. What it means is worked out later."""

    duplicate: bool


def add(router: Router) -> None:
    router.hook("/hooks/{system}", receive_webhook, Delivered)


def receive_webhook(
    request: Request, parts: Parts, system: Annotated[str, Path(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
) -> Delivered:
    """Take a delivery of a configured system."""
    verify = parts.hooks.get(system)
    if verify is None:
        raise NotFound("No system of this name sends us webhooks.")
    headers = {name: ",".join(request.headers.getlist(name)) for name in request.headers}
    body: bytes = request.state.raw
    try:
        delivery = verify(headers, body, now=time.time())
    except NotAllowed as forged:
        # The status that says "sign differently", which senders do not retry for days.
        challenge = {"WWW-Authenticate": f'Signature realm="{system}"'}
        raise NotSignedIn(forged.detail, headers=challenge) from None
    kept = {name: _text(headers[name]) for name in _KEPT if name in headers}
    with parts.db.transaction() as tx:
        put = inbox.put(
            tx,
            source=system,
            message=delivery[:_LONGEST_ID],
            kind="webhook",
            queue=system,
            correlation=trace.correlation.get(),
            headers=kept,
            body=body,
        )
    return Delivered(duplicate=not put.new)


def _text(value: str) -> str:
    return value[:_LONGEST_HEADER].replace("\0", "")
