"""One Microsoft 365 tenant as far as the connector uses it: sign-in, a library, a team.

From https://learn.microsoft.com/en-us/graph/api/overview?view=graph-rest-1.0 and
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
Sign-in, Graph and the addresses for bytes share one host here; each call still has to be the
one that its own host wants.

Settings: `tenant_id`, `client_id`, `client_secret`, `site_id`, `drive_id`, `team_id`, `sender_id`
and `sender` (the account that posts: id and mail), `refresh_token` (of it), `folders` (paths that
exist), `columns` (of the library, indexed; `FairleadKey`), `retention_labels` (names),
`application_roles` and `sender_scopes` (what an administrator consented to), `session_s` (3600).
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, ClassVar, cast

from fairlead.sandbox.books import Books, Record
from fairlead.sandbox.dialect import Answer, Call, Deny, Dialect, Route
from fairlead.sandbox.microsoft_drive import Drive
from fairlead.sandbox.microsoft_teams import Team
from fairlead.sandbox.microsoft_wire import Body, Caller, denied, error

_RESOURCE = "https://graph.microsoft.com"
_ROLES = (
    "Sites.ReadWrite.All", "User.ReadBasic.All", "TeamMember.ReadWrite.All", "Channel.Create",
    "Channel.ReadBasic.All",
)  # fmt: skip
_SCOPES = ("ChannelMessage.Send", "ChannelMessage.Read.All")
_LABELS = ("Contracts 10 years", "Engagement records 7 years", "Personal data 2 years")
_CODES = {
    400: "invalidRequest", 401: "InvalidAuthenticationToken", 403: "accessDenied",
    404: "itemNotFound", 405: "notAllowed", 409: "conflict", 423: "resourceLocked",
    429: "TooManyRequests", 503: "serviceNotAvailable", 507: "insufficientStorage",
}  # fmt: skip


class Microsoft(Dialect):
    vendor: ClassVar[str] = "microsoft"

    def __init__(
        self,
        system: str,
        books: Books,
        settings: Mapping[str, Any],
        push: Callable[[dict[str, Any]], None],
    ) -> None:
        super().__init__(system, books, settings, push)
        self._drive, self._team = Drive(system, books, settings), Team(system, books, settings)
        self._lock = Lock()
        self._tokens: dict[str, Caller] = {}
        self._refreshed: set[str] = set()

    @classmethod
    def example_settings(cls) -> dict[str, Any]:
        shared = {
            "tenant_id": str(uuid.uuid4()),
            "client_id": str(uuid.uuid4()),
            "client_secret": secrets.token_urlsafe(30),
            "team_id": str(uuid.uuid4()),
            "sender_id": str(uuid.uuid4()),
        }
        site = f"tarnholloway.sharepoint.com,{uuid.uuid4()},{uuid.uuid4()}"
        refresh = "1." + secrets.token_urlsafe(48)
        return {
            **shared,
            "site_id": site,
            "drive_id": "b!" + secrets.token_urlsafe(40),
            "sender": "fairlead@tarn-holloway.example",
            "refresh_token": refresh,
            "folders": ["Engagements"],
            "columns": ["FairleadKey"],
            "retention_labels": list(_LABELS),
            "client": {
                **shared,
                "site_id": site,
                "root_folder": "Engagements",
                "sender_refresh_token": refresh,
            },
        }

    def furnish(self) -> None:
        with self._lock:
            self._tokens.clear()
            self._refreshed.clear()
        self._drive.furnish()
        self._team.furnish()

    def routes(self) -> list[Route]:
        sign_in = "/{tenant}/oauth2/v2.0/token"
        return [
            Route("POST", sign_in, "oauth.token", self._token),
            *self._drive.routes(self._caller),
            *self._team.routes(self._caller),
        ]

    def plant(self, kind: str, body: Body) -> Record:
        """As `Drive.plant` and `Team.plant` say."""
        with self.books.transaction():
            if kind in ("drive_items", "retention_labels"):
                return self._drive.plant(kind, body)
            return self._team.plant(kind, body)

    # -- signing in and refusing ---------------------------------------------------------------

    def authenticate(self, call: Call, route: Route) -> None:
        """Addresses for bytes carry their permission in themselves."""
        if route.operation not in ("oauth.token", "upload_sessions.put", "drive_items.download"):
            self._caller(call)

    def _caller(self, call: Call) -> Caller:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        with self._lock:
            caller = self._tokens.get(token)
        if scheme != "Bearer" or caller is None or caller.ends <= time.monotonic():
            words = "Lifetime validation failed, the token is expired."
            raise denied(401, "InvalidAuthenticationToken", words)
        return caller

    def revoke_tokens(self) -> None:
        with self._lock:
            self._tokens.clear()

    def _token(self, call: Call) -> Answer:
        form, settings = call.form(), self.settings
        if call.params["tenant"] != settings["tenant_id"]:
            raise _no_token("invalid_request", 90002, "Tenant not found.")
        if form.get("client_id") != settings["client_id"]:
            raise _no_token("unauthorized_client", 700016, "Application was not found.")
        given, wanted = form.get("client_secret", ""), str(settings["client_secret"])
        if not secrets.compare_digest(given.encode(), wanted.encode()):
            raise _no_token("invalid_client", 7000215, "Invalid client secret provided.", 401)
        match form.get("grant_type"):
            case "client_credentials":
                if form.get("scope") != f"{_RESOURCE}/.default":
                    raise _no_token("invalid_scope", 1002012, "The scope is not valid.")
                roles = cast("list[str]", settings.get("application_roles", _ROLES))
                return Answer(200, self._granted(frozenset(roles), None))
            case "refresh_token":
                return self._for_the_sender(form)
            case _:
                raise _no_token("unsupported_grant_type", 70003, "The grant is not supported.")

    def _for_the_sender(self, form: Mapping[str, str]) -> Answer:
        with self._lock:
            known = {str(self.settings["refresh_token"]), *self._refreshed}
        if form.get("refresh_token") not in known:
            words = "The refresh token has expired due to inactivity."
            raise _no_token("invalid_grant", 700082, words)
        asked = {scope.removeprefix(f"{_RESOURCE}/") for scope in form.get("scope", "").split()}
        consented = set(cast("list[str]", self.settings.get("sender_scopes", _SCOPES)))
        wanted = asked - {"offline_access", "openid", "profile"}
        if not wanted or wanted - consented:
            words = "The user or administrator has not consented to use the application."
            raise _no_token("invalid_grant", 65001, words)
        body = self._granted(frozenset(wanted), str(self.settings["sender_id"]))
        if "offline_access" in asked:  # the old one stays good
            fresh = "1." + secrets.token_urlsafe(48)
            with self._lock:
                self._refreshed.add(fresh)
            body["refresh_token"] = fresh
        return Answer(200, body)

    def _granted(self, may: frozenset[str], user: str | None) -> Body:
        lasts_s = int(self.settings.get("session_s", 3600))
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = Caller(
                str(self.settings["client_id"]), may, user, time.monotonic() + lasts_s
            )
        return {"token_type": "Bearer", "expires_in": lasts_s, "access_token": token}

    def too_many(self, retry_after_s: float | None) -> Answer:
        """https://learn.microsoft.com/en-us/graph/throttling"""
        answer = self.broken(429)
        if retry_after_s is not None:
            answer.headers["retry-after"] = f"{retry_after_s:g}"
        return answer

    def broken(self, status: int) -> Answer:
        code = _CODES.get(status, "generalException")
        return error(status, code, "The request could not be carried out.")


def _no_token(kind: str, number: int, words: str, status: int = 400) -> Deny:
    """https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes"""
    said = f"AADSTS{number}: {words}"
    return Deny(Answer(status, {"error": kind, "error_description": said, "error_codes": [number]}))
