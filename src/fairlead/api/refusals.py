"""Refusals that only HTTP knows. Everything else that is refused comes from `fairlead.errors`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fairlead.errors import FairleadError, Problem


class HttpRefusal(FairleadError):
    """`headers` go out with the answer; `problems` point into what was sent."""

    def __init__(
        self,
        detail: str,
        problems: Sequence[Problem] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


class Malformed(HttpRefusal):
    """It cannot be read at all; `invalid_input` (422) is for what can be read and is wrong."""

    code, status = "malformed", 400


class NotSignedIn(HttpRefusal):
    code, status = "not_signed_in", 401


class TooSlow(HttpRefusal):
    code, status, retry = "too_slow", 408, True


class TooLarge(HttpRefusal):
    code, status = "too_large", 413


class WrongMediaType(HttpRefusal):
    code, status = "wrong_media_type", 415


class InvalidParameters(HttpRefusal):
    """Query, path or header; each pointer begins with which of them it is."""

    code, status = "invalid_input", 422


class VersionRequired(HttpRefusal):
    code, status = "version_required", 428


class TooMany(HttpRefusal):
    code, status, retry = "too_many_requests", 429, True
