"""Every refusal as problem+json (RFC 9457), whoever refused."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from fairlead.api import strict_json
from fairlead.api.refusals import HttpRefusal
from fairlead.domain.values import Value
from fairlead.errors import Busy, FairleadError, InvalidInput, Problem, SystemTrouble

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
LONGEST_RULE = 200  #: characters
_LONGEST_DETAIL = 600
_MOST_ERRORS = 40

request_id: ContextVar[str] = ContextVar("request_id", default="")

#: What is said where nothing better is known. Statuses that routes declare.
TITLES: Mapping[int, str] = {
    400: "It cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Not a method of this address",
    408: "It came too slowly",
    409: "Not possible in this state",
    412: "Changed since it was read",
    413: "Too large",
    415: "Wrong media type",
    422: "It breaks a rule",
    428: "Say which version you read",
    429: "Too many requests",
    500: "We failed",
    502: "Another system said no",
    503: "Not now",
}


class ErrorItem(Value):
    """One fault. `in` says what `pointer` (RFC 6901) points into; there, it resolves."""

    where: str = Field(
        serialization_alias="in",
        json_schema_extra={"enum": ["body", "query", "path", "header"]},
    )
    pointer: str = Field(max_length=strict_json.LONGEST_POINTER)
    rule: str = Field(max_length=LONGEST_RULE)


class ProblemDocument(Value):
    type: str  #: `urn:fairlead:problem:` and the code
    title: str
    status: int
    detail: str
    code: str  #: stable: match on this
    retryable: bool  #: the same request may be sent again
    request_id: str  #: finds the line in our log
    errors: tuple[ErrorItem, ...] = ()


def document(
    status: int,
    code: str,
    detail: str,
    *,
    retryable: bool = False,
    errors: Iterable[Mapping[str, str]] = (),
) -> bytes:
    """The bytes of a problem. Uses nothing that can fail on what a client sent."""
    said = {
        "type": f"urn:fairlead:problem:{code}",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "detail": detail[:_LONGEST_DETAIL],
        "code": code,
        "retryable": retryable,
        "request_id": request_id.get(),
        "errors": list(errors),
    }
    return json.dumps(said, ensure_ascii=True).encode()


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    retryable: bool = False,
    errors: Iterable[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(
        document(status, code, detail, retryable=retryable, errors=errors),
        status_code=status,
        headers=dict(headers or {}),
        media_type=MEDIA_TYPE,
    )


def register(app: FastAPI) -> None:
    """Have the app answer every refusal this way."""

    async def refused(request: Request, error: Exception) -> Response:
        return of_error(request, cast(FairleadError, error))

    async def invalid(request: Request, error: Exception) -> Response:
        return _of_validation(request, cast(RequestValidationError, error).errors())

    async def http(request: Request, error: Exception) -> Response:
        return _of_http(app, request, cast(HTTPException, error))

    app.add_exception_handler(FairleadError, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def of_error(request: Request, error: FairleadError) -> Response:
    """Status, code and whether to retry are facts of the class."""
    headers: dict[str, str] = {}
    problems: Sequence[Problem] = ()
    match error:
        case HttpRefusal():
            headers, problems = dict(error.headers), error.problems
        case InvalidInput():
            problems = error.problems
        case Busy():
            headers["Retry-After"] = "1"
        case SystemTrouble():
            wait = error.retry_after
            headers["Retry-After"] = str(max(1, round(wait.total_seconds()))) if wait else "5"
        case _:
            pass
    if error.status >= 500:
        log.warning("%s: %s", error.code, error.detail)
    sent = getattr(request.state, "sent", None)
    errors = [_item(sent, problem) for problem in problems[:_MOST_ERRORS]]
    return answer(
        error.status,
        error.code,
        error.detail,
        retryable=error.retry,
        errors=errors,
        headers=headers,
    )


_PLACE = re.compile(r"(query|path|header):(.*)", re.DOTALL)


def _item(sent: Any, problem: Problem) -> dict[str, str]:
    if place := _PLACE.fullmatch(problem.pointer):
        return {"in": place[1], "pointer": place[2], "rule": problem.rule[:LONGEST_RULE]}
    pointer, rest = strict_json.existing(sent, problem.pointer)
    rule = f"{rest}: {problem.rule}" if rest else problem.rule
    return {"in": "body", "pointer": pointer, "rule": rule[:LONGEST_RULE]}


def _of_validation(request: Request, faults: Sequence[Any]) -> Response:
    """pydantic's faults, without its `input` and without its words where they could repeat it."""
    sent = getattr(request.state, "sent", None)
    errors = [_fault(sent, fault) for fault in faults[:_MOST_ERRORS]]
    return answer(422, "invalid_input", "What was sent breaks these rules.", errors=errors)


def _fault(sent: Any, fault: Mapping[str, Any]) -> dict[str, str]:
    where, *path = fault["loc"]
    rule = rule_of(fault)
    if where != "body":
        return {"in": str(where), "pointer": f"/{'/'.join(map(str, path))}", "rule": rule}
    pointer, missing = _located(sent, path)
    if fault["type"] == "missing" and missing:
        rule = f"{missing[:60]}: {rule}"
    return {"in": "body", "pointer": pointer, "rule": rule[:LONGEST_RULE]}


def _located(sent: Any, path: Sequence[str | int]) -> tuple[str, str]:
    """A pointer that resolves, and the last name that was not sent. Such names (a missing field,
    tags of a union) are left out of the pointer."""
    pointer, value, missing = "", sent, ""
    for part in path:
        inside, inner = strict_json.step_into(value, part)
        token = f"/{strict_json.escaped(str(part))}"
        if inside and len(pointer) + len(token) <= strict_json.LONGEST_POINTER:
            pointer, value, missing = pointer + token, inner, ""
        else:
            missing = str(part)
    return pointer, missing


#: By pydantic's type of fault. Words of its own are used only where they hold no input.
_RULES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is no field here",
    "json_invalid": "is JSON",
    "decimal_parsing": "is a decimal written as text, such as '1200.50'",
    "string_pattern_mismatch": "has the form that the schema gives",
    "union_tag_invalid": "is one of the known types",
    "union_tag_not_found": "names its type",
}


def rule_of(fault: Mapping[str, Any]) -> str:
    """One rule in words; never the value that broke it."""
    known = _RULES.get(fault["type"])
    if known is not None:
        return known
    context: Mapping[str, Any] = fault.get("ctx") or {}
    if fault["type"] in ("value_error", "assertion_error"):
        # A validator of ours: its message is written for people and repeats nothing.
        return str(context.get("error", "breaks a rule"))[:LONGEST_RULE]
    words = str(fault["msg"])
    if fault["type"].endswith(("_parsing", "_from_datetime_parsing", "_from_date_parsing")):
        words = words.partition(",")[0]
    return words[:LONGEST_RULE]


def _of_http(app: FastAPI, request: Request, error: HTTPException) -> Response:
    if error.status_code == 405:
        allowed = ", ".join(sorted(_methods(app, request)))
        return answer(
            405,
            "method_not_allowed",
            "This address exists, but not for this method.",
            headers={"Allow": allowed},
        )
    if error.status_code == 404:
        return answer(404, "not_found", "There is nothing at this address.")
    return answer(error.status_code, "refused", TITLES.get(error.status_code, "Refused"))


def _methods(app: FastAPI, request: Request) -> set[str]:
    """Of every route with this path: the framework names only those of the first."""
    return {
        method
        for route in app.router.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }
