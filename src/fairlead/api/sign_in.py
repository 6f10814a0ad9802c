"""Who is calling: from the API key to the principal."""

from __future__ import annotations

from fairlead.api.refusals import NotSignedIn
from fairlead.errors import NotAllowed
from fairlead.store import api_keys
from fairlead.store.database import Database, database_time
from fairlead.trust.principals import People, Principal, parse_key, verify_key

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="fairlead"'}
_LONGEST_KEY = 200


def sign_in(db: Database, people: People, authorization: str | None) -> Principal:
    """The principal of `Authorization: Bearer fl_…`. Raises `NotSignedIn`, `Busy`."""
    if authorization is None:
        raise NotSignedIn("Send an API key: Authorization: Bearer fl_…", headers=_CHALLENGE)
    scheme, _, text = authorization.partition(" ")
    try:
        if scheme.lower() != "bearer" or len(text) > _LONGEST_KEY:
            raise NotAllowed("The key is sent as: Authorization: Bearer fl_…")
        key = parse_key(text.strip())
        with db.transaction() as tx:
            row = api_keys.get(tx, key.id)
            now = database_time(tx)
        return verify_key(row, key, people, now)
    except NotAllowed as refused:
        raise NotSignedIn(refused.detail, headers=_CHALLENGE) from None
