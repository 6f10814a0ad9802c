"""What every route does before its handler runs: sign in, permit, limit, read strictly."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import anyio
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from fairlead.api import strict_json
from fairlead.api.parts import AppParts, Limits
from fairlead.api.permissions import PERMISSIONS, Open
from fairlead.api.rate import Buckets
from fairlead.api.refusals import InvalidParameters, Malformed, TooLarge, TooSlow, WrongMediaType
from fairlead.api.sign_in import sign_in
from fairlead.errors import FairleadError, NotAllowed, Problem
from fairlead.trust.principals import Principal

audit = logging.getLogger("fairlead.audit")

JSON_TYPES = ("application/json", "application/cloudevents+json")
_LONGEST_QUERY = 4096  #: bytes


class ReadRequest(Request):
    """A request whose body has been read, within the limits, before anybody looks at it."""

    def keep(self, raw: bytes, value: Any) -> None:
        self._raw, self._value = raw, value

    async def body(self) -> bytes:
        return self._raw

    async def json(self) -> Any:
        return self._value


class Guarded(APIRoute):
    """A route of the API. `PERMISSIONS` says who may call it; raises KeyError where it does not.

    `takes_json`: of a handler that validates the body itself. `takes_bytes`: it wants it raw.
    `uploads`: it may be as large as a file.
    """

    takes_json = False
    takes_bytes = False
    uploads = False

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        needed = PERMISSIONS[f"{method_of(self)} {self.path}"]
        known = set(_query_names(self))
        wants_json = self.takes_json or self.body_field is not None

        async def guarded(request: Request) -> Response:
            read = ReadRequest(request.scope, request.receive)
            parts: AppParts = request.app.state.parts
            _check_query(request.scope["query_string"], known)
            if not isinstance(needed, Open) or needed is Open.TO_KEYS:
                await run_in_threadpool(_admit, request, parts, needed)
            if self.takes_bytes:
                limits = parts.limits
                most = limits.upload_bytes if self.uploads else limits.body_bytes
                request.state.raw = await _body(request, limits, most)
                request.state.sent = hashlib.sha256(request.state.raw).hexdigest()
                read.keep(request.state.raw, None)
            elif wants_json:
                _check_media_type(request)
                raw = await _body(request, parts.limits, parts.limits.body_bytes)
                value = strict_json.read(raw)
                read.keep(raw, value)
                request.state.sent, request.state.raw = value, raw
            else:
                read.keep(b"", None)
            return await handle(read)

        return guarded


class GuardedJson(Guarded):
    takes_json = True


class GuardedBytes(Guarded):
    takes_bytes = True


class GuardedUpload(GuardedBytes):
    """A file, in a command: what was sent is told by its digest."""

    uploads = True


def method_of(route: APIRoute) -> str:
    """Each of our routes is for one method."""
    return next(iter(route.methods or ()))


def _query_names(route: APIRoute) -> list[str]:
    return [field.alias for field in route.dependant.query_params]


def _admit(request: Request, parts: AppParts, needed: Any) -> None:
    """Raises `NotSignedIn`, `TooMany`, `NotAllowed`; what is refused is on the audit log."""
    place = f"{request.method} {request.scope['path'][:200]!r}"
    try:
        principal = sign_in(parts.db, parts.people, _authorization(request))
    except FairleadError as refused:
        audit.warning("refused %s: %s", place, refused.code)
        raise
    buckets: Buckets = request.app.state.buckets
    buckets.take(principal.id, time.monotonic())
    request.state.principal = principal
    if isinstance(needed, Open):
        return
    try:
        principal.must(needed)
    except NotAllowed:
        audit.warning("refused %s to %s: lacks %s", place, principal.id, needed)
        raise


def _authorization(request: Request) -> str | None:
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise Malformed("Send one Authorization header.")
    return given[0] if given else None


def _check_query(raw: bytes, known: set[str]) -> None:
    """Every name is known and comes once; what two readers could read differently is refused."""
    if len(raw) > _LONGEST_QUERY:
        raise Malformed(f"The query is longer than {_LONGEST_QUERY} bytes.")
    names: Counter[str] = Counter()
    for part in raw.split(b"&") if raw else ():
        name, _, value = part.partition(b"=")
        try:
            text = unquote_to_bytes(name.replace(b"+", b" ")).decode("utf-8")
            given = unquote_to_bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("The query is not UTF-8.") from None
        if "\0" in text or "\0" in given:
            raise Malformed("The query has a NUL in it.")
        names[text] += 1
    problems = [Problem("query:", "has only parameters that are documented")] * bool(
        names.keys() - known
    )
    problems += [
        Problem(f"query:/{name}", "comes once") for name in sorted(known) if names[name] > 1
    ]
    if problems:
        raise InvalidParameters("The query cannot be accepted.", problems)


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type", "").partition(";")
    charset = given[2].strip().lower().removeprefix("charset=").strip('"')
    if given[0].strip().lower() not in JSON_TYPES or charset not in ("", "utf-8"):
        raise WrongMediaType(f"The body is sent as {' or '.join(JSON_TYPES)}, in UTF-8.")


async def _body(request: Request, limits: Limits, most: int) -> bytes:
    """Raises `TooLarge` before more than the limit is held, `TooSlow`, `Malformed`."""
    too_large = TooLarge(f"A body has at most {most} bytes.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared[:18]) > most:
        raise too_large
    body = bytearray()
    try:
        with anyio.fail_after(limits.body_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_large
    except TimeoutError:
        raise TooSlow(f"The body did not arrive within {limits.body_s:g} s.") from None
    except ClientDisconnect:
        raise Malformed("The connection ended before the body did.") from None
    return bytes(body)


async def _principal(request: Request) -> Principal:
    return request.state.principal


async def _parts(request: Request) -> AppParts:
    return request.app.state.parts


Caller = Annotated[Principal, Depends(_principal)]
Parts = Annotated[AppParts, Depends(_parts)]


def canonical(value: Any) -> bytes:
    """The same for two bodies that say the same; for digests."""
    return json.dumps(value, sort_keys=True, default=str, separators=(",", ":")).encode()
