"""API keys: made, listed and revoked by an administrator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, StrictInt, StrictStr
from starlette.responses import Response

from fairlead.api.commands import Commanding, Outcome
from fairlead.api.guard import Caller, Parts
from fairlead.api.paging import Limit, Page, TimeCursor, after, page
from fairlead.api.parts import AppParts
from fairlead.api.router import Router
from fairlead.api.shapes import At, Id, found
from fairlead.domain.values import Value
from fairlead.errors import InvalidInput, NotAllowed, Problem
from fairlead.store import api_keys, journal
from fairlead.store.database import Tx, database_time
from fairlead.store.journal import Event
from fairlead.trust.principals import Principal, new_key
from fairlead.trust.roles import Permission


class KeyView(Value):
    id: str
    principal: str
    scopes: tuple[Permission, ...]
    created_at: At
    expires_at: At | None
    revoked_at: At | None


class NewKey(KeyView):
    secret: str | None
    """`fl_…`, shown once: null where the same request is sent again."""


class CreateKey(Value):
    principal: Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9.-]{0,62}$")]
    scopes: Annotated[frozenset[Permission], Field(min_length=1)]
    days: Annotated[StrictInt, Field(ge=1, le=366)] = 90  #: until it expires


def add(router: Router) -> None:
    router.get("/keys", list_keys, Page[KeyView], tag="keys")
    router.command("POST", "/keys", create_key, NewKey, tag="keys", status=201)
    router.command("DELETE", "/keys/{id}", revoke_key, KeyView, tag="keys")


def list_keys(
    parts: Parts, caller: Caller, cursor: TimeCursor = None, limit: Limit = 50
) -> Page[KeyView]:
    """All keys, newest first, without their secrets."""
    with parts.db.transaction() as tx:
        rows = api_keys.newest(tx, before=after(cursor), limit=limit + 1)
    return page(rows, limit, _view, at="created_at")


def create_key(parts: Parts, caller: Caller, command: Commanding, wanted: CreateKey) -> Response:
    """Make a key for a program, or a narrower one for oneself. The secret is shown once."""

    def act(tx: Tx) -> Outcome:
        now = database_time(tx)
        whom = _bearer(parts, caller, wanted)
        expires = now + timedelta(days=wanted.days)
        row, secret = new_key(whom, wanted.scopes, now=now, expires_at=expires)
        api_keys.add(tx, row)
        _note(tx, caller, "key.created", row.id, whom.id)
        view = _view(row.model_dump())
        shown = NewKey(**view.model_dump(), secret=secret.get_secret_value())
        return Outcome(shown, status=201, kept=NewKey(**view.model_dump(), secret=None))

    return command.carry_out(act)


def revoke_key(parts: Parts, caller: Caller, command: Commanding, id: Id) -> Response:
    """Make a key worthless, now and for ever."""

    def act(tx: Tx) -> Outcome:
        whose = found(api_keys.revoke(tx, id, database_time(tx)), "key")
        _note(tx, caller, "key.revoked", id, whose)
        return Outcome(_view(found(api_keys.get(tx, id), "key").model_dump()))

    return command.carry_out(act)


def _bearer(parts: AppParts, caller: Principal, wanted: CreateKey) -> Principal:
    """Whom the key may act for: a program or the caller; else one could act as somebody else.

    Raises `InvalidInput`, `NotAllowed`.
    """
    if wanted.principal == caller.id:
        return caller  # with the scopes of the key in use, so that no key makes a wider one
    try:
        whom = parts.people.principal(wanted.principal)
    except NotAllowed:
        raise InvalidInput(
            "A key needs somebody whom it acts for.",
            [Problem("/principal", "is a program that is in use, or oneself")],
        ) from None
    if whom.kind != "service":
        raise NotAllowed("A key acts for a program or for oneself, never for another person.")
    return whom


def _note(tx: Tx, caller: Principal, type: str, key: str, principal: str) -> None:
    event = Event(
        chain="keys",
        type=type,
        at=database_time(tx),
        actor=f"person:{caller.id}",
        attributes={"principal": principal},
        objects=[(key, "key", type.partition(".")[2])],
    )
    journal.append(tx, [event])


def _view(row: Mapping[str, Any]) -> KeyView:
    return KeyView(
        id=row["id"],
        principal=row["principal"],
        scopes=tuple(sorted(row["scopes"])),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
