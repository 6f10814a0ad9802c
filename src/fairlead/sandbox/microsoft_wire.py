"""How Graph words its answers, and who is asking."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote, urlencode

from fairlead.sandbox.dialect import Answer, Call, Deny

Body = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """Whose token it is: the application's own (`user` None), or one for a person."""

    application: str  #: its client id
    may: frozenset[str]  #: roles of the application, or scopes for the person
    user: str | None
    ends: float  #: monotonic seconds

    def need(self, *one_of: str) -> None:
        """Raises `Deny` where the token has none of these permissions."""
        if not self.may & set(one_of):
            words = f"Insufficient privileges: one of {', '.join(one_of)} is needed."
            raise denied(403, "Authorization_RequestDenied", words)

    def identities(self) -> Body:
        """As in `createdBy`."""
        found: Body = {"application": {"id": self.application, "displayName": "Fairlead"}}
        return found | ({"user": {"id": self.user}} if self.user else {})


def error(status: int, code: str, message: str) -> Answer:
    """https://learn.microsoft.com/en-us/graph/errors"""
    inner = {"date": stamp(datetime.now(UTC))[:19], "request-id": str(uuid.uuid4())}
    return Answer(status, {"error": {"code": code, "message": message, "innerError": inner}})


def denied(status: int, code: str, message: str) -> Deny:
    return Deny(error(status, code, message))


def stamp(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def home(call: Call, system: str) -> str:
    """This system's address, as the caller knows it."""
    return f"http://{call.headers.get('host', 'localhost')}/{system}"


def sent(call: Call, known: Collection[str], *, required: tuple[str, ...] = ()) -> Body:
    """The body, of known properties only. Raises `Deny`."""
    raw = call.json()
    if not isinstance(raw, dict):
        raise denied(400, "BadRequest", "Empty Payload. JSON content expected.")
    body = cast(Body, raw)
    for name in body:
        if name not in known:
            raise denied(400, "BadRequest", f"The property '{name}' does not exist on this type.")
    for name in required:
        if body.get(name) is None:
            raise denied(400, "BadRequest", f"{name} is required.")
    return body


def page(call: Call, system: str, rows: list[Body], largest: int) -> Answer:
    """The part of a list that was asked for, and where it goes on."""
    first = int(call.query.get("$skiptoken", "0"))
    body: Body = {"value": rows[first : first + largest]}
    if first + largest < len(rows):
        query = urlencode({**call.query, "$skiptoken": str(first + largest)}, quote_via=quote)
        body["@odata.nextLink"] = f"{home(call, system)}{call.path}?{query}"
    return Answer(200, body)
