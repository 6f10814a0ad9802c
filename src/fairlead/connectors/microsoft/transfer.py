"""Bytes to and from the addresses that Graph hands out for them.

They lie on SharePoint's own host, are good for a short time, and carry their permission in
themselves: no token of ours may be sent there
(https://learn.microsoft.com/en-us/graph/api/driveitem-createuploadsession,
https://learn.microsoft.com/en-us/graph/api/driveitem-get-content).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import simplejson

from fairlead.connectors.kit.http import (
    Gate,
    meaning_of,
    meaning_of_status,
    retry_after,
    trusted,
)
from fairlead.errors import AnswerLost, SystemRefused, SystemTrouble, SystemUnavailable
from fairlead.trace import correlation

_HOSTS = (".sharepoint.com", ".sharepoint.us", ".sharepoint-mil.us", ".sharepoint.cn")
_RANGE = 32 * 320 * 1024  # each range but the last is a multiple of 320 KiB, and below 60 MiB
_LONGEST = 250_000_000  # bytes that are read back


@dataclass(frozen=True)
class Digest:
    """Of what was read: SHA-256 in hex, and how many bytes."""

    sha256: str
    size: int


class Bytes:
    """Threads may share it."""

    def __init__(
        self,
        system: str,
        base_url: str,
        gate: Gate,
        *,
        connect_timeout_s: float,
        total_timeout_s: float,
    ) -> None:
        self._system, self._gate, self._total = system, gate, total_timeout_s
        self._graph = httpx.URL(base_url)
        timeout = httpx.Timeout(total_timeout_s, connect=min(connect_timeout_s, total_timeout_s))
        self._client = httpx.Client(
            timeout=timeout, follow_redirects=False, trust_env=False, verify=trusted()
        )

    def upload(self, url: str, content: bytes) -> Any:
        """All ranges in order; the body of the last answer, which is the item.

        The file appears with the last range, whole or not at all. Raises `SystemUnavailable`
        where a range before it got lost, for then there is none.
        """
        self._known(url)
        for first in range(0, len(content), _RANGE):
            piece = content[first : first + _RANGE]
            end = first + len(piece)
            headers = _traced() | {"content-range": f"bytes {first}-{end - 1}/{len(content)}"}
            if end == len(content):
                with self._passing():
                    reply = self._client.put(url, content=piece, headers=headers)
                    self._succeeded(reply)
                    return simplejson.loads(reply.content, use_decimal=True)
            with self._nothing_yet(), self._passing():
                self._succeeded(self._client.put(url, content=piece, headers=headers))
        raise SystemRefused(self._system, "An empty document cannot be filed.")

    def digest(self, url: str) -> Digest:
        """Of what lies at an address."""
        self._known(url)
        deadline = time.monotonic() + self._total
        found, size = hashlib.sha256(), 0
        with (
            self._nothing_yet(),
            self._passing(),
            self._client.stream("GET", url, headers=_traced()) as reply,
        ):
            if not reply.is_success:
                reply.read()
            self._succeeded(reply)
            for piece in reply.iter_bytes():
                found.update(piece)
                size += len(piece)
                if size > _LONGEST:
                    raise SystemRefused(self._system, "The document is longer than 250 MB.")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the document did not end in time")
        return Digest(found.hexdigest(), size)

    def _known(self, url: str) -> None:
        """Bytes go only to SharePoint, or to where Graph itself is. Raises `SystemRefused`."""
        try:
            there = httpx.URL(url)
        except httpx.InvalidURL as bad:
            raise SystemRefused(self._system, "It pointed us to no address.") from bad
        home = (self._graph.scheme, self._graph.host, self._graph.port)
        sharepoint = there.scheme == "https" and there.host.endswith(_HOSTS)
        if not sharepoint and (there.scheme, there.host, there.port) != home:
            raise SystemRefused(self._system, f"It pointed us to another host: {there.host}.")

    def _succeeded(self, reply: httpx.Response) -> None:
        kind = meaning_of_status(reply.status_code)
        if kind is None:
            return
        if reply.status_code == 409:
            kind = SystemRefused  # the name is taken: this file was not made
        headers = {name.lower(): value for name, value in reply.headers.items()}
        why = f"(HTTP {reply.status_code}) {reply.text[:300]}"
        wait = retry_after(headers, datetime.now(UTC))
        try:
            payload: object = simplejson.loads(reply.content)
        except ValueError:
            payload = reply.text[:300]
        raise kind(self._system, why, retry_after=wait, payload=payload)

    @contextmanager
    def _passing(self) -> Generator[None]:
        """One call through the gate, foreign exceptions in our words."""
        self._gate.enter()
        trouble: SystemTrouble | None = None
        try:
            yield
        except SystemTrouble as caught:
            trouble = caught
            raise
        except Exception as foreign:
            kind = meaning_of(foreign)
            if kind is None:
                raise
            trouble = kind(self._system, type(foreign).__name__)  # its words may hold the address
            raise trouble from None
        finally:
            self._gate.leave(trouble)

    @contextmanager
    def _nothing_yet(self) -> Generator[None]:
        try:
            yield
        except AnswerLost as lost:
            raise SystemUnavailable(
                self._system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost


def _traced() -> dict[str, str]:
    known = correlation.get()
    return {"x-correlation-id": known} if known else {}
