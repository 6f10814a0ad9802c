"""The outermost layer: ids, limits and headers of every answer, and the last resort."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairlead import trace
from fairlead.api import problems
from fairlead.api.counters import Counters

log = logging.getLogger(__name__)

_SECURITY: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_METHODS = frozenset({"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"})


class Edge:
    """Wraps the app. Whatever happens inside, one well-formed answer goes out.

    `Host`, `Forwarded` and `X-Forwarded-*` are never read: no address that we give depends on
    what a client says about ours.
    """

    def __init__(self, app: ASGIApp, *, counters: Counters, at_once: int) -> None:
        self._app, self._counters, self._at_once = app, counters, at_once
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = uuid.uuid4().hex
        correlation = correlation_of(_headers(scope)) or request_id
        problems.request_id.set(request_id)
        trace.correlation.set(correlation)
        ids = [(b"x-request-id", request_id.encode()), (b"x-correlation-id", correlation.encode())]
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = {name for name, _ in message["headers"]}
                extra = [header for header in _SECURITY if header[0] not in own]
                message = {**message, "headers": [*message["headers"], *extra, *ids]}
            await send(message)

        self._in_hand += 1
        try:
            if self._in_hand > self._at_once:
                busy = problems.answer(
                    503,
                    "busy",
                    "Too many requests are in hand.",
                    retryable=True,
                    headers={"Retry-After": "1"},
                )
                await busy(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except Exception:
            log.exception("a request failed by our own fault")
            if status == 0:
                failed = problems.answer(500, "internal", "We failed; the log has the request id.")
                await failed(scope, receive, answer)
        finally:
            self._in_hand -= 1
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            route = str(getattr(scope.get("route"), "path", "none"))
            self._counters.add(method, route, status, time.perf_counter() - begun)


def correlation_of(headers: Mapping[str, str]) -> str | None:
    """The caller's trace id (W3C Trace Context) or correlation id, where it is well formed."""
    if trace_id := _TRACEPARENT.fullmatch(headers.get("traceparent", "")):
        return trace_id[1]
    given = headers.get("x-correlation-id", "")
    return given if _CORRELATION.fullmatch(given) else None


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
