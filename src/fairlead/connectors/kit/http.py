"""The one HTTP client of all connectors, and the one place that knows foreign exceptions.

Of each trouble it asks: is it surely not done, or perhaps done? (`errors.py` has the classes.)
It never repeats a call, except once after a 401, which says that nothing was done. It follows
no redirect, bounds size and time (each wait, and the whole of a body; headers that trickle in byte
by byte are bounded only wait by wait), and accepts as success only a complete JSON answer.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Lock
from typing import Any, Protocol

import httpx
import simplejson

from fairlead.errors import AnswerLost, SystemRefused, SystemTrouble, SystemUnavailable, Throttled
from fairlead.trace import correlation

_MAX_BYTES = 10_000_000
_LONGEST_WAIT = timedelta(minutes=15)  # a `Retry-After` of a year is not believed

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_MEANING: tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[SystemTrouble]], ...] = (
    # the first that fits
    (_NOT_SENT, SystemUnavailable),
    ((httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError), SystemRefused),
    (httpx.TooManyRedirects, SystemRefused),
    (httpx.HTTPError, AnswerLost),  # sent, and perhaps done
    (ValueError, AnswerLost),  # answered, but not JSON, or not of the shape that we know
    (RecursionError, AnswerLost),  # answered with JSON nested deeper than anybody means
)


def meaning_of(trouble: Exception) -> type[SystemTrouble] | None:
    """What a foreign exception says about the work; None for one that is not from outside."""
    return next((ours for theirs, ours in _MEANING if isinstance(trouble, theirs)), None)


def meaning_of_status(status: int) -> type[SystemTrouble] | None:
    """What an HTTP status says about the work; None for success (RFC 9110, RFC 6585)."""
    if 200 <= status < 300:
        return None
    if status == 429:
        return Throttled
    if status >= 500 or status in (408, 409, 425):
        return AnswerLost
    return SystemRefused


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """What `Retry-After` asks for (RFC 9110 10.2.3: seconds or a date), where it can be believed.

    Negative, unreadable and absent give None; more than 15 minutes gives 15 minutes.
    """
    raw = headers.get("retry-after", "").strip()
    if not raw:
        return None
    if raw.isascii() and raw.replace(".", "", 1).isdigit():
        wait = timedelta(seconds=min(float(raw), 1e6))
    else:
        try:
            then = parsedate_to_datetime(raw)
        except (ValueError, TypeError, IndexError):
            return None
        if then.tzinfo is None:
            then = then.replace(tzinfo=UTC)
        wait = then - now
    if wait < timedelta(0):
        return None
    return min(wait, _LONGEST_WAIT)


@dataclass(frozen=True)
class Reply:
    """A complete answer. `body` is the parsed JSON, or None where there was no content."""

    status: int
    headers: Mapping[str, str]  #: names in lower case
    body: Any


#: What a vendor means by a reply that is no success; None: what its status says.
Classify = Callable[[Reply], type[SystemTrouble] | None]


class Gate(Protocol):
    """Asked before and told after each call: rate budget and circuit breaker."""

    def enter(self) -> None:
        """Take one call from the budget, waiting shortly for it. Raises `SystemUnavailable`."""
        ...

    def leave(self, trouble: SystemTrouble | None) -> None: ...


class OpenGate:
    """A gate that lets everything through: for tests of an adapter alone."""

    def enter(self) -> None:
        return None

    def leave(self, trouble: SystemTrouble | None) -> None:
        return None


@cache
def trusted() -> ssl.SSLContext:
    """The authorities whose certificates are believed: certifi's. One for the whole process, as
    each reading of them costs as much as some thirty calls."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True)
class Token:
    value: str
    expires_at: float  #: monotonic seconds


class TokenSource:
    """A bearer token, fetched by one caller at a time and kept until shortly before it ends."""

    def __init__(self, fetch: Callable[[], Token]) -> None:
        self._fetch, self._lock = fetch, Lock()
        self._token: Token | None = None

    def get(self) -> str:
        with self._lock:
            if self._token is None or self._token.expires_at < time.monotonic() + 15:
                self._token = self._fetch()
            return self._token.value

    def renew(self, stale: str) -> str:
        """A token other than `stale`; whoever comes second gets what the first one fetched."""
        with self._lock:
            if self._token is None or self._token.value == stale:
                self._token = self._fetch()
            return self._token.value


