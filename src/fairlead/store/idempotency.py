"""A command that carries an idempotency key is carried out once, and answered alike each time.

The key is taken, the command carried out and its answer kept in one transaction. Whoever comes
with the same key meanwhile waits on the row; if the first one dies, the second carries it out.
Keys are kept for ever: a command may be about money.
"""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.types.json import Jsonb

from fairlead.errors import Busy, KeyReused
from fairlead.store.database import Tx

# Waits for another transaction that has taken the same key and is not done.
_TAKE = """
INSERT INTO idempotency_keys (principal, route, key, request_digest, at)
VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING RETURNING 1 AS mine
"""

_EARLIER = """
SELECT request_digest, status, body FROM idempotency_keys
WHERE principal = %s AND route = %s AND key = %s
"""

_KEEP = """
UPDATE idempotency_keys SET status = %s, body = %s
WHERE principal = %s AND route = %s AND key = %s
"""


@dataclass(frozen=True)
class Claim:
    """One use of a key. Scoped by who asks and for which route."""

    principal: str
    route: str  #: method and template, such as `POST /api/v1/tasks/{id}/answer`
    key: str
    digest: str  #: of everything that the command depends on


@dataclass(frozen=True)
class Kept:
    """The first answer. Text, so that a repeat is the same to the byte."""

    status: int
    text: str
    etag: str | None = None


def take(tx: Tx, claim: Claim) -> Kept | None:
    """None: carry it out, and `keep` the answer in this transaction. Else the first answer.

    Raises `KeyReused` for another request under the same key, `Busy` where the first one takes
    longer than the database's lock time-out.
    """
    where = [claim.principal, claim.route, claim.key]
    if tx.execute(_TAKE, [*where, claim.digest]).fetchone() is not None:
        return None
    row = tx.execute(_EARLIER, where).fetchone()
    if row is None or row["status"] is None:
        raise Busy("The first request with this idempotency key is not done. Try again.")
    if row["request_digest"] != claim.digest:
        raise KeyReused("This idempotency key was used for another request. Take a new one.")
    return Kept(row["status"], row["body"]["text"], row["body"]["etag"])


def keep(tx: Tx, claim: Claim, answer: Kept) -> None:
    body = Jsonb({"text": answer.text, "etag": answer.etag})
    tx.execute(_KEEP, [answer.status, body, claim.principal, claim.route, claim.key])
