"""Decisions: every answer of a policy that mattered, kept for ever."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairlead.store import bulk
from fairlead.store.database import Tx


def add(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    bulk.insert(tx, "decisions", rows)
