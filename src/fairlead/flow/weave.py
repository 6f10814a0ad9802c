"""Join a playbook with variants and resolve every default. Pure.

What is wrong with the result is told as `Trouble`s, each with its place in the file that says
it, so that `compile` can refuse and `lint` can point at the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter

from fairlead.flow.circles import circles
from fairlead.flow.grammar import By, Control, Kind, Playbook, Step, Variant
from fairlead.flow.registry import did_you_mean
from fairlead.flow.step_rules import Column, Placed, conditions_of, key_of, needs_sla, shape
from fairlead.flow.trouble import Trouble
from fairlead.flow.variant_rules import misfits, tighter


@dataclass(frozen=True)
class Woven:
    steps: tuple[Step, ...]
    troubles: tuple[Trouble, ...]


def weave(playbook: Playbook, variants: Sequence[Variant] = ()) -> Woven:
    """One flat tuple of resolved steps, and everything that is wrong with it.

    Where there are troubles, a step that could not be resolved is missing from the tuple.
    """
    chosen = sorted(variants, key=lambda variant: (variant.variant, variant.version))
    troubles = list(misfits(playbook, chosen))
    columns = _columns(playbook)
    for variant in chosen:
        troubles += _add(columns, variant)
    for variant in chosen:
        _edit(columns, variant)
    troubles += shape(columns)
    resolved = _resolve(columns, {name for variant in chosen for name in variant.remove})
    troubles += resolved.troubles
    if chosen:
        before = _resolve(_columns(playbook), frozenset()).steps
        troubles += _overtaking(before, resolved.steps, columns)
    return Woven(resolved.steps, tuple(troubles))


def _columns(playbook: Playbook) -> list[Column]:
    columns: list[Column] = []
    for i, stage in enumerate(playbook.stages):
        column = Column(stage.stage, stage, playbook.playbook, ("stages", i))
        column.steps = [
            Placed(step, playbook.playbook, ("stages", i, "steps", j))
            for j, step in enumerate(stage.steps)
        ]
        columns.append(column)
    return columns


def _add(columns: list[Column], variant: Variant) -> Iterator[Trouble]:
    for i, added in enumerate(variant.add):
        placed = Placed(added, variant.variant, ("add", i))
        titles = {column.title: column for column in columns}
        if (added.stage is None) == (added.new_stage is None):
            yield placed.trouble(
                "say where the step goes: `stage` names one of the playbook's, or `new_stage` "
                "makes one and `after` says which stage it follows"
            )
        elif added.stage is not None:
            if column := titles.get(added.stage):
                column.steps.append(placed)
            else:
                yield placed.trouble(_no_stage(added.stage, titles), "stage")
        elif (same := titles.get(str(added.new_stage))) and same.stage is None:
            same.steps.append(placed)  # another step for a stage that a variant made
        elif same:
            yield placed.trouble(
                f"there is a stage {same.title} already: join it with `stage`", "new_stage"
            )
        elif added.after_stage not in titles:
            missing = added.after_stage
            yield placed.trouble(
                _no_stage(missing, titles)
                if missing
                else "say with `after` which stage the new one follows",
                "after" if missing else "new_stage",
            )
        else:
            at = columns.index(titles[added.after_stage]) + 1
            made = Column(str(added.new_stage), None, variant.variant, ("add", i), [placed])
            columns.insert(at, made)


def _no_stage(title: str, titles: dict[str, Column]) -> str:
    return f"there is no stage {title}; the stages are {', '.join(titles)}"


def _edit(columns: list[Column], variant: Variant) -> None:
    for column in columns:
        column.steps = [_edited_step(placed, column, variant) for placed in column.steps]


def _edited_step(placed: Placed, column: Column, variant: Variant) -> Placed:
    """The step as this variant wants it, and where each new value was written."""
    if not placed.spec.verbs or placed.path[0] != "stages":
        return placed
    spec, name, written = placed.spec, placed.spec.title, dict(placed.written)
    also = placed.also_after
    if change := variant.change.get(name):
        spec = spec.model_copy(update=change.given)
        written |= {
            key_of(field): (variant.variant, ("change", name, key_of(field)))
            for field in change.given
        }
    if tightening := variant.tighten.get(name):
        was = spec.within or (column.stage.within if column.stage else None)
        wanted = tightening.within
        spec = spec.model_copy(
            update={
                "within": (tighter(wanted, was) if wanted and was else wanted) or spec.within,
                "control": tightening.control or spec.control,
            }
        )
        if tightening.after:
            also = (*also, *tightening.after)
            written["after"] = (variant.variant, ("tighten", name, "after"))
    return replace(placed, spec=spec, written=written, also_after=also)


def _resolve(columns: list[Column], removed: Set[str]) -> Woven:
    """Steps with their defaults filled in, without the removed ones.

    What waited for a removed step waits for what that one waited for.
    """
    troubles: list[Trouble] = []
    places: dict[str, tuple[int, Placed, Column]] = {}
    for at, column in enumerate(columns):
        for placed in column.steps:
            if len(placed.spec.verbs) == 1:
                places.setdefault(placed.spec.title, (at, placed, column))

    after: dict[str, frozenset[str]] = {}
    former: dict[int, frozenset[str]] = {}
    last: frozenset[str] = frozenset()
    for at in range(len(columns)):
        former[at] = last
        here = {name for name, (where, *_) in places.items() if where == at}
        last = frozenset(here - removed) or last
    for name, (at, placed, _) in places.items():
        befores = set(former[at]) if placed.spec.after is None else set[str]()
        for before in (*(placed.spec.after or ()), *placed.also_after):
            why_not = _cannot_follow(name, at, before, places)
            if why_not:
                troubles.append(placed.trouble(why_not, "after"))
            else:
                befores.add(before)
        after[name] = frozenset(befores)

    for circle in circles(after):
        told = " → ".join((*circle, circle[0]))
        members = [places[name][1] for name in circle]
        blamed = next((each for each in members if each.by_variant), members[0])
        troubles.append(
            blamed.trouble(
                f"these steps wait for one another, so none can start: {told}; "
                "take one of them out of an `after`",
                "after",
            )
        )
    troubles += _pointless_waits(places)

    indexes = _indexes(places, removed)
    steps = [
        _step(placed, column, indexes[at], _kept(after[name], after, removed))
        for name, (at, placed, column) in places.items()
        if name not in removed and (placed.spec.owner or (column.stage and column.stage.owner))
    ]
    return Woven(tuple(steps), tuple(troubles))


_Places = Mapping[str, tuple[int, Placed, Column]]


def _cannot_follow(name: str, at: int, before: str, places: _Places) -> str | None:
    if before not in places:
        return (
            f"{name} comes after {before}, but there is no such step{did_you_mean(before, places)}"
        )
    if places[before][0] > at:
        later = places[before][2].title
        return f"{name} comes after {before}, which is in the later stage {later}: move one of them"
    return None


def _pointless_waits(places: _Places) -> Iterator[Trouble]:
    """A step must not be told to follow one that never runs, or never when it does itself."""
    when = {n: conditions_of(p.spec, c.stage, "when") for n, (_, p, c) in places.items()}
    unless = {n: conditions_of(p.spec, c.stage, "unless") for n, (_, p, c) in places.items()}
    for name, (_, placed, _column) in places.items():
        for before in (*(placed.spec.after or ()), *placed.also_after):
            if before not in places or before == name or when[name] & unless[name]:
                continue
            if never := when[before] & unless[before]:
                yield placed.trouble(
                    f"{name} comes after {before}, which never runs: it needs {min(never)} both "
                    "to hold and not to",
                    "after",
                )
            elif apart := (when[name] & unless[before]) | (unless[name] & when[before]):
                yield placed.trouble(
                    f"{name} cannot be reached by way of {before}: one of them needs {min(apart)} "
                    "to hold and the other needs it not to",
                    "after",
                )


def _overtaking(
    before: Sequence[Step], now: Sequence[Step], columns: Sequence[Column]
) -> Iterator[Trouble]:
    """A variant may not let a step go ahead of an enterprise control that it came after."""
    controls = [step.name for step in before if step.control is Control.ENTERPRISE]
    was, is_now = _follows(before, controls), _follows(now, controls)
    overtakes = {
        name: [c for i, c in enumerate(controls) if (was[name] & ~is_now[name]) >> i & 1]
        for name in was.keys() & is_now.keys()
    }
    for column in columns:
        for placed in column.steps:
            name = placed.spec.title if placed.spec.verbs else ""
            if "after" in placed.written and (passed := overtakes.get(name)):
                yield placed.trouble(
                    f"{name} cannot go ahead of {', '.join(sorted(passed))}: what follows an "
                    "enterprise control follows it in every variant (F102)",
                    "after",
                )


def _follows(steps: Sequence[Step], controls: Sequence[str]) -> dict[str, int]:
    """By step, which controls come before it: bit i for the i-th. Nothing where steps circle."""
    after = {step.name: step.after for step in steps}
    bits = {control: 1 << i for i, control in enumerate(controls)}
    found: dict[str, int] = {}
    try:
        for name in TopologicalSorter(after).static_order():
            found[name] = 0
            for earlier in after.get(name, frozenset[str]()):
                found[name] |= found[earlier] | bits.get(earlier, 0)
    except CycleError:
        return {}  # told as a circle
    return found


def _indexes(places: _Places, removed: Set[str]) -> dict[int, int]:
    """Column → stage index, counting only stages in which a step is left."""
    left = sorted({at for name, (at, *_) in places.items() if name not in removed})
    return {at: index for index, at in enumerate(left)}


def _kept(
    befores: frozenset[str], after: Mapping[str, frozenset[str]], removed: Set[str]
) -> frozenset[str]:
    kept: set[str] = set()
    seen: set[str] = set()
    ahead = list(befores)
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in removed:
            ahead.extend(after[name])
        else:
            kept.add(name)
    return frozenset(kept)


def _step(placed: Placed, column: Column, index: int, after: frozenset[str]) -> Step:
    spec, stage = placed.spec, column.stage
    kind = spec.kind
    uses = spec.about if kind is Kind.NOTIFY else getattr(spec, kind.value)
    refusal = stage.on_refusal if stage and kind is Kind.APPROVAL else None
    return Step(
        name=spec.title,
        kind=kind,
        uses=str(uses),
        stage=column.title,
        stage_index=index,
        after=after,
        when=tuple(sorted(conditions_of(spec, stage, "when"))),
        unless=tuple(sorted(conditions_of(spec, stage, "unless"))),
        owner=str(spec.owner or (stage and stage.owner)),
        within=spec.within or (stage.within if stage and needs_sla(spec) else None),
        lasts=spec.for_,
        by=By(role=spec.notify) if kind is Kind.NOTIFY else spec.by,
        on=spec.on,
        event=spec.event,
        control=spec.control or Control.LOCAL,
        skippable=bool(spec.skippable),
        on_refusal=refusal.action if refusal else None,
    )
