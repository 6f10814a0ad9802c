"""Who looks: from the cookie to the person, and the token that only our own pages know."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from fairlead.errors import NotAllowed
from fairlead.store import sessions
from fairlead.store.database import Tx
from fairlead.trust.principals import People, Person, Principal

#: A browser takes a cookie of this name only with Secure, without Domain, for the whole host
#: (RFC 6265bis, 4.1.3.2). Chromium and Firefox count plain HTTP to this machine as secure.
COOKIE = "__Host-fairlead"
GATE_COOKIE = "__Host-fairlead-gate"  #: before sign-in: binds the form to the browser

ABSOLUTE = timedelta(hours=12)  #: then the person proves again who they are
IDLE = timedelta(hours=2)  #: without doing anything
_NOTED_EVERY = timedelta(minutes=1)  #: a busy reader costs one write a minute


@dataclass(frozen=True)
class Session:
    id: str
    person: Person
    principal: Principal
    auth_time: datetime  #: UTC

    @property
    def csrf(self) -> str:
        return csrf_of(self.id)


def begin(tx: Tx, person: Person, now: datetime, *, instead_of: str | None = None) -> str:
    """The id of a new session. An id that the browser brought along is never taken over."""
    if instead_of:
        sessions.end(tx, _digest(instead_of))
    sessions.forget_before(tx, now - IDLE)
    id = secrets.token_urlsafe(32)
    sessions.add(tx, _digest(id), person.id, (str(role) for role in person.roles), now)
    return id


def find(tx: Tx, people: People, id: str | None, now: datetime, *, note: bool) -> Session | None:
    """The session of this id while it lasts. It ends with its time, with the person's leave, and
    with a change of their roles. `note`: the person did something just now."""
    row = sessions.get(tx, _digest(id)) if id else None
    if id is None or row is None or now - row.auth_time > ABSOLUTE or now - row.seen_at > IDLE:
        return None
    try:
        principal = people.principal(row.person)
    except NotAllowed:
        return None
    if row.roles != frozenset(str(role) for role in principal.roles):
        return None
    if note and now - row.seen_at > _NOTED_EVERY:
        sessions.seen(tx, _digest(id), now)
    return Session(id, people.person(row.person), principal, row.auth_time)


def end(tx: Tx, id: str) -> None:
    sessions.end(tx, _digest(id))


def new_gate() -> str:
    return secrets.token_urlsafe(32)


def csrf_of(id: str) -> str:
    """The token of a session: who has it has seen one of its pages."""
    return hmac.new(id.encode(), b"csrf", hashlib.sha256).hexdigest()


def is_csrf_of(id: str, given: str | None) -> bool:
    return hmac.compare_digest(csrf_of(id).encode(), (given or "").encode())


def id_of(request: Request, cookie: str = COOKIE) -> str | None:
    return request.cookies.get(cookie) or None


def set_cookie(answer: Response, name: str, id: str, lasts: timedelta) -> None:
    seconds = round(lasts.total_seconds())
    answer.set_cookie(
        name, id, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax"
    )


def drop_cookie(answer: Response, name: str) -> None:
    answer.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")


def _digest(id: str) -> bytes:
    return hashlib.sha256(id.encode()).digest()
