"""The key of a user application: it lasts until somebody cancels it.

https://docs.tryton.org/8.2/server/topics/user_application.html
"""

from __future__ import annotations

import math

from fairlead.connectors.kit.http import Http, Token, TokenSource
from fairlead.connectors.tryton.settings import TrytonSettings
from fairlead.errors import SystemUnavailable


def sign_in(system: str, settings: TrytonSettings, http: Http) -> TokenSource:
    """`http` is not used. A second fetch means that the key was refused; it raises
    `SystemUnavailable` with words for the person who can store another one."""
    given = iter([settings.key.get_secret_value()])

    def fetch() -> Token:
        for value in given:
            return Token(value, expires_at=math.inf)
        why = "It refused our key. Store that of a user application that is still valid."
        raise SystemUnavailable(system, why)

    return TokenSource(fetch)
