"""Calls to Slack's Web API, and what its refusals say about the work."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from fairlead.connectors.kit.http import Http, Reply, retry_after
from fairlead.connectors.slack.answers import Known, Page, Verdict
from fairlead.errors import (
    AnswerLost,
    SystemRefused,
    SystemTrouble,
    SystemUnavailable,
    Throttled,
)

_PAGE = 200  # Slack recommends no more; https://docs.slack.dev/apis/web-api/pagination

_THROTTLED = frozenset({"ratelimited", "rate_limited"})
_SIGNED_OUT = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}
)
#: Of the first two Slack says that a part of the work may have been done.
_PERHAPS_DONE = frozenset({"fatal_error", "internal_error", "service_unavailable"})
_NOT_TAKEN = frozenset({"request_timeout", "team_added_to_org"})  # cut on the way; being moved

Answer = TypeVar("Answer", bound=Known)
Paged = TypeVar("Paged", bound=Page)


class Said(Exception):
    """An error that the caller asked to be told."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ContractBroken(ValueError):
    """An answer is not as documented. Names the path."""


def meaning_of(code: str) -> type[SystemTrouble]:
    """What an error says about the work. Most say that nothing was done and a person must look."""
    if code in _THROTTLED:
        return Throttled
    if code in _SIGNED_OUT or code in _NOT_TAKEN:
        return SystemUnavailable
    return AnswerLost if code in _PERHAPS_DONE else SystemRefused


class Api:
    """Threads may share it."""

    def __init__(self, system: str, http: Http) -> None:
        self._system, self._http = system, http

    def write(
        self,
        method: str,
        sent: Mapping[str, Any],
        model: type[Answer],
        *,
        expected: Collection[str] = (),
    ) -> Answer:
        """Raises `Said` for what is `expected`, and a `SystemTrouble`."""
        reply = self._http.send("POST", f"/{method}", json=sent)
        try:
            return self._read(method, reply, model, expected)
        except ContractBroken as bad:
            why = f"The answer is not as documented: {bad}"
            raise AnswerLost(self._system, why, payload=reply.body) from bad

    def read(
        self,
        method: str,
        asked: Mapping[str, str],
        model: type[Answer],
        *,
        expected: Collection[str] = (),
    ) -> Answer:
        """As `write`. A read without a usable answer changed nothing, so it may be repeated."""
        try:
            reply = self._http.send("GET", f"/{method}", params=asked)
            return self._read(method, reply, model, expected)
        except AnswerLost as lost:
            raise SystemUnavailable(
                self._system, lost.why, retry_after=lost.retry_after, payload=lost.payload
            ) from lost
        except ContractBroken as bad:
            raise SystemRefused(self._system, f"An answer is not as documented: {bad}") from bad

    def pages(self, method: str, asked: Mapping[str, str], model: type[Paged]) -> Iterator[Paged]:
        """Every page of a list. A list that ends early is not taken for a complete one."""
        cursor, seen = "", set[str]()
        while True:
            params = {**asked, "limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
            page = self.read(method, params, model)
            yield page
            cursor = page.next_cursor
            if cursor in seen or (page.has_more and not cursor):
                raise SystemUnavailable(self._system, f"{method}: its pages do not go on.")
            if not cursor:
                return
            seen.add(cursor)

    def _read(
        self, method: str, reply: Reply, model: type[Answer], expected: Collection[str]
    ) -> Answer:
        verdict = _parsed(method, reply.body, Verdict)
        if verdict.ok:
            return _parsed(method, reply.body, model)
        code = verdict.error or "no error named"
        if code in expected:
            raise Said(code)
        why = f"{method}: {code}"
        if verdict.needed:
            why += f" (the app needs the scope {verdict.needed})"
        if code in _SIGNED_OUT:
            why = f"It refused our sign-in. {why}"
        wait = retry_after(reply.headers, datetime.now(UTC))
        raise meaning_of(code)(self._system, why, retry_after=wait, payload=reply.body)


def _parsed(method: str, body: object, model: type[Answer]) -> Answer:
    try:
        return model.model_validate(body)
    except ValidationError as bad:
        first = bad.errors()[0]
        where = ".".join([method, *(str(part) for part in first["loc"])])
        raise ContractBroken(f"{where}: {first['msg']}") from bad
