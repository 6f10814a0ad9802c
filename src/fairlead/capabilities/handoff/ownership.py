"""Who owns what, as the firm has reviewed it, in `ownership.yaml` (F159)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from pydantic import Field, model_validator

from fairlead.config import read
from fairlead.domain.rules.ownership import FieldRule
from fairlead.domain.values import Value


class Ownership(Value):
    version: int = Field(ge=1)
    owner: str  #: the team that answers for it
    reviewed_on: date
    fields: tuple[FieldRule, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> Ownership:
        names = [rule.field for rule in self.fields]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]} is declared twice")
        return self


def load_ownership(folder: Path) -> Ownership:
    """`ownership.yaml`. Raises `InvalidDefinition` with every fault, by line."""
    return read(folder / "ownership.yaml", Ownership)
