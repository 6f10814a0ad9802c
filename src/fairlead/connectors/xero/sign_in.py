"""Sign-in of a custom connection: client credentials, for one organisation, with no user.

https://developer.xero.com/documentation/guides/oauth2/custom-connections/
"""

from __future__ import annotations

import time
from base64 import b64encode

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.connectors.xero.settings import XeroSettings
from fairlead.errors import SystemUnavailable

_SCOPE = (
    "payroll.employees.read payroll.payruns.read payroll.payslip.read payroll.settings.read"
    " payroll.timesheets"
)


class _Access(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    token: str = Field(alias="access_token", min_length=1)
    expires_in: int = Field(gt=0)  #: seconds; half an hour


def sign_in(system: str, settings: XeroSettings, http: Http) -> TokenSource:
    """Tokens for one organisation. Fetching one raises a `SystemTrouble`, never with the secret.

    `http` reaches the API only, and tokens come from another host.
    """
    identity = Http(
        system,
        settings.identity,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.total_timeout_s,
    )
    pair = f"{settings.client_id}:{settings.client_secret.get_secret_value()}".encode()
    headers = {"authorization": f"Basic {b64encode(pair).decode()}"}

    def fetch() -> Token:
        asked_at = time.monotonic()
        form = {"grant_type": "client_credentials", "scope": _SCOPE}
        reply = identity.send("POST", "/connect/token", form=form, headers=headers)
        try:
            access = _Access.model_validate(reply.body)
        except ValidationError as bad:
            raise SystemUnavailable(system, "It answered the sign-in without a token.") from bad
        return Token(access.token, asked_at + access.expires_in)

    return TokenSource(fetch)
