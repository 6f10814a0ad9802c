"""Sign-in with a JWT grant: the app, as one user who consented to it, with no password.

https://developers.docusign.com/platform/auth/jwt-get-token
"""

from __future__ import annotations

import time

import jwt
from pydantic import ValidationError

from fairlead.connectors.docusign.answers import Access, classify, explain
from fairlead.connectors.docusign.settings import DocusignSettings
from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.connectors.kit.keys import signing_key
from fairlead.errors import SystemUnavailable

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SCOPE = "signature impersonation"
_ASSERTION_S = 300  # an hour is the longest


def sign_in(system: str, settings: DocusignSettings, http: Http) -> TokenSource:
    """Tokens for one account. Fetching one raises a `SystemTrouble`, never with the key in it.

    `http` reaches the account's own host only, and the sign-in service is on another one.
    """
    plain = Http(
        system,
        settings.sign_in_root,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
        explain=explain,
        classify=classify,
    )

    def fetch() -> Token:
        asked_at = time.monotonic()
        form = {"grant_type": _GRANT, "assertion": _assertion(system, settings)}
        reply = plain.send("POST", "/oauth/token", form=form)
        try:
            access = Access.model_validate(reply.body)
        except ValidationError as bad:
            raise SystemUnavailable(system, "It answered the sign-in without a token.") from bad
        return Token(access.token, asked_at + access.expires_in)

    return TokenSource(fetch)


def _assertion(system: str, settings: DocusignSettings) -> str:
    now = int(time.time())
    claims = {
        "iss": settings.integration_key,
        "sub": settings.user_id,
        "aud": settings.audience,
        "iat": now,
        "exp": now + _ASSERTION_S,
        "scope": _SCOPE,
    }
    try:
        key = signing_key("RS256", settings.private_key.get_secret_value())
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        # without the cause: it may quote the key
        raise SystemUnavailable(system, "Its private key is not an RSA key in PEM.") from None
