"""Typed ids, and how an id follows from the business object that it names."""

from __future__ import annotations

from typing import NewType
from uuid import UUID, uuid5

_SPACE = UUID("6f3f9a56-5f0e-5d07-9a55-0d7c6a6f1a1e")  # ours; must never change

EngagementId = NewType("EngagementId", str)
RunId = NewType("RunId", str)
PersonId = NewType("PersonId", str)
SystemId = NewType("SystemId", str)
EffectKey = NewType("EffectKey", str)


def derived(*parts: str) -> str:
    """An id that is a pure function of what it names, so that it is the same after any loss.

    Parts are length-prefixed, so that ("a", "bc") and ("ab", "c") differ.
    """
    return str(uuid5(_SPACE, "".join(f"{len(part)}:{part}" for part in parts)))
