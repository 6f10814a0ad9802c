"""How Salesforce says no, and the shapes in which it answers.

Status codes and error bodies:
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from __future__ import annotations

import re
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.connectors.kit.http import Reply
from fairlead.errors import SystemTrouble, SystemUnavailable, Throttled

#: Refusals that say "nothing was done, ask later", whatever status carries them. The org's API
#: limit is a 403; a locked record or a query that took too long is a 400.
_LATER: dict[str, type[SystemTrouble]] = {
    "REQUEST_LIMIT_EXCEEDED": Throttled,
    "UNABLE_TO_LOCK_ROW": SystemUnavailable,
    "QUERY_TIMEOUT": SystemUnavailable,
}
#: The record is not there, or is in the bin.
GONE = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED"})
#: A query's cursor lives two days at most, and an org keeps few of them open.
LOCATOR_EXPIRED = "INVALID_QUERY_LOCATOR"
#: What a composite answers for sub-requests that another one's failure kept from being done.
HALTED = "PROCESSING_HALTED"

_RECORD_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def is_record_id(text: str) -> bool:
    """15 characters, or 18 with the check that makes case unimportant."""
    return _RECORD_ID.fullmatch(text) is not None


def codes(body: Any) -> tuple[str, ...]:
    """The `errorCode`s of an error body: a list of {message, errorCode, fields}."""
    return tuple(str(error["errorCode"]) for error in _errors(body) if "errorCode" in error)


def classify(reply: Reply) -> type[SystemTrouble] | None:
    """What Salesforce means beyond the status; None where the status says it."""
    if not 400 <= reply.status < 500:
        return None
    return next((_LATER[code] for code in codes(reply.body) if code in _LATER), None)


def explain(reply: Reply) -> str:
    """Salesforce's own words, for the person who looks."""
    if isinstance(reply.body, dict):  # the token endpoint's shape (RFC 6749 5.2)
        said = cast("dict[str, Any]", reply.body)
        return f"{said.get('error', '')}: {said.get('error_description', '')}"
    parts: list[str] = []
    for error in _errors(reply.body):
        fields = cast("list[Any]", error.get("fields") or [])
        where = f" ({', '.join(map(str, fields))})" if fields else ""
        parts.append(f"{error.get('errorCode', '')}: {error.get('message', '')}{where}")
    return "; ".join(parts) or str(reply.body or "")[:300]


def _errors(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        return []
    return [
        cast("dict[str, Any]", error)
        for error in cast("list[Any]", body)
        if isinstance(error, dict)
    ]


def where(bad: ValidationError) -> str:
    """The paths at which an answer is not of our shape, without what stood there."""
    return "; ".join(".".join(map(str, fault["loc"])) for fault in bad.errors())


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)  # unknown fields are tolerated


class Batch(_Shape):
    """One answer to a query: all records, or the first and where the next are."""

    total: int = Field(alias="totalSize", ge=0)
    done: bool
    next: str | None = Field(
        default=None, alias="nextRecordsUrl", pattern=r"^/services/data/v\d+\.\d/query/[\w-]+$"
    )
    records: list[dict[str, Any]]


class Part(_Shape):
    """One sub-request's answer in a composite."""

    id: str = Field(alias="referenceId")
    status: int = Field(alias="httpStatusCode")
    headers: dict[str, str] = Field(default_factory=dict[str, str], alias="httpHeaders")
    body: Any = None


class Composite(_Shape):
    parts: list[Part] = Field(alias="compositeResponse")


class Access(_Shape):
    """The token endpoint's answer."""

    token: str = Field(alias="access_token", min_length=1)
    kind: str = Field(alias="token_type", pattern=r"^(?i:bearer)$")
