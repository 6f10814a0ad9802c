"""The hash chain of the event log: what ties an event to the one before it (F216).

The hash is SHA-256 over the former hash and the canonical JSON of the event (keys sorted, no
spaces, UTF-8). Only text, integers, booleans, null, lists and tables may stand in an event, so
that it reads back from the database exactly as it was hashed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

START = b"\x00" * 32  #: what the first event of a chain follows


def link(before: bytes, event: Mapping[str, Any]) -> bytes:
    """The hash of `event`, which follows the event with the hash `before`.

    Raises ValueError where the event holds a number that is not an integer.
    """
    text = json.dumps(
        event, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
    )
    return sha256(before + text.encode()).digest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    raise ValueError(f"{type(value).__name__} cannot stand in an event")


def root_of(heads: list[tuple[str, int, bytes]]) -> bytes:
    """One hash over all chains (name, length, head), in order of their names.

    It changes if a chain is cut, re-hashed, removed or added; kept outside, it shows that.
    """
    digest = sha256()
    for name, length, head in sorted(heads):
        digest.update(f"{len(name.encode())}:{name}:{length}:".encode() + head)
    return digest.digest()
