"""A playbook, joined with its variants and made ready to run.

`compile` resolves every default, so that the runner reads one flat tuple of steps and needs no
rule of the grammar. A run keeps its `Compiled` for life (F110), so `Compiled` and `Step` only
ever grow, by fields with a default.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from fairlead.domain.values import Value
from fairlead.errors import InvalidDefinition
from fairlead.flow.grammar import By, Control, Kind, Playbook, Stage, Step, StepSpec, Variant
from fairlead.flow.weave import weave

__all__ = [
    "By",
    "Compiled",
    "Control",
    "Kind",
    "Playbook",
    "Stage",
    "Step",
    "StepSpec",
    "Variant",
    "compile",
    "select",
]


def select(variants: Sequence[Variant], facts: Mapping[str, str | None]) -> list[Variant]:
    """Those that hold for a subject, by name. An unknown fact matches no selector."""
    return sorted((v for v in variants if v.when.match(facts)), key=lambda v: v.variant)


class Compiled(Value):
    """What a run carries out, pinned by its digest."""

    name: str
    version: int
    variants: tuple[str, ...] = ()  #: `name@version`, in order of name
    digest: str  #: SHA-256, in hex, of the rest as canonical JSON
    subject: str
    starts_on: str
    steps: tuple[Step, ...]  #: in the order in which the story tells them

    @cached_property
    def by_name(self) -> dict[str, Step]:
        return {step.name: step for step in self.steps}

    def to_json(self) -> str:
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str | bytes) -> Compiled:
        """What `to_json` gave, also of an older release: the digest is kept, not reckoned."""
        return cls.model_validate_json(text)


def compile(playbook: Playbook, variants: Sequence[Variant] = ()) -> Compiled:
    """Join a playbook with variants. The result does not depend on their order.

    Raises InvalidDefinition with every fault: what contradicts itself, what has no owner or SLA,
    and what weakens an enterprise control. `fairlead.flow.lint` tells the same faults by line,
    and those that need a registry.
    """
    woven = weave(playbook, variants)
    if woven.troubles:
        raise InvalidDefinition(
            f"The playbook {playbook.playbook} cannot be run as it is written.",
            [f"{trouble.file}: {trouble.message}" for trouble in woven.troubles],
        )
    body: dict[str, Any] = {
        "name": playbook.playbook,
        "version": playbook.version,
        "variants": tuple(sorted(f"{v.variant}@{v.version}" for v in variants)),
        "subject": playbook.subject,
        "starts_on": playbook.starts_on,
        "steps": woven.steps,
    }
    unpinned = Compiled(digest="", **body).model_dump(mode="json", exclude={"digest"})
    canonical = json.dumps(unpinned, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Compiled(digest=hashlib.sha256(canonical.encode()).hexdigest(), **body)