class Http:
    """Calls one system. Threads may share it."""

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        connect_timeout_s: float = 5,
        total_timeout_s: float = 30,
        gate: Gate | None = None,
        tokens: TokenSource | None = None,
        explain: Callable[[Reply], str] | None = None,
        classify: Classify | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.system = system
        self._root = base_url.rstrip("/")
        self._total = total_timeout_s
        self._gate, self._tokens = gate or OpenGate(), tokens
        self._explain, self._classify = explain or _first_words, classify or _as_the_status_says
        timeout = httpx.Timeout(total_timeout_s, connect=min(connect_timeout_s, total_timeout_s))
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
        self._client = httpx.Client(
            timeout=timeout, limits=limits, follow_redirects=False, transport=transport,
            trust_env=False, verify=trusted(),
        )  # fmt: skip

    def with_sign_in(
        self,
        tokens: TokenSource,
        explain: Callable[[Reply], str] | None = None,
        classify: Classify | None = None,
    ) -> Http:
        """The same system and connections, signed in."""
        other = self.with_dialect(explain or self._explain, classify or self._classify)
        other._tokens = tokens
        return other

    def with_dialect(self, explain: Callable[[Reply], str], classify: Classify) -> Http:
        """The same system, connections and sign-in, with a vendor's way of saying no.

        `classify` goes before the table of statuses, for a vendor that means something else
        than the status says (Salesforce's rate limit is a 403). None leaves it to the table.
        """
        other = object.__new__(Http)
        other.__dict__.update(self.__dict__)
        other._explain, other._classify = explain, classify
        return other

    def trouble_in(self, reply: Reply) -> SystemTrouble | None:
        """What a reply, or an answer that a vendor packed into one, says about the work."""
        if 200 <= reply.status < 300:
            return None
        kind = self._classify(reply) or meaning_of_status(reply.status) or SystemRefused
        wait = retry_after(reply.headers, datetime.now(UTC))
        why = f"(HTTP {reply.status}) {self._explain(reply)}"[:500]
        return kind(self.system, why, retry_after=wait, payload=reply.body)

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        may_miss: bool = False,
    ) -> Reply:
        """One call. `path` is appended to the base address, or is a full one on the same host.

        `may_miss`: a 404 is an answer, not a refusal. Raises a `SystemTrouble` otherwise.
        """
        token = self._signed_in(lambda tokens: tokens.get())
        try:
            return self._once(method, path, json, form, params, headers, token, may_miss)
        except _SignedOut as signed_out:
            if self._tokens is None or token is None:
                raise SystemUnavailable(self.system, "It refused our sign-in.") from signed_out
            stale = token
            token = self._signed_in(lambda tokens: tokens.renew(stale))
        try:
            return self._once(method, path, json, form, params, headers, token, may_miss)
        except _SignedOut as again:
            raise SystemUnavailable(self.system, "It refused our fresh sign-in.") from again

    def _signed_in(self, fetch: Callable[[TokenSource], str]) -> str | None:
        """A token, where this system wants one. Trouble with it means that no work was done."""
        if self._tokens is None:
            return None
        try:
            return fetch(self._tokens)
        except SystemUnavailable:
            raise
        except SystemTrouble as trouble:
            why = f"The sign-in failed: {trouble.why}"[:500]
            raise SystemUnavailable(
                self.system, why, retry_after=trouble.retry_after, payload=trouble.payload
            ) from trouble

    def _once(
        self,
        method: str,
        path: str,
        json: Any,
        form: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        token: str | None,
        may_miss: bool,
    ) -> Reply:
        self._gate.enter()
        trouble: SystemTrouble | None = None
        try:
            reply = self._exchange(method, path, json, form, params, headers, token)
            if reply.status == 401:
                raise _SignedOut
            if may_miss and reply.status == 404:
                return reply
            trouble = self.trouble_in(reply)
            if trouble is not None:
                raise trouble
            return reply
        except SystemTrouble as caught:
            trouble = caught
            raise
        except _SignedOut:
            raise
        except Exception as foreign:
            kind = meaning_of(foreign)
            if kind is None:
                raise
            why = f"{type(foreign).__name__}: {foreign}"[:300]
            trouble = kind(self.system, why)
            raise trouble from foreign
        finally:
            self._gate.leave(trouble)

    def _exchange(
        self,
        method: str,
        path: str,
        json: Any,
        form: Mapping[str, str] | None,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        token: str | None,
    ) -> Reply:
        sent = {"accept": "application/json", **(headers or {})}
        if token:
            sent["authorization"] = f"Bearer {token}"
        if known := correlation.get():
            sent["x-correlation-id"] = known
        url = path if path.startswith(("http://", "https://")) else self._root + path
        if not url.startswith(self._root + "/"):  # the slash: `//good.example.evil.example`
            raise SystemRefused(self.system, "It pointed us to another host.")
        deadline = time.monotonic() + self._total
        content = None
        if json is not None:  # decimals leave as they are, digit for digit
            content = simplejson.dumps(json, use_decimal=True).encode()
            sent["content-type"] = "application/json"
        request = self._client.build_request(
            method, url, content=content, data=form, params=params, headers=sent
        )
        response = self._client.send(request, stream=True)
        try:
            received = bytearray()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > _MAX_BYTES:
                    raise ValueError("the answer is longer than 10 MB")
                if time.monotonic() > deadline:
                    raise httpx.ReadTimeout("the answer did not end in time", request=request)
        finally:
            response.close()
        found = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, found, self._parsed(response, bytes(received)))

    @staticmethod
    def _parsed(response: httpx.Response, content: bytes) -> Any:
        """JSON, or None where nothing was sent. On a success anything else is no answer."""
        if not content:
            return None
        is_json = "json" in response.headers.get("content-type", "")
        if response.is_success and not is_json:
            raise ValueError("the answer is not JSON")
        try:
            return simplejson.loads(content, use_decimal=True)
        except (ValueError, RecursionError):
            if response.is_success:
                raise
            return content[:500].decode("utf-8", "replace")


def _as_the_status_says(reply: Reply) -> type[SystemTrouble] | None:
    return None


class _SignedOut(Exception):
    """A 401: the token is no longer good, and nothing was done."""


def _first_words(reply: Reply) -> str:
    return str(reply.body)[:300] if reply.body is not None else ""
