"""A command that carries an idempotency key is carried out once, and answered alike each time.

The key is taken, the command carried out and its answer kept in one transaction. Whoever comes
with the same key meanwhile waits on the row; if the first one dies, the second carries it out.
A key is kept for two days, longer than any client repeats; what a command changed guards itself
against a repeat after that, by its state and its version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

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


_KEPT = timedelta(hours=48)

# Keys that no repeat comes with any more; a part at a time, so that nobody waits for the rest.
_FORGET = """
DELETE FROM idempotency_keys WHERE (principal, route, key) IN (
    SELECT principal, route, key FROM idempotency_keys WHERE at < clock_timestamp() - %s
    LIMIT %s FOR UPDATE SKIP LOCKED)
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


def forget_old(tx: Tx, limit: int = 10_000) -> int:
    """Forget keys that were used more than two days ago, `limit` at most; how many."""
    return tx.execute(_FORGET, [_KEPT, limit]).rowcount
