"""A way into a system that does not speak HTTP: a port of its own, which asks the same kernel.

What arrives there becomes calls with routes, as over HTTP, so that faults, counts, the ledger and
the controls are the same. A dialect names its door in `Dialect.door`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairlead.sandbox.dialect import Answer
    from fairlead.sandbox.system import System

#: (method, path, body) → what to answer; None: drop the connection without a word. A body of
#: bytes is an answer that a fault has made unreadable.
Ask = Callable[[str, str, Mapping[str, Any]], "Awaitable[Answer | None]"]


class Door(ABC):
    """One system's own port. Everything happens on the event loop."""

    def __init__(self, settings: Mapping[str, Any], ask: Ask) -> None:
        self.settings, self.ask = settings, ask
        self.tls: ssl.SSLContext | None = None  #: in which each connection is wrapped

    @abstractmethod
    def connection(self) -> asyncio.BaseProtocol:
        """What takes one connection."""


class Doors:
    """The doors of all systems that have one."""

    def __init__(
        self, host: str, systems: Mapping[str, System], asking: Callable[[System], Ask]
    ) -> None:
        """Takes the ports: the setting `port`, else a free one.

        Raises OSError where one is taken.
        """
        self._listening: list[tuple[Door, socket.socket]] = []
        self._servers: list[asyncio.Server] = []
        for system in systems.values():
            if system.door is not None:
                wanted = int(system.spec.settings.get("port", 0))
                listening = socket.create_server((host, wanted))
                system.port = listening.getsockname()[1]
                door = system.door(system.spec.settings, asking(system))
                self._listening.append((door, listening))

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        for door, listening in self._listening:
            server = await loop.create_server(door.connection, sock=listening, ssl=door.tls)
            self._servers.append(server)

    def close(self) -> None:
        for server in self._servers:
            server.close()
        for _, listening in self._listening:
            listening.close()
