"""API keys: rows from which a caller's principal follows. The secret itself is never stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from fairlead.store.database import Tx
from fairlead.trust.principals import KeyRow

_ADD = """
INSERT INTO api_keys (id, principal, secret_hash, scopes, created_at, expires_at)
VALUES (%s, %s, %s, %s, %s, %s)
"""

_GET = """
SELECT id, principal, secret_hash, scopes, created_at, expires_at, revoked_at
FROM api_keys WHERE id = %s
"""

# Every key, newest first, without its hash.
_LIST = """
SELECT id, principal, scopes, created_at, expires_at, revoked_at FROM api_keys
WHERE %(at)s::timestamptz IS NULL OR (created_at, id) < (%(at)s, %(id)s)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""

# The first revocation is the one that counts.
_REVOKE = """
UPDATE api_keys SET revoked_at = coalesce(revoked_at, %s) WHERE id = %s RETURNING principal
"""


def add(tx: Tx, key: KeyRow) -> None:
    scopes = Jsonb(sorted(str(scope) for scope in key.scopes))
    values = [key.id, key.principal, key.secret_hash, scopes, key.created_at, key.expires_at]
    tx.execute(_ADD, values)


def get(tx: Tx, id: str) -> KeyRow | None:
    row = tx.execute(_GET, [id]).fetchone()
    return None if row is None else KeyRow.model_validate(row)


def newest(tx: Tx, *, before: tuple[datetime, str] | None, limit: int) -> list[dict[str, Any]]:
    """A page of all keys, behind `before` (creation and id of the last one seen)."""
    at, id = before or (None, None)
    return tx.execute(_LIST, {"at": at, "id": id, "limit": limit}).fetchall()


def revoke(tx: Tx, id: str, at: datetime) -> str | None:
    """Whose key it was; None where there is none. A key that was revoked stays so."""
    row = tx.execute(_REVOKE, [at, id]).fetchone()
    return None if row is None else row["principal"]
