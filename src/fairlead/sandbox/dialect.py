"""What a vendor's dialect says to the kernel: routes, sign-in, and how it words a refusal.

A dialect is one module `fairlead.sandbox.<vendor>` with one subclass of `Dialect`. It knows the
vendor's paths and bodies and nothing of HTTP connections, faults, ledgers or deliveries.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import simplejson

from fairlead.sandbox import push as webhooks
from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.door import Door


@dataclass(frozen=True)
class Answer:
    """What goes back. `body` is JSON, or bytes as they are; None means no content."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])


class Deny(Exception):
    """A handler's refusal: the answer goes back, and an open transaction is taken back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


def _plain_malformed() -> Answer:
    return Answer(400, {"message": "The body is not JSON."})


@dataclass(frozen=True)
class Call:
    """One call, with the system's own part of the address cut off."""

    method: str
    path: str  #: as sent, still percent-encoded, without the query
    params: dict[str, str]  #: the parts named in the route, decoded
    query: dict[str, str]  #: decoded; of a repeated name the last one counts
    headers: dict[str, str]  #: names in lower case
    body: bytes
    malformed: Callable[[], Answer] = _plain_malformed  #: how the vendor words "not JSON"

    def json(self) -> Any:
        """The body, numbers exact. Raises `Deny` in the vendor's words where it is not JSON."""
        try:
            return simplejson.loads(self.body, use_decimal=True)
        except ValueError as bad:
            raise Deny(self.malformed()) from bad

    def form(self) -> dict[str, str]:
        """The body of an HTML form, as token endpoints take it."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Route:
    """`path` names its variable parts: `/sobjects/{kind}/{id}`; `{rest:path}` also takes slashes.

    `operation` is the name by which faults and counts know it. `reads` says that it changes
    nothing, which a stale read may then concern; None means that GET and HEAD do not.
    """

    method: str
    path: str
    operation: str
    handler: Callable[[Call], Answer]
    reads: bool | None = None

    @property
    def only_reads(self) -> bool:
        return self.method in ("GET", "HEAD") if self.reads is None else self.reads


class Dialect(ABC):
    """One system of one vendor. The kernel calls it from several threads at once."""

    vendor: ClassVar[str]  #: as in a world's `dialect`
    door: ClassVar[type[Door] | None] = None  #: of a vendor that does not speak HTTP

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[dict[str, Any]], None],
    ) -> None:
        """`push` takes the body of a webhook; the kernel signs and delivers it."""
        self.system, self.books, self.settings, self.push = system, books, settings, push
        #: What webhooks are signed with now. The kernel keeps it up to date.
        self.webhook_secret = str(settings.get("webhook_secret", ""))

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        """Settings for a rehearsal, credentials newly made; under `client` what a connector
        needs to sign in with them (without `base_url`, which is known later)."""
        return {}

    @abstractmethod
    def routes(self) -> list[Route]:
        """The first that fits a call takes it."""

    @abstractmethod
    def authenticate(self, call: Call, route: Route) -> None:
        """Raises `Deny` with the vendor's own 401 or 403; lets token endpoints through."""

    @abstractmethod
    def plant(self, kind: str, body: dict[str, Any]) -> Record:
        """Add a record as a person in that system would: ids, defaults, and webhooks."""

    @abstractmethod
    def too_many(self, retry_after_s: float | None) -> Answer:
        """The vendor's 429; None leaves out how long to wait."""

    @abstractmethod
    def broken(self, status: int) -> Answer:
        """The vendor's body for any 4xx or 5xx that is not said more precisely."""

    def furnish(self) -> None:
        """Add what every account has. Called when there are no records: at first, and after a
        reset."""
        return

    def amend(self, kind: str, id: str, changes: dict[str, Any]) -> Record:
        """A person changes a record in that system. Raises KeyError where there is none."""
        return self.books.update(kind, id, changes)

    def discard(self, kind: str, id: str) -> None:
        """A person deletes a record in that system. Raises KeyError where there is none."""
        self.books.remove(kind, id)

    def sign_push(self, body: bytes, message_id: str, now: float) -> dict[str, str]:
        """The headers that prove a webhook with `webhook_secret`; `now` is Unix time in seconds.

        As Standard Webhooks says; a vendor with a scheme of its own signs in that one. Called for
        each attempt. Raises `InvalidDefinition` for a secret that cannot be signed with.
        """
        return webhooks.signed(self.webhook_secret, body, message_id, now)

    def revoke_tokens(self) -> None:
        """Forget every access token, so that callers must sign in again."""
        return

    def malformed(self) -> Answer:
        """The vendor's answer to a body that is not JSON."""
        return self.broken(400)

    def unknown_path(self, call: Call) -> Answer:
        """The vendor's answer where no route fits."""
        return self.broken(404)
