"""The app under uvicorn: one process, its limits, and a log that a program can read."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from fairlead import trace
from fairlead.api.problems import request_id

_LONGEST_HEADERS = 32 * 1024  #: bytes of request line and headers together
_MOST_CONNECTIONS = 1000  #: more are told 503 before they are read


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, text, and the ids of the request."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        for name, value in (
            ("request", request_id.get()),
            ("correlation", trace.correlation.get()),
        ):
            if value:
                line[name] = value
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True)


def log_as_json(level: str) -> None:
    """Have everything that this process logs written as JSON lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


class _Server(uvicorn.Server):
    """Tells streams to open pages to end before it waits for what is in hand."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()
        await super().shutdown(sockets)


def server(
    app: ASGIApp, *, host: str, port: int, ending: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """A server, not yet running: `run()` blocks until a signal, then ends what is in hand.
    `ending` is called first then.

    h11 rather than httptools: it bounds the headers of a request before it has all of them.
    There is no access log, which would hold what clients put into addresses; `/metrics` counts.
    """
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http="h11",
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            backlog=1024,
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=_LONGEST_HEADERS,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=20,
        ),
        ending,
    )
