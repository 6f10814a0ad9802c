"""The line to one tenant: Graph as the application, Graph as the sender, and plain bytes.

https://learn.microsoft.com/en-us/graph/use-the-api
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from fairlead.connectors.kit.http import Gate, Http, Reply, Token, TokenSource
from fairlead.connectors.microsoft.answers import Access, Page, where
from fairlead.connectors.microsoft.settings import MicrosoftSettings
from fairlead.connectors.microsoft.transfer import Bytes
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)

M = TypeVar("M", bound=BaseModel)

NAME_TAKEN = "nameAlreadyExists"
#: What Graph says where it means "later", whatever the status
#: (https://learn.microsoft.com/en-us/graph/errors). A locked resource was not touched.
_LATER: Mapping[str, type[SystemTrouble]] = {
    "activityLimitReached": Throttled,
    "TooManyRequests": Throttled,
    "resourceLocked": SystemUnavailable,
    NAME_TAKEN: SystemRefused,  # a 409 that says for certain that nothing was done
}
_SENDER_MAY = ("ChannelMessage.Send", "ChannelMessage.Read.All")


class Graph:
    """Threads may share it."""

    def __init__(self, system: str, settings: MicrosoftSettings, gate: Gate) -> None:
        self.system = system

        def http(url: str) -> Http:
            line = Http(
                system,
                url,
                connect_timeout_s=settings.connect_timeout_s,
                total_timeout_s=settings.total_timeout_s,
                gate=gate,
            )
            return line.with_dialect(explain, classify)

        login, graph = http(settings.login), http(str(settings.base_url))
        self.as_application = graph.with_sign_in(_application(system, settings, login))
        self.as_sender: Http | None = None
        if settings.sender_refresh_token is not None:
            self.as_sender = graph.with_sign_in(_sender(system, settings, login))
        self.transfer = Bytes(
            system,
            str(settings.base_url),
            gate,
            connect_timeout_s=settings.connect_timeout_s,
            total_timeout_s=settings.total_timeout_s,
        )

    def read(self, model: type[M], body: Any) -> M:
        """Raises `SystemRefused` naming the path where the answer is of another shape."""
        try:
            return model.model_validate(body)
        except ValidationError as bad:
            why = f"Its answer is not as documented: {where(bad)}"
            raise SystemRefused(self.system, why) from bad

    def written(self, model: type[M], body: Any) -> M:
        """The same of a write, which was perhaps done: raises `AnswerLost`."""
        try:
            return model.model_validate(body)
        except ValidationError as bad:
            why = f"Its answer is not as documented: {where(bad)}"
            raise AnswerLost(self.system, why) from bad

    def listed(
        self,
        http: Http,
        path: str,
        params: Mapping[str, str],
        model: type[M],
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[M]:
        """Every element of a list, to its last page
        (https://learn.microsoft.com/en-us/graph/paging)."""
        page = self.read(Page, http.send("GET", path, params=params, headers=headers).body)
        seen: set[str] = set()
        while True:
            for one in page.value:
                yield self.read(model, one)
            if page.next is None:
                return
            if page.next in seen:
                raise SystemUnavailable(self.system, "The next page of its list is the same one.")
            seen.add(page.next)
            page = self.read(Page, http.send("GET", page.next, headers=headers).body)

    @contextmanager
    def reading(self) -> Generator[None]:
        """A read that was not answered may simply be repeated."""
        try:
            yield
        except AnswerLost as lost:
            raise SystemUnavailable(
                self.system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost

    @contextmanager
    def begun(self, what: str) -> Generator[None]:
        """Once the first of several writes is done, no trouble means that nothing was done."""
        try:
            yield
        except (SystemUnavailable, SystemRefused) as trouble:
            refused = isinstance(trouble, SystemRefused)
            kind = SystemRefused if refused else AnswerLost
            raise kind(
                self.system,
                f"{what} is there, but not finished. {trouble.why}",
                retry_after=trouble.retry_after,
                payload=trouble.payload,
            ) from trouble


def connect(system: str, settings: MicrosoftSettings, gate: Gate) -> Graph:
    return Graph(system, settings, gate)


# -- signing in ----------------------------------------------------------------------------------


def _application(system: str, settings: MicrosoftSettings, login: Http) -> TokenSource:
    """https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow"""
    asked = {"grant_type": "client_credentials", "scope": f"{settings.resource}/.default"}
    return TokenSource(lambda: _fetch(system, settings, login, asked)[0])


def _sender(system: str, settings: MicrosoftSettings, login: Http) -> TokenSource:
    """https://learn.microsoft.com/en-us/entra/identity-platform/refresh-tokens

    Each use gives a fresher refresh token, which is kept as long as this process lives; the one
    in the settings stays good for 90 days after it was issued.
    """
    given = settings.sender_refresh_token
    newest = given.get_secret_value() if given else ""
    scopes = " ".join(f"{settings.resource}/{name}" for name in _SENDER_MAY)

    def fetch() -> Token:
        nonlocal newest  # one caller at a time: the source holds its lock
        asked = {"grant_type": "refresh_token", "refresh_token": newest}
        token, fresher = _fetch(
            system, settings, login, asked | {"scope": f"offline_access {scopes}"}
        )
        newest = fresher or newest
        return token

    return TokenSource(fetch)


def _fetch(
    system: str, settings: MicrosoftSettings, login: Http, asked: Mapping[str, str]
) -> tuple[Token, str | None]:
    """Raises a `SystemTrouble`, never with a secret in it."""
    asked_at = time.monotonic()
    app = {
        "client_id": settings.client_id,
        "client_secret": settings.client_secret.get_secret_value(),
    }
    reply = login.send("POST", f"/{settings.tenant_id}/oauth2/v2.0/token", form={**app, **asked})
    try:
        access = Access.model_validate(reply.body)
    except ValidationError:  # without the cause: it may quote the token
        raise SystemUnavailable(system, "It answered the sign-in without a token.") from None
    return Token(access.token, asked_at + access.lasts_s), access.refresh_token


# -- how it says no ------------------------------------------------------------------------------


def code_of(payload: object) -> str | None:
    """The code in an error's body (https://learn.microsoft.com/en-us/graph/errors)."""
    error = _table(_table(payload).get("error"))
    code = error.get("code")
    return code if isinstance(code, str) else None


def classify(reply: Reply) -> type[SystemTrouble] | None:
    code = code_of(reply.body)
    return _LATER.get(code) if code else None


def explain(reply: Reply) -> str:
    """Microsoft's own words, for the person who looks."""
    body = _table(reply.body)
    if isinstance(body.get("error"), str):  # the token endpoint's shape (RFC 6749 5.2)
        return f"{body['error']}: {body.get('error_description', '')}"
    error = _table(body.get("error"))
    return f"{error.get('code', '')}: {error.get('message', '')}" if error else str(reply.body)


def _table(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
