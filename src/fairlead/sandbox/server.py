"""The server process: systems from a world, one address, an end at SIGTERM."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType

import uvicorn

from fairlead.sandbox.app import Sandbox
from fairlead.sandbox.books import Order
from fairlead.sandbox.control import Controls
from fairlead.sandbox.door import Doors
from fairlead.sandbox.system import System
from fairlead.sandbox.wire import OpenProtocol
from fairlead.sandbox.world import World

_LAST_ANSWERS_S = 2


def serve(
    world: World,
    *,
    data: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str, Callable[[], None]], None],
) -> None:
    """Host the world until SIGTERM or SIGINT.

    `data` is the folder for the systems' books; None forgets them at the end. Port 0 takes a
    free one. `ready` is called once, when calls are taken: with the address, and with a function
    that ends the server. Raises `InvalidDefinition` for an unknown dialect, and OSError where
    the address is taken.
    """
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    with _listening(host, port) as listening:
        url = f"http://{host}:{listening.getsockname()[1]}"
        systems = _opened(world, data)
        sandbox = Sandbox(systems, Controls(systems).app())
        doors = Doors(host, systems, sandbox.asking)
        config = uvicorn.Config(
            sandbox,
            http=OpenProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=_LAST_ANSWERS_S,
        )
        server = _Server(config, doors, lambda end: ready(url, end))
        if current_thread() is main_thread():
            signal.signal(signal.SIGTERM, _already_ended)
        try:
            with suppress(KeyboardInterrupt):
                server.run([listening])
        finally:
            doors.close()
            sandbox.stop()
            for system in systems.values():
                system.close()


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, doors: Doors, ready: Callable[[Callable[[], None]], None]
    ) -> None:
        super().__init__(config)
        self._doors, self._ready = doors, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self._doors.open()
        self._ready(self._end)

    def _end(self) -> None:
        self.should_exit = True


def _listening(host: str, port: int) -> socket.socket:
    """asyncio switches Nagle's delay off only where the socket names its protocol."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(1024)
    except BaseException:
        listening.close()
        raise
    return listening


def _opened(world: World, data: Path | None) -> dict[str, System]:
    """All systems, their ledger rows numbered in one order that goes on after a restart."""
    order = Order()
    systems = {
        spec.id: System(spec, data / f"{spec.id}.sqlite" if data else None, order)
        for spec in world.systems
    }
    for system in systems.values():  # now that the order is beyond every ledger's end
        system.open()
    return systems


def _already_ended(signal_number: int, frame: FrameType | None) -> None:
    """Uvicorn has caught the signal, ended, and now raises it again; there is nothing to add."""
