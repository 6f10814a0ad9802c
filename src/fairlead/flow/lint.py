"""Tell every fault of a playbook or variant: what is wrong, on which line, and what to do.

Pure and total: no text makes it raise, and it reads nothing but what it is handed. The faults of
shape (`playbook_yaml`) do not hide those of meaning (`weave`): the sound part of a file is
judged too, and what follows only from a fault that was told already is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from fairlead.flow.grammar import Change, Playbook, Stage, StepSpec, Variant
from fairlead.flow.playbook_yaml import Document, Fault, Mark, Misfit, Model, fit, read
from fairlead.flow.registry import Registry, did_you_mean
from fairlead.flow.trouble import Path
from fairlead.flow.variant_rules import contradictions
from fairlead.flow.weave import weave

__all__ = ["Fault", "Vocabulary", "lint"]


@dataclass(frozen=True)
class Vocabulary:
    """The words that a firm has, so that the engine needs to know none."""

    policies: Collection[str] = ()
    roles: Collection[str] = ()
    teams: Collection[str] = ()  #: who may be an `owner`
    events: Collection[str] = ()  #: types of events that can arrive
    subjects: Collection[str] | None = None  #: null: any word


def lint(
    text: str,
    vocabulary: Vocabulary,
    registry: Registry,
    known: Sequence[Playbook | Variant] = (),
) -> list[Fault]:
    """Every fault of one file, in the order of its lines; none for a sound one.

    `known` are the definitions that stand beside it: the playbook of a variant, the variants of
    a playbook, and the other variants that it may meet. An older version of what `text` itself
    defines may be among them and is passed over.
    """
    document = read(text)
    keys: set[str] = set()
    if isinstance(document.data, dict):
        keys = set(cast("dict[str, Any]", document.data))
    elif document.data is not None:
        document.faults.append(document.fault((), "a playbook is a mapping, `key: value`"))
    if not keys:
        return sorted(set(document.faults))
    if keys & {"variant_of", "variant"}:
        faults = _variant(_Sound.of(Variant, document), vocabulary, registry, known)
    else:
        faults = _playbook(_Sound.of(Playbook, document), vocabulary, registry, known)
    return sorted({*document.faults, *faults})


# The sound part of a file ------------------------------------------------------------------------

#: Stand in for what a file lacks, so that the rest of it can be judged. Nobody sees them.
_STAND_INS: dict[str | int, Any] = {
    "playbook": "unnamed",
    "variant_of": "unnamed",
    "variant": "unnamed",
    "version": 1,
    "owner": "unnamed",
    "subject": "unnamed",
    "starts_on": "unnamed",
    "when": {"region": "unnamed"},
    "stage": "unnamed",
}
#: Taking out one part can bring another to light, as many times as parts are nested.
_ROUNDS = 12


@dataclass
class _Sound:
    """A definition without the parts that are of the wrong shape, which are told in `faults`."""

    document: Document  #: of the part that is left
    value: Playbook | Variant | None = None
    faults: list[Fault] = field(default_factory=list[Fault])
    hurt: set[tuple[Mark | None, str | int | None]] = field(
        default_factory=set[tuple["Mark | None", "str | int | None"]]
    )
    """Where faults were told: the place of a mapping and its key; None: in it as such."""

    @classmethod
    def of(cls, model: type[Model], document: Document) -> _Sound:
        sound = cls(document)
        for _ in range(_ROUNDS):
            fitted = fit(model, sound.document.data)
            if not isinstance(fitted, list):
                sound.value = fitted
                break
            sound.faults += [
                fault for misfit in fitted for fault in sound.fault(misfit.path, misfit.message)
            ]
            if not sound._mend(fitted):
                break
        return sound

    def fault(self, path: Path, message: str) -> Iterator[Fault]:
        """The fault, unless it only follows from one that was told."""
        if not any(cause in self.hurt for cause in self._causes(path)):
            yield self.document.fault(path, message)

    def _causes(self, path: Path) -> Iterator[tuple[Mark | None, str | int | None]]:
        if not path:
            return
        values = self.document.values
        yield values.get(path[:-1]), path[-1]
        yield values.get(path), None
        if path[0] == "stages" and path[-1] in ("owner", "within"):
            yield values.get(path[:2]), path[-1]  # what a stage lacks, its steps lack too

    def _mend(self, misfits: Sequence[Misfit]) -> bool:
        """Take out what is wrong and put in what is missing; False where there is no way."""
        bad: set[Path] = set()
        for misfit in misfits:
            path = misfit.path
            if not path:
                return False
            self._remember(path)
            self.hurt |= {(self.document.values.get(path[:-1]), key) for key in misfit.meant}
            if path in self.document.values:
                bad.add(path)
            elif path[-1] in _STAND_INS:
                self.document.put(path, _STAND_INS[path[-1]])
            elif len(path) > 1:
                bad.add(path[:-1])
            else:
                return False
        self.document = self.document.without(bad)
        return True

    def _remember(self, path: Path) -> None:
        for end in range(len(path)):
            around = self.document.values.get(path[:end])
            self.hurt |= {(around, path[end]), (around, None)}


# Meaning -----------------------------------------------------------------------------------------


def _playbook(
    sound: _Sound, vocabulary: Vocabulary, registry: Registry, known: Sequence[Playbook | Variant]
) -> Iterator[Fault]:
    yield from sound.faults
    if not isinstance(playbook := sound.value, Playbook):
        return
    troubles = weave(playbook).troubles
    for trouble in troubles:
        yield from sound.fault(trouble.path, trouble.message)
    words = _Words(sound, vocabulary, registry)
    yield from words.known(("owner",), "team", playbook.owner, vocabulary.teams)
    yield from words.known(("starts_on",), "event", playbook.starts_on, vocabulary.events)
    if vocabulary.subjects is not None:
        yield from words.known(("subject",), "subject", playbook.subject, vocabulary.subjects)
    for i, stage in enumerate(playbook.stages):
        path: Path = ("stages", i)
        yield from words.stage(path, stage)
        if stage.on_refusal:
            yield from words.refusal((*path, "on_refusal", "action"), stage.on_refusal.action)
        for j, step in enumerate(stage.steps):
            yield from words.step((*path, "steps", j), step)
    if sound.faults:
        return
    alone = {trouble.message for trouble in troubles}
    for variant in known:
        if isinstance(variant, Variant) and variant.variant_of == playbook.playbook:
            for trouble in weave(playbook, [variant]).troubles:
                if trouble.message not in alone:
                    yield sound.document.fault(
                        ("playbook",),
                        f"its variant {variant.variant} does not fit it: {trouble.message}",
                    )


def _variant(
    sound: _Sound, vocabulary: Vocabulary, registry: Registry, known: Sequence[Playbook | Variant]
) -> Iterator[Fault]:
    yield from sound.faults
    if not isinstance(variant := sound.value, Variant):
        return
    words = _Words(sound, vocabulary, registry)
    yield from words.known(("owner",), "team", variant.owner, vocabulary.teams)
    for i, added in enumerate(variant.add):
        yield from words.step(("add", i), added)
    playbooks = {each.playbook: each for each in known if isinstance(each, Playbook)}
    playbook = playbooks.get(variant.variant_of)
    if playbook is None:
        yield from sound.fault(
            ("variant_of",),
            f"there is no playbook {variant.variant_of}"
            f"{did_you_mean(variant.variant_of, playbooks)}",
        )
    else:
        alone = {trouble.message for trouble in weave(playbook).troubles}
        for trouble in weave(playbook, [variant]).troubles:
            if trouble.file == variant.variant:
                yield from sound.fault(trouble.path, trouble.message)
            elif trouble.message not in alone:
                yield from sound.fault(("variant",), trouble.message)
    for name, change in variant.change.items():
        yield from words.shared(("change", name), change)
    for other in known:
        if isinstance(other, Variant) and other.rivals(variant):
            for trouble in contradictions(other, variant):
                yield from sound.fault(trouble.path, trouble.message)


@dataclass(frozen=True)
class _Words:
    """Is every name that a file uses known?"""

    sound: _Sound
    vocabulary: Vocabulary
    registry: Registry

    def known(
        self, path: Path, what: str, word: str | None, words: Collection[str]
    ) -> Iterator[Fault]:
        if word is not None and word not in words:
            yield from self.sound.fault(
                path, f"there is no {what} {word}{did_you_mean(word, words)}"
            )

    def step(self, path: Path, step: StepSpec) -> Iterator[Fault]:
        yield from self.shared(path, step)
        yield from self.known((*path, "gate"), "gate", step.gate, self.registry.gates)
        yield from self.known((*path, "notify"), "role", step.notify, self.vocabulary.roles)
        if step.action is not None:
            yield from self.action((*path, "action"), (*path, "on"), step.action, step.on)

    def shared(self, path: Path, step: StepSpec | Change) -> Iterator[Fault]:
        """What a step and a change of one may both name."""
        yield from self.stage(path, step)
        yield from self.known((*path, "event"), "event", step.event, self.vocabulary.events)
        yield from self.known((*path, "about"), "notice", step.about, self.registry.notices)
        if step.by:
            at = (*path, "by")
            yield from self.known((*at, "role"), "role", step.by.role, self.vocabulary.roles)
            yield from self.known(
                (*at, "policy"), "policy", step.by.policy, self.vocabulary.policies
            )

    def stage(self, path: Path, part: Stage | StepSpec | Change) -> Iterator[Fault]:
        """What stages may name too."""
        conditions = self.registry.conditions
        yield from self.known((*path, "owner"), "team", part.owner, self.vocabulary.teams)
        yield from self.known((*path, "when"), "condition", part.when, conditions)
        yield from self.known((*path, "unless"), "condition", part.unless, conditions)

    def action(self, path: Path, on_path: Path, name: str, on: str | None) -> Iterator[Fault]:
        yield from self.known(path, "action", name, self.registry.actions)
        action = self.registry.actions.get(name)
        if action is None or action.on == on:
            return
        if on is None:
            yield from self.sound.fault(
                path, f"{name} acts on {action.on}, outside: say so with `on: {action.on}`"
            )
        elif action.on is None:
            yield from self.sound.fault(
                on_path, f"{name} is a local action, it acts on nothing outside: remove `on`"
            )
        else:
            yield from self.sound.fault(
                on_path, f"{name} acts on {action.on}, not on {on}: write `on: {action.on}`"
            )

    def refusal(self, path: Path, name: str) -> Iterator[Fault]:
        yield from self.known(path, "action", name, self.registry.actions)
        action = self.registry.actions.get(name)
        if action and action.on:
            yield from self.sound.fault(
                path, f"on_refusal takes a local action, and {name} acts on {action.on}"
            )
