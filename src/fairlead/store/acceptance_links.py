"""Links by which a client's person accepts a milestone. Only a token's hash is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from fairlead.domain.model.milestone import AcceptanceLink
from fairlead.store.database import Tx

_ADD = """
INSERT INTO acceptance_links (token_hash, milestone_id, submission, digest, email, name, made_by,
                              made_at, expires_at)
VALUES (%(token_hash)s, %(milestone)s, %(submission)s, %(digest)s, %(email)s, %(name)s,
        %(made_by)s, %(made_at)s, %(expires_at)s)
"""

_FIND = """
SELECT milestone_id, submission, digest, email, name, made_by, made_at, expires_at, used_at,
       decision, signed_as, withdrawn_at
FROM acceptance_links WHERE token_hash = %s
"""
_LOCK = _FIND + " FOR UPDATE"

_USE = """
UPDATE acceptance_links SET used_at = %(at)s, decision = %(decision)s, signed_as = %(signed_as)s
WHERE token_hash = %(token_hash)s AND used_at IS NULL
"""

_WITHDRAW = """
UPDATE acceptance_links SET withdrawn_at = %s
WHERE milestone_id = %s AND used_at IS NULL AND withdrawn_at IS NULL
"""


def hashed(token: str) -> bytes:
    """Enough for a token that is random and long."""
    return sha256(token.encode()).digest()


def add(tx: Tx, token: str, link: AcceptanceLink) -> None:
    tx.execute(_ADD, {**link.model_dump(), "token_hash": hashed(token)})


def find(tx: Tx, token: str, *, lock: bool = False) -> AcceptanceLink | None:
    """Lock the milestone's run and the milestone before its link."""
    row = tx.execute(_LOCK if lock else _FIND, [hashed(token)]).fetchone()
    return None if row is None else _read(row)


def use(tx: Tx, token: str, *, decision: str, signed_as: str, at: datetime) -> bool:
    """False: it was used before."""
    values = {
        "token_hash": hashed(token),
        "decision": decision,
        "signed_as": signed_as,
        "at": at,
    }
    return tx.execute(_USE, values).rowcount == 1


def withdraw(tx: Tx, milestone: str, at: datetime) -> int:
    """Every link of a milestone that was not used is dead; how many."""
    return tx.execute(_WITHDRAW, [at, milestone]).rowcount


def _read(row: Mapping[str, Any]) -> AcceptanceLink:
    fields = {name: value for name, value in row.items() if name != "milestone_id"}
    return AcceptanceLink(milestone=row["milestone_id"], **fields)
