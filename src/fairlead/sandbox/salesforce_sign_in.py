"""Signing in to a Salesforce org: the OAuth 2.0 JWT bearer flow, and the sessions it opens.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_jwt_flow.htm
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from fairlead.sandbox.dialect import Answer, Call
from fairlead.sandbox.salesforce_schema import record_id

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST_ASSERTION_S = 300


def example_settings() -> dict[str, Any]:
    """An app and its user with a new key pair; the private half is under `client`."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    app = {
        "consumer_key": "3MVG9" + secrets.token_urlsafe(32),
        "username": "fairlead@tarn-holloway.example",
        "audience": "https://login.salesforce.com",
    }
    return {
        **app,
        "public_key": public.decode(),
        "client": {**app, "private_key": secret.decode()},
    }


class Sessions:
    """Access tokens, by `consumer_key`, `username`, `public_key`, `audience`, `session_s`."""

    def __init__(self, org: str, settings: Mapping[str, Any]) -> None:
        self._org, self._settings = org, settings
        self._lock = Lock()
        self._ends: dict[str, float] = {}  # access token → monotonic end

    def let_in(self, call: Call) -> bool:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        with self._lock:
            ends = self._ends.get(token, 0)
        return scheme in ("Bearer", "OAuth") and ends > time.monotonic()

    def clear(self) -> None:
        with self._lock:
            self._ends.clear()

    def token(self, call: Call) -> Answer:
        form = call.form()
        if form.get("grant_type") != _GRANT:
            return _refused("unsupported_grant_type", "grant type not supported")
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                self._settings["public_key"],
                algorithms=["RS256"],
                audience=self._settings.get("audience", "https://login.salesforce.com"),
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
        except jwt.InvalidAudienceError:
            return _refused("invalid_grant", "audience is invalid")
        except jwt.ExpiredSignatureError:
            return _refused("invalid_grant", "expired authorization code")
        except jwt.PyJWTError:
            return _refused("invalid_grant", "invalid assertion")
        if claims["iss"] != self._settings["consumer_key"]:
            return _refused("invalid_client_id", "client identifier invalid")
        if claims["sub"] != self._settings["username"]:
            return _refused("invalid_grant", "user hasn't approved this consumer")
        if claims["exp"] > time.time() + _LONGEST_ASSERTION_S:
            return _refused("invalid_grant", "invalid assertion")
        token = f"{self._org}!{secrets.token_urlsafe(48)}"
        with self._lock:
            self._ends[token] = time.monotonic() + self._settings.get("session_s", 7200)
        host = f"http://{call.headers.get('host', 'localhost')}"
        return Answer(
            200,
            {
                "access_token": token,
                "scope": "api",
                "instance_url": host,
                "id": f"{host}/id/{self._org}/{record_id('005', 1)}",
                "token_type": "Bearer",
            },
        )

    def revoke(self, call: Call) -> Answer:
        with self._lock:
            self._ends.pop(call.form().get("token", ""), None)
        return Answer(200)


def _refused(code: str, words: str) -> Answer:
    return Answer(400, {"error": code, "error_description": words})
