"""What playbooks and variants are made of: the YAML, field by field, and the resolved step."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from fairlead.domain.values import Value
from fairlead.flow.durations import DurationText

#: A name in a playbook: `match_client`, `deal-to-delivery`.
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=80)]
#: An event's type: words with dots, `contract.signed`.
EventType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([._-][a-z0-9]+)*$", max_length=120)]
Title = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]
Version = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Kind(StrEnum):
    GATE = "gate"  # what must be true
    ACTION = "action"  # what the engine does, here or in an outside system
    APPROVAL = "approval"  # who says yes
    TASK = "task"  # what a person does
    WAIT = "wait"  # a time or an event
    NOTIFY = "notify"  # who is told


class Control(StrEnum):
    ENTERPRISE = "enterprise"  # no variant may weaken it (F102)
    LOCAL = "local"


class By(Value):
    """Who: the people with a role, or whom a policy names. Exactly one of the two."""

    role: Word | None = None
    policy: Word | None = None

    @model_validator(mode="after")
    def _one(self) -> By:
        if (self.role is None) == (self.policy is None):
            raise ValueError("say who with exactly one of role and policy")
        return self


class StepSpec(Value):
    """One step as written. Which keys go with which verb: `fairlead.flow.weave`."""

    gate: Word | None = None
    action: Word | None = None
    approval: Word | None = None
    task: Word | None = None
    wait: Word | None = None
    notify: Word | None = None
    name: Word | None = None  #: null: what follows the verb
    when: Word | None = None
    unless: Word | None = None
    after: tuple[Word, ...] | None = None  #: null: every step of the stage before
    owner: Word | None = None  #: the team that answers for it; null: the stage's
    within: DurationText | None = None  #: its SLA; null: the stage's
    control: Control | None = None  #: null: local
    skippable: StrictBool | None = None  #: null: no
    on: Word | None = None  #: action: the port of an outward one
    by: By | None = None  #: approval, task
    for_: DurationText | None = Field(default=None, alias="for")  #: wait
    event: EventType | None = None  #: wait
    about: Word | None = None  #: notify: the notice

    @property
    def verbs(self) -> tuple[Kind, ...]:
        """The verbs that it names. A sound step has one."""
        return tuple(kind for kind in Kind if getattr(self, kind.value) is not None)

    @property
    def kind(self) -> Kind:
        return self.verbs[0]

    @property
    def title(self) -> str:
        """The name by which other steps, variants and runs know it."""
        return self.name or str(getattr(self, self.kind.value))


class OnRefusal(Value):
    """What happens when an approval of the stage is refused; then the run ends `declined`."""

    action: Word  #: a local action


class Stage(Value):
    stage: Title
    owner: Word | None = None
    within: DurationText | None = None
    when: Word | None = None
    unless: Word | None = None
    steps: Annotated[tuple[StepSpec, ...], Field(min_length=1, max_length=60)]
    on_refusal: OnRefusal | None = None


class Playbook(Value):
    playbook: Word
    version: Version
    owner: Word  #: the team that answers for the definition
    subject: Word  #: what a run is about
    starts_on: EventType
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=60)]


def _as_list(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


_Text = Annotated[str, Field(min_length=1, max_length=80)]
OneOrMore = Annotated[
    tuple[_Text, ...],
    Field(min_length=1),
    BeforeValidator(_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": 80},
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {"type": "string", "minLength": 1, "maxLength": 80},
                },
            ]
        }
    ),
]


class Selectors(Value):
    """For which subjects a variant holds: all that are given must match."""

    region: OneOrMore | None = None
    country: OneOrMore | None = None
    contract_type: OneOrMore | None = None
    service_line: OneOrMore | None = None
    client_tier: OneOrMore | None = None

    @model_validator(mode="after")
    def _some(self) -> Selectors:
        if not self.given:
            raise ValueError(f"select by at least one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def given(self) -> dict[str, frozenset[str]]:
        pairs = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: frozenset(values) for name, values in pairs if values is not None}

    def match(self, facts: Mapping[str, str | None]) -> bool:
        return all(facts.get(name) in values for name, values in self.given.items())

    def may_meet(self, other: Selectors) -> bool:
        """Can one subject match both?"""
        mine, theirs = self.given, other.given
        return all(mine[name] & theirs[name] for name in mine.keys() & theirs.keys())


def _read_place(raw: Any) -> Any:
    """With `new_stage`, `after` is a stage's title; else it lists steps."""
    if not isinstance(raw, dict):
        return raw
    keys = cast("dict[str, Any]", raw)
    if "new_stage" in keys and isinstance(keys.get("after"), str):
        return {("after_stage" if key == "after" else key): keys[key] for key in keys}
    return keys


class Added(StepSpec):
    """A step that a variant adds: to a stage, or to a new one that follows another."""

    stage: Title | None = None
    new_stage: Title | None = None
    after_stage: Title | None = None  #: in YAML: `after`, beside `new_stage`

    _place = model_validator(mode="before")(_read_place)


class Tightening(Value):
    """What any step may get from a variant, an enterprise control too."""

    within: DurationText | None = None  #: no longer than it was
    control: Literal[Control.ENTERPRISE] | None = None
    after: Annotated[tuple[Word, ...], Field(min_length=1)] | None = None  #: waits for these too


class Change(Value):
    """What a variant may set anew on a local step."""

    when: Word | None = None
    unless: Word | None = None
    after: tuple[Word, ...] | None = None
    owner: Word | None = None
    within: DurationText | None = None
    control: Control | None = None
    skippable: StrictBool | None = None
    by: By | None = None
    for_: DurationText | None = Field(default=None, alias="for")
    event: EventType | None = None
    about: Word | None = None

    @property
    def given(self) -> dict[str, Any]:
        """By field name of `StepSpec`."""
        pairs = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in pairs if value is not None}


class Variant(Value):
    """A controlled difference of a playbook (F101): it adds, tightens, and edits local steps."""

    variant_of: Word
    variant: Word
    version: Version
    owner: Word
    when: Selectors
    add: Annotated[tuple[Added, ...], Field(max_length=60)] = ()
    tighten: dict[Word, Tightening] = Field(default_factory=dict[str, Tightening])
    change: dict[Word, Change] = Field(default_factory=dict[str, Change])
    remove: tuple[Word, ...] = ()

    def rivals(self, other: Variant) -> bool:
        """Are these two different variants of one playbook?"""
        return self.variant_of == other.variant_of and self.variant != other.variant


Names = Annotated[
    frozenset[str], PlainSerializer(lambda names: sorted(names), return_type=list[str])
]


class Step(Value):
    """One step with every default resolved. A skipped step counts as finished for those after."""

    name: str  #: unique in the playbook
    kind: Kind
    uses: str  #: the verb's value, that is the gate or action; for notify: the notice
    stage: str  #: the stage's title
    stage_index: int  #: from 0, in the order in which stages follow one another
    after: Names  #: names of the steps that come before it
    when: tuple[str, ...] = ()  #: conditions, all of which must hold; else it is skipped
    unless: tuple[str, ...] = ()  #: conditions, none of which may hold; else it is skipped
    owner: str  #: the team that answers for it
    within: DurationText | None = None  #: its SLA; null for what nobody waits for
    lasts: DurationText | None = None  #: wait: how long; null: until the event
    by: By | None = None  #: approval, task: who; notify: the role that is told
    on: str | None = None  #: action: the port of an outward one; null: local
    event: str | None = None  #: wait: the type of event
    control: Control = Control.LOCAL
    skippable: bool = False  #: its owner may skip it, with a reason
    on_refusal: str | None = None  #: approval: the local action that a refusal starts
