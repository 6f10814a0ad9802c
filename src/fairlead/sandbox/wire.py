"""The connection under a call: whole answers, cut answers, dripped answers, and none at all."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from dataclasses import dataclass
from typing import Any, Literal, cast

import simplejson
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from fairlead.sandbox.dialect import Answer

_TRANSPORT = "sandbox.transport"


class OpenProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, which also shows the application the connection itself."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)[_TRANSPORT] = self.transport


@dataclass(frozen=True)
class Payload:
    """An answer as bytes."""

    status: int
    headers: dict[str, str]  #: names in lower case, without a length
    content: bytes

    @classmethod
    def of(cls, answer: Answer) -> Payload:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.body is None:
            return cls(answer.status, headers, b"")
        if isinstance(answer.body, bytes):
            headers.setdefault("content-type", "application/octet-stream")
            return cls(answer.status, headers, answer.body)
        headers.setdefault("content-type", "application/json;charset=UTF-8")
        text = simplejson.dumps(answer.body, use_decimal=True)
        return cls(answer.status, headers, text.encode())

    def answer(self) -> Answer:
        """As it was before it became bytes; what is no JSON stays bytes."""
        try:
            body = simplejson.loads(self.content, use_decimal=True) if self.content else None
        except ValueError:
            body = self.content
        return Answer(self.status, body, self.headers)

    def pairs(self, length: int | None) -> list[tuple[bytes, bytes]]:
        pairs = [
            (name.encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in self.headers.items()
        ]
        if length is not None and self.status != 204:
            pairs.append((b"content-length", b"%d" % length))
        return pairs


class Wire:
    """One call's connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._transport = cast("asyncio.Transport", scope[_TRANSPORT])
        self._receive, self._send = receive, send

    async def read(self) -> bytes | None:
        """The body of the request; None where the client went away before its end."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return message["body"]
        parts: list[bytes] = []
        while message["type"] == "http.request":
            parts.append(message["body"])
            if not message.get("more_body"):
                return b"".join(parts)
            message = await self._receive()
        return None

    async def reply(self, payload: Payload) -> None:
        await self._start(payload, len(payload.content))
        await self._body(payload.content, more=False)

    async def drip(self, payload: Payload, pause_s: float) -> None:
        """One byte at a time, each after a pause, until the end or until nobody listens."""
        await self._start(payload, len(payload.content))
        for at in range(len(payload.content)):
            await asyncio.sleep(pause_s)
            if self._transport.is_closing():
                return
            await self._body(payload.content[at : at + 1], more=True)
        await self._body(b"", more=False)

    async def halve(self, payload: Payload, how: Literal["cut", "chunk", "gzip"]) -> None:
        """The right headers and half of the body.

        `cut` says the whole length and closes; `chunk` breaks the chunked encoding; `gzip` is
        complete as HTTP, but its compressed stream ends early.
        """
        half = payload.content[: len(payload.content) // 2]
        if how == "gzip":
            stream = zlib.compressobj(wbits=31)  # with gzip's header
            squeezed = stream.compress(half) + stream.flush(zlib.Z_SYNC_FLUSH)
            headers = {**payload.headers, "content-encoding": "gzip"}
            await self.reply(Payload(payload.status, headers, squeezed))
            return
        if how == "chunk":
            await self._start(payload, None)
            await self._body(half, more=True)
            self._transport.write(b"zz\r\nnot a chunk")
        else:
            await self._start(payload, max(1, len(payload.content)))
            await self._body(half, more=True)
        self._transport.close()
        await self._gone()

    async def reset(self) -> None:
        """Drop the connection with RST, as a crashed proxy or a fire wall does."""
        sock = cast("socket.socket | None", self._transport.get_extra_info("socket"))
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        await self._gone()

    async def _start(self, payload: Payload, length: int | None) -> None:
        await self._send(
            {
                "type": "http.response.start",
                "status": payload.status,
                "headers": payload.pairs(length),
            }
        )

    async def _body(self, content: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})

    async def _gone(self) -> None:
        """Uvicorn minds an application that returns before it knows that nobody listens."""
        while (await self._receive())["type"] != "http.disconnect":
            continue
