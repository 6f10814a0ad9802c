"""What was held against the model, and what differed, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from year_model import Parts


@dataclass
class Checks:
    held: Counter[str] = field(default_factory=Counter[str])  #: by what: how often it agreed
    differences: list[str] = field(default_factory=list[str])

    def same(self, what: str, where: str, ours: Any, theirs: Any) -> bool:
        """`ours`: the model's."""
        if ours == theirs:
            self.held[what] += 1
            return True
        self.differences.append(f"{what}: {where}: the model says {ours}, Fairlead {theirs}")
        return False

    def items(self, where: str, ours: Mapping[str, Parts], theirs: Mapping[str, Parts]) -> None:
        """Item by item of one invoice."""
        for id in sorted(ours.keys() | theirs.keys()):
            mine, other = ours.get(id), theirs.get(id)
            self.same(
                "item",
                f"{where} item {id}",
                None if mine is None else mine.told(),
                None if other is None else other.told(),
            )


def money(told: Mapping[str, Any] | None) -> Decimal:
    """Of an answer; null is nothing."""
    return Decimal(0) if told is None else Decimal(told["amount"])
