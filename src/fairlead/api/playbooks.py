"""The playbooks that a firm runs: versions, variants, and what a variant may do (F104, F110)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from fairlead.api.guard import Caller, Parts
from fairlead.api.reading import reading
from fairlead.api.router import Router
from fairlead.domain.values import Value
from fairlead.flow.grammar import Control, Kind, Playbook, Variant
from fairlead.flow.library import Library

_May = Literal["tighten", "change", "remove"]


class VersionView(Value):
    version: int
    newest: bool  #: the one that runs begin with, and may be migrated to
    active_runs: int  #: that follow it, in the regions that the caller sees


class VariantView(Value):
    name: str
    version: int
    owner: str  #: the team that answers for it
    when: dict[str, tuple[str, ...]]  #: fact of the subject → values, one of which it must have


class StepRule(Value):
    """One step of the newest version, and what a variant may do to it."""

    name: str
    kind: Kind
    stage: str
    locked: bool  #: an enterprise control: no variant weakens it
    variant_may: tuple[_May, ...]


class PlaybookView(Value):
    name: str
    owner: str | None  #: the team that answers for it; null: only runs under way follow it
    starts_on: str | None  #: the event; null as above
    versions: tuple[VersionView, ...]  #: newest first
    variants: tuple[VariantView, ...]
    steps: tuple[StepRule, ...]


class PlaybookList(Value):
    items: tuple[PlaybookView, ...]


def add(router: Router) -> None:
    router.get("/playbooks", list_playbooks, PlaybookList, tag="playbooks")


def list_playbooks(parts: Parts, caller: Caller) -> PlaybookList:
    """Every playbook that is run, and every version that a run under way still follows."""
    with reading(parts, caller) as seen:
        rows = seen.followed()
    followed: dict[str, dict[int, int]] = {}
    for row in rows:
        followed.setdefault(row["name"], {})[row["version"]] = row["active_runs"]
    names = sorted({playbook.playbook for playbook in parts.library.playbooks} | followed.keys())
    return PlaybookList(
        items=tuple(_view(parts.library, name, followed.get(name, {})) for name in names)
    )


def _view(library: Library, name: str, followed: Mapping[int, int]) -> PlaybookView:
    known = [playbook for playbook in library.playbooks if playbook.playbook == name]
    newest = max(known, key=lambda playbook: playbook.version, default=None)
    versions = sorted({playbook.version for playbook in known} | followed.keys(), reverse=True)
    return PlaybookView(
        name=name,
        owner=newest.owner if newest else None,
        starts_on=newest.starts_on if newest else None,
        versions=tuple(
            VersionView(
                version=version,
                newest=newest is not None and version == newest.version,
                active_runs=followed.get(version, 0),
            )
            for version in versions
        ),
        variants=tuple(_variants(v for v in library.variants if v.variant_of == name)),
        steps=tuple(_steps(newest)) if newest else (),
    )


def _variants(variants: Iterable[Variant]) -> Sequence[VariantView]:
    return [
        VariantView(
            name=variant.variant,
            version=variant.version,
            owner=variant.owner,
            when={fact: tuple(sorted(values)) for fact, values in variant.when.given.items()},
        )
        for variant in sorted(variants, key=lambda variant: (variant.variant, variant.version))
    ]


def _steps(playbook: Playbook) -> Sequence[StepRule]:
    found: list[StepRule] = []
    for stage in playbook.stages:
        for step in stage.steps:
            locked = step.control is Control.ENTERPRISE
            may: tuple[_May, ...] = ("tighten",) if locked else ("tighten", "change", "remove")
            rule: dict[str, Any] = {"locked": locked, "variant_may": may}
            found.append(StepRule(name=step.title, kind=step.kind, stage=stage.stage, **rule))
    return found
