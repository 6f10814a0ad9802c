"""One address for two edges: programs go to the API, people to the pages."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_API = ("/api", "/hooks", "/healthz", "/readyz", "/metrics")


class Front:
    """Knows neither edge: both are ASGI applications, each with headers and refusals of its own."""

    def __init__(self, api: ASGIApp, web: ASGIApp) -> None:
        self._api, self._web = api, web

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif is_of_api(scope["path"]):
            await self._api(scope, receive, send)
        else:
            await self._web(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Both start and both end; the server hears one answer."""
        async with AsyncExitStack() as running:
            message = await receive()
            assert message["type"] == "lifespan.startup"
            try:
                for app in (self._api, self._web):
                    await running.enter_async_context(_Running(app, scope))
            except RuntimeError as failed:
                await send({"type": "lifespan.startup.failed", "message": str(failed)})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def is_of_api(path: str) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in _API)


class _Running:
    """One application between its start and its end."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._app, self._scope = app, scope
        self._said: asyncio.Queue[Message] = asyncio.Queue()
        self._tell: asyncio.Queue[Message] = asyncio.Queue()

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run())
        await self._tell.put({"type": "lifespan.startup"})
        answer = await self._said.get()
        if answer["type"] != "lifespan.startup.complete":
            raise RuntimeError(answer.get("message", "an application did not start"))

    async def __aexit__(self, *_: object) -> None:
        await self._tell.put({"type": "lifespan.shutdown"})
        await self._said.get()
        await self._task

    async def _run(self) -> None:
        await self._app(dict(self._scope), self._tell.get, self._said.put)
