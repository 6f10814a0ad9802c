"""What a variant may do to its playbook, and which variants contradict one another. Pure.

A variant can never weaken an enterprise control (F102): of such a step it may shorten the SLA
and make it wait for more, and nothing else. That nothing overtakes one is judged on the result,
in `weave`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from fairlead.domain.model.calendar import Duration
from fairlead.flow.durations import surely_within
from fairlead.flow.grammar import (
    Added,
    Change,
    Control,
    Playbook,
    Stage,
    StepSpec,
    Tightening,
    Variant,
)
from fairlead.flow.step_rules import KEYS, key_of
from fairlead.flow.trouble import Path, Trouble


def misfits(playbook: Playbook, variants: Sequence[Variant]) -> Iterator[Trouble]:
    base = {step.title: (stage, step) for stage in playbook.stages for step in stage.steps
            if step.verbs}  # fmt: skip
    for variant in variants:
        if variant.variant_of != playbook.playbook:
            yield Trouble(
                variant.variant,
                ("variant_of",),
                f"{variant.variant} is a variant of {variant.variant_of}, "
                f"not of {playbook.playbook}",
            )
        for section, names in _edited(variant).items():
            for name, path in names.items():
                if name not in base:
                    yield Trouble(
                        variant.variant,
                        path,
                        f"{playbook.playbook} has no step {name} to {section}; its steps are "
                        f"{', '.join(base)}",
                    )
                    continue
                yield from _allowed(variant, section, path, *base[name])
        yield from _twice(variant)
    for one, other in combinations(variants, 2):
        yield from contradictions(one, other)


def _edited(variant: Variant) -> dict[str, dict[str, Path]]:
    return {
        "tighten": {name: ("tighten", name) for name in variant.tighten},
        "change": {name: ("change", name) for name in variant.change},
        "remove": {name: ("remove", i) for i, name in enumerate(variant.remove)},
    }


def _twice(variant: Variant) -> Iterator[Trouble]:
    for name in variant.remove:
        for section, edited in (("tighten", variant.tighten), ("change", variant.change)):
            if name in edited:
                yield Trouble(
                    variant.variant,
                    (section, name),
                    f"{name} is removed by the same variant: keep one of the two",
                )
    for name in variant.change.keys() & variant.tighten.keys():
        if variant.change[name].within and variant.tighten[name].within:
            yield Trouble(
                variant.variant,
                ("change", name, "within"),
                f"`within` of {name} is both tightened and changed: keep one of the two",
            )


def _allowed(
    variant: Variant, section: str, path: Path, stage: Stage, step: StepSpec
) -> Iterator[Trouble]:
    """May this variant do that to this step?"""
    name, locked = step.title, step.control is Control.ENTERPRISE
    refusal = f"{name} is an enterprise control"
    advice = "a variant may only shorten its `within` and add steps before it"
    was = step.within or stage.within

    def no(what: str, *keys: str) -> Trouble:
        return Trouble(variant.variant, (*path, *keys), f"{refusal}: {what}; {advice} (F102)")

    if section == "remove":
        if locked:
            yield no("it cannot be removed")
        return
    if section == "tighten":
        wanted = variant.tighten[name]
        if wanted.within and was and not surely_within(wanted.within, was):
            yield Trouble(
                variant.variant,
                (*path, "within"),
                f"{wanted.within} does not tighten {name}, which has {was}: {_shorter(was)}",
            )
        return
    for key, value in variant.change[name].given.items():
        written = key_of(key)
        if not locked:
            if written not in KEYS[step.kind] and len(step.verbs) == 1:
                yield Trouble(
                    variant.variant,
                    (*path, written),
                    f"`{written}` does not go with the {step.kind} {name}",
                )
        elif key == "within":
            if was and not surely_within(value, was):
                yield no(f"{value} is not shorter than {was}", "within")
        elif key == "control":
            if value is not Control.ENTERPRISE:
                yield no("it cannot be unmarked", "control")
        elif key in ("when", "unless"):
            yield no("it cannot be put behind a condition", key)
        elif key == "skippable":
            if value:
                yield no("it cannot be made skippable", "skippable")
        else:
            yield no(f"its `{written}` cannot be changed", written)


def _shorter(was: Duration) -> str:
    unit = "business days" if was.days else "business hours"
    return f"give a shorter one, in {unit} so that they compare"


def contradictions(one: Variant, other: Variant) -> Iterator[Trouble]:
    """What two variants want of one playbook that cannot both be. Told of `other`'s file.

    Two that can never meet in one subject contradict in nothing.
    """
    if not one.when.may_meet(other.when):
        return

    def clash(message: str, *path: str | int) -> Trouble:
        return Trouble(
            other.variant,
            path,
            f"contradicts the variant {one.variant}, which can hold for the same subject: "
            f"{message}; select them apart in `when`, or make them agree",
        )

    for name in other.change:
        if name in one.remove:
            yield clash(f"it removes {name}", "change", name)
        if name in one.change:
            theirs = one.change[name].given
            for key, value in other.change[name].given.items():
                if key in theirs and theirs[key] != value:
                    written = key_of(key)
                    yield clash(f"it sets another `{written}` of {name}", "change", name, written)
        if name in one.tighten and (why := _undoes(other.change[name], one.tighten[name])):
            yield clash(f"it tightens {name} and {why}", "change", name)
    for name in other.tighten:
        if name in one.remove:
            yield clash(f"it removes {name}", "tighten", name)
        if name in one.change and (why := _undoes(one.change[name], other.tighten[name])):
            yield clash(f"it changes {name}, and {why}", "tighten", name)
        mine, theirs = other.tighten[name].within, getattr(one.tighten.get(name), "within", None)
        if mine and theirs and tighter(mine, theirs) is None:
            yield clash(
                f"it tightens {name} to {theirs}, and which is shorter depends on the calendar",
                "tighten",
                name,
                "within",
            )
    for i, name in enumerate(other.remove):
        if name in one.change or name in one.tighten:
            yield clash(f"it keeps {name} and edits it", "remove", i)
        if any(name in _befores(added) for added in one.add):
            yield clash(f"a step that it adds waits for {name}", "remove", i)
    there = {added.title for added in one.add if added.verbs}
    places = {added.new_stage: added.after_stage for added in one.add if added.new_stage}
    for i, added in enumerate(other.add):
        if added.verbs and added.title in there:
            yield clash(f"it adds a step {added.title} too", "add", i)
        if added.new_stage in places and added.after_stage != places[added.new_stage]:
            yield clash(f"it puts the stage {added.new_stage} elsewhere", "add", i, "after")
        for name in _befores(added):
            if name in one.remove:
                yield clash(f"it removes {name}, which this waits for", "add", i, "after")


def _befores(added: Added) -> tuple[str, ...]:
    return added.after or ()


def _undoes(change: Change, tightening: Tightening) -> str | None:
    """Why a change of a local step does not go with another variant's tightening of it."""
    if tightening.control and set(change.given) - {"within"}:
        return "a step that is marked enterprise keeps its terms"
    if tightening.within and change.within and change.within != tightening.within:
        return "the two set another `within`"
    if tightening.after and change.after is not None:
        return "the two set what it waits for"
    return None


def tighter(one: Duration, other: Duration) -> Duration | None:
    if surely_within(one, other):
        return one
    return other if surely_within(other, one) else None
