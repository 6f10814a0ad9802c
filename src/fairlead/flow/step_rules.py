"""What every stage and step must have, and what may not stand together. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fairlead.flow.grammar import Kind, Stage, StepSpec
from fairlead.flow.trouble import Path, Trouble

_ANY = frozenset({"name", "when", "unless", "after", "owner", "control", "skippable", "within"})
#: Which keys a step may have beside its verb, and which it must.
KEYS: dict[Kind, frozenset[str]] = {
    Kind.GATE: _ANY,
    Kind.ACTION: _ANY | {"on"},
    Kind.APPROVAL: _ANY | {"by"},
    Kind.TASK: _ANY | {"by"},
    Kind.WAIT: _ANY | {"for", "event"},
    Kind.NOTIFY: _ANY - {"within"} | {"about"},
}
NEEDS: dict[Kind, frozenset[str]] = {
    Kind.APPROVAL: frozenset({"by"}),
    Kind.TASK: frozenset({"by"}),
    Kind.NOTIFY: frozenset({"about"}),
}


@dataclass(frozen=True)
class Placed:
    """A step on its way into the result, and where it was written."""

    spec: StepSpec
    file: str
    path: Path
    also_after: tuple[str, ...] = ()  #: what variants make it wait for besides
    written: Mapping[str, tuple[str, Path]] = field(default_factory=dict[str, tuple[str, Path]])
    """Keys that a variant set, and where it did."""

    @property
    def by_variant(self) -> bool:
        """Did a variant say what this step waits for?"""
        return "after" in self.written or self.path[0] == "add"

    def trouble(self, message: str, *keys: str) -> Trouble:
        if keys and keys[0] in self.written:
            return Trouble(*self.written[keys[0]], message)
        return Trouble(self.file, (*self.path, *keys), message)


@dataclass
class Column:
    """A stage on its way into the result."""

    title: str
    stage: Stage | None  #: null: a variant made it
    file: str
    path: Path
    steps: list[Placed] = field(default_factory=list[Placed])


def key_of(field_name: str) -> str:
    """The YAML key of a field: `for` is a word of Python, so its field is `for_`."""
    return field_name.rstrip("_")


_FIELDS = (*sorted(_ANY), "on", "by", "for_", "event", "about")


def shape(columns: list[Column]) -> Iterator[Trouble]:
    titles: set[str] = set()
    names: dict[str, Placed] = {}
    for column in columns:
        if column.title in titles:
            yield Trouble(
                column.file,
                (*column.path, "stage"),
                f"there are two stages {column.title}: rename one",
            )
        titles.add(column.title)
        yield from _stage_shape(column)
        for placed in column.steps:
            yield from _step_shape(placed, column)
            if not placed.spec.verbs:
                continue
            name = placed.spec.title
            if name in names:
                key = "name" if placed.spec.name else placed.spec.kind.value
                yield placed.trouble(
                    f"there are two steps {name}: give one of them another `name`", key
                )
            names.setdefault(name, placed)


def _stage_shape(column: Column) -> Iterator[Trouble]:
    stage = column.stage
    if stage is None:
        return
    if stage.when is not None and stage.when == stage.unless:
        yield Trouble(
            column.file,
            (*column.path, "unless"),
            f"the stage {stage.stage} never runs: it needs {stage.when} both to hold and not to",
        )
    if stage.on_refusal and not any(Kind.APPROVAL in placed.spec.verbs for placed in column.steps):
        yield Trouble(
            column.file,
            (*column.path, "on_refusal"),
            f"nothing can be refused in the stage {stage.stage}, which has no approval: "
            "remove on_refusal, or add the approval",
        )


def _step_shape(placed: Placed, column: Column) -> Iterator[Trouble]:
    spec, stage = placed.spec, column.stage
    if len(spec.verbs) != 1:
        found = f", not {' and '.join(spec.verbs)}" if spec.verbs else ""
        yield placed.trouble(f"a step has exactly one of {', '.join(Kind)}{found}")
        return
    kind, name = spec.kind, spec.title
    given = {key_of(field) for field in _FIELDS if getattr(spec, field) is not None}
    for key in sorted(given - KEYS[kind]):
        owners = [other.value for other in Kind if key in KEYS[other]]
        yield placed.trouble(
            f"`{key}` does not go with {kind.value}, only with {', '.join(owners)}", key
        )
    for key in sorted(NEEDS.get(kind, frozenset()) - given):
        yield placed.trouble(f"the {kind.value} {name} needs `{key}`{_EXAMPLES[key]}", key)
    if kind is Kind.WAIT and (spec.for_ is None) == (spec.event is None):
        yield placed.trouble(
            f"the wait {name} needs exactly one of `for` (how long) and `event` (what ends it)",
            "for" if spec.for_ is None else "event",
        )
    if not (spec.owner or (stage and stage.owner)):
        yield placed.trouble(f"nobody answers for {name}: give it or its stage an `owner`", "owner")
    if needs_sla(spec) and not (spec.within or (stage and stage.within)):
        yield placed.trouble(
            f"{name} has no SLA: give it or its stage a `within`, such as P1D or PT8H", "within"
        )
    both = conditions_of(spec, stage, "when") & conditions_of(spec, stage, "unless")
    stage_never = stage is not None and stage.when is not None and stage.when == stage.unless
    if both and not stage_never:
        yield placed.trouble(
            f"{name} never runs: with its stage, it needs {min(both)} both to hold and not to",
            "when" if spec.when in both else "unless",
        )


_EXAMPLES = {
    "by": ", such as by: {role: pmo_lead} or by: {policy: launch-approval}",
    "about": ", the notice that it sends",
}


def needs_sla(spec: StepSpec) -> bool:
    """Somebody or something may keep this step waiting."""
    if spec.kind is Kind.ACTION:
        return spec.on is not None
    if spec.kind is Kind.WAIT:
        return spec.for_ is None
    return spec.kind is not Kind.NOTIFY


def conditions_of(spec: StepSpec, stage: Stage | None, key: str) -> frozenset[str]:
    said = (getattr(stage, key, None), getattr(spec, key))
    return frozenset(name for name in said if name is not None)
