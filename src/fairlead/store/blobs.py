"""Bytes by their digest: documents on their way from one system to another."""

from __future__ import annotations

from hashlib import sha256

from fairlead.errors import NotFound
from fairlead.store.database import Tx

_KEEP = """
INSERT INTO blobs (digest, media_type, size, body, at)
VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT (digest) DO NOTHING
"""


def keep(tx: Tx, content: bytes, media_type: str) -> str:
    """The SHA-256 in hex, by which they are found again. The same bytes are kept once."""
    digest = sha256(content).hexdigest()
    tx.execute(_KEEP, [digest, media_type, len(content), content])
    return digest


def kept(tx: Tx, digest: str) -> bytes:
    """Raises `NotFound`."""
    row = tx.execute("SELECT body FROM blobs WHERE digest = %s", [digest]).fetchone()
    if row is None:
        raise NotFound(f"No document is kept under {digest[:12]}.")
    return bytes(row["body"])
