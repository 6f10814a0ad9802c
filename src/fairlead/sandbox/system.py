"""One sandbox system: its books, its dialect, its faults, and the work of one call."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from urllib.parse import parse_qsl, unquote

from fairlead.errors import InvalidDefinition
from fairlead.sandbox.books import Books, Order, Origin, as_of, origin
from fairlead.sandbox.calls import Calls
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route
from fairlead.sandbox.faults import Facts, Faults
from fairlead.sandbox.push import Pushes, Receiver
from fairlead.sandbox.world import SystemSpec, dialect_named

_log = logging.getLogger(__name__)
_VARIABLE = re.compile(r"\{(\w+)(:path)?\}")


@dataclass(frozen=True)
class Asked:
    """A call and the route that takes it; without a route, how the vendor says so."""

    call: Call
    route: Route | None
    refusal: Answer | None

    @property
    def operation(self) -> str:
        return self.route.operation if self.route else "unknown"

    def facts(self) -> Facts:
        call = self.call
        query = "&".join(f"{name}={value}" for name, value in call.query.items())
        scheme = call.headers.get("authorization", "basic").split(" ")[0].lower()
        return Facts(
            operation=self.operation,
            method=call.method,
            path=call.path,
            text=f"{call.path} {unquote(call.path)} {query} {call.body.decode('utf-8', 'replace')}",
            only_reads=self.route is not None and self.route.only_reads,
            signed_in=scheme != "basic",
        )


class System:
    """Takes calls once it is opened. Threads may share it."""

    def __init__(self, spec: SystemSpec, file: Path | None, order: Order) -> None:
        self.spec = spec
        self.faults, self.calls = Faults(), Calls()
        self.era_ended = Event()  #: what was asked before a reset must not happen after it
        self.door = dialect_named(spec.dialect).door
        self.port: int | None = None  #: of its own, where it has a door
        self.books = Books(spec.id, file, order=order)
        self.pushes = Pushes(self.books, self.faults, _receiver(spec))

    def open(self) -> None:
        """Let the dialect begin: as in a new account, or where its books left off."""
        cls = dialect_named(self.spec.dialect)
        self.dialect: Dialect = cls(self.spec.id, self.books, self.spec.settings, self.pushes.push)
        if not self.books.kinds():
            self.dialect.furnish()
        self._routes = [(_pattern(route.path), route) for route in self.dialect.routes()]
        self.pushes.sign_with(self._sign)

    def _sign(self, secret: str, body: bytes, message_id: str, now: float) -> dict[str, str]:
        self.dialect.webhook_secret = secret
        return self.dialect.sign_push(body, message_id, now)

    def reset(self) -> None:
        """As if the account were new, and nothing were wrong with it."""
        self.era_ended.set()
        self.era_ended = Event()
        self.faults.set(())
        self.pushes.send_to(_receiver(self.spec))
        self.books.reset()
        self.calls.clear()
        self.open()

    def close(self) -> None:
        self.era_ended.set()
        self.pushes.stop()
        self.books.close()

    def asked(
        self, method: str, path: str, query: bytes, headers: dict[str, str], body: bytes
    ) -> Asked:
        """Which route takes a call? `path` is percent-encoded and begins with a slash."""

        def call(params: dict[str, str]) -> Call:
            pairs = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
            return Call(method, path, params, pairs, headers, body, self.dialect.malformed)

        known = False
        for pattern, route in self._routes:
            if fits := pattern.fullmatch(path):
                known = True
                if route.method == method:
                    params = {name: unquote(value) for name, value in fits.groupdict().items()}
                    return Asked(call(params), route, None)
        lost = call({})
        refusal = self.dialect.broken(405) if known else self.dialect.unknown_path(lost)
        return Asked(lost, None, refusal)

    def work(self, asked: Asked, *, behind_s: float = 0) -> Answer:
        """Do what was asked. With `behind_s` the reading sees the books as they were then."""
        call = asked.call
        correlation = call.headers.get("x-correlation-id", "")
        came_from = origin.set(Origin(call.method, call.path, correlation))
        moment = as_of.set(datetime.now(UTC) - timedelta(seconds=behind_s) if behind_s else None)
        try:
            if asked.route is None:
                return asked.refusal or self.dialect.unknown_path(call)
            self.dialect.authenticate(call, asked.route)
            return asked.route.handler(call)
        except Deny as denied:
            return denied.answer
        except Exception:
            _log.exception(
                "The dialect of %s failed on %s %s", self.spec.id, call.method, call.path
            )
            return self.dialect.broken(500)
        finally:
            as_of.reset(moment)
            origin.reset(came_from)


def _receiver(spec: SystemSpec) -> Receiver | None:
    url, secret = spec.settings.get("webhook_url"), spec.settings.get("webhook_secret")
    if not url:
        return None
    if not secret:
        raise InvalidDefinition(f"{spec.id}: webhook_url needs webhook_secret.")
    return Receiver.of(str(url), str(secret))


def _pattern(path: str) -> re.Pattern[str]:
    """A route's path as an expression over the encoded path, so that `%2F` stays in its part."""
    pieces: list[str] = []
    at = 0
    for variable in _VARIABLE.finditer(path):
        pieces.append(re.escape(path[at : variable.start()]))
        pieces.append(f"(?P<{variable[1]}>{'.+' if variable[2] else '[^/]+'})")
        at = variable.end()
    return re.compile("".join(pieces) + re.escape(path[at:]))
