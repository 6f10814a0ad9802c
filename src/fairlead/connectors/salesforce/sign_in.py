"""Sign-in as one integration user, with a signed assertion and no password.

The OAuth 2.0 JWT bearer flow:
https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
"""

from __future__ import annotations

import time

import jwt
from pydantic import ValidationError

from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.connectors.kit.keys import signing_key
from fairlead.connectors.salesforce.dialect import Access, classify, explain
from fairlead.connectors.salesforce.settings import Settings
from fairlead.errors import SystemUnavailable

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_ASSERTION_S = 180  # the longest that Salesforce accepts
# The answer does not say how long the session lasts. Fifteen minutes is the shortest that an
# administrator can set; a session that ended sooner is a 401, upon which the kit signs in anew.
_KEPT_S = 15 * 60


def sign_in(system: str, settings: Settings, http: Http) -> TokenSource:
    """Tokens for one org. Fetching one raises a `SystemTrouble`, never with the key in it."""
    plain = http.with_dialect(explain, classify)

    def fetch() -> Token:
        asked_at = time.monotonic()
        reply = plain.send(
            "POST",
            settings.sign_in_path,
            form={"grant_type": _GRANT, "assertion": _assertion(system, settings)},
        )
        try:
            access = Access.model_validate(reply.body)
        except ValidationError as bad:
            raise SystemUnavailable(system, "It answered the sign-in without a token.") from bad
        return Token(access.token, asked_at + _KEPT_S)

    return TokenSource(fetch)


def _assertion(system: str, settings: Settings) -> str:
    claims = {
        "iss": settings.consumer_key,
        "sub": settings.username,
        "aud": settings.audience,
        "exp": int(time.time()) + _ASSERTION_S,
    }
    try:
        key = signing_key("RS256", settings.private_key.get_secret_value())
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        # without the cause: it may quote the key
        raise SystemUnavailable(system, "Its private key is not an RSA key in PEM.") from None
