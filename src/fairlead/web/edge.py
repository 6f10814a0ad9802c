"""The outermost layer of the pages: our address, headers of every answer, and the last resort."""

from __future__ import annotations

import logging
import uuid

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fairlead import trace
from fairlead.web import cross_site, troubles

log = logging.getLogger(__name__)

CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cache-control", b"no-store"),
    (b"vary", b"HX-Request"),
)
_HTTPS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")


class Edge:
    """`Forwarded` and `X-Forwarded-*` are never read: `origin` says what our address is."""

    def __init__(self, app: ASGIApp, *, origin: str | None) -> None:
        self._app, self._origin = app, origin
        secure = origin is not None and origin.startswith("https://")
        self._always = (*_HEADERS, _HTTPS) if secure else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        id = uuid.uuid4().hex
        trace.correlation.set(id)
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                own = {name for name, _ in message["headers"]}
                extra = [header for header in self._always if header[0] not in own]
                named = (b"x-request-id", id.encode())
                message = {**message, "headers": [*message["headers"], *extra, named]}
            await send(message)

        try:
            if cross_site.is_ours(Headers(scope=scope).get("host", ""), self._origin):
                await self._app(scope, receive, answer)
            else:
                await troubles.elsewhere(Request(scope))(scope, receive, answer)
        except Exception:
            log.exception("a page failed by our own fault")
            if not begun:
                await troubles.failed(Request(scope))(scope, receive, answer)
