"""OAuth 2.0 with client credentials: a signed assertion is exchanged for a token of one hour.

Sources: the request token
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162790605110.html and the
token endpoint
https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_162755359851.html
"""

from __future__ import annotations

import time
from uuid import uuid4

import jwt
from pydantic import BaseModel, Field, ValidationError

from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.connectors.kit.keys import signing_key
from fairlead.connectors.netsuite.settings import NetSuiteSettings
from fairlead.errors import SystemUnavailable

SIGN_IN_PATH = "/services/rest/auth/oauth2/v1/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTION_LIFE_S = 300  # NetSuite takes less than an hour; minutes suffice for one call


class _Granted(BaseModel):
    access_token: str = Field(min_length=1)
    expires_in: int = Field(gt=0)  #: seconds; some accounts answer it as text


def sign_in(system: str, settings: NetSuiteSettings, http: Http) -> TokenSource:
    """Where tokens for this account come from."""

    def fetch() -> Token:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION,
            "client_assertion": _assertion(settings),
        }
        reply = http.send("POST", SIGN_IN_PATH, form=form)
        try:
            granted = _Granted.model_validate(reply.body)
        except ValidationError as bad:
            raise SystemUnavailable(system, "It answered our sign-in without a token.") from bad
        return Token(granted.access_token, time.monotonic() + granted.expires_in)

    return TokenSource(fetch)


def _assertion(settings: NetSuiteSettings) -> str:
    """Who we are, signed. `aud` is the token endpoint itself."""
    now = int(time.time())
    claims = {
        "iss": settings.client_id,
        "scope": "rest_webservices",
        "aud": str(settings.base_url).rstrip("/") + SIGN_IN_PATH,
        "iat": now,
        "exp": now + _ASSERTION_LIFE_S,
        "jti": str(uuid4()),
    }
    return jwt.encode(
        claims,
        signing_key(settings.algorithm, settings.private_key.get_secret_value()),
        algorithm=settings.algorithm,
        headers={"typ": "JWT", "kid": settings.certificate_id},
    )
