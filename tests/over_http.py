"""Apps over real HTTP, each at an address of its own, by servers of this process.

A server is used again for the next app: beginning and ending one is a third of a second of waiting,
as uvicorn looks ten times a second whether it shall end.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Generator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from fairlead.api.serve import server

_free: list[_Place] = []


@contextmanager
def served(app: Starlette) -> Generator[str]:
    """Its address. The socket listens already, so nobody has to wait for it."""
    place = _free.pop() if _free else _Place()
    place.take(app)
    try:
        yield place.url
    finally:
        place.give_up()
    _free.append(place)


class _Place:
    """One server, as the product has it. It ends with the process, as its thread does."""

    def __init__(self) -> None:
        # a socket of no named protocol gets no TCP_NODELAY from asyncio: 40 ms for each answer
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(256)
        port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self._server = server(self, host="127.0.0.1", port=port)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, daemon=True, name=self.url).start()

    def take(self, app: Starlette) -> None:
        self._app = app
        self._life: AbstractAsyncContextManager[Any] = app.router.lifespan_context(app)
        self._do(self._life.__aenter__())

    def give_up(self) -> None:
        """What is in hand comes to its end first, as when a server ends."""
        self._do(self._end())

    async def _end(self) -> None:
        state = self._server.server_state
        for connection in list(state.connections):
            connection.shutdown()
        while state.connections or state.tasks:
            await asyncio.sleep(0.001)
        await self._life.__aexit__(None, None, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":  # each app has its own, see `take`
            await self._app(scope, receive, send)

    def _run(self) -> None:
        self._loop.run_until_complete(self._server.serve([self._socket]))

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()
